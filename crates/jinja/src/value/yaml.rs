//! YAML text as Python's `yaml.safe_dump` writes it, which is what dbt's `toyaml` gives: block style, lists not indented
//! below their key, lines folded behind 80 characters (<https://pyyaml.org/wiki/PyYAMLDocumentation>).

use serde_json::Value as Json;

use super::repr;

/// Column behind which a line is folded at its next blank.
const WIDTH: usize = 80;

/// The YAML text of a value. With `sort_keys` mappings are in the order of their keys.
pub(crate) fn dump(value: &Json, sort_keys: bool) -> String {
    let mut out = String::new();
    match value {
        Json::Array(items) if !items.is_empty() => list(&mut out, items, 0, sort_keys),
        Json::Object(map) if !map.is_empty() => mapping(&mut out, map, 0, sort_keys),
        scalar_value => {
            let text = scalar(scalar_value, 2, 0);
            // A plain scalar that stands alone is ended by a mark of its own.
            let marked = !text.starts_with(['\'', '"', '[', '{']);
            out.push_str(&text);
            out.push_str(if marked { "\n...\n" } else { "\n" });
        }
    }
    out
}

fn mapping(out: &mut String, map: &serde_json::Map<String, Json>, indent: usize, sort_keys: bool) {
    let mut entries: Vec<(&String, &Json)> = map.iter().collect();
    if sort_keys {
        entries.sort_by_key(|(key, _)| key.as_str());
    }
    for (position, (key, value)) in entries.into_iter().enumerate() {
        if position > 0 {
            out.push_str(&" ".repeat(indent));
        }
        let key = scalar(&Json::String(key.clone()), usize::MAX, 0);
        out.push_str(&key);
        out.push(':');
        match value {
            Json::Array(items) if !items.is_empty() => {
                out.push('\n');
                out.push_str(&" ".repeat(indent));
                list(out, items, indent, sort_keys);
            }
            Json::Object(inner) if !inner.is_empty() => {
                out.push('\n');
                out.push_str(&" ".repeat(indent + 2));
                mapping(out, inner, indent + 2, sort_keys);
            }
            value => {
                out.push(' ');
                out.push_str(&scalar(value, indent + 2, indent + key.chars().count() + 2));
                out.push('\n');
            }
        }
    }
}

fn list(out: &mut String, items: &[Json], indent: usize, sort_keys: bool) {
    for (position, item) in items.iter().enumerate() {
        if position > 0 {
            out.push_str(&" ".repeat(indent));
        }
        out.push_str("- ");
        match item {
            Json::Array(inner) if !inner.is_empty() => list(out, inner, indent + 2, sort_keys),
            Json::Object(inner) if !inner.is_empty() => mapping(out, inner, indent + 2, sort_keys),
            value => {
                out.push_str(&scalar(value, indent + 2, indent + 2));
                out.push('\n');
            }
        }
    }
}

/// A scalar that starts at `column`; its further lines are indented by `indent`, and it has none if that is the largest
/// number.
fn scalar(value: &Json, indent: usize, column: usize) -> String {
    match value {
        Json::Null => "null".to_owned(),
        Json::Bool(flag) => flag.to_string(),
        Json::Number(number) if number.is_f64() => {
            let text = repr::float(number.as_f64().unwrap_or_default());
            // YAML 1.1 wants a dot in a number with an exponent.
            match text.split_once('e') {
                Some((digits, exponent)) if !digits.contains('.') => format!("{digits}.0e{exponent}"),
                _ => text,
            }
        }
        Json::Number(number) => number.to_string(),
        Json::Array(_) => "[]".to_owned(),
        Json::Object(_) => "{}".to_owned(),
        Json::String(text) if is_plain(text) => folded(text, indent, column),
        Json::String(text) if text.chars().all(|c| !c.is_control()) => {
            format!("'{}'", folded(&text.replace('\'', "''"), indent, column + 1))
        }
        // Line breaks are doubled inside of quotes; blanks beside them would be lost.
        Json::String(text)
            if text.chars().all(|c| c == '\n' || !c.is_control()) && !text.contains(" \n") && !text.contains("\n ") =>
        {
            let mut out = String::from("'");
            let mut breaks = 0;
            for c in text.replace('\'', "''").chars() {
                if c == '\n' {
                    breaks += 1;
                    continue;
                }
                if breaks > 0 {
                    out.push_str(&"\n".repeat(breaks + 1));
                    out.push_str(&" ".repeat(if indent == usize::MAX { 0 } else { indent }));
                    breaks = 0;
                }
                out.push(c);
            }
            if breaks > 0 {
                out.push_str(&"\n".repeat(breaks + 1));
                out.push_str(&" ".repeat(if indent == usize::MAX { 0 } else { indent }));
            }
            out + "'"
        }
        Json::String(text) => {
            let mut out = String::from("\"");
            for c in text.chars() {
                match c {
                    '"' => out.push_str("\\\""),
                    '\\' => out.push_str("\\\\"),
                    '\n' => out.push_str("\\n"),
                    '\t' => out.push_str("\\t"),
                    '\r' => out.push_str("\\r"),
                    c if (c as u32) < 0x20 || c as u32 == 0x7f => out.push_str(&format!("\\x{:02X}", c as u32)),
                    c => out.push(c),
                }
            }
            out + "\""
        }
    }
}

