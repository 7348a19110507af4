//! Parts of canonical JSON as slices of it. Nothing here checks: what is given must be canonical.

use std::borrow::Cow;

/// What a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Undefined,
    Null,
    Boolean,
    Integer,
    Decimal,
    Double,
    Text,
    Array,
    Object,
}

impl Kind {
    /// Whether it is a number.
    pub(crate) fn is_number(self) -> bool {
        matches!(self, Self::Integer | Self::Decimal | Self::Double)
    }

    /// The name that TYPEOF gives it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Undefined | Self::Null => "NULL_VALUE",
            Self::Boolean => "BOOLEAN",
            Self::Integer => "INTEGER",
            Self::Decimal => "DECIMAL",
            Self::Double => "DOUBLE",
            Self::Text => "VARCHAR",
            Self::Array => "ARRAY",
            Self::Object => "OBJECT",
        }
    }
}

/// What a value is.
pub(crate) fn kind(json: &str) -> Kind {
    match json.as_bytes().first() {
        Some(b'{') => Kind::Object,
        Some(b'[') => Kind::Array,
        Some(b'"') => Kind::Text,
        Some(b't' | b'f') => Kind::Boolean,
        Some(b'n') => Kind::Null,
        Some(b'u') | None => Kind::Undefined,
        Some(_) if json.contains('e') => Kind::Double,
        Some(_) if json.contains('.') => Kind::Decimal,
        Some(_) => Kind::Integer,
    }
}

/// Where the value that begins at `at` ends.
fn end(bytes: &[u8], mut at: usize) -> usize {
    match bytes.get(at) {
        Some(b'"') => end_of_string(bytes, at),
        Some(b'[' | b'{') => {
            let mut depth = 0usize;
            while let Some(byte) = bytes.get(at) {
                match byte {
                    b'"' => {
                        at = end_of_string(bytes, at);
                        continue;
                    }
                    b'[' | b'{' => depth += 1,
                    b']' | b'}' => {
                        depth -= 1;
                        if depth == 0 {
                            return at + 1;
                        }
                    }
                    _ => {}
                }
                at += 1;
            }
            at
        }
        _ => {
            while bytes.get(at).is_some_and(|byte| !matches!(byte, b',' | b']' | b'}')) {
                at += 1;
            }
            at
        }
    }
}

fn end_of_string(bytes: &[u8], begin: usize) -> usize {
    let mut at = begin + 1;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    bytes.len()
}

/// The elements of an array; nothing for other values.
pub(crate) fn elements(json: &str) -> impl Iterator<Item = &str> {
    let bytes = json.as_bytes();
    let mut at = if bytes.first() == Some(&b'[') && bytes.len() > 2 { 1 } else { bytes.len() };
    std::iter::from_fn(move || {
        if at >= bytes.len() {
            return None;
        }
        let stop = end(bytes, at);
        let value = &json[at..stop];
        at = stop + 1;
        Some(value)
    })
}

/// The members of an object, keys with their quotes; nothing for other values.
pub(crate) fn members(json: &str) -> impl Iterator<Item = (&str, &str)> {
    let bytes = json.as_bytes();
    let mut at = if bytes.first() == Some(&b'{') && bytes.len() > 2 { 1 } else { bytes.len() };
    std::iter::from_fn(move || {
        if at >= bytes.len() {
            return None;
        }
        let key_end = end_of_string(bytes, at);
        let stop = end(bytes, key_end + 1);
        let member = (&json[at..key_end], &json[key_end + 1..stop]);
        at = stop + 1;
        Some(member)
    })
}

/// The value of a key of an object; `key` is quoted as canonical text has it.
pub(crate) fn member<'a>(json: &'a str, key: &str) -> Option<&'a str> {
    members(json).find(|(found, _)| *found == key).map(|(_, value)| value)
}

/// The value of a key, with the case of letters ignored: an exact match wins over the first other one.
pub(crate) fn member_ignore_case<'a>(json: &'a str, key: &str) -> Option<&'a str> {
    let folded = key.to_lowercase();
    member(json, key)
        .or_else(|| members(json).find(|(found, _)| found.to_lowercase() == folded).map(|(_, value)| value))
}

/// The element of an array, counted from 0.
pub(crate) fn element(json: &str, index: usize) -> Option<&str> {
    elements(json).nth(index)
}

/// The text that a quoted text says.
pub(crate) fn decode(quoted: &str) -> Cow<'_, str> {
    let inner = quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default();
    if !inner.contains('\\') {
        return Cow::Borrowed(inner);
    }
    let mut out = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(char) = chars.next() {
        if char != '\\' {
            out.push(char);
            continue;
        }
        match chars.next() {
            Some('n') => out.push('\n'),
            Some('r') => out.push('\r'),
            Some('t') => out.push('\t'),
            Some('b') => out.push('\u{8}'),
            Some('f') => out.push('\u{c}'),
            Some('u') => {
                let digits = chars.as_str().get(..4).unwrap_or_default();
                out.extend(u32::from_str_radix(digits, 16).ok().and_then(char::from_u32));
                chars = chars.as_str().get(4..).unwrap_or_default().chars();
            }
            Some(other) => out.push(other),
            None => {}
        }
    }
    Cow::Owned(out)
}

/// A value as `::varchar` says it: a text without quotes, numbers and truth values as they are, other values as JSON;
/// nothing for a null.
pub(crate) fn text_of(json: &str) -> Option<Cow<'_, str>> {
    match kind(json) {
        Kind::Undefined | Kind::Null => None,
        Kind::Text => Some(decode(json)),
        Kind::Double => Some(match json.parse::<f64>() {
            Ok(value) => Cow::Owned(crate::snowflake::cast::float_text(value)),
            Err(_) => Cow::Borrowed(json),
        }),
        _ => Some(Cow::Borrowed(json)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VALUE: &str = r#"{"a":[1,[2,3],"x,]"],"b\"":{"c":null},"d":-1.5,"e":"é\n"}"#;

    #[test]
    fn parts_are_found_without_a_tree() {
        assert_eq!(member(VALUE, "\"a\""), Some(r#"[1,[2,3],"x,]"]"#));
        assert_eq!(member(VALUE, "\"b\\\"\""), Some(r#"{"c":null}"#));
        assert_eq!(member(VALUE, "\"z\""), None);
        assert_eq!(member_ignore_case(VALUE, "\"D\""), Some("-1.5"));
        assert_eq!(element(r#"[1,[2,3],"x,]"]"#, 2), Some(r#""x,]""#));
        assert_eq!(element("[]", 0), None);
        assert_eq!(elements("{}").count() + members("[1]").count() + members("{}").count(), 0);
        assert_eq!(decode(r#""é\n""#), "é\n");
    }

    #[test]
    fn kinds_are_told_by_text() {
        for (json, name) in [
            ("1", "INTEGER"),
            ("-1.5", "DECIMAL"),
            ("1.5e0", "DOUBLE"),
            ("\"e\"", "VARCHAR"),
            ("true", "BOOLEAN"),
            ("null", "NULL_VALUE"),
            ("[]", "ARRAY"),
            ("{}", "OBJECT"),
        ] {
            assert_eq!(kind(json).name(), name);
        }
    }
}
