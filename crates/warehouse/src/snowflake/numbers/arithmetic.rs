//! Division, multiplication and what is close to them. Sources: Snowflake's pages "Arithmetic operators" (precision and
//! scale of results), "DIV0", "DIV0NULL", "MOD", "SIGN", "ABS", "FACTORIAL", "WIDTH_BUCKET".
//!
//! Exact numbers stay exact: a quotient has 6 more digits than its dividend (12 at most, unless the dividend has more),
//! and is rounded half away from zero.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Decimal128Array};
use arrow::datatypes::{DataType, Decimal128Type, i256};
use datafusion::error::Result;

use super::super::cast::{rescale, to_decimal};
use super::super::scalar::{Call, Function, Types, function, int};
use super::super::types::{DIGITS_MAX, digits, is_float, is_integer, is_number, name, user, user_hint};

pub(super) const FUNCTIONS: &[Function] = &[
    function(&["sf_div"], 2, 2, quotient_type, |call| division(call, Divisor::IsAnError)),
    function(&["div0"], 2, 2, quotient_type, |call| division(call, Divisor::GivesZero)),
    function(&["div0null"], 2, 2, quotient_type, |call| division(call, Divisor::GivesZeroAlsoForNull)),
    function(&["sf_mul"], 2, 2, product_type, multiply),
    function(&["sf_add"], 2, 2, sum_type, |call| sum(call, false)),
    function(&["sf_sub"], 2, 2, sum_type, |call| sum(call, true)),
    function(&["sf_add_small"], 2, 2, small_sum_type, |call| sum(call, false)),
    function(&["sf_sub_small"], 2, 2, small_sum_type, |call| sum(call, true)),
    function(&["mod"], 2, 2, remainder_type, remainder),
    function(&["abs"], 1, 1, same_type, absolute),
    function(&["sf_neg"], 1, 1, negative_type, negated),
    function(&["sign"], 1, 1, int, sign),
    function(&["factorial"], 1, 1, |_| Ok(DataType::Decimal128(DIGITS_MAX, 0)), factorial),
    function(&["width_bucket"], 4, 4, int, width_bucket),
];

/// What a divisor of zero does.
#[derive(Clone, Copy, PartialEq)]
enum Divisor {
    IsAnError,
    GivesZero,
    GivesZeroAlsoForNull,
}

/// Precision and scale of an exact operand; nothing when the operation is one of floats.
fn exact(data_type: &DataType, function: &str) -> Result<Option<(u8, i8)>> {
    match data_type {
        DataType::Null => Ok(Some((1, 0))),
        DataType::Utf8 | DataType::Utf8View | DataType::LargeUtf8 => Ok(None),
        other if is_float(other) || super::super::types::is_variant(other) => Ok(None),
        other => digits(other).map(Some).ok_or_else(|| user(format!("{function}: {} is no number", name(other)))),
    }
}

/// Precision and scale of a quotient of exact numbers.
pub(in crate::snowflake) fn quotient_digits(dividend: (u8, i8), divisor: (u8, i8)) -> (u8, i8) {
    let scale = dividend.1.max((dividend.1 + 6).min(12));
    let leading = dividend.0 as i8 - dividend.1 + divisor.1;
    ((leading.max(0) + scale).clamp(1, DIGITS_MAX as i8) as u8, scale)
}

fn quotient_type(types: &Types<'_>) -> Result<DataType> {
    Ok(match (exact(types.of(0), types.name)?, exact(types.of(1), types.name)?) {
        (Some(dividend), Some(divisor)) => {
            let (precision, scale) = quotient_digits(dividend, divisor);
            DataType::Decimal128(precision, scale)
        }
        _ => DataType::Float64,
    })
}

fn by_zero() -> datafusion::error::DataFusionError {
    user_hint("division by zero", "divide by nullif(x, 0), or use div0(a, b)")
}

