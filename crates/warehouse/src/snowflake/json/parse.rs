//! Text that people and programs write → canonical JSON.
//! Source: Snowflake's page "PARSE_JSON": an empty text is a null, and a missing element of an array is `undefined`.

use super::write;

/// Arrays and objects within each other.
const DEPTH_MAX: usize = 512;

/// Digits of a number that is kept exact; longer ones become floats.
const DIGITS_MAX: usize = 38;

/// Appends the canonical form of `text` to `out`; `false` when the text is blank.
///
/// # Errors
/// What is wrong, and at which byte. `out` may hold the beginning of the value then.
pub(crate) fn parse(text: &str, out: &mut String, duplicates: bool) -> Result<bool, String> {
    let mut parser = Parser { text, bytes: text.as_bytes(), at: 0, depth: 0, duplicates };
    parser.space();
    if parser.at == parser.bytes.len() {
        return Ok(false);
    }
    parser.value(out)?;
    parser.space();
    if parser.at < parser.bytes.len() {
        return Err(parser.wrong("text after the value"));
    }
    Ok(true)
}

struct Parser<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    depth: usize,
    duplicates: bool,
}

impl Parser<'_> {
    fn wrong(&self, what: &str) -> String {
        format!("{what} at byte {}", self.at + 1)
    }

    fn space(&mut self) {
        while self.bytes.get(self.at).is_some_and(u8::is_ascii_whitespace) {
            self.at += 1;
        }
    }

    fn peek(&mut self) -> Option<u8> {
        self.space();
        self.bytes.get(self.at).copied()
    }

    fn value(&mut self, out: &mut String) -> Result<(), String> {
        match self.peek() {
            Some(b'{') => self.nested(out, Self::object),
            Some(b'[') => self.nested(out, Self::array),
            Some(b'"') => self.string(out),
            Some(b'-' | b'0'..=b'9') => self.number(out),
            Some(_) => {
                for word in ["true", "false", "null", "undefined"] {
                    if self.text[self.at..].starts_with(word) {
                        self.at += word.len();
                        out.push_str(word);
                        return Ok(());
                    }
                }
                Err(self.wrong("a value is expected"))
            }
            None => Err(self.wrong("the text ends early")),
        }
    }

    fn nested(
        &mut self,
        out: &mut String,
        read: fn(&mut Self, &mut String) -> Result<(), String>,
    ) -> Result<(), String> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(format!("more than {DEPTH_MAX} arrays and objects within each other"));
        }
        self.at += 1;
        read(self, out)?;
        self.depth -= 1;
        Ok(())
    }

    fn array(&mut self, out: &mut String) -> Result<(), String> {
        out.push('[');
        let mut first = true;
        // `[1, ]` has two elements, `[]` none.
        if self.peek() == Some(b']') {
            self.at += 1;
            out.push(']');
            return Ok(());
        }
        loop {
            if !first {
                out.push(',');
            }
            first = false;
            match self.peek() {
                Some(b',' | b']') => out.push_str("undefined"),
                _ => self.value(out)?,
            }
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b']') => {
                    self.at += 1;
                    out.push(']');
                    return Ok(());
                }
                _ => return Err(self.wrong("',' or ']' is expected")),
            }
        }
    }

    fn object(&mut self, out: &mut String) -> Result<(), String> {
        // Members are written one after the other; when they came out of order, they are put into order.
        let mut members: Vec<(String, String)> = Vec::new();
        if self.peek() == Some(b'}') {
            self.at += 1;
            out.push_str("{}");
            return Ok(());
        }
        loop {
            if self.peek() != Some(b'"') {
                return Err(self.wrong("a key in double quotes is expected"));
            }
            let mut key = String::new();
            self.string(&mut key)?;
            if self.peek() != Some(b':') {
                return Err(self.wrong("':' is expected"));
            }
            self.at += 1;
            let mut value = String::new();
            self.value(&mut value)?;
            if value != "undefined" {
                match members.iter_mut().find(|member| member.0 == key) {
                    Some(member) if self.duplicates => member.1 = value,
                    Some(_) => return Err(self.wrong(&format!("the key {key} comes twice"))),
                    None => members.push((key, value)),
                }
            }
            match self.peek() {
                Some(b',') => {
                    self.at += 1;
                    if self.peek() == Some(b'}') {
                        break;
                    }
                }
                Some(b'}') => break,
                _ => return Err(self.wrong("',' or '}' is expected")),
            }
        }
        self.at += 1;
        write::object(&mut members, out);
        Ok(())
    }

    fn string(&mut self, out: &mut String) -> Result<(), String> {
        self.at += 1;
        let begin = self.at;
        // Nearly all texts need no change at all.
        while let Some(byte) = self.bytes.get(self.at) {
            match byte {
                b'"' => {
                    out.push('"');
                    out.push_str(&self.text[begin..self.at]);
                    out.push('"');
                    self.at += 1;
                    return Ok(());
                }
                b'\\' | 0..=0x1f => break,
                _ => self.at += 1,
            }
        }
        let mut plain = self.text[begin..self.at].to_owned();
        loop {
            match self.bytes.get(self.at) {
                None => return Err(self.wrong("a text has no closing quote")),
                Some(b'"') => break,
                Some(b'\\') => self.escape(&mut plain)?,
                Some(_) => {
                    let char = self.text[self.at..].chars().next().unwrap_or_default();
                    plain.push(char);
                    self.at += char.len_utf8();
                }
            }
        }
        self.at += 1;
        write::string(&plain, out);
        Ok(())
    }

    fn escape(&mut self, plain: &mut String) -> Result<(), String> {
        let char = match self.bytes.get(self.at + 1) {
            Some(b'n') => '\n',
            Some(b't') => '\t',
            Some(b'r') => '\r',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(byte @ (b'"' | b'\\' | b'/' | b'\'')) => char::from(*byte),
            Some(b'u') => {
                let mut unit = self.unit()?;
                if (0xd800..0xdc00).contains(&unit) && self.text[self.at + 6..].starts_with("\\u") {
                    self.at += 6;
                    let low = self.unit()?;
                    unit = 0x10000 + ((unit - 0xd800) << 10) + low.wrapping_sub(0xdc00) % 0x400;
                }
                self.at += 6;
                plain.push(char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER));
                return Ok(());
            }
            _ => return Err(self.wrong("an unknown escape")),
        };
        plain.push(char);
        self.at += 2;
        Ok(())
    }

    /// The number of `\uXXXX`, which stands at the current place.
    fn unit(&self) -> Result<u32, String> {
        self.text
            .get(self.at + 2..self.at + 6)
            .and_then(|digits| u32::from_str_radix(digits, 16).ok())
            .ok_or_else(|| self.wrong("four hexadecimal digits are expected"))
    }

    fn number(&mut self, out: &mut String) -> Result<(), String> {
        let begin = self.at;
        let digits = |parser: &mut Self| {
            let begin = parser.at;
            while parser.bytes.get(parser.at).is_some_and(u8::is_ascii_digit) {
                parser.at += 1;
            }
            begin..parser.at
        };
        let negative = self.bytes[self.at] == b'-';
        self.at += usize::from(negative);
        let whole = digits(self);
        if whole.is_empty() {
            return Err(self.wrong("a digit is expected"));
        }
        let mut fraction = 0..0;
        if self.bytes.get(self.at) == Some(&b'.') {
            self.at += 1;
            fraction = digits(self);
        }
        let mut exact = true;
        if matches!(self.bytes.get(self.at), Some(b'e' | b'E')) {
            exact = false;
            self.at += 1;
            self.at += usize::from(matches!(self.bytes.get(self.at), Some(b'+' | b'-')));
            if digits(self).is_empty() {
                return Err(self.wrong("a digit is expected"));
            }
        }
        let whole = self.text[whole].trim_start_matches('0');
        let fraction = self.text[fraction].trim_end_matches('0');
        if exact && whole.len() + fraction.len() <= DIGITS_MAX {
            if negative && !(whole.is_empty() && fraction.is_empty()) {
                out.push('-');
            }
            out.push_str(if whole.is_empty() { "0" } else { whole });
            if !fraction.is_empty() {
                out.push('.');
                out.push_str(fraction);
            }
            return Ok(());
        }
        match self.text[begin..self.at].parse::<f64>() {
            Ok(value) if value.is_finite() => {
                write::float(value, out);
                Ok(())
            }
            _ => Err(self.wrong("a number that is too large")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canonical(text: &str) -> Result<String, String> {
        let mut out = String::new();
        parse(text, &mut out, false).map(|some| if some { out } else { "(null)".into() })
    }

    #[test]
    fn values_come_out_canonical() {
        for (text, wanted) in [
            (r#" { "b" : 1.50, "a" : [1, "x\u0041\n", null] } "#, r#"{"a":[1,"xA\n",null],"b":1.5}"#),
            ("[ -1, 12, false, ]", "[-1,12,false,undefined]"),
            ("[,1]", "[undefined,1]"),
            ("-0", "0"),
            ("00012.30", "12.3"),
            ("1.912e2", "1.912e2"),
            ("12345678901234567890123456789012345678", "12345678901234567890123456789012345678"),
            (r#""\ud83d\ude00""#, "\"\u{1f600}\""),
            ("  ", "(null)"),
            (r#"{"a":1,}"#, r#"{"a":1}"#),
        ] {
            assert_eq!(canonical(text).as_deref(), Ok(wanted), "{text}");
        }
    }

    #[test]
    fn bad_texts_say_where() {
        for text in ["{", "[1", "{\"a\"}", "nul", "1 2", "{\"a\":1,\"a\":2}", "\"x", "1e999", "{a:1}", "-", "\"\\q\""] {
            let error = canonical(text);
            assert!(error.as_ref().is_err_and(|error| error.contains("byte")), "{text}: {error:?}");
        }
    }

    #[test]
    fn depth_has_a_limit() {
        let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        assert!(canonical(&nested(DEPTH_MAX)).is_ok());
        assert!(canonical(&nested(DEPTH_MAX + 1)).is_err_and(|error| error.contains("512")));
    }
}
