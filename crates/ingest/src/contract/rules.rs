//! The rules of one column, and how they are read from its `millstream` object.
//!
//! Guarantees: a rule that cannot apply to the column's type is a problem, never silently idle; bounds of exact
//! types are exact.

use regex::bytes::Regex;

use super::meta::{Meta, scalar};
use super::types::{ColumnType, ParsedType};
use crate::decode::{number, text, time};

/// What a text must look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// 8-4-4-4-12 hex digits, in either case.
    Uuid,
    /// `local@domain.tld`, without spaces.
    Email,
    /// ISO-8601 date and time, with or without offset.
    IsoTimestamp,
}

/// The rules of one column. `None` means that the rule is not declared.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    /// Neither null nor empty.
    pub required: bool,
    /// Text only.
    pub format: Option<Format>,
    /// Text only; must match somewhere, so anchor it with `^` and `$` to match the whole.
    pub regex: Option<Regex>,
    /// Text only: the values that may occur.
    pub allowed: Option<Vec<String>>,
    /// Text only: items of a comma list that may occur.
    pub list_of: Option<Vec<String>>,
    /// Text only: characters, at least.
    pub min_length: Option<usize>,
    /// Text only: characters, at most.
    pub max_length: Option<usize>,
    /// Exact types: values that may occur, in the column's stored unit.
    pub allowed_exact: Option<Vec<i128>>,
    /// Exact types (decimal, integers, date, timestamp): smallest value.
    pub min: Option<Bound>,
    /// The same, largest.
    pub max: Option<Bound>,
    /// Double: smallest value.
    pub min_double: Option<f64>,
    /// Double: largest value.
    pub max_double: Option<f64>,
}

/// An exact bound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bound {
    /// In the column's stored unit: unscaled decimal, days, microseconds.
    pub value: i128,
    /// As it was declared, for messages.
    pub declared: String,
}

const FORMATS: [(&str, Format); 3] =
    [("uuid", Format::Uuid), ("email", Format::Email), ("iso_timestamp", Format::IsoTimestamp)];

/// Reads the rules of a column of type `parsed`; problems go to the object's list.
pub(crate) fn read(meta: &mut Meta<'_>, parsed: ParsedType) -> Rules {
    let ty = parsed.ty;
    let mut rules = Rules { required: meta.flag("required").unwrap_or(false), ..Rules::default() };
    rules.format = meta.choice("format", &FORMATS);
    if let Some(pattern) = meta.text("regex") {
        match Regex::new(pattern) {
            Ok(regex) => rules.regex = Some(regex),
            Err(error) => meta.problem("contract-value", format_args!("regex cannot be read: {error}"), None),
        }
    }
    let allowed = meta.scalars("allowed");
    rules.list_of = meta.scalars("list_of");
    rules.min_length = meta.size("min_length");
    rules.max_length = match (meta.size("max_length"), parsed.max_length) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    };
    for (key, minimum) in [("min", true), ("max", false)] {
        let Some(value) = meta.value(key) else { continue };
        let Some(text) = scalar(value) else {
            meta.problem("contract-value", format_args!("{key} must be one value, found {value}"), None);
            continue;
        };
        read_bound(meta, &mut rules, ty, key, &text, minimum);
    }
    match (allowed, ty) {
        (None, _) => {}
        (Some(texts), ColumnType::Text) => rules.allowed = Some(texts),
        (Some(_), ColumnType::Boolean | ColumnType::Double) => not_applicable(meta, "allowed", ty),
        (Some(texts), _) => {
            let values: Result<Vec<i128>, String> = texts.iter().map(|text| exact_value(ty, text)).collect();
            match values {
                Ok(values) => rules.allowed_exact = Some(values),
                Err(problem) => meta.problem("contract-value", format_args!("allowed: {problem}"), None),
            }
        }
    }
    check_text_rules(meta, &rules, ty);
    check_order(meta, &rules);
    rules
}

