//! Regular expressions. Sources: Snowflake's pages "String functions (regular expressions)", "REGEXP_LIKE",
//! "REGEXP_SUBSTR", "REGEXP_REPLACE", "REGEXP_INSTR", "REGEXP_COUNT", "REGEXP_SUBSTR_ALL".
//!
//! REGEXP_LIKE and RLIKE match the whole text, the others a part. Parameters: `c`, `i`, `m`, `s`, `e`; the last of `c` and
//! `i` counts. Replacements refer to groups as `\1`. A pattern that the engine's regular expressions do not know (look
//! around, references back within the pattern) is an error.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use arrow::array::{ArrayRef, Int64Array};
use datafusion::error::Result;
use parking_lot::Mutex;
use regex::{Regex, RegexBuilder};

use super::super::json;
use super::super::scalar::{Call, Column, Function, Texts, boolean, function, int, text, variant};
use super::{length, offset};

pub(super) const FUNCTIONS: &[Function] = &[
    function(&["regexp_like", "rlike", "regexp"], 2, 3, boolean, like),
    function(&["regexp_substr"], 2, 6, text, substr),
    function(&["regexp_substr_all", "regexp_extract_all"], 2, 6, variant, substr_all),
    function(&["regexp_replace"], 2, 6, text, replace),
    function(&["regexp_instr"], 2, 7, int, instr),
    function(&["regexp_count"], 2, 4, int, count),
];

/// Compiled patterns that are kept between batches.
const CACHE_ENTRIES_MAX: usize = 512;

type Compiled = HashMap<(String, Flags), Arc<Regex>>;

static CACHE: LazyLock<Mutex<Compiled>> = LazyLock::new(Mutex::default);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
struct Flags {
    ignore_case: bool,
    lines: bool,
    dot_all: bool,
    extract: bool,
    whole: bool,
}

fn flags(call: &Call<'_>, text: &str) -> Result<Flags> {
    let mut flags = Flags::default();
    for char in text.chars() {
        match char {
            'c' => flags.ignore_case = false,
            'i' => flags.ignore_case = true,
            'm' => flags.lines = true,
            's' => flags.dot_all = true,
            'e' => flags.extract = true,
            _ => return Err(call.error(format!("there is no parameter '{char}'; there are c, i, m, s and e"))),
        }
    }
    Ok(flags)
}

fn compile(call: &Call<'_>, pattern: &str, flags: Flags) -> Result<Arc<Regex>> {
    let key = (pattern.to_owned(), Flags { extract: false, ..flags });
    if let Some(found) = CACHE.lock().get(&key) {
        return Ok(found.clone());
    }
    let text = if flags.whole { format!(r"\A(?:{pattern})\z") } else { pattern.to_owned() };
    let regex = RegexBuilder::new(&text)
        .case_insensitive(flags.ignore_case)
        .multi_line(flags.lines)
        .dot_matches_new_line(flags.dot_all)
        .build()
        .map_err(|error| call.error(format!("the pattern '{pattern}' cannot be used: {error}")))?;
    let regex = Arc::new(regex);
    let mut cache = CACHE.lock();
    if cache.len() >= CACHE_ENTRIES_MAX {
        cache.clear();
    }
    cache.insert(key, regex.clone());
    Ok(regex)
}

/// The pattern argument: compiled once where it is constant, else again when it changes.
struct Pattern<'a> {
    call: &'a Call<'a>,
    patterns: Column<Texts>,
    flags: Flags,
    last: Option<(String, Arc<Regex>)>,
}

impl<'a> Pattern<'a> {
    /// The second argument, with parameters at an index; nothing when the parameters are null.
    fn of(call: &'a Call<'a>, parameters: usize, whole: bool) -> Result<Option<Self>> {
        let text = match call.constant_text(parameters, "list of parameters")? {
            Some(text) => text,
            None if parameters < call.len() => return Ok(None),
            None => String::new(),
        };
        let flags = Flags { whole, ..flags(call, &text)? };
        Ok(Some(Self { call, patterns: call.text(1)?, flags, last: None }))
    }

    fn get(&mut self, row: usize) -> Result<Option<Arc<Regex>>> {
        let Some(pattern) = self.patterns.get(row) else { return Ok(None) };
        if let Some((last, regex)) = &self.last
            && last == pattern
        {
            return Ok(Some(regex.clone()));
        }
        let regex = compile(self.call, pattern, self.flags)?;
        self.last = Some((pattern.to_owned(), regex.clone()));
        Ok(Some(regex))
    }
}

