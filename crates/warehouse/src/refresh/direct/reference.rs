//! A test that finds rows whose key another table does not have: `relationships`.
//!
//! Where every key was found, only one of a new row can be missing, or one that the other table has lost.

use datafusion::common::{JoinType, NullEquality};
use datafusion::logical_expr::utils::split_conjunction_owned;
use datafusion::logical_expr::{Expr, Join, LogicalPlan};
use millstream_core::Result;

use super::side::{Moved, Side};
use crate::refresh::expr::{as_exprs, columns, substituted};
use crate::warehouse::Inner;

/// Rows of the other table above which its keys are not kept in memory for this.
const PARENT_ROWS_MAX: u64 = 2_000_000;

/// Rows that refer to others by a key, and those others.
#[derive(Debug, Clone)]
pub(super) struct ReferenceTest {
    pub child: Side,
    pub parent: Side,
}

impl ReferenceTest {
    pub(super) fn of(inner: &Inner, plan: &LogicalPlan) -> Option<Self> {
        let join = unmet(plan, Vec::new())?;
        let (on_child, on_parent): (Vec<Expr>, Vec<Expr>) = join.on.iter().cloned().unzip();
        let child = Side::of(&inner.engine, &join.left, on_child, Vec::new())?;
        let parent = Side::of(&inner.engine, &join.right, on_parent, Vec::new())?;
        let are_alike = child.kinds == parent.kinds && child.name != parent.name;
        are_alike.then_some(Self { child, parent })
    }

    pub(super) async fn is_clean(&self, inner: &Inner, child: &Moved, parent: &Moved) -> Result<bool> {
        let engine = &inner.engine;
        let referred: Option<u64> = parent.now.files.iter().map(|file| file.rows()).sum();
        if referred.is_none_or(|rows| rows > PARENT_ROWS_MAX) {
            return Ok(false);
        }
        let Some(new) = self.child.came(engine, child).await? else { return Ok(false) };
        // A null refers to nothing.
        if new.batches.iter().flatten().any(|column| column.logical_null_count() > 0) {
            return Ok(false);
        }
        let Some(lost) = self.parent.values(engine, &parent.now, &parent.files.removed).await? else {
            return Ok(false);
        };
        let (indexed, files) = (self.parent.indexed(&parent.now), &parent.now.files);
        for values in [new, lost] {
            if values.rows == 0 {
                continue;
            }
            let missing = inner.indexes.missing(engine, &indexed, files, &values.batches).await?;
            if missing.is_none_or(|missing| missing.contains(&true)) {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// The join whose rows without a partner the plan gives.
fn unmet(plan: &LogicalPlan, conditions: Vec<Expr>) -> Option<&Join> {
    match plan {
        LogicalPlan::Projection(node) => unmet(&node.input, substituted(&conditions, &columns(plan), &node.expr).ok()?),
        LogicalPlan::SubqueryAlias(node) => {
            let inner = as_exprs(&columns(&node.input));
            unmet(&node.input, substituted(&conditions, &columns(plan), &inner).ok()?)
        }
        LogicalPlan::Filter(node) => {
            let mut conditions = conditions;
            conditions.extend(split_conjunction_owned(node.predicate.clone()));
            unmet(&node.input, conditions)
        }
        LogicalPlan::Join(join) => {
            let is_plain = join.filter.is_none()
                && !join.on.is_empty()
                && !join.null_aware
                && join.null_equality == NullEquality::NullEqualsNothing;
            let is_unmet = match (join.join_type, conditions.as_slice()) {
                (JoinType::LeftAnti, []) => true,
                // A key that met is not null.
                (JoinType::Left, [Expr::IsNull(value)]) => {
                    join.on.iter().any(|(_, parent)| value.as_ref() == parent && matches!(parent, Expr::Column(_)))
                }
                _ => false,
            };
            (is_plain && is_unmet).then_some(join)
        }
        _ => None,
    }
}
