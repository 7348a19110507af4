//! Subqueries where the engine does not expect them.
//!
//! It plans `exists (…)` and `x in (select …)` as conditions only. Elsewhere, in a select list or inside of an aggregate,
//! they become a number of rows that is asked for: `(select count(1) from …) > 0`.
//!
//! A scalar subquery without rows is null. The engine thinks that one over a literal never is, and fails then.
//!
//! Sources: docs.snowflake.com, "Subquery operators" (`in` and nulls), "Working with subqueries" (no rows give null).

use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{Column, DFSchema, Result, ScalarValue, Spans};
use datafusion::functions_aggregate::expr_fn::count;
use datafusion::logical_expr::expr::{Case, Exists, InSubquery};
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::{
    Aggregate, BinaryExpr, Distinct, Expr, ExprSchemable, LogicalPlan, LogicalPlanBuilder, Operator, Subquery, lit,
};

use super::ops::{call, compared};

/// The column that holds a number of rows.
const NUMBER: &str = "__rows";

/// In front of columns that are asked for below an aggregate.
const ASKED: &str = "__asked";

/// Mends every subquery of a plan.
pub(super) fn mend(plan: LogicalPlan) -> Result<LogicalPlan> {
    let mended = plan.transform_up_with_subqueries(|plan| match &plan {
        LogicalPlan::Aggregate(aggregate) if plan.expressions().iter().any(asks) => below(&plan, aggregate),
        _ => {
            let is_condition = matches!(plan, LogicalPlan::Filter(_) | LogicalPlan::Join(_));
            let mut schema = DFSchema::empty();
            for input in plan.inputs() {
                schema.merge(input.schema());
            }
            // What refers to a computed column does so by its text, which must stay.
            let names = NamePreserver::new(&plan);
            plan.map_expressions(|expr| {
                let name = names.save(&expr);
                let mended = expr.transform_up(|expr| mend_one(expr, &schema, is_condition))?;
                Ok(mended.update_data(|expr| name.restore(expr)))
            })
        }
    })?;
    Ok(mended.data)
}

/// Whether it holds what is planned as a condition only.
fn asks(expr: &Expr) -> bool {
    expr.exists(|inner| Ok(matches!(inner, Expr::Exists(_) | Expr::InSubquery(_)))).unwrap_or(false)
}

/// The same aggregate over rows that have what it asks as columns: the engine links subqueries in projections only.
fn below(plan: &LogicalPlan, aggregate: &Aggregate) -> Result<Transformed<LogicalPlan>> {
    let schema = aggregate.input.schema();
    let mut columns: Vec<Expr> = schema.columns().into_iter().map(Expr::Column).collect();
    let names = NamePreserver::new(plan);
    let mut exprs = Vec::new();
    for expr in plan.expressions() {
        let name = names.save(&expr);
        let replaced = expr.transform_up(|expr| match expr {
            Expr::Exists(_) | Expr::InSubquery(_) => {
                let column = format!("{ASKED}_{}", columns.len());
                columns.push(mend_one(expr, schema, false)?.data.alias(column.as_str()));
                Ok(Transformed::yes(Expr::Column(Column::from_name(column))))
            }
            other => mend_one(other, schema, false),
        })?;
        exprs.push(name.restore(replaced.data));
    }
    let input = LogicalPlanBuilder::from(aggregate.input.as_ref().clone()).project(columns)?.build()?;
    Ok(Transformed::yes(plan.with_new_exprs(exprs, vec![input])?))
}

fn mend_one(expr: Expr, schema: &DFSchema, is_condition: bool) -> Result<Transformed<Expr>> {
    match expr {
        Expr::Exists(Exists { subquery, negated }) if !is_condition => {
            let found = has_rows(any_row(&subquery.subquery).clone())?;
            Ok(Transformed::yes(negate(found, negated)))
        }
        Expr::InSubquery(asked) if !is_condition => Ok(Transformed::yes(within(asked, schema)?)),
        Expr::ScalarSubquery(subquery) if may_be_missing(&subquery.subquery) => {
            Ok(Transformed::yes(call("sf_maybe", vec![Expr::ScalarSubquery(subquery)])?))
        }
        other => Ok(Transformed::no(other)),
    }
}

fn negate(expr: Expr, is_negated: bool) -> Expr {
    if is_negated { Expr::Not(Box::new(expr)) } else { expr }
}