/// The rest of a text from a character on, and where it begins; nothing when it is shorter.
fn from<'t>(call: &Call<'_>, text: &'t str, position: i64) -> Result<Option<(&'t str, usize)>> {
    if position < 1 {
        return Err(call.error("the position must be 1 or more"));
    }
    let skipped = usize::try_from(position - 1).unwrap_or(usize::MAX);
    if skipped > length(text) {
        return Ok(None);
    }
    let begin = offset(text, skipped);
    Ok(Some((&text[begin..], begin)))
}

fn like(call: &Call<'_>) -> Result<ArrayRef> {
    let Some(mut pattern) = Pattern::of(call, 2, true)? else { return call.bools(|_| Ok(None)) };
    let texts = call.text(0)?;
    call.bools(|row| {
        let (Some(text), Some(regex)) = (texts.get(row), pattern.get(row)?) else { return Ok(None) };
        Ok(Some(regex.is_match(text)))
    })
}

/// Which group is wanted: the whole match, unless `e` or a number asks for one.
fn group(regex: &Regex, extract: bool, number: Option<i64>) -> usize {
    match number {
        Some(number) => usize::try_from(number).unwrap_or(usize::MAX),
        None if extract && regex.captures_len() > 1 => 1,
        None => 0,
    }
}

/// The argument that tells a group's number.
struct GroupNumber(Option<Column<Int64Array>>);

impl GroupNumber {
    fn of(call: &Call<'_>, index: usize) -> Result<Self> {
        Ok(Self(if index < call.len() { Some(call.int(index)?) } else { None }))
    }

    /// The number, when one is given; the outer nothing is a null.
    fn get(&self, call: &Call<'_>, row: usize) -> Result<Option<Option<i64>>> {
        match self.0.as_ref().map(|numbers| numbers.get(row)) {
            None => Ok(Some(None)),
            Some(Some(number)) if number < 0 => Err(call.error("a group's number must not be negative")),
            Some(number) => Ok(number.map(Some)),
        }
    }
}

fn substr(call: &Call<'_>) -> Result<ArrayRef> {
    let Some(mut pattern) = Pattern::of(call, 4, false)? else { return call.texts(|_, _| Ok(false)) };
    let (texts, positions, occurrences) = (call.text(0)?, call.int_or(2, 1)?, call.int_or(3, 1)?);
    let numbers = GroupNumber::of(call, 5)?;
    call.texts(|row, out| {
        let (Some(text), Some(regex)) = (texts.get(row), pattern.get(row)?) else { return Ok(false) };
        let (Some(position), Some(occurrence)) = (positions.get(row), occurrences.get(row)) else { return Ok(false) };
        let Some(number) = numbers.get(call, row)? else { return Ok(false) };
        if occurrence < 1 {
            return Err(call.error("occurrences are counted from 1"));
        }
        let Some((rest, _)) = from(call, text, position)? else { return Ok(false) };
        let wanted = group(&regex, pattern.flags.extract, number);
        let nth = (occurrence - 1) as usize;
        let found = if wanted == 0 {
            regex.find_iter(rest).nth(nth).map(|found| found.as_str())
        } else {
            regex.captures_iter(rest).nth(nth).and_then(|found| found.get(wanted)).map(|found| found.as_str())
        };
        out.push_str(found.unwrap_or_default());
        Ok(found.is_some())
    })
}

fn substr_all(call: &Call<'_>) -> Result<ArrayRef> {
    let Some(mut pattern) = Pattern::of(call, 4, false)? else { return call.variants(|_, _| Ok(false)) };
    let (texts, positions, occurrences) = (call.text(0)?, call.int_or(2, 1)?, call.int_or(3, 1)?);
    let numbers = GroupNumber::of(call, 5)?;
    call.variants(|row, out| {
        let (Some(text), Some(regex)) = (texts.get(row), pattern.get(row)?) else { return Ok(false) };
        let (Some(position), Some(occurrence)) = (positions.get(row), occurrences.get(row)) else { return Ok(false) };
        let Some(number) = numbers.get(call, row)? else { return Ok(false) };
        let Some((rest, _)) = from(call, text, position)? else {
            out.push_str("[]");
            return Ok(true);
        };
        let wanted = group(&regex, pattern.flags.extract, number);
        out.push('[');
        let mut first = true;
        for found in regex.captures_iter(rest).skip((occurrence.max(1) - 1) as usize) {
            if !first {
                out.push(',');
            }
            first = false;
            match found.get(wanted) {
                Some(found) => json::string(found.as_str(), out),
                None => out.push_str("undefined"),
            }
        }
        out.push(']');
        Ok(true)
    })
}

/// A piece of a replacement.
enum Piece {
    Text(String),
    Group(usize),
}

