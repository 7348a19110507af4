//! Conditions of joins that ask a subquery about the row at hand, which the engine plans in `where` alone.
//!
//! Guarantees: the same rows. A part of an inner join's condition is a condition on its rows; a part of a left join's
//! condition that speaks of the right side alone is a condition on the rows of that side, and so the other way round.
//! Anything else stays where it is, and the engine says that it is not supported.

use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{Column, DFSchema};
use datafusion::error::Result;
use datafusion::logical_expr::utils::{conjunction, split_conjunction_owned};
use datafusion::logical_expr::{Expr, Join, JoinType, LogicalPlan, LogicalPlanBuilder, Subquery};

/// Takes such conditions out of the joins of a plan, those in its subqueries too.
pub(super) fn lifted(plan: LogicalPlan) -> Result<LogicalPlan> {
    let moved = plan.transform_up_with_subqueries(|plan| match plan {
        LogicalPlan::Join(join) if join.filter.as_ref().is_some_and(asks) => lift(join),
        other => Ok(Transformed::no(other)),
    });
    moved.map(|moved| moved.data)
}

fn lift(mut join: Join) -> Result<Transformed<LogicalPlan>> {
    let Some(filter) = join.filter.take() else { return Ok(Transformed::no(LogicalPlan::Join(join))) };
    let (mut kept, mut left, mut right, mut above) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for part in split_conjunction_owned(filter) {
        let home = match join.join_type {
            _ if !asks(&part) => &mut kept,
            JoinType::Inner => &mut above,
            JoinType::Left if speaks_of(&part, join.right.schema()) => &mut right,
            JoinType::Right if speaks_of(&part, join.left.schema()) => &mut left,
            _ => &mut kept,
        };
        home.push(part);
    }
    join.filter = conjunction(kept);
    join.left = filtered(join.left, left)?;
    join.right = filtered(join.right, right)?;
    let plan = filtered(Arc::new(LogicalPlan::Join(join)), above)?;
    Ok(Transformed::yes(Arc::unwrap_or_clone(plan)))
}

fn filtered(plan: Arc<LogicalPlan>, conditions: Vec<Expr>) -> Result<Arc<LogicalPlan>> {
    let Some(condition) = conjunction(conditions) else { return Ok(plan) };
    LogicalPlanBuilder::from(Arc::unwrap_or_clone(plan)).filter(condition)?.build().map(Arc::new)
}

/// Whether there is a subquery in a condition that depends on the row.
fn asks(condition: &Expr) -> bool {
    condition
        .exists(|expr| Ok(subquery_of(expr).is_some_and(|subquery| !subquery.outer_ref_columns.is_empty())))
        .unwrap_or(false)
}

fn subquery_of(expr: &Expr) -> Option<&Subquery> {
    match expr {
        Expr::ScalarSubquery(subquery) => Some(subquery),
        Expr::Exists(exists) => Some(&exists.subquery),
        Expr::InSubquery(within) => Some(&within.subquery),
        _ => None,
    }
}

/// Whether all that a condition reads, its subqueries included, is of these columns.
fn speaks_of(condition: &Expr, schema: &DFSchema) -> bool {
    let is_there = |column: &Column| schema.has_column(column);
    let reads_others = condition.exists(|expr| {
        Ok(match expr {
            Expr::Column(column) => !is_there(column),
            other => subquery_of(other).is_some_and(|subquery| {
                subquery.outer_ref_columns.iter().any(|outer| match outer {
                    Expr::OuterReferenceColumn(_, column) => !is_there(column),
                    _ => true,
                })
            }),
        })
    });
    !reads_others.unwrap_or(true)
}
