//! `a / b` of decimals with many digits, computed in twice the width.
//!
//! The engine moves the dividend's point by the digits that the quotient needs before it divides, which leaves 128 bits
//! long before the quotient does: an average of averages divided by another one is enough. The type of the result stays.

use arrow::datatypes::{DECIMAL128_MAX_PRECISION, DECIMAL256_MAX_PRECISION, DataType};
use datafusion::common::DFSchema;
use datafusion::error::Result;
use datafusion::logical_expr::planner::{ExprPlanner, PlannerResult, RawBinaryExpr};
use datafusion::logical_expr::type_coercion::binary::BinaryTypeCoercer;
use datafusion::logical_expr::{BinaryExpr, Cast, Expr, ExprSchemable, Operator};
use sqlparser::ast::BinaryOperator;

/// Plans such divisions.
#[derive(Debug)]
pub(crate) struct WideDivision;

impl ExprPlanner for WideDivision {
    fn plan_binary_op(&self, expr: RawBinaryExpr, schema: &DFSchema) -> Result<PlannerResult<RawBinaryExpr>> {
        if expr.op != BinaryOperator::Divide {
            return Ok(PlannerResult::Original(expr));
        }
        let (Ok(left), Ok(right)) = (expr.left.get_type(schema), expr.right.get_type(schema)) else {
            return Ok(PlannerResult::Original(expr));
        };
        let (DataType::Decimal128(digits, scale), DataType::Decimal128(_, by_scale)) = (&left, &right) else {
            return Ok(PlannerResult::Original(expr));
        };
        let quotient = BinaryTypeCoercer::new(&left, &Operator::Divide, &right).get_result_type();
        let Ok(DataType::Decimal128(_, quotient_scale)) = quotient else { return Ok(PlannerResult::Original(expr)) };
        let moved = i16::from(quotient_scale) - i16::from(*scale) + i16::from(*by_scale);
        if i16::from(*digits) + moved <= i16::from(DECIMAL128_MAX_PRECISION) {
            return Ok(PlannerResult::Original(expr));
        }
        let wide = |expr: Expr, scale: i8| {
            Box::new(Expr::Cast(Cast::new(Box::new(expr), DataType::Decimal256(DECIMAL256_MAX_PRECISION, scale))))
        };
        let divided = BinaryExpr::new(wide(expr.left, *scale), Operator::Divide, wide(expr.right, *by_scale));
        let result = DataType::Decimal128(DECIMAL128_MAX_PRECISION, quotient_scale);
        Ok(PlannerResult::Planned(Expr::Cast(Cast::new(Box::new(Expr::BinaryExpr(divided)), result))))
    }
}
