//! Formats of dates and times: `YYYY-MM-DD HH24:MI:SS.FF3`.
//! Source: Snowflake's page "Date and time input and output formats", table of elements. The case of letters does not
//! matter; what is in double quotes, and every other character, stands for itself.

use std::fmt::Write;

use super::auto::{Reading, fraction, offset};
use super::civil::{Civil, days_of, micros_of_day, weekday_iso, write_fraction};
use super::{DAYS, MONTHS};

#[derive(Debug, Clone, PartialEq, Eq)]
enum Element {
    Year4,
    Year2,
    Month,
    MonthShort,
    MonthFull,
    Day,
    DayName,
    Hour24,
    Hour12,
    AmPm,
    Minute,
    Second,
    Fraction(usize),
    OffsetColon,
    Offset,
    OffsetHour,
    OffsetMinute,
    Literal(String),
}

/// A format that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::snowflake) struct Format {
    elements: Vec<Element>,
}

/// Elements by name; a name that begins with another comes before it.
const NAMES: &[(&str, Element)] = &[
    ("YYYY", Element::Year4),
    ("YY", Element::Year2),
    ("UUUU", Element::Year4),
    ("MMMM", Element::MonthFull),
    ("MON", Element::MonthShort),
    ("MM", Element::Month),
    ("MI", Element::Minute),
    ("DD", Element::Day),
    ("DY", Element::DayName),
    ("HH24", Element::Hour24),
    ("HH12", Element::Hour12),
    ("AM", Element::AmPm),
    ("PM", Element::AmPm),
    ("SS", Element::Second),
    ("TZH:TZM", Element::OffsetColon),
    ("TZHTZM", Element::Offset),
    ("TZISO", Element::OffsetColon),
    ("TZH", Element::OffsetHour),
    ("TZM", Element::OffsetMinute),
];

