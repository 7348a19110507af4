//! The commits of a topic: quarantine first, then raw, then the ledger.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use millstream_core::warehouse::{Commit, Load};
use millstream_core::{Clock, Error, Ledger, LedgerEntry, Outcome, Progress, Result, TableName, UnitKind, Warehouse};

use super::positions::{Gap, Last, Positions, epoch_id, position_id};
use super::worker::{Counts, Done};
use crate::contract::{Contract, KafkaSource};
use crate::quarantine::quarantine_schema;
use crate::repair;
use crate::sink::Parts;

/// Following a topic, commits of so long have one line in the ledger for each partition: at five commits a second, a
/// line for each would fill the ledger with millions in a week.
const LINE_SPAN: TimeDelta = TimeDelta::minutes(10);

/// Commits what was read of one topic, and knows how far its tables are.
pub(crate) struct Committer<'a> {
    contract: &'a Contract,
    source: &'a KafkaSource,
    warehouse: &'a dyn Warehouse,
    ledger: &'a dyn Ledger,
    clock: &'a dyn Clock,
    quarantine_table: TableName,
    quarantine_exists: bool,
    quarantine: Positions,
    /// How far the raw table is.
    pub(crate) raw: Positions,
    /// Whether many commits have one line.
    is_following: bool,
    /// The line of each partition that the next commit adds to.
    lines: BTreeMap<i32, LedgerEntry>,
}

/// The two loads of a segment, and what was written for them.
pub(crate) struct Loads {
    pub(crate) raw: Arc<dyn Load>,
    pub(crate) quarantine: Arc<dyn Load>,
    pub(crate) raw_parts: Parts,
    pub(crate) quarantine_parts: Parts,
}

/// A range of offsets that was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Range {
    pub(crate) start: i64,
    pub(crate) end: i64,
}

/// What a commit of the raw table says beside the positions.
struct Marks {
    /// The message that was loaded last of these partitions.
    last: BTreeMap<i32, Option<Last>>,
    /// How many times positions have gone back, where that is another number now.
    epoch: Option<i64>,
}

impl<'a> Committer<'a> {
    /// Reads how far the tables are, repairs the ledger, and takes the rows of a load that was begun and never ended
    /// out of quarantine.
    pub(crate) async fn new(
        contract: &'a Contract,
        source: &'a KafkaSource,
        warehouse: &'a dyn Warehouse,
        ledger: &'a dyn Ledger,
        clock: &'a dyn Clock,
        progress: &dyn Progress,
        is_following: bool,
    ) -> Result<Self> {
        let quarantine_table = contract.quarantine_table();
        let raw_state = warehouse.table_state(contract.table()).await?;
        let quarantine_state = warehouse.table_state(&quarantine_table).await?;
        repair::repaired_entries(contract.table(), raw_state.as_ref(), warehouse, ledger).await?;
        let mut committer = Self {
            contract,
            source,
            warehouse,
            ledger,
            clock,
            quarantine_exists: quarantine_state.is_some(),
            quarantine: Positions::new(quarantine_state.as_ref(), &source.topic),
            raw: Positions::new(raw_state.as_ref(), &source.topic),
            quarantine_table,
            is_following,
            lines: BTreeMap::new(),
        };
        committer.take_back(progress).await?;
        Ok(committer)
    }

    /// The id of the load that starts now.
    pub(crate) fn load_id(&self) -> String {
        self.raw.load_id(&self.source.topic)
    }

    /// Starts a load of both tables.
    pub(crate) async fn begin(&self) -> Result<Loads> {
        Ok(Loads {
            raw: self.warehouse.begin_load(self.contract.table(), self.contract.raw_schema()).await?,
            quarantine: self.warehouse.begin_load(&self.quarantine_table, quarantine_schema()).await?,
            raw_parts: Parts::default(),
            quarantine_parts: Parts::default(),
        })
    }

