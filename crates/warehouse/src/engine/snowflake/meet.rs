//! Values of different types in one place: the results of a `case`, the columns of a union. The engine makes texts of
//! texts and numbers; in Snowflake they become numbers. Beside a VARIANT, everything is one.
//!
//! Source: docs.snowflake.com, "COALESCE" (implicit conversion of texts to NUMBER(18,5), constants with their own digits).

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::common::tree_node::Transformed;
use datafusion::common::{DFSchema, Result};
use datafusion::logical_expr::expr::Case;
use datafusion::logical_expr::{Expr, ExprSchemable, LogicalPlan, LogicalPlanBuilder, Union};

use super::ops::{cast_to, is_float, is_text};
use crate::snowflake::{constant_number, is_variant_type};

/// What the values become.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meeting {
    Numbers,
    Floats,
    Variants,
}

impl Meeting {
    /// Where the engine would not do what Snowflake does.
    fn of<'t>(types: impl IntoIterator<Item = &'t DataType>) -> Option<Self> {
        let (mut texts, mut numbers, mut floats, mut variants, mut others) = (false, false, false, false, false);
        for data_type in types {
            match data_type {
                DataType::Null => {}
                found if is_variant_type(found) => variants = true,
                found => {
                    others = true;
                    texts |= is_text(found);
                    floats |= is_float(found);
                    numbers |= found.is_numeric();
                }
            }
        }
        match (variants, texts && numbers) {
            (true, _) => others.then_some(Self::Variants),
            (false, true) => Some(if floats { Self::Floats } else { Self::Numbers }),
            (false, false) => None,
        }
    }

    /// How `sf_cast` calls what a value of this type becomes; none if it stays. `constant` is its text, if that is known.
    fn target(self, own: &DataType, constant: Option<&str>) -> Option<String> {
        if *own == DataType::Null {
            return None;
        }
        match self {
            Self::Variants => (!is_variant_type(own)).then(|| "variant".to_owned()),
            Self::Floats => is_text(own).then(|| "float".to_owned()),
            Self::Numbers if !is_text(own) => None,
            Self::Numbers => Some(match constant.and_then(constant_number).map(|number| number.data_type()) {
                Some(DataType::Int64) => "int".to_owned(),
                Some(DataType::Decimal128(precision, scale)) => format!("number({precision},{scale})"),
                _ => "number(38,5)".to_owned(),
            }),
        }
    }
}

/// The text of a constant.
pub(super) fn constant(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::Alias(alias) => constant(&alias.expr),
        Expr::Literal(value, _) => value.try_as_str().flatten(),
        _ => None,
    }
}

/// Brings the results of a `case` together.
pub(super) fn case(case: Case, schema: &DFSchema) -> Result<Case> {
    let results = case.when_then_expr.iter().map(|(_, then)| &**then).chain(case.else_expr.as_deref());
    let Ok(types) = results.map(|result| result.get_type(schema)).collect::<Result<Vec<_>>>() else { return Ok(case) };
    let Some(meeting) = Meeting::of(&types) else { return Ok(case) };
    let become_one = |expr: Expr| -> Result<Box<Expr>> {
        let own = expr.get_type(schema)?;
        Ok(Box::new(match meeting.target(&own, constant(&expr)) {
            Some(target) => cast_to(expr, &target)?,
            None => expr,
        }))
    };
    Ok(Case {
        expr: case.expr,
        when_then_expr: case
            .when_then_expr
            .into_iter()
            .map(|(when, then)| Ok((when, become_one(*then)?)))
            .collect::<Result<_>>()?,
        else_expr: case.else_expr.map(|otherwise| become_one(*otherwise)).transpose()?,
    })
}

/// Brings the columns of a union together.
pub(super) fn union(union: Union) -> Result<Transformed<LogicalPlan>> {
    let types = |at: usize| {
        let fields = union.inputs.iter().filter_map(move |input| input.schema().fields().get(at));
        fields.map(|field| field.data_type()).collect::<Vec<_>>()
    };
    let meetings: Vec<Option<Meeting>> = (0..union.schema.fields().len()).map(|at| Meeting::of(types(at))).collect();
    if meetings.iter().all(Option::is_none) {
        return Ok(Transformed::no(LogicalPlan::Union(union)));
    }
    let inputs = union.inputs.iter().map(|input| brought(input, &meetings)).collect::<Result<Vec<_>>>()?;
    Ok(Transformed::yes(LogicalPlan::Union(Union::try_new_with_loose_types(inputs)?)))
}

/// One input of a union with the columns that it has where it meets the others.
fn brought(input: &Arc<LogicalPlan>, meetings: &[Option<Meeting>]) -> Result<Arc<LogicalPlan>> {
    let written = match input.as_ref() {
        LogicalPlan::Projection(projection) => projection.expr.as_slice(),
        _ => &[],
    };
    let mut items = Vec::with_capacity(meetings.len());
    let mut is_changed = false;
    for (at, (column, meeting)) in input.schema().columns().into_iter().zip(meetings).enumerate() {
        let own = input.schema().field(at).data_type();
        let target = meeting.and_then(|meeting| meeting.target(own, written.get(at).and_then(constant)));
        items.push(match target {
            Some(target) => {
                is_changed = true;
                let (relation, name) = (column.relation.clone(), column.name.clone());
                cast_to(Expr::Column(column), &target)?.alias_qualified(relation, name)
            }
            None => Expr::Column(column),
        });
    }
    if !is_changed {
        return Ok(input.clone());
    }
    Ok(Arc::new(LogicalPlanBuilder::from(input.as_ref().clone()).project(items)?.build()?))
}