impl Format {
    /// Reads a format.
    pub(in crate::snowflake) fn parse(text: &str) -> Self {
        let mut elements = Vec::new();
        let mut rest = text;
        let literal = |text: &str, elements: &mut Vec<Element>| match elements.last_mut() {
            Some(Element::Literal(before)) => before.push_str(text),
            _ => elements.push(Element::Literal(text.to_owned())),
        };
        'next: while let Some(char) = rest.chars().next() {
            if char == '"'
                && let Some((inside, after)) = rest[1..].split_once('"')
            {
                literal(inside, &mut elements);
                rest = after;
                continue;
            }
            for (name, element) in NAMES {
                if rest.get(..name.len()).is_some_and(|head| head.eq_ignore_ascii_case(name)) {
                    elements.push(element.clone());
                    rest = &rest[name.len()..];
                    continue 'next;
                }
            }
            if rest.get(..2).is_some_and(|head| head.eq_ignore_ascii_case("FF")) {
                let digit = rest[2..].chars().next().and_then(|char| char.to_digit(10));
                elements.push(Element::Fraction(digit.unwrap_or(9) as usize));
                rest = &rest[2 + usize::from(digit.is_some())..];
                continue;
            }
            let end = char.len_utf8();
            literal(&rest[..end], &mut elements);
            rest = &rest[end..];
        }
        Self { elements }
    }

    /// Whether it tells hours, so that HH12 without AM or PM and the like can be refused by callers.
    pub(in crate::snowflake) fn has_elements(&self) -> bool {
        self.elements.iter().any(|element| !matches!(element, Element::Literal(_)))
    }

    /// Appends the text of a wall clock. Offsets are those of UTC, `Z` for a timestamp without zone.
    pub(in crate::snowflake) fn write(&self, micros: i64, zoned: bool, out: &mut String) {
        let (days, time) = (days_of(micros), micros_of_day(micros));
        let civil = Civil::of_days(days);
        let (hour, minute, second) = (time / 3_600_000_000, time / 60_000_000 % 60, time / 1_000_000 % 60);
        for element in &self.elements {
            let _ = match element {
                Element::Year4 => write!(out, "{:04}", civil.year),
                Element::Year2 => write!(out, "{:02}", civil.year.rem_euclid(100)),
                Element::Month => write!(out, "{:02}", civil.month),
                Element::MonthShort => write!(out, "{}", &MONTHS[civil.month as usize - 1][..3]),
                Element::MonthFull => write!(out, "{}", MONTHS[civil.month as usize - 1]),
                Element::Day => write!(out, "{:02}", civil.day),
                Element::DayName => write!(out, "{}", &DAYS[weekday_iso(days) as usize - 1][..3]),
                Element::Hour24 => write!(out, "{hour:02}"),
                Element::Hour12 => write!(out, "{:02}", if hour % 12 == 0 { 12 } else { hour % 12 }),
                Element::AmPm => write!(out, "{}", if hour < 12 { "AM" } else { "PM" }),
                Element::Minute => write!(out, "{minute:02}"),
                Element::Second => write!(out, "{second:02}"),
                Element::Fraction(digits) => {
                    write_fraction(time, *digits, out);
                    Ok(())
                }
                Element::OffsetColon => write!(out, "{}", if zoned { "+00:00" } else { "Z" }),
                Element::Offset => write!(out, "{}", if zoned { "+0000" } else { "Z" }),
                Element::OffsetHour => write!(out, "{}", if zoned { "+00" } else { "Z" }),
                Element::OffsetMinute => write!(out, "00"),
                Element::Literal(text) => write!(out, "{text}"),
            };
        }
    }

    /// Reads a text of this format; the whole text must fit.
    pub(in crate::snowflake) fn read(&self, text: &str) -> Option<Reading> {
        let mut rest = text.trim();
        let (mut year, mut month, mut day) = (1970, 1, 1);
        let (mut hour, mut minute, mut second, mut micros) = (0, 0, 0, 0);
        let (mut twelve, mut afternoon, mut offset_minutes) = (false, None, None);
        for element in &self.elements {
            match element {
                Element::Year4 => year = digits(&mut rest, 4, 4)?,
                Element::Year2 => {
                    let short = digits(&mut rest, 2, 2)?;
                    year = if short >= 70 { 1900 + short } else { 2000 + short };
                }
                Element::Month => month = digits(&mut rest, 1, 2)?,
                Element::MonthShort | Element::MonthFull => {
                    month = month_name(&mut rest, *element == Element::MonthFull)?
                }
                Element::Day => day = digits(&mut rest, 1, 2)?,
                Element::DayName => {
                    DAYS.iter().find(|name| rest.get(..3).is_some_and(|head| head.eq_ignore_ascii_case(&name[..3])))?;
                    rest = &rest[3..];
                }
                Element::Hour24 => hour = digits(&mut rest, 1, 2).filter(|hour| *hour < 24)?,
                Element::Hour12 => {
                    hour = digits(&mut rest, 1, 2).filter(|hour| (1..=12).contains(hour))?;
                    twelve = true;
                }
                Element::AmPm => {
                    afternoon = Some(match rest.get(..2)?.to_ascii_uppercase().as_str() {
                        "AM" => false,
                        "PM" => true,
                        _ => return None,
                    });
                    rest = &rest[2..];
                }
                Element::Minute => minute = digits(&mut rest, 1, 2).filter(|minute| *minute < 60)?,
                Element::Second => second = digits(&mut rest, 1, 2).filter(|second| *second < 60)?,
                Element::Fraction(most) => (micros, rest) = fraction(rest, *most),
                Element::OffsetColon | Element::Offset | Element::OffsetHour => {
                    if let Some(after) = rest.strip_prefix(['Z', 'z']) {
                        (offset_minutes, rest) = (Some(0), after);
                    } else {
                        let (minutes, after) = offset(rest)?;
                        (offset_minutes, rest) = (Some(minutes), after);
                    }
                }
                Element::OffsetMinute => {
                    let minutes = digits(&mut rest, 2, 2)? as i32;
                    offset_minutes =
                        offset_minutes.map(|hours: i32| hours + if hours < 0 { -minutes } else { minutes });
                }
                Element::Literal(literal) => {
                    let head = rest.get(..literal.len())?;
                    if !head.eq_ignore_ascii_case(literal) {
                        return None;
                    }
                    rest = &rest[literal.len()..];
                }
            }
        }
        if !rest.is_empty() {
            return None;
        }
        if twelve {
            hour = hour % 12 + if afternoon == Some(true) { 12 } else { 0 };
        }
        let days = Civil::checked(year, month, day)?.days();
        Some(Reading { days, micros: ((hour * 60 + minute) * 60 + second) * 1_000_000 + micros, offset_minutes })
    }
}

