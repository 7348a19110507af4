//! To VARIANT, and from a VARIANT's struct to its JSON text.
//! Source: Snowflake's pages "TO_VARIANT" and "Semi-structured data types". Differs: a VARIANT keeps no date, time,
//! timestamp or binary; it holds their text.

use std::fmt::Write;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StructArray};
use arrow::datatypes::{DataType, Decimal128Type, Field, Fields, Float64Type, Int64Type};
use datafusion::error::Result;

use super::super::json;
use super::super::scalar::Texts;
use super::super::types::{VARIANT_FIELD, is_text, is_variant};
use super::text::normal;
use super::{to_text, write_value};

/// JSON texts as VARIANTs: a null text is an SQL null.
pub(in crate::snowflake) fn wrap_json(texts: ArrayRef) -> ArrayRef {
    let nulls = texts.nulls().cloned();
    let fields = Fields::from(vec![Field::new(VARIANT_FIELD, DataType::Utf8, true)]);
    Arc::new(StructArray::new(fields, vec![texts], nulls))
}

/// The JSON texts of VARIANTs.
pub(in crate::snowflake) fn json_text(array: &ArrayRef) -> Result<Texts> {
    let values = array.as_struct();
    let mut inner = values.column(0).clone();
    if values.null_count() > 0 {
        // What is under a null struct is anything; make it null.
        let valid = arrow::compute::is_null(array)?;
        inner = arrow::compute::nullif(&inner, &valid)?;
    }
    match Texts::of(&inner) {
        Some(texts) => Ok(texts),
        None => to_text(&inner),
    }
}

/// Any value as canonical JSON; SQL nulls stay null.
pub(in crate::snowflake) fn to_json(array: &ArrayRef) -> Result<Texts> {
    let from = array.data_type();
    if is_variant(from) {
        return json_text(array);
    }
    let array = if is_text(from) { array.clone() } else { normal(array)? };
    let mut builder = arrow::array::StringBuilder::with_capacity(array.len(), array.len() * 16);
    let mut buffer = String::new();
    for row in 0..array.len() {
        buffer.clear();
        if write_json(&array, row, &mut buffer)? {
            builder.append_value(&buffer);
        } else {
            builder.append_null();
        }
    }
    Ok(Texts::Plain(builder.finish()))
}

/// Appends one value as canonical JSON; `false` when it is null. Arrays must be of the types that `normal` gives.
pub(in crate::snowflake) fn write_json(array: &ArrayRef, row: usize, out: &mut String) -> Result<bool> {
    if array.is_null(row) {
        return Ok(false);
    }
    match array.data_type() {
        DataType::Int64 => {
            let _ = write!(out, "{}", array.as_primitive::<Int64Type>().value(row));
        }
        DataType::Decimal128(_, scale) => {
            let begin = out.len();
            super::write_decimal(array.as_primitive::<Decimal128Type>().value(row), *scale, out);
            if *scale > 0 {
                let kept = out[begin..].trim_end_matches('0').trim_end_matches('.').len();
                out.truncate(begin + kept);
            }
        }
        DataType::Float64 => json::float(array.as_primitive::<Float64Type>().value(row), out),
        DataType::Boolean => out.push_str(if array.as_boolean().value(row) { "true" } else { "false" }),
        DataType::Utf8 => json::string(array.as_string::<i32>().value(row), out),
        DataType::Utf8View => json::string(array.as_string_view().value(row), out),
        DataType::List(_) => {
            let items = array.as_list::<i32>().value(row);
            let texts = to_json(&items)?;
            json::array((0..items.len()).map(|item| texts.get(item).unwrap_or("undefined")), out);
        }
        DataType::Struct(_) if is_variant(array.data_type()) => match json_text(&array.slice(row, 1))?.get(0) {
            Some(json) => out.push_str(json),
            None => return Ok(false),
        },
        DataType::Null => return Ok(false),
        _ => {
            let mut plain = String::new();
            if !write_value(array, row, &mut plain)? {
                return Ok(false);
            }
            json::string(&plain, out);
        }
    }
    Ok(true)
}
