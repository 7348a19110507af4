//! Where [`FirstRowExec`](super::exec::FirstRowExec) takes the place of a window.

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::datasource::source::DataSourceExec;
use datafusion::error::Result;
use datafusion::logical_expr::{Operator, Volatility};
use datafusion::physical_expr::expressions::{BinaryExpr, Column, Literal};
use datafusion::physical_expr::window::{StandardWindowExpr, WindowExpr};
use datafusion::physical_expr::{PhysicalExpr, ScalarFunctionExpr, conjunction, split_conjunction};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::empty::EmptyExec;
use datafusion::physical_plan::filter::FilterExec;
use datafusion::physical_plan::projection::{ProjectionExec, ProjectionExpr};
use datafusion::physical_plan::union::UnionExec;
use datafusion::physical_plan::windows::{BoundedWindowAggExec, WindowUDFExpr};

use super::exec::{FirstRowExec, How};

/// Replaces `filter(row_number() over (partition by K order by O) = 1)`. Runs before the engine adds sorts and
/// exchanges, so that none is added that the operator does not need.
#[derive(Debug, Default)]
pub(crate) struct FirstRowRule;

impl PhysicalOptimizerRule for FirstRowRule {
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _config: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        plan.transform_up(|node| match replace(&node)? {
            Some(new) => Ok(Transformed::yes(new)),
            None => Ok(Transformed::no(node)),
        })
        .data()
    }

    fn name(&self) -> &str {
        "FirstRow"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

fn replace(node: &Arc<dyn ExecutionPlan>) -> Result<Option<Arc<dyn ExecutionPlan>>> {
    let Some(filter) = node.downcast_ref::<FilterExec>().filter(|filter| filter.projection().is_none()) else {
        return Ok(None);
    };
    // `select *, row_number() … as rn` puts a projection of names between filter and window.
    let (projection, window) = match filter.input().downcast_ref::<ProjectionExec>() {
        Some(projection) => (Some(projection), projection.input()),
        None => (None, filter.input()),
    };
    let Some(window) = window.downcast_ref::<BoundedWindowAggExec>() else {
        return Ok(None);
    };
    let input = window.input();
    let number = input.schema().fields().len();
    let is_number = |expression: &Arc<dyn PhysicalExpr>| {
        let mut expression = expression;
        if let (Some(projection), Some(column)) = (projection, expression.downcast_ref::<Column>()) {
            expression = &projection.expr()[column.index()].expr;
        }
        expression.downcast_ref::<Column>().is_some_and(|column| column.index() == number)
    };
    let [expression] = window.window_expr() else {
        return Ok(None);
    };
    let (firsts, others): (Vec<_>, Vec<_>) =
        split_conjunction(filter.predicate()).into_iter().partition(|part| is_first(part, &is_number));
    if firsts.is_empty() || !is_row_number(expression) || !can_key(expression, input)? || !reads_alike_twice(input)? {
        return Ok(None);
    }
    let how = How {
        partition_by: expression.partition_by().to_vec(),
        order_by: expression.order_by().to_vec(),
        schema: window.schema(),
    };
    let keys = how
        .partition_by
        .iter()
        .enumerate()
        .map(|(at, key)| ProjectionExpr { expr: key.clone(), alias: format!("key{at}") });
    let keys = Arc::new(ProjectionExec::try_new(keys, copy(input)?)?);
    let mut new: Arc<dyn ExecutionPlan> = Arc::new(FirstRowExec::new(keys, input.clone(), Arc::new(how)));
    if let Some(projection) = projection {
        new = Arc::new(ProjectionExec::try_new(projection.expr().to_vec(), new)?);
    }
    if !others.is_empty() {
        new = Arc::new(FilterExec::try_new(conjunction(others.into_iter().cloned()), new)?);
    }
    Ok(Some(new))
}

/// `n = 1`, `n <= 1`, `n < 2`, either way round.
fn is_first(part: &Arc<dyn PhysicalExpr>, is_number: &impl Fn(&Arc<dyn PhysicalExpr>) -> bool) -> bool {
    let Some(comparison) = part.downcast_ref::<BinaryExpr>() else {
        return false;
    };
    let literal = |side: &Arc<dyn PhysicalExpr>| {
        let value = side.downcast_ref::<Literal>()?.value().cast_to(&DataType::UInt64).ok()?;
        if let ScalarValue::UInt64(number) = value { number } else { None }
    };
    let (left, right) = (comparison.left(), comparison.right());
    let (operator, limit) = if is_number(left) {
        (*comparison.op(), literal(right))
    } else if is_number(right) {
        (comparison.op().swap().unwrap_or(Operator::NotEq), literal(left))
    } else {
        return false;
    };
    matches!((operator, limit), (Operator::Eq | Operator::LtEq, Some(1)) | (Operator::Lt, Some(2)))
}

fn is_row_number(expression: &Arc<dyn WindowExpr>) -> bool {
    expression
        .as_any()
        .downcast_ref::<StandardWindowExpr>()
        .and_then(|standard| standard.get_standard_func_expr().as_any().downcast_ref::<WindowUDFExpr>())
        .is_some_and(|function| function.fun().name() == "row_number")
}

/// Whether the key is one that hashes and compares as the window compares it. Floats have two zeros.
fn can_key(expression: &Arc<dyn WindowExpr>, input: &Arc<dyn ExecutionPlan>) -> Result<bool> {
    let schema = input.schema();
    for key in expression.partition_by() {
        let of = key.data_type(&schema)?;
        if of.is_floating() || of.is_nested() || !is_stable(key)? {
            return Ok(false);
        }
    }
    let mut orders = true;
    for order in expression.order_by() {
        orders &= !order.expr.data_type(&schema)?.is_nested();
    }
    Ok(orders && !expression.partition_by().is_empty())
}

/// Whether an expression gives the same each time it is computed.
fn is_stable(expression: &Arc<dyn PhysicalExpr>) -> Result<bool> {
    let mut stable = true;
    expression.apply(|part| {
        if let Some(function) = part.downcast_ref::<ScalarFunctionExpr>()
            && function.fun().signature().volatility == Volatility::Volatile
        {
            stable = false;
            return Ok(TreeNodeRecursion::Stop);
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(stable)
}

/// Whether the input can be read twice, cheaply and with the same rows.
fn reads_alike_twice(plan: &Arc<dyn ExecutionPlan>) -> Result<bool> {
    let mut expressions = Vec::new();
    if let Some(projection) = plan.downcast_ref::<ProjectionExec>() {
        expressions.extend(projection.expr().iter().map(|one| one.expr.clone()));
    } else if let Some(filter) = plan.downcast_ref::<FilterExec>() {
        expressions.push(filter.predicate().clone());
    } else if !plan.is::<UnionExec>() && !plan.is::<DataSourceExec>() && !plan.is::<EmptyExec>() {
        return Ok(false);
    }
    for expression in &expressions {
        if !is_stable(expression)? {
            return Ok(false);
        }
    }
    for child in plan.children() {
        if !reads_alike_twice(child)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// A copy that shares no state of execution with the plan.
fn copy(plan: &Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>> {
    plan.clone()
        .transform_up(|node| {
            Ok(match node.downcast_ref::<DataSourceExec>() {
                Some(source) => Transformed::yes(Arc::new(DataSourceExec::new(source.data_source().clone())) as _),
                None => Transformed::no(node),
            })
        })
        .data()
}
