//! The ledger over SQLite.
//!
//! Guarantees: one line for each table, unit, content hash, first offset and outcome; writing it again overwrites
//! it in place, so that repair after a crash neither doubles nor reorders lines.

use chrono::{DateTime, Utc};
use millstream_core::{Error, Ledger, LedgerEntry, Outcome, Result, TableName, UnitKind};
use rusqlite::{Row, params};

use crate::Store;
use crate::value::{count, instant, uncount, uninstant};

/// SQLite's unique keys treat nulls as different from each other; a file has no first offset, so this stands in.
const NO_OFFSET: i64 = -1;

impl Ledger for Store {
    fn record(&self, entry: &LedgerEntry) -> Result<()> {
        let connection = self.connection();
        let mut statement = connection
            .prepare_cached(
                "insert into ledger (table_schema, table_name, kind, unit, content_hash, offset_start, offset_end,
                    rows_in, rows_loaded, rows_quarantined, outcome, reason, table_version, quarantine_version,
                    started_us, duration_ms)
                 values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)
                 on conflict (table_schema, table_name, unit, content_hash, offset_start, outcome) do update set
                    kind = excluded.kind, offset_end = excluded.offset_end, rows_in = excluded.rows_in,
                    rows_loaded = excluded.rows_loaded, rows_quarantined = excluded.rows_quarantined,
                    reason = excluded.reason, table_version = excluded.table_version,
                    quarantine_version = excluded.quarantine_version, started_us = excluded.started_us,
                    duration_ms = excluded.duration_ms",
            )
            .map_err(|error| self.error(error))?;
        statement
            .execute(params![
                entry.table.schema,
                entry.table.name,
                kind_name(entry.kind),
                entry.unit,
                entry.content_hash.as_deref().unwrap_or_default(),
                entry.offset_start.unwrap_or(NO_OFFSET),
                entry.offset_end,
                count(entry.rows_in),
                count(entry.rows_loaded),
                count(entry.rows_quarantined),
                outcome_name(entry.outcome),
                entry.reason,
                entry.table_version.map(count),
                entry.quarantine_version.map(count),
                instant(entry.started_at),
                count(entry.duration_ms),
            ])
            .map_err(|error| self.error(error))?;
        Ok(())
    }

    fn entries(&self) -> Result<Vec<LedgerEntry>> {
        let connection = self.connection();
        let mut statement = connection
            .prepare_cached(
                "select table_schema, table_name, kind, unit, content_hash, offset_start, offset_end, rows_in,
                    rows_loaded, rows_quarantined, outcome, reason, table_version, quarantine_version, started_us,
                    duration_ms
                 from ledger order by started_us, id",
            )
            .map_err(|error| self.error(error))?;
        let rows = statement.query_map([], read).map_err(|error| self.error(error))?;
        rows.map(|row| row.map_err(|error| self.error(error))?).collect()
    }
}

impl Store {
    /// When the latest load into a table had ended; none when nothing was loaded.
    ///
    /// # Errors
    /// An environment error when the ledger cannot be read.
    pub fn last_load(&self, table: &TableName) -> Result<Option<DateTime<Utc>>> {
        let found: rusqlite::Result<Option<i64>> = self.connection().query_row(
            "select max(started_us + duration_ms * 1000) from ledger
             where table_schema = ?1 and table_name = ?2 and outcome in (?3, ?4)",
            params![table.schema, table.name, outcome_name(Outcome::Loaded), outcome_name(Outcome::Replaced)],
            |row| row.get(0),
        );
        found.map(|latest| latest.map(uninstant)).map_err(|error| self.error(error))
    }
}

/// The outer result is SQLite's, the inner one says that a word in the file is not one of ours.
fn read(row: &Row<'_>) -> rusqlite::Result<Result<LedgerEntry>> {
    let kind: String = row.get(2)?;
    let outcome: String = row.get(10)?;
    let content_hash: String = row.get(4)?;
    let offset_start: i64 = row.get(5)?;
    let (kind, outcome) = match (kind_of(&kind), outcome_of(&outcome)) {
        (Some(kind), Some(outcome)) => (kind, outcome),
        _ => {
            return Ok(Err(Error::environment(format!("the ledger holds an unknown word: '{kind}' or '{outcome}'"))
                .hint("state.db was edited by hand; move it away and ingest again to rebuild the ledger")));
        }
    };
    Ok(Ok(LedgerEntry {
        table: TableName::new(row.get::<_, String>(0)?, row.get::<_, String>(1)?),
        kind,
        unit: row.get(3)?,
        content_hash: (!content_hash.is_empty()).then_some(content_hash),
        offset_start: (offset_start != NO_OFFSET).then_some(offset_start),
        offset_end: row.get(6)?,
        rows_in: uncount(row.get(7)?),
        rows_loaded: uncount(row.get(8)?),
        rows_quarantined: uncount(row.get(9)?),
        outcome,
        reason: row.get(11)?,
        table_version: row.get::<_, Option<i64>>(12)?.map(uncount),
        quarantine_version: row.get::<_, Option<i64>>(13)?.map(uncount),
        started_at: uninstant(row.get(14)?),
        duration_ms: uncount(row.get(15)?),
    }))
}

fn kind_name(kind: UnitKind) -> &'static str {
    match kind {
        UnitKind::File => "file",
        UnitKind::Offsets => "offsets",
    }
}

fn kind_of(name: &str) -> Option<UnitKind> {
    [UnitKind::File, UnitKind::Offsets].into_iter().find(|kind| kind_name(*kind) == name)
}

fn outcome_name(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Loaded => "loaded",
        Outcome::Replaced => "replaced",
        Outcome::Refused => "refused",
        Outcome::Gap => "gap",
    }
}

fn outcome_of(name: &str) -> Option<Outcome> {
    [Outcome::Loaded, Outcome::Replaced, Outcome::Refused, Outcome::Gap]
        .into_iter()
        .find(|outcome| outcome_name(*outcome) == name)
}
