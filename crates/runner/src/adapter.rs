//! What templates may ask of the warehouse while they are rendered: the bridge from Jinja's blocking calls to the
//! warehouse's asynchronous ones.
//!
//! Guarantees: a template sees the staged versions that its node is given, and otherwise what is published; a
//! cancelled run ends a template's query. Calls must come from a thread that may block.

use std::sync::Arc;

use futures::TryStreamExt;
use millstream_core::warehouse::{QueryOptions, RelationKind as CoreKind, Staged};
use millstream_core::{Error, Result, TableName, Warehouse};
use millstream_jinja::{Adapter, Column, Relation, RelationKind, Response, Table};
use millstream_project::Naming;
use tokio::runtime::Handle;

use crate::cells;
use crate::event::EventGate;
use crate::sqltype::sql_type;
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
}

impl WarehouseAdapter {
    fn wait<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        self.runtime.block_on(self.cancel.race(work))
    }

    /// The relation of a stored name, as the target's adapter shows it.
    fn shown(&self, database: Option<&str>, name: &TableName, kind: CoreKind) -> Relation {
        let database = database.or(self.database.as_deref());
        let relation = self.naming.relation(database, &self.naming.shown(&name.schema), &self.naming.shown(&name.name));
        relation.with_kind(match kind {
            CoreKind::Table => RelationKind::Table,
            CoreKind::View => RelationKind::View,
        })
    }

    /// The stored name that a relation means.
    fn table_name(&self, relation: &Relation) -> Result<TableName> {
        match (&relation.schema, &relation.identifier) {
            (Some(schema), Some(identifier)) => Ok(self.naming.table_name(schema, identifier)),
            _ => Err(Error::user(format!("'{relation}' does not name a table or view in a schema"))),
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
        let ran = self.wait(async {
            let result = self.warehouse.query(sql, &self.options).await?;
            let schema = Arc::clone(&result.schema);
            let batches: Vec<_> = result.stream.try_collect().await?;
            let rows: usize = batches.iter().map(|batch| batch.num_rows()).sum();
            let response = Response { message: format!("SELECT {rows}"), rows_affected: i64::try_from(rows).ok() };
            let table = if fetch { cells::table(&schema, &batches)? } else { Table::default() };
            Ok((response, table))
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
        let name = self.table_name(relation)?;
        let schema = match self.staged(&name) {
            Some(staged) => Some(staged.schema()),
            None => self.wait(self.warehouse.relation(&name))?.map(|found| found.schema),
        };
        let fields = schema.iter().flat_map(|schema| schema.fields().iter());
        Ok(fields.map(|field| Column::new(self.naming.shown(field.name()), &sql_type(field.data_type()))).collect())
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

    fn drop_relation(&self, relation: &Relation) -> Result<()> {
        let name = self.table_name(relation)?;
        self.wait(self.warehouse.drop_relation(&name))
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
