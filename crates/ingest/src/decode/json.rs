//! One JSON object per message, read by the contract's field names in one pass and without a tree.
//!
//! Guarantees: what is accepted is JSON after RFC 8259 in UTF-8 (numbers, escapes and nested values are validated
//! even where the contract does not use them), and a number's text reaches its column as it was written.
//!
//! What is damage, by the name of the rule it breaks:
//! - `encoding`: not UTF-8. `invalid_json`: not JSON. `not_an_object`: JSON, but not one object.
//! - `duplicate_field`: a declared field twice, so that there is no telling which is meant.
//! - `extra_field`: a field that is not declared, unless the contract ignores those.
//! - `nul_byte`: an escape for NUL in a text, which no text column of a database can hold.
//!
//! A declared field that is missing is null; `required` tells it. A nested value where a scalar is declared breaks
//! the rule `type` in its column.

use std::collections::HashMap;
use std::ops::Range;

use memchr::memchr2;
use serde::de::IgnoredAny;

use super::fields::{Fields, Kind, Span};
use super::text::shown;
use crate::contract::{Column, ExtraFields};

/// What is wrong with a message as a whole: the rule's name and what to tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Damage {
    pub(crate) rule: &'static str,
    pub(crate) message: String,
}

fn damage<T>(rule: &'static str, message: impl Into<String>) -> Result<T, Damage> {
    Err(Damage { rule, message: message.into() })
}

/// Reads messages by the field names of one contract.
pub(crate) struct Scanner {
    names: Vec<Vec<u8>>,
    /// Each name as JSON writes it, unless that is not the only way to write it.
    quoted: Vec<Option<Vec<u8>>>,
    by_name: HashMap<Vec<u8>, usize>,
    extra: ExtraFields,
    /// The values of the message that is being read.
    record: Vec<Span>,
    seen: Vec<bool>,
}

impl Scanner {
    /// For the declared columns.
    pub(crate) fn new(columns: &[Column], extra: ExtraFields) -> Self {
        let names: Vec<Vec<u8>> = columns.iter().map(|column| column.name.clone().into_bytes()).collect();
        let by_name = names.iter().enumerate().map(|(index, name)| (name.clone(), index)).collect();
        let plain = |name: &[u8]| name.iter().all(|byte| *byte >= b' ' && !b"\"\\".contains(byte));
        let quoted = names.iter().map(|name| plain(name).then(|| [b"\"", name.as_slice(), b"\""].concat())).collect();
        let width = names.len();
        Self { names, quoted, by_name, extra, record: vec![Span::NULL; width], seen: vec![false; width] }
    }

    /// Reads the message at `range` of `input` and adds its values to `fields`; nothing is added on damage.
    pub(crate) fn scan(&mut self, input: &[u8], range: Range<usize>, fields: &mut Fields) -> Result<(), Damage> {
        if let Err(error) = std::str::from_utf8(&input[range.clone()]) {
            return damage("encoding", format!("not UTF-8 at byte {}", error.valid_up_to()));
        }
        self.record.fill(Span::NULL);
        self.seen.fill(false);
        let mut cursor = Cursor { input: &input[..range.end], at: range.start, start: range.start };
        self.object(&mut cursor, fields)?;
        fields.push_record(&self.record);
        Ok(())
    }

    fn object(&mut self, cursor: &mut Cursor<'_>, fields: &mut Fields) -> Result<(), Damage> {
        cursor.skip_space();
        if cursor.peek() != Some(b'{') {
            return cursor.not_an_object();
        }
        cursor.at += 1;
        cursor.skip_space();
        if cursor.peek() == Some(b'}') {
            cursor.at += 1;
            return cursor.end();
        }
        let mut expected = 0;
        loop {
            // Producers write fields in the same order, so that the one after the last is tried before any search.
            let (index, name) = match self.quoted.get(expected) {
                Some(Some(candidate)) if cursor.passes(candidate) => (Some(expected), None),
                _ => {
                    let name = cursor.name()?;
                    (self.by_name.get(name.bytes(cursor.input)).copied(), Some(name))
                }
            };
            cursor.expect(b':')?;
            let value = cursor.value(fields)?;
            match index {
                Some(index) if self.seen[index] => {
                    let name = String::from_utf8_lossy(&self.names[index]).into_owned();
                    return damage("duplicate_field", format!("field {name} occurs twice"));
                }
                Some(index) => {
                    self.seen[index] = true;
                    self.record[index] = value;
                    expected = index + 1;
                }
                None if self.extra == ExtraFields::Ignore => {}
                None => {
                    let name = name.as_ref().map_or(&[][..], |name| name.bytes(cursor.input));
                    return damage("extra_field", format!("field {} is not declared", shown(name)));
                }
            }
            cursor.skip_space();
            match cursor.next() {
                Some(b',') => {}
                Some(b'}') => return cursor.end(),
                _ => return cursor.invalid("',' or '}' expected"),
            }
        }
    }
}

/// A field's name: where it is, or what its escapes say.
enum Name {
    At(Range<usize>),
    Escaped(String),
}

impl Name {
    fn bytes<'a>(&'a self, input: &'a [u8]) -> &'a [u8] {
        match self {
            Name::At(range) => &input[range.clone()],
            Name::Escaped(text) => text.as_bytes(),
        }
    }
}

/// A place in one message.
struct Cursor<'a> {
    /// The batch, cut at the message's end.
    input: &'a [u8],
    at: usize,
    start: usize,
}

