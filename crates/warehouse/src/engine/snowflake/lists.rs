//! `in`, `between` and `case x when …` as Snowflake compares: a text beside numbers, dates or truth values is read as one, and a VARIANT
//! takes the type of the other side. The planner of operators does not see these, so they are mended in the plan; the
//! type of the whole (a truth value) stays, so that nothing above changes.

use arrow::datatypes::DataType;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{DFSchema, Result};
use datafusion::logical_expr::expr::{Between, Case, InList};
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::{Expr, ExprSchemable, LogicalPlan};

use super::ops::compared;

/// Mends every list and range of a plan.
pub(super) fn mend(plan: LogicalPlan) -> Result<LogicalPlan> {
    let mended = plan.transform_up_with_subqueries(|plan| {
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
        Expr::Case(Case { expr: Some(operand), when_then_expr, else_expr }) => {
            let typed = when_then_expr.first().and_then(|(when, _)| when.get_type(schema).ok());
            let (Ok(own), Some(other)) = (operand.get_type(schema), typed) else {
                return Ok(Transformed::no(Expr::Case(Case { expr: Some(operand), when_then_expr, else_expr })));
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
            Ok(Transformed::yes(Expr::Case(Case { expr: Some(Box::new(operand)), when_then_expr, else_expr })))
        }
        other => Ok(Transformed::no(other)),
    }
}
