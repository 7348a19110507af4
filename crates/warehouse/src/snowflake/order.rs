//! Orders of VARIANTs in a plan: the engine would order their JSON texts, where 10 comes before 9. Sort keys, orders of
//! windows and aggregates, MIN and MAX are put on `sf_variant_sort_key` instead.

use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{DFSchema, Result};
use datafusion::logical_expr::expr::{AggregateFunction, ScalarFunction, WindowFunction};
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{Expr, ExprSchemable, LogicalPlan, SortExpr, WindowFunctionDefinition};
use millstream_core::Result as CoreResult;

use super::functions;
use super::types::{is_variant, user};
use crate::error::from_engine;

/// A plan that orders VARIANTs by their values.
///
/// # Errors
/// An engine error when an expression's type cannot be told.
pub(crate) fn sort_variants(plan: LogicalPlan) -> CoreResult<LogicalPlan> {
    plan.transform_up_with_subqueries(node).map(|transformed| transformed.data).map_err(from_engine)
}

fn node(plan: LogicalPlan) -> Result<Transformed<LogicalPlan>> {
    let sorts = matches!(plan, LogicalPlan::Sort(_));
    if !sorts && !matches!(plan, LogicalPlan::Window(_) | LogicalPlan::Aggregate(_)) {
        return Ok(Transformed::no(plan));
    }
    let schema = merge_schema(&plan.inputs());
    if !schema.fields().iter().any(|field| holds_variant(field.data_type())) {
        return Ok(Transformed::no(plan));
    }
    let names = NamePreserver::new(&plan);
    plan.map_expressions(|expr| {
        let name = names.save(&expr);
        let changed = if sorts { key(expr, &schema)? } else { expr.transform_up(|expr| inside(expr, &schema))? };
        Ok(changed.update_data(|expr| name.restore(expr)))
    })?
    .map_data(LogicalPlan::recompute_schema)
}

fn holds_variant(data_type: &arrow::datatypes::DataType) -> bool {
    use arrow::datatypes::DataType;
    match data_type {
        DataType::Struct(fields) => {
            is_variant(data_type) || fields.iter().any(|field| holds_variant(field.data_type()))
        }
        DataType::List(item) => holds_variant(item.data_type()),
        _ => false,
    }
}

/// A sort key's expression; variants by their key.
fn key(expr: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    if !is_variant(&expr.get_type(schema)?) {
        return Ok(Transformed::no(expr));
    }
    Ok(Transformed::yes(sort_key(expr)?))
}

fn sort_key(expr: Expr) -> Result<Expr> {
    let function = functions().scalar.get("sf_variant_sort_key").ok_or_else(|| user("no order of variants"))?;
    Ok(Expr::ScalarFunction(ScalarFunction::new_udf(function.clone(), vec![expr])))
}

fn keys(order: Vec<SortExpr>, schema: &DFSchema) -> Result<(Vec<SortExpr>, bool)> {
    let mut changed = false;
    let order = order
        .into_iter()
        .map(|sort| {
            let key = key(sort.expr, schema)?;
            changed |= key.transformed;
            Ok(SortExpr { expr: key.data, ..sort })
        })
        .collect::<Result<_>>()?;
    Ok((order, changed))
}

/// Whether a call is the least or greatest of variants, and of which function it is then.
fn extreme(name: &str, args: &[Expr], schema: &DFSchema) -> Result<Option<&'static str>> {
    let by = match name {
        "min" => "min_by",
        "max" => "max_by",
        _ => return Ok(None),
    };
    match args {
        [one] if is_variant(&one.get_type(schema)?) => Ok(Some(by)),
        _ => Ok(None),
    }
}

fn inside(expr: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    match expr {
        Expr::AggregateFunction(AggregateFunction { func, mut params }) => {
            let (order, mut changed) = keys(params.order_by, schema)?;
            params.order_by = order;
            let mut func = func;
            if let Some(by) = extreme(func.name(), &params.args, schema)?
                && let Some(found) = functions().aggregate.get(by)
            {
                func = found.clone();
                params.args.push(sort_key(params.args[0].clone())?);
                changed = true;
            }
            let expr = Expr::AggregateFunction(AggregateFunction { func, params });
            Ok(if changed { Transformed::yes(expr) } else { Transformed::no(expr) })
        }
        Expr::WindowFunction(window) => {
            let WindowFunction { mut fun, mut params } = *window;
            let (order, mut changed) = keys(params.order_by, schema)?;
            params.order_by = order;
            if let WindowFunctionDefinition::AggregateUDF(func) = &fun
                && let Some(by) = extreme(func.name(), &params.args, schema)?
                && let Some(found) = functions().aggregate.get(by)
            {
                fun = WindowFunctionDefinition::AggregateUDF(found.clone());
                params.args.push(sort_key(params.args[0].clone())?);
                changed = true;
            }
            let expr = Expr::WindowFunction(Box::new(WindowFunction { fun, params }));
            Ok(if changed { Transformed::yes(expr) } else { Transformed::no(expr) })
        }
        other => Ok(Transformed::no(other)),
    }
}
