//! One conversion for each target type. Sources: Snowflake's pages "Data type conversion", "TO_DATE , DATE",
//! "TO_TIME , TIME", "TO_TIMESTAMP / TO_TIMESTAMP_*", "TO_BINARY", "TO_OBJECT" and "TO_ARRAY".

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, Date32Array, Time64MicrosecondArray, TimestampMicrosecondArray,
};
use arrow::datatypes::{DataType, Date32Type, Decimal128Type, Time64MicrosecondType, TimestampMicrosecondType};
use datafusion::error::Result;

use super::super::json;
use super::super::scalar::Texts;
use super::super::time::{self, DAY_US, Reading};
use super::super::types::{self, DIGITS_MAX, is_decimal, is_integer, is_text, is_variant, name, user, user_hint};
use super::text::normal;
use super::{rescale, to_boolean, to_decimal, to_float, to_int_or_null, to_json, to_text, wrap_json};

/// A type of Snowflake's to convert to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::snowflake) enum Target {
    Int,
    Number(u8, i8),
    Float,
    Varchar(Option<u32>),
    Binary,
    Boolean,
    Date,
    Time,
    Ntz,
    Tz,
    Variant,
    Object,
    Array,
}

/// Reads a type's name as the dialect writes it: `number(10,2)`, `varchar(5)`, `timestamp_ntz`.
///
/// # Errors
/// A user error when it is no such type.
pub(in crate::snowflake) fn target(text: &str) -> Result<Target> {
    let lower = text.trim().to_ascii_lowercase();
    let (word, arguments) = match lower.split_once('(') {
        Some((word, rest)) => (word.trim(), rest.trim_end_matches(')').split(',').map(str::trim).collect()),
        None => (lower.as_str(), Vec::new()),
    };
    let unknown = || user(format!("'{text}' is not a type that values can be converted to"));
    let argument = |index: usize| -> Result<Option<u32>> {
        arguments.get(index).map(|text| text.parse::<u32>().map_err(|_| unknown())).transpose()
    };
    Ok(match word {
        "int" | "integer" | "bigint" | "smallint" | "tinyint" | "byteint" => Target::Int,
        "number" | "decimal" | "numeric" | "dec" => {
            let (precision, scale) = (argument(0)?.unwrap_or(38), argument(1)?.unwrap_or(0));
            if !(1..=u32::from(DIGITS_MAX)).contains(&precision) || scale > precision.min(37) {
                return Err(user_hint(
                    format!("there is no NUMBER({precision},{scale})"),
                    "the precision is 1 to 38, the scale 0 to 37 and not above the precision",
                ));
            }
            Target::Number(precision as u8, scale as i8)
        }
        "float" | "float4" | "float8" | "double" | "double precision" | "real" => Target::Float,
        "varchar" | "string" | "text" | "char" | "character" | "nvarchar" => Target::Varchar(argument(0)?),
        "binary" | "varbinary" => Target::Binary,
        "boolean" => Target::Boolean,
        "date" => Target::Date,
        "time" => Target::Time,
        "timestamp" | "timestamp_ntz" | "datetime" => Target::Ntz,
        "timestamp_ltz" | "timestamp_tz" => Target::Tz,
        "variant" => Target::Variant,
        "object" => Target::Object,
        "array" => Target::Array,
        _ => return Err(unknown()),
    })
}

impl Target {
    /// The Arrow type of a value of `from` after conversion.
    pub(in crate::snowflake) fn arrow(self, from: &DataType) -> DataType {
        match self {
            Self::Int => DataType::Int64,
            Self::Number(precision, scale) => DataType::Decimal128(precision, scale),
            Self::Float => DataType::Float64,
            Self::Varchar(_) if *from == DataType::Utf8View => DataType::Utf8View,
            Self::Varchar(_) => DataType::Utf8,
            Self::Binary => DataType::Binary,
            Self::Boolean => DataType::Boolean,
            Self::Date => DataType::Date32,
            Self::Time => types::time(),
            Self::Ntz => types::ntz(),
            Self::Tz => types::tz(),
            Self::Variant | Self::Object | Self::Array => types::variant(),
        }
    }
}

/// Converts a column. Not `strict`: a value that does not convert is null.
pub(in crate::snowflake) fn convert(array: &ArrayRef, target: Target, strict: bool) -> Result<ArrayRef> {
    Ok(match target {
        Target::Int => Arc::new(to_int_or_null(array, strict)?),
        Target::Number(precision, scale) => return to_decimal(array, precision, scale, strict),
        Target::Float => Arc::new(to_float(array, strict)?),
        Target::Varchar(limit) => return varchar(array, limit, strict),
        Target::Binary => return binary(array, strict),
        Target::Boolean => Arc::new(to_boolean(array, strict)?),
        Target::Date => return date(array, strict),
        Target::Time => return time_of_day(array, strict),
        Target::Ntz => return timestamp(array, false, strict),
        Target::Tz => return timestamp(array, true, strict),
        Target::Variant => variant(array)?,
        Target::Object => return object(array, strict),
        Target::Array => return list(array),
    })
}

