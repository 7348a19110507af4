//! DATE_TRUNC, and TRUNC of dates. Source: Snowflake's page "DATE_TRUNC": the result has the type of the argument.

use arrow::array::ArrayRef;
use arrow::datatypes::DataType;
use datafusion::error::Result;

use super::super::scalar::{Call, Function, Types, function};
use super::super::time::{Civil, DAY_US, Part, days_of, monday_of};
use super::super::types::is_text;
use super::instant::{Instants, Kind, build, part, part_type, unsuited};

pub(super) const FUNCTIONS: &[Function] =
    &[function(&["date_trunc"], 2, 2, |types| date_type(types, 1), |call| truncate(call, 1))];

/// Type of the result when the date is argument `date` of two.
pub(in crate::snowflake) fn date_type(types: &Types<'_>, date: usize) -> Result<DataType> {
    // Both orders of the arguments are in use; the part is the one that names a part.
    part_type(types, 1 - date)?;
    Ok(Kind::of(types.of(date), types.name)?.arrow())
}

/// The beginning of the part that an instant is in.
pub(super) fn begin(at: i64, part: Part) -> Option<i64> {
    let day = days_of(at);
    let midnight = |day: i32| i64::from(day) * DAY_US;
    let civil = || Civil::of_days(day);
    Some(match part {
        Part::Year => midnight(Civil { month: 1, day: 1, ..civil() }.days()),
        Part::Quarter => {
            let civil = civil();
            midnight(Civil { month: (civil.month - 1) / 3 * 3 + 1, day: 1, ..civil }.days())
        }
        Part::Month => midnight(Civil { day: 1, ..civil() }.days()),
        Part::Week | Part::WeekIso => midnight(monday_of(day)),
        Part::Day => midnight(day),
        Part::Nanosecond => at,
        other => {
            let length = other.micros()?;
            at.div_euclid(length) * length
        }
    })
}

/// Truncates argument `date`; the other one is the part.
pub(in crate::snowflake) fn truncate(call: &Call<'_>, date: usize) -> Result<ArrayRef> {
    let part = part(call, 1 - date)?;
    let instants = Instants::of(call, date)?;
    let calendar = matches!(part, Part::Year | Part::Quarter | Part::Month | Part::Week | Part::WeekIso | Part::Day);
    if begin(0, part).is_none() || (calendar && instants.kind == Kind::Time) {
        return Err(unsuited(call.name, part, instants.kind));
    }
    debug_assert!(call.len() == 2 && !is_text(call.return_type));
    build(instants.kind, call.rows, |row| Ok(instants.get(row).and_then(|at| begin(at, part))))
}
