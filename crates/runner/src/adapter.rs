//! What templates may ask of the warehouse while they are rendered: the bridge from Jinja's blocking calls to the
//! warehouse's asynchronous ones.
//!
//! Guarantees: a template sees the staged versions that its node is given, and otherwise what is published; a
//! cancelled run ends a template's query. Statements that change relations run at once, each as one commit, and only
//! for commands that hold the workspace. Calls must come from a thread that may block.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::datatypes::{FieldRef, Schema};
use futures::TryStreamExt;
use millstream_core::warehouse::{Executed, QueryOptions, RelationKind as CoreKind, Staged};
use millstream_core::{Error, Kind, Result, TableName, Warehouse};
use millstream_jinja::{Adapter, Column, Relation, RelationKind, Response, Table};
use millstream_project::Naming;
use tokio::runtime::Handle;

use crate::cells;
use crate::event::EventGate;
use crate::sqltype::{snowflake_type, sql_type};
use crate::{Cancel, Event};

/// The warehouse for one rendering.
pub(crate) struct WarehouseAdapter {
    pub(crate) warehouse: Arc<dyn Warehouse>,
    pub(crate) options: QueryOptions,
    pub(crate) events: Arc<EventGate>,
    pub(crate) cancel: Cancel,
    pub(crate) runtime: Handle,
    pub(crate) type_name: String,
    /// How names are written, and which relations they mean.
    pub(crate) naming: Naming,
    /// The target's database.
    pub(crate) database: Option<String>,
    /// Whether statements may change relations; commands that only read say no.
    pub(crate) may_write: bool,
    /// Temporary relations of the run.
    pub(crate) temporary: Arc<Temporary>,
    /// Statements that were carried out, where someone wants to know them.
    pub(crate) log: Option<Arc<Mutex<Vec<String>>>>,
}

/// Relations that are dropped when the run ends.
#[derive(Default)]
pub(crate) struct Temporary(Mutex<BTreeSet<TableName>>);

impl Temporary {
    /// Drops all of them; what cannot be dropped is told.
    pub(crate) async fn drop_all(&self, warehouse: &dyn Warehouse, events: &EventGate) {
        let all = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        for name in all {
            if let Err(error) = warehouse.drop_relation(&name).await {
                let message = format!("the temporary table {name} could not be dropped: {error}");
                events.on(&Event::Warning { message: &message });
            }
        }
    }
}

/// Carries out statements for a run: notes are told once, temporary relations are remembered.
pub(crate) async fn execute(
    warehouse: &dyn Warehouse,
    sql: &str,
    options: &QueryOptions,
    events: &EventGate,
    temporary: &Temporary,
) -> Result<Vec<Executed>> {
    let done = warehouse.execute(sql, options).await?;
    for one in &done {
        if let (true, Some(name)) = (one.is_temporary, &one.relation) {
            temporary.0.lock().unwrap_or_else(PoisonError::into_inner).insert(name.clone());
        }
        if let Some(note) = &one.note {
            events.note_once(&format!("{}: {note}", one.verb.to_lowercase()));
        }
    }
    Ok(done)
}

/// The relation of a stored name, as the target's adapter shows it.
pub(crate) fn shown(naming: Naming, database: Option<&str>, name: &TableName, kind: CoreKind) -> Relation {
    let relation = naming.relation(database, &naming.shown(&name.schema), &naming.shown(&name.name));
    relation.with_kind(match kind {
        CoreKind::Table => RelationKind::Table,
        CoreKind::View => RelationKind::View,
    })
}

/// The stored name that a relation means. One without a schema (a temporary table's) is in the default one, where SQL
/// that names it so puts it.
pub(crate) fn named(naming: Naming, relation: &Relation, default_schema: Option<&str>) -> Result<TableName> {
    match (relation.schema.as_deref().or(default_schema), &relation.identifier) {
        (Some(schema), Some(identifier)) => Ok(naming.table_name(schema, identifier)),
        _ => Err(Error::user(format!("'{relation}' does not name a table or view in a schema"))),
    }
}