fn varchar(array: &ArrayRef, limit: Option<u32>, strict: bool) -> Result<ArrayRef> {
    let texts = to_text(array)?;
    let Some(limit) = limit.map(|limit| limit as usize) else { return Ok(texts.into_array()) };
    let long = |text: &str| text.len() > limit && text.chars().count() > limit;
    let rows = texts.len();
    if let Some(text) = (0..rows).filter_map(|row| texts.get(row)).find(|text| long(text)) {
        if strict {
            return Err(user(format!("the text '{text}' is longer than the {limit} characters of its type")));
        }
        let cut: arrow::array::StringArray =
            (0..rows).map(|row| texts.get(row).filter(|text| !long(text)).map(str::to_owned)).collect();
        let cut: ArrayRef = Arc::new(cut);
        return if matches!(texts, Texts::View(_)) {
            Ok(arrow::compute::cast(&cut, &DataType::Utf8View)?)
        } else {
            Ok(cut)
        };
    }
    Ok(texts.into_array())
}

fn binary(array: &ArrayRef, strict: bool) -> Result<ArrayRef> {
    if matches!(array.data_type(), DataType::Binary | DataType::BinaryView | DataType::LargeBinary) {
        return Ok(arrow::compute::cast(array, &DataType::Binary)?);
    }
    if !is_text(array.data_type()) && *array.data_type() != DataType::Null {
        return Err(refused(array.data_type(), "BINARY"));
    }
    let texts = to_text(array)?;
    let values = (0..array.len())
        .map(|row| match texts.get(row).map(|text| (text, from_hex(text))) {
            None => Ok(None),
            Some((_, Some(bytes))) => Ok(Some(bytes)),
            Some((text, None)) if strict => Err(user(format!("'{text}' is not hexadecimal"))),
            Some(_) => Ok(None),
        })
        .collect::<Result<Vec<_>>>()?;
    Ok(Arc::new(BinaryArray::from_iter(values)))
}

/// Bytes of hexadecimal digits.
pub(in crate::snowflake) fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
    if !text.len().is_multiple_of(2) {
        return None;
    }
    text.as_bytes().chunks(2).map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?)).collect()
}

fn refused(from: &DataType, to: &str) -> datafusion::error::DataFusionError {
    user(format!("{} cannot be converted to {to}", name(from)))
}

/// Text, or the texts of variants, each read as a date or time.
fn read<T>(array: &ArrayRef, to: &str, strict: bool, take: impl Fn(Reading) -> Option<T>) -> Result<Vec<Option<T>>> {
    let texts = to_text(array)?;
    (0..array.len())
        .map(|row| match texts.get(row) {
            None => Ok(None),
            Some(text) => match time::parse(text).and_then(&take) {
                None if strict => Err(user_hint(
                    format!("'{text}' is not a {to}"),
                    format!(
                        "tell its format: to_{}(x, 'DD/MM/YYYY'), or use try_to_{0} for null",
                        to.to_ascii_lowercase()
                    ),
                )),
                value => Ok(value),
            },
        })
        .collect()
}

fn date(array: &ArrayRef, strict: bool) -> Result<ArrayRef> {
    let from = array.data_type();
    Ok(match from {
        DataType::Date32 => array.clone(),
        DataType::Date64 => arrow::compute::cast(array, &DataType::Date32)?,
        DataType::Timestamp(..) => {
            let array = normal(array)?;
            let values = array.as_primitive::<TimestampMicrosecondType>();
            Arc::new(values.unary::<_, Date32Type>(time::days_of))
        }
        DataType::Null => Arc::new(Date32Array::new_null(array.len())),
        other if is_text(other) || is_variant(other) => {
            Arc::new(Date32Array::from(read(array, "date", strict, |reading| Some(reading.days))?))
        }
        other => {
            return Err(user_hint(
                format!("{} cannot be converted to DATE", name(other)),
                "to_timestamp reads numbers as seconds since 1970",
            ));
        }
    })
}

fn time_of_day(array: &ArrayRef, strict: bool) -> Result<ArrayRef> {
    let from = array.data_type();
    Ok(match from {
        DataType::Time32(_) | DataType::Time64(_) => normal(array)?,
        DataType::Timestamp(..) => {
            let array = normal(array)?;
            let values = array.as_primitive::<TimestampMicrosecondType>();
            Arc::new(values.unary::<_, Time64MicrosecondType>(time::micros_of_day))
        }
        DataType::Null => Arc::new(Time64MicrosecondArray::new_null(array.len())),
        other if is_text(other) || is_variant(other) => {
            Arc::new(Time64MicrosecondArray::from(read(array, "time", strict, |reading| Some(reading.micros))?))
        }
        other => return Err(refused(other, "TIME")),
    })
}