/// A number of one scale divided by one of another, at a scale, rounded half away from zero; nothing when it does not fit.
/// The divisor must not be zero.
pub(in crate::snowflake) fn divide(dividend: i128, from: i32, divisor: i128, by: i32, scale: i32) -> Option<i128> {
    let shift = scale - from + by;
    let round = |quotient: i128, rest: u128, divisor: u128, negative: bool| {
        if rest >= divisor - rest { quotient + if negative { -1 } else { 1 } } else { quotient }
    };
    let negative = (dividend < 0) != (divisor < 0);
    if shift >= 0
        && let Some(scaled) = 10i128.checked_pow(shift as u32).and_then(|factor| dividend.checked_mul(factor))
    {
        let rest = (scaled % divisor).unsigned_abs();
        return Some(round(scaled / divisor, rest, divisor.unsigned_abs(), negative));
    }
    let ten = |exponent: u32| (0..exponent).try_fold(i256::ONE, |power, _| power.checked_mul(i256::from_i128(10)));
    let (top, bottom) = if shift >= 0 {
        (i256::from_i128(dividend).checked_mul(ten(shift as u32)?)?, i256::from_i128(divisor))
    } else {
        (i256::from_i128(dividend), i256::from_i128(divisor).checked_mul(ten(shift.unsigned_abs())?)?)
    };
    let quotient = top.checked_div(bottom)?;
    let rest = top.checked_rem(bottom)?.wrapping_abs();
    let up = rest.checked_add(rest)? >= bottom.wrapping_abs();
    let quotient = quotient.to_i128()?;
    Some(if up { quotient + if negative { -1 } else { 1 } } else { quotient })
}

/// Both arguments as decimals of their own scale, a row each.
fn decimals(call: &Call<'_>, index: usize) -> Result<(Decimal128Array, i32)> {
    let input = call.full(index)?;
    let scale = digits(input.data_type()).map_or(0, |digits| digits.1);
    let values = to_decimal(&input, DIGITS_MAX, scale, true)?;
    Ok((values.as_primitive::<Decimal128Type>().clone(), i32::from(scale)))
}

fn built(call: &Call<'_>, value: impl FnMut(usize) -> Result<Option<i128>>) -> Result<ArrayRef> {
    let DataType::Decimal128(precision, scale) = *call.return_type else {
        return Err(call.error("the result is no exact number"));
    };
    let limit = 10i128.checked_pow(u32::from(precision)).unwrap_or(i128::MAX);
    let values = (0..call.rows).map(value).collect::<Result<Decimal128Array>>()?;
    if values.iter().flatten().any(|value| value.abs() >= limit) {
        return Err(call.error(format!("the result does not fit NUMBER({precision},{scale})")));
    }
    Ok(Arc::new(values.with_precision_and_scale(precision, scale)?))
}

fn division(call: &Call<'_>, zero: Divisor) -> Result<ArrayRef> {
    if *call.return_type == DataType::Float64 {
        let (dividends, divisors) = (call.float(0)?, call.float(1)?);
        return call.floats(|row| match (dividends.get(row), divisors.get(row)) {
            (None, _) => Ok(None),
            (Some(_), None) => Ok((zero == Divisor::GivesZeroAlsoForNull).then_some(0.0)),
            (Some(_), Some(0.0)) if zero == Divisor::IsAnError => Err(by_zero()),
            (Some(_), Some(0.0)) => Ok(Some(0.0)),
            (Some(dividend), Some(divisor)) => Ok(Some(dividend / divisor)),
        });
    }
    let ((dividends, from), (divisors, by)) = (decimals(call, 0)?, decimals(call, 1)?);
    let DataType::Decimal128(_, scale) = *call.return_type else {
        return Err(call.error("the result is no exact number"));
    };
    built(call, |row| {
        if dividends.is_null(row) {
            return Ok(None);
        }
        if divisors.is_null(row) {
            return Ok((zero == Divisor::GivesZeroAlsoForNull).then_some(0));
        }
        if divisors.value(row) == 0 {
            return if zero == Divisor::IsAnError { Err(by_zero()) } else { Ok(Some(0)) };
        }
        divide(dividends.value(row), from, divisors.value(row), by, i32::from(scale))
            .map(Some)
            .ok_or_else(|| call.error("the quotient is too large"))
    })
}

fn product_type(types: &Types<'_>) -> Result<DataType> {
    Ok(match (exact(types.of(0), types.name)?, exact(types.of(1), types.name)?) {
        (Some(left), Some(right)) => {
            DataType::Decimal128(DIGITS_MAX, (left.1 + right.1).min(left.1.max(right.1).max(12)))
        }
        _ => DataType::Float64,
    })
}