fn read_bound(meta: &mut Meta<'_>, rules: &mut Rules, ty: ColumnType, key: &'static str, text: &str, minimum: bool) {
    match ty {
        ColumnType::Text | ColumnType::Boolean => not_applicable(meta, key, ty),
        ColumnType::Double => match text.parse::<f64>() {
            Ok(bound) if minimum => rules.min_double = Some(bound),
            Ok(bound) => rules.max_double = Some(bound),
            Err(_) => meta.problem("contract-value", format_args!("{key} '{text}' is not a number"), None),
        },
        _ => match exact_value(ty, text) {
            Ok(value) if minimum => rules.min = Some(Bound { value, declared: text.to_owned() }),
            Ok(value) => rules.max = Some(Bound { value, declared: text.to_owned() }),
            Err(problem) => meta.problem("contract-value", format_args!("{key}: {problem}"), None),
        },
    }
}

/// Reads a value of an exact type in the column's stored unit.
fn exact_value(ty: ColumnType, text: &str) -> Result<i128, String> {
    let bytes = text.as_bytes();
    match ty {
        ColumnType::Decimal { precision, scale } => {
            number::decimal(bytes, precision, scale).map_err(|e| format!("'{text}' {}", e.describe(precision, scale)))
        }
        ColumnType::Int32 | ColumnType::Int64 => {
            number::integer(bytes).map(i128::from).ok_or_else(|| format!("'{text}' is not a whole number"))
        }
        ColumnType::Date => {
            time::date(bytes).map(i128::from).ok_or_else(|| format!("'{text}' is not a date (YYYY-MM-DD)"))
        }
        ColumnType::Timestamp => time::timestamp(bytes)
            .or_else(|| time::date(bytes).map(|days| i64::from(days) * time::MICROS_PER_DAY))
            .map(i128::from)
            .ok_or_else(|| format!("'{text}' is not an ISO-8601 date or timestamp")),
        ColumnType::Text | ColumnType::Boolean | ColumnType::Double => Err(format!("'{text}' has no exact value")),
    }
}

fn check_text_rules(meta: &mut Meta<'_>, rules: &Rules, ty: ColumnType) {
    if ty == ColumnType::Text {
        return;
    }
    // `format: iso_timestamp` on a timestamp says what the type says already.
    let redundant = ty == ColumnType::Timestamp && rules.format == Some(Format::IsoTimestamp);
    for (key, declared) in [
        ("format", rules.format.is_some() && !redundant),
        ("regex", rules.regex.is_some()),
        ("list_of", rules.list_of.is_some()),
        ("min_length", rules.min_length.is_some()),
        ("max_length", rules.max_length.is_some()),
    ] {
        if declared {
            not_applicable(meta, key, ty);
        }
    }
}

fn check_order(meta: &mut Meta<'_>, rules: &Rules) {
    let contradicts = matches!((&rules.min, &rules.max), (Some(a), Some(b)) if a.value > b.value)
        || matches!((rules.min_double, rules.max_double), (Some(a), Some(b)) if a > b)
        || matches!((rules.min_length, rules.max_length), (Some(a), Some(b)) if a > b);
    if contradicts {
        meta.problem("contract-value", "no value can be at least its minimum and at most its maximum", None);
    }
}

fn not_applicable(meta: &mut Meta<'_>, key: &str, ty: ColumnType) {
    let hint = match key {
        "min" | "max" if ty == ColumnType::Text => {
            Some("for the length of a text use min_length, max_length".to_owned())
        }
        _ => None,
    };
    let ty = match ty {
        ColumnType::Text => "text",
        ColumnType::Boolean => "boolean",
        ColumnType::Double => "double",
        ColumnType::Decimal { .. } => "decimal",
        ColumnType::Int32 | ColumnType::Int64 => "integer",
        ColumnType::Date => "date",
        ColumnType::Timestamp => "timestamp",
    };
    meta.problem("contract-value", format_args!("rule '{key}' does not apply to a {ty} column"), hint);
}

impl Format {
    /// Whether a text keeps the format.
    pub(crate) fn holds(self, value: &[u8]) -> bool {
        match self {
            Format::Uuid => text::is_uuid(value),
            Format::Email => text::is_email(value),
            Format::IsoTimestamp => time::timestamp(value).is_some(),
        }
    }
    /// The format's name, as it is declared.
    pub(crate) fn name(self) -> &'static str {
        FORMATS.iter().find(|(_, format)| *format == self).map_or("format", |(name, _)| name)
    }
}
