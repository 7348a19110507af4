//! Template patterns of PostgreSQL's `to_char` for dates and times: `FMDay`, `YYYY-MM-DD HH24:MI`.
//!
//! Follows <https://www.postgresql.org/docs/current/functions-formatting.html>. A pattern that is not known here
//! (`J`, `RM`, `CC`, eras, spelled numbers) is an error; text that is no pattern is copied.

use std::fmt::Write;

use chrono::{Datelike, NaiveDateTime, Timelike};

/// How a word is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Case {
    Upper,
    Title,
    Lower,
}

#[derive(Debug)]
enum Part {
    /// Text as it is.
    Text(String),
    /// A number of at least so many digits.
    Number(fn(&NaiveDateTime) -> i64, usize),
    /// The last digits of a number.
    Tail(fn(&NaiveDateTime) -> i64, usize),
    /// A name, and how many of its letters.
    Name(fn(&NaiveDateTime) -> &'static str, Option<usize>, Case),
    /// Before or after noon.
    Noon(Case, bool),
}

/// A pattern with its modifiers.
#[derive(Debug)]
struct Item {
    part: Part,
    /// `FM`: no zeros and no blanks to fill up.
    bare: bool,
    /// `TH` or `th` behind it.
    ordinal: Option<Case>,
}

/// A format, read once.
#[derive(Debug)]
pub(super) struct Pattern(Vec<Item>);

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const DAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/// Blanks fill a whole name up to the longest one.
const NAME_WIDTH: usize = 9;

fn month(at: &NaiveDateTime) -> &'static str {
    MONTHS.get(at.month0() as usize).copied().unwrap_or_default()
}

fn day(at: &NaiveDateTime) -> &'static str {
    DAYS.get(at.weekday().num_days_from_sunday() as usize).copied().unwrap_or_default()
}

fn micros(at: &NaiveDateTime) -> i64 {
    i64::from(at.nanosecond()) / 1_000
}

fn hour12(at: &NaiveDateTime) -> i64 {
    i64::from(at.hour12().1)
}

/// A name of a point in time: of its month or day.
type NameOf = fn(&NaiveDateTime) -> &'static str;

/// A number of a point in time.
type NumberOf = fn(&NaiveDateTime) -> i64;

/// Patterns by their name in upper case; a longer one comes before those it begins with.
const NUMBERS: &[(&str, NumberOf, usize)] = &[
    ("SSSSS", |at| i64::from(at.num_seconds_from_midnight()), 1),
    ("SSSS", |at| i64::from(at.num_seconds_from_midnight()), 1),
    ("HH24", |at| i64::from(at.hour()), 2),
    ("HH12", hour12, 2),
    ("YYYY", |at| i64::from(at.year()), 4),
    ("IYYY", |at| i64::from(at.iso_week().year()), 4),
    ("IDDD", |at| i64::from(at.iso_week().week0() * 7 + at.weekday().number_from_monday()), 3),
    ("DDD", |at| i64::from(at.ordinal()), 3),
    ("HH", hour12, 2),
    ("MI", |at| i64::from(at.minute()), 2),
    ("SS", |at| i64::from(at.second()), 2),
    ("MS", |at| micros(at) / 1_000, 3),
    ("US", micros, 6),
    ("FF1", |at| micros(at) / 100_000, 1),
    ("FF2", |at| micros(at) / 10_000, 2),
    ("FF3", |at| micros(at) / 1_000, 3),
    ("FF4", |at| micros(at) / 100, 4),
    ("FF5", |at| micros(at) / 10, 5),
    ("FF6", micros, 6),
    ("MM", |at| i64::from(at.month()), 2),
    ("DD", |at| i64::from(at.day()), 2),
    ("IW", |at| i64::from(at.iso_week().week()), 2),
    ("ID", |at| i64::from(at.weekday().number_from_monday()), 1),
    ("WW", |at| i64::from(at.ordinal0() / 7 + 1), 2),
    ("W", |at| i64::from(at.day0() / 7 + 1), 1),
    ("D", |at| i64::from(at.weekday().number_from_sunday()), 1),
    ("Q", |at| i64::from(at.month0() / 3 + 1), 1),
];

