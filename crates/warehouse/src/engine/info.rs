//! `information_schema`: the warehouse described as tables, as the SQL standard and BI tools want it.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int32Array, RecordBatch, StringArray};
use datafusion::catalog::TableProvider;
use datafusion::datasource::MemTable;
use millstream_core::warehouse::RelationKind;
use millstream_core::{Error, Result, TableName};

use super::context::{CATALOG, Scope};
use crate::error::from_engine;
use crate::log::schema::sql_type;
use crate::suggest::nearest;

/// Name of the schema.
pub(super) const SCHEMA: &str = "information_schema";

const TABLES: &[&str] = &["columns", "schemata", "tables", "views"];

/// One of its tables, filled with what the query can see.
pub(super) fn table(name: &str, scope: &Scope<'_>) -> Result<Arc<dyn TableProvider>> {
    let batch = match name {
        "schemata" => schemata(scope)?,
        "tables" => tables(scope)?,
        "views" => views(scope)?,
        "columns" => columns(scope)?,
        _ => {
            let error = Error::user(format!("there is no table '{SCHEMA}.{name}'"));
            return Err(match nearest(name, TABLES.iter().copied()) {
                Some(near) => error.hint(format!("did you mean '{SCHEMA}.{near}'?")),
                None => error.hint(format!("there are: {}", TABLES.join(", "))),
            });
        }
    };
    Ok(Arc::new(MemTable::try_new(batch.schema(), vec![vec![batch]]).map_err(from_engine)?))
}

fn relations(scope: &Scope<'_>) -> Result<Vec<(TableName, RelationKind)>> {
    let mut all: std::collections::BTreeMap<_, _> = scope.catalog().list(None)?.into_iter().collect();
    for name in scope.staged_names() {
        let kind = if scope.is_staged_view(name) == Some(true) { RelationKind::View } else { RelationKind::Table };
        all.insert(name.clone(), kind);
    }
    Ok(all.into_iter().collect())
}

fn text<T: AsRef<str>>(values: impl IntoIterator<Item = T>) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(values))
}

fn batch<const N: usize>(columns: [(&str, ArrayRef); N]) -> Result<RecordBatch> {
    RecordBatch::try_from_iter(columns).map_err(|error| Error::ours("information_schema cannot be built").why(error))
}

fn schemata(scope: &Scope<'_>) -> Result<RecordBatch> {
    let mut names = scope.catalog().schemas()?;
    names.push(SCHEMA.into());
    batch([("catalog_name", text(names.iter().map(|_| CATALOG))), ("schema_name", text(&names))])
}

fn tables(scope: &Scope<'_>) -> Result<RecordBatch> {
    let all = relations(scope)?;
    let kind = |kind: &RelationKind| match kind {
        RelationKind::Table => "BASE TABLE",
        RelationKind::View => "VIEW",
    };
    batch([
        ("table_catalog", text(all.iter().map(|_| CATALOG))),
        ("table_schema", text(all.iter().map(|(name, _)| &name.schema))),
        ("table_name", text(all.iter().map(|(name, _)| &name.name))),
        ("table_type", text(all.iter().map(|(_, of)| kind(of)))),
    ])
}

fn views(scope: &Scope<'_>) -> Result<RecordBatch> {
    let mut rows = Vec::new();
    for (name, kind) in relations(scope)? {
        if kind == RelationKind::View
            && let Some(view) = scope.catalog().view(&name)?
        {
            rows.push((name, view.sql));
        }
    }
    batch([
        ("table_catalog", text(rows.iter().map(|_| CATALOG))),
        ("table_schema", text(rows.iter().map(|(name, _)| &name.schema))),
        ("table_name", text(rows.iter().map(|(name, _)| &name.name))),
        ("view_definition", text(rows.iter().map(|(_, sql)| sql))),
    ])
}

fn columns(scope: &Scope<'_>) -> Result<RecordBatch> {
    let (mut names, mut columns, mut types, mut positions) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (name, _) in relations(scope)? {
        // A relation that cannot be read (a view over a dropped table) must not hide the others.
        let Ok(source) = scope.relation(&name) else { continue };
        for (field, position) in source.schema().fields().iter().zip(1..) {
            names.push(name.clone());
            columns.push(field.name().clone());
            types.push(sql_type(field.data_type()));
            positions.push(position);
        }
    }
    batch([
        ("table_catalog", text(names.iter().map(|_| CATALOG))),
        ("table_schema", text(names.iter().map(|name| &name.schema))),
        ("table_name", text(names.iter().map(|name| &name.name))),
        ("column_name", text(&columns)),
        ("ordinal_position", Arc::new(Int32Array::from(positions))),
        ("is_nullable", text(names.iter().map(|_| "YES"))),
        ("data_type", text(&types)),
    ])
}
