//! Where numbers of different kinds meet, they meet as in PostgreSQL: floats beside decimals as floats, and fractions
//! that become whole numbers are rounded. Dates beside timestamps become such.
//!
//! The engine would make decimals of 15 fractional digits of both, where they are compared, or are values of one `case`,
//! `coalesce` or union: `score > 0.5` would fail for `1e25` and for a value that is no number, and lose what is smaller
//! than `1e-15`. In arithmetic it makes floats by itself. Its cast to a whole number would cut fractions off.
//!
//! Guarantees: only types change, never names of columns; what has other types stays as it is.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field};
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{Column, DFSchema};
use datafusion::error::Result;
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{Expr, ExprSchemable, LogicalPlan, LogicalPlanBuilder, Operator, Union, cast};

use crate::write::through;

/// Functions that give one of their arguments, or compare them.
const FUNCTIONS: [&str; 4] = ["coalesce", "greatest", "least", "nullif"];

/// Lets them meet everywhere in a plan whose types are not settled yet.
pub(super) fn settled(plan: LogicalPlan) -> Result<LogicalPlan> {
    let mut has_changed = false;
    let done = plan.transform_up_with_subqueries(|plan| {
        let plan = match plan {
            LogicalPlan::Union(union) => return in_union(union, &mut has_changed),
            other => other,
        };
        let schema = merge_schema(&plan.inputs());
        let names = NamePreserver::new(&plan);
        let made = plan.map_expressions(|expr| {
            if matches!(expr, Expr::Column(_)) {
                return Ok(Transformed::no(expr));
            }
            let name = names.save(&expr);
            let made = expr.transform_up(|expr| Ok(in_expression(expr, &schema)))?;
            Ok(if made.transformed { made.update_data(|expr| name.restore(expr)) } else { made })
        })?;
        has_changed |= made.transformed;
        // What stands above a column of another type sees that type.
        if has_changed { made.map_data(LogicalPlan::recompute_schema) } else { Ok(made) }
    })?;
    Ok(done.data)
}

fn is_float(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Float16 | DataType::Float32 | DataType::Float64)
}

fn is_decimal(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Decimal128(..) | DataType::Decimal256(..))
}

/// Whether there are both among some types.
fn meet<'t>(types: impl Iterator<Item = &'t DataType> + Clone) -> bool {
    types.clone().any(is_float) && types.clone().any(is_decimal)
}

fn in_expression(mut expr: Expr, schema: &DFSchema) -> Transformed<Expr> {
    let has_changed = match &mut expr {
        Expr::BinaryExpr(binary) if compares(binary.op) => {
            together(vec![binary.left.as_mut(), binary.right.as_mut()], schema)
        }
        Expr::Between(between) => {
            together(vec![between.expr.as_mut(), between.low.as_mut(), between.high.as_mut()], schema)
        }
        Expr::InList(within) => {
            let mut all = vec![within.expr.as_mut()];
            all.extend(within.list.iter_mut());
            together(all, schema)
        }
        Expr::Case(case) => {
            let (mut compared, mut results) = (Vec::new(), Vec::new());
            compared.extend(case.expr.as_deref_mut());
            for (when, then) in &mut case.when_then_expr {
                // Without an operand these are conditions.
                if !compared.is_empty() {
                    compared.push(when.as_mut());
                }
                results.push(then.as_mut());
            }
            results.extend(case.else_expr.as_deref_mut());
            let compared = together(compared, schema);
            together(results, schema) || compared
        }
        Expr::ScalarFunction(function) if FUNCTIONS.contains(&function.func.name()) => {
            together(function.args.iter_mut().collect(), schema)
        }
        Expr::Cast(cast) => rounded(&mut cast.expr, &cast.field, schema),
        Expr::TryCast(cast) => rounded(&mut cast.expr, &cast.field, schema),
        _ => false,
    };
    if has_changed { Transformed::yes(expr) } else { Transformed::no(expr) }
}

/// Rounds a fraction that is cast to a whole number, half away from zero.
fn rounded(value: &mut Box<Expr>, to: &Field, schema: &DFSchema) -> bool {
    let from = value.get_type(schema).unwrap_or(DataType::Null);
    let Some(whole) = through(&from, to.data_type()) else { return false };
    **value = cast(std::mem::take(value.as_mut()), whole);
    true
}

fn compares(op: Operator) -> bool {
    use Operator::{Eq, Gt, GtEq, IsDistinctFrom, IsNotDistinctFrom, Lt, LtEq, NotEq};
    matches!(op, Eq | NotEq | Lt | LtEq | Gt | GtEq | IsDistinctFrom | IsNotDistinctFrom)
}

/// Makes floats of the decimals if there are both, and timestamps of dates beside them. A value whose type the engine does not tell yet counts as neither.
fn together(values: Vec<&mut Expr>, schema: &DFSchema) -> bool {
    let types: Vec<DataType> = values.iter().map(|value| value.get_type(schema).unwrap_or(DataType::Null)).collect();
    // The engine would count both in nanoseconds, which end in the year 2262.
    let moment = types.iter().find(|data_type| matches!(data_type, DataType::Timestamp(..)));
    if let Some(moment) = moment.filter(|_| types.contains(&DataType::Date32)) {
        for (value, _) in values.into_iter().zip(&types).filter(|(_, data_type)| **data_type == DataType::Date32) {
            *value = cast(std::mem::take(value), moment.clone());
        }
        return true;
    }
    if !meet(types.iter()) {
        return false;
    }
    for (value, data_type) in values.into_iter().zip(&types) {
        if is_decimal(data_type) {
            *value = cast(std::mem::take(value), DataType::Float64);
        }
    }
    true
}

fn in_union(union: Union, has_changed: &mut bool) -> Result<Transformed<LogicalPlan>> {
    let of_column = |at: usize| {
        union.inputs.iter().filter_map(move |input| input.schema().fields().get(at).map(|field| field.data_type()))
    };
    let mixed: Vec<bool> = (0..union.schema.fields().len()).map(|at| meet(of_column(at))).collect();
    if !mixed.contains(&true) {
        let plan = LogicalPlan::Union(union);
        return Ok(Transformed::no(plan));
    }
    *has_changed = true;
    let inputs = union.inputs.iter().map(|input| as_floats(input, &mixed)).collect::<Result<Vec<_>>>()?;
    Ok(Transformed::yes(LogicalPlan::Union(Union::try_new_with_loose_types(inputs)?)))
}

/// A part of a union with floats for the decimals of some columns.
fn as_floats(input: &Arc<LogicalPlan>, mixed: &[bool]) -> Result<Arc<LogicalPlan>> {
    let columns: Vec<Expr> = input
        .schema()
        .iter()
        .zip(mixed)
        .map(|((qualifier, field), is_mixed)| {
            let column = Expr::Column(Column::from((qualifier, field)));
            if *is_mixed && is_decimal(field.data_type()) {
                cast(column, DataType::Float64).alias_qualified(qualifier.cloned(), field.name())
            } else {
                column
            }
        })
        .collect();
    LogicalPlanBuilder::from(input.as_ref().clone()).project(columns)?.build().map(Arc::new)
}
