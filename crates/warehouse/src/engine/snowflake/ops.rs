//! Operators as Snowflake types them. Decided while the engine plans, because it takes the types of both sides:
//! `1 / 2` is the decimal 0.500000, `date + 1` the next day, a text beside a number is read as one, a VARIANT takes
//! the type of the other side.
//!
//! The type of a `case`, a union, or what is made of them may still change when the engine brings their branches
//! together (`case when c then 0 else 2.75 end` is planned as a whole number). So nothing here casts a number to what it
//! seems to be; functions find their types anew.
//!
//! Sources: docs.snowflake.com, "Arithmetic operators" (precision and scale of results), "Data type conversion".

use arrow::datatypes::DataType;
use datafusion::common::{DFSchema, ScalarValue};
use datafusion::error::Result;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::planner::{ExprPlanner, PlannerResult, RawBinaryExpr};
use datafusion::logical_expr::{BinaryExpr, Cast, Expr, ExprSchemable, Operator, lit};
use millstream_core::Error;
use sqlparser::ast::BinaryOperator;

use crate::error::into_engine;
use crate::snowflake::{functions, is_variant_type};

/// Fraction digits that a product keeps whatever its factors have.
const PRODUCT_SCALE: i8 = 12;

/// Fraction digits with which a text is compared with a number.
const TEXT_SCALE: i8 = 12;

/// Digits of the widest number. The engine's own operators go beyond them without an error, and what is read then has
/// lost digits: where there may be more, functions that check are taken.
const DIGITS_MAX: i8 = 38;

/// Whole-number literals up to this are added without a wider type.
const SMALL: u64 = 1 << 31;

/// Plans binary operators.
#[derive(Debug)]
pub(super) struct SnowflakeOperators;

impl ExprPlanner for SnowflakeOperators {
    fn plan_binary_op(&self, expr: RawBinaryExpr, schema: &DFSchema) -> Result<PlannerResult<RawBinaryExpr>> {
        let (Ok(left), Ok(right)) = (expr.left.get_type(schema), expr.right.get_type(schema)) else {
            return Ok(PlannerResult::Original(expr));
        };
        let RawBinaryExpr { op, left: l, right: r } = expr;
        let sides = Sides { l, r, left, right };
        let planned = match op {
            BinaryOperator::StringConcat => sides.texts()?.operator(Operator::StringConcat),
            BinaryOperator::Divide => return sides.numbers()?.divide().map(PlannerResult::Planned),
            BinaryOperator::Multiply => return sides.numbers()?.multiply().map(PlannerResult::Planned),
            BinaryOperator::Modulo => sides.numbers()?.operator(Operator::Modulo),
            BinaryOperator::Plus => return sides.add(false).map(PlannerResult::Planned),
            BinaryOperator::Minus => return sides.add(true).map(PlannerResult::Planned),
            BinaryOperator::And => sides.booleans()?.operator(Operator::And),
            BinaryOperator::Or => sides.booleans()?.operator(Operator::Or),
            BinaryOperator::Eq => return sides.compare(Operator::Eq).map(PlannerResult::Planned),
            BinaryOperator::NotEq => return sides.compare(Operator::NotEq).map(PlannerResult::Planned),
            BinaryOperator::Lt => return sides.compare(Operator::Lt).map(PlannerResult::Planned),
            BinaryOperator::LtEq => return sides.compare(Operator::LtEq).map(PlannerResult::Planned),
            BinaryOperator::Gt => return sides.compare(Operator::Gt).map(PlannerResult::Planned),
            BinaryOperator::GtEq => return sides.compare(Operator::GtEq).map(PlannerResult::Planned),
            op => return Ok(PlannerResult::Original(RawBinaryExpr { op, left: sides.l, right: sides.r })),
        };
        Ok(PlannerResult::Planned(planned))
    }
}

/// Two operands and their types.
struct Sides {
    l: Expr,
    r: Expr,
    left: DataType,
    right: DataType,
}

impl Sides {
    fn operator(self, op: Operator) -> Expr {
        Expr::BinaryExpr(BinaryExpr::new(Box::new(self.l), op, Box::new(self.r)))
    }

    /// Both as texts.
    fn texts(mut self) -> Result<Self> {
        (self.l, self.left) = as_text(self.l, self.left)?;
        (self.r, self.right) = as_text(self.r, self.right)?;
        Ok(self)
    }

