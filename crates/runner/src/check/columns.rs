//! The columns that a node's relation will have, from those that its query gives.

use std::sync::Arc;

use arrow::datatypes::{Field, Schema, SchemaRef};
use millstream_core::warehouse::{OnSchemaChange, Relation, RelationKind};
use millstream_project::Node;

/// Of an incremental model whose table goes on: what `on_schema_change` makes of it.
pub(super) fn of_incremental(node: &Node, query: &SchemaRef, existing: &Relation) -> SchemaRef {
    match node.config.on_schema_change {
        OnSchemaChange::Ignore | OnSchemaChange::Fail => Arc::clone(&existing.schema),
        OnSchemaChange::AppendNewColumns => with_new_columns(&existing.schema, query),
        OnSchemaChange::SyncAllColumns => Arc::clone(query),
    }
}

/// The columns that are there, then those that are new.
pub(super) fn with_new_columns(existing: &SchemaRef, query: &SchemaRef) -> SchemaRef {
    let is_new =
        |field: &&Arc<Field>| !existing.fields().iter().any(|known| known.name().eq_ignore_ascii_case(field.name()));
    let fields: Vec<Arc<Field>> =
        existing.fields().iter().chain(query.fields().iter().filter(is_new)).cloned().collect();
    Arc::new(Schema::new(fields))
}

/// The table that an incremental model goes on from; `None` when it is built whole.
pub(super) fn goes_on(node: &Node, full_refresh: bool, existing: Option<Relation>) -> Option<Relation> {
    if node.config.full_refresh.unwrap_or(full_refresh) {
        return None;
    }
    existing.filter(|relation| relation.kind == RelationKind::Table)
}
