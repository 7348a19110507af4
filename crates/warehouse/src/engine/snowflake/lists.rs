//! `in`, `between`, `like` and `case x when …` as Snowflake compares: a text beside numbers, dates or truth values is
//! read as one, and a VARIANT takes the type of the other side; `like` compares texts, whatever its sides are. The planner of operators does not see these, so they are mended in
//! the plan; the type of the whole (a truth value) stays, so that nothing above changes.
//!
//! Where values of different types become one (results of `case` and of functions like `coalesce`, columns of a union),
//! see `meet`. Their types may change by that; the engine's own coercion, which follows, finds the types above anew.

use arrow::datatypes::DataType;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{DFSchema, Result};
use datafusion::logical_expr::expr::{Between, Case, InList, Like, ScalarFunction};
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::{Expr, ExprSchemable, LogicalPlan};

use super::meet;
use super::ops::{cast_to, compared, is_text};
use crate::snowflake::{constant_number, is_variant_type, results_of};

/// Mends every list, range, `case` and union of a plan.
pub(super) fn mend(plan: LogicalPlan) -> Result<LogicalPlan> {
    let mended = plan.transform_up_with_subqueries(|plan| {
        let plan = match plan {
            LogicalPlan::Union(union) => return meet::union(union),
            other => other,
        };
        let mut schema = DFSchema::empty();
        for input in plan.inputs() {
            schema.merge(input.schema());
        }
        if plan.inputs().is_empty() {
            schema.merge(plan.schema());
        }
        // What refers to a computed column does so by its text, which must stay.
        let names = NamePreserver::new(&plan);
        plan.map_expressions(|expr| {
            let name = names.save(&expr);
            let mended = expr.transform_up(|expr| mend_one(expr, &schema))?;
            Ok(mended.update_data(|expr| name.restore(expr)))
        })
    })?;
    Ok(mended.data)
}

fn mend_one(expr: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    match expr {
        Expr::InList(InList { expr, list, negated }) => {
            let Ok(own) = expr.get_type(schema) else {
                return Ok(Transformed::no(Expr::InList(InList { expr, list, negated })));
            };
            let Some(common) =
                list.iter().filter_map(|item| item.get_type(schema).ok()).find(|found| *found != DataType::Null)
            else {
                return Ok(Transformed::no(Expr::InList(InList { expr, list, negated })));
            };
            let (expr, _) = compared(*expr, &own, &common)?;
            let own = expr.get_type(schema)?;
            let list = list
                .into_iter()
                .map(|item| {
                    let other = item.get_type(schema)?;
                    compared(item, &other, &own).map(|(item, _)| item)
                })
                .collect::<Result<Vec<_>>>()?;
            Ok(Transformed::yes(Expr::InList(InList { expr: Box::new(expr), list, negated })))
        }
        Expr::Between(Between { expr, negated, low, high }) => {
            let (Ok(own), Ok(other)) = (expr.get_type(schema), low.get_type(schema)) else {
                return Ok(Transformed::no(Expr::Between(Between { expr, negated, low, high })));
            };
            let (expr, _) = compared(*expr, &own, &other)?;
            let own = expr.get_type(schema)?;
            let bound = |bound: Box<Expr>| -> Result<Box<Expr>> {
                let other = bound.get_type(schema)?;
                Ok(Box::new(compared(*bound, &other, &own)?.0))
            };
            let (low, high) = (bound(low)?, bound(high)?);
            Ok(Transformed::yes(Expr::Between(Between { expr: Box::new(expr), negated, low, high })))
        }
        Expr::Like(Like { negated, expr, pattern, escape_char, case_insensitive }) => {
            let (expr, pattern) = (as_text(expr, schema)?, as_text(pattern, schema)?);
            Ok(Transformed::yes(Expr::Like(Like { negated, expr, pattern, escape_char, case_insensitive })))
        }
        Expr::Case(case) => {
            let case = mend_operand(case, schema)?;
            Ok(Transformed::yes(Expr::Case(meet::case(case, schema)?)))
        }
        Expr::ScalarFunction(function) => Ok(mend_constants(function, schema)),
        other => Ok(Transformed::no(other)),
    }
}

/// What `like` compares. Source: docs.snowflake.com, "LIKE": the subject is a text or is converted to one.
fn as_text(expr: Box<Expr>, schema: &DFSchema) -> Result<Box<Expr>> {
    match expr.get_type(schema) {
        Ok(own) if !is_text(&own) && own != DataType::Null => Ok(Box::new(cast_to(*expr, "varchar")?)),
        _ => Ok(expr),
    }
}

/// `case x when …`: the operand and what it is compared with.
fn mend_operand(case: Case, schema: &DFSchema) -> Result<Case> {
    let Case { expr: Some(operand), when_then_expr, else_expr } = case else { return Ok(case) };
    let typed = when_then_expr.first().and_then(|(when, _)| when.get_type(schema).ok());
    let (Ok(own), Some(other)) = (operand.get_type(schema), typed) else {
        return Ok(Case { expr: Some(operand), when_then_expr, else_expr });
    };
    let (operand, _) = compared(*operand, &own, &other)?;
    let own = operand.get_type(schema)?;
    let when_then_expr = when_then_expr
        .into_iter()
        .map(|(when, then)| {
            let other = when.get_type(schema)?;
            Ok((Box::new(compared(*when, &other, &own)?.0), then))
        })
        .collect::<Result<Vec<_>>>()?;
    Ok(Case { expr: Some(Box::new(operand)), when_then_expr, else_expr })
}

/// Constant texts among the results of a function become numbers where others are numbers, with their own digits.
fn mend_constants(function: ScalarFunction, schema: &DFSchema) -> Transformed<Expr> {
    let mut function = function;
    let results = results_of(function.func.name(), function.args.len());
    let types: Vec<DataType> = results
        .iter()
        .filter_map(|at| function.args.get(*at).and_then(|result| result.get_type(schema).ok()))
        .collect();
    let mut is_changed = false;
    if types.iter().any(DataType::is_numeric) && !types.iter().any(is_variant_type) {
        for at in results {
            let Some(result) = function.args.get_mut(at) else { continue };
            if let Some(number) = meet::constant(result).and_then(constant_number) {
                *result = Expr::Literal(number, None);
                is_changed = true;
            }
        }
    }
    let expr = Expr::ScalarFunction(function);
    if is_changed { Transformed::yes(expr) } else { Transformed::no(expr) }
}
