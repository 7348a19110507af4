//! By which columns of the result it can be split: candidates, the likeliest to be cheap first.

use datafusion::common::Column;
use datafusion::logical_expr::{Distinct, Expr, LogicalPlan};

use super::expr::columns;
use super::touched::{Touching, partitions};

/// Keys as places of the result's columns. `known` are keys that the project tells.
pub(super) fn candidates(plan: &LogicalPlan, known: &[Vec<String>]) -> Vec<Vec<usize>> {
    let names = columns(plan);
    let place = |name: &String| names.iter().position(|column| column.name == *name);
    let mut found: Vec<Vec<usize>> = structural(plan).into_iter().collect();
    found.extend(known.iter().filter(|key| !key.is_empty()).filter_map(|key| key.iter().map(place).collect()));
    // Floats are no keys (see `restrict::FLOATS`); any other columns are, if only with more rows for each value.
    found.retain(|key| !key.iter().any(|at| is_float(plan, *at)));
    found.push((0..names.len()).filter(|at| !is_float(plan, *at)).collect());
    let mut kept: Vec<Vec<usize>> = Vec::new();
    for key in found.into_iter().filter(|key: &Vec<usize>| !key.is_empty()) {
        if !kept.contains(&key) {
            kept.push(key);
        }
    }
    kept
}

/// Places of the columns that can each be followed to the tables: a key of what stands beside an aggregate's or a window's
/// results, such as the columns of users beside counts of their orders.
pub(super) fn followed(touching: &Touching<'_>, plan: &LogicalPlan) -> Vec<usize> {
    let is_followed = |column: &Column| touching.touched(plan, &[Expr::Column(column.clone())]).is_ok();
    let names = columns(plan);
    (0..names.len()).filter(|at| !is_float(plan, *at) && is_followed(&names[*at])).collect()
}

fn is_float(plan: &LogicalPlan, at: usize) -> bool {
    plan.schema().field(at).data_type().is_floating()
}

/// Columns that stand for what the topmost aggregate or window splits its rows by.
fn structural(plan: &LogicalPlan) -> Option<Vec<usize>> {
    let names = columns(plan);
    let all = |count: usize| Some((0..count).collect());
    match plan {
        LogicalPlan::Projection(node) => {
            let input = columns(&node.input);
            structural(&node.input)?
                .into_iter()
                .map(|at| node.expr.iter().position(|expr| is_column(expr, &input[at])))
                .collect()
        }
        LogicalPlan::SubqueryAlias(node) => structural(&node.input),
        LogicalPlan::Filter(node) => structural(&node.input),
        LogicalPlan::Sort(node) if node.fetch.is_none() => structural(&node.input),
        // The columns of a join's left side come first.
        LogicalPlan::Join(node) => structural(&node.left),
        LogicalPlan::Aggregate(node) if !matches!(node.group_expr.as_slice(), [Expr::GroupingSet(_)]) => {
            all(node.group_expr.len())
        }
        LogicalPlan::Distinct(Distinct::All(_)) => all(names.len()),
        LogicalPlan::Window(node) => {
            let sets = partitions(node).ok()?;
            let input = columns(&node.input);
            sets.first()?.iter().map(|key| input.iter().position(|column| is_column(key, column))).collect()
        }
        _ => None,
    }
}

fn is_column(expr: &Expr, column: &Column) -> bool {
    matches!(expr.clone().unalias(), Expr::Column(found) if found == *column)
}
