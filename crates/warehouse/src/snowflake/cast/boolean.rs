//! To BOOLEAN. Source: Snowflake's page "TO_BOOLEAN": the words it reads, and numbers that are not zero are true.

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray};
use arrow::datatypes::DataType;
use datafusion::error::Result;

use super::super::json;
use super::super::types::{is_number, is_text, is_variant, name, user, user_hint};
use super::{to_float, to_json, to_text};

fn word(text: &str) -> Option<bool> {
    let text = text.trim();
    let is = |words: &[&str]| words.iter().any(|word| text.eq_ignore_ascii_case(word));
    if is(&["true", "t", "yes", "y", "on", "1"]) {
        Some(true)
    } else if is(&["false", "f", "no", "n", "off", "0"]) {
        Some(false)
    } else {
        None
    }
}

/// To BOOLEAN.
pub(in crate::snowflake) fn to_boolean(array: &ArrayRef, strict: bool) -> Result<BooleanArray> {
    let read = |text: &str| match word(text) {
        None if strict => Err(user_hint(
            format!("'{text}' is not a boolean"),
            "true, t, yes, y, on, 1 and false, f, no, n, off, 0 are; try_to_boolean gives null for others",
        )),
        value => Ok(value),
    };
    let from = array.data_type();
    if *from == DataType::Boolean {
        return Ok(array.as_boolean().clone());
    }
    if is_text(from) {
        let values = to_text(array)?;
        return (0..array.len()).map(|row| values.get(row).map_or(Ok(None), read)).collect();
    }
    if is_number(from) {
        let values = to_float(array, strict)?;
        return values
            .iter()
            .map(|value| match value {
                Some(value) if value.is_finite() => Ok(Some(value != 0.0)),
                Some(value) if strict => Err(user(format!("{value} is not a boolean"))),
                _ => Ok(None),
            })
            .collect();
    }
    if is_variant(from) {
        let values = to_json(array)?;
        return (0..array.len())
            .map(|row| match values.get(row).map(|json| (json, json::kind(json))) {
                None | Some((_, json::Kind::Null | json::Kind::Undefined)) => Ok(None),
                Some((json, json::Kind::Text)) => read(&json::decode(json)),
                Some((json, kind)) if kind.is_number() => Ok(Some(json.parse::<f64>().is_ok_and(|value| value != 0.0))),
                Some((json, _)) => read(json),
            })
            .collect();
    }
    if *from == DataType::Null {
        return Ok(BooleanArray::new_null(array.len()));
    }
    Err(user(format!("{} cannot be converted to BOOLEAN", name(from))))
}
