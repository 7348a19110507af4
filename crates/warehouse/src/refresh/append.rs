//! Plans that are linear in what changed: the new rows of the result are the query of the new rows alone.
//!
//! Guarantees: where a plan is given, the result after the changes is the result before them with its rows.

use std::sync::Arc;

use datafusion::common::JoinType;
use datafusion::logical_expr::{LogicalPlan, Union};

use super::expr::{columns, over, requalified};
use super::reason::{Derived, Reason};
use super::settle::Changes;
use super::sources::origin;
use super::touched::scan_of;

/// The new rows, with the plan's columns; `None`: there are none.
pub(super) fn appended(plan: &LogicalPlan, changes: &Changes) -> Derived<Option<LogicalPlan>> {
    if !changes.is_in(plan) {
        return Ok(None);
    }
    let through = |input: &LogicalPlan| -> Derived<Option<LogicalPlan>> {
        Ok(appended(input, changes)?.map(|input| over(plan, vec![input])).transpose()?)
    };
    match plan {
        LogicalPlan::TableScan(scan) => {
            let change = origin(scan).and_then(|(name, _)| changes.by_table.get(&name));
            match change {
                None => Ok(None),
                Some(change) if change.went.is_some() => {
                    Err(Reason::new(format!("rows of '{}' were changed or deleted", scan.table_name)))
                }
                Some(change) => change.came.clone().map(|source| scan_of(scan, source)).transpose(),
            }
        }
        LogicalPlan::Projection(node) => through(&node.input),
        LogicalPlan::Filter(node) => through(&node.input),
        LogicalPlan::SubqueryAlias(node) => through(&node.input),
        LogicalPlan::Unnest(node) => through(&node.input),
        LogicalPlan::Sort(node) if node.fetch.is_none() => appended(&node.input, changes),
        LogicalPlan::Union(union) => {
            let mut inputs = Vec::new();
            for input in &union.inputs {
                inputs.extend(appended(input, changes)?);
            }
            match inputs.len() {
                0 => Ok(None),
                1 => Ok(inputs.pop().map(|input| requalified(input, &columns(plan))).transpose()?),
                _ => {
                    let union = Union::try_new_with_loose_types(inputs.into_iter().map(Arc::new).collect())?;
                    Ok(Some(requalified(LogicalPlan::Union(union), &columns(plan))?))
                }
            }
        }
        LogicalPlan::Join(join) => {
            let (left, right) = (join.left.as_ref(), join.right.as_ref());
            let is_left = match (changes.is_in(left), changes.is_in(right)) {
                (true, true) => return Err(Reason::new("both sides of a join have changed")),
                (is_left, _) => is_left,
            };
            let linear = match join.join_type {
                JoinType::Inner => true,
                JoinType::Left | JoinType::LeftSemi | JoinType::LeftAnti | JoinType::LeftMark => is_left,
                JoinType::Right | JoinType::RightSemi | JoinType::RightAnti | JoinType::RightMark => !is_left,
                JoinType::Full => false,
            };
            if !linear {
                return Err(Reason::new("the looked-up side of a join has changed"));
            }
            let rows = appended(if is_left { left } else { right }, changes)?;
            let Some(rows) = rows else { return Ok(None) };
            let inputs = if is_left { vec![rows, right.clone()] } else { vec![left.clone(), rows] };
            Ok(Some(over(plan, inputs)?))
        }
        _ => Err(Reason::new("it is more than a choice and a lookup of rows")),
    }
}
