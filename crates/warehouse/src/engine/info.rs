//! `information_schema`: the warehouse described as tables, as the SQL standard and BI tools want it.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int32Array, RecordBatch, StringArray, new_null_array};
use arrow::datatypes::DataType;
use datafusion::catalog::TableProvider;
use datafusion::datasource::MemTable;
use millstream_core::warehouse::{Dialect, RelationKind};
use millstream_core::{Error, Result, TableName};

use super::context::{CATALOG, Scope};
use crate::error::from_engine;
use crate::log::schema::sql_type;
use crate::suggest::nearest;

/// Name of the schema.
pub(super) const SCHEMA: &str = "information_schema";

const TABLES: &[&str] = &["columns", "schemata", "tables", "views"];

/// One of its tables, filled with what the query can see.
///
/// For queries in Snowflake's dialect, names that are not quoted there are told in upper case, and types by
/// Snowflake's names.
pub(super) fn table(name: &str, scope: &Scope<'_>, dialect: Dialect) -> Result<Arc<dyn TableProvider>> {
    let told = Told { dialect };
    let batch = match name {
        "schemata" => schemata(scope, told)?,
        "tables" => tables(scope, told)?,
        "views" => views(scope, told)?,
        "columns" => columns(scope, told)?,
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

/// How names and types are told.
#[derive(Clone, Copy)]
struct Told {
    dialect: Dialect,
}

impl Told {
    fn name(self, name: impl AsRef<str>) -> String {
        match self.dialect {
            Dialect::Native => name.as_ref().to_owned(),
            Dialect::Snowflake => millstream_sql::snowflake::as_value(name.as_ref()),
        }
    }

    fn data_type(self, data_type: &DataType) -> String {
        if self.dialect == Dialect::Native {
            return sql_type(data_type);
        }
        let name = crate::snowflake::type_name(data_type);
        match name.split('(').next().unwrap_or_default() {
            "VARCHAR" => "TEXT".to_owned(),
            base => base.to_owned(),
        }
    }

    /// Precision and scale of an exact number: of whole numbers in bits, as PostgreSQL tells it, or as Snowflake's NUMBER.
    fn digits(self, data_type: &DataType) -> Option<(i32, i32)> {
        let whole = |bits: i32| (if self.dialect == Dialect::Native { bits } else { 38 }, 0);
        match data_type {
            DataType::Int8 => Some(whole(8)),
            DataType::Int16 => Some(whole(16)),
            DataType::Int32 => Some(whole(32)),
            DataType::Int64 => Some(whole(64)),
            DataType::Decimal128(precision, scale) | DataType::Decimal256(precision, scale) => {
                Some((i32::from(*precision), i32::from(*scale)))
            }
            _ => None,
        }
    }
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

fn schemata(scope: &Scope<'_>, told: Told) -> Result<RecordBatch> {
    let mut names = scope.catalog().schemas()?;
    names.push(SCHEMA.into());
    batch([
        ("catalog_name", text(names.iter().map(|_| told.name(CATALOG)))),
        ("schema_name", text(names.iter().map(|name| told.name(name)))),
    ])
}

fn tables(scope: &Scope<'_>, told: Told) -> Result<RecordBatch> {
    let all = relations(scope)?;
    let kind = |kind: &RelationKind| match kind {
        RelationKind::Table => "BASE TABLE",
        RelationKind::View => "VIEW",
    };
    batch([
        ("table_catalog", text(all.iter().map(|_| told.name(CATALOG)))),
        ("table_schema", text(all.iter().map(|(name, _)| told.name(&name.schema)))),
        ("table_name", text(all.iter().map(|(name, _)| told.name(&name.name)))),
        ("table_type", text(all.iter().map(|(_, of)| kind(of)))),
    ])
}

fn views(scope: &Scope<'_>, told: Told) -> Result<RecordBatch> {
    let mut rows = Vec::new();
    for (name, kind) in relations(scope)? {
        if kind == RelationKind::View
            && let Some(view) = scope.catalog().view(&name)?
        {
            rows.push((name, view.text.sql));
        }
    }
    batch([
        ("table_catalog", text(rows.iter().map(|_| told.name(CATALOG)))),
        ("table_schema", text(rows.iter().map(|(name, _)| told.name(&name.schema)))),
        ("table_name", text(rows.iter().map(|(name, _)| told.name(&name.name)))),
        ("view_definition", text(rows.iter().map(|(_, sql)| sql))),
    ])
}

fn columns(scope: &Scope<'_>, told: Told) -> Result<RecordBatch> {
    let (mut names, mut columns, mut types, mut positions) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let (mut precisions, mut scales) = (Vec::new(), Vec::new());
    for (name, _) in relations(scope)? {
        // A relation that cannot be read (a view over a dropped table) must not hide the others.
        let Ok(source) = scope.relation(&name) else { continue };
        for (field, position) in source.schema().fields().iter().zip(1..) {
            names.push(name.clone());
            columns.push(told.name(field.name()));
            types.push(told.data_type(field.data_type()));
            positions.push(position);
            let digits = told.digits(field.data_type());
            precisions.push(digits.map(|(precision, _)| precision));
            scales.push(digits.map(|(_, scale)| scale));
        }
    }
    batch([
        ("table_catalog", text(names.iter().map(|_| told.name(CATALOG)))),
        ("table_schema", text(names.iter().map(|name| told.name(&name.schema)))),
        ("table_name", text(names.iter().map(|name| told.name(&name.name)))),
        ("column_name", text(&columns)),
        ("ordinal_position", Arc::new(Int32Array::from(positions))),
        ("is_nullable", text(names.iter().map(|_| "YES"))),
        ("data_type", text(&types)),
        // No column has a default, and no text a limit.
        ("column_default", new_null_array(&DataType::Utf8, names.len())),
        ("character_maximum_length", new_null_array(&DataType::Int32, names.len())),
        ("numeric_precision", Arc::new(Int32Array::from(precisions))),
        ("numeric_scale", Arc::new(Int32Array::from(scales))),
    ])
}