const TAILS: &[(&str, NumberOf, usize)] = &[
    ("IYY", |at| i64::from(at.iso_week().year()), 3),
    ("IY", |at| i64::from(at.iso_week().year()), 2),
    ("YYY", |at| i64::from(at.year()), 3),
    ("YY", |at| i64::from(at.year()), 2),
    ("I", |at| i64::from(at.iso_week().year()), 1),
    ("Y", |at| i64::from(at.year()), 1),
];

const REFUSED: &[&str] = &["Y,YYY", "A.D.", "B.C.", "TZH", "TZM", "AD", "BC", "CC", "RM", "TZ", "OF", "SP", "J"];

impl Pattern {
    /// Reads a format; the error is the pattern that is not known.
    pub(super) fn read(format: &str) -> Result<Self, String> {
        let mut items: Vec<Item> = Vec::new();
        let mut rest = format;
        let mut bare = false;
        while let Some(first) = rest.chars().next() {
            if let Some(after) = strip(rest, "FM").or_else(|| strip(rest, "TM")) {
                bare = true;
                rest = after;
                continue;
            }
            if let Some((part, after)) = known(rest)? {
                let mut item = Item { part, bare, ordinal: None };
                rest = after;
                if matches!(item.part, Part::Number(..) | Part::Tail(..))
                    && let Some(after) = strip(rest, "TH")
                {
                    item.ordinal = Some(if rest.starts_with('T') { Case::Upper } else { Case::Lower });
                    rest = after;
                }
                items.push(item);
                bare = false;
                continue;
            }
            let (text, after) = literal(first, rest);
            match items.last_mut() {
                Some(Item { part: Part::Text(before), .. }) => before.push_str(&text),
                _ => items.push(Item { part: Part::Text(text), bare: false, ordinal: None }),
            }
            rest = after;
        }
        Ok(Self(items))
    }

    /// Writes a date and time.
    pub(super) fn write(&self, at: &NaiveDateTime, to: &mut String) {
        for item in &self.0 {
            item.write(at, to);
        }
    }
}

impl Item {
    fn write(&self, at: &NaiveDateTime, to: &mut String) {
        let number = |value: i64, digits: usize, to: &mut String| {
            let digits = if self.bare { 1 } else { digits };
            let sign = if value < 0 { "-" } else { "" };
            // Writing to a string cannot fail.
            let _ = write!(to, "{sign}{:0digits$}", value.unsigned_abs());
            if let Some(case) = self.ordinal {
                to.push_str(&cased(ordinal(value), case));
            }
        };
        match &self.part {
            Part::Text(text) => to.push_str(text),
            Part::Number(of, digits) => number(of(at), *digits, to),
            Part::Tail(of, digits) => {
                let modulus = 10_i64.pow(u32::try_from(*digits).unwrap_or(0));
                number(of(at).rem_euclid(modulus), *digits, to);
            }
            Part::Name(of, letters, case) => {
                let name = of(at);
                let name = letters.map_or(name, |letters| name.get(..letters).unwrap_or(name));
                let name = cased(name, *case);
                if self.bare || letters.is_some() {
                    to.push_str(&name);
                } else {
                    let _ = write!(to, "{name:NAME_WIDTH$}");
                }
            }
            Part::Noon(case, dots) => {
                let text = match (at.hour() < 12, dots) {
                    (true, false) => "AM",
                    (false, false) => "PM",
                    (true, true) => "A.M.",
                    (false, true) => "P.M.",
                };
                to.push_str(&cased(text, *case));
            }
        }
    }
}

fn strip<'a>(text: &'a str, start: &str) -> Option<&'a str> {
    let head = text.get(..start.len())?;
    head.eq_ignore_ascii_case(start).then(|| &text[start.len()..])
}