    /// Both as truth values.
    fn booleans(mut self) -> Result<Self> {
        (self.l, self.left) = as_boolean(self.l, self.left)?;
        (self.r, self.right) = as_boolean(self.r, self.right)?;
        Ok(self)
    }

    /// Both as numbers; whole-number literals beside decimals with no more digits than they have.
    fn numbers(mut self) -> Result<Self> {
        let scale = digits(&self.left).or(digits(&self.right)).map_or(TEXT_SCALE, |(_, scale)| scale.max(TEXT_SCALE));
        (self.l, self.left) = as_number(self.l, self.left, scale)?;
        (self.r, self.right) = as_number(self.r, self.right, scale)?;
        if is_decimal(&self.left) {
            (self.r, self.right) = tight(self.r, self.right);
        }
        if is_decimal(&self.right) {
            (self.l, self.left) = tight(self.l, self.left);
        }
        Ok(self)
    }

    fn divide(self) -> Result<Expr> {
        self.check("/")?;
        call("sf_div", vec![self.l, self.r])
    }

    fn multiply(self) -> Result<Expr> {
        self.check("*")?;
        match (digits(&self.left), digits(&self.right)) {
            (Some((_, 0)), Some((_, 0))) if !is_decimal(&self.left) && !is_decimal(&self.right) => {
                if let (Some(left), Some(right)) = (whole(&self.l), whole(&self.r))
                    && let Some(product) = left.checked_mul(right)
                {
                    return Ok(lit(product));
                }
                call("sf_mul", vec![self.l, self.r])
            }
            (Some((p, a)), Some((q, b)))
                if a + b > a.max(b).max(PRODUCT_SCALE) || leading(p, 0) + leading(q, 0) > DIGITS_MAX =>
            {
                call("sf_mul", vec![self.l, self.r])
            }
            _ => Ok(self.operator(Operator::Multiply)),
        }
    }

    /// Sums, differences, and days to and from dates.
    fn add(self, is_minus: bool) -> Result<Expr> {
        let op = if is_minus { Operator::Minus } else { Operator::Plus };
        let is_day = |data_type: &DataType| matches!(data_type, DataType::Date32 | DataType::Date64);
        let is_count = |data_type: &DataType| digits(data_type).is_some() || is_float(data_type);
        if is_day(&self.left) && is_count(&self.right) {
            let days = if is_minus { Expr::Negative(Box::new(signed(self.r, &self.right))) } else { self.r };
            return call("dateadd", vec![lit("day"), days, self.l]);
        }
        if is_count(&self.left) && is_day(&self.right) && !is_minus {
            return call("dateadd", vec![lit("day"), self.l, self.r]);
        }
        if is_day(&self.left) && is_day(&self.right) && is_minus {
            return call("datediff", vec![lit("day"), self.r, self.l]);
        }
        let is_moment = |data_type: &DataType| matches!(data_type, DataType::Timestamp(..));
        if is_minus && (is_moment(&self.left) && (is_moment(&self.right) || is_day(&self.right))) {
            return Err(user(
                "one timestamp cannot be subtracted from another",
                "use datediff(second, earlier, later), or another part than second",
            ));
        }
        if is_day(&self.left) && matches!(self.right, DataType::Interval(_)) && has_time(&self.r) {
            let l = cast_to(self.l, "timestamp_ntz")?;
            return Ok(Sides { l, ..self }.operator(op));
        }
        if matches!(self.left, DataType::Interval(_)) || matches!(self.right, DataType::Interval(_)) {
            return Ok(self.operator(op));
        }
        let sides = self.numbers()?;
        sides.check(if is_minus { "-" } else { "+" })?;
        let are_whole = digits(&sides.left).is_some_and(|(_, scale)| scale == 0)
            && digits(&sides.right).is_some_and(|(_, scale)| scale == 0)
            && !is_decimal(&sides.left)
            && !is_decimal(&sides.right);
        if !are_whole {
            return match (digits(&sides.left), digits(&sides.right)) {
                (Some((p, a)), Some((q, b))) if leading(p, a).max(leading(q, b)) + a.max(b) >= DIGITS_MAX => {
                    call(if is_minus { "sf_sub" } else { "sf_add" }, vec![sides.l, sides.r])
                }
                _ => Ok(sides.operator(op)),
            };
        }
        let is_small = |expr: &Expr| whole(expr).is_some_and(|number| number.unsigned_abs() < SMALL);
        let function = match (is_small(&sides.l) || is_small(&sides.r), is_minus) {
            (true, false) => "sf_add_small",
            (true, true) => "sf_sub_small",
            (false, false) => "sf_add",
            (false, true) => "sf_sub",
        };
        call(function, vec![sides.l, sides.r])
    }

