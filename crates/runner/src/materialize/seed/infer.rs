//! The type of a seed's column, from its values, in dbt's order: whole number, number, date, timestamp, boolean, text.
//!
//! Two differences from dbt, so that nothing is lost: a number with decimals is an exact decimal (a float only when
//! written with an exponent), and numbers with leading zeros (`02134`) stay text. A column without values is a whole
//! number, as in dbt: that is the first type that fits.

use arrow::datatypes::{DataType, TimeUnit};
use chrono::{DateTime, NaiveDate, NaiveDateTime};

/// What one value could be, the narrowest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Digits.
    Integer(usize),
    /// Digits before and after the point.
    Decimal(usize, usize),
    Double,
    Date,
    Timestamp,
    Instant,
    Boolean,
    Text,
}

/// The Arrow type that holds every value; `None` is null.
pub(crate) fn infer(cells: &[Option<&str>]) -> DataType {
    let mut kinds = cells.iter().flatten().map(|cell| kind(cell.trim()));
    let Some(first) = kinds.next() else { return DataType::Int64 };
    match kinds.fold(first, widen) {
        Kind::Integer(_) => DataType::Int64,
        Kind::Decimal(whole, scale) => decimal(whole, scale),
        Kind::Double => DataType::Float64,
        Kind::Date => DataType::Date32,
        Kind::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, None),
        Kind::Instant => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        Kind::Boolean => DataType::Boolean,
        Kind::Text => DataType::Utf8,
    }
}

/// Eighteen digits where they are enough: that is what money has everywhere else.
fn decimal(whole: usize, scale: usize) -> DataType {
    match (u8::try_from(whole + scale), i8::try_from(scale)) {
        (Ok(digits), Ok(scale)) if digits <= 38 => DataType::Decimal128(digits.max(18), scale),
        _ => DataType::Float64,
    }
}

fn widen(a: Kind, b: Kind) -> Kind {
    use Kind::{Date, Decimal, Double, Integer, Text, Timestamp};
    match (a, b) {
        (a, b) if a == b => a,
        (Integer(a), Integer(b)) => Integer(a.max(b)),
        (Decimal(whole_a, scale_a), Decimal(whole_b, scale_b)) => Decimal(whole_a.max(whole_b), scale_a.max(scale_b)),
        (Integer(digits), Decimal(whole, scale)) | (Decimal(whole, scale), Integer(digits)) => {
            Decimal(whole.max(digits), scale)
        }
        (Integer(_) | Decimal(..), Double) | (Double, Integer(_) | Decimal(..)) => Double,
        (Date, Timestamp) | (Timestamp, Date) => Timestamp,
        _ => Text,
    }
}

fn kind(text: &str) -> Kind {
    if let Some(kind) = number(text) {
        return kind;
    }
    // dbt takes a month and a day of one digit, and no year of less than four.
    if text.as_bytes().get(4) == Some(&b'-') && NaiveDate::parse_from_str(text, "%Y-%m-%d").is_ok() {
        return Kind::Date;
    }
    for format in ["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f"] {
        if NaiveDateTime::parse_from_str(text, format).is_ok() {
            return Kind::Timestamp;
        }
    }
    if DateTime::parse_from_rfc3339(text).is_ok() {
        return Kind::Instant;
    }
    if text.eq_ignore_ascii_case("true") || text.eq_ignore_ascii_case("false") {
        return Kind::Boolean;
    }
    Kind::Text
}

fn number(text: &str) -> Option<Kind> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (mantissa, has_exponent) = match digits.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().map(|_| true).ok()?),
        None => (digits, false),
    };
    let (whole, fraction) = mantissa.split_once('.').map_or((mantissa, None), |(whole, part)| (whole, Some(part)));
    let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    // `.5` is a number for dbt too.
    let is_whole = all_digits(whole) || (whole.is_empty() && fraction.is_some());
    if !is_whole || !fraction.is_none_or(all_digits) {
        return None;
    }
    if whole.len() > 1 && whole.starts_with('0') {
        return Some(Kind::Text);
    }
    Some(match fraction {
        _ if has_exponent => Kind::Double,
        Some(fraction) => Kind::Decimal(whole.len(), fraction.len()),
        None if text.parse::<i64>().is_ok() => Kind::Integer(whole.len()),
        None => Kind::Decimal(whole.len(), 0),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sqltype::sql_type;

    fn inferred(cells: &[&str]) -> String {
        let cells: Vec<Option<&str>> = cells.iter().map(|cell| (!cell.is_empty()).then_some(*cell)).collect();
        sql_type(&infer(&cells))
    }

    #[test]
    fn each_type_is_found() {
        assert_eq!(inferred(&["1", "-2", ""]), "bigint");
        assert_eq!(inferred(&["0.0825", "12.5"]), "decimal(18,4)");
        assert_eq!(inferred(&["1", "2.50"]), "decimal(18,2)");
        assert_eq!(inferred(&[".79", "-.5"]), "decimal(18,2)");
        assert_eq!(inferred(&["12345678901234567890"]), "decimal(20,0)");
        assert_eq!(inferred(&["1e3", "2"]), "double");
        assert_eq!(inferred(&["2025-01-31", ""]), "date");
        assert_eq!(inferred(&["2025-01-31 10:00:00", "2025-01-31"]), "timestamp");
        assert_eq!(inferred(&["2025-1-31", "2025-1-5"]), "date");
        assert_eq!(inferred(&["2025-01-31 3:00:00"]), "timestamp");
        assert_eq!(inferred(&["2025-01-31T10:00:00Z"]), "timestamptz");
        assert_eq!(inferred(&["true", "False"]), "boolean");
        assert_eq!(inferred(&["a", "1"]), "varchar");
        assert_eq!(inferred(&["", ""]), "bigint");
    }

    #[test]
    fn what_would_be_lost_stays_text() {
        assert_eq!(inferred(&["02134", "10001"]), "varchar");
        assert_eq!(inferred(&["0", "0.5"]), "decimal(18,1)");
        assert_eq!(inferred(&["2025-02-30"]), "varchar");
        assert_eq!(inferred(&["1", "true"]), "varchar");
        assert_eq!(inferred(&["1.", "5"]), "varchar");
        assert_eq!(inferred(&[".", "5"]), "varchar");
    }
}
