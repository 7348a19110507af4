//! `flatten` in a subquery over a column of the query around it: `(select count(*) from table(flatten(t.v)))`.
//!
//! The engine links a subquery by equal columns and not by an argument. So the distinct values of the column are split,
//! and the subquery takes the elements of its row's value.

use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, TableReference};
use datafusion::error::Result;
use datafusion::functions::core::expr_fn::get_field;
use datafusion::logical_expr::expr::{Exists, InSubquery};
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::{BinaryExpr, Expr, LogicalPlan, LogicalPlanBuilder, Operator, Subquery};

use super::flatten::{Flatten, above, lateral, leaf};
use super::ops::call;
use crate::engine::asking::may_be_read_twice;
use crate::snowflake::is_variant_type;

/// Links every such subquery. What has another form is left alone.
pub(super) fn linked(plan: LogicalPlan) -> Result<LogicalPlan> {
    let mut number = 0;
    let done = plan.transform_up_with_subqueries(|plan| {
        let Some(input) = asking_rows(&plan)? else { return Ok(Transformed::no(plan)) };
        let names = NamePreserver::new(&plan);
        plan.map_expressions(|expr| {
            let name = names.save(&expr);
            let made = expr.transform_up(|expr| in_expr(expr, &input, &mut number))?;
            Ok(made.update_data(|expr| name.restore(expr)))
        })
    })?;
    Ok(done.data)
}

/// The rows that a plan asks such a subquery for.
fn asking_rows(plan: &LogicalPlan) -> Result<Option<LogicalPlan>> {
    if !plan.expressions().iter().any(asks) {
        return Ok(None);
    }
    let inputs = plan.inputs();
    let [input] = inputs.as_slice() else { return Ok(None) };
    Ok(if may_be_read_twice(input)? { Some((*input).clone()) } else { None })
}

/// Whether it holds a subquery that splits something of the row around it.
fn asks(expr: &Expr) -> bool {
    let splits = |subquery: &Subquery| {
        let found = subquery.subquery.as_ref().exists(|plan| Ok(list_of(plan).is_some()));
        found.unwrap_or(false)
    };
    let found = expr.exists(|expr| {
        Ok(match expr {
            Expr::ScalarSubquery(subquery) => splits(subquery),
            Expr::Exists(exists) => splits(&exists.subquery),
            Expr::InSubquery(within) => splits(&within.subquery),
            _ => false,
        })
    });
    found.unwrap_or(false)
}

fn in_expr(expr: Expr, input: &LogicalPlan, number: &mut usize) -> Result<Transformed<Expr>> {
    Ok(match expr {
        Expr::ScalarSubquery(subquery) => Transformed::yes(Expr::ScalarSubquery(in_subquery(subquery, input, number)?)),
        Expr::Exists(Exists { subquery, negated }) => {
            Transformed::yes(Expr::Exists(Exists { subquery: in_subquery(subquery, input, number)?, negated }))
        }
        Expr::InSubquery(InSubquery { expr, subquery, negated }) => {
            let subquery = in_subquery(subquery, input, number)?;
            Transformed::yes(Expr::InSubquery(InSubquery { expr, subquery, negated }))
        }
        other => Transformed::no(other),
    })
}

fn in_subquery(subquery: Subquery, input: &LogicalPlan, number: &mut usize) -> Result<Subquery> {
    let plan = Arc::unwrap_or_clone(subquery.subquery).transform_down(|plan| {
        // What is joined laterally belongs to the other side of its join.
        if matches!(plan, LogicalPlan::Join(_)) {
            return Ok(Transformed::new(plan, false, TreeNodeRecursion::Jump));
        }
        let own = match list_of(&plan) {
            Some((flatten, alias)) => split(input, flatten, alias, number)?,
            None => None,
        };
        match own {
            Some(own) => Ok(Transformed::new(own, true, TreeNodeRecursion::Jump)),
            None => Ok(Transformed::no(plan)),
        }
    })?;
    let outer_ref_columns = plan.data.all_out_ref_exprs();
    Ok(Subquery { subquery: Arc::new(plan.data), outer_ref_columns, spans: subquery.spans })
}

/// A call over something of the row around it, and its alias.
fn list_of(plan: &LogicalPlan) -> Option<(&Flatten, Option<&TableReference>)> {
    let (flatten, alias) = lateral(plan).or_else(|| match plan {
        LogicalPlan::SubqueryAlias(alias) => Some((leaf(&alias.input)?, Some(&alias.alias))),
        other => Some((leaf(other)?, None)),
    })?;
    flatten.args.iter().any(Expr::contains_outer).then_some((flatten, alias))
}

/// The elements of the values that the rows have, those of one row; none where a row without a value would have one.
fn split(
    input: &LogicalPlan,
    flatten: &Flatten,
    alias: Option<&TableReference>,
    number: &mut usize,
) -> Result<Option<LogicalPlan>> {
    let mut asked: Vec<(Expr, Column)> = Vec::new();
    for arg in &flatten.args {
        arg.apply(|expr| {
            if let Expr::OuterReferenceColumn(_, column) = expr
                && !asked.iter().any(|(_, own)| own == column)
            {
                asked.push((expr.clone(), column.clone()));
            }
            Ok(TreeNodeRecursion::Continue)
        })?;
    }
    if flatten.keeps_empty() || !asked.iter().all(|(_, column)| input.schema().has_column(column)) {
        return Ok(None);
    }
    *number += 1;
    let relation = format!("__list_{number}");
    let key = |at: usize| Expr::Column(Column::new(Some(relation.as_str()), format!("k{at}")));
    let is_variant = |column: &Column| {
        let field = input.schema().qualified_field_from_column(column);
        field.is_ok_and(|(_, field)| is_variant_type(field.data_type()))
    };
    // A VARIANT is known by its text.
    let known_by = |value: Expr, column: &Column| if is_variant(column) { get_field(value, "variant") } else { value };
    let keys: Vec<Expr> = asked
        .iter()
        .enumerate()
        .map(|(at, (_, column))| known_by(Expr::Column(column.clone()), column).alias(format!("k{at}")))
        .collect();
    let values =
        LogicalPlanBuilder::from(input.clone()).project(keys)?.distinct()?.alias(relation.as_str())?.build()?;
    let args = flatten.args.iter().map(|arg| -> Result<Expr> {
        let arg = arg.clone().transform_up(|expr| match &expr {
            Expr::OuterReferenceColumn(_, column) => match asked.iter().position(|(_, own)| own == column) {
                Some(at) if is_variant(column) => Ok(Transformed::yes(call("parse_json", vec![key(at)])?)),
                Some(at) => Ok(Transformed::yes(key(at))),
                None => Ok(Transformed::no(expr)),
            },
            _ => Ok(Transformed::no(expr)),
        })?;
        Ok(arg.data)
    });
    let args = args.collect::<Result<Vec<_>>>()?;
    let mut listed = LogicalPlanBuilder::from(above(values, flatten, alias, args)?);
    for (at, (outer, column)) in asked.iter().enumerate() {
        let own = Box::new(known_by(outer.clone(), column));
        listed = listed.filter(Expr::BinaryExpr(BinaryExpr::new(Box::new(key(at)), Operator::Eq, own)))?;
    }
    Ok(Some(listed.build()?))
}
