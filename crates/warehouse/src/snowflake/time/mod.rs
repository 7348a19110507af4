//! Calendar arithmetic and texts of dates and times; no Arrow here.
//!
//! Days count from 1970-01-01, instants are microseconds; both as the engine stores them. The calendar is the
//! proleptic Gregorian one.

mod auto;
mod civil;
mod format;
mod part;
mod zone;

pub(super) use auto::{Reading, parse};
pub(super) use civil::{
    Civil, DAY_US, days_in_month, days_of, iso_week, micros_of_day, monday_of, weekday_iso, write_date, write_time,
    write_timestamp,
};
pub(super) use format::Format;
pub(super) use part::Part;
pub(super) use zone::{Zone, zone};

/// English names of months.
pub(super) const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// English names of days, Monday first.
pub(super) const DAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