fn folded(text: &str, indent: usize, column: usize) -> String {
    if indent == usize::MAX {
        return text.to_owned();
    }
    let mut out = String::new();
    let mut at = column;
    let chars: Vec<char> = text.chars().collect();
    for (position, c) in chars.iter().enumerate() {
        let alone = *c == ' '
            && position > 0
            && chars[position - 1] != ' '
            && chars.get(position + 1).is_some_and(|next| *next != ' ');
        if alone && at > WIDTH {
            out.push('\n');
            out.push_str(&" ".repeat(indent));
            at = indent;
        } else {
            out.push(*c);
            at += 1;
        }
    }
    out
}

/// Whether a text can stand without quotes and is read back as that text.
fn is_plain(text: &str) -> bool {
    let special = |c: char| "-?:,[]{}#&*!|>'\"%@`".contains(c);
    let words =
        ["", "~", "null", "true", "false", "yes", "no", "on", "off", "=", "<<", ".nan", ".inf", "-.inf", "+.inf"];
    let lower = text.to_ascii_lowercase();
    let Some(first) = text.chars().next() else { return false };
    let second = text.chars().nth(1);
    if words.contains(&lower.as_str())
        || text.chars().any(char::is_control)
        || text.starts_with("---")
        || text.starts_with("...")
    {
        return false;
    }
    // `-x`, `?x` and `:x` are plain; `- x` is not.
    let starts_plain =
        !special(first) || (matches!(first, '-' | '?' | ':') && second.is_some_and(|next| !next.is_whitespace()));
    starts_plain
        && !text.starts_with(' ')
        && !text.ends_with(' ')
        && !text.ends_with(':')
        && !text.contains(": ")
        && !text.contains(" #")
        && !looks_like_number(&lower)
}

/// Numbers and dates, as YAML 1.1 reads them.
fn looks_like_number(text: &str) -> bool {
    let body = text.trim_start_matches(['-', '+']);
    if !body.starts_with(|c: char| c.is_ascii_digit() || c == '.') || !body.contains(|c: char| c.is_ascii_digit()) {
        return false;
    }
    let number = body.replace('_', "");
    let hex = number.strip_prefix("0x").is_some_and(|rest| rest.chars().all(|c| c.is_ascii_hexdigit()));
    let binary = number.strip_prefix("0b").is_some_and(|rest| rest.chars().all(|c| c == '0' || c == '1'));
    let digits = number.chars().all(|c| c.is_ascii_digit());
    let float = number.contains('.') && number.parse::<f64>().is_ok() && !number.contains("inf");
    let sexagesimal =
        number.contains(':') && number.split(':').all(|part| part.chars().all(|c| c.is_ascii_digit() || c == '.'));
    let parts: Vec<&str> = body.splitn(3, '-').collect();
    let date = match parts.as_slice() {
        [year, month, day] => {
            year.len() == 4
                && [year, month].iter().all(|part| part.chars().all(|c| c.is_ascii_digit()))
                && day.chars().next().is_some_and(|c| c.is_ascii_digit())
        }
        _ => false,
    };
    hex || binary || digits || float || sexagesimal || date
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn text_is_what_safe_dump_writes() {
        // Each as PyYAML 6.0 gives it for `yaml.safe_dump(value, sort_keys=False)`.
        for (value, expected) in [
            (json!({"b": 1, "a": [1, "x", null, true], "c": {}}), "b: 1\na:\n- 1\n- x\n- null\n- true\nc: {}\n"),
            (json!([{"a": 1, "b": [2]}, [3, [4]], []]), "- a: 1\n  b:\n  - 2\n- - 3\n  - - 4\n- []\n"),
            (json!("x"), "x\n...\n"),
            (json!("yes"), "'yes'\n"),
            (
                json!({"a": "it's", "b": "x: y", "c": "1", "d": "2025-06-01", "e": " x", "f": "a\nb"}),
                "a: it's\nb: 'x: y'\nc: '1'\nd: '2025-06-01'\ne: ' x'\nf: 'a\n\n  b'\n",
            ),
            (
                json!([1.5, 1e20, "-x", "- x", "#a", "a#b", ""]),
                "- 1.5\n- 1.0e+20\n- -x\n- '- x'\n- '#a'\n- a#b\n- ''\n",
            ),
        ] {
            assert_eq!(dump(&value, false), expected, "{value}");
        }
        assert_eq!(dump(&json!({"b": 1, "a": 2}), true), "a: 2\nb: 1\n");
        let long = "word ".repeat(20).trim().to_owned();
        let text = dump(&json!({ "k": long }), false);
        assert_eq!(text.lines().count(), 2, "{text}");
        assert!(text.lines().nth(1).is_some_and(|line| line.starts_with("  word")), "{text}");
    }
}
