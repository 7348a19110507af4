//! `create table`, `create view`, `create schema`.

use std::fs;

use millstream_core::warehouse::{Executed, RelationKind};
use millstream_core::{Error, Result, TableName};
use millstream_sql::command::{CreateTable, CreateView};
use serde_json::{Map, Value};

use super::{Run, changed};
use crate::log::history;
use crate::stage;

/// Key of a commit's note that says that the relation is of one session only.
const TEMPORARY: &str = "temporary";

pub(super) async fn table(run: &Run<'_>, it: &CreateTable) -> Result<Executed> {
    let name = run.name(&it.name)?;
    let verb = "CREATE TABLE";
    if let Some(kind) = run.kind(&name)? {
        if it.if_not_exists {
            return Ok(Executed { note: Some(format!("'{name}' exists already")), ..Executed::new(verb) });
        }
        let may_replace = it.or_replace || (it.temporary && is_temporary(run, &name)?);
        if !may_replace {
            return Err(exists(&name));
        }
        if kind == RelationKind::View {
            return Err(other_kind(&name, "view", "table"));
        }
        if it.temporary && !is_temporary(run, &name)? {
            return Err(Error::user(format!("'{name}' exists and is no temporary table"))
                .why("a temporary table would take its place for good")
                .hint("give the temporary table another name"));
        }
    }
    let request = run.request(&name);
    let planned = run.inner.engine.plan_statement(&run.inner.catalog, it.query.clone(), run.options, None)?;
    let staged = stage::replace_planned(&request, planned).await?;
    let committed = staged.publish(note(it.temporary)).await?;
    Ok(Executed {
        is_temporary: it.temporary,
        note: it.note.clone(),
        ..changed(verb, name, Some(committed.rows_added))
    })
}

pub(super) async fn view(run: &Run<'_>, it: &CreateView) -> Result<Executed> {
    let name = run.name(&it.name)?;
    let verb = "CREATE VIEW";
    if let Some(kind) = run.kind(&name)? {
        if it.if_not_exists {
            return Ok(Executed { note: Some(format!("'{name}' exists already")), ..Executed::new(verb) });
        }
        if !it.or_replace {
            return Err(exists(&name));
        }
        if kind == RelationKind::Table {
            return Err(other_kind(&name, "table", "view"));
        }
    }
    let staged = stage::view(&run.request(&name), it.sql.clone())?;
    staged.publish(note(it.temporary)).await?;
    Ok(Executed { is_temporary: it.temporary, ..changed(verb, name, None) })
}

pub(super) fn schema(run: &Run<'_>, name: &str, if_not_exists: bool) -> Result<Executed> {
    let folder = run.inner.catalog.schema_folder(name)?;
    if folder.is_dir() {
        return match if_not_exists {
            true => Ok(Executed::new("CREATE SCHEMA")),
            false => Err(Error::user(format!("the schema '{name}' exists already"))
                .hint("write 'create schema if not exists' when that is fine")),
        };
    }
    fs::create_dir_all(&folder).map_err(|error| {
        Error::environment(format!("the schema '{name}' cannot be made")).why(format!("{}: {error}", folder.display()))
    })?;
    Ok(Executed::new("CREATE SCHEMA"))
}

fn note(temporary: bool) -> Map<String, Value> {
    temporary.then(|| (TEMPORARY.to_owned(), Value::Bool(true))).into_iter().collect()
}

/// Whether the table that is there was made as a temporary one, by this session or one that died.
fn is_temporary(run: &Run<'_>, name: &TableName) -> Result<bool> {
    let latest = history::history(&run.inner.catalog.folder(name)?, usize::MAX)?;
    Ok(latest.last().is_some_and(|first| first.note.get(TEMPORARY) == Some(&Value::Bool(true))))
}

fn exists(name: &TableName) -> Error {
    Error::user(format!("'{name}' exists already"))
        .hint("write 'create or replace', or 'if not exists' when that is fine")
}

pub(super) fn other_kind(name: &TableName, is: &str, wanted: &str) -> Error {
    Error::user(format!("'{name}' is a {is}, not a {wanted}")).hint(format!("drop the {is} first: drop {is} {name}"))
}
