//! `generate_series` and `range` over dates and timestamps.
//!
//! Guarantees: any two dates or timestamps and a step, which may be a text (`'1 day'`), as in PostgreSQL; what comes out
//! has microseconds, as tables store them. The engine itself knows nanoseconds only, and the two may not be mixed. A plan
//! tells of a series from what it is made, and whether the time of the query is part of that.

use std::sync::Arc;

use arrow::datatypes::{DataType, IntervalUnit, SchemaRef, TimeUnit};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::Column;
use datafusion::common::tree_node::TreeNode;
use datafusion::datasource::{ViewTable, provider_as_source};
use datafusion::error::Result;
use datafusion::logical_expr::{Expr, LogicalPlanBuilder, TableType, Volatility, cast};
use datafusion::physical_plan::ExecutionPlan;

/// What a table function makes: the same rows whenever it is made from the same.
#[derive(Debug, Clone)]
pub(crate) struct Series {
    made: Arc<dyn TableProvider>,
    /// Whether an argument was computed from the time of the query, or from chance.
    pub(crate) is_momentary: bool,
}

impl Series {
    /// What it is made from.
    pub(crate) fn text(&self) -> String {
        format!("{:?}", self.made)
    }
}

#[async_trait]
impl TableProvider for Series {
    fn schema(&self) -> SchemaRef {
        self.made.schema()
    }

    fn table_type(&self) -> TableType {
        self.made.table_type()
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        self.made.scan(state, projection, filters, limit).await
    }
}

/// Whether arguments, as they are written, are others at another time.
pub(super) fn are_momentary(args: &[Expr]) -> Result<bool> {
    let is_momentary = |part: &Expr| {
        Ok(matches!(part, Expr::ScalarFunction(call) if call.func.signature().volatility != Volatility::Immutable))
    };
    args.iter().try_fold(false, |found, arg| Ok(found || arg.exists(is_momentary)?))
}

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
pub(super) fn result(made: Arc<dyn TableProvider>, is_momentary: bool) -> Result<Arc<dyn TableProvider>> {
    let made: Arc<dyn TableProvider> = Arc::new(Series { made, is_momentary });
    let schema = made.schema();
    let Some(field) = schema.fields().first() else { return Ok(made) };
    let DataType::Timestamp(TimeUnit::Nanosecond, zone) = field.data_type() else { return Ok(made) };
    let value = Expr::Column(Column::from_name(field.name()));
    let value = cast(value, DataType::Timestamp(TimeUnit::Microsecond, zone.clone())).alias(field.name());
    let plan = LogicalPlanBuilder::scan("series", provider_as_source(made), None)?.project([value])?.build()?;
    Ok(Arc::new(ViewTable::new(plan, None)))
}