/// The columns of a relation that may not be there, as the target's adapter shows them.
pub(crate) fn columns(naming: Naming, schema: Option<&Schema>) -> Vec<Column> {
    let fields = schema.into_iter().flat_map(|schema| schema.fields().iter());
    let column = |field: &FieldRef| {
        let name = naming.shown(field.name());
        // Snowflake's adapter is the one that writes databases, and tells names and types in upper case.
        if naming.writes_database {
            let mut column = Column::new(name, &snowflake_type(field.data_type()));
            column.dtype.make_ascii_uppercase();
            return column;
        }
        Column::new(name, &sql_type(field.data_type()))
    };
    fields.map(column).collect()
}

impl WarehouseAdapter {
    fn wait<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        self.runtime.block_on(self.cancel.race(work))
    }

    fn named(&self, relation: &Relation) -> Result<TableName> {
        named(self.naming, relation, self.options.default_schema.as_deref())
    }

    /// Of the target's database, unless another is asked for.
    fn shown(&self, database: Option<&str>, name: &TableName, kind: CoreKind) -> Relation {
        shown(self.naming, database.or(self.database.as_deref()), name, kind)
    }

    /// A statement of ours.
    fn change(&self, sql: &str) -> Result<()> {
        self.check_may_write(sql)?;
        let done = execute(&*self.warehouse, sql, &self.options, &self.events, &self.temporary);
        self.wait(done).map(|_| ())
    }

    fn check_may_write(&self, sql: &str) -> Result<()> {
        if self.may_write {
            return Ok(());
        }
        Err(Error::user("this command changes nothing in the warehouse").why(format!("asked for: {}", sql.trim())).hint(
            "guard the statement with {% if flags.WHICH in ('run', 'build') %}, or use run-operation to carry it out",
        ))
    }

    /// The stored name of the schema that a relation names.
    fn schema_of(&self, relation: &Relation) -> Result<String> {
        match &relation.schema {
            Some(schema) => Ok(self.naming.table_name(schema, "").schema),
            None => Err(Error::user(format!("'{relation}' names no schema"))),
        }
    }

    fn staged(&self, name: &TableName) -> Option<&Arc<dyn Staged>> {
        self.options.staged.iter().find(|staged| staged.name() == name)
    }
}

impl Adapter for WarehouseAdapter {
    fn type_name(&self) -> &str {
        &self.type_name
    }

    fn execute(&self, sql: &str, fetch: bool) -> Result<(Response, Table)> {
        if let Some(log) = &self.log {
            log.lock().unwrap_or_else(PoisonError::into_inner).push(sql.trim().to_owned());
        }
        let ran = self.wait(async {
            let last = if self.may_write {
                execute(&*self.warehouse, sql, &self.options, &self.events, &self.temporary).await?.pop()
            } else {
                let result = self.warehouse.query(sql, &self.options).await;
                let result = result.map_err(|error| match error.kind() {
                    Kind::Usage => self.check_may_write(sql).err().unwrap_or(error),
                    _ => error,
                })?;
                Some(Executed { result: Some(result), ..Executed::new("SELECT") })
            };
            let last = last.unwrap_or_else(|| Executed::new("OK"));
            let Some(result) = last.result else {
                return Ok((response(last.verb, last.rows_affected), Table::default()));
            };
            let schema = Arc::clone(&result.schema);
            let batches: Vec<_> = result.stream.try_collect().await?;
            let rows: usize = batches.iter().map(|batch| batch.num_rows()).sum();
            let table = if fetch { cells::table(&schema, &batches)? } else { Table::default() };
            Ok((response(last.verb, Some(rows as u64)), table))
        });
        ran.map_err(|error| in_query(sql, &error))
    }

    fn get_relation(&self, database: Option<&str>, schema: &str, identifier: &str) -> Result<Option<Relation>> {
        let name = self.naming.table_name(schema, identifier);
        let kind = match self.staged(&name) {
            Some(staged) => Some(staged.kind()),
            None => self.wait(self.warehouse.relation(&name))?.map(|found| found.kind),
        };
        Ok(kind.map(|kind| self.shown(database, &name, kind)))
    }

