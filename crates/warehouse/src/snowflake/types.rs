//! Which Arrow type stands for which Snowflake type, and what type a mix of types has.
//!
//! | Snowflake | here |
//! |---|---|
//! | INT and its names | Int64; a value beyond it is an error, never a wrap |
//! | NUMBER(p,s) | Decimal128(p,s) |
//! | FLOAT | Float64 |
//! | VARCHAR | Utf8 or Utf8View |
//! | DATE, TIME | Date32, Time64 in microseconds |
//! | TIMESTAMP_NTZ | Timestamp in microseconds without zone |
//! | TIMESTAMP_LTZ, TIMESTAMP_TZ | Timestamp in microseconds, UTC: the offset of TIMESTAMP_TZ is not kept |
//! | VARIANT, OBJECT, ARRAY | [`variant`] |
//!
//! A VARIANT is a struct of one field, [`VARIANT_FIELD`], that holds canonical JSON text (see `json`). A type of its
//! own rather than marked text, because marks on fields get lost in CASE, UNION and aggregates, and a variant that is
//! taken for text would silently compare `"x"` with `x`. A struct also is what Delta and every reader of it can store.
//! An SQL null is a null struct; a JSON null is the text `null`.

use std::sync::LazyLock;

use arrow::datatypes::{DataType, Field, Fields, TimeUnit};
use datafusion::error::{DataFusionError, Result};
use millstream_core::Error;

use super::cast::constant_number;
use crate::error::into_engine;

/// Name of the only field of a VARIANT.
pub(crate) const VARIANT_FIELD: &str = "variant";

/// Digits of the widest NUMBER.
pub(super) const DIGITS_MAX: u8 = 38;

static VARIANT: LazyLock<DataType> =
    LazyLock::new(|| DataType::Struct(Fields::from(vec![Field::new(VARIANT_FIELD, DataType::Utf8, true)])));

/// The type of VARIANT, OBJECT and ARRAY.
pub(crate) fn variant() -> DataType {
    VARIANT.clone()
}

/// Whether a type is VARIANT.
pub(crate) fn is_variant(data_type: &DataType) -> bool {
    match data_type {
        DataType::Struct(fields) => {
            fields.len() == 1
                && fields[0].name() == VARIANT_FIELD
                && matches!(fields[0].data_type(), DataType::Utf8 | DataType::Utf8View)
        }
        _ => false,
    }
}

/// TIMESTAMP_NTZ.
pub(super) fn ntz() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, None)
}

/// TIMESTAMP_LTZ and TIMESTAMP_TZ.
pub(super) fn tz() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}

/// TIME.
pub(super) fn time() -> DataType {
    DataType::Time64(TimeUnit::Microsecond)
}

/// A user's mistake, on its way through the engine.
pub(super) fn user(message: impl std::fmt::Display) -> DataFusionError {
    into_engine(Error::user(message.to_string()))
}

/// A user's mistake and how to mend it.
pub(super) fn user_hint(message: impl std::fmt::Display, hint: impl std::fmt::Display) -> DataFusionError {
    into_engine(Error::user(message.to_string()).hint(hint.to_string()))
}

pub(super) fn is_text(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Utf8 | DataType::Utf8View | DataType::LargeUtf8)
}

pub(super) fn is_integer(data_type: &DataType) -> bool {
    use DataType::{Int8, Int16, Int32, Int64, UInt8, UInt16, UInt32, UInt64};
    matches!(data_type, Int8 | Int16 | Int32 | Int64 | UInt8 | UInt16 | UInt32 | UInt64)
}

pub(super) fn is_decimal(data_type: &DataType) -> bool {
    use DataType::{Decimal32, Decimal64, Decimal128, Decimal256};
    matches!(data_type, Decimal32(..) | Decimal64(..) | Decimal128(..) | Decimal256(..))
}

pub(super) fn is_float(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Float16 | DataType::Float32 | DataType::Float64)
}

pub(super) fn is_number(data_type: &DataType) -> bool {
    is_integer(data_type) || is_decimal(data_type) || is_float(data_type)
}

/// Precision and scale of an exact number, as NUMBER sees it.
pub(super) fn digits(data_type: &DataType) -> Option<(u8, i8)> {
    use DataType::{Decimal32, Decimal64, Decimal128, Decimal256};
    Some(match data_type {
        Decimal32(p, s) | Decimal64(p, s) | Decimal128(p, s) => (*p, *s),
        Decimal256(_, s) => (DIGITS_MAX, *s),
        DataType::Int8 | DataType::UInt8 => (3, 0),
        DataType::Int16 | DataType::UInt16 => (5, 0),
        DataType::Int32 | DataType::UInt32 => (10, 0),
        DataType::Int64 => (19, 0),
        DataType::UInt64 => (20, 0),
        _ => return None,
    })
}