/// A plan that has rows where this one has: without what only arranges them.
fn any_row(plan: &LogicalPlan) -> &LogicalPlan {
    match plan {
        LogicalPlan::Projection(projection) => any_row(&projection.input),
        LogicalPlan::SubqueryAlias(alias) => any_row(&alias.input),
        LogicalPlan::Sort(sort) if sort.fetch.is_none() => any_row(&sort.input),
        LogicalPlan::Distinct(Distinct::All(input)) => any_row(input),
        other => other,
    }
}

/// Whether there are rows.
fn has_rows(rows: LogicalPlan) -> Result<Expr> {
    // The engine links a subquery by grouping its rows, for which it needs them all.
    let is_linked = !rows.all_out_ref_exprs().is_empty();
    let rows = LogicalPlanBuilder::from(rows);
    let rows = if is_linked { rows } else { rows.limit(0, Some(1))? };
    let number = count(lit(1i64));
    let name = number.schema_name().to_string();
    let counted = rows
        .aggregate(Vec::<Expr>::new(), vec![number])?
        .project(vec![Expr::Column(Column::from_name(name)).alias(NUMBER)])?
        .build()?;
    let outer_ref_columns = counted.all_out_ref_exprs();
    let subquery = Subquery { subquery: Arc::new(counted), outer_ref_columns, spans: Spans::new() };
    Ok(binary(Expr::ScalarSubquery(subquery), Operator::Gt, lit(0i64)))
}

/// `x in (select …)`: null where it is not found, but might be one of the nulls or is null itself.
fn within(asked: InSubquery, schema: &DFSchema) -> Result<Expr> {
    let InSubquery { expr, subquery, negated } = asked;
    let (rows, value) = opened(&subquery.subquery);
    let value_type = value.get_type(rows.schema())?;
    let own_type = expr.get_type(schema)?;
    let own = expr.as_ref().clone();
    let (left, left_type) = compared(linked(own.clone(), schema)?, &own_type, &value_type)?;
    let (right, _) = compared(value.clone(), &value_type, &left_type)?;
    let rows_with = |condition: Expr| -> Result<Expr> {
        has_rows(LogicalPlanBuilder::from(rows.clone()).filter(condition)?.build()?)
    };
    let is_found = rows_with(binary(left, Operator::Eq, right))?;
    let has_null = rows_with(Expr::IsNull(Box::new(value)))?;
    let is_null = binary(Expr::IsNull(Box::new(own)), Operator::And, has_rows(rows.clone())?);
    let is_unknown = binary(is_null, Operator::Or, has_null);
    let unknown = Expr::Literal(ScalarValue::Boolean(None), None);
    let case = Expr::Case(Case {
        expr: None,
        when_then_expr: vec![(Box::new(is_found), Box::new(lit(true))), (Box::new(is_unknown), Box::new(unknown))],
        else_expr: Some(Box::new(lit(false))),
    });
    Ok(negate(case, negated))
}

/// The rows of a subquery and the column that it selects, without a projection that only picks it.
fn opened(plan: &LogicalPlan) -> (LogicalPlan, Expr) {
    if let LogicalPlan::Projection(projection) = plan
        && let [value] = projection.expr.as_slice()
        && let value @ Expr::Column(_) = value.clone().unalias()
    {
        return (projection.input.as_ref().clone(), value);
    }
    (plan.clone(), Expr::Column(Column::from(plan.schema().qualified_field(0))))
}

/// Columns of the query around a subquery, as they are named within it.
fn linked(expr: Expr, schema: &DFSchema) -> Result<Expr> {
    let linked = expr.transform_up(|expr| match expr {
        Expr::Column(column) => {
            let field = schema.qualified_field_from_column(&column)?.1.clone();
            Ok(Transformed::yes(Expr::OuterReferenceColumn(field, column)))
        }
        other => Ok(Transformed::no(other)),
    })?;
    Ok(linked.data)
}

fn binary(left: Expr, op: Operator, right: Expr) -> Expr {
    Expr::BinaryExpr(BinaryExpr::new(Box::new(left), op, Box::new(right)))
}

/// Whether a scalar subquery may have no row while its column is never null.
fn may_be_missing(plan: &LogicalPlan) -> bool {
    let is_never_null = plan.schema().fields().first().is_some_and(|field| !field.is_nullable());
    is_never_null && !always_has_row(plan)
}

fn always_has_row(plan: &LogicalPlan) -> bool {
    match plan {
        LogicalPlan::Projection(projection) => always_has_row(&projection.input),
        LogicalPlan::SubqueryAlias(alias) => always_has_row(&alias.input),
        LogicalPlan::Aggregate(aggregate) => aggregate.group_expr.is_empty(),
        LogicalPlan::EmptyRelation(empty) => empty.produce_one_row,
        _ => false,
    }
}