/// The pattern at the start of a text, and what is behind it.
fn known(text: &str) -> Result<Option<(Part, &str)>, String> {
    for (word, dots) in [("A.M.", true), ("P.M.", true), ("AM", false), ("PM", false)] {
        if let Some(after) = strip(text, word) {
            let case =
                if text.starts_with(|first: char| first.is_ascii_uppercase()) { Case::Upper } else { Case::Lower };
            return Ok(Some((Part::Noon(case, dots), after)));
        }
    }
    let names: [(&str, NameOf, Option<usize>); 4] =
        [("MONTH", month, None), ("MON", month, Some(3)), ("DAY", day, None), ("DY", day, Some(3))];
    for (word, of, letters) in names {
        if let Some(after) = strip(text, word) {
            return Ok(Some((Part::Name(of, letters, case_of(text)), after)));
        }
    }
    // A year of the ISO calendar begins like its own shorter forms, hence by length over all lists.
    let all = NUMBERS.iter().map(|found| (found, false)).chain(TAILS.iter().map(|found| (found, true)));
    let refused = REFUSED.iter().filter(|word| strip(text, word).is_some()).max_by_key(|word| word.len());
    let found = all.filter(|((word, ..), _)| strip(text, word).is_some()).max_by_key(|((word, ..), _)| word.len());
    match (found, refused) {
        (found, Some(refused)) if found.is_none_or(|((word, ..), _)| word.len() <= refused.len()) => {
            Err((*refused).to_owned())
        }
        (Some(((word, of, digits), tail)), _) => {
            let part = if tail { Part::Tail(*of, *digits) } else { Part::Number(*of, *digits) };
            Ok(strip(text, word).map(|after| (part, after)))
        }
        (None, _) => Ok(None),
    }
}

/// Text that is no pattern: one character, what stands in double quotes, or what a backslash protects.
fn literal(first: char, text: &str) -> (String, &str) {
    let after = &text[first.len_utf8()..];
    match first {
        '"' => match after.split_once('"') {
            Some((quoted, after)) => (quoted.to_owned(), after),
            None => (after.to_owned(), ""),
        },
        '\\' if after.starts_with('"') => ("\"".to_owned(), &after[1..]),
        _ => (first.to_string(), after),
    }
}

/// `MONTH`, `Month` or `month`.
fn case_of(text: &str) -> Case {
    let mut letters = text.chars().map(|letter| letter.is_ascii_uppercase());
    match (letters.next(), letters.next()) {
        (Some(true), Some(true)) => Case::Upper,
        (Some(true), _) => Case::Title,
        _ => Case::Lower,
    }
}

fn cased(text: &str, case: Case) -> String {
    match case {
        Case::Upper => text.to_ascii_uppercase(),
        Case::Title => text.to_owned(),
        Case::Lower => text.to_ascii_lowercase(),
    }
}

fn ordinal(number: i64) -> &'static str {
    match (number % 100, number % 10) {
        (11..=13, _) => "th",
        (_, 1) => "st",
        (_, 2) => "nd",
        (_, 3) => "rd",
        _ => "th",
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use chrono::NaiveDate;

    use super::Pattern;

    fn written(format: &str) -> String {
        let at = NaiveDate::from_ymd_opt(2025, 6, 1).unwrap().and_hms_micro_opt(15, 4, 5, 678_901).unwrap();
        let mut text = String::new();
        Pattern::read(format).unwrap().write(&at, &mut text);
        text
    }

    #[test]
    fn names_are_filled_with_blanks_and_follow_the_case_of_the_pattern() {
        assert_eq!(written("Day|Month|DY|mon|Dy"), "Sunday   |June     |SUN|jun|Sun");
        assert_eq!(written("FMDay, FMMONTH fmday"), "Sunday, JUNE sunday");
    }

    #[test]
    fn numbers_are_filled_with_zeros() {
        assert_eq!(written("YYYY-MM-DD HH24:MI:SS.MS US"), "2025-06-01 15:04:05.678 678901");
        assert_eq!(written("FMMM/FMDD/YY HH12 HH"), "6/1/25 03 03");
        assert_eq!(written("DDD D ID IW IYYY IYY WW W Q SSSS"), "152 1 7 22 2025 025 22 1 2 54245");
        assert_eq!(written("DDth FMDDTH"), "01st 1ST");
    }

    #[test]
    fn other_text_is_copied() {
        assert_eq!(written("\"Year:\" YYYY\"MM\" PM a.m."), "Year: 2025MM PM p.m.");
        assert_eq!(written("é-YYYY"), "é-2025");
    }

    #[test]
    fn patterns_that_are_not_known_are_refused() {
        assert_eq!(Pattern::read("YYYY BC").unwrap_err(), "BC");
        assert_eq!(Pattern::read("J").unwrap_err(), "J");
        assert_eq!(Pattern::read("TZH").unwrap_err(), "TZH");
    }
}
