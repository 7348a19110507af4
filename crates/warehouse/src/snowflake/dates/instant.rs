//! Arguments that are a date, a time or a timestamp, as microseconds.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Date32Array, Time64MicrosecondArray, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, Date32Type, Time64MicrosecondType, TimestampMicrosecondType};
use datafusion::error::Result;

use super::super::cast::{self, Target};
use super::super::scalar::{Call, Types};
use super::super::time::{DAY_US, Part, days_of, micros_of_day};
use super::super::types::{self, is_text, is_variant, name, user, user_hint};

/// What an argument is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Date,
    Time,
    Ntz,
    Tz,
}

impl Kind {
    /// What a type is; text and variants are read as timestamps.
    pub(super) fn of(data_type: &DataType, function: &str) -> Result<Self> {
        Ok(match data_type {
            DataType::Date32 | DataType::Date64 => Self::Date,
            DataType::Time32(_) | DataType::Time64(_) => Self::Time,
            DataType::Timestamp(_, None) | DataType::Null => Self::Ntz,
            DataType::Timestamp(_, Some(_)) => Self::Tz,
            other if is_text(other) || is_variant(other) => Self::Ntz,
            other => {
                return Err(user_hint(
                    format!("{function}: {} is no date or time", name(other)),
                    "cast it: to_date(x), to_timestamp(x)",
                ));
            }
        })
    }

    pub(super) fn arrow(self) -> DataType {
        match self {
            Self::Date => DataType::Date32,
            Self::Time => types::time(),
            Self::Ntz => types::ntz(),
            Self::Tz => types::tz(),
        }
    }
}

/// A column of instants: microseconds since 1970, or since midnight for times of day.
pub(super) struct Instants {
    pub kind: Kind,
    values: TimestampMicrosecondArray,
    scalar: bool,
}

impl Instants {
    /// An argument of a call.
    pub(super) fn of(call: &Call<'_>, index: usize) -> Result<Self> {
        let column = call.column(index)?;
        let kind = Kind::of(column.array.data_type(), call.name)?;
        let values = match kind {
            Kind::Date => {
                let days = cast::convert(&column.array, Target::Date, true)?;
                days.as_primitive::<Date32Type>().unary(|days| i64::from(days) * DAY_US)
            }
            Kind::Time => {
                let times = cast::convert(&column.array, Target::Time, true)?;
                times.as_primitive::<Time64MicrosecondType>().unary(|time| time)
            }
            Kind::Ntz | Kind::Tz => {
                let target = if kind == Kind::Tz { Target::Tz } else { Target::Ntz };
                let values = cast::convert(&column.array, target, true)?;
                values.as_primitive::<TimestampMicrosecondType>().clone().with_timezone_opt(None::<Arc<str>>)
            }
        };
        Ok(Self { kind, values, scalar: column.scalar })
    }

    #[inline]
    pub(super) fn get(&self, row: usize) -> Option<i64> {
        let at = if self.scalar { 0 } else { row };
        self.values.is_valid(at).then(|| self.values.value(at))
    }
}

/// Microseconds as a column of a kind.
pub(super) fn build(kind: Kind, rows: usize, value: impl FnMut(usize) -> Result<Option<i64>>) -> Result<ArrayRef> {
    let values = (0..rows).map(value).collect::<Result<Vec<_>>>()?;
    Ok(match kind {
        Kind::Date => Arc::new(values.into_iter().map(|value| value.map(days_of)).collect::<Date32Array>()),
        Kind::Time => {
            Arc::new(values.into_iter().map(|value| value.map(micros_of_day)).collect::<Time64MicrosecondArray>())
        }
        Kind::Ntz => Arc::new(TimestampMicrosecondArray::from(values)),
        Kind::Tz => Arc::new(TimestampMicrosecondArray::from(values).with_timezone("UTC")),
    })
}

/// Days as a column of dates.
pub(super) fn build_dates(rows: usize, value: impl FnMut(usize) -> Result<Option<i32>>) -> Result<ArrayRef> {
    Ok(Arc::new((0..rows).map(value).collect::<Result<Date32Array>>()?))
}

fn known(text: &str, function: &str) -> Result<Part> {
    Part::parse(text).ok_or_else(|| {
        user_hint(
            format!("{function}: '{text}' is no part of a date or time"),
            "parts are year, quarter, month, week, day, hour, minute, second, …",
        )
    })
}

/// The part that a constant argument names, before the call runs.
pub(super) fn part_type(types: &Types<'_>, index: usize) -> Result<Part> {
    let text = types
        .literal_text(index)
        .ok_or_else(|| user(format!("{}: the part of a date must be a constant, like 'day'", types.name)))?;
    known(text, types.name)
}

/// The part that an argument names.
pub(super) fn part(call: &Call<'_>, index: usize) -> Result<Part> {
    let text = call.constant_text(index, "part of a date")?.unwrap_or_default();
    known(&text, call.name)
}

/// A part that a function cannot use.
pub(super) fn unsuited(function: &str, part: Part, kind: Kind) -> datafusion::error::DataFusionError {
    let kind = match kind {
        Kind::Date => "a date",
        Kind::Time => "a time",
        Kind::Ntz | Kind::Tz => "a timestamp",
    };
    user(format!("{function}: the part {part:?} does not suit {kind}").to_lowercase())
}