    fn get_columns(&self, relation: &Relation) -> Result<Vec<Column>> {
        let name = self.named(relation)?;
        let schema = match self.staged(&name) {
            Some(staged) => Some(staged.schema()),
            None => self.wait(self.warehouse.relation(&name))?.map(|found| found.schema),
        };
        Ok(columns(self.naming, schema.as_deref()))
    }

    fn list_relations(&self, database: Option<&str>, schema: &str) -> Result<Vec<Relation>> {
        let schema = self.naming.table_name(schema, "").schema;
        let schema = schema.as_str();
        let mut found = self.wait(self.warehouse.relations(Some(schema)))?;
        for staged in self.options.staged.iter().filter(|staged| staged.name().schema == schema) {
            found.retain(|known| known.name != *staged.name());
        }
        let mut all: Vec<(TableName, CoreKind)> = found.into_iter().map(|known| (known.name, known.kind)).collect();
        let staged = self.options.staged.iter().filter(|staged| staged.name().schema == schema);
        all.extend(staged.map(|staged| (staged.name().clone(), staged.kind())));
        all.sort_by(|a, b| a.0.cmp(&b.0));
        Ok(all.iter().map(|(name, kind)| self.shown(database, name, *kind)).collect())
    }

    fn list_schemas(&self, _database: Option<&str>) -> Result<Vec<String>> {
        self.wait(async {
            let sql = "select schema_name from information_schema.schemata where schema_name <> 'information_schema'";
            let result = self.warehouse.query(sql, &QueryOptions::default()).await?;
            let schema = Arc::clone(&result.schema);
            let batches: Vec<_> = result.stream.try_collect().await?;
            let rows = cells::table(&schema, &batches)?.rows;
            Ok(rows.into_iter().flatten().filter_map(|cell| cell.as_str().map(str::to_owned)).collect())
        })
    }

    fn schema_exists(&self, database: Option<&str>, schema: &str) -> Result<bool> {
        let schema = self.naming.table_name(schema, "").schema;
        Ok(self.list_schemas(database)?.contains(&schema))
    }

    fn create_schema(&self, relation: &Relation) -> Result<()> {
        self.change(&format!("create schema if not exists {}", quote(&self.schema_of(relation)?)))
    }

    fn drop_schema(&self, relation: &Relation) -> Result<()> {
        self.change(&format!("drop schema if exists {} cascade", quote(&self.schema_of(relation)?)))
    }

    fn drop_relation(&self, relation: &Relation) -> Result<()> {
        let name = self.named(relation)?;
        self.check_may_write(&format!("drop {name}"))?;
        self.wait(self.warehouse.drop_relation(&name))
    }

    fn truncate_relation(&self, relation: &Relation) -> Result<()> {
        self.change(&format!("truncate table {}", quoted(&self.named(relation)?)))
    }

    fn rename_relation(&self, from: &Relation, to: &Relation) -> Result<()> {
        let (from, to) = (quoted(&self.named(from)?), quoted(&self.named(to)?));
        self.change(&format!("alter table {from} rename to {to}"))
    }

    fn log(&self, message: &str, info: bool) {
        if info {
            self.events.on(&Event::Note { message });
        }
    }

    fn warn(&self, message: &str) {
        self.events.on(&Event::Warning { message });
    }
}

/// The place in the error is one in the query's text, which is no file: the text itself is told instead, and the
/// template gives the place of its call.
fn in_query(sql: &str, error: &Error) -> Error {
    let causes = error.causes().iter().fold(Error::new(error.kind(), error.what()), |told, cause| told.why(cause));
    let told = causes.why(format!("the query is: {}", sql.trim()));
    match error.fix() {
        Some(fix) => told.hint(fix),
        None => told,
    }
}

fn response(verb: &str, rows: Option<u64>) -> Response {
    let message = rows.map_or_else(|| verb.to_owned(), |rows| format!("{verb} {rows}"));
    Response { message, rows_affected: rows.and_then(|rows| i64::try_from(rows).ok()) }
}

fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn quoted(name: &TableName) -> String {
    format!("{}.{}", quote(&name.schema), quote(&name.name))
}
