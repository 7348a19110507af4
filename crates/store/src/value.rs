//! Between Rust's numbers and times and SQLite's 64-bit integers.

use chrono::{DateTime, Utc};

/// Counts are unsigned here and signed there. One beyond 2^63 cannot come from a real table; it is kept as the largest.
pub(crate) fn count(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// The way back; a negative number can only come from an edit by hand.
pub(crate) fn uncount(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(0)
}

/// Microseconds since 1970, UTC.
pub(crate) fn instant(value: DateTime<Utc>) -> i64 {
    value.timestamp_micros()
}

/// The way back; a value out of chrono's range becomes 1970.
pub(crate) fn uninstant(value: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(value).unwrap_or_default()
}