/// `\1` to `\9` are groups; `\\` is a backslash.
fn pieces(replacement: &str) -> Vec<Piece> {
    let mut all = Vec::new();
    let mut plain = String::new();
    let mut chars = replacement.chars();
    while let Some(char) = chars.next() {
        if char != '\\' {
            plain.push(char);
            continue;
        }
        match chars.next() {
            Some(digit) if digit.is_ascii_digit() => {
                all.push(Piece::Text(std::mem::take(&mut plain)));
                all.push(Piece::Group(digit.to_digit(10).unwrap_or(0) as usize));
            }
            Some('\\') => plain.push('\\'),
            Some(other) => plain.push(other),
            None => plain.push('\\'),
        }
    }
    all.push(Piece::Text(plain));
    all
}

fn replace(call: &Call<'_>) -> Result<ArrayRef> {
    let Some(mut pattern) = Pattern::of(call, 5, false)? else { return call.texts(|_, _| Ok(false)) };
    let (texts, replacements) = (call.text(0)?, call.text_or(2, "")?);
    let (positions, occurrences) = (call.int_or(3, 1)?, call.int_or(4, 0)?);
    let mut last: Option<(String, Vec<Piece>)> = None;
    call.texts(|row, out| {
        let (Some(text), Some(regex)) = (texts.get(row), pattern.get(row)?) else { return Ok(false) };
        let (Some(replacement), Some(position), Some(occurrence)) =
            (replacements.get(row), positions.get(row), occurrences.get(row))
        else {
            return Ok(false);
        };
        let Some((rest, begin)) = from(call, text, position)? else {
            out.push_str(text);
            return Ok(true);
        };
        if last.as_ref().is_none_or(|(known, _)| known != replacement) {
            last = Some((replacement.to_owned(), pieces(replacement)));
        }
        let Some((_, pieces)) = &last else { return Ok(false) };
        out.push_str(&text[..begin]);
        let mut at = 0;
        for (number, found) in (1..).zip(regex.captures_iter(rest)) {
            let Some(whole) = found.get(0) else { continue };
            if occurrence > 0 && number != occurrence {
                continue;
            }
            out.push_str(&rest[at..whole.start()]);
            for piece in pieces {
                match piece {
                    Piece::Text(text) => out.push_str(text),
                    Piece::Group(group) => out.push_str(found.get(*group).map_or("", |found| found.as_str())),
                }
            }
            at = whole.end();
        }
        out.push_str(&rest[at..]);
        Ok(true)
    })
}

fn instr(call: &Call<'_>) -> Result<ArrayRef> {
    let Some(mut pattern) = Pattern::of(call, 5, false)? else { return call.ints(|_| Ok(None)) };
    let texts = call.text(0)?;
    let (positions, occurrences, options) = (call.int_or(2, 1)?, call.int_or(3, 1)?, call.int_or(4, 0)?);
    let numbers = GroupNumber::of(call, 6)?;
    call.ints(|row| {
        let (Some(text), Some(regex)) = (texts.get(row), pattern.get(row)?) else { return Ok(None) };
        let (Some(position), Some(occurrence), Some(option)) =
            (positions.get(row), occurrences.get(row), options.get(row))
        else {
            return Ok(None);
        };
        let Some(number) = numbers.get(call, row)? else { return Ok(None) };
        if occurrence < 1 || !(0..=1).contains(&option) {
            return Err(call.error("occurrences are counted from 1, and the option is 0 or 1"));
        }
        let Some((rest, begin)) = from(call, text, position)? else { return Ok(Some(0)) };
        let wanted = group(&regex, pattern.flags.extract, number);
        let found = regex.captures_iter(rest).nth((occurrence - 1) as usize).and_then(|found| found.get(wanted));
        Ok(Some(found.map_or(0, |found| {
            let at = if option == 0 { found.start() } else { found.end() };
            length(&text[..begin + at]) as i64 + 1
        })))
    })
}

fn count(call: &Call<'_>) -> Result<ArrayRef> {
    let Some(mut pattern) = Pattern::of(call, 3, false)? else { return call.ints(|_| Ok(None)) };
    let (texts, positions) = (call.text(0)?, call.int_or(2, 1)?);
    call.ints(|row| {
        let (Some(text), Some(regex), Some(position)) = (texts.get(row), pattern.get(row)?, positions.get(row)) else {
            return Ok(None);
        };
        let Some((rest, _)) = from(call, text, position)? else { return Ok(Some(0)) };
        Ok(Some(if regex.as_str().is_empty() { 0 } else { regex.find_iter(rest).count() as i64 }))
    })
}
