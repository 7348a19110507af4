//! To VARCHAR without a format. Source: Snowflake's pages "TO_CHAR, TO_VARCHAR" and "Date and time input and output
//! formats": timestamps show milliseconds, those with a zone their offset.

use std::fmt::Write;

use arrow::array::{Array, ArrayRef, AsArray, StringBuilder};
use arrow::datatypes::{DataType, Date32Type, Decimal128Type, Float64Type, Int64Type};
use arrow::datatypes::{Time64MicrosecondType, TimestampMicrosecondType};
use datafusion::error::Result;

use super::super::json;
use super::super::scalar::Texts;
use super::super::time;
use super::super::types::{self, digits, is_decimal, is_float, is_integer, is_variant, name, user};
use super::to_json;

/// To VARCHAR; text stays as it is.
pub(in crate::snowflake) fn to_text(array: &ArrayRef) -> Result<Texts> {
    if let Some(texts) = Texts::of(array) {
        return Ok(texts);
    }
    let mut builder = StringBuilder::with_capacity(array.len(), array.len() * 12);
    let mut buffer = String::new();
    if is_variant(array.data_type()) {
        let values = to_json(array)?;
        for row in 0..array.len() {
            match values.get(row).and_then(json::text_of) {
                Some(text) => builder.append_value(text),
                None => builder.append_null(),
            }
        }
    } else {
        let array = normal(array)?;
        for row in 0..array.len() {
            buffer.clear();
            if write_value(&array, row, &mut buffer)? {
                builder.append_value(&buffer);
            } else {
                builder.append_null();
            }
        }
    }
    Ok(Texts::Plain(builder.finish()))
}

/// The array in the one type that [`write_value`] reads for its kind.
pub(in crate::snowflake) fn normal(array: &ArrayRef) -> Result<ArrayRef> {
    let from = array.data_type();
    let to = match from {
        DataType::Int64 | DataType::Decimal128(..) | DataType::Float64 | DataType::Boolean | DataType::Date32 => {
            return Ok(array.clone());
        }
        DataType::UInt64 => DataType::Decimal128(20, 0),
        other if is_integer(other) => DataType::Int64,
        other if is_decimal(other) => DataType::Decimal128(38, digits(other).map_or(0, |digits| digits.1)),
        other if is_float(other) => DataType::Float64,
        DataType::Date64 => DataType::Date32,
        DataType::Timestamp(_, None) => types::ntz(),
        DataType::Timestamp(_, Some(_)) => types::tz(),
        DataType::Time32(_) | DataType::Time64(_) => types::time(),
        DataType::BinaryView | DataType::LargeBinary | DataType::FixedSizeBinary(_) => DataType::Binary,
        _ => return Ok(array.clone()),
    };
    if to == *from { Ok(array.clone()) } else { Ok(arrow::compute::cast(array, &to)?) }
}

/// Appends one value's text; `false` when it is null.
pub(in crate::snowflake) fn write_value(array: &ArrayRef, row: usize, out: &mut String) -> Result<bool> {
    if array.is_null(row) {
        return Ok(false);
    }
    match array.data_type() {
        DataType::Int64 => {
            let _ = write!(out, "{}", array.as_primitive::<Int64Type>().value(row));
        }
        DataType::Decimal128(_, scale) => write_decimal(array.as_primitive::<Decimal128Type>().value(row), *scale, out),
        DataType::Float64 => out.push_str(&float_text(array.as_primitive::<Float64Type>().value(row))),
        DataType::Boolean => out.push_str(if array.as_boolean().value(row) { "true" } else { "false" }),
        DataType::Utf8 => out.push_str(array.as_string::<i32>().value(row)),
        DataType::Utf8View => out.push_str(array.as_string_view().value(row)),
        DataType::Date32 => time::write_date(array.as_primitive::<Date32Type>().value(row), out),
        DataType::Timestamp(_, zone) => {
            let micros = array.as_primitive::<TimestampMicrosecondType>().value(row);
            time::write_timestamp(micros, 3, out);
            if zone.is_some() {
                out.push_str(" +0000");
            }
        }
        DataType::Time64(_) => time::write_time(array.as_primitive::<Time64MicrosecondType>().value(row), 0, out),
        DataType::Binary => {
            for byte in array.as_binary::<i32>().value(row) {
                let _ = write!(out, "{byte:02X}");
            }
        }
        DataType::Null => return Ok(false),
        other => return Err(user(format!("{} cannot be converted to VARCHAR", name(other)))),
    }
    Ok(true)
}

/// Appends a decimal with all digits of its scale.
pub(in crate::snowflake) fn write_decimal(value: i128, scale: i8, out: &mut String) {
    if scale <= 0 {
        let _ = write!(out, "{value}");
        for _ in 0..-i32::from(scale) {
            if value != 0 {
                out.push('0');
            }
        }
        return;
    }
    let scale = usize::from(scale.unsigned_abs());
    if value < 0 {
        out.push('-');
    }
    let digits = value.unsigned_abs().to_string();
    let padded = if digits.len() <= scale { format!("{digits:0>width$}", width = scale + 1) } else { digits };
    out.push_str(&padded[..padded.len() - scale]);
    out.push('.');
    out.push_str(&padded[padded.len() - scale..]);
}

/// A float's text: the fewest digits that give it back, an exponent for very large and very small ones.
pub(crate) fn float_text(value: f64) -> String {
    if value.is_nan() {
        return "NaN".into();
    }
    if value.is_infinite() {
        return if value > 0.0 { "inf".into() } else { "-inf".into() };
    }
    let size = value.abs();
    if value == 0.0 {
        "0".into()
    } else if (1e-5..1e15).contains(&size) {
        format!("{value}")
    } else {
        let text = format!("{value:e}");
        let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let (sign, digits) = match exponent.strip_prefix('-') {
            Some(digits) => ('-', digits),
            None => ('+', exponent),
        };
        format!("{mantissa}e{sign}{digits:0>2}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_and_decimals_as_text() {
        for (value, wanted) in
            [(1.0, "1"), (0.1, "0.1"), (-2.5, "-2.5"), (1e20, "1e+20"), (1.5e-7, "1.5e-07"), (-0.0, "0")]
        {
            assert_eq!(float_text(value), wanted);
        }
        for (value, scale, wanted) in [(5, 2, "0.05"), (-5, 2, "-0.05"), (12345, 2, "123.45"), (7, 0, "7")] {
            let mut out = String::new();
            write_decimal(value, scale, &mut out);
            assert_eq!(out, wanted);
        }
    }
}
