//! Reading dates and times whose format is not told.
//! Source: Snowflake's pages "Date and time input and output formats" (AUTO detection) and "TO_TIMESTAMP" (integers
//! inside of texts, and the unit that their size tells).
//!
//! Read are ISO dates and timestamps (`T` or a space between, hours alone, fractions, `Z` and offsets), `MM/DD/YYYY`
//! and `DD-MON-YYYY` with or without a time, and `Thu, 21 Dec 2000 16:01:07 +0200`.

use super::civil::{Civil, DAY_US};
use super::{DAYS, MONTHS};

/// What a text said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::snowflake) struct Reading {
    /// Days since 1970.
    pub days: i32,
    /// Time of day.
    pub micros: i64,
    /// Minutes east of UTC, when told.
    pub offset_minutes: Option<i32>,
}

impl Reading {
    /// The wall clock as microseconds.
    pub(in crate::snowflake) fn wall(&self) -> Option<i64> {
        i64::from(self.days).checked_mul(DAY_US)?.checked_add(self.micros)
    }

    /// The instant in UTC; a time without offset is one of UTC.
    pub(in crate::snowflake) fn instant(&self) -> Option<i64> {
        self.wall()?.checked_sub(i64::from(self.offset_minutes.unwrap_or(0)) * 60_000_000)
    }
}

/// Seconds, milliseconds, microseconds or nanoseconds since 1970 as microseconds: the size tells which.
pub(in crate::snowflake) fn epoch_text(value: i64) -> i64 {
    match value.unsigned_abs() {
        0..31_536_000_000 => value * 1_000_000,
        31_536_000_000..31_536_000_000_000 => value * 1_000,
        31_536_000_000_000..31_536_000_000_000_000 => value,
        _ => value.div_euclid(1_000),
    }
}

/// Reads a date, a timestamp, or (with the day 1970-01-01) a time of day.
pub(in crate::snowflake) fn parse(text: &str) -> Option<Reading> {
    let text = text.trim();
    if !text.is_empty()
        && text.len() <= 19
        && text.strip_prefix('-').unwrap_or(text).bytes().all(|b| b.is_ascii_digit())
    {
        let micros = epoch_text(text.parse().ok()?);
        return Some(Reading {
            days: super::days_of(micros),
            micros: super::micros_of_day(micros),
            offset_minutes: None,
        });
    }
    let mut cursor = Cursor { rest: text };
    cursor.weekday();
    let begin = cursor.rest;
    let date = cursor.date();
    let days = match date {
        Some(civil) => civil.days(),
        None if begin.len() == text.len() => {
            cursor.rest = begin;
            0
        }
        None => return None,
    };
    if cursor.rest.is_empty() {
        return date.map(|_| Reading { days, micros: 0, offset_minutes: None });
    }
    if date.is_some() {
        let after = cursor.rest.strip_prefix(['T', 't']).unwrap_or_else(|| cursor.rest.trim_start());
        if after.len() == cursor.rest.len() {
            return None;
        }
        cursor.rest = after;
    }
    let micros = cursor.time(date.is_some())?;
    let offset_minutes = cursor.offset()?;
    cursor.rest.trim().is_empty().then_some(Reading { days, micros, offset_minutes })
}

struct Cursor<'a> {
    rest: &'a str,
}

