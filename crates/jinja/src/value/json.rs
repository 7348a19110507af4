//! JSON to values and back.

use serde_json::{Map, Number, Value as Json};

use crate::limits::SEQUENCE_LEN_MAX;

use super::{Kind, Value, dict, elements, kind_of, list, none, pairs, repr};

/// A JSON value as templates see it; lists and objects are fresh and can be changed.
pub(crate) fn from_json(json: &Json) -> Value {
    match json {
        Json::Null => none(),
        Json::Bool(flag) => Value::from(*flag),
        Json::Number(number) => number
            .as_i64()
            .map(Value::from)
            .or_else(|| number.as_u64().map(Value::from))
            .or_else(|| number.as_f64().map(Value::from))
            .unwrap_or_else(none),
        Json::String(text) => Value::from(text.as_str()),
        Json::Array(items) => list(items.iter().map(from_json).collect()),
        Json::Object(map) => dict(map.iter().map(|(key, value)| (key.as_str(), from_json(value)))),
    }
}

/// A value as JSON: objects of ours become their text, undefined becomes null.
///
/// Containers nested deeper than [`repr::DEPTH_MAX`] become null, so that a list that holds itself has an end.
pub(crate) fn to_json(value: &Value) -> Json {
    convert(value, 0)
}

/// As [`to_json`], for text that a template makes: refused when it would hold more than [`SEQUENCE_LEN_MAX`] values, which
/// a few lists that hold each other easily reach.
pub(crate) fn written(value: &Value) -> Result<Json, String> {
    fn weigh(value: &Value, depth: usize, left: &mut usize) -> bool {
        *left = left.saturating_sub(1);
        if *left == 0 || depth > repr::DEPTH_MAX {
            return *left > 0;
        }
        match kind_of(value) {
            Kind::Dict(_) | Kind::Map => {
                pairs(value).unwrap_or_default().iter().all(|(_, item)| weigh(item, depth + 1, left))
            }
            Kind::List(_) | Kind::Tuple | Kind::Set(_) | Kind::Seq => {
                elements(value).unwrap_or_default().iter().all(|item| weigh(item, depth + 1, left))
            }
            _ => true,
        }
    }
    let mut left = SEQUENCE_LEN_MAX + 1;
    if weigh(value, 0, &mut left) {
        Ok(to_json(value))
    } else {
        Err(format!("more than {SEQUENCE_LEN_MAX} values would be written"))
    }
}

fn convert(value: &Value, depth: usize) -> Json {
    if depth > repr::DEPTH_MAX {
        return Json::Null;
    }
    match kind_of(value) {
        Kind::Undefined | Kind::None => Json::Null,
        Kind::Bool(flag) => Json::Bool(flag),
        Kind::Int(number) => match (i64::try_from(number), u64::try_from(number)) {
            (Ok(small), _) => Json::from(small),
            (_, Ok(large)) => Json::from(large),
            _ => Json::String(number.to_string()),
        },
        Kind::Float(number) => Number::from_f64(number).map_or(Json::Null, Json::Number),
        Kind::Str(text) => Json::String(text.to_owned()),
        Kind::Dict(_) | Kind::Map => {
            let mut map = Map::new();
            for (key, item) in pairs(value).unwrap_or_default() {
                map.insert(json_key(&key), convert(&item, depth + 1));
            }
            Json::Object(map)
        }
        Kind::List(_) | Kind::Tuple | Kind::Set(_) | Kind::Seq => {
            Json::Array(elements(value).unwrap_or_default().iter().map(|item| convert(item, depth + 1)).collect())
        }
        Kind::Native(native) => Json::String(native.text()),
        Kind::Other => Json::String(value.to_string()),
    }
}

fn json_key(key: &Value) -> String {
    match kind_of(key) {
        Kind::Bool(flag) => flag.to_string(),
        Kind::None => "null".to_owned(),
        _ => repr::text(key),
    }
}

/// Blanks of one level of indentation: it comes from a template, and a huge one must not use up the memory.
const INDENT_MAX: usize = 16;

/// Python's `json.dumps`: a blank after each comma and colon, non-ASCII characters escaped.
pub(crate) fn dumps(json: &Json, sort_keys: bool, indent: Option<usize>) -> String {
    let mut out = String::new();
    write_json(&mut out, json, sort_keys, indent, 0);
    out
}

fn write_json(out: &mut String, json: &Json, sort_keys: bool, indent: Option<usize>, level: usize) {
    match json {
        Json::Array(items) if !items.is_empty() => {
            out.push('[');
            for (position, item) in items.iter().enumerate() {
                separate(out, position, indent, level + 1);
                write_json(out, item, sort_keys, indent, level + 1);
            }
            close(out, indent, level);
            out.push(']');
        }
        Json::Object(map) if !map.is_empty() => {
            let mut entries: Vec<_> = map.iter().collect();
            if sort_keys {
                entries.sort_by_key(|(key, _)| key.as_str());
            }
            out.push('{');
            for (position, (key, item)) in entries.into_iter().enumerate() {
                separate(out, position, indent, level + 1);
                write_text(out, key);
                out.push_str(": ");
                write_json(out, item, sort_keys, indent, level + 1);
            }
            close(out, indent, level);
            out.push('}');
        }
        Json::String(text) => write_text(out, text),
        Json::Number(number) if number.is_f64() => out.push_str(&repr::float(number.as_f64().unwrap_or_default())),
        other => out.push_str(&other.to_string()),
    }
}

fn separate(out: &mut String, position: usize, indent: Option<usize>, level: usize) {
    match (position, indent) {
        (0, None) => {}
        (_, None) => out.push_str(", "),
        (position, Some(width)) => {
            if position > 0 {
                out.push(',');
            }
            new_line(out, width, level);
        }
    }
}

fn close(out: &mut String, indent: Option<usize>, level: usize) {
    if let Some(width) = indent {
        new_line(out, width, level);
    }
}

fn new_line(out: &mut String, width: usize, level: usize) {
    out.push('\n');
    out.push_str(&" ".repeat(width.min(INDENT_MAX) * level));
}

fn write_text(out: &mut String, text: &str) {
    let quoted = Json::String(text.to_owned()).to_string();
    let mut units = [0_u16; 2];
    for c in quoted.chars() {
        if c.is_ascii() {
            out.push(c);
        } else {
            for unit in c.encode_utf16(&mut units) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn dumps_writes_what_python_writes() {
        let value = json!({"b": [1, 2.0, null], "a": "é\"", "c": {}});
        assert_eq!(dumps(&value, false, None), r#"{"b": [1, 2.0, null], "a": "\u00e9\"", "c": {}}"#);
        assert_eq!(dumps(&value, true, None), r#"{"a": "\u00e9\"", "b": [1, 2.0, null], "c": {}}"#);
        assert_eq!(dumps(&json!({"a": [1]}), false, Some(2)), "{\n  \"a\": [\n    1\n  ]\n}");
    }

    #[test]
    fn json_survives_the_way_there_and_back() {
        let value = json!({"a": [1, -2, 2.5, "x", true, null, {"n": {}}], "big": 18446744073709551615_u64});
        assert_eq!(to_json(&from_json(&value)), value);
    }
}
