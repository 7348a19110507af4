//! What `generate` can be asked for, and the limits of it.

use std::path::PathBuf;

use millstream_core::{Error, Result};

use super::Faults;
use crate::month::Month;

/// Most rows of user files over all months: what is kept of a user takes 32 bytes of memory.
pub const MAX_USERS: u64 = 10_000_000;
/// Most transactions in a month.
pub const MAX_TRANSACTIONS: u64 = 10_000_000_000;
/// Most months in a run: a century.
pub const MAX_MONTHS: u32 = 1_200;

/// File format of what is generated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// CSV (RFC 4180) with a header line and LF line ends.
    #[default]
    Csv,
    /// Parquet, zstd, with typed columns: amount `decimal(18,2)`, age Int32, is_active Boolean, timestamp and
    /// registration_date `timestamp(us, UTC)`, the rest text.
    Parquet,
}

impl Format {
    /// Its file name extension, without the dot.
    pub fn extension(self) -> &'static str {
        match self {
            Format::Csv => "csv",
            Format::Parquet => "parquet",
        }
    }
}

/// What to generate.
#[derive(Debug, Clone)]
pub struct GenerateOptions {
    /// Year of the first month, 1970 to 9999.
    pub year: i32,
    /// First month, 1 to 12.
    pub month: u32,
    /// Number of months in a row, 1 to [`MAX_MONTHS`].
    pub months: u32,
    /// Rows in each month's user file, at least 1; at most [`MAX_USERS`] over all months.
    pub users: u64,
    /// Transactions in each month, at most [`MAX_TRANSACTIONS`]; injected duplicates come on top.
    pub transactions: u64,
    /// Folder to write to; created when it is missing.
    pub out_dir: PathBuf,
    /// Same seed (and same other options), same bytes.
    pub seed: u64,
    /// CSV or Parquet.
    pub format: Format,
    /// Faults to inject into transactions; `None` for clean files.
    pub faults: Option<Faults>,
    /// Share (0 to 1) of the rows of every user file after the first that are users of earlier months who register
    /// again: same user_id, name, mail and age, another tier and city, a registration_date in the later month.
    pub changes: f64,
}

impl GenerateOptions {
    /// The default of `changes`: one row in ten.
    pub const DEFAULT_CHANGES: f64 = 0.1;

    /// Checks everything; returns the months.
    pub(super) fn check(&self) -> Result<Vec<Month>> {
        let range = |what: &str, low: u64, high: u64, got: u64| {
            if (low..=high).contains(&got) {
                return Ok(());
            }
            Err(Error::usage(format!("{what} {got} is out of range")).hint(format!("give {low} to {high}")))
        };
        let year = u64::try_from(self.year)
            .map_err(|_| Error::usage(format!("the year {} is out of range", self.year)).hint("give 1970 to 9999"))?;
        range("the year", 1970, 9999, year)?;
        range("the month", 1, 12, self.month.into())?;
        range("the number of months", 1, MAX_MONTHS.into(), self.months.into())?;
        range("the number of users", 1, MAX_USERS, self.users)?;
        range("the number of users over all months", 1, MAX_USERS, self.users.saturating_mul(self.months.into()))?;
        range("the number of transactions", 0, MAX_TRANSACTIONS, self.transactions)?;
        if !(0.0..=1.0).contains(&self.changes) {
            return Err(Error::usage(format!("the share of changes {} is not a share", self.changes))
                .hint("give a number from 0 to 1"));
        }
        self.faults.map_or(Ok(0), Faults::millionths)?;
        let first = Month::new(self.year, self.month);
        let months: Option<Vec<Month>> = (0..self.months).map(|count| first?.plus(count)).collect();
        match months {
            Some(months) if months.iter().all(|month| month.year() <= 9999) => Ok(months),
            _ => Err(Error::usage("the months reach beyond the year 9999").hint("ask for fewer months")),
        }
    }

    /// How many rows of the user file of month number `at` are users who register again.
    pub(super) fn registering_again(&self, at: usize) -> u64 {
        if at == 0 { 0 } else { ((self.users as f64 * self.changes).round() as u64).min(self.users) }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn options() -> GenerateOptions {
        GenerateOptions {
            year: 2025,
            month: 11,
            months: 3,
            users: 50,
            transactions: 500,
            out_dir: PathBuf::new(),
            seed: 1,
            format: Format::Csv,
            faults: None,
            changes: GenerateOptions::DEFAULT_CHANGES,
        }
    }

    #[test]
    fn months_run_over_the_end_of_the_year() {
        let names: Vec<String> = options().check().unwrap().iter().map(Month::to_string).collect();
        assert_eq!(names, ["2025_11", "2025_12", "2026_01"]);
    }

    #[test]
    fn every_limit_is_told() {
        let wrong = [
            GenerateOptions { year: 1969, ..options() },
            GenerateOptions { year: -1, ..options() },
            GenerateOptions { month: 0, ..options() },
            GenerateOptions { month: 13, ..options() },
            GenerateOptions { months: 0, ..options() },
            GenerateOptions { year: 9999, ..options() },
            GenerateOptions { users: 0, ..options() },
            GenerateOptions { users: MAX_USERS, ..options() },
            GenerateOptions { transactions: MAX_TRANSACTIONS + 1, ..options() },
            GenerateOptions { changes: 1.5, ..options() },
            GenerateOptions { changes: f64::NAN, ..options() },
            GenerateOptions { faults: Some(Faults { rate: -0.1 }), ..options() },
        ];
        for options in wrong {
            let error = options.check().unwrap_err();
            assert_eq!(error.kind(), millstream_core::Kind::Usage, "{options:?}");
            assert!(error.fix().is_some());
        }
    }
}