fn multiply(call: &Call<'_>) -> Result<ArrayRef> {
    if *call.return_type == DataType::Float64 {
        let (left, right) = (call.float(0)?, call.float(1)?);
        return call.floats(|row| {
            Ok(Some(match (left.get(row), right.get(row)) {
                (Some(left), Some(right)) => left * right,
                _ => return Ok(None),
            }))
        });
    }
    let ((left, left_scale), (right, right_scale)) = (decimals(call, 0)?, decimals(call, 1)?);
    let DataType::Decimal128(_, scale) = *call.return_type else {
        return Err(call.error("the result is no exact number"));
    };
    built(call, |row| {
        if left.is_null(row) || right.is_null(row) {
            return Ok(None);
        }
        let large = || call.error("the product is too large");
        let (a, b) = (left.value(row), right.value(row));
        let found = left_scale + right_scale;
        if let Some(product) = a.checked_mul(b) {
            return rescale(product, found, i32::from(scale)).map(Some).ok_or_else(large);
        }
        let product = i256::from_i128(a).checked_mul(i256::from_i128(b)).ok_or_else(large)?;
        let divisor = 10i128.checked_pow((found - i32::from(scale)) as u32).map(i256::from_i128).ok_or_else(large)?;
        let quotient = product.checked_div(divisor).and_then(i256::to_i128).ok_or_else(large)?;
        let rest = product.checked_rem(divisor).ok_or_else(large)?.wrapping_abs();
        let up = rest.wrapping_add(rest) >= divisor;
        Ok(Some(if up { quotient + if (a < 0) != (b < 0) { -1 } else { 1 } } else { quotient }))
    })
}

/// The type of a sum: a digit more than its terms have, so that any two have room.
fn sum_type(types: &Types<'_>) -> Result<DataType> {
    Ok(match (exact(types.of(0), types.name)?, exact(types.of(1), types.name)?) {
        (Some(left), Some(right)) => {
            let scale = left.1.max(right.1);
            let leading = (left.0 as i8 - left.1).max(right.0 as i8 - right.1);
            DataType::Decimal128((leading + scale + 1).clamp(1, DIGITS_MAX as i8) as u8, scale)
        }
        _ => DataType::Float64,
    })
}

/// The same where one term is a small constant: whole numbers keep their 64 bits.
fn small_sum_type(types: &Types<'_>) -> Result<DataType> {
    if is_integer(types.of(0)) && is_integer(types.of(1)) { Ok(DataType::Int64) } else { sum_type(types) }
}

/// Sums and differences. What does not fit its type is an error: the engine's own operator would go round from the
/// greatest whole number to the least.
fn sum(call: &Call<'_>, is_minus: bool) -> Result<ArrayRef> {
    match *call.return_type {
        DataType::Int64 => {
            let (left, right) = (call.int(0)?, call.int(1)?);
            call.ints(|row| {
                let (Some(left), Some(right)) = (left.get(row), right.get(row)) else { return Ok(None) };
                let sum = if is_minus { left.checked_sub(right) } else { left.checked_add(right) };
                sum.map(Some).ok_or_else(|| {
                    user_hint(
                        format!(
                            "{left} {} {right} does not fit an integer of 64 bits",
                            if is_minus { "-" } else { "+" }
                        ),
                        "cast one of them to number(38,0)",
                    )
                })
            })
        }
        DataType::Float64 => {
            let (left, right) = (call.float(0)?, call.float(1)?);
            call.floats(|row| {
                let (Some(left), Some(right)) = (left.get(row), right.get(row)) else { return Ok(None) };
                Ok(Some(if is_minus { left - right } else { left + right }))
            })
        }
        _ => {
            let ((left, left_scale), (right, right_scale)) = (decimals(call, 0)?, decimals(call, 1)?);
            let scale = left_scale.max(right_scale);
            built(call, |row| {
                if left.is_null(row) || right.is_null(row) {
                    return Ok(None);
                }
                let terms =
                    rescale(left.value(row), left_scale, scale).zip(rescale(right.value(row), right_scale, scale));
                let sum = terms.and_then(|(a, b)| if is_minus { a.checked_sub(b) } else { a.checked_add(b) });
                sum.map(Some).ok_or_else(|| call.error("the result is too large"))
            })
        }
    }
}

