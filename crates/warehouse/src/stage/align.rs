//! Bringing an incremental query's columns into line with the table's.

use std::sync::Arc;

use arrow::datatypes::{DataType, Schema, SchemaRef};
use datafusion::common::{Column, ScalarValue};
use datafusion::logical_expr::{Expr, LogicalPlanBuilder, cast};
use millstream_core::warehouse::OnSchemaChange;
use millstream_core::{Error, Result};

use super::Request;
use crate::engine::{Engine, Planned};
use crate::error::from_engine;
use crate::log::Snapshot;
use crate::log::schema::{differences, engine_schema, storable_schema};
use crate::write::through;

/// A query whose columns are those of the table's next version.
pub(super) struct Aligned {
    pub planned: Planned,
    /// Columns of the next version.
    pub stored: SchemaRef,
    /// Whether the files that are there must be written anew: Delta cannot forget or retype a column in place, and a
    /// column that comes back later must not bring its old values with it.
    pub rewrites_all: bool,
}

/// Applies the request's `on_schema_change`.
pub(super) fn align(request: &Request<'_>, planned: Planned, base: &Snapshot) -> Result<Aligned> {
    let found = storable_schema(&Engine::schema_of(&planned.plan))?;
    let stored = match request.on_schema_change {
        OnSchemaChange::Ignore => base.schema.clone(),
        OnSchemaChange::Fail => {
            let differences = differences(&base.schema, &by_name(&base.schema, &found));
            if !differences.is_empty() {
                let mut error = Error::user(format!("the query's columns are not those of table '{}'", request.name));
                for difference in differences {
                    error = error.why(difference);
                }
                return Err(error.hint("build it with --full-refresh, or choose another on_schema_change"));
            }
            base.schema.clone()
        }
        OnSchemaChange::AppendNewColumns => {
            let new = found.fields().iter().filter(|field| base.schema.field_with_name(field.name()).is_err());
            Arc::new(Schema::new(base.schema.fields().iter().chain(new).cloned().collect::<Vec<_>>()))
        }
        OnSchemaChange::SyncAllColumns => Arc::new(by_name(&base.schema, &found)),
    };
    let rewrites_all =
        base.schema.fields().iter().any(|field| {
            stored.field_with_name(field.name()).map_or(true, |kept| kept.data_type() != field.data_type())
        });
    let wanted = engine_schema(&stored);
    let source = planned.plan.schema().clone();
    let expressions: Vec<Expr> = wanted
        .fields()
        .iter()
        .map(|field| match source.iter().find(|(_, column)| column.name() == field.name()) {
            Some((qualifier, column)) => {
                let value = Expr::Column(Column::from((qualifier, column)));
                typed(value, column.data_type(), field.data_type()).alias(field.name())
            }
            None => null(field.data_type()).map(|value| value.alias(field.name())).unwrap_or_else(|| {
                cast(Expr::Literal(ScalarValue::Null, None), field.data_type().clone()).alias(field.name())
            }),
        })
        .collect();
    let plan = LogicalPlanBuilder::from(planned.plan)
        .project(expressions)
        .and_then(LogicalPlanBuilder::build)
        .map_err(from_engine)?;
    Ok(Aligned { planned: Planned { plan, bytes: planned.bytes }, stored, rewrites_all })
}

/// A value of a query as one of a table's column; fractions of what is stored as whole numbers are rounded.
pub(crate) fn typed(value: Expr, found: &DataType, wanted: &DataType) -> Expr {
    if found == wanted {
        return value;
    }
    let value = match through(found, wanted) {
        Some(whole) => cast(value, whole),
        None => value,
    };
    cast(value, wanted.clone())
}

fn null(data_type: &DataType) -> Option<Expr> {
    ScalarValue::try_from(data_type).ok().map(|value| Expr::Literal(value, None))
}

/// The columns of `found`, those of `base` first and in its order: order alone is no difference.
fn by_name(base: &Schema, found: &Schema) -> Schema {
    let old = base.fields().iter().filter_map(|field| found.field_with_name(field.name()).ok().cloned().map(Arc::new));
    let new = found.fields().iter().filter(|field| base.field_with_name(field.name()).is_err()).cloned();
    Schema::new(old.chain(new).collect::<Vec<_>>())
}
