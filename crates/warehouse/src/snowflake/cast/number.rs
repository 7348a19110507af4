//! To numbers. Source: Snowflake's pages "TO_DECIMAL, TO_NUMBER, TO_NUMERIC" and "Numeric data types": digits that do
//! not fit the scale are rounded, half away from zero; digits that do not fit the precision are an error.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Decimal128Array, Float64Array, Int64Array};
use arrow::datatypes::{DataType, Decimal128Type, Float64Type, Int64Type};
use datafusion::common::ScalarValue;
use datafusion::error::Result;

use super::super::json;
use super::super::types::{DIGITS_MAX, digits, is_decimal, is_float, is_integer, is_text, is_variant, name, user};
use super::{to_json, to_text};

/// 10 to the power of `exponent`; nothing when it does not fit.
pub(in crate::snowflake) fn power(exponent: u32) -> Option<i128> {
    10i128.checked_pow(exponent)
}

/// A decimal of one scale at another, rounded half away from zero; nothing when it does not fit.
pub(in crate::snowflake) fn rescale(value: i128, from: i32, to: i32) -> Option<i128> {
    if to >= from {
        return value.checked_mul(power((to - from) as u32)?);
    }
    let Some(divisor) = power((from - to) as u32) else { return Some(0) };
    let (quotient, rest) = (value / divisor, value % divisor);
    Some(if rest.unsigned_abs() * 2 >= divisor.unsigned_abs() { quotient + value.signum() } else { quotient })
}

/// Why a text is no number of a scale.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::snowflake) enum NotNumber {
    /// It is not a number at all.
    Bad,
    /// It has more digits than fit.
    Large,
}