/// To a timestamp with (`zoned`) or without zone.
pub(super) fn timestamp(array: &ArrayRef, zoned: bool, strict: bool) -> Result<ArrayRef> {
    let from = array.data_type();
    let take = |reading: Reading| if zoned { reading.instant() } else { reading.wall() };
    let values: TimestampMicrosecondArray = match from {
        DataType::Timestamp(..) => normal(array)?.as_primitive::<TimestampMicrosecondType>().clone(),
        DataType::Date32 => array.as_primitive::<Date32Type>().unary(|days| i64::from(days) * DAY_US),
        DataType::Null => TimestampMicrosecondArray::new_null(array.len()),
        other if is_text(other) => TimestampMicrosecondArray::from(read(array, "timestamp", strict, take)?),
        other if is_variant(other) => {
            let texts = to_json(array)?;
            let mut values = Vec::with_capacity(array.len());
            for row in 0..array.len() {
                let value = match texts.get(row).map(|json| (json, json::kind(json))) {
                    None | Some((_, json::Kind::Null | json::Kind::Undefined)) => None,
                    Some((json, kind)) if kind.is_number() => {
                        super::parse_decimal(json, 6).ok().and_then(|micros| i64::try_from(micros).ok())
                    }
                    Some((json, _)) => {
                        let text = json::text_of(json).unwrap_or_default();
                        match time::parse(&text).and_then(take) {
                            None if strict => return Err(user(format!("'{text}' is not a timestamp"))),
                            value => value,
                        }
                    }
                };
                values.push(value);
            }
            TimestampMicrosecondArray::from(values)
        }
        other if is_integer(other) || is_decimal(other) => epoch(array, 0)?,
        other => return Err(refused(other, "TIMESTAMP")),
    };
    Ok(Arc::new(if zoned { values.with_timezone("UTC") } else { values.with_timezone_opt(None::<Arc<str>>) }))
}

/// Numbers of 10^-`unit` seconds since 1970.
pub(super) fn epoch(array: &ArrayRef, unit: i32) -> Result<TimestampMicrosecondArray> {
    let large = || user("the number is too large for a timestamp");
    if is_decimal(array.data_type()) {
        let wide = normal(array)?;
        let values = wide.as_primitive::<Decimal128Type>();
        let scale = i32::from(values.scale()) + unit;
        return values
            .iter()
            .map(|value| match value {
                None => Ok(None),
                Some(value) => {
                    let micros = rescale_floor(value, scale, 6).and_then(|micros| i64::try_from(micros).ok());
                    micros.map(Some).ok_or_else(large)
                }
            })
            .collect();
    }
    let values = to_int_or_null(array, true)?;
    values
        .iter()
        .map(|value: Option<i64>| match value {
            None => Ok(None),
            Some(value) => rescale_floor(i128::from(value), unit, 6)
                .and_then(|micros| i64::try_from(micros).ok())
                .map(Some)
                .ok_or_else(large),
        })
        .collect()
}

/// As [`rescale`], cut off towards the past instead of rounded.
fn rescale_floor(value: i128, from: i32, to: i32) -> Option<i128> {
    if to >= from {
        return rescale(value, from, to);
    }
    Some(value.div_euclid(super::number::power((from - to) as u32)?))
}

fn variant(array: &ArrayRef) -> Result<ArrayRef> {
    if *array.data_type() == types::variant() {
        return Ok(array.clone());
    }
    let texts = to_json(array)?.into_array();
    Ok(wrap_json(if *texts.data_type() == DataType::Utf8 {
        texts
    } else {
        arrow::compute::cast(&texts, &DataType::Utf8)?
    }))
}

/// To OBJECT: only objects are; a JSON null is null.
fn object(array: &ArrayRef, strict: bool) -> Result<ArrayRef> {
    if !is_variant(array.data_type()) && *array.data_type() != DataType::Null {
        return Err(refused(array.data_type(), "OBJECT"));
    }
    checked(array, json::Kind::Object, "OBJECT", strict)
}

/// The variants that are of one kind, JSON nulls as nulls.
fn checked(array: &ArrayRef, wanted: json::Kind, to: &str, strict: bool) -> Result<ArrayRef> {
    let texts = to_json(array)?;
    let mut builder = arrow::array::StringBuilder::with_capacity(array.len(), array.len() * 16);
    for row in 0..array.len() {
        match texts.get(row).map(|json| (json, json::kind(json))) {
            None | Some((_, json::Kind::Null | json::Kind::Undefined)) => builder.append_null(),
            Some((json, kind)) if kind == wanted => builder.append_value(json),
            Some((json, _)) if strict => return Err(user(format!("the variant {json} is no {to}"))),
            Some(_) => builder.append_null(),
        }
    }
    Ok(wrap_json(Arc::new(builder.finish())))
}

/// To ARRAY: an array stays, a null stays, everything else becomes its only element.
fn list(array: &ArrayRef) -> Result<ArrayRef> {
    let texts = to_json(array)?;
    let mut builder = arrow::array::StringBuilder::with_capacity(array.len(), array.len() * 16);
    let mut buffer = String::new();
    for row in 0..array.len() {
        match texts.get(row).map(|json| (json, json::kind(json))) {
            None | Some((_, json::Kind::Null | json::Kind::Undefined)) => builder.append_null(),
            Some((json, json::Kind::Array)) => builder.append_value(json),
            Some((json, _)) => {
                buffer.clear();
                json::array([json], &mut buffer);
                builder.append_value(&buffer);
            }
        }
    }
    Ok(wrap_json(Arc::new(builder.finish())))
}
