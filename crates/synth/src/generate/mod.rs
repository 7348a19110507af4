//! `millstream generate`: user registrations and transactions, month by month.

use std::path::PathBuf;

use millstream_core::{Error, Progress, Result};

/// File format of what is generated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// RFC 4180 CSV with a header line and LF line ends.
    #[default]
    Csv,
    /// Parquet, zstd, with typed columns (amount `decimal(18,2)`, timestamps in microseconds without zone).
    Parquet,
}

/// Faults to inject, so that quality work has food.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Faults {
    /// Share of transactions that get a fault, 0 to 1; the kinds take turns by chance.
    pub rate: f64,
}

/// What to generate.
#[derive(Debug, Clone)]
pub struct GenerateOptions {
    /// Year of the first month, 1970 to 9999.
    pub year: i32,
    /// First month, 1 to 12.
    pub month: u32,
    /// Number of months in a row, at least 1.
    pub months: u32,
    /// New users who register in each month, at least 1.
    pub users: u64,
    /// Transactions in each month.
    pub transactions: u64,
    /// Folder to write to; created when it is missing.
    pub out_dir: PathBuf,
    /// Same seed (and same other options), same bytes.
    pub seed: u64,
    /// CSV or Parquet.
    pub format: Format,
    /// Faults to inject; `None` for clean files.
    pub faults: Option<Faults>,
    /// Share (0 to 1) of the users of earlier months who register again in a later month with another tier and city.
    pub changes: f64,
}

impl GenerateOptions {
    /// The default of `changes`.
    pub const DEFAULT_CHANGES: f64 = 0.1;
}

/// Which of the two files of a month.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// `user_registrations_YYYY_MM`.
    Users,
    /// `transactions_YYYY_MM`.
    Transactions,
}

/// One file that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GeneratedFile {
    /// Where it is: `out_dir` joined with its name.
    pub path: PathBuf,
    /// Users or transactions.
    pub kind: FileKind,
    /// Data rows in it (without the header; duplicates included).
    pub rows: u64,
    /// Its size in bytes.
    pub bytes: u64,
}

/// Kinds of injected faults.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FaultKind {
    /// The row is written twice, byte for byte (business fault: both rows load, deduplication keeps one).
    Duplicate,
    /// The timestamp lies in the month before the file's (business fault: the row loads as late-arriving).
    Late,
    /// The amount is not a decimal number (contract break: the row goes to quarantine).
    BadAmount,
    /// The user id belongs to nobody (business fault: the row loads, the user becomes an inferred member).
    UnknownUser,
    /// A merchant with a stray quote that ruins the record (contract break: the row goes to quarantine; CSV only).
    BrokenQuoting,
}

/// How many faults of one kind were injected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FaultCount {
    /// The kind.
    pub kind: FaultKind,
    /// Number of rows with it.
    pub rows: u64,
}

/// What was generated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GenerateReport {
    /// The files, in the order in which they were written.
    pub files: Vec<GeneratedFile>,
    /// Injected faults by kind, in the order of [`FaultKind`]; empty when none were asked for.
    pub faults: Vec<FaultCount>,
}

/// Writes the files of all months.
///
/// # Errors
/// Kind `usage` for options out of range, `environment` when a file cannot be written.
pub fn generate(_options: &GenerateOptions, _progress: &dyn Progress) -> Result<GenerateReport> {
    Err(Error::ours("not built yet"))
}
