//! The ledger: one line for each file and offset range that was ever offered to the warehouse. While a topic is
//! followed, the commits of some minutes share a line that grows.
//!
//! Guarantees (by whoever writes it): `rows_in == rows_loaded + rows_quarantined` on every line whose outcome
//! is [`Outcome::Loaded`] or [`Outcome::Replaced`]. The ledger is a record, not the source of truth for
//! positions: those live in the tables' own commits, and each commit's note carries the ledger line, so that a
//! line lost to a crash between commit and ledger is written again by the next run.

use chrono::{DateTime, Utc};

use crate::{Result, TableName};

/// What kind of unit a ledger line is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum UnitKind {
    /// A file.
    File,
    /// A range of offsets in one partition of a Kafka topic.
    Offsets,
}

/// How it ended for the unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// Rows are in the table (and the broken ones in quarantine).
    Loaded,
    /// The same, and rows of an earlier version of the file were taken out in the same commit.
    Replaced,
    /// Nothing was loaded: the file breaks its contract as a whole or beyond the declared share.
    Refused,
    /// Offsets that the broker no longer had were skipped on the user's word.
    Gap,
}

/// One line of the ledger.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct LedgerEntry {
    /// The table that the unit belongs to, for example `raw.transactions_batch`.
    pub table: TableName,
    /// File or offset range.
    pub kind: UnitKind,
    /// File name relative to the project (`data/incoming/x.csv`), or `topic/partition`.
    pub unit: String,
    /// SHA-256 of the file's bytes, in hex; none for offsets.
    pub content_hash: Option<String>,
    /// First offset of the range; none for files.
    pub offset_start: Option<i64>,
    /// The offset after the last of the range; none for files.
    pub offset_end: Option<i64>,
    /// Records read: CSV rows without the header, or Kafka messages.
    pub rows_in: u64,
    /// Records that are in the table.
    pub rows_loaded: u64,
    /// Records that are in quarantine.
    pub rows_quarantined: u64,
    /// How it ended.
    pub outcome: Outcome,
    /// Why, when it was refused or skipped.
    pub reason: Option<String>,
    /// Delta version of the table that first shows the rows; none when nothing was committed to it.
    pub table_version: Option<u64>,
    /// Delta version of the quarantine table that first shows the broken rows.
    pub quarantine_version: Option<u64>,
    /// When the work on the unit started, UTC.
    pub started_at: DateTime<Utc>,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
}

/// Keeps ledger lines. Implemented over SQLite by `millstream-store`.
pub trait Ledger: Send + Sync {
    /// Writes a line. A line for the same table, unit, content hash, offset start and outcome is written once:
    /// a second call with the same key overwrites it, so that repair after a crash is idempotent.
    fn record(&self, entry: &LedgerEntry) -> Result<()>;
    /// All lines, oldest first.
    fn entries(&self) -> Result<Vec<LedgerEntry>>;
}
