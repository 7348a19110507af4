//! Where the function takes the place of `count(distinct …)`.

use std::sync::{Arc, LazyLock};

use arrow::datatypes::DataType;
use datafusion::common::tree_node::Transformed;
use datafusion::error::Result;
use datafusion::logical_expr::expr::AggregateFunction;
use datafusion::logical_expr::{Aggregate, AggregateUDF, Expr, ExprSchemable, LogicalPlan};
use datafusion::optimizer::{ApplyOrder, OptimizerConfig, OptimizerRule};

use super::function::CountDistinct;

static FUNCTION: LazyLock<Arc<AggregateUDF>> = LazyLock::new(|| Arc::new(AggregateUDF::from(CountDistinct::new())));

/// Replaces `count(distinct x)` in aggregates with groups. Integers stay with the engine, which has a set of its own
/// for them; floats too, because of their two zeros.
#[derive(Debug, Default)]
pub(crate) struct CountDistinctRule;

impl OptimizerRule for CountDistinctRule {
    fn name(&self) -> &str {
        "count_distinct"
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        Some(ApplyOrder::TopDown)
    }

    fn rewrite(&self, plan: LogicalPlan, _config: &dyn OptimizerConfig) -> Result<Transformed<LogicalPlan>> {
        let LogicalPlan::Aggregate(aggregate) = plan else {
            return Ok(Transformed::no(plan));
        };
        if aggregate.group_expr.is_empty() {
            return Ok(Transformed::no(LogicalPlan::Aggregate(aggregate)));
        }
        let mut changed = false;
        let expressions = aggregate
            .aggr_expr
            .iter()
            .map(|expression| match replacement(expression, &aggregate)? {
                Some(new) => {
                    changed = true;
                    Ok(new)
                }
                None => Ok(expression.clone()),
            })
            .collect::<Result<Vec<Expr>>>()?;
        if !changed {
            return Ok(Transformed::no(LogicalPlan::Aggregate(aggregate)));
        }
        let new = Aggregate::try_new(aggregate.input, aggregate.group_expr, expressions)?;
        Ok(Transformed::yes(LogicalPlan::Aggregate(new)))
    }
}

/// The same under the same name, or none when it is something else.
fn replacement(expression: &Expr, aggregate: &Aggregate) -> Result<Option<Expr>> {
    let Expr::AggregateFunction(call) = expression.clone().unalias() else {
        return Ok(None);
    };
    let [value] = call.params.args.as_slice() else {
        return Ok(None);
    };
    if call.func.name() != "count" || !call.params.distinct || !call.params.order_by.is_empty() {
        return Ok(None);
    }
    let of = value.get_type(aggregate.input.schema())?;
    let ours = matches!(
        of,
        DataType::Utf8View
            | DataType::BinaryView
            | DataType::Date32
            | DataType::Timestamp(..)
            | DataType::Decimal128(..)
    );
    if !ours {
        return Ok(None);
    }
    let new = AggregateFunction::new_udf(
        FUNCTION.clone(),
        call.params.args.clone(),
        false,
        call.params.filter.clone(),
        Vec::new(),
        call.params.null_treatment,
    );
    Ok(Some(Expr::AggregateFunction(new).alias(expression.schema_name().to_string())))
}
