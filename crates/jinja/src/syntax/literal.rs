//! Numbers and texts as Jinja writes them, which is as Python does.

use super::lexer::newlines;
use super::token::TokenKind;

/// Digits that may have single underscores between them: how many bytes they take, 0 when there are none.
fn digits(bytes: &[u8], is_digit: fn(&u8) -> bool) -> usize {
    let mut at = 0;
    loop {
        let run = bytes[at..].iter().take_while(|byte| is_digit(byte)).count();
        if run == 0 {
            // An underscore that no digit follows is not part of the number.
            return at.saturating_sub(usize::from(at > 0));
        }
        at += run;
        if bytes.get(at) != Some(&b'_') {
            return at;
        }
        at += 1;
    }
}

/// The number at the start of a text and its length. After a dot (`x.0.1`) there is no fraction.
pub(super) fn number(text: &str, after_dot: bool) -> Result<(TokenKind<'_>, usize), String> {
    let bytes = text.as_bytes();
    let radix = match (bytes.first(), bytes.get(1)) {
        (Some(b'0'), Some(b'x' | b'X')) => Some((16, u8::is_ascii_hexdigit as fn(&u8) -> bool)),
        (Some(b'0'), Some(b'o' | b'O')) => Some((8, (|byte: &u8| (b'0'..=b'7').contains(byte)) as fn(&u8) -> bool)),
        (Some(b'0'), Some(b'b' | b'B')) => Some((2, (|byte: &u8| (b'0'..=b'1').contains(byte)) as fn(&u8) -> bool)),
        _ => None,
    };
    if let Some((radix, is_digit)) = radix {
        let start = 2 + usize::from(bytes.get(2) == Some(&b'_'));
        let length = digits(&bytes[start.min(bytes.len())..], is_digit);
        if length > 0 {
            return whole(&text[start..start + length], radix).map(|kind| (kind, start + length));
        }
    }
    let whole_length = digits(bytes, u8::is_ascii_digit);
    let mut length = whole_length;
    if !after_dot {
        if bytes.get(length) == Some(&b'.') {
            let fraction = digits(&bytes[length + 1..], u8::is_ascii_digit);
            if fraction > 0 {
                length += 1 + fraction;
            }
        }
        if matches!(bytes.get(length), Some(b'e' | b'E')) {
            let sign = usize::from(matches!(bytes.get(length + 1), Some(b'+' | b'-')));
            let exponent = digits(bytes.get(length + 1 + sign..).unwrap_or_default(), u8::is_ascii_digit);
            if exponent > 0 {
                length += 1 + sign + exponent;
            }
        }
    }
    if length > whole_length {
        let value: f64 = text[..length].replace('_', "").parse().map_err(|_| "this is not a number".to_owned())?;
        return Ok((TokenKind::Float(value), length));
    }
    if whole_length > 1 && bytes[0] == b'0' && bytes[..whole_length].iter().any(|byte| (b'1'..=b'9').contains(byte)) {
        return Err("a number may not start with 0".to_owned());
    }
    whole(&text[..whole_length], 10).map(|kind| (kind, whole_length))
}

fn whole(text: &str, radix: u32) -> Result<TokenKind<'static>, String> {
    i128::from_str_radix(&text.replace('_', ""), radix)
        .map(|number| TokenKind::Integer(crate::value::ops::integer(number)))
        .map_err(|_| "this number needs more than 127 bits".to_owned())
}

/// The quoted text at the start of a text, escapes undone, and its length; none when it has no end.
///
/// Escapes are Python's; one that Python does not know stays as it is written (`'\d'` is a backslash and a `d`).
pub(super) fn text(source: &str) -> Option<(String, usize)> {
    let bytes = source.as_bytes();
    let quote = *bytes.first()?;
    let mut at = 1;
    let mut escaped = false;
    while *bytes.get(at)? != quote {
        escaped |= bytes[at] == b'\\';
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    let inner = newlines(&source[1..at]);
    Some((if escaped { unescaped(&inner) } else { inner.into_owned() }, at + 1))
}

fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let Some(letter) = rest.chars().next() else {
            out.push('\\');
            return out;
        };
        let simple = match letter {
            'n' => Some('\n'),
            't' => Some('\t'),
            'r' => Some('\r'),
            'a' => Some('\u{7}'),
            'b' => Some('\u{8}'),
            'f' => Some('\u{c}'),
            'v' => Some('\u{b}'),
            '\\' | '\'' | '"' => Some(letter),
            _ => None,
        };
        if let Some(simple) = simple {
            out.push(simple);
            rest = &rest[1..];
            continue;
        }
        let (skip, digits, radix) = match letter {
            'x' => (1, 2, 16),
            'u' => (1, 4, 16),
            'U' => (1, 8, 16),
            '0'..='7' => (0, rest.bytes().take(3).take_while(|byte| (b'0'..=b'7').contains(byte)).count(), 8),
            '\n' => {
                rest = &rest[1..];
                continue;
            }
            _ => (0, 0, 0),
        };
        let code = (digits > 0)
            .then(|| rest.get(skip..skip + digits))
            .flatten()
            .and_then(|code| u32::from_str_radix(code, radix).ok())
            .and_then(char::from_u32);
        match code {
            Some(c) => {
                out.push(c);
                rest = &rest[skip + digits..];
            }
            None => out.push('\\'),
        }
    }
    out + rest
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::value::Value;

    #[test]
    fn numbers_are_pythons() {
        for (source, expected, length) in [
            ("1_000 ", 1000, 5),
            ("0x1F", 31, 4),
            ("0b1_0", 2, 5),
            ("0o17", 15, 4),
            ("00", 0, 2),
            ("1.foo", 1, 1),
            ("1_", 1, 1),
        ] {
            let found = number(source, false).unwrap();
            assert_eq!(found, (TokenKind::Integer(Value::from(expected)), length), "{source}");
        }
        assert_eq!(number("1.5e-3x", false).unwrap(), (TokenKind::Float(0.0015), 6));
        assert_eq!(number("1e3", false).unwrap(), (TokenKind::Float(1000.0), 3));
        assert_eq!(number("0.1", true).unwrap().1, 1, "x.0.1 is x[0][1]");
        assert!(number("012", false).is_err());
        assert!(number(&"9".repeat(40), false).is_err());
    }

    #[test]
    fn escapes_are_pythons_and_unknown_ones_stay() {
        let value = |source: &str| text(source).unwrap().0;
        assert_eq!(value(r"'a\n\d+\x41\u00e9\101\''"), "a\n\\d+AéA'");
        assert_eq!(value("\"it's\""), "it's");
        assert_eq!(value("'a\\\nb'"), "ab");
        assert_eq!(value(r"'\xZZ'"), r"\xZZ");
        assert!(text("'abc").is_none());
        assert!(text(r"'abc\'").is_none());
    }
}