    /// A comparison: a VARIANT or a text is read as what the other side is.
    fn compare(mut self, op: Operator) -> Result<Expr> {
        match (is_variant_type(&self.left), is_variant_type(&self.right)) {
            (true, true) => {
                let compared = call("sf_variant_compare", vec![self.l, self.r])?;
                return Ok(Expr::BinaryExpr(BinaryExpr::new(Box::new(compared), op, Box::new(lit(0i64)))));
            }
            _ => {
                let (l, left) = compared(self.l, &self.left, &self.right)?;
                (self.r, _) = compared(self.r, &self.right, &left)?;
                (self.l, self.left) = (l, left);
            }
        }
        Ok(self.operator(op))
    }

    /// Both sides of arithmetic must be numbers by now.
    fn check(&self, op: &str) -> Result<()> {
        let is_number = |data_type: &DataType| {
            digits(data_type).is_some() || is_float(data_type) || matches!(data_type, DataType::Null)
        };
        for data_type in [&self.left, &self.right] {
            if !is_number(data_type) {
                return Err(user(
                    format!("'{op}' is not defined for {} and {}", shown(&self.left), shown(&self.right)),
                    "cast both sides to numbers",
                ));
            }
        }
        Ok(())
    }
}

/// A call of one of Snowflake's functions.
pub(super) fn call(name: &str, args: Vec<Expr>) -> Result<Expr> {
    match functions().scalar.get(name) {
        Some(function) => Ok(Expr::ScalarFunction(ScalarFunction::new_udf(function.clone(), args))),
        None => Err(into_engine(Error::ours(format!("the function {name} is missing")))),
    }
}

fn user(what: impl Into<String>, hint: &str) -> datafusion::error::DataFusionError {
    into_engine(Error::user(what.into()).hint(hint))
}

pub(super) fn cast_to(expr: Expr, data_type: &str) -> Result<Expr> {
    call("sf_cast", vec![expr, lit(data_type)])
}

fn as_text(expr: Expr, data_type: DataType) -> Result<(Expr, DataType)> {
    if is_text(&data_type) || matches!(data_type, DataType::Null) || data_type.is_binary() {
        return Ok((expr, data_type));
    }
    Ok((cast_to(expr, "varchar")?, DataType::Utf8))
}

fn as_boolean(expr: Expr, data_type: DataType) -> Result<(Expr, DataType)> {
    if matches!(data_type, DataType::Boolean | DataType::Null) {
        return Ok((expr, data_type));
    }
    Ok((cast_to(expr, "boolean")?, DataType::Boolean))
}

/// Texts become numbers with that many fraction digits, VARIANTs floats; everything else is left alone.
fn as_number(expr: Expr, data_type: DataType, scale: i8) -> Result<(Expr, DataType)> {
    if is_text(&data_type) {
        return Ok((cast_to(expr, &format!("number(38,{scale})"))?, DataType::Decimal128(38, scale)));
    }
    if is_variant_type(&data_type) {
        return Ok((cast_to(expr, "float")?, DataType::Float64));
    }
    Ok((expr, data_type))
}

/// One side of a comparison as a value of the other side's type, where only one of them is a text or a VARIANT; and
/// its type then.
pub(super) fn compared(expr: Expr, own: &DataType, other: &DataType) -> Result<(Expr, DataType)> {
    if matches!(own, DataType::Null) || matches!(other, DataType::Null) {
        return Ok((expr, own.clone()));
    }
    if is_variant_type(own) && !is_variant_type(other) {
        return Ok((variant_as(expr, other)?, other.clone()));
    }
    // A text beside a text or a VARIANT stays: the VARIANT becomes a text.
    if is_text(own) && !is_text(other) && !is_variant_type(other) {
        return Ok((text_as(expr, other)?, other.clone()));
    }
    Ok((expr, own.clone()))
}