impl Cursor<'_> {
    /// Digits, as many as there are but not more than `most`, and not fewer than `least`.
    fn digits(&mut self, least: usize, most: usize) -> Option<i64> {
        let count = self.rest.bytes().take(most).take_while(u8::is_ascii_digit).count();
        if count < least {
            return None;
        }
        let value = self.rest[..count].parse().ok()?;
        self.rest = &self.rest[count..];
        Some(value)
    }

    fn literal(&mut self, char: char) -> Option<()> {
        self.rest = self.rest.strip_prefix(char)?;
        Some(())
    }

    fn month_name(&mut self) -> Option<i64> {
        let letters = self.rest.bytes().take_while(u8::is_ascii_alphabetic).count();
        let word = &self.rest[..letters];
        let index = MONTHS.iter().position(|name| {
            name.eq_ignore_ascii_case(word) || (letters == 3 && name[..3].eq_ignore_ascii_case(word))
        })?;
        self.rest = &self.rest[letters..];
        Some(index as i64 + 1)
    }

    fn weekday(&mut self) {
        let letters = self.rest.bytes().take_while(u8::is_ascii_alphabetic).count();
        if letters == 3 && DAYS.iter().any(|name| name[..3].eq_ignore_ascii_case(&self.rest[..3])) {
            let after = self.rest[3..].trim_start_matches(',').trim_start();
            self.rest = after;
        }
    }

    fn date(&mut self) -> Option<Civil> {
        let before = self.rest;
        let first = self.digits(1, 5)?;
        let digits = before.len() - self.rest.len();
        let found = match (self.rest.chars().next()?, digits) {
            ('-', 4 | 5) => {
                self.literal('-')?;
                let month = self.digits(1, 2)?;
                self.literal('-')?;
                Civil::checked(first, month, self.digits(1, 2)?)
            }
            ('/', 1 | 2) => {
                self.literal('/')?;
                let day = self.digits(1, 2)?;
                self.literal('/')?;
                let year = self.digits(4, 4)?;
                Civil::checked(year, first, day)
            }
            (separator @ ('-' | ' '), 1 | 2) => {
                self.literal(separator)?;
                let month = self.month_name()?;
                self.literal(separator)?;
                let year = self.digits(4, 4)?;
                Civil::checked(year, month, first)
            }
            _ => None,
        };
        found.filter(|_| !self.rest.starts_with(|char: char| char.is_ascii_digit()))
    }

    fn time(&mut self, hour_alone: bool) -> Option<i64> {
        let hour = self.digits(1, 2).filter(|hour| *hour < 24)?;
        let (mut minute, mut second, mut fraction) = (0, 0, 0);
        if self.rest.starts_with(':') {
            self.literal(':')?;
            minute = self.digits(1, 2).filter(|minute| *minute < 60)?;
            if self.rest.starts_with(':') {
                self.literal(':')?;
                second = self.digits(1, 2).filter(|second| *second < 60)?;
                if self.rest.starts_with('.') {
                    self.literal('.')?;
                    fraction = self.fraction();
                }
            }
        } else if !hour_alone {
            return None;
        }
        Some(((hour * 60 + minute) * 60 + second) * 1_000_000 + fraction)
    }

    fn fraction(&mut self) -> i64 {
        let (micros, rest) = fraction(self.rest, 9);
        self.rest = rest;
        micros
    }

    /// `Z`, `+02:00`, `+0200`, `+2`, or nothing; the outer `None` is a text that is none of them.
    fn offset(&mut self) -> Option<Option<i32>> {
        self.rest = self.rest.trim_start();
        if self.rest.is_empty() {
            return Some(None);
        }
        for word in ["UTC", "GMT", "Z", "z"] {
            if let Some(rest) = self.rest.strip_prefix(word) {
                self.rest = rest;
                return Some(Some(0));
            }
        }
        let (minutes, rest) = offset(self.rest)?;
        self.rest = rest;
        Some(Some(minutes))
    }
}

/// Digits of a second's fraction as microseconds, and what follows them. What is finer is cut off.
pub(super) fn fraction(text: &str, most: usize) -> (i64, &str) {
    let count = text.bytes().take(most).take_while(u8::is_ascii_digit).count();
    let digits: String = text[..count].chars().chain("000000".chars()).take(6).collect();
    (digits.parse().unwrap_or(0), &text[count..])
}

/// `+02:00`, `-0730`, `+2` as minutes, and what follows.
pub(super) fn offset(text: &str) -> Option<(i32, &str)> {
    let sign = match text.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let mut cursor = Cursor { rest: &text[1..] };
    let hours = cursor.digits(1, 2)?;
    let colon = cursor.literal(':').is_some();
    let minutes = match cursor.digits(2, 2) {
        Some(minutes) => minutes,
        None if colon => return None,
        None => 0,
    };
    (hours <= 23 && minutes < 60).then_some((sign * (hours * 60 + minutes) as i32, cursor.rest))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn shown(text: &str) -> Option<String> {
        let reading = parse(text)?;
        let mut out = String::new();
        super::super::write_timestamp(reading.wall()?, 6, &mut out);
        if let Some(offset) = reading.offset_minutes {
            out.push_str(&format!(" {offset:+}"));
        }
        Some(out)
    }

    #[test]
    fn usual_texts_are_read() {
        for (text, wanted) in [
            ("2024-02-29", "2024-02-29 00:00:00.000000"),
            ("2024-2-9", "2024-02-09 00:00:00.000000"),
            ("2024-02-29T13:05", "2024-02-29 13:05:00.000000"),
            ("2024-02-29 13:05:06.1234567", "2024-02-29 13:05:06.123456"),
            ("2024-02-29T13:05:06Z", "2024-02-29 13:05:06.000000 +0"),
            ("2024-02-29 13:05:06 +0230", "2024-02-29 13:05:06.000000 +150"),
            ("2024-02-29 13:05:06-08:00", "2024-02-29 13:05:06.000000 -480"),
            ("02/29/2024", "2024-02-29 00:00:00.000000"),
            ("29-Feb-2024", "2024-02-29 00:00:00.000000"),
            ("Thu, 21 Dec 2000 16:01:07 +0200", "2000-12-21 16:01:07.000000 +120"),
            ("1700000000", "2023-11-14 22:13:20.000000"),
            ("1700000000123", "2023-11-14 22:13:20.123000"),
            ("1700000000123456789", "2023-11-14 22:13:20.123456"),
            ("13:05:06", "1970-01-01 13:05:06.000000"),
        ] {
            assert_eq!(shown(text).as_deref(), Some(wanted), "{text}");
        }
    }

    #[test]
    fn other_texts_are_not() {
        for text in
            ["", "2023-02-29", "2024-13-01", "2024-02-29x", "2024-02-29 25:00", "29/02/2024", "hello", "13", "2024-02"]
        {
            let reading = parse(text);
            assert!(reading.is_none() || text == "13", "{text}: {reading:?}");
        }
    }
}
