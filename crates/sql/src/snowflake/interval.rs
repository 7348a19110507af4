//! Interval constants: `interval '1 year, 3 days'`.
//!
//! Snowflake adds the parts in the order in which they stand (a day and then a year is not a year and then a day), while
//! the engine always adds months first, then days, then times. Parts in another order are added one after the other.
//!
//! Source: docs.snowflake.com, "Date & time data types", section "Interval constants".

use millstream_core::Result;
use sqlparser::ast::{BinaryOperator, Expr, Interval, Value, ValueWithSpan};
use sqlparser::tokenizer::Span;

use super::build::{binary, text};
use super::date_parts;
use super::problem::{unsupported, wrong};

/// A part of an interval, as the engine reads it.
struct Part {
    /// `3 month`
    text: String,
    /// 0 for months, 1 for days, 2 for what is shorter.
    rank: u8,
}

/// `left ± interval`, part by part where the order of the parts matters.
pub(super) fn added(left: Expr, op: BinaryOperator, interval: &Interval, span: Span) -> Result<Expr> {
    let parts = parts(interval, span)?;
    let mut sum = left;
    for run in parts.chunk_by(|before, after| before.rank <= after.rank) {
        sum = binary(sum, op.clone(), constant(run));
    }
    Ok(sum)
}

/// An interval that stands alone, where its parts have no order.
pub(super) fn alone(interval: &Interval, span: Span) -> Result<Expr> {
    let parts = parts(interval, span)?;
    if parts.is_sorted_by_key(|part| part.rank) {
        return Ok(constant(&parts));
    }
    Err(wrong(
        "the parts of this interval are not in the order of their length",
        span,
        "write months first, then days, then hours and what is shorter",
    ))
}

fn constant(parts: &[Part]) -> Expr {
    let joined = parts.iter().map(|part| part.text.as_str()).collect::<Vec<_>>().join(" ");
    Expr::Interval(Interval {
        value: Box::new(text(joined)),
        leading_field: None,
        leading_precision: None,
        last_field: None,
        fractional_seconds_precision: None,
    })
}

/// Reads `1 year, 2 months, 3`: whole numbers, each with a part of a date; seconds where none is named.
fn parts(interval: &Interval, span: Span) -> Result<Vec<Part>> {
    let refused = || unsupported("this form of an interval", span, "write interval '1 day, 2 hours', or use dateadd");
    let is_plain = interval.leading_precision.is_none()
        && interval.last_field.is_none()
        && interval.fractional_seconds_precision.is_none();
    let Expr::Value(ValueWithSpan { value: Value::SingleQuotedString(written), .. }) = interval.value.as_ref() else {
        return Err(refused());
    };
    if !is_plain {
        return Err(refused());
    }
    let field = interval.leading_field.as_ref().map(ToString::to_string).unwrap_or_default();
    let spaced = format!("{written} {field}").replace(',', " ");
    let mut words = spaced.split_whitespace().peekable();
    let mut parts = Vec::new();
    while let Some(word) = words.next() {
        // `1day` is a number and a word as well.
        let end = word.find(|char: char| char.is_alphabetic()).unwrap_or(word.len());
        let (digits, joined) = word.split_at(end);
        let count = digits.parse::<i64>().map_err(|_| {
            wrong(
                format!("'{word}' is not a whole number of an interval"),
                span,
                "write interval '1 day, 2 hours'; parts of a day are hours",
            )
        })?;
        let is_unit = |word: &&str| word.starts_with(|char: char| char.is_alphabetic());
        let unit = match joined {
            "" => words.next_if(is_unit).unwrap_or("second"),
            joined => joined,
        };
        parts.push(part(count, unit).ok_or_else(|| {
            wrong(
                format!("'{unit}' is not a part of an interval"),
                span,
                "use year, quarter, month, week, day, hour, minute or second",
            )
        })?);
    }
    if parts.is_empty() { Err(refused()) } else { Ok(parts) }
}

fn part(count: i64, unit: &str) -> Option<Part> {
    let (count, unit, rank) = match date_parts::canonical(unit)? {
        unit @ ("year" | "month") => (count, unit, 0),
        "quarter" => (count.checked_mul(3)?, "month", 0),
        unit @ ("week" | "day") => (count, unit, 1),
        unit @ ("hour" | "minute" | "second" | "millisecond" | "microsecond" | "nanosecond") => (count, unit, 2),
        _ => return None,
    };
    Some(Part { text: format!("{count} {unit}"), rank })
}
