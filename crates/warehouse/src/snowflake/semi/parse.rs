//! Between text and VARIANT. Sources: Snowflake's pages "PARSE_JSON", "TRY_PARSE_JSON", "CHECK_JSON", "TO_JSON",
//! "STRIP_NULL_VALUE". Differs: TO_JSON writes floats with as few digits as give them back.

use arrow::array::ArrayRef;
use arrow::datatypes::DataType;
use datafusion::error::Result;

use super::super::json;
use super::super::scalar::{Call, Function, function, text, variant};
use super::super::types::{is_text, is_variant, name, user_hint};
use super::is_null;

pub(super) const FUNCTIONS: &[Function] = &[
    function(&["parse_json", "try_parse_json"], 1, 2, variant, parse),
    function(&["check_json"], 1, 1, text, check),
    function(&["to_json"], 1, 1, text, to_json),
    function(&["strip_null_value"], 1, 1, variant, strip),
    function(&["sf_variant_sort_key"], 1, 1, text, sort_key),
];

/// Bytes of a text that may become one VARIANT: those of Snowflake's largest.
const VARIANT_BYTES_MAX: usize = 128 * 1024 * 1024;

fn parse(call: &Call<'_>) -> Result<ArrayRef> {
    let from = call.type_of(0);
    if !(is_text(&from) || is_variant(&from) || from == DataType::Null) {
        return Err(user_hint(
            format!("{} reads text, not {}", call.name, name(&from)),
            "to_variant(x) makes a VARIANT of any value",
        ));
    }
    let strict = !call.name.starts_with("try_");
    let duplicates = match call.constant_text(1, "parameter")?.as_deref() {
        None | Some("s" | "S") => false,
        Some("d" | "D") => true,
        Some(other) => return Err(call.error(format!("there is no parameter '{other}'; there are d and s"))),
    };
    let texts = call.text(0)?;
    call.variants(|row, out| {
        let Some(text) = texts.get(row) else { return Ok(false) };
        if text.len() > VARIANT_BYTES_MAX {
            return Err(call.error(format!("the text is longer than {VARIANT_BYTES_MAX} bytes")));
        }
        match json::parse(text, out, duplicates) {
            Ok(some) => Ok(some),
            Err(_) if !strict => Ok(false),
            Err(error) => {
                let begin: String = text.chars().take(80).collect();
                Err(user_hint(
                    format!("parse_json: '{begin}' is not JSON: {error}"),
                    "try_parse_json gives null instead of an error",
                ))
            }
        }
    })
}

fn check(call: &Call<'_>) -> Result<ArrayRef> {
    let texts = call.text(0)?;
    call.texts(|row, out| {
        let Some(text) = texts.get(row) else { return Ok(false) };
        match json::parse(text, &mut String::new(), false) {
            Ok(_) => Ok(false),
            Err(error) => {
                out.push_str(&error);
                Ok(true)
            }
        }
    })
}

fn to_json(call: &Call<'_>) -> Result<ArrayRef> {
    let values = call.json(0)?;
    call.texts(|row, out| {
        let Some(value) = values.get(row) else { return Ok(false) };
        out.push_str(value);
        Ok(true)
    })
}

/// A JSON null becomes an SQL null; other values stay.
fn strip(call: &Call<'_>) -> Result<ArrayRef> {
    let values = call.json(0)?;
    call.variants(|row, out| {
        let Some(value) = values.get(row).filter(|value| !is_null(value)) else { return Ok(false) };
        out.push_str(value);
        Ok(true)
    })
}

/// A text that sorts as the value does: by kind, numbers as numbers (to a float's precision, then by their digits).
fn sort_key(call: &Call<'_>) -> Result<ArrayRef> {
    let values = call.json(0)?;
    call.texts(|row, out| {
        let Some(value) = values.get(row).filter(|value| !is_null(value)) else { return Ok(false) };
        match json::kind(value) {
            json::Kind::Boolean => out.push('0'),
            kind if kind.is_number() => {
                // The bits of a float, turned so that they sort as the numbers do.
                let bits = value.parse::<f64>().unwrap_or_default().to_bits();
                let sorted = if bits >> 63 == 1 { !bits } else { bits | 1 << 63 };
                out.push_str(&format!("1{sorted:016x}"));
            }
            json::Kind::Text => out.push('2'),
            json::Kind::Array => out.push('3'),
            _ => out.push('4'),
        }
        match json::kind(value) {
            json::Kind::Text => out.push_str(&json::decode(value)),
            _ => out.push_str(value),
        }
        Ok(true)
    })
}
