//! ADD_MONTHS and MONTHS_BETWEEN. Sources: Snowflake's pages of these names: the last day of a month stays the last
//! day, and parts of a month count as parts of 31 days.

use arrow::array::ArrayRef;
use arrow::datatypes::DataType;
use datafusion::error::Result;

use super::super::scalar::{Call, Function, Types, float, function};
use super::super::time::{Civil, DAY_US, days_in_month, days_of, micros_of_day};
use super::instant::{Instants, Kind, build};

pub(super) const FUNCTIONS: &[Function] = &[
    function(&["add_months"], 2, 2, kind_of_first, add_months),
    function(&["months_between"], 2, 2, float, months_between),
];

fn kind_of_first(types: &Types<'_>) -> Result<DataType> {
    Ok(Kind::of(types.of(0), types.name)?.arrow())
}

fn add_months(call: &Call<'_>) -> Result<ArrayRef> {
    let (instants, months) = (Instants::of(call, 0)?, call.int(1)?);
    if instants.kind == Kind::Time {
        return Err(call.error("a time of day has no months"));
    }
    build(instants.kind, call.rows, |row| {
        let (Some(at), Some(months)) = (instants.get(row), months.get(row)) else { return Ok(None) };
        let day = Civil::of_days(days_of(at));
        let mut later = day.plus_months(months).ok_or_else(|| call.error("the result is beyond what a date can be"))?;
        if day.ends_month() {
            later.day = days_in_month(later.year, later.month);
        }
        Ok(Some(i64::from(later.days()) * DAY_US + micros_of_day(at)))
    })
}

fn months_between(call: &Call<'_>) -> Result<ArrayRef> {
    let (later, earlier) = (Instants::of(call, 0)?, Instants::of(call, 1)?);
    if later.kind == Kind::Time || earlier.kind == Kind::Time {
        return Err(call.error("a time of day has no months"));
    }
    call.floats(|row| {
        let (Some(later), Some(earlier)) = (later.get(row), earlier.get(row)) else { return Ok(None) };
        let (a, b) = (Civil::of_days(days_of(later)), Civil::of_days(days_of(earlier)));
        let whole = (a.months() - b.months()) as f64;
        if a.day == b.day || (a.ends_month() && b.ends_month()) {
            return Ok(Some(whole));
        }
        let days = f64::from(a.day) - f64::from(b.day);
        let time = (micros_of_day(later) - micros_of_day(earlier)) as f64 / DAY_US as f64;
        let exact = whole + (days + time) / 31.0;
        Ok(Some((exact * 1e6).round() / 1e6))
    })
}
