//! Dates and instants from ISO-8601 text.
//!
//! Accepted instants: `YYYY-MM-DD`, then `T`, `t` or a space, `HH:MM` or `HH:MM:SS` with up to nine decimals, then
//! nothing (UTC), `Z`, `+HH`, `+HHMM` or `+HH:MM` (and with `-`). Decimals beyond microseconds are cut, because the
//! column stores microseconds. A date without a time is not an instant; second 60 is not accepted.

/// Microseconds in a day.
pub(crate) const MICROS_PER_DAY: i64 = 86_400_000_000;

/// Reads a date as days since 1970-01-01.
#[inline]
pub(crate) fn date(text: &[u8]) -> Option<i32> {
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = text else { return None };
    let year = pair(*y1, *y2)? * 100 + pair(*y3, *y4)?;
    let (month, day) = (pair(*m1, *m2)?, pair(*d1, *d2)?);
    if !(1..=12).contains(&month) || day < 1 || day > days_in_month(year, month) {
        return None;
    }
    Some(days_from_civil(year, month, day))
}

/// Reads an instant as microseconds since 1970-01-01 00:00 UTC.
#[inline]
pub(crate) fn timestamp(text: &[u8]) -> Option<i64> {
    let days = i64::from(date(text.get(..10)?)?);
    let [b'T' | b't' | b' ', h1, h2, b':', m1, m2, rest @ ..] = text.get(10..)? else { return None };
    let (hour, minute) = (pair(*h1, *h2)?, pair(*m1, *m2)?);
    let (second, micros, rest) = match rest {
        [b':', s1, s2, rest @ ..] => {
            let (micros, rest) = fraction(rest)?;
            (pair(*s1, *s2)?, micros, rest)
        }
        _ => (0, 0, rest),
    };
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let seconds = i64::from(hour * 3600 + minute * 60 + second) - offset_seconds(rest)?;
    Some(days * MICROS_PER_DAY + seconds * 1_000_000 + micros)
}

/// The decimals of a second in microseconds, and what follows them.
#[inline]
fn fraction(text: &[u8]) -> Option<(i64, &[u8])> {
    let [b'.' | b',', rest @ ..] = text else { return Some((0, text)) };
    let count = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if count == 0 || count > 9 {
        return None;
    }
    let mut micros = 0i64;
    for digit in rest[..count].iter().chain(&[b'0'; 6]).take(6) {
        micros = micros * 10 + i64::from(digit - b'0');
    }
    Some((micros, &rest[count..]))
}

#[inline]
fn offset_seconds(text: &[u8]) -> Option<i64> {
    let (sign, hours, minutes) = match text {
        [] | [b'Z' | b'z'] => return Some(0),
        [sign, h1, h2] => (sign, pair(*h1, *h2)?, 0),
        [sign, h1, h2, b':', m1, m2] | [sign, h1, h2, m1, m2] => (sign, pair(*h1, *h2)?, pair(*m1, *m2)?),
        _ => return None,
    };
    // The widest offset ever in use is +14:00; ISO-8601 itself goes up to 23:59.
    if hours > 23 || minutes > 59 {
        return None;
    }
    let seconds = i64::from(hours * 3600 + minutes * 60);
    match sign {
        b'+' => Some(seconds),
        b'-' => Some(-seconds),
        _ => None,
    }
}

#[inline]
fn pair(tens: u8, ones: u8) -> Option<i32> {
    let (tens, ones) = (tens.wrapping_sub(b'0'), ones.wrapping_sub(b'0'));
    (tens <= 9 && ones <= 9).then_some(i32::from(tens) * 10 + i32::from(ones))
}

#[inline]
fn days_in_month(year: i32, month: i32) -> i32 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970-01-01 of a day in the proleptic Gregorian calendar. Years are counted from March, so that the
/// leap day is the last of its year and the months before it have a regular pattern of 153 days in five.
#[inline]
fn days_from_civil(year: i32, month: i32, day: i32) -> i32 {
    let year = if month <= 2 { year - 1 } else { year };
    let month_from_march = (month + 9) % 12;
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    // 719,468 days lie between 0000-03-01 and 1970-01-01.
    year * 365 + leap_days + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{DateTime, Datelike, NaiveDate};

    #[test]
    fn every_day_of_the_calendar_agrees_with_chrono() {
        let mut day = NaiveDate::default().with_year(0).unwrap_or_default();
        let end = NaiveDate::from_ymd_opt(9999, 12, 31).unwrap_or_default();
        while day <= end {
            let text = format!("{:04}-{:02}-{:02}", day.year(), day.month(), day.day());
            let expected = (day - NaiveDate::default()).num_days();
            assert_eq!(date(text.as_bytes()).map(i64::from), Some(expected), "{text}");
            let Some(next) = day.succ_opt() else { break };
            day = next;
        }
    }

    #[test]
    fn instants_with_and_without_offset_are_utc_micros() {
        let micros = |text: &str| DateTime::parse_from_rfc3339(text).map(|at| at.timestamp_micros()).ok();
        for (text, same_as) in [
            ("2025-06-13T16:20:45", "2025-06-13T16:20:45Z"),
            ("2025-06-13 16:20", "2025-06-13T16:20:00Z"),
            ("2025-06-13T16:20:45.1Z", "2025-06-13T16:20:45.1Z"),
            ("2025-06-13T16:20:45.123456789+02:00", "2025-06-13T16:20:45.123456+02:00"),
            ("2025-06-13T16:20:45-0330", "2025-06-13T16:20:45-03:30"),
            ("1969-12-31T23:59:59.999999+00", "1969-12-31T23:59:59.999999Z"),
        ] {
            assert_eq!(timestamp(text.as_bytes()), micros(same_as), "{text}");
            assert!(micros(same_as).is_some());
        }
    }

    #[test]
    fn what_is_no_instant_is_refused() {
        for text in [
            "",
            "2025-06-13",
            "2025-06-13T",
            "2025-06-13T24:00:00",
            "2025-06-13T23:60",
            "2025-06-13T23:59:60",
            "2025-02-29T00:00:00",
            "2025-13-01T00:00:00",
            "2025-00-01T00:00:00",
            "2025-06-13T16:20:45.",
            "2025-06-13T16:20:45.1234567890",
            "2025-06-13T16:20:45+2",
            "2025-06-13T16:20:45 UTC",
            "2025/06/13T16:20:45",
            "13-06-2025T16:20:45",
            "+025-06-13T16:20:45",
            "2025-06-13T16:20:45*01:00",
        ] {
            assert_eq!(timestamp(text.as_bytes()), None, "{text}");
        }
        assert_eq!(date(b"2024-02-29"), Some(19_782));
        assert_eq!(date(b"1900-02-29"), None);
    }
}
