//! Ledger lines that a crash kept from being written, written from the tables' own history.
//!
//! Each commit of a raw table carries the ledger lines of what it loaded in its note under [`NOTE_KEY`], as a list.
//! The history is read only when a position has no line, and only as far back as it takes, because it can be long.

use millstream_core::warehouse::{CommitInfo, TableState};
use millstream_core::{Ledger, LedgerEntry, Outcome, Result, TableName, UnitKind, Warehouse};
use serde_json::{Map, Value};

/// Key of a commit's note that holds its ledger lines.
pub(crate) const NOTE_KEY: &str = "ledger";

/// Commits that are looked at, newest first: a crash loses the last lines, a lost ledger all of them. Ten years of one
/// commit a minute.
const HISTORY_COMMITS: [usize; 3] = [64, 4_096, 5_000_000];

/// The note of a commit that loaded these units.
pub(crate) fn note(entries: &[LedgerEntry]) -> Result<Map<String, Value>> {
    let entries = serde_json::to_value(entries)
        .map_err(|e| millstream_core::Error::ours("a ledger line cannot be written as JSON").why(e))?;
    Ok(Map::from_iter([(NOTE_KEY.to_owned(), entries)]))
}

/// The ledger's lines of `table`, after those that are missing were written.
pub(crate) async fn repaired_entries(
    table: &TableName,
    state: Option<&TableState>,
    warehouse: &dyn Warehouse,
    ledger: &dyn Ledger,
) -> Result<Vec<LedgerEntry>> {
    let mut entries = of_table(ledger, table)?;
    let Some(state) = state else { return Ok(entries) };
    if state.positions.iter().all(|(id, position)| is_told(&entries, id, *position)) {
        return Ok(entries);
    }
    for limit in HISTORY_COMMITS {
        let history = warehouse.history(table, limit).await?;
        let mut written = false;
        for commit in history.iter().rev() {
            for entry in lines_of(commit) {
                if entry.table == *table && !entries.iter().any(|known| covers(known, &entry)) {
                    ledger.record(&entry)?;
                    written = true;
                }
            }
        }
        if written {
            entries = of_table(ledger, table)?;
        }
        if history.len() < limit || state.positions.iter().all(|(id, position)| is_told(&entries, id, *position)) {
            break;
        }
    }
    Ok(entries)
}

fn of_table(ledger: &dyn Ledger, table: &TableName) -> Result<Vec<LedgerEntry>> {
    Ok(ledger.entries()?.into_iter().filter(|entry| entry.table == *table).collect())
}

/// Whether the ledger has the line that set a position. Of a partition, the last range is asked for: lines are
/// written in the order of the commits, so that only the last can be missing, or all (a lost ledger).
fn is_told(entries: &[LedgerEntry], id: &str, position: i64) -> bool {
    if let Some((unit, hash)) = id.strip_prefix("file:").and_then(|rest| rest.rsplit_once('#')) {
        let told = |entry: &&LedgerEntry| {
            entry.unit == unit
                && entry.content_hash.as_deref() == Some(hash)
                && matches!(entry.outcome, Outcome::Loaded | Outcome::Replaced)
        };
        return position < 0 || entries.iter().any(|entry| told(&entry));
    }
    if let Some(unit) = id.strip_prefix("kafka:") {
        let told = |entry: &&LedgerEntry| {
            entry.kind == UnitKind::Offsets && entry.unit == unit && entry.offset_end == Some(position)
        };
        return entries.iter().any(|entry| told(&entry));
    }
    true
}

/// The ledger lines in a commit's note, with the version that the commit made.
fn lines_of(commit: &CommitInfo) -> Vec<LedgerEntry> {
    let lines = match commit.note.get(NOTE_KEY) {
        Some(Value::Array(lines)) => lines.clone(),
        _ => Vec::new(),
    };
    // A note that another version of us wrote differently is no reason to stop: the rows are in the table.
    let lines = lines.into_iter().filter_map(|line| serde_json::from_value::<LedgerEntry>(line).ok());
    lines.map(|line| LedgerEntry { table_version: Some(commit.version), ..line }).collect()
}

/// Whether a line of the ledger tells what another one says: it has the same key, or its range of offsets holds the
/// other's (following a topic, many commits have one line).
fn covers(known: &LedgerEntry, told: &LedgerEntry) -> bool {
    let is_same = known.unit == told.unit && known.content_hash == told.content_hash && known.outcome == told.outcome;
    let is_within = known.kind == UnitKind::Offsets
        && known.offset_start <= told.offset_start
        && told.offset_end <= known.offset_end;
    is_same && (known.offset_start == told.offset_start || is_within)
}
