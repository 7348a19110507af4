//! DATEADD, TIMEADD, TIMESTAMPADD. Source: Snowflake's page "DATEADD": months keep the day where the month has it and
//! take its last day where not; a date with hours, minutes or seconds added becomes a timestamp.

use arrow::array::ArrayRef;
use arrow::datatypes::DataType;
use datafusion::error::Result;

use super::super::scalar::{Call, Function, Types, function};
use super::super::time::{Civil, DAY_US, Part, days_of, micros_of_day};
use super::instant::{Instants, Kind, build, part, part_type, unsuited};

pub(super) const FUNCTIONS: &[Function] = &[function(&["dateadd", "timeadd", "timestampadd"], 3, 3, returns, add)];

fn result(kind: Kind, part: Part) -> Kind {
    if kind == Kind::Date && (part.micros().is_some() || part == Part::Nanosecond) { Kind::Ntz } else { kind }
}

fn returns(types: &Types<'_>) -> Result<DataType> {
    Ok(result(Kind::of(types.of(2), types.name)?, part_type(types, 0)?).arrow())
}

fn add(call: &Call<'_>) -> Result<ArrayRef> {
    let part = part(call, 0)?;
    let (amounts, instants) = (call.int(1)?, Instants::of(call, 2)?);
    let calendar = matches!(part, Part::Year | Part::Quarter | Part::Month | Part::Week | Part::WeekIso | Part::Day);
    if (instants.kind == Kind::Time && calendar) || !(calendar || part.micros().is_some() || part == Part::Nanosecond) {
        return Err(unsuited(call.name, part, instants.kind));
    }
    build(result(instants.kind, part), call.rows, |row| {
        let (Some(amount), Some(at)) = (amounts.get(row), instants.get(row)) else { return Ok(None) };
        plus(at, part, amount).map(Some).ok_or_else(|| call.error("the result is beyond what a date can be"))
    })
}

/// An instant with parts added; nothing when it leaves the calendar.
pub(super) fn plus(at: i64, part: Part, amount: i64) -> Option<i64> {
    let months = |months: i64| {
        let day = Civil::of_days(days_of(at)).plus_months(months)?;
        Some(i64::from(day.days()) * DAY_US + micros_of_day(at))
    };
    match part {
        Part::Year => months(amount.checked_mul(12)?),
        Part::Quarter => months(amount.checked_mul(3)?),
        Part::Month => months(amount),
        Part::Week | Part::WeekIso => at.checked_add(amount.checked_mul(7 * DAY_US)?),
        Part::Day => at.checked_add(amount.checked_mul(DAY_US)?),
        Part::Nanosecond => at.checked_add(amount.div_euclid(1000)),
        other => at.checked_add(amount.checked_mul(other.micros()?)?),
    }
}
