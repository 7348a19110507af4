//! CSV records after RFC 4180, read strictly, with a defined way on after each kind of damage.
//!
//! What is a record:
//! - Lines end with LF or CRLF; the last needs no end. A CR elsewhere is part of its value.
//! - A line without any character is not a record: it is skipped and not counted.
//! - A field that starts with a quote ends at the next single quote and may hold delimiters, line ends and doubled
//!   quotes. An empty field without quotes is null, `""` is an empty text.
//!
//! What is damage, by the name of the rule it breaks:
//! - `stray_quote`: a quote inside a field without quotes (RFC 4180, section 2, rule 5).
//! - `text_after_quote`: something other than a delimiter or line end after a closing quote.
//! - `ragged`: too few or too many fields.
//! - `unclosed_quote`: a quoted field that runs over a line end, and whose record then is damaged in one of the ways
//!   above, or does not end before the end of the input or within `RECORD_BYTES_MAX`.
//! - `record_too_long`: a line of more than `RECORD_BYTES_MAX`.
//! - `encoding`, `nul_byte`: bytes that are not UTF-8, or that no text column of a database can hold.
//!
//! After damage, reading goes on at the next line: a record that is damaged is exactly the line on which it starts,
//! so that one bad quote cannot swallow what follows it.

use std::ops::Range;

use memchr::{memchr, memchr3};
use millstream_core::limits::RECORD_BYTES_MAX;

use super::fields::{Fields, Kind, Span};

/// How a file's records are laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Layout {
    /// The byte between fields.
    pub(crate) delimiter: u8,
    /// Fields in each record; `None` while the header is read.
    pub(crate) width: Option<usize>,
}

/// What is wrong with a record as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Damage {
    StrayQuote,
    TextAfterQuote,
    UnclosedQuote,
    Ragged { found: usize },
    TooLong,
    Encoding,
    NulByte,
}

/// A record that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Record {
    /// Its bytes, without the line end.
    pub(crate) bytes: Range<usize>,
    /// Where the next record starts.
    pub(crate) next: usize,
    /// Line ends in it, its own included.
    pub(crate) lines: u64,
    /// What it is.
    pub(crate) found: Found,
}

/// What a record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    /// A record; its values were added.
    Values,
    /// A line without any character.
    Blank,
    /// A damaged record; nothing was added.
    Damaged(Damage),
}

/// How the reading of a record's fields ended.
enum End {
    /// The record ends at `bytes_end`, the next starts at `next`.
    At {
        bytes_end: usize,
        next: usize,
        multi_line: bool,
    },
    Damaged(Damage),
    /// More bytes are needed to tell.
    NeedsMore,
}

/// Finds the record at `start` and adds its values to `fields`. `None` when `input` ends before the record does and
/// is not `whole` (does not end with the file); then nothing was added.
pub(crate) fn next_record(
    layout: Layout,
    input: &[u8],
    start: usize,
    whole: bool,
    fields: &mut Fields,
) -> Option<Record> {
    if let Some(blank) = blank_line(input, start, whole) {
        return Some(blank);
    }
    let mark = fields.mark();
    let damage = match read_fields(layout.delimiter, input, start, whole, fields) {
        End::NeedsMore => {
            fields.truncate(mark);
            return None;
        }
        End::Damaged(damage) => damage,
        End::At { bytes_end, next, multi_line } => {
            let found = fields.mark() - mark;
            let too_long = bytes_end - start > RECORD_BYTES_MAX;
            if !too_long && layout.width.is_none_or(|width| width == found) {
                let lines = if multi_line { newlines(&input[start..next]).max(1) } else { 1 };
                return Some(Record { bytes: start..bytes_end, next, lines, found: Found::Values });
            }
            match (multi_line, too_long) {
                (true, _) => Damage::UnclosedQuote,
                (false, true) => Damage::TooLong,
                (false, false) => Damage::Ragged { found },
            }
        }
    };
    fields.truncate(mark);
    damaged_line(input, start, whole, damage)
}

/// The line that starts at `start`, as a damaged record.
fn damaged_line(input: &[u8], start: usize, whole: bool, damage: Damage) -> Option<Record> {
    let (line_end, next) = match memchr(b'\n', &input[start..]) {
        Some(at) => (start + at, start + at + 1),
        None if whole => (input.len(), input.len()),
        None => return None,
    };
    let bytes_end = if line_end > start && input[line_end - 1] == b'\r' { line_end - 1 } else { line_end };
    let damage = if bytes_end - start > RECORD_BYTES_MAX { Damage::TooLong } else { damage };
    Some(Record { bytes: start..bytes_end, next, lines: 1, found: Found::Damaged(damage) })
}

fn blank_line(input: &[u8], start: usize, whole: bool) -> Option<Record> {
    let next = match &input[start..] {
        [b'\n', ..] => start + 1,
        [b'\r', b'\n', ..] => start + 2,
        [b'\r'] if whole => start + 1,
        _ => return None,
    };
    Some(Record { bytes: start..start, next, lines: 1, found: Found::Blank })
}

