//! How Python prints values: `str()` and `repr()`.

use std::fmt::Write;

use super::{Kind, Value, elements, kind_of, pairs};
use crate::limits::OUTPUT_BYTES_MAX_DEFAULT;

/// Containers nested deeper than this are printed as `...`, so that a list that holds itself can be printed.
pub(crate) const DEPTH_MAX: usize = 64;

/// Python's `str(value)`; undefined is empty, as in Jinja.
pub(crate) fn text(value: &Value) -> String {
    match kind_of(value) {
        Kind::Undefined => String::new(),
        Kind::Str(text) => text.to_owned(),
        Kind::Native(native) => native.text(),
        _ => repr(value),
    }
}

/// Python's `repr(value)`.
pub(crate) fn repr(value: &Value) -> String {
    let mut out = String::new();
    write_repr(&mut out, value, 0);
    out
}

fn write_repr(out: &mut String, value: &Value, depth: usize) {
    // What is past the limit of a text is not written at all: every place that takes the text refuses it for its length.
    if depth > DEPTH_MAX || out.len() > OUTPUT_BYTES_MAX_DEFAULT {
        out.push_str("...");
        return;
    }
    match kind_of(value) {
        Kind::Undefined => out.push_str("Undefined"),
        Kind::None => out.push_str("None"),
        Kind::Bool(true) => out.push_str("True"),
        Kind::Bool(false) => out.push_str("False"),
        Kind::Int(number) => {
            let _ = write!(out, "{number}");
        }
        Kind::Float(number) => out.push_str(&float(number)),
        Kind::Str(text) => quote(out, text),
        Kind::Native(native) => out.push_str(&native.repr()),
        Kind::List(_) | Kind::Seq => sequence(out, value, depth, "[", "]"),
        Kind::Tuple => {
            let single = elements(value).is_some_and(|items| items.len() == 1);
            sequence(out, value, depth, "(", if single { ",)" } else { ")" });
        }
        Kind::Set(set) if set.snapshot().is_empty() => out.push_str("set()"),
        Kind::Set(_) => sequence(out, value, depth, "{", "}"),
        Kind::Dict(_) | Kind::Map => {
            out.push('{');
            for (position, (key, item)) in pairs(value).unwrap_or_default().iter().enumerate() {
                if position > 0 {
                    out.push_str(", ");
                }
                write_repr(out, key, depth + 1);
                out.push_str(": ");
                write_repr(out, item, depth + 1);
            }
            out.push('}');
        }
        Kind::Other => {
            let _ = write!(out, "{value}");
        }
    }
}

fn sequence(out: &mut String, value: &Value, depth: usize, open: &str, close: &str) {
    out.push_str(open);
    for (position, item) in elements(value).unwrap_or_default().iter().enumerate() {
        if out.len() > OUTPUT_BYTES_MAX_DEFAULT {
            break;
        }
        if position > 0 {
            out.push_str(", ");
        }
        write_repr(out, item, depth + 1);
    }
    out.push_str(close);
}

/// Python's `repr` of a float: shortest digits that read back the same, exponent outside 1e-5 … 1e16.
pub(crate) fn float(number: f64) -> String {
    if number.is_nan() {
        return "nan".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "inf" } else { "-inf" }.to_owned();
    }
    let magnitude = number.abs();
    if magnitude != 0.0 && !(1e-4..1e16).contains(&magnitude) {
        let scientific = format!("{number:e}");
        let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
        let (sign, size) = match exponent.strip_prefix('-') {
            Some(size) => ('-', size),
            None => ('+', exponent),
        };
        return format!("{digits}e{sign}{size:0>2}");
    }
    let plain = format!("{number}");
    if plain.contains('.') { plain } else { format!("{plain}.0") }
}

fn quote(out: &mut String, text: &str) {
    let mark = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    out.push(mark);
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c == mark => {
                out.push('\\');
                out.push(c);
            }
            c if (c as u32) < 0x20 || c as u32 == 0x7f => {
                let _ = write!(out, "\\x{:02x}", c as u32);
            }
            c => out.push(c),
        }
    }
    out.push(mark);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::{dict, list, none, tuple};

    #[test]
    fn values_print_as_python_prints_them() {
        let nested = list(vec![
            Value::from(1),
            Value::from(2.0),
            Value::from("it's"),
            none(),
            Value::from(true),
            tuple(vec![Value::from(1)]),
            dict([("a", Value::from("b"))]),
        ]);
        assert_eq!(text(&nested), r#"[1, 2.0, "it's", None, True, (1,), {'a': 'b'}]"#);
        assert_eq!(text(&Value::from("plain")), "plain");
        assert_eq!(text(&Value::UNDEFINED), "");
    }

    #[test]
    fn floats_print_as_python_prints_them() {
        for (number, expected) in [
            (1e16, "1e+16"),
            (123456789012345680.0, "1.2345678901234568e+17"),
            (1e15, "1000000000000000.0"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (-2.5, "-2.5"),
            (0.0, "0.0"),
        ] {
            assert_eq!(float(number), expected);
        }
    }

    #[test]
    fn a_list_that_holds_itself_can_be_printed() {
        let outer = list(vec![]);
        if let Kind::List(inner) = kind_of(&outer) {
            inner.with(|items| items.push(outer.clone()));
        }
        assert!(text(&outer).contains("..."));
        // The cycle would leak: break it.
        if let Kind::List(inner) = kind_of(&outer) {
            inner.with(Vec::clear);
        }
    }
}
