//! Snowflake's types, as the text that `sf_cast` takes.
//!
//! Source: docs.snowflake.com, "Summary of data types". `number` is `number(38,0)`.

use millstream_core::Result;
use sqlparser::ast::{ArrayElemTypeDef, CharacterLength, DataType, ExactNumberInfo, TimezoneInfo};
use sqlparser::tokenizer::Span;

use super::problem::{unsupported, wrong};

/// Digits that a number has at most, and has unless it says otherwise.
const PRECISION_MAX: u64 = 38;

/// Characters of the longest text.
const VARCHAR_MAX: u64 = 134_217_728;

/// The type's canonical text: `number(38,0)`, `varchar`, `timestamp_ntz`, …
pub fn type_text(data_type: &DataType, span: Span) -> Result<String> {
    Ok(match data_type {
        DataType::Numeric(info) | DataType::Decimal(info) | DataType::Dec(info) => exact(*info, span)?,
        DataType::TinyInt(_)
        | DataType::SmallInt(_)
        | DataType::Int(_)
        | DataType::Integer(_)
        | DataType::BigInt(_) => "int".into(),
        DataType::Float(_)
        | DataType::Float4
        | DataType::Float8
        | DataType::Double(_)
        | DataType::DoublePrecision
        | DataType::Real => "float".into(),
        DataType::Varchar(length)
        | DataType::CharacterVarying(length)
        | DataType::CharVarying(length)
        | DataType::Nvarchar(length) => varchar(length.as_ref(), None),
        // `char` without a length is one character.
        DataType::Char(length) | DataType::Character(length) => varchar(length.as_ref(), Some(1)),
        DataType::Text => "varchar".into(),
        DataType::String(length) => varying(*length),
        DataType::Binary(_) | DataType::Varbinary(_) => "binary".into(),
        DataType::Boolean | DataType::Bool => "boolean".into(),
        DataType::Date => "date".into(),
        DataType::Time(_, TimezoneInfo::None | TimezoneInfo::WithoutTimeZone) => "time".into(),
        DataType::Datetime(_)
        | DataType::TimestampNtz(_)
        | DataType::Timestamp(_, TimezoneInfo::None | TimezoneInfo::WithoutTimeZone) => "timestamp_ntz".into(),
        DataType::Timestamp(_, TimezoneInfo::WithTimeZone | TimezoneInfo::Tz) => "timestamp_tz".into(),
        DataType::Array(ArrayElemTypeDef::None) => "array".into(),
        DataType::Custom(name, modifiers) => custom(&name.to_string().to_lowercase(), modifiers, span)?,
        other => return Err(unknown(&other.to_string(), span)),
    })
}

fn custom(name: &str, modifiers: &[String], span: Span) -> Result<String> {
    let digits = |position: usize| modifiers.get(position).and_then(|digits| digits.trim().parse::<i64>().ok());
    Ok(match name {
        "number" => match (digits(0), digits(1)) {
            (None, _) => exact(ExactNumberInfo::None, span)?,
            (Some(precision), None) => exact(ExactNumberInfo::Precision(precision.unsigned_abs()), span)?,
            (Some(precision), Some(scale)) => {
                exact(ExactNumberInfo::PrecisionAndScale(precision.unsigned_abs(), scale), span)?
            }
        },
        "byteint" => "int".into(),
        "nchar" => varying(digits(0).map(i64::unsigned_abs).or(Some(1))),
        "nvarchar2" | "varchar2" | "string" | "text" => varying(digits(0).map(i64::unsigned_abs)),
        "timestamp_ntz" | "timestampntz" | "datetime" => "timestamp_ntz".into(),
        "timestamp_ltz" | "timestampltz" => "timestamp_ltz".into(),
        "timestamp_tz" | "timestamptz" => "timestamp_tz".into(),
        "variant" => "variant".into(),
        "object" => "object".into(),
        "array" => "array".into(),
        _ => return Err(unknown(name, span)),
    })
}

fn exact(info: ExactNumberInfo, span: Span) -> Result<String> {
    let (precision, scale) = match info {
        ExactNumberInfo::None => (PRECISION_MAX, 0),
        ExactNumberInfo::Precision(precision) => (precision, 0),
        ExactNumberInfo::PrecisionAndScale(precision, scale) => (precision, scale),
    };
    let fits = u64::try_from(scale).is_ok_and(|scale| scale <= precision);
    if !(1..=PRECISION_MAX).contains(&precision) || !fits {
        return Err(wrong(
            format!("there is no type number({precision},{scale})"),
            span,
            format!("the precision is 1 to {PRECISION_MAX} digits, and the scale 0 up to the precision"),
        ));
    }
    Ok(format!("number({precision},{scale})"))
}

fn varchar(length: Option<&CharacterLength>, default: Option<u64>) -> String {
    match length {
        Some(CharacterLength::IntegerLength { length, .. }) => varying(Some(*length)),
        Some(CharacterLength::Max) => varying(None),
        None => varying(default),
    }
}

/// The longest lengths check nothing, so they are left out.
fn varying(length: Option<u64>) -> String {
    match length {
        Some(length) if length < VARCHAR_MAX / 8 => format!("varchar({length})"),
        _ => "varchar".into(),
    }
}

fn unknown(name: &str, span: Span) -> millstream_core::Error {
    unsupported(
        format!("the type {}", name.to_lowercase()),
        span,
        "use number, float, varchar, boolean, date, time, timestamp_ntz, timestamp_ltz, timestamp_tz, binary, variant, object or array",
    )
}
