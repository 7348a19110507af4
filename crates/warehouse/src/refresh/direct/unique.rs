//! A test that finds keys which more than one row has: `unique`, `unique_combination_of_columns`.
//!
//! Where there was none, only a key of a new file can be one: within the new files, or in one that was there.

use datafusion::common::ScalarValue;
use datafusion::logical_expr::utils::split_conjunction_owned;
use datafusion::logical_expr::{Aggregate, BinaryExpr, Expr, LogicalPlan, Operator};
use millstream_core::Result;

use super::side::{Moved, Side};
use crate::index::KeySet;
use crate::refresh::expr::{as_exprs, columns, substituted};
use crate::warehouse::Inner;

/// Rows, and the key of each.
#[derive(Debug, Clone)]
pub(super) struct UniqueTest {
    pub keyed: Side,
}

impl UniqueTest {
    pub(super) fn of(inner: &Inner, plan: &LogicalPlan) -> Option<Self> {
        let aggregate = counted(plan, Vec::new())?;
        let keyed = Side::of(&inner.engine, &aggregate.input, aggregate.group_expr.clone(), Vec::new())?;
        Some(Self { keyed })
    }

    pub(super) async fn is_clean(&self, inner: &Inner, table: &Moved) -> Result<bool> {
        let now = &table.now;
        let Some(new) = self.keyed.came(&inner.engine, table).await? else { return Ok(false) };
        let keys = KeySet::of(&self.keyed.kinds, new.batches.iter().map(Vec::as_slice))?;
        let Some(keys) = keys.filter(|keys| keys.len() == new.rows) else { return Ok(false) };
        // New files are looked up as well, which makes their indexes: the next time they are among the others.
        let holding = inner.indexes.holding(&inner.engine, &self.keyed.indexed(now), &now.files, &keys).await?;
        let came = table.new_files();
        Ok(holding.is_some_and(|holding| holding.iter().all(|file| came.contains(file.add.path.as_str()))))
    }
}

/// The aggregate whose groups of more than one row the plan gives.
fn counted(plan: &LogicalPlan, conditions: Vec<Expr>) -> Option<&Aggregate> {
    match plan {
        LogicalPlan::Projection(node) => {
            counted(&node.input, substituted(&conditions, &columns(plan), &node.expr).ok()?)
        }
        LogicalPlan::SubqueryAlias(node) => {
            let inner = as_exprs(&columns(&node.input));
            counted(&node.input, substituted(&conditions, &columns(plan), &inner).ok()?)
        }
        LogicalPlan::Filter(node) => {
            let mut conditions = conditions;
            conditions.extend(split_conjunction_owned(node.predicate.clone()));
            counted(&node.input, conditions)
        }
        LogicalPlan::Aggregate(node) => match conditions.as_slice() {
            [condition] if is_more_than_one(condition, plan, node) => Some(node),
            _ => None,
        },
        _ => None,
    }
}

/// Whether a condition says that a group has more than one row.
fn is_more_than_one(condition: &Expr, plan: &LogicalPlan, aggregate: &Aggregate) -> bool {
    let Expr::BinaryExpr(BinaryExpr { left, op: Operator::Gt, right }) = condition else { return false };
    let (Expr::Column(column), Expr::Literal(ScalarValue::Int64(Some(1)), _)) = (left.as_ref(), right.as_ref()) else {
        return false;
    };
    let groups = aggregate.group_expr.len();
    if matches!(aggregate.group_expr.as_slice(), [] | [Expr::GroupingSet(_)]) {
        return false;
    }
    let Some(place) = columns(plan).iter().position(|found| found == column) else { return false };
    let Some(Expr::AggregateFunction(function)) =
        place.checked_sub(groups).and_then(|at| aggregate.aggr_expr.get(at)).map(|expr| expr.clone().unalias())
    else {
        return false;
    };
    let params = &function.params;
    let counts_rows = matches!(params.args.as_slice(), [Expr::Literal(value, _)] if !value.is_null());
    function.func.name() == "count" && counts_rows && !params.distinct && params.filter.is_none()
}