    /// Commits a segment: `ranges` are the partitions that moved. Gives the ledger lines.
    pub(crate) async fn commit(
        &mut self,
        loads: &Loads,
        ranges: &BTreeMap<i32, Range>,
        done: &Done,
        started_at: DateTime<Utc>,
    ) -> Result<Vec<LedgerEntry>> {
        let total = |count: fn(&Counts) -> u64| done.counts.values().map(count).sum::<u64>();
        let (rows_in, loaded) = (total(|counts| counts.rows_in), total(|counts| counts.rows_loaded));
        let quarantined = total(|counts| counts.rows_quarantined);
        if rows_in != loaded + quarantined || loaded != done.rows_written || quarantined != done.quarantine_written {
            let message = format!(
                "{}: {rows_in} messages in, but {} loaded and {} quarantined",
                self.source.topic, done.rows_written, done.quarantine_written
            );
            return Err(Error::ours(message).hint("nothing was committed; please report this"));
        }
        let mut quarantine_version = None;
        if quarantined > 0 || !self.quarantine_exists {
            let commit = Commit {
                operation: "INGEST".to_owned(),
                positions: self.ids(ranges),
                expected: self.expected(&self.quarantine, ranges),
                ..Commit::default()
            };
            let committed = loads.quarantine.commit(loads.quarantine_parts.take(), commit).await?;
            check_added(&self.quarantine_table, committed.rows_added, quarantined)?;
            self.quarantine_exists = true;
            quarantine_version = Some(committed.version);
            ranges.iter().for_each(|(partition, range)| self.quarantine.set(*partition, range.end));
        }
        let entries = ranges.iter().map(|(partition, range)| {
            let counts = done.counts.get(partition).copied().unwrap_or_default();
            LedgerEntry {
                rows_in: counts.rows_in,
                rows_loaded: counts.rows_loaded,
                rows_quarantined: counts.rows_quarantined,
                quarantine_version: quarantine_version.filter(|_| counts.rows_quarantined > 0),
                ..self.entry(*partition, *range, Outcome::Loaded, started_at)
            }
        });
        let entries = entries.collect();
        let last = ranges.keys().filter_map(|partition| Some((*partition, last_of(done.counts.get(partition)?)?)));
        self.commit_raw(loads, ranges, entries, Marks { last: last.collect(), epoch: None }, loaded).await
    }

    /// Moves a partition behind a gap, and tells it in the ledger.
    pub(crate) async fn skip(&mut self, gap: &Gap) -> Result<LedgerEntry> {
        let loads = self.begin().await?;
        let range = Range { start: gap.from, end: gap.to };
        let entry = LedgerEntry {
            reason: Some(format!("{}, skipped by --on-gap=skip", gap.describe(&self.source.topic))),
            ..self.entry(gap.partition, range, Outcome::Gap, self.clock.now())
        };
        let ranges = BTreeMap::from([(gap.partition, range)]);
        // Behind a gap stands no message that was loaded, and where the position goes back, ids of loads would come again.
        let epoch = (gap.to < gap.from).then(|| self.raw.epoch() + 1);
        let marks = Marks { last: BTreeMap::from([(gap.partition, None)]), epoch };
        let entries = self.commit_raw(&loads, &ranges, vec![entry], marks, 0).await?;
        entries.into_iter().next().ok_or_else(|| Error::ours("a gap without its ledger line"))
    }

    async fn commit_raw(
        &mut self,
        loads: &Loads,
        ranges: &BTreeMap<i32, Range>,
        mut entries: Vec<LedgerEntry>,
        marks: Marks,
        rows: u64,
    ) -> Result<Vec<LedgerEntry>> {
        let mut positions = self.ids(ranges);
        for (partition, last) in &marks.last {
            positions.extend(Last::ids(*last, &self.source.topic, *partition));
        }
        positions.extend(marks.epoch.map(|epoch| (epoch_id(&self.source.topic), epoch)));
        let commit = Commit {
            operation: "INGEST".to_owned(),
            positions,
            expected: self.expected(&self.raw, ranges),
            replace: None,
            note: repair::note(&entries)?,
        };
        let committed = loads.raw.commit(loads.raw_parts.take(), commit).await?;
        check_added(self.contract.table(), committed.rows_added, rows)?;
        ranges.iter().for_each(|(partition, range)| self.raw.set(*partition, range.end));
        self.raw.mark(marks.last, marks.epoch);
        for (partition, entry) in ranges.keys().zip(&mut entries) {
            entry.table_version = Some(committed.version);
            entry.duration_ms = self.since(entry.started_at);
            self.record(*partition, entry)?;
        }
        Ok(entries)
    }