fn read_fields(delimiter: u8, input: &[u8], start: usize, whole: bool, fields: &mut Fields) -> End {
    let mut at = start;
    let mut multi_line = false;
    loop {
        if input.get(at) == Some(&b'"') {
            let after = match quoted(input, start, at + 1, whole, fields, &mut multi_line) {
                Ok(after) => after,
                Err(end) => return end,
            };
            at = match &input[after..] {
                [byte, ..] if *byte == delimiter => after + 1,
                [b'\n', ..] => return End::At { bytes_end: after, next: after + 1, multi_line },
                [b'\r', b'\n', ..] => return End::At { bytes_end: after, next: after + 2, multi_line },
                [] | [b'\r'] if whole => return End::At { bytes_end: after, next: input.len(), multi_line },
                [] | [b'\r'] => return End::NeedsMore,
                _ if multi_line => return End::Damaged(Damage::UnclosedQuote),
                _ => return End::Damaged(Damage::TextAfterQuote),
            };
            continue;
        }
        let Some(found) = memchr3(delimiter, b'\n', b'"', &input[at..]) else {
            if !whole {
                return End::NeedsMore;
            }
            let bytes_end = if input.ends_with(b"\r") && input.len() > at { input.len() - 1 } else { input.len() };
            push_plain(fields, at, bytes_end);
            return End::At { bytes_end, next: input.len(), multi_line };
        };
        let end = at + found;
        match input[end] {
            b'\n' => {
                let bytes_end = if found > 0 && input[end - 1] == b'\r' { end - 1 } else { end };
                push_plain(fields, at, bytes_end);
                return End::At { bytes_end, next: end + 1, multi_line };
            }
            b'"' if multi_line => return End::Damaged(Damage::UnclosedQuote),
            b'"' => return End::Damaged(Damage::StrayQuote),
            _ => {
                push_plain(fields, at, end);
                at = end + 1;
            }
        }
    }
}

#[inline]
fn push_plain(fields: &mut Fields, start: usize, end: usize) {
    fields.push(if end == start { Span::NULL } else { Span::new(start, end - start, Kind::Text) });
}

/// Reads a quoted field whose content starts at `start` and gives the position after its closing quote.
fn quoted(
    input: &[u8],
    record_start: usize,
    start: usize,
    whole: bool,
    fields: &mut Fields,
    multi_line: &mut bool,
) -> Result<usize, End> {
    let limit = input.len().min(record_start + RECORD_BYTES_MAX);
    let mut escapes = false;
    let mut at = start;
    let close = loop {
        let Some(found) = input.get(at..limit).and_then(|rest| memchr(b'"', rest)) else {
            let decided = whole || input.len() - record_start >= RECORD_BYTES_MAX;
            return Err(if decided { End::Damaged(Damage::UnclosedQuote) } else { End::NeedsMore });
        };
        let quote = at + found;
        match input.get(quote + 1) {
            Some(b'"') => {
                escapes = true;
                at = quote + 2;
            }
            // Whether this quote closes the field or is the first of two is for the next byte to tell.
            None if !whole => return Err(End::NeedsMore),
            _ => break quote,
        }
    };
    let content = &input[start..close];
    *multi_line |= memchr(b'\n', content).is_some();
    let span = match escapes {
        false => Span::new(start, content.len(), Kind::Text),
        true => fields.intern(Kind::Text, |out| unescape(content, out)),
    };
    fields.push(span);
    Ok(close + 1)
}

/// Resolves doubled quotes.
fn unescape(mut content: &[u8], out: &mut Vec<u8>) {
    while let Some(at) = memchr(b'"', content) {
        out.extend_from_slice(&content[..=at]);
        content = content.get(at + 2..).unwrap_or_default();
    }
    out.extend_from_slice(content);
}

/// Line ends in a text.
pub(crate) fn newlines(text: &[u8]) -> u64 {
    memchr::memchr_iter(b'\n', text).count() as u64
}

impl Damage {
    /// The rule's name.
    pub(crate) fn rule(self) -> &'static str {
        match self {
            Damage::StrayQuote => "stray_quote",
            Damage::TextAfterQuote => "text_after_quote",
            Damage::UnclosedQuote => "unclosed_quote",
            Damage::Ragged { .. } => "ragged",
            Damage::TooLong => "record_too_long",
            Damage::Encoding => "encoding",
            Damage::NulByte => "nul_byte",
        }
    }
    /// What to tell about it.
    pub(crate) fn message(self, width: usize) -> String {
        match self {
            Damage::StrayQuote => "a quote inside a field that is not quoted".to_owned(),
            Damage::TextAfterQuote => "text after a closing quote".to_owned(),
            Damage::UnclosedQuote => "a quote on this line is not closed where its field ends".to_owned(),
            Damage::Ragged { found } => format!("{found} fields, {width} expected"),
            Damage::TooLong => format!("longer than {RECORD_BYTES_MAX} bytes; quarantine has its first bytes"),
            Damage::Encoding => "not UTF-8".to_owned(),
            Damage::NulByte => "a NUL byte".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests;
