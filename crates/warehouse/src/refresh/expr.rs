//! Small steps on expressions and plans that the derivations share.

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::common::{Column, JoinType, NullEquality, TableReference};
use datafusion::error::Result as EngineResult;
use datafusion::logical_expr::{
    Expr, Join, JoinConstraint, LogicalPlan, LogicalPlanBuilder, Projection, SubqueryAlias, Union,
};

/// Name of a column of touched keys.
pub(super) fn key_name(index: usize) -> String {
    format!("__key{index}")
}

/// Columns of a plan's result, qualified as they are in it.
pub(super) fn columns(plan: &LogicalPlan) -> Vec<Column> {
    plan.schema().columns()
}

/// Columns as expressions.
pub(super) fn as_exprs(columns: &[Column]) -> Vec<Expr> {
    columns.iter().cloned().map(Expr::Column).collect()
}

/// Columns that some expressions read, each once, in the order of their first mention.
pub(super) fn columns_used<'a>(exprs: impl IntoIterator<Item = &'a Expr>) -> Vec<Column> {
    let mut used: Vec<Column> = Vec::new();
    for expr in exprs {
        let mut refs: Vec<&Column> = expr.column_refs().into_iter().collect();
        refs.sort();
        for column in refs {
            if !used.contains(column) {
                used.push(column.clone());
            }
        }
    }
    used
}

/// Whether all columns that the expressions read are of this plan.
pub(super) fn are_of(exprs: &[Expr], plan: &LogicalPlan) -> bool {
    exprs.iter().all(|expr| is_of(expr, plan))
}

/// Whether all columns that an expression reads are of this plan.
pub(super) fn is_of(expr: &Expr, plan: &LogicalPlan) -> bool {
    expr.column_refs().into_iter().all(|column| plan.schema().has_column(column))
}

/// Expressions over `from`, said in what `to` has at the same place.
pub(super) fn substituted(exprs: &[Expr], from: &[Column], to: &[Expr]) -> EngineResult<Vec<Expr>> {
    let map: HashMap<&Column, &Expr> = from.iter().zip(to).collect();
    exprs
        .iter()
        .map(|expr| {
            expr.clone()
                .transform_up(|part| match &part {
                    Expr::Column(column) => Ok(match map.get(column) {
                        Some(value) => Transformed::yes((*value).clone().unalias_nested().data),
                        None => Transformed::no(part),
                    }),
                    _ => Ok(Transformed::no(part)),
                })
                .data()
        })
        .collect()
}

/// The expressions as columns `__key0`, `__key1`, … of a plan's rows.
pub(super) fn project_keys(plan: LogicalPlan, exprs: &[Expr]) -> EngineResult<LogicalPlan> {
    let named = exprs.iter().enumerate().map(|(at, expr)| expr.clone().unalias_nested().data.alias(key_name(at)));
    let named: Vec<Expr> = named.collect();
    Ok(LogicalPlan::Projection(Projection::try_new(named, Arc::new(plan))?))
}

/// A plan's columns, in their order, under other names.
pub(super) fn requalified(plan: LogicalPlan, names: &[Column]) -> EngineResult<LogicalPlan> {
    let named = columns(&plan)
        .into_iter()
        .zip(names)
        .map(|(column, name)| Expr::Column(column).alias_qualified(name.relation.clone(), name.name.clone()));
    let named: Vec<Expr> = named.collect();
    Ok(LogicalPlan::Projection(Projection::try_new(named, Arc::new(plan))?))
}

/// All rows of some plans whose columns have the same types, under the names `__key0`, ….
pub(super) fn all_of(plans: Vec<LogicalPlan>) -> EngineResult<Option<LogicalPlan>> {
    let mut plans = plans;
    if plans.len() < 2 {
        return Ok(plans.pop());
    }
    let union = LogicalPlan::Union(Union::try_new_with_loose_types(plans.into_iter().map(Arc::new).collect())?);
    let exprs = as_exprs(&columns(&union));
    project_keys(union, &exprs).map(Some)
}

/// A plan's different rows.
pub(super) fn distinct(plan: LogicalPlan) -> EngineResult<LogicalPlan> {
    LogicalPlanBuilder::from(plan).distinct()?.build()
}

/// Rows of `left` whose expressions are among the rows of `keys`, by place.
pub(super) fn semi_join(
    left: LogicalPlan,
    exprs: &[Expr],
    keys: LogicalPlan,
    alias: String,
    nulls: NullEquality,
) -> EngineResult<LogicalPlan> {
    let keys = LogicalPlan::SubqueryAlias(SubqueryAlias::try_new(Arc::new(keys), TableReference::bare(alias))?);
    let on = exprs.iter().cloned().zip(as_exprs(&columns(&keys))).collect();
    let join =
        Join::try_new(Arc::new(left), Arc::new(keys), on, None, JoinType::LeftSemi, JoinConstraint::On, nulls, false)?;
    Ok(LogicalPlan::Join(join))
}

/// The same node over other inputs with the same columns.
pub(super) fn over(node: &LogicalPlan, inputs: Vec<LogicalPlan>) -> EngineResult<LogicalPlan> {
    let mut inputs = inputs.into_iter();
    let placed = node.clone().map_children(|old| Ok(Transformed::yes(inputs.next().unwrap_or(old))))?;
    placed.data.recompute_schema()
}