/// A VARIANT as a value of the other side's type.
fn variant_as(expr: Expr, other: &DataType) -> Result<Expr> {
    match type_name(other) {
        Some(name) => cast_to(expr, &name),
        None => Ok(expr),
    }
}

/// A text as a value of the other side's type, if that is no text.
fn text_as(expr: Expr, other: &DataType) -> Result<Expr> {
    match other {
        DataType::Boolean | DataType::Date32 | DataType::Timestamp(..) | DataType::Time64(_) => variant_as(expr, other),
        _ if is_float(other) => cast_to(expr, "float"),
        _ => match digits(other) {
            Some((_, scale)) => cast_to(expr, &format!("number(38,{})", scale.max(TEXT_SCALE))),
            None => Ok(expr),
        },
    }
}

/// How `sf_cast` calls a type.
fn type_name(data_type: &DataType) -> Option<String> {
    Some(match data_type {
        DataType::Boolean => "boolean".into(),
        DataType::Date32 | DataType::Date64 => "date".into(),
        DataType::Time32(_) | DataType::Time64(_) => "time".into(),
        DataType::Timestamp(_, None) => "timestamp_ntz".into(),
        DataType::Timestamp(_, Some(_)) => "timestamp_tz".into(),
        _ if is_text(data_type) => "varchar".into(),
        _ if is_float(data_type) => "float".into(),
        _ => {
            let (_, scale) = digits(data_type)?;
            format!("number(38,{})", scale.max(TEXT_SCALE))
        }
    })
}

fn shown(data_type: &DataType) -> String {
    crate::snowflake::type_name(data_type)
}

pub(super) fn is_text(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Utf8 | DataType::Utf8View | DataType::LargeUtf8)
}

pub(super) fn is_float(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Float16 | DataType::Float32 | DataType::Float64)
}

fn is_decimal(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Decimal128(..) | DataType::Decimal256(..))
}

/// Precision and scale of exact numbers.
fn digits(data_type: &DataType) -> Option<(u8, i8)> {
    match data_type {
        DataType::Decimal128(precision, scale) | DataType::Decimal256(precision, scale) => Some((*precision, *scale)),
        _ if data_type.is_integer() => Some((20, 0)),
        _ => None,
    }
}

/// Digits in front of the point.
fn leading(precision: u8, scale: i8) -> i8 {
    i8::try_from(precision).unwrap_or(i8::MAX) - scale
}

/// The value of a whole-number literal.
fn whole(expr: &Expr) -> Option<i64> {
    match expr {
        Expr::Literal(ScalarValue::Int64(value), _) => *value,
        Expr::Literal(ScalarValue::UInt64(value), _) => (*value).and_then(|value| i64::try_from(value).ok()),
        Expr::Negative(inner) => whole(inner)?.checked_neg(),
        _ => None,
    }
}

/// A whole-number literal as a decimal with just its digits.
fn tight(expr: Expr, data_type: DataType) -> (Expr, DataType) {
    match whole(&expr) {
        Some(value) => {
            let precision = value.unsigned_abs().to_string().len().clamp(1, 38) as u8;
            let literal = ScalarValue::Decimal128(Some(i128::from(value)), precision, 0);
            (Expr::Literal(literal, None), DataType::Decimal128(precision, 0))
        }
        None => (expr, data_type),
    }
}

/// Numbers of rows are unsigned in the engine; differences of them are not.
fn signed(expr: Expr, data_type: &DataType) -> Expr {
    match data_type {
        DataType::UInt8 | DataType::UInt16 | DataType::UInt32 | DataType::UInt64 => {
            Expr::Cast(Cast::new(Box::new(expr), DataType::Int64))
        }
        _ => expr,
    }
}

/// Whether an interval has more than days.
fn has_time(expr: &Expr) -> bool {
    match expr {
        Expr::Literal(ScalarValue::IntervalMonthDayNano(Some(interval)), _) => interval.nanoseconds != 0,
        Expr::Literal(ScalarValue::IntervalDayTime(Some(interval)), _) => interval.milliseconds != 0,
        Expr::Literal(ScalarValue::IntervalYearMonth(_), _) => false,
        _ => true,
    }
}
