//! Parts of dates and times (`day`, `mon`, `dayofweekiso`, …), which functions take as bare words.
//!
//! Source: docs.snowflake.com, "Date & time functions", supported date and time parts.

use millstream_core::{Error, Result};
use sqlparser::ast::{DateTimeField, Expr, Spanned, Value};
use sqlparser::tokenizer::Span;

use super::build::text;
use super::problem::{did_you_mean, wrong};

/// Functions that take a part, and the position of it among the arguments.
const FUNCTIONS: &[(&str, usize)] = &[
    ("dateadd", 0),
    ("timeadd", 0),
    ("timestampadd", 0),
    ("datediff", 0),
    ("timediff", 0),
    ("timestampdiff", 0),
    ("date_trunc", 0),
    ("date_part", 0),
    ("last_day", 1),
    ("trunc", 1),
];

/// Canonical names and the other ways to write them.
const PARTS: &[(&str, &[&str])] = &[
    ("year", &["y", "yy", "yyy", "yyyy", "yr", "years", "yrs"]),
    ("month", &["mm", "mon", "mons", "months"]),
    ("day", &["d", "dd", "days", "dayofmonth"]),
    ("dayofweek", &["weekday", "dow", "dw"]),
    ("dayofweekiso", &["weekday_iso", "dow_iso", "dw_iso", "dayofweek_iso"]),
    ("dayofyear", &["yearday", "doy", "dy"]),
    ("week", &["w", "wk", "weekofyear", "woy", "wy", "weeks"]),
    ("weekiso", &["week_iso", "weekofyeariso", "weekofyear_iso"]),
    ("quarter", &["q", "qtr", "qtrs", "quarters"]),
    ("yearofweek", &[]),
    ("yearofweekiso", &[]),
    ("hour", &["h", "hh", "hr", "hours", "hrs"]),
    ("minute", &["m", "mi", "min", "minutes", "mins"]),
    ("second", &["s", "sec", "seconds", "secs"]),
    ("millisecond", &["ms", "msec", "milliseconds"]),
    ("microsecond", &["us", "usec", "microseconds"]),
    ("nanosecond", &["ns", "nsec", "nanosec", "nsecond", "nanoseconds", "nanosecs", "nseconds"]),
    ("epoch_second", &["epoch", "epoch_seconds"]),
    ("epoch_millisecond", &["epoch_milliseconds"]),
    ("epoch_microsecond", &["epoch_microseconds"]),
    ("epoch_nanosecond", &["epoch_nanoseconds"]),
    ("timezone_hour", &["tzh"]),
    ("timezone_minute", &["tzm"]),
];

/// Where the function takes a part, if it does.
pub(super) fn position(function: &str) -> Option<usize> {
    FUNCTIONS.iter().find(|(name, _)| *name == function).map(|(_, position)| *position)
}

/// The canonical name of a part.
pub(crate) fn canonical(part: &str) -> Option<&'static str> {
    let part = part.to_lowercase();
    PARTS.iter().find(|(name, others)| *name == part || others.contains(&part.as_str())).map(|(name, _)| *name)
}

/// An argument that may be a part, as the text that functions take. `None` when it is something else, which only
/// `trunc` allows (a scale).
pub(super) fn as_text(arg: &Expr, function: &str) -> Result<Option<Expr>> {
    let word = match arg {
        Expr::Identifier(ident) => ident.value.clone(),
        Expr::Value(value) => match &value.value {
            Value::SingleQuotedString(text) => text.clone(),
            _ => return not_a_part(arg, function),
        },
        _ => return not_a_part(arg, function),
    };
    match canonical(&word) {
        Some(part) => Ok(Some(text(part))),
        None if function == "trunc" => Ok(None),
        None => Err(unknown(&word, arg.span())),
    }
}

fn not_a_part(arg: &Expr, function: &str) -> Result<Option<Expr>> {
    if function == "trunc" {
        return Ok(None);
    }
    Err(wrong(
        format!("'{arg}' is not a part of a date or time"),
        arg.span(),
        format!("{function} takes a word such as day, week or month there"),
    ))
}

/// The part that `extract(… from …)` names.
pub(super) fn of_field(field: &DateTimeField, span: Span) -> Result<&'static str> {
    let word = match field {
        DateTimeField::Custom(ident) => ident.value.clone(),
        other => other.to_string(),
    };
    canonical(word.trim_matches('\'')).ok_or_else(|| unknown(&word, span))
}

fn unknown(word: &str, span: Span) -> Error {
    let names = PARTS.iter().map(|(name, _)| *name);
    let hint = did_you_mean(&word.to_lowercase(), names, "use year, quarter, month, week, day, hour, minute or second");
    wrong(format!("'{word}' is not a part of a date or time"), span, hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn synonyms_have_one_name_and_no_synonym_has_two() {
        assert_eq!(canonical("YY"), Some("year"));
        assert_eq!(canonical("dow_iso"), Some("dayofweekiso"));
        assert_eq!(canonical("fortnight"), None);
        let mut all: Vec<&str> =
            PARTS.iter().flat_map(|(name, others)| std::iter::once(*name).chain(others.iter().copied())).collect();
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
    }
}
