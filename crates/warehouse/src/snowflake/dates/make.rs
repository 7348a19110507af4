//! DATE_FROM_PARTS, TIME_FROM_PARTS, TIMESTAMP_FROM_PARTS and their kin. Sources: Snowflake's pages of these names:
//! parts outside of their range carry over, so that day 0 is the last one of the month before.

use arrow::array::ArrayRef;
use arrow::datatypes::DataType;
use datafusion::error::Result;

use super::super::scalar::{Call, Function, Types, date, function};
use super::super::time::{Civil, DAY_US, zone};
use super::super::types::{self, is_number};
use super::instant::{Instants, Kind, build, build_dates};

pub(super) const FUNCTIONS: &[Function] = &[
    function(&["date_from_parts", "datefromparts"], 3, 3, date, date_from_parts),
    function(&["time_from_parts", "timefromparts"], 3, 4, |_| Ok(types::time()), time_from_parts),
    function(
        &["timestamp_from_parts", "timestampfromparts", "timestamp_ntz_from_parts", "timestampntzfromparts"],
        2,
        7,
        |_| Ok(types::ntz()),
        |call| timestamp(call, Kind::Ntz),
    ),
    function(
        &["timestamp_ltz_from_parts", "timestampltzfromparts", "timestamp_tz_from_parts", "timestamptzfromparts"],
        6,
        8,
        zoned,
        |call| timestamp(call, Kind::Tz),
    ),
];

fn zoned(_: &Types<'_>) -> Result<DataType> {
    Ok(types::tz())
}

/// The day of a year, month and day that may be out of range.
fn day(year: i64, month: i64, day: i64) -> Option<i32> {
    let first = Civil { year: 0, month: 1, day: 1 }.plus_months(year.checked_mul(12)?.checked_add(month - 1)?)?;
    first.days().checked_add(i32::try_from(day - 1).ok()?)
}

fn date_from_parts(call: &Call<'_>) -> Result<ArrayRef> {
    let (years, months, days) = (call.int(0)?, call.int(1)?, call.int(2)?);
    build_dates(call.rows, |row| {
        let (Some(year), Some(month), Some(date)) = (years.get(row), months.get(row), days.get(row)) else {
            return Ok(None);
        };
        day(year, month, date).map(Some).ok_or_else(|| call.error("the result is beyond what a date can be"))
    })
}

/// Microseconds of hours, minutes, seconds and (if given) nanoseconds that begin at an argument.
fn clock<'a>(call: &'a Call<'_>, first: usize) -> Result<impl Fn(usize) -> Option<i64> + use<'a>> {
    let (hours, minutes, seconds) = (call.int(first)?, call.int(first + 1)?, call.int(first + 2)?);
    let nanos = call.int_or(first + 3, 0)?;
    Ok(move |row| {
        let seconds = (hours.get(row)? * 60 + minutes.get(row)?) * 60 + seconds.get(row)?;
        Some(seconds * 1_000_000 + nanos.get(row)?.div_euclid(1000))
    })
}

fn time_from_parts(call: &Call<'_>) -> Result<ArrayRef> {
    let clock = clock(call, 0)?;
    build(Kind::Time, call.rows, |row| Ok(clock(row)))
}

fn timestamp(call: &Call<'_>, kind: Kind) -> Result<ArrayRef> {
    if call.len() == 2 {
        let (days, times) = (Instants::of(call, 0)?, Instants::of(call, 1)?);
        return build(kind, call.rows, |row| {
            Ok(match (days.get(row), times.get(row)) {
                (Some(day), Some(time)) => Some(day.div_euclid(DAY_US) * DAY_US + time.rem_euclid(DAY_US)),
                _ => None,
            })
        });
    }
    if call.len() < 6 || (0..6).any(|index| !is_number(&call.type_of(index)) && call.type_of(index) != DataType::Null) {
        return Err(call.error("takes a date and a time, or year, month, day, hour, minute, second"));
    }
    let (years, months, days) = (call.int(0)?, call.int(1)?, call.int(2)?);
    let clock = clock(call, 3)?;
    let zone = match call.constant_text(7, "time zone")? {
        Some(name) => Some(zone(&name).map_err(|error| call.error(error))?),
        None => None,
    };
    build(kind, call.rows, |row| {
        let (Some(year), Some(month), Some(date)) = (years.get(row), months.get(row), days.get(row)) else {
            return Ok(None);
        };
        let Some(time) = clock(row) else { return Ok(None) };
        let wall = day(year, month, date).map(|day| i64::from(day) * DAY_US + time);
        let instant = match zone {
            Some(zone) => wall.and_then(|wall| zone.instant(wall)),
            None => wall,
        };
        instant.map(Some).ok_or_else(|| call.error("the result is beyond what a date can be"))
    })
}
