//! Columns and types of what a unit test gives rows for, whether it is built or not.
//!
//! In this order: the relation in the warehouse; a seed's file; a source's contract or declared types; a model's
//! query, planned over stand-ins without rows for what it reads itself. Where none of them tells, nobody knows, and
//! the given values decide.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::datatypes::{Field, Schema, SchemaRef};
use futures::FutureExt;
use futures::future::BoxFuture;
use millstream_core::TableName;
use millstream_core::warehouse::{Dialect, OnSchemaChange, Stage, Staged};
use millstream_ingest::Contract;
use millstream_project::{Node, ResourceType, SourceNode};

use super::rows;
use crate::execute::session::Session;
use crate::ingest::declaration;
use crate::materialize::seed_rows;
use crate::sqltype::arrow_type_in;

/// What is known so far.
pub(super) struct Types<'s> {
    session: &'s Arc<Session>,
    known: BTreeMap<String, Option<SchemaRef>>,
    /// Views without rows in place of relations that are not built.
    stands: Vec<Arc<dyn Staged>>,
    open: BTreeSet<String>,
}

impl<'s> Types<'s> {
    pub(super) fn new(session: &'s Arc<Session>) -> Self {
        Self { session, known: BTreeMap::new(), stands: Vec::new(), open: BTreeSet::new() }
    }

    /// Columns of the tested model's own table, which other than its parents is known by its query at first.
    pub(super) async fn this(&mut self, tested: &Node) -> Option<SchemaRef> {
        self.of(&tested.unique_id).await
    }

    /// Columns of a node or source.
    pub(super) fn of<'a>(&'a mut self, unique_id: &'a str) -> BoxFuture<'a, Option<SchemaRef>> {
        async move {
            if let Some(known) = self.known.get(unique_id) {
                return known.clone();
            }
            if !self.open.insert(unique_id.to_owned()) {
                return None;
            }
            let found = self.find(unique_id).await;
            self.known.insert(unique_id.to_owned(), found.clone());
            found
        }
        .boxed()
    }

    async fn find(&mut self, unique_id: &str) -> Option<SchemaRef> {
        let session = self.session;
        let manifest = &session.project.manifest;
        if let Some(source) = manifest.sources.get(unique_id) {
            return match self.built(&source.table_name()).await {
                Some(schema) => Some(schema),
                None => {
                    let schema = declared(source, session.dialect())?;
                    self.stand_in(&source.table_name(), &schema).await;
                    Some(schema)
                }
            };
        }
        let node = manifest.node(unique_id)?;
        if !node.is_ephemeral()
            && let Some(schema) = self.built(&node.table_name()).await
        {
            return Some(schema);
        }
        let schema = match node.resource_type {
            ResourceType::Seed => seed_rows(session, node).await.ok().map(|batch| batch.schema()),
            _ => self.planned(node).await,
        }?;
        if !node.is_ephemeral() {
            self.stand_in(&node.table_name(), &schema).await;
        }
        Some(schema)
    }

    async fn built(&self, name: &TableName) -> Option<SchemaRef> {
        let found = self.session.warehouse.relation(name).await.ok().flatten()?;
        // A view whose parents are gone has no columns that could be told.
        (!found.schema.fields().is_empty()).then_some(found.schema)
    }

    /// The columns of a model's query. Its errors are told when the model itself is built.
    async fn planned(&mut self, node: &Node) -> Option<SchemaRef> {
        for parent in node.depends_on.nodes.clone() {
            self.of(&parent).await;
        }
        let session = self.session;
        let compiled = session.compile_quietly(node, &self.stands).await.ok()?;
        let sql = compiled.sql.trim_end().trim_end_matches(';').to_owned();
        let planned = format!("select * from (\n{sql}\n) as dbt_internal_planned limit 0");
        let found = session.warehouse.query(&planned, &session.query_options(&self.stands)).await.ok()?;
        Some(found.schema)
    }

    /// A view without rows, for the queries that read this relation.
    async fn stand_in(&mut self, name: &TableName, schema: &SchemaRef) {
        let none = serde_json::Value::Array(Vec::new());
        let Ok(sql) = rows::given("", &none, Some(schema.as_ref()), self.session.dialect()) else { return };
        let options = self.session.query_options(&[]);
        let staged = self.session.warehouse.stage(name, Stage::View { sql }, OnSchemaChange::Ignore, &options).await;
        self.stands.extend(staged);
    }
}

/// What a source's contract or its yml file says, if it says it of every column.
fn declared(source: &SourceNode, dialect: Dialect) -> Option<SchemaRef> {
    if source.meta.contains_key("millstream") {
        return Contract::parse(&declaration(source)).ok().map(|contract| contract.raw_schema());
    }
    let fields: Option<Vec<Field>> = source
        .columns
        .values()
        .map(|column| {
            let data_type = arrow_type_in(dialect, column.data_type.as_deref()?)?;
            Some(Field::new(rows::stored(&column.name, dialect), data_type, true))
        })
        .collect();
    fields.filter(|fields| !fields.is_empty()).map(|fields| Arc::new(Schema::new(fields)))
}
