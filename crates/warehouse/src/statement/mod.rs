//! Statements that change relations: one file for each kind.
//!
//! Guarantees: each statement is one commit (or one rename of a folder or file), so that a killed process leaves the
//! relation as it was before or after; what a failing statement has written is removed; only files that hold a touched
//! row are rewritten, and which rows those are is known by file and row number, so that what goes and what stays is
//! decided once. A commit that another writer came before is tried again on the newer version, and a statement that runs
//! short of memory once more in a way that needs less (see [`crate::lean`]).
//!
//! Deliberately absent: transactions over several statements, constraints, indexes, rights, comments; see
//! [`millstream_sql::command`] for what is accepted without effect and what is refused.

mod alter;
mod create;
mod delete;
mod drop;
mod insert;
mod merge;
mod positions;
mod rename;
mod target;
mod update;

use std::sync::Arc;

use futures::{StreamExt, TryStreamExt};
use millstream_core::warehouse::{Dialect, Executed, QueryOptions, RelationKind};
use millstream_core::{Error, Result, TableName};
use millstream_sql::command::RelationName;
use millstream_sql::{Command, Statement};

use crate::engine::{CATALOG, stored_schema};
use crate::lean::or_lean;
use crate::stage::Request;
use crate::warehouse::Inner;

/// Attempts of one statement when others commit to the same table in between.
const ATTEMPTS_MAX: usize = 20;

/// What every statement is given.
pub(crate) struct Run<'a> {
    inner: &'a Arc<Inner>,
    options: &'a QueryOptions,
}

/// Carries out every statement of a text. The text is understood whole before the first statement runs.
pub(crate) async fn execute(inner: &Arc<Inner>, sql: &str, options: &QueryOptions) -> Result<Vec<Executed>> {
    let commands = millstream_sql::parse_in(options.dialect, sql)?
        .into_iter()
        .map(millstream_sql::command)
        .collect::<Result<Vec<Command>>>()?;
    if commands.is_empty() {
        return Err(Error::user("there is no SQL statement").why("the text is empty or holds only comments"));
    }
    let run = Run { inner, options };
    let count = commands.len();
    let mut done = Vec::with_capacity(count);
    let mut has_changed = false;
    for (at, command) in commands.into_iter().enumerate() {
        let is_last = at + 1 == count;
        let one = match command {
            Command::Rollback if has_changed => Err(Error::user("'rollback' cannot take back what was done")
                .why("each statement is a commit of its own; the ones before it in this text stay")
                .hint("take begin and rollback out, or stop before the first change")),
            command => run.carry_out(&command, is_last).await,
        };
        let one = match one {
            Err(error) if count > 1 => return Err(error.context(format!("statement {} of {count} failed", at + 1))),
            other => other?,
        };
        has_changed |= one.relation.is_some();
        done.push(one);
    }
    Ok(done)
}

impl Run<'_> {
    async fn carry_out(&self, command: &Command, keep_rows: bool) -> Result<Executed> {
        let options = self.options;
        let attempt = |inner: Arc<Inner>| async move {
            let run = Run { inner: &inner, options };
            match command {
                Command::Read(statement) => run.read(statement, keep_rows).await,
                _ => run.repeat(command).await,
            }
        };
        or_lean(self.inner, attempt).await
    }

    async fn repeat(&self, command: &Command) -> Result<Executed> {
        let mut attempt = 1;
        loop {
            match self.change(command).await {
                Err(error) if error.is_retryable() && attempt < ATTEMPTS_MAX => attempt += 1,
                other => return other,
            }
        }
    }

    async fn read(&self, statement: &Statement, keep_rows: bool) -> Result<Executed> {
        let engine = &self.inner.engine;
        let planned = engine.plan_statement(&self.inner.catalog, statement.clone(), self.options, None)?;
        let result = engine.begin(&planned).await?;
        if keep_rows {
            return Ok(Executed { result: Some(result), ..Executed::new("SELECT") });
        }
        // Its errors count, and it must not see what the statements behind it do.
        result.stream.map(|batch| batch.map(|_| ())).try_collect::<()>().await?;
        Ok(Executed::new("SELECT"))
    }

    async fn change(&self, command: &Command) -> Result<Executed> {
        match command {
            Command::CreateTable(it) => create::table(self, it).await,
            Command::CreateView(it) => create::view(self, it).await,
            Command::CreateSchema { name, if_not_exists } => create::schema(self, name, *if_not_exists),
            Command::DropSchema { names, if_exists, cascade } => drop::schemas(self, names, *if_exists, *cascade),
            Command::DropRelations { names, views, if_exists } => drop::relations(self, names, *views, *if_exists),
            Command::Truncate { names, if_exists } => delete::truncate(self, names, *if_exists).await,
            Command::Rename { from, to, if_exists } => rename::rename(self, from, to, *if_exists),
            Command::AlterColumns(it) => alter::columns(self, it).await,
            Command::Insert(it) => insert::insert(self, it).await,
            Command::Delete(it) => delete::delete(self, it).await,
            Command::Update(it) => update::update(self, it).await,
            Command::Merge(it) => merge::merge(self, it).await,
            Command::Nothing { verb, note } => Ok(Executed { note: note.clone(), ..Executed::new(verb) }),
            Command::Rollback => Ok(Executed::new("ROLLBACK")),
            Command::Read(_) => Err(Error::ours("a query was taken for a change")),
        }
    }

    /// The relation that a statement changes or makes. Unlike in queries, a name without a schema means the default
    /// schema only: what is changed must not depend on what else there is.
    fn name(&self, written: &RelationName) -> Result<TableName> {
        // In Snowflake's SQL a name that is not in lower case means the stored name in lower case; its databases are one.
        let is_snowflake = self.options.dialect == Dialect::Snowflake;
        let stored = |name: &str| match is_snowflake && !name.chars().any(char::is_lowercase) {
            true => name.to_lowercase(),
            false => name.to_owned(),
        };
        let other = |catalog: &&str| !is_snowflake && *catalog != CATALOG;
        if let Some(catalog) = written.catalog.as_deref().filter(other) {
            let short = RelationName { catalog: None, ..written.clone() };
            return Err(Error::user(format!("there is no database '{catalog}'")).hint(format!("write {short}")));
        }
        let schema = match written.schema.as_deref() {
            Some(schema) => Some(stored(schema)),
            None => stored_schema(self.options.dialect, self.options.default_schema.as_deref()),
        };
        let schema = schema.ok_or_else(|| {
            Error::user(format!("the schema of '{written}' is not known")).hint(format!("write schema.{written}"))
        })?;
        let name = TableName::new(schema, stored(&written.name));
        self.inner.catalog.folder(&name)?;
        if self.options.staged.iter().any(|staged| *staged.name() == name) {
            return Err(Error::user(format!("'{name}' cannot be changed before its new version is published")));
        }
        Ok(name)
    }

    fn kind(&self, name: &TableName) -> Result<Option<RelationKind>> {
        self.inner.catalog.kind(name)
    }

    fn request<'r>(&'r self, name: &'r TableName) -> Request<'r> {
        Request {
            inner: self.inner.clone(),
            name,
            options: self.options,
            on_schema_change: Default::default(),
            durable: true,
            earlier: None,
        }
    }
}

/// A relation that a statement names is not there.
fn missing(name: &TableName, what: &str) -> Error {
    Error::user(format!("there is no {what} '{name}'")).hint("write 'if exists' when that is fine")
}

/// What was done to a relation.
fn changed(verb: &'static str, name: TableName, rows: Option<u64>) -> Executed {
    Executed { rows_affected: rows, relation: Some(name), ..Executed::new(verb) }
}
