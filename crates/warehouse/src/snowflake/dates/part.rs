//! DATE_PART, EXTRACT, YEAR, MONTH, … DAYNAME and MONTHNAME. Sources: Snowflake's pages "DATE_PART", "EXTRACT",
//! "YEAR* / DAY* / WEEK* / MONTH / QUARTER", "HOUR / MINUTE / SECOND", "DAYNAME", "MONTHNAME".

use arrow::array::ArrayRef;
use datafusion::error::Result;

use super::super::scalar::{Call, Function, function, int, text};
use super::super::time::{Civil, DAYS, MONTHS, Part, days_of, iso_week, micros_of_day, weekday_iso};
use super::instant::{Instants, Kind, part, unsuited};

pub(super) const FUNCTIONS: &[Function] = &[
    function(&["date_part"], 2, 2, int, |call| extract(call, part(call, 0)?, 1)),
    function(
        &[
            "year",
            "yearofweek",
            "yearofweekiso",
            "day",
            "dayofmonth",
            "dayofweek",
            "dayofweekiso",
            "dayofyear",
            "week",
            "weekofyear",
            "weekiso",
            "month",
            "quarter",
            "hour",
            "minute",
            "second",
        ],
        1,
        1,
        int,
        named,
    ),
    function(&["dayname"], 1, 1, text, day_name),
    function(&["monthname"], 1, 1, text, month_name),
];

fn named(call: &Call<'_>) -> Result<ArrayRef> {
    let part = Part::parse(call.name).ok_or_else(|| call.error("no such part"))?;
    extract(call, part, 0)
}

fn value(at: i64, part: Part) -> i64 {
    let day = days_of(at);
    let time = micros_of_day(at);
    match part {
        Part::Year => i64::from(Civil::of_days(day).year),
        Part::Quarter => i64::from(Civil::of_days(day).month.div_ceil(3)),
        Part::Month => i64::from(Civil::of_days(day).month),
        Part::Week | Part::WeekIso => iso_week(day).0,
        Part::YearOfWeek | Part::YearOfWeekIso => iso_week(day).1,
        Part::Day => i64::from(Civil::of_days(day).day),
        Part::DayOfWeek => weekday_iso(day) % 7,
        Part::DayOfWeekIso => weekday_iso(day),
        Part::DayOfYear => Civil::of_days(day).day_of_year(),
        Part::Hour => time / 3_600_000_000,
        Part::Minute => time / 60_000_000 % 60,
        Part::Second => time / 1_000_000 % 60,
        Part::Nanosecond => time % 1_000_000 * 1000,
        Part::EpochSecond => at.div_euclid(1_000_000),
        Part::EpochMillisecond => at.div_euclid(1_000),
        Part::EpochMicrosecond => at,
        Part::EpochNanosecond => at.saturating_mul(1000),
        // Zoned timestamps are in UTC.
        Part::TimezoneHour | Part::TimezoneMinute | Part::Millisecond | Part::Microsecond => 0,
    }
}

fn extract(call: &Call<'_>, part: Part, argument: usize) -> Result<ArrayRef> {
    let instants = Instants::of(call, argument)?;
    let of_time = matches!(part, Part::Hour | Part::Minute | Part::Second | Part::Nanosecond);
    let suits = match part {
        Part::Millisecond | Part::Microsecond => false,
        Part::TimezoneHour | Part::TimezoneMinute => instants.kind == Kind::Tz,
        _ => of_time || instants.kind != Kind::Time,
    };
    if !suits {
        return Err(unsuited(call.name, part, instants.kind));
    }
    call.ints(|row| Ok(instants.get(row).map(|at| value(at, part))))
}

fn day_name(call: &Call<'_>) -> Result<ArrayRef> {
    let instants = Instants::of(call, 0)?;
    call.texts(|row, out| {
        let Some(at) = instants.get(row) else { return Ok(false) };
        out.push_str(&DAYS[weekday_iso(days_of(at)) as usize - 1][..3]);
        Ok(true)
    })
}

fn month_name(call: &Call<'_>) -> Result<ArrayRef> {
    let instants = Instants::of(call, 0)?;
    call.texts(|row, out| {
        let Some(at) = instants.get(row) else { return Ok(false) };
        out.push_str(&MONTHS[Civil::of_days(days_of(at)).month as usize - 1][..3]);
        Ok(true)
    })
}