fn digits(rest: &mut &str, least: usize, most: usize) -> Option<i64> {
    let count = rest.bytes().take(most).take_while(u8::is_ascii_digit).count();
    if count < least {
        return None;
    }
    let value = rest[..count].parse().ok()?;
    *rest = &rest[count..];
    Some(value)
}

fn month_name(rest: &mut &str, full: bool) -> Option<i64> {
    let (index, length) = MONTHS.iter().enumerate().find_map(|(index, name)| {
        let length = if full { name.len() } else { 3 };
        rest.get(..length).is_some_and(|head| head.eq_ignore_ascii_case(&name[..length])).then_some((index, length))
    })?;
    *rest = &rest[length..];
    Some(index as i64 + 1)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn written(format: &str, text: &str) -> String {
        let micros = super::super::parse(text).unwrap().wall().unwrap();
        let mut out = String::new();
        Format::parse(format).write(micros, false, &mut out);
        out
    }

    #[test]
    fn elements_are_written() {
        let at = "2024-03-09 15:04:05.678901";
        for (format, wanted) in [
            ("YYYY-MM-DD HH24:MI:SS.FF3", "2024-03-09 15:04:05.678"),
            ("yyyymmdd", "20240309"),
            ("DD-MON-YY", "09-Mar-24"),
            ("MMMM DD, YYYY", "March 09, 2024"),
            ("DY HH12:MI AM", "Sat 03:04 PM"),
            ("YYYY-MM-DD\"T\"HH24:MI:SS.FF TZH:TZM", "2024-03-09T15:04:05.678901000 Z"),
            ("FF6", "678901"),
        ] {
            assert_eq!(written(format, at), wanted, "{format}");
        }
    }

    #[test]
    fn texts_are_read_whole_or_not() {
        let read = |format: &str, text: &str| {
            let reading = Format::parse(format).read(text)?;
            let mut out = String::new();
            super::super::write_timestamp(reading.instant()?, 3, &mut out);
            Some(out)
        };
        for (format, text, wanted) in [
            ("DD/MM/YYYY", "09/03/2024", Some("2024-03-09 00:00:00.000")),
            ("DD/MM/YYYY", "9/3/2024", Some("2024-03-09 00:00:00.000")),
            ("YYYYMMDD", "20240309", Some("2024-03-09 00:00:00.000")),
            ("MON-YYYY", "mar-2024", Some("2024-03-01 00:00:00.000")),
            ("MMMM DD, YYYY", "March 9, 2024", Some("2024-03-09 00:00:00.000")),
            ("YY-MM-DD", "70-01-02", Some("1970-01-02 00:00:00.000")),
            ("YY-MM-DD", "69-01-02", Some("2069-01-02 00:00:00.000")),
            ("HH12:MI PM", "12:30 am", Some("1970-01-01 00:30:00.000")),
            ("YYYY-MM-DD HH24:MI:SS TZHTZM", "2024-03-09 10:00:00 -0530", Some("2024-03-09 15:30:00.000")),
            ("YYYY-MM-DD", "2024-03-09 10:00", None),
            ("YYYY-MM-DD", "2024-02-30", None),
            ("YYYY-MM-DD", "24-02-03", None),
        ] {
            assert_eq!(read(format, text).as_deref(), wanted, "{format} {text}");
        }
    }
}
