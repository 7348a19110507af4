//! TIME_SLICE. Source: Snowflake's page of this name: slices are counted from 1970-01-01, weeks from the Monday before.

use arrow::array::ArrayRef;
use arrow::datatypes::DataType;
use datafusion::error::Result;

use super::super::scalar::{Call, Function, Types, function};
use super::super::time::{Civil, DAY_US, Part, days_of};
use super::instant::{Instants, Kind, build, part, unsuited};

pub(super) const FUNCTIONS: &[Function] = &[function(&["time_slice"], 3, 4, returns, slice)];

/// Days from the Monday before 1970-01-01, a Thursday, to it.
const EPOCH_TO_MONDAY: i64 = 3;

fn returns(types: &Types<'_>) -> Result<DataType> {
    Ok(Kind::of(types.of(0), types.name)?.arrow())
}

fn slice(call: &Call<'_>) -> Result<ArrayRef> {
    let (instants, lengths, part) = (Instants::of(call, 0)?, call.int(1)?, part(call, 2)?);
    let end = match call.constant_text(3, "side")?.map(|side| side.to_ascii_lowercase()).as_deref() {
        None | Some("start") => false,
        Some("end") => true,
        Some(other) => return Err(call.error(format!("'{other}' is neither START nor END"))),
    };
    if instants.kind == Kind::Time || (instants.kind == Kind::Date && part.micros().is_some()) {
        return Err(unsuited(call.name, part, instants.kind));
    }
    let months = match part {
        Part::Year => Some(12),
        Part::Quarter => Some(3),
        Part::Month => Some(1),
        _ => None,
    };
    let (unit, shift) = match part {
        Part::Week | Part::WeekIso => (7 * DAY_US, EPOCH_TO_MONDAY * DAY_US),
        Part::Day => (DAY_US, 0),
        other => match other.micros().filter(|unit| *unit >= 1_000_000) {
            Some(unit) => (unit, 0),
            None if months.is_some() => (0, 0),
            None => return Err(unsuited(call.name, part, instants.kind)),
        },
    };
    build(instants.kind, call.rows, |row| {
        let (Some(at), Some(length)) = (instants.get(row), lengths.get(row)) else { return Ok(None) };
        if length < 1 {
            return Err(call.error("a slice is at least 1 long"));
        }
        let large = || call.error("the slice is too long");
        if let Some(months) = months {
            let length = length.checked_mul(months).ok_or_else(large)?;
            let since = Civil::of_days(days_of(at)).months() - 1970 * 12;
            let begin = since.div_euclid(length) * length + if end { length } else { 0 };
            let day = Civil { year: 1970, month: 1, day: 1 }.plus_months(begin).ok_or_else(large)?;
            return Ok(Some(i64::from(day.days()) * DAY_US));
        }
        let length = length.checked_mul(unit).ok_or_else(large)?;
        let begin = (at + shift).div_euclid(length) * length - shift;
        Ok(Some(if end { begin + length } else { begin }))
    })
}