fn remainder_type(types: &Types<'_>) -> Result<DataType> {
    if is_integer(types.of(0)) && is_integer(types.of(1)) {
        return Ok(DataType::Int64);
    }
    Ok(match (exact(types.of(0), types.name)?, exact(types.of(1), types.name)?) {
        (Some(left), Some(right)) => DataType::Decimal128(DIGITS_MAX, left.1.max(right.1)),
        _ => DataType::Float64,
    })
}

/// The remainder has the sign of the dividend.
fn remainder(call: &Call<'_>) -> Result<ArrayRef> {
    match *call.return_type {
        DataType::Int64 => {
            let (left, right) = (call.int(0)?, call.int(1)?);
            call.ints(|row| match (left.get(row), right.get(row)) {
                (Some(_), Some(0)) => Err(by_zero()),
                (Some(left), Some(right)) => Ok(Some(left.wrapping_rem(right))),
                _ => Ok(None),
            })
        }
        DataType::Float64 => {
            let (left, right) = (call.float(0)?, call.float(1)?);
            call.floats(|row| match (left.get(row), right.get(row)) {
                (Some(_), Some(0.0)) => Err(by_zero()),
                (Some(left), Some(right)) => Ok(Some(left % right)),
                _ => Ok(None),
            })
        }
        _ => {
            let ((left, left_scale), (right, right_scale)) = (decimals(call, 0)?, decimals(call, 1)?);
            let scale = left_scale.max(right_scale);
            built(call, |row| {
                if left.is_null(row) || right.is_null(row) {
                    return Ok(None);
                }
                if right.value(row) == 0 {
                    return Err(by_zero());
                }
                let at = |value: i128, from: i32| {
                    rescale(value, from, scale).ok_or_else(|| call.error("the number is too large"))
                };
                Ok(Some(at(left.value(row), left_scale)? % at(right.value(row), right_scale)?))
            })
        }
    }
}

/// The type of a number that keeps its type; texts and variants are read as floats.
pub(super) fn same_type(types: &Types<'_>) -> Result<DataType> {
    let from = types.of(0);
    Ok(match digits(from) {
        Some(_) if is_integer(from) => DataType::Int64,
        Some((precision, scale)) => DataType::Decimal128(precision, scale),
        None if *from == DataType::Null => DataType::Int64,
        None => {
            exact(from, types.name)?;
            DataType::Float64
        }
    })
}

fn absolute(call: &Call<'_>) -> Result<ArrayRef> {
    match *call.return_type {
        DataType::Int64 => {
            let values = call.int(0)?;
            call.ints(|row| {
                let Some(value) = values.get(row) else { return Ok(None) };
                value.checked_abs().map(Some).ok_or_else(|| call.error("the number is too large"))
            })
        }
        DataType::Float64 => {
            let values = call.float(0)?;
            call.floats(|row| Ok(values.get(row).map(f64::abs)))
        }
        _ => {
            let (values, _) = decimals(call, 0)?;
            built(call, |row| Ok(values.is_valid(row).then(|| values.value(row).abs())))
        }
    }
}

fn negative_type(types: &Types<'_>) -> Result<DataType> {
    exact(types.of(0), "the minus sign")?;
    same_type(types)
}

/// `-x`, also of numbers of rows, which have no sign in the engine.
fn negated(call: &Call<'_>) -> Result<ArrayRef> {
    match *call.return_type {
        DataType::Int64 => {
            let values = call.int(0)?;
            call.ints(|row| {
                let Some(value) = values.get(row) else { return Ok(None) };
                value.checked_neg().map(Some).ok_or_else(|| user("the negative of a number does not fit an integer"))
            })
        }
        DataType::Float64 => {
            let values = call.float(0)?;
            call.floats(|row| Ok(values.get(row).map(|value| -value)))
        }
        _ => {
            let (values, _) = decimals(call, 0)?;
            built(call, |row| Ok(values.is_valid(row).then(|| -values.value(row))))
        }
    }
}

