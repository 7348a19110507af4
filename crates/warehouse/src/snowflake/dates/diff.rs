//! DATEDIFF, TIMEDIFF, TIMESTAMPDIFF. Source: Snowflake's page "DATEDIFF": counts the boundaries of the part between
//! the two, so a second over New Year's Eve is one year. A week's boundary is Monday's midnight.

use arrow::array::ArrayRef;
use datafusion::error::Result;

use super::super::scalar::{Call, Function, function, int};
use super::super::time::{Civil, Part, days_of, monday_of};
use super::instant::{Instants, Kind, part, unsuited};

pub(super) const FUNCTIONS: &[Function] = &[function(&["datediff", "timediff", "timestampdiff"], 3, 3, int, diff)];

/// The number of the boundary that lies before an instant.
fn boundary(at: i64, part: Part) -> Option<i64> {
    Some(match part {
        Part::Year => i64::from(Civil::of_days(days_of(at)).year),
        Part::Quarter => Civil::of_days(days_of(at)).months().div_euclid(3),
        Part::Month => Civil::of_days(days_of(at)).months(),
        Part::Week | Part::WeekIso => i64::from(monday_of(days_of(at))).div_euclid(7),
        Part::Day => i64::from(days_of(at)),
        Part::Nanosecond => at.checked_mul(1000)?,
        other => at.div_euclid(other.micros()?),
    })
}

fn diff(call: &Call<'_>) -> Result<ArrayRef> {
    let part = part(call, 0)?;
    let (from, to) = (Instants::of(call, 1)?, Instants::of(call, 2)?);
    let calendar = matches!(part, Part::Year | Part::Quarter | Part::Month | Part::Week | Part::WeekIso | Part::Day);
    if !(calendar || part.micros().is_some() || part == Part::Nanosecond) {
        return Err(unsuited(call.name, part, from.kind));
    }
    let times = [from.kind, to.kind].iter().filter(|kind| **kind == Kind::Time).count();
    if times > 0 && calendar {
        return Err(unsuited(call.name, part, Kind::Time));
    }
    if times == 1 && ![from.kind, to.kind].contains(&Kind::Ntz) {
        return Err(call.error("a time of day and a date have no difference"));
    }
    call.ints(|row| {
        let (Some(from), Some(to)) = (from.get(row), to.get(row)) else { return Ok(None) };
        match (boundary(from, part), boundary(to, part)) {
            (Some(from), Some(to)) => Ok(Some(to - from)),
            _ => Err(call.error("the difference is too large for nanoseconds")),
        }
    })
}