    /// Writes a ledger line, or adds it to the partition's last one.
    fn record(&mut self, partition: i32, entry: &LedgerEntry) -> Result<()> {
        if !self.is_following || entry.outcome != Outcome::Loaded {
            self.lines.remove(&partition);
            return self.ledger.record(entry);
        }
        let line = match self.lines.remove(&partition) {
            Some(line) if line.offset_end == entry.offset_start && entry.started_at - line.started_at < LINE_SPAN => {
                LedgerEntry {
                    offset_end: entry.offset_end,
                    rows_in: line.rows_in + entry.rows_in,
                    rows_loaded: line.rows_loaded + entry.rows_loaded,
                    rows_quarantined: line.rows_quarantined + entry.rows_quarantined,
                    table_version: entry.table_version,
                    quarantine_version: entry.quarantine_version.or(line.quarantine_version),
                    duration_ms: line.duration_ms + entry.duration_ms,
                    ..line
                }
            }
            _ => entry.clone(),
        };
        self.ledger.record(&line)?;
        self.lines.insert(partition, line);
        Ok(())
    }

    async fn take_back(&mut self, progress: &dyn Progress) -> Result<()> {
        let ahead = self.quarantine.ahead_of(&self.raw);
        if ahead.is_empty() {
            return Ok(());
        }
        let back: BTreeMap<i32, Range> =
            ahead.iter().map(|(partition, back)| (*partition, Range { start: *back, end: *back })).collect();
        let load = self.warehouse.begin_load(&self.quarantine_table, quarantine_schema()).await?;
        let commit = Commit {
            operation: "INGEST".to_owned(),
            positions: self.ids(&back),
            expected: self.expected(&self.quarantine, &back),
            replace: Some(("load_id".to_owned(), self.load_id())),
            ..Commit::default()
        };
        load.commit(Vec::new(), commit).await?;
        ahead.iter().for_each(|(partition, back)| self.quarantine.set(*partition, *back));
        progress.note(&format!("{}: took an unfinished load out of {}", self.source.topic, self.quarantine_table));
        Ok(())
    }

    fn ids(&self, ranges: &BTreeMap<i32, Range>) -> Vec<(String, i64)> {
        ranges.iter().map(|(partition, range)| (position_id(&self.source.topic, *partition), range.end)).collect()
    }

    fn expected(&self, positions: &Positions, ranges: &BTreeMap<i32, Range>) -> Vec<(String, Option<i64>)> {
        let id = |partition: &i32| position_id(&self.source.topic, *partition);
        ranges.keys().map(|partition| (id(partition), positions.stored(*partition))).collect()
    }

    fn entry(&self, partition: i32, range: Range, outcome: Outcome, started_at: DateTime<Utc>) -> LedgerEntry {
        LedgerEntry {
            table: self.contract.table().clone(),
            kind: UnitKind::Offsets,
            unit: format!("{}/{partition}", self.source.topic),
            content_hash: None,
            offset_start: Some(range.start),
            offset_end: Some(range.end),
            rows_in: 0,
            rows_loaded: 0,
            rows_quarantined: 0,
            outcome,
            reason: None,
            table_version: None,
            quarantine_version: None,
            started_at,
            duration_ms: self.since(started_at),
        }
    }

    fn since(&self, started_at: DateTime<Utc>) -> u64 {
        u64::try_from((self.clock.now() - started_at).num_milliseconds()).unwrap_or_default()
    }
}

impl Loads {
    /// Removes everything that was written.
    pub(crate) async fn discard(&self) -> Result<()> {
        self.raw.discard(self.raw_parts.take()).await?;
        self.quarantine.discard(self.quarantine_parts.take()).await
    }
}

/// The last message of what was read, where there was one; one without a time could not be told from another.
fn last_of(counts: &Counts) -> Option<Option<Last>> {
    counts.last.map(|(offset, time)| time.map(|time| Last { offset, time }))
}

/// The commit must have added what was counted.
fn check_added(table: &TableName, added: u64, rows: u64) -> Result<()> {
    if added == rows {
        return Ok(());
    }
    Err(Error::ours(format!("{rows} rows were written for {table}, its new version has {added}"))
        .hint("please report this"))
}
