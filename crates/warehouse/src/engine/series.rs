//! `generate_series` and `range` over dates and timestamps.
//!
//! Guarantees: any two dates or timestamps and a step, which may be a text (`'1 day'`), as in PostgreSQL; what comes out
//! has microseconds, as tables store them. The engine itself knows nanoseconds only, and the two may not be mixed.

use std::sync::Arc;

use arrow::datatypes::{DataType, IntervalUnit, TimeUnit};
use datafusion::catalog::TableProvider;
use datafusion::common::Column;
use datafusion::datasource::{ViewTable, provider_as_source};
use datafusion::error::Result;
use datafusion::logical_expr::{Expr, LogicalPlanBuilder, cast};

/// Arguments in the form that the engine takes. Those that are no dates or timestamps stay as they are.
pub(super) fn arguments(args: Vec<Expr>) -> Result<Vec<Expr>> {
    let [Expr::Literal(start, _), Expr::Literal(end, _), Expr::Literal(step, _)] = args.as_slice() else {
        return Ok(args);
    };
    let zone = match (start.data_type(), end.data_type()) {
        (DataType::Timestamp(_, zone), _) | (_, DataType::Timestamp(_, zone)) => zone,
        (DataType::Date32, _) | (_, DataType::Date32) => None,
        _ => return Ok(args),
    };
    let time = DataType::Timestamp(TimeUnit::Nanosecond, zone);
    let made =
        [start.cast_to(&time)?, end.cast_to(&time)?, step.cast_to(&DataType::Interval(IntervalUnit::MonthDayNano))?];
    Ok(made.into_iter().map(|value| Expr::Literal(value, None)).collect())
}

/// What the function gives, with microseconds where it has nanoseconds.
pub(super) fn result(made: Arc<dyn TableProvider>) -> Result<Arc<dyn TableProvider>> {
    let schema = made.schema();
    let Some(field) = schema.fields().first() else { return Ok(made) };
    let DataType::Timestamp(TimeUnit::Nanosecond, zone) = field.data_type() else { return Ok(made) };
    let value = Expr::Column(Column::from_name(field.name()));
    let value = cast(value, DataType::Timestamp(TimeUnit::Microsecond, zone.clone())).alias(field.name());
    let plan = LogicalPlanBuilder::scan("series", provider_as_source(made), None)?.project([value])?.build()?;
    Ok(Arc::new(ViewTable::new(plan, None)))
}
