//! What templates are told of the warehouse while they are only checked.
//!
//! Guarantees: nothing is changed; a query runs only where it is allowed and its answer cannot differ from the one
//! that it will get when the node runs. Everything else that a template asks and that nobody can know yet ends the
//! rendering, and the reason is kept: the node is unknown, not wrong.

use std::sync::{Arc, Mutex, PoisonError};

use futures::TryStreamExt;
use millstream_core::warehouse::{Dialect, Expected, QueryOptions, RelationKind as CoreKind};
use millstream_core::{Error, Result, TableName, Warehouse};
use millstream_jinja::{Adapter, Column, Relation, Response, Table};
use millstream_project::Naming;
use tokio::runtime::Handle;

use super::expected::Known;
use crate::adapter::{columns, named, shown};
use crate::cells;

/// The warehouse as one node's template sees it.
pub(super) struct CheckAdapter {
    pub(super) warehouse: Arc<dyn Warehouse>,
    pub(super) options: QueryOptions,
    pub(super) runtime: Handle,
    pub(super) type_name: String,
    /// How names are written, and which relations they mean.
    pub(super) naming: Naming,
    /// The target's database.
    pub(super) database: Option<String>,
    pub(super) known: Arc<Known>,
    /// The relation that the node builds: what exists of it is what the node will find.
    pub(super) own: Option<TableName>,
    pub(super) queries: bool,
    pub(super) unsure: Mutex<Option<String>>,
}

impl CheckAdapter {
    /// Why the node cannot be judged, if it cannot.
    pub(super) fn unsure(&self) -> Option<String> {
        self.unsure.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn give_up<T>(&self, reason: String) -> Result<T> {
        self.unsure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_with(|| reason.clone());
        Err(Error::user(reason))
    }

    fn expected(&self, name: &TableName) -> Option<Expected> {
        if self.own.as_ref() == Some(name) { None } else { self.known.get(name) }
    }

    fn existing(&self, name: &TableName) -> Result<Option<millstream_core::warehouse::Relation>> {
        self.runtime.block_on(self.warehouse.relation(name))
    }

    /// Whether the answer of a query is the same now as when the node runs; otherwise why not.
    fn is_settled(&self, sql: &str) -> Result<Option<String>> {
        let Ok(statement) = millstream_sql::parse_one_in(self.options.dialect, sql) else {
            return Ok(Some("it runs SQL while it is rendered that only the warehouse understands".into()));
        };
        if millstream_sql::read_only(&statement).is_err() {
            return Ok(Some("it changes the warehouse while it is rendered".into()));
        }
        for mut table in millstream_sql::table_refs(&statement) {
            let shown = table.parts.join(".");
            if self.options.dialect == Dialect::Snowflake {
                table.parts.iter_mut().for_each(|part| *part = millstream_sql::snowflake::fold_text(part));
            }
            let name = match (table.parts.as_slice(), &self.options.default_schema) {
                ([.., schema, name], _) | ([name], Some(schema)) => TableName::new(schema, name),
                _ => return Ok(Some(format!("it queries {shown} while it is rendered"))),
            };
            if self.expected(&name).is_some() {
                return Ok(Some(format!("its SQL depends on the rows of {shown}, which this run builds")));
            }
            match self.existing(&name)? {
                Some(relation) if relation.kind == CoreKind::Table => {}
                _ => return Ok(Some(format!("its SQL depends on the rows of {shown}"))),
            }
        }
        Ok(None)
    }
}

impl Adapter for CheckAdapter {
    fn type_name(&self) -> &str {
        &self.type_name
    }

    fn execute(&self, sql: &str, fetch: bool) -> Result<(Response, Table)> {
        if !self.queries {
            return self.give_up("its SQL depends on a query that it runs while it is rendered".into());
        }
        if let Some(reason) = self.is_settled(sql)? {
            return self.give_up(reason);
        }
        self.runtime.block_on(async {
            let result = self.warehouse.query(sql, &self.options).await?;
            let schema = Arc::clone(&result.schema);
            let batches: Vec<_> = result.stream.try_collect().await?;
            let rows: usize = batches.iter().map(|batch| batch.num_rows()).sum();
            let response = Response { message: format!("SELECT {rows}"), rows_affected: i64::try_from(rows).ok() };
            let table = if fetch { cells::table(&schema, &batches)? } else { Table::default() };
            Ok((response, table))
        })
    }

    fn get_relation(&self, database: Option<&str>, schema: &str, identifier: &str) -> Result<Option<Relation>> {
        let name = self.naming.table_name(schema, identifier);
        let kind = match self.expected(&name) {
            Some(Expected::Columns(kind, _)) => Some(kind),
            Some(Expected::Unknown) => return self.give_up(format!("it asks whether {name} is there")),
            None => self.existing(&name)?.map(|found| found.kind),
        };
        let database = database.or(self.database.as_deref());
        Ok(kind.map(|kind| shown(self.naming, database, &name, kind)))
    }

    fn get_columns(&self, relation: &Relation) -> Result<Vec<Column>> {
        let name = named(self.naming, relation, self.options.default_schema.as_deref())?;
        let schema = match self.expected(&name) {
            Some(Expected::Columns(_, schema)) => Some(schema),
            Some(Expected::Unknown) => return self.give_up(format!("it asks for the columns of {name}")),
            None => self.existing(&name)?.map(|found| found.schema),
        };
        Ok(columns(self.naming, schema.as_deref()))
    }

    fn list_relations(&self, _database: Option<&str>, schema: &str) -> Result<Vec<Relation>> {
        self.give_up(format!("it asks which relations are in {schema}"))
    }

    fn drop_schema(&self, relation: &Relation) -> Result<()> {
        self.give_up(format!("it drops {relation} while it is rendered"))
    }

    fn drop_relation(&self, relation: &Relation) -> Result<()> {
        self.give_up(format!("it drops {relation} while it is rendered"))
    }

    fn truncate_relation(&self, relation: &Relation) -> Result<()> {
        self.give_up(format!("it empties {relation} while it is rendered"))
    }

    fn rename_relation(&self, from: &Relation, _to: &Relation) -> Result<()> {
        self.give_up(format!("it renames {from} while it is rendered"))
    }

    // Messages of a template are for the run; a check would only repeat them.
    fn log(&self, _message: &str, _info: bool) {}

    fn warn(&self, _message: &str) {}
}
