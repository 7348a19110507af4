//! The store against real files: what it keeps, what it refuses, and what a killed writer leaves behind.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod kill;
mod ledger;
mod open;
mod runs;
mod schedules;

use chrono::{DateTime, Utc};
use millstream_core::{LedgerEntry, Outcome, TableName, UnitKind};
use millstream_store::Store;

fn store() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("workspace/state.db")).unwrap();
    (folder, store)
}

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_750_000_000 + seconds, 123_456_000).unwrap()
}

fn file_entry(unit: &str, hash: &str) -> LedgerEntry {
    LedgerEntry {
        table: TableName::new("raw", "transactions_batch"),
        kind: UnitKind::File,
        unit: unit.to_owned(),
        content_hash: Some(hash.to_owned()),
        offset_start: None,
        offset_end: None,
        rows_in: 200,
        rows_loaded: 197,
        rows_quarantined: 3,
        outcome: Outcome::Loaded,
        reason: None,
        table_version: Some(4),
        quarantine_version: Some(0),
        started_at: at(0),
        duration_ms: 17,
    }
}