/// The Arrow type that holds both exact numbers.
fn wider(left: (u8, i8), right: (u8, i8)) -> DataType {
    let scale = left.1.max(right.1);
    let leading = (left.0 as i8 - left.1).max(right.0 as i8 - right.1);
    DataType::Decimal128((leading + scale).clamp(1, DIGITS_MAX as i8) as u8, scale)
}

/// What a text beside numbers becomes, by Snowflake's page "COALESCE"; a constant has just its digits.
const TEXT_NUMBER: DataType = DataType::Decimal128(18, 5);

/// The type of an expression that is one of several values (`iff`, `coalesce`, `decode`, `greatest`): variants win,
/// then floats, then the wider number; text beside a number or an instant is read as one, as in Snowflake.
///
/// # Errors
/// A user error when no value of one type is one of the other.
pub(super) fn common(types: &[&DataType], function: &str) -> Result<DataType> {
    common_of(&types.iter().map(|data_type| (*data_type, None)).collect::<Vec<_>>(), function)
}

/// As [`common`], with the texts of those values that are constants.
///
/// # Errors
/// As [`common`].
pub(super) fn common_of(values: &[(&DataType, Option<&str>)], function: &str) -> Result<DataType> {
    let beside_numbers = values.iter().any(|(data_type, _)| is_number(data_type));
    let mut found: Option<DataType> = None;
    for &(data_type, constant) in values {
        let own = match beside_numbers && is_text(data_type) {
            true => constant.and_then(constant_number).map_or(TEXT_NUMBER, |number| number.data_type()),
            false => plain(data_type),
        };
        found = Some(match found {
            None | Some(DataType::Null) => own,
            Some(before) => pair(&before, &own).ok_or_else(|| {
                user_hint(
                    format!("{function}: the values have types that do not go together"),
                    format!("cast one of them: {} and {}", name(&before), name(data_type)),
                )
            })?,
        });
    }
    Ok(found.unwrap_or(DataType::Null))
}

/// Types that stand for the same, as one.
fn plain(data_type: &DataType) -> DataType {
    match data_type {
        DataType::Dictionary(_, values) => plain(values),
        DataType::LargeUtf8 => DataType::Utf8,
        DataType::BinaryView | DataType::LargeBinary | DataType::FixedSizeBinary(_) => DataType::Binary,
        DataType::Float16 | DataType::Float32 => DataType::Float64,
        DataType::Timestamp(_, None) => ntz(),
        DataType::Timestamp(_, Some(_)) => tz(),
        DataType::Date64 => DataType::Date32,
        DataType::Time32(_) | DataType::Time64(_) => time(),
        other if is_variant(other) => variant(),
        other => other.clone(),
    }
}

fn pair(left: &DataType, right: &DataType) -> Option<DataType> {
    if left == right || *right == DataType::Null {
        return Some(left.clone());
    }
    if *left == DataType::Null {
        return Some(right.clone());
    }
    if is_variant(left) || is_variant(right) {
        return Some(variant());
    }
    if is_text(left) && is_text(right) {
        return Some(DataType::Utf8);
    }
    if is_text(left) {
        return Some(right.clone());
    }
    if is_text(right) {
        return Some(left.clone());
    }
    if is_number(left) && is_number(right) {
        if is_float(left) || is_float(right) {
            return Some(DataType::Float64);
        }
        if is_integer(left) && is_integer(right) {
            return Some(DataType::Int64);
        }
        return Some(wider(digits(left)?, digits(right)?));
    }
    match (left, right) {
        (DataType::Date32, DataType::Timestamp(..)) => Some(right.clone()),
        (DataType::Timestamp(..), DataType::Date32) => Some(left.clone()),
        (DataType::Timestamp(..), DataType::Timestamp(..)) => Some(tz()),
        _ => None,
    }
}

/// A type as Snowflake's users call it.
pub(crate) fn name(data_type: &DataType) -> String {
    match data_type {
        other if is_variant(other) => "VARIANT".into(),
        other if is_text(other) => "VARCHAR".into(),
        other if is_float(other) => "FLOAT".into(),
        other if is_integer(other) => "NUMBER(38,0)".into(),
        DataType::Boolean => "BOOLEAN".into(),
        DataType::Date32 | DataType::Date64 => "DATE".into(),
        DataType::Time32(_) | DataType::Time64(_) => "TIME".into(),
        DataType::Timestamp(_, None) => "TIMESTAMP_NTZ".into(),
        DataType::Timestamp(_, Some(_)) => "TIMESTAMP_LTZ".into(),
        DataType::Binary | DataType::BinaryView | DataType::LargeBinary => "BINARY".into(),
        DataType::Null => "NULL".into(),
        other => match digits(other) {
            Some((precision, scale)) => format!("NUMBER({precision},{scale})"),
            None => other.to_string(),
        },
    }
}
