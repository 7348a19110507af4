//! LAST_DAY, NEXT_DAY and PREVIOUS_DAY. Sources: Snowflake's pages of these names.

use arrow::array::ArrayRef;
use datafusion::error::Result;

use super::super::scalar::{Call, Function, date, function};
use super::super::time::{Civil, DAYS, Part, days_in_month, days_of, monday_of, weekday_iso};
use super::instant::{Instants, Kind, build_dates, part, unsuited};

pub(super) const FUNCTIONS: &[Function] = &[
    function(&["last_day"], 1, 2, date, last_day),
    function(&["next_day"], 2, 2, date, |call| neighbour(call, true)),
    function(&["previous_day"], 2, 2, date, |call| neighbour(call, false)),
];

fn last_day(call: &Call<'_>) -> Result<ArrayRef> {
    let part = if call.len() > 1 { part(call, 1)? } else { Part::Month };
    let instants = Instants::of(call, 0)?;
    let suits = matches!(part, Part::Year | Part::Quarter | Part::Month | Part::Week | Part::WeekIso | Part::Day);
    if !suits || instants.kind == Kind::Time {
        return Err(unsuited(call.name, part, instants.kind));
    }
    build_dates(call.rows, |row| {
        Ok(instants.get(row).map(|at| {
            let day = days_of(at);
            let civil = Civil::of_days(day);
            let end_of = |month: u32| Civil { month, day: days_in_month(civil.year, month), ..civil }.days();
            match part {
                Part::Year => end_of(12),
                Part::Quarter => end_of(civil.month.div_ceil(3) * 3),
                Part::Month => end_of(civil.month),
                Part::Day => day,
                _ => monday_of(day) + 6,
            }
        }))
    })
}

/// The nearest such weekday after or before a date; never the date itself.
fn neighbour(call: &Call<'_>, after: bool) -> Result<ArrayRef> {
    let (instants, names) = (Instants::of(call, 0)?, call.text(1)?);
    build_dates(call.rows, |row| {
        let (Some(at), Some(name)) = (instants.get(row), names.get(row)) else { return Ok(None) };
        let wanted = name.trim();
        let index = DAYS
            .iter()
            .position(|day| {
                wanted.len() >= 2 && day.len() >= wanted.len() && day[..wanted.len()].eq_ignore_ascii_case(wanted)
            })
            .ok_or_else(|| call.error(format!("'{name}' is no day of the week; its first two letters are enough")))?;
        let (day, wanted) = (days_of(at), index as i32 + 1);
        let today = weekday_iso(day) as i32;
        Ok(Some(if after {
            day + (wanted - today - 1).rem_euclid(7) + 1
        } else {
            day - (today - wanted - 1).rem_euclid(7) - 1
        }))
    })
}
