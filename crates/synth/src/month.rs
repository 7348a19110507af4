//! Months and moments within them, kept as small numbers because one is made for every row.

use chrono::{Datelike, Months, NaiveDate};

/// A month of a year.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Month {
    first: NaiveDate,
    days: u32,
}

/// A second of a month: day from 1, second of the day from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Moment {
    pub(crate) month: Month,
    pub(crate) day: u32,
    pub(crate) second: u32,
}

impl Month {
    /// Month `month` (1 to 12) of `year`, or nothing when there is no such month.
    pub(crate) fn new(year: i32, month: u32) -> Option<Self> {
        Self::starting(NaiveDate::from_ymd_opt(year, month, 1)?)
    }

    fn starting(first: NaiveDate) -> Option<Self> {
        let days = first.checked_add_months(Months::new(1))?.signed_duration_since(first).num_days();
        Some(Self { first, days: u32::try_from(days).ok()? })
    }

    /// The month `count` months later.
    pub(crate) fn plus(self, count: u32) -> Option<Self> {
        Self::starting(self.first.checked_add_months(Months::new(count))?)
    }

    /// The month before.
    pub(crate) fn previous(self) -> Option<Self> {
        Self::starting(self.first.checked_sub_months(Months::new(1))?)
    }

    /// The year.
    pub(crate) fn year(self) -> i32 {
        self.first.year()
    }

    /// The month, 1 to 12.
    pub(crate) fn month(self) -> u32 {
        self.first.month()
    }

    /// Number of days in it.
    pub(crate) fn days(self) -> u32 {
        self.days
    }

    /// Its number in the count of all months, which keeps random streams of months apart.
    pub(crate) fn number(self) -> u64 {
        u64::try_from(self.year()).unwrap_or(0) * 12 + u64::from(self.month())
    }
}

impl std::fmt::Display for Month {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:04}_{:02}", self.year(), self.month())
    }
}

impl Moment {
    /// Microseconds since 1970-01-01T00:00:00Z.
    pub(crate) fn micros(&self) -> i64 {
        let epoch = NaiveDate::default();
        let days = self.month.first.signed_duration_since(epoch).num_days() + i64::from(self.day) - 1;
        (days * 86_400 + i64::from(self.second)) * 1_000_000
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn months_have_their_days_and_neighbours() {
        assert_eq!(Month::new(2024, 2).unwrap().days(), 29);
        assert_eq!(Month::new(2025, 2).unwrap().days(), 28);
        assert_eq!(Month::new(2025, 12).unwrap().plus(1).unwrap(), Month::new(2026, 1).unwrap());
        assert_eq!(Month::new(2025, 1).unwrap().previous().unwrap(), Month::new(2024, 12).unwrap());
        assert_eq!(Month::new(2025, 13), None);
        assert_eq!(Month::new(2025, 6).unwrap().to_string(), "2025_06");
    }

    #[test]
    fn moments_are_utc_microseconds() {
        let moment = Moment { month: Month::new(2025, 6).unwrap(), day: 13, second: 16 * 3600 + 20 * 60 + 45 };
        assert_eq!(moment.micros(), 1_749_831_645_000_000);
    }
}
