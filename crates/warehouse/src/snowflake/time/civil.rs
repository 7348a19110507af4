//! Days since 1970 to year, month and day, and back.

use std::fmt::Write;

/// Microseconds of a day.
pub(in crate::snowflake) const DAY_US: i64 = 86_400_000_000;

/// A day of the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::snowflake) struct Civil {
    pub year: i32,
    /// 1 to 12.
    pub month: u32,
    /// 1 to 31.
    pub day: u32,
}

impl Civil {
    /// The day that is this many days after 1970-01-01.
    pub(in crate::snowflake) fn of_days(days: i32) -> Self {
        // Years begin in March here, so that the leap day is the last of a year; 400 years have 146,097 days.
        let shifted = i64::from(days) + 719_468;
        let era = shifted.div_euclid(146_097);
        let day_of_era = shifted.rem_euclid(146_097);
        let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * month + 2) / 5 + 1;
        let month = if month < 10 { month + 3 } else { month - 9 };
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        Self { year: year as i32, month: month as u32, day: day as u32 }
    }

    /// Days since 1970-01-01.
    pub(in crate::snowflake) fn days(self) -> i32 {
        let year = i64::from(self.year) - i64::from(self.month <= 2);
        let era = year.div_euclid(400);
        let year_of_era = year.rem_euclid(400);
        let month = i64::from(self.month);
        let day_of_year = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5 + i64::from(self.day) - 1;
        let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        (era * 146_097 + day_of_era - 719_468) as i32
    }

    /// A day that the calendar has.
    pub(in crate::snowflake) fn checked(year: i64, month: i64, day: i64) -> Option<Self> {
        let (year, month) = (i32::try_from(year).ok()?, u32::try_from(month).ok()?);
        let day = u32::try_from(day).ok()?;
        let valid = (-99_999..=99_999).contains(&year)
            && (1..=12).contains(&month)
            && day >= 1
            && day <= days_in_month(year, month);
        valid.then_some(Self { year, month, day })
    }

    /// Months since year 0.
    pub(in crate::snowflake) fn months(self) -> i64 {
        i64::from(self.year) * 12 + i64::from(self.month) - 1
    }

    /// The day `months` later; when that month is shorter, its last day.
    pub(in crate::snowflake) fn plus_months(self, months: i64) -> Option<Self> {
        let total = self.months().checked_add(months)?;
        let year = i32::try_from(total.div_euclid(12)).ok().filter(|year| year.abs() <= 99_999)?;
        let month = total.rem_euclid(12) as u32 + 1;
        Some(Self { year, month, day: self.day.min(days_in_month(year, month)) })
    }

    /// Whether it is the last day of its month.
    pub(in crate::snowflake) fn ends_month(self) -> bool {
        self.day == days_in_month(self.year, self.month)
    }

    /// Day of the year, from 1.
    pub(in crate::snowflake) fn day_of_year(self) -> i64 {
        i64::from(self.days() - Self { year: self.year, month: 1, day: 1 }.days() + 1)
    }
}

/// Days that a month has.
pub(in crate::snowflake) fn days_in_month(year: i32, month: u32) -> u32 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Day of the week: Monday is 1, Sunday 7.
pub(in crate::snowflake) fn weekday_iso(days: i32) -> i64 {
    i64::from((days + 3).rem_euclid(7) + 1)
}

/// The Monday of a day's week.
pub(in crate::snowflake) fn monday_of(days: i32) -> i32 {
    days - (days + 3).rem_euclid(7)
}

/// ISO week and the year it belongs to.
pub(in crate::snowflake) fn iso_week(days: i32) -> (i64, i64) {
    // A week belongs to the year that its Thursday is in.
    let thursday = Civil::of_days(monday_of(days) + 3);
    ((thursday.day_of_year() - 1) / 7 + 1, i64::from(thursday.year))
}

/// The day that an instant is in.
pub(in crate::snowflake) fn days_of(micros: i64) -> i32 {
    micros.div_euclid(DAY_US) as i32
}

/// The time of day of an instant.
pub(in crate::snowflake) fn micros_of_day(micros: i64) -> i64 {
    micros.rem_euclid(DAY_US)
}

/// Appends `2024-05-17`.
pub(in crate::snowflake) fn write_date(days: i32, out: &mut String) {
    let civil = Civil::of_days(days);
    let _ = write!(out, "{:04}-{:02}-{:02}", civil.year, civil.month, civil.day);
}

/// Appends `13:05:00`, and so many digits of the second's fraction.
pub(in crate::snowflake) fn write_time(micros: i64, digits: usize, out: &mut String) {
    let seconds = micros / 1_000_000;
    let _ = write!(out, "{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    if digits > 0 {
        out.push('.');
        write_fraction(micros, digits, out);
    }
}

/// Appends the first digits of a second's fraction (9 at most; the last three are zeros).
pub(super) fn write_fraction(micros: i64, digits: usize, out: &mut String) {
    let nanos = format!("{:09}", micros.rem_euclid(1_000_000) * 1000);
    out.push_str(&nanos[..digits.min(9)]);
}

/// Appends `2024-05-17 13:05:00.000`, with so many digits of the second's fraction.
pub(in crate::snowflake) fn write_timestamp(micros: i64, digits: usize, out: &mut String) {
    write_date(days_of(micros), out);
    out.push(' ');
    write_time(micros_of_day(micros), digits, out);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_dates_agree_for_centuries() {
        let mut before = Civil::of_days(-800_001);
        for days in -800_000..800_000 {
            let civil = Civil::of_days(days);
            assert_eq!(civil.days(), days);
            assert!(civil > before && civil.day <= days_in_month(civil.year, civil.month));
            before = civil;
        }
        assert_eq!(Civil::of_days(0), Civil { year: 1970, month: 1, day: 1 });
        assert_eq!(weekday_iso(0), 4);
    }

    #[test]
    fn iso_weeks_belong_to_the_year_of_their_thursday() {
        let week = |year, month, day| iso_week(Civil { year, month, day }.days());
        assert_eq!(week(2016, 1, 1), (53, 2015));
        assert_eq!(week(2018, 12, 31), (1, 2019));
        assert_eq!(week(2024, 12, 29), (52, 2024));
    }
}