/// A text like `-12.50` or `1.2e3` as a decimal of a scale, rounded half away from zero.
pub(in crate::snowflake) fn parse_decimal(text: &str, scale: i32) -> Result<i128, NotNumber> {
    let text = text.trim();
    let (negative, unsigned) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    let (mantissa, exponent) = match unsigned.find(['e', 'E']) {
        Some(at) => (&unsigned[..at], unsigned[at + 1..].parse::<i32>().map_err(|_| NotNumber::Bad)?),
        None => (unsigned, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.is_empty() && fraction.is_empty() {
        return Err(NotNumber::Bad);
    }
    // Digits that are kept: those before the point, and `scale` after it.
    let kept = whole.len() as i64 + i64::from(exponent) + i64::from(scale);
    let mut value: i128 = 0;
    let mut count: i64 = 0;
    for byte in whole.bytes().chain(fraction.bytes()) {
        if !byte.is_ascii_digit() {
            return Err(NotNumber::Bad);
        }
        let digit = i128::from(byte - b'0');
        if count < kept {
            value = value.checked_mul(10).and_then(|value| value.checked_add(digit)).ok_or(NotNumber::Large)?;
        } else if count == kept && digit >= 5 {
            value += 1;
        }
        count += 1;
    }
    if value != 0 && count < kept {
        let missing = u32::try_from(kept - count).map_err(|_| NotNumber::Large)?;
        value = power(missing).and_then(|factor| value.checked_mul(factor)).ok_or(NotNumber::Large)?;
    }
    Ok(if negative { -value } else { value })
}

/// A constant text beside numbers as the number that it says, with just its digits: `'17'` is 17 and `'1.50'` is 1.50.
pub(crate) fn constant_number(text: &str) -> Option<ScalarValue> {
    let unsigned = text.trim().trim_start_matches(['-', '+']);
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let count = whole.len() + fraction.len();
    let are_digits = whole.bytes().chain(fraction.bytes()).all(|byte| byte.is_ascii_digit());
    if !are_digits || count == 0 || count > usize::from(DIGITS_MAX) {
        return None;
    }
    let value = parse_decimal(text, fraction.len() as i32).ok()?;
    Some(match i64::try_from(value) {
        Ok(value) if fraction.is_empty() => ScalarValue::Int64(Some(value)),
        _ => ScalarValue::Decimal128(Some(value), count as u8, fraction.len() as i8),
    })
}

/// A float as a decimal of a scale, rounded half away from zero; nothing when it does not fit.
pub(in crate::snowflake) fn round_float(value: f64, scale: i32) -> Option<i128> {
    // Multiplying by a power of ten is exact enough below 2^53; above it, the shortest text decides.
    let scaled = value * 10f64.powi(scale);
    if !scaled.is_finite() {
        return None;
    }
    if scaled.abs() < 9_007_199_254_740_992.0 {
        return Some(scaled.round() as i128);
    }
    parse_decimal(&format!("{value:e}"), scale).ok()
}

fn bad(text: &str) -> datafusion::error::DataFusionError {
    super::super::types::user_hint(
        format!("'{text}' is not a number"),
        "try_cast and the try_to_… functions give null instead of an error",
    )
}

fn large(text: impl std::fmt::Display, to: &str) -> datafusion::error::DataFusionError {
    user(format!("the number {text} does not fit {to}"))
}

fn unsupported(from: &DataType, to: &str) -> datafusion::error::DataFusionError {
    user(format!("{} cannot be converted to {to}", name(from)))
}

/// To NUMBER(p, s).
pub(in crate::snowflake) fn to_decimal(array: &ArrayRef, precision: u8, scale: i8, strict: bool) -> Result<ArrayRef> {
    let limit = power(u32::from(precision)).unwrap_or(i128::MAX);
    let to = || format!("NUMBER({precision},{scale})");
    let fits = |value: Option<i128>, told: &dyn Fn() -> String| match value {
        Some(value) if value.abs() < limit => Ok(Some(value)),
        _ if strict => Err(large(told(), &to())),
        _ => Ok(None),
    };
    let target_scale = i32::from(scale);
    let from = array.data_type();
    let rows = 0..array.len();
    let values: Decimal128Array = if let DataType::Decimal128(_, found) = from {
        let (found, values) = (i32::from(*found), array.as_primitive::<Decimal128Type>());
        if found == target_scale && from == &DataType::Decimal128(precision, scale) {
            return Ok(array.clone());
        }
        rows.map(|row| match values.is_valid(row) {
            true => fits(rescale(values.value(row), found, target_scale), &|| values.value_as_string(row)),
            false => Ok(None),
        })
        .collect::<Result<_>>()?
    } else if is_integer(from) && *from != DataType::UInt64 {
        let values = arrow::compute::cast(array, &DataType::Int64)?;
        let values = values.as_primitive::<Int64Type>();
        rows.map(|row| match values.is_valid(row) {
            true => fits(rescale(i128::from(values.value(row)), 0, target_scale), &|| values.value(row).to_string()),
            false => Ok(None),
        })
        .collect::<Result<_>>()?
    } else if is_decimal(from) || *from == DataType::UInt64 {
        let (_, found) = digits(from).unwrap_or((38, 0));
        return to_decimal(&arrow::compute::cast(array, &DataType::Decimal128(38, found))?, precision, scale, strict);
    } else if is_float(from) {
        let values = arrow::compute::cast(array, &DataType::Float64)?;
        let values = values.as_primitive::<Float64Type>();
        rows.map(|row| match values.is_valid(row) {
            true => fits(round_float(values.value(row), target_scale), &|| values.value(row).to_string()),
            false => Ok(None),
        })
        .collect::<Result<_>>()?
    } else if is_text(from) {
        let values = to_text(array)?;
        rows.map(|row| match values.get(row) {
            Some(text) => match parse_decimal(text, target_scale) {
                Ok(value) => fits(Some(value), &|| text.to_owned()),
                Err(_) if !strict => Ok(None),
                Err(NotNumber::Bad) => Err(bad(text)),
                Err(NotNumber::Large) => Err(large(text, &to())),
            },
            None => Ok(None),
        })
        .collect::<Result<_>>()?
    } else if is_variant(from) {
        let values = to_json(array)?;
        rows.map(|row| match values.get(row).map(|json| (json, json::kind(json))) {
            None | Some((_, json::Kind::Null | json::Kind::Undefined)) => Ok(None),
            Some(("true", _)) => fits(rescale(1, 0, target_scale), &|| "1".into()),
            Some(("false", _)) => Ok(Some(0)),
            Some((json, kind)) if kind.is_number() || kind == json::Kind::Text => {
                let text = json::text_of(json).unwrap_or_default();
                match parse_decimal(&text, target_scale) {
                    Ok(value) => fits(Some(value), &|| text.to_string()),
                    Err(_) if !strict => Ok(None),
                    Err(_) => Err(bad(&text)),
                }
            }
            Some(_) if !strict => Ok(None),
            Some((json, _)) => Err(bad(json)),
        })
        .collect::<Result<_>>()?
    } else if *from == DataType::Boolean {
        let values = array.as_boolean();
        rows.map(|row| match values.is_valid(row) {
            true => fits(rescale(i128::from(values.value(row)), 0, target_scale), &|| "1".into()),
            false => Ok(None),
        })
        .collect::<Result<_>>()?
    } else if *from == DataType::Null {
        Decimal128Array::new_null(array.len())
    } else {
        return Err(unsupported(from, &to()));
    };
    Ok(Arc::new(values.with_precision_and_scale(precision, scale)?))
}

/// To INT.
pub(in crate::snowflake) fn to_int(array: &ArrayRef) -> Result<Int64Array> {
    to_int_or_null(array, true)
}

/// To INT, told what a value that does not convert is.
pub(in crate::snowflake) fn to_int_or_null(array: &ArrayRef, strict: bool) -> Result<Int64Array> {
    match array.data_type() {
        DataType::Int64 => return Ok(array.as_primitive::<Int64Type>().clone()),
        data_type if is_integer(data_type) && *data_type != DataType::UInt64 => {
            return Ok(arrow::compute::cast(array, &DataType::Int64)?.as_primitive::<Int64Type>().clone());
        }
        _ => {}
    }
    let wide = to_decimal(array, 38, 0, strict)?;
    let wide = wide.as_primitive::<Decimal128Type>();
    wide.iter()
        .map(|value| match value.map(|value| (value, i64::try_from(value))) {
            None => Ok(None),
            Some((_, Ok(value))) => Ok(Some(value)),
            Some((value, Err(_))) if strict => Err(super::super::types::user_hint(
                format!("the number {value} does not fit an integer of 64 bits"),
                "cast it to number(38,0)",
            )),
            Some(_) => Ok(None),
        })
        .collect()
}

/// To FLOAT.
pub(in crate::snowflake) fn to_float(array: &ArrayRef, strict: bool) -> Result<Float64Array> {
    let from = array.data_type();
    if is_integer(from) || is_decimal(from) || is_float(from) || *from == DataType::Null || *from == DataType::Boolean {
        return Ok(arrow::compute::cast(array, &DataType::Float64)?.as_primitive::<Float64Type>().clone());
    }
    let read = |text: &str| -> Result<Option<f64>> {
        // Rust reads "inf" and "nan", as Snowflake does, but also "infinity" in any case: the same set.
        match text.trim().parse::<f64>() {
            Ok(value) => Ok(Some(value)),
            Err(_) if strict => Err(bad(text)),
            Err(_) => Ok(None),
        }
    };
    if is_text(from) {
        let values = to_text(array)?;
        return (0..array.len()).map(|row| values.get(row).map_or(Ok(None), read)).collect();
    }
    if is_variant(from) {
        let values = to_json(array)?;
        return (0..array.len())
            .map(|row| match values.get(row).map(|json| (json, json::kind(json))) {
                None | Some((_, json::Kind::Null | json::Kind::Undefined)) => Ok(None),
                Some(("true", _)) => Ok(Some(1.0)),
                Some(("false", _)) => Ok(Some(0.0)),
                Some((json, kind)) if kind.is_number() => read(json),
                Some((json, json::Kind::Text)) => read(&json::decode(json)),
                Some((json, _)) => read(json),
            })
            .collect();
    }
    Err(unsupported(from, "FLOAT"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_round_half_away_from_zero() {
        for (text, scale, wanted) in [
            ("2.5", 0, 3),
            ("-2.5", 0, -3),
            (" 12.345 ", 2, 1235),
            ("1e3", 0, 1000),
            ("1.25e1", 1, 125),
            ("0.004", 2, 0),
            ("0.005", 2, 1),
            ("5e-3", 2, 1),
            ("5e-4", 2, 0),
            (".5", 1, 5),
            ("7.", 0, 7),
        ] {
            assert_eq!(parse_decimal(text, scale), Ok(wanted), "{text}");
        }
        for text in ["", "-", ".", "1x", "1e", "0x10", "1,000"] {
            assert_eq!(parse_decimal(text, 0), Err(NotNumber::Bad), "{text}");
        }
        assert_eq!(parse_decimal("1e60", 0), Err(NotNumber::Large));
    }

    #[test]
    fn constant_texts_have_their_own_digits() {
        let decimal = |value, precision, scale| Some(ScalarValue::Decimal128(Some(value), precision, scale));
        for (text, wanted) in [
            ("17", Some(ScalarValue::Int64(Some(17)))),
            (" -3 ", Some(ScalarValue::Int64(Some(-3)))),
            ("1.50", decimal(150, 3, 2)),
            (".5", decimal(5, 1, 1)),
            ("99999999999999999999", decimal(99_999_999_999_999_999_999, 20, 0)),
            ("1e3", None),
            ("a", None),
            ("", None),
            ("--1", None),
        ] {
            assert_eq!(constant_number(text), wanted, "{text}");
        }
    }

    #[test]
    fn rescaling_rounds() {
        assert_eq!(rescale(125, 2, 1), Some(13));
        assert_eq!(rescale(-125, 2, 1), Some(-13));
        assert_eq!(rescale(124, 2, 1), Some(12));
        assert_eq!(rescale(1, 0, 38), Some(10i128.pow(38)));
        assert_eq!(rescale(i128::MAX, 0, 1), None);
    }
}
