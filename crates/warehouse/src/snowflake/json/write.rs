//! Pieces of canonical JSON.

use std::fmt::Write;

/// Appends a text in quotes.
pub(crate) fn string(text: &str, out: &mut String) {
    out.push('"');
    let mut begin = 0;
    for (at, byte) in text.bytes().enumerate() {
        let escaped = match byte {
            b'"' => "\\\"",
            b'\\' => "\\\\",
            b'\n' => "\\n",
            b'\r' => "\\r",
            b'\t' => "\\t",
            8 => "\\b",
            12 => "\\f",
            0..=0x1f => "",
            _ => continue,
        };
        out.push_str(&text[begin..at]);
        if escaped.is_empty() {
            let _ = write!(out, "\\u{byte:04x}");
        } else {
            out.push_str(escaped);
        }
        begin = at + 1;
    }
    out.push_str(&text[begin..]);
    out.push('"');
}

/// Appends a float: always with an exponent, the fewest digits that give it back.
pub(crate) fn float(value: f64, out: &mut String) {
    if value.is_finite() {
        let value = if value == 0.0 { 0.0 } else { value };
        let _ = write!(out, "{value:e}");
    } else {
        // JSON has no such numbers; Snowflake shows them as texts.
        string(
            if value.is_nan() {
                "NaN"
            } else if value > 0.0 {
                "Infinity"
            } else {
                "-Infinity"
            },
            out,
        );
    }
}

/// Appends an object of members whose keys are quoted already; sorts them.
pub(crate) fn object<K: AsRef<str> + Ord, V: AsRef<str>>(members: &mut [(K, V)], out: &mut String) {
    if !members.is_sorted_by(|left, right| left.0 <= right.0) {
        members.sort_by(|left, right| left.0.cmp(&right.0));
    }
    out.push('{');
    for (index, (key, value)) in members.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        out.push_str(key.as_ref());
        out.push(':');
        out.push_str(value.as_ref());
    }
    out.push('}');
}

/// Appends an array of values.
pub(crate) fn array<V: AsRef<str>>(values: impl IntoIterator<Item = V>, out: &mut String) {
    out.push('[');
    for (index, value) in values.into_iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        out.push_str(value.as_ref());
    }
    out.push(']');
}
