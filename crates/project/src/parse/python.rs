//! How Python writes values as text: dbt's names and hashes of generic tests are made from it.

use serde_json::Value;

use crate::yaml::float_text;

/// `str(value)`.
pub(crate) fn str_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => repr(other),
    }
}

/// `repr(value)`.
pub(crate) fn repr(value: &Value) -> String {
    match value {
        Value::Null => "None".into(),
        Value::Bool(true) => "True".into(),
        Value::Bool(false) => "False".into(),
        Value::Number(number) => match number.as_i64() {
            Some(whole) => whole.to_string(),
            None => float_text(number.as_f64().unwrap_or(f64::NAN)),
        },
        Value::String(text) => repr_text(text),
        Value::Array(items) => format!("[{}]", items.iter().map(repr).collect::<Vec<_>>().join(", ")),
        Value::Object(object) => {
            let entries: Vec<String> =
                object.iter().map(|(key, value)| format!("{}: {}", repr_text(key), repr(value))).collect();
            format!("{{{}}}", entries.join(", "))
        }
    }
}

/// Text in single quotes, in double ones when it holds single and no double ones.
fn repr_text(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    let mut out = String::with_capacity(text.len() + 2);
    out.push(quote);
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c == quote => {
                out.push('\\');
                out.push(c);
            }
            c if (c as u32) < 0x20 || (0x7f..=0xa0).contains(&(c as u32)) || c as u32 == 0xad => {
                out.push_str(&format!("\\x{:02x}", c as u32));
            }
            c => out.push(c),
        }
    }
    out.push(quote);
    out
}

/// The value with keys of mappings sorted and every scalar turned into text: what dbt hashes.
pub(crate) fn hashable(value: &Value) -> Value {
    match value {
        Value::Object(object) => {
            let mut entries: Vec<_> = object.iter().collect();
            entries.sort_by(|a, b| a.0.cmp(b.0));
            Value::Object(entries.into_iter().map(|(key, value)| (key.clone(), hashable(value))).collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(hashable).collect()),
        scalar => Value::String(str_of(scalar)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_written_as_python_writes_them() {
        assert_eq!(
            repr(&json!({"a": [1, 1.0, true, null, "x'y", "q\"'"]})),
            r#"{'a': [1, 1.0, True, None, "x'y", 'q"\'']}"#
        );
        assert_eq!(str_of(&json!("x'y\n")), "x'y\n");
        assert_eq!(repr(&json!("a\\b\n\u{7f}é")), "'a\\\\b\\n\\x7fé'");
        assert_eq!(repr(&hashable(&json!({"b": 1, "a": [null, 0.5]}))), "{'a': ['None', '0.5'], 'b': '1'}");
    }
}