impl Cursor<'_> {
    #[inline]
    fn peek(&self) -> Option<u8> {
        self.input.get(self.at).copied()
    }

    #[inline]
    fn next(&mut self) -> Option<u8> {
        let byte = self.peek();
        self.at += 1;
        byte
    }

    #[inline]
    fn skip_space(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.peek() {
            self.at += 1;
        }
    }

    #[inline]
    fn expect(&mut self, byte: u8) -> Result<(), Damage> {
        self.skip_space();
        if self.next() == Some(byte) { Ok(()) } else { self.invalid(&format!("'{}' expected", char::from(byte))) }
    }

    /// Only space may follow the object.
    fn end(&mut self) -> Result<(), Damage> {
        self.skip_space();
        if self.at == self.input.len() { Ok(()) } else { self.invalid("nothing may follow the object") }
    }

    #[cold]
    fn invalid<T>(&self, what: &str) -> Result<T, Damage> {
        let at = self.at.min(self.input.len()).saturating_sub(self.start);
        damage("invalid_json", format!("not JSON near byte {at}: {what}"))
    }

    #[cold]
    fn not_an_object(&self) -> Result<(), Damage> {
        match serde_json::from_slice::<IgnoredAny>(&self.input[self.start..]) {
            Ok(_) => damage("not_an_object", "a JSON value that is not an object"),
            Err(error) => damage("invalid_json", format!("not JSON: {error}")),
        }
    }

    /// Moves behind a field's name with its quotes if it is this one.
    #[inline]
    fn passes(&mut self, quoted: &[u8]) -> bool {
        self.skip_space();
        let found = self.input[self.at..].starts_with(quoted);
        self.at += if found { quoted.len() } else { 0 };
        found
    }

    fn name(&mut self) -> Result<Name, Damage> {
        self.skip_space();
        if self.peek() != Some(b'"') {
            return self.invalid("a field's name in quotes expected");
        }
        let (content, escapes) = self.string()?;
        if escapes { Ok(Name::Escaped(self.unescaped(content)?)) } else { Ok(Name::At(content)) }
    }

    fn value(&mut self, fields: &mut Fields) -> Result<Span, Damage> {
        self.skip_space();
        let start = self.at;
        match self.peek() {
            Some(b'"') => {
                let (content, escapes) = self.string()?;
                if !escapes {
                    return Ok(Span::new(content.start, content.len(), Kind::Text));
                }
                let text = self.unescaped(content)?;
                if text.contains('\0') {
                    return damage("nul_byte", "a text with a NUL character");
                }
                Ok(fields.intern(Kind::Text, |out| out.extend_from_slice(text.as_bytes())))
            }
            Some(b'-' | b'0'..=b'9') => {
                self.number()?;
                Ok(Span::new(start, self.at - start, Kind::Number))
            }
            Some(b't') => self.word("true", Kind::Literal),
            Some(b'f') => self.word("false", Kind::Literal),
            Some(b'n') => self.word("null", Kind::Null),
            Some(b'{' | b'[') => {
                self.nested()?;
                Ok(Span::new(start, self.at - start, Kind::Nested))
            }
            _ => self.invalid("a value expected"),
        }
    }

    fn word(&mut self, word: &str, kind: Kind) -> Result<Span, Damage> {
        let start = self.at;
        if !self.input[start..].starts_with(word.as_bytes()) {
            return self.invalid("a value expected");
        }
        self.at += word.len();
        Ok(Span::new(start, word.len(), kind))
    }

    /// Moves behind a string and gives the range between its quotes, and whether it has escapes.
    fn string(&mut self) -> Result<(Range<usize>, bool), Damage> {
        let start = self.at + 1;
        let mut at = start;
        let mut escapes = false;
        loop {
            let Some(found) = self.input.get(at..).and_then(|rest| memchr2(b'"', b'\\', rest)) else {
                return self.invalid("a string is not closed");
            };
            at += found;
            if self.input[at] == b'"' {
                break;
            }
            escapes = true;
            at += 2;
        }
        let content = start..at;
        // The smallest byte, without early exit, so that the compiler uses vector instructions.
        let smallest = self.input[content.clone()].iter().fold(u8::MAX, |smallest, byte| smallest.min(*byte));
        if smallest < b' ' {
            return self.invalid("a control character in a string");
        }
        self.at = at + 1;
        Ok((content, escapes))
    }

    fn unescaped(&self, content: Range<usize>) -> Result<String, Damage> {
        let quoted = &self.input[content.start - 1..content.end + 1];
        match serde_json::from_slice::<String>(quoted) {
            Ok(text) => Ok(text),
            Err(error) => self.invalid(&error.to_string()),
        }
    }

    fn number(&mut self) -> Result<(), Damage> {
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        let first = self.peek();
        let whole = self.digits();
        if whole == 0 || (whole > 1 && first == Some(b'0')) {
            return self.invalid("a number is malformed");
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            if self.digits() == 0 {
                return self.invalid("a number is malformed");
            }
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            if self.digits() == 0 {
                return self.invalid("a number is malformed");
            }
        }
        Ok(())
    }

    #[inline]
    fn digits(&mut self) -> usize {
        let start = self.at;
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
        self.at - start
    }

    /// Moves behind an object or array. Rare, so that serde_json validates it in a second look.
    #[cold]
    fn nested(&mut self) -> Result<(), Damage> {
        let start = self.at;
        let mut depth = 0usize;
        loop {
            match self.peek() {
                Some(b'"') => {
                    self.string()?;
                    continue;
                }
                Some(b'{' | b'[') => depth += 1,
                Some(b'}' | b']') => depth -= 1,
                Some(_) => {}
                None => return self.invalid("a nested value is not closed"),
            }
            self.at += 1;
            if depth == 0 {
                break;
            }
        }
        match serde_json::from_slice::<IgnoredAny>(&self.input[start..self.at]) {
            Ok(_) => Ok(()),
            Err(error) => self.invalid(&error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests;
