//! The seam to the warehouse: what templates may ask of it while they are rendered with `execute`.
//!
//! Calls block. A runner that is asynchronous renders on a blocking thread.

use millstream_core::{Error, Result};
use serde_json::Value as Json;

use crate::{Column, Relation};

/// One column of a [`Table`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableColumn {
    /// Its name as the query gave it.
    pub name: String,
    /// Its SQL type, in lower case (`bigint`, `decimal(18,2)`, `varchar`, `timestamp`, …).
    pub data_type: String,
}

/// Rows that a query gave back: `run_query()` shows them to templates as dbt's agate tables are shown
/// (`.columns[i].values()`, `.rows`, `.column_names`, iteration over rows).
///
/// Cells: numbers, booleans and null as JSON; text, dates (`2025-06-01`) and timestamps (ISO 8601) as JSON strings;
/// decimals as strings in a column whose type says `decimal` or `numeric`, so that no digit is lost.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Table {
    /// The columns, in the order of the query.
    pub columns: Vec<TableColumn>,
    /// The rows; each has as many cells as there are columns.
    pub rows: Vec<Vec<Json>>,
}

/// What a statement did.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Response {
    /// For example `SELECT 3` or `OK`.
    pub message: String,
    /// Rows that were changed, where known.
    pub rows_affected: Option<i64>,
}

/// The warehouse as templates see it.
///
/// What a method does not support it refuses with a user error that names the model's way out; the defaults below do that.
pub trait Adapter: Send + Sync {
    /// The adapter type for `adapter.type()` and `adapter.dispatch` (`millstream`, `snowflake`, …).
    fn type_name(&self) -> &str {
        "millstream"
    }
    /// Runs one statement; with `fetch` gives its rows, else an empty table.
    fn execute(&self, sql: &str, fetch: bool) -> Result<(Response, Table)>;
    /// The relation of that name with its kind, or none.
    fn get_relation(&self, database: Option<&str>, schema: &str, identifier: &str) -> Result<Option<Relation>>;
    /// The columns of a relation, in order; empty when there is no such relation.
    fn get_columns(&self, relation: &Relation) -> Result<Vec<Column>>;
    /// All relations of a schema.
    fn list_relations(&self, database: Option<&str>, schema: &str) -> Result<Vec<Relation>>;
    /// Every schema's name.
    fn list_schemas(&self, _database: Option<&str>) -> Result<Vec<String>> {
        Ok(Vec::new())
    }
    /// Whether the schema exists.
    fn schema_exists(&self, database: Option<&str>, schema: &str) -> Result<bool> {
        Ok(!self.list_relations(database, schema)?.is_empty())
    }
    /// Creates a schema if it is not there. The embedded warehouse makes schemas as tables come, hence the default.
    fn create_schema(&self, _relation: &Relation) -> Result<()> {
        Ok(())
    }
    /// Drops a schema with all that is in it.
    fn drop_schema(&self, relation: &Relation) -> Result<()> {
        Err(refused("drop_schema", relation))
    }
    /// Drops a table or view; nothing happens if it is not there.
    fn drop_relation(&self, relation: &Relation) -> Result<()> {
        Err(refused("drop_relation", relation))
    }
    /// Empties a table.
    fn truncate_relation(&self, relation: &Relation) -> Result<()> {
        Err(refused("truncate_relation", relation))
    }
    /// Renames a table or view.
    fn rename_relation(&self, from: &Relation, _to: &Relation) -> Result<()> {
        Err(refused("rename_relation", from))
    }
    /// An identifier as the dialect quotes it.
    fn quote(&self, identifier: &str) -> String {
        format!("\"{}\"", identifier.replace('"', "\"\""))
    }
    /// A line for the log; `info` lines are meant for the user's eyes.
    fn log(&self, message: &str, info: bool) {
        let _ = (message, info);
    }
    /// A warning from `exceptions.warn`.
    fn warn(&self, message: &str) {
        self.log(message, true);
    }
}

fn refused(method: &str, relation: &Relation) -> Error {
    Error::user(format!("adapter.{method} is not available here (asked for {relation})"))
        .hint("let the materialization create and drop relations")
}

/// For rendering without a warehouse (`compile`, `ls`): nothing exists, and queries are refused.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoAdapter;

impl Adapter for NoAdapter {
    fn execute(&self, _sql: &str, _fetch: bool) -> Result<(Response, Table)> {
        Err(Error::user("this template runs a query, but there is no warehouse at hand")
            .hint("guard the query with {% if execute %}"))
    }
    fn get_relation(&self, _: Option<&str>, _: &str, _: &str) -> Result<Option<Relation>> {
        Ok(None)
    }
    fn get_columns(&self, _relation: &Relation) -> Result<Vec<Column>> {
        Ok(Vec::new())
    }
    fn list_relations(&self, _: Option<&str>, _: &str) -> Result<Vec<Relation>> {
        Ok(Vec::new())
    }
}
