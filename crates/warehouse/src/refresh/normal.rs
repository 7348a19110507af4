//! The plan in a form from which changes are derived: subqueries as joins, join keys apart from conditions, every scan
//! with the columns that it gives.

use std::sync::Arc;

use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::{Expr, LogicalPlan, Volatility};
use datafusion::optimizer::decorrelate_lateral_join::DecorrelateLateralJoin;
use datafusion::optimizer::decorrelate_predicate_subquery::DecorrelatePredicateSubquery;
use datafusion::optimizer::eliminate_cross_join::EliminateCrossJoin;
use datafusion::optimizer::extract_equijoin_predicate::ExtractEquijoinPredicate;
use datafusion::optimizer::optimize_projections::OptimizeProjections;
use datafusion::optimizer::scalar_subquery_to_join::ScalarSubqueryToJoin;
use datafusion::optimizer::{Optimizer, OptimizerRule};
use millstream_core::Result;

use super::reason::Reason;
use crate::error::from_engine;

/// The same rows in the same columns, in normal form.
pub(super) fn normalized(plan: LogicalPlan, state: &SessionState) -> Result<LogicalPlan> {
    let rules: Vec<Arc<dyn OptimizerRule + Send + Sync>> = vec![
        Arc::new(DecorrelatePredicateSubquery::new()),
        Arc::new(ScalarSubqueryToJoin::new()),
        Arc::new(DecorrelateLateralJoin::new()),
        Arc::new(EliminateCrossJoin::new()),
        Arc::new(ExtractEquijoinPredicate::new()),
        Arc::new(OptimizeProjections::new()),
    ];
    Optimizer::with_rules(rules).optimize(plan, state, |_, _| {}).map_err(from_engine)
}

/// Why changes cannot be followed through a plan in normal form, if a query is left within an expression of it.
pub(super) fn nested(plan: &LogicalPlan) -> Result<Option<Reason>> {
    let mut found = None;
    plan.apply(|node| {
        if matches!(node, LogicalPlan::Subquery(_)) {
            found = Some(Reason::new("a lateral subquery cannot be made a join"));
        }
        node.apply_expressions(|expression| {
            expression.apply(|part| {
                if matches!(
                    part,
                    Expr::ScalarSubquery(_) | Expr::InSubquery(_) | Expr::Exists(_) | Expr::SetComparison(_)
                ) {
                    found = Some(Reason::new("a subquery stands within an expression"));
                    return Ok(TreeNodeRecursion::Stop);
                }
                Ok(TreeNodeRecursion::Continue)
            })
        })
    })
    .map_err(from_engine)?;
    Ok(found)
}

/// Why the same tables need not give the same rows again, if they need not.
pub(super) fn unsteady(plan: &LogicalPlan) -> Result<Option<Reason>> {
    let mut found = None;
    plan.apply_with_subqueries(|node| {
        node.apply_expressions(|expression| {
            expression.apply(|part| {
                if let Expr::ScalarFunction(call) = part
                    && call.func.signature().volatility != Volatility::Immutable
                {
                    found = Some(Reason::new(format!("{}() gives something else each time", call.func.name())));
                    return Ok(TreeNodeRecursion::Stop);
                }
                Ok(TreeNodeRecursion::Continue)
            })
        })
    })
    .map_err(from_engine)?;
    Ok(found)
}