fn sign(call: &Call<'_>) -> Result<ArrayRef> {
    if is_number(&call.type_of(0)) && !is_float(&call.type_of(0)) {
        let (values, _) = decimals(call, 0)?;
        return call.ints(|row| Ok(values.is_valid(row).then(|| values.value(row).signum() as i64)));
    }
    let values = call.float(0)?;
    call.ints(|row| {
        Ok(values.get(row).map(|value| {
            if value > 0.0 {
                1
            } else if value < 0.0 {
                -1
            } else {
                0
            }
        }))
    })
}

fn factorial(call: &Call<'_>) -> Result<ArrayRef> {
    let values = call.int(0)?;
    built(call, |row| match values.get(row) {
        None => Ok(None),
        Some(value @ 0..=33) => Ok(Some((1..=i128::from(value)).product())),
        Some(value) => Err(call.error(format!("{value} is not between 0 and 33"))),
    })
}

/// Exact numbers are counted exactly: 0.29 of 1 in 100 buckets begins the thirtieth, which floats miss.
fn width_bucket(call: &Call<'_>) -> Result<ArrayRef> {
    let counts = call.int(3)?;
    let refused = || call.error("the minimum must be below the maximum, and the number of buckets positive");
    if (0..3).all(|index| digits(&call.type_of(index)).is_some()) {
        let exact = [decimals(call, 0)?, decimals(call, 1)?, decimals(call, 2)?];
        let scale = exact.iter().map(|(_, scale)| *scale).max().unwrap_or(0);
        let at = |index: usize, row: usize| -> Result<Option<i128>> {
            let (values, own): &(Decimal128Array, i32) = &exact[index];
            if values.is_null(row) {
                return Ok(None);
            }
            rescale(values.value(row), *own, scale).map(Some).ok_or_else(|| call.error("the number is too large"))
        };
        return call.ints(|row| {
            let (Some(value), Some(low), Some(high), Some(count)) =
                (at(0, row)?, at(1, row)?, at(2, row)?, counts.get(row))
            else {
                return Ok(None);
            };
            if count < 1 || low >= high {
                return Err(refused());
            }
            if value < low {
                return Ok(Some(0));
            }
            if value >= high {
                return Ok(Some(count + 1));
            }
            let whole = (value - low).checked_mul(i128::from(count)).map(|scaled| scaled / (high - low));
            let bucket = whole.and_then(|whole| i64::try_from(whole).ok());
            bucket.map(|bucket| Some(bucket + 1)).ok_or_else(|| call.error("the number is too large"))
        });
    }
    let (values, lows, highs) = (call.float(0)?, call.float(1)?, call.float(2)?);
    call.ints(|row| {
        let (Some(value), Some(low), Some(high), Some(count)) =
            (values.get(row), lows.get(row), highs.get(row), counts.get(row))
        else {
            return Ok(None);
        };
        if count < 1 || low >= high {
            return Err(refused());
        }
        Ok(Some(if value < low {
            0
        } else if value >= high {
            count + 1
        } else {
            ((value - low) / (high - low) * count as f64).floor() as i64 + 1
        }))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotients_are_rounded_half_away_from_zero() {
        assert_eq!(divide(1, 0, 3, 0, 6), Some(333_333));
        assert_eq!(divide(2, 0, 3, 0, 6), Some(666_667));
        assert_eq!(divide(-2, 0, 3, 0, 6), Some(-666_667));
        assert_eq!(divide(1, 0, 2, 0, 0), Some(1));
        assert_eq!(divide(-1, 0, 2, 0, 0), Some(-1));
        assert_eq!(divide(10i128.pow(37), 0, 3, 0, 1), Some(33_333_333_333_333_333_333_333_333_333_333_333_333));
        assert_eq!(divide(10i128.pow(37), 0, 10i128.pow(37), 12, 12), Some(10i128.pow(24)));
        assert_eq!(divide(10i128.pow(37), 0, 1, 0, 12), None);
    }

    #[test]
    fn quotients_have_the_documented_digits() {
        assert_eq!(quotient_digits((1, 0), (1, 0)), (7, 6));
        assert_eq!(quotient_digits((10, 2), (5, 1)), (17, 8));
        assert_eq!(quotient_digits((38, 10), (38, 0)), (38, 12));
        assert_eq!(quotient_digits((20, 15), (10, 0)), (20, 15));
    }
}
