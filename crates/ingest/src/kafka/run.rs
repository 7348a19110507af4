//! The course of one ingestion: connect, find partitions and gaps, then segment after segment until it is done.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use chrono::DateTime;
use millstream_core::{Clock, Error, Ledger, LedgerEntry, Outcome, Progress, Result, UnitKind, Warehouse};
use rdkafka::consumer::{CommitMode, Consumer};
use rdkafka::{Offset, TopicPartitionList};

use super::client;
use super::commit::{Committer, Loads, Range};
use super::positions::{self, Gap, Missing};
use super::reading::Reading;
use super::segment::{Ended, Limits, Reader, Segment};
use super::worker::{Done, Worker};
use super::{KafkaCommit, KafkaOptions, OnGap, PartitionAt, PartitionMoved};
use crate::broken::Tally;
use crate::contract::{Contract, KafkaSource};
use crate::quarantine::QuarantineSink;
use crate::sink::PartSink;
use crate::{UnitReport, UnitStatus, blocking};

/// How often new partitions are looked for while following.
const PARTITIONS_INTERVAL: Duration = Duration::from_secs(5);

/// Following, how often positions alone are committed at most, where the ends of partitions hold no messages: a
/// producer that aborts all of its transactions would have us commit nothing else.
const POSITIONS_INTERVAL: Duration = Duration::from_secs(3);

/// How long the end waits for the client to close: it tells the consumer group's offsets first, if the broker is there.
const CLOSE_MAX: Duration = Duration::from_secs(1);

/// Times that a broker may say "out of range" about offsets that it says it has.
const OUT_OF_RANGE_ROUNDS_MAX: u32 = 3;

/// Carries out one ingestion.
pub(crate) async fn run(
    contract: &Contract,
    source: &KafkaSource,
    options: &KafkaOptions,
    warehouse: &dyn Warehouse,
    ledger: &dyn Ledger,
    clock: &dyn Clock,
    progress: &dyn Progress,
) -> Result<Vec<UnitReport>> {
    options.flush.rows(false);
    let mut committer = Committer::new(contract, source, warehouse, ledger, clock, progress, options.follow).await?;
    let (gaps, totals) = (Vec::new(), BTreeMap::new());
    let replaced = BTreeSet::new();
    let mut course = Course { contract, options, progress, gaps, totals, replaced, messages: 0, moved: None };
    let reader = {
        let (source, table, overrides) = (source.clone(), contract.table().clone(), options.properties.clone());
        let watch = options.watch.clone();
        let connect = move |_: &blocking::Work| {
            let consumer = client::connect(&source, &table, &overrides, watch)?;
            Ok(Reader { consumer, source, partitions: BTreeMap::new(), is_paused: false, asked_ends: None })
        };
        blocking::run(progress, 0, connect).await?
    };
    let Some(mut reader) = course.assign(reader, &mut committer).await? else { return Ok(course.reports()) };
    let due: i64 = reader.partitions.values().map(|reading| reading.end.unwrap_or(reading.next) - reading.next).sum();
    let total = if options.follow { None } else { u64::try_from(due).ok() };
    progress.start(&format!("ingest {}", contract.table()), total, "messages");
    let mut looked = Instant::now();
    let mut told_error = None;
    let mut idle_rounds = 0;
    let last = loop {
        let before = course.messages;
        let (back, ended) = course.segment(reader, &mut committer, clock).await?;
        reader = back;
        match ended {
            Ended::Drained | Ended::Stopped => break Some(reader),
            // Following never drains; not following, the limit only asks for a commit.
            Ended::Limit => {}
            Ended::OutOfRange => {
                idle_rounds = if course.messages > before { 0 } else { idle_rounds + 1 };
                if idle_rounds > OUT_OF_RANGE_ROUNDS_MAX {
                    return Err(Error::external(format!(
                        "the broker has offsets of '{}' that it will not give",
                        source.topic
                    ))
                    .why("it says that they are out of range, and that they are within it")
                    .retryable());
                }
                let Some(assigned) = course.assign(reader, &mut committer).await? else { break None };
                reader = assigned;
            }
            Ended::Replaced(partition) => {
                course.replaced.insert(partition);
                let Some(assigned) = course.assign(reader, &mut committer).await? else { break None };
                reader = assigned;
            }
        }
        if options.follow && looked.elapsed() >= PARTITIONS_INTERVAL {
            looked = Instant::now();
            let Some(assigned) = course.assign_new(reader, &mut committer).await? else { break None };
            reader = assigned;
            let error = reader.consumer.context().last_error();
            if error != told_error {
                progress.note(&format!("Kafka: {}", error.as_deref().unwrap_or_default()));
                told_error = error;
            }
        }
    };
    if let Some(reader) = last {
        let began = Instant::now();
        let close = move || {
            drop(reader);
            Ok(())
        };
        // Everything is committed, so that nothing is wrong if it takes longer.
        let _ = blocking::run_unless(move || began.elapsed() >= CLOSE_MAX, close).await;
    }
    Ok(course.reports())
}

/// What one call has done so far.
struct Course<'a> {
    contract: &'a Contract,
    options: &'a KafkaOptions,
    progress: &'a dyn Progress,
    gaps: Vec<UnitReport>,
    /// partition → its ledger lines added up, and its broken rules.
    totals: BTreeMap<i32, (LedgerEntry, Tally)>,
    /// Partitions that are not those that were read before, and are not settled.
    replaced: BTreeSet<i32>,
    messages: u64,
    /// When positions alone were committed last.
    moved: Option<Instant>,
}

impl Course<'_> {
    /// Assigns all partitions at their positions, gaps settled. None when asked to stop before the broker has answered.
    async fn assign(&mut self, mut reader: Reader, committer: &mut Committer<'_>) -> Result<Option<Reader>> {
        reader.partitions.clear();
        self.assign_new(reader, committer).await
    }

    /// Assigns the partitions that are not read yet. None as above.
    async fn assign_new(&mut self, reader: Reader, committer: &mut Committer<'_>) -> Result<Option<Reader>> {
        let is_off = || self.options.stop.is_stopped();
        // The client cannot be told to give up a question; its own time limit is one for slow brokers.
        let asked = blocking::run_unless(is_off, move || {
            let mut marks = Vec::new();
            for partition in client::partitions(&reader.consumer, &reader.source)? {
                if !reader.partitions.contains_key(&partition) {
                    marks.push((partition, client::watermarks(&reader.consumer, &reader.source, partition)?));
                }
            }
            Ok((reader, marks))
        });
        let Some((mut reader, marks)) = asked.await? else { return Ok(None) };
        if marks.is_empty() {
            self.tell_reading(&reader, &BTreeMap::new());
            return Ok(Some(reader));
        }
        let ends: BTreeMap<i32, i64> = marks.iter().map(|(partition, marks)| (*partition, marks.high)).collect();
        let anew = reader.partitions.is_empty();
        let (mut starts, mut gaps) = (BTreeMap::new(), Vec::new());
        for (partition, marks) in marks {
            let position = committer.raw.next(partition);
            let start = match (self.replaced.contains(&partition), position) {
                (true, Some(from)) => Err(Gap { partition, from, to: marks.low, why: Missing::Replaced }),
                _ => positions::start(partition, position, marks),
            };
            let end = if self.options.follow { None } else { Some(marks.high) };
            let last = committer.raw.last(partition).filter(|last| start.is_ok() && last.offset >= marks.low);
            let next = start.unwrap_or_else(|gap| {
                gaps.push(gap);
                gap.to
            });
            starts.insert(partition, Reading { last, ..Reading::new(next, end) });
        }
        self.settle(&gaps, &reader.source, committer).await?;
        let mut list = TopicPartitionList::new();
        for (partition, reading) in starts.iter().filter(|(_, reading)| !reading.is_drained()) {
            list.add_partition_offset(&reader.source.topic, *partition, Offset::Offset(reading.begin()))
                .map_err(|e| Error::ours("a partition cannot be assigned").why(e))?;
        }
        reader.partitions.extend(starts);
        // What is assigned now is not paused.
        reader.set_paused(false);
        let assigned = if anew { reader.consumer.assign(&list) } else { reader.consumer.incremental_assign(&list) };
        assigned.map_err(|e| client::unreachable_error(&reader.consumer, &reader.source, &e))?;
        self.tell_reading(&reader, &ends);
        Ok(Some(reader))
    }

    /// Tells whoever watches that the broker answered, and where partitions go on.
    fn tell_reading(&self, reader: &Reader, ends: &BTreeMap<i32, i64>) {
        let Some(watch) = &self.options.watch else { return };
        let at = reader.partitions.iter().map(|(partition, reading)| PartitionAt {
            partition: *partition,
            next: reading.next,
            end: ends.get(partition).copied(),
        });
        watch.reading(&at.collect::<Vec<_>>());
    }

    /// Tells whoever watches what was committed.
    fn tell_commit(&self, entries: &[LedgerEntry], done: &Done, ranges: &BTreeMap<i32, Range>, elapsed: Duration) {
        let Some(watch) = &self.options.watch else { return };
        let partitions = ranges.iter().map(|(partition, range)| {
            let counts = done.counts.get(partition).copied().unwrap_or_default();
            PartitionMoved {
                partition: *partition,
                next: range.end,
                rows_loaded: counts.rows_loaded,
                rows_quarantined: counts.rows_quarantined,
                newest: counts.newest.and_then(DateTime::from_timestamp_micros),
            }
        });
        let version = entries.iter().filter_map(|entry| entry.table_version).max();
        watch.committed(&KafkaCommit { version, partitions: partitions.collect(), elapsed });
    }

    /// Skips gaps, or tells all of them as an error.
    async fn settle(&mut self, gaps: &[Gap], source: &KafkaSource, committer: &mut Committer<'_>) -> Result<()> {
        if gaps.is_empty() {
            return Ok(());
        }
        if self.options.on_gap == OnGap::Fail {
            let mut error =
                Error::external(format!("messages of topic '{}' are gone before they were read", source.topic));
            for gap in gaps {
                error = error.why(gap.describe(&source.topic));
            }
            return Err(error.hint(
                "--on-gap=skip goes on at the earliest offset that is there and writes the gap into the ledger; \
                 a longer retention at the broker prevents it",
            ));
        }
        for gap in gaps {
            let entry = committer.skip(gap).await?;
            self.replaced.remove(&gap.partition);
            self.progress.note(&entry.reason.clone().unwrap_or_default());
            self.gaps.push(UnitReport { entry, status: UnitStatus::Gap, broken: Vec::new() });
        }
        Ok(())
    }

    /// Reads and commits one segment.
    async fn segment(
        &mut self,
        mut reader: Reader,
        committer: &mut Committer<'_>,
        clock: &dyn Clock,
    ) -> Result<(Reader, Ended)> {
        let started_at = clock.now();
        let loads = committer.begin().await?;
        let flush = self.options.follow.then(|| Duration::from_millis(self.options.flush_ms));
        let (rows_max, stop) = (self.options.max_batch_rows.max(1), self.options.stop.clone());
        let limits =
            Limits { rows_max, flush, asked: self.options.flush.clone(), hold: self.options.hold.clone(), stop };
        let make = self.workers(&reader.source, &loads, committer.load_id());
        let threads = self.options.threads;
        let read = blocking::run(self.progress, self.messages, move |work| {
            let segment = reader.read(&limits, threads, make, work)?;
            Ok((reader, segment))
        });
        let (mut reader, segment): (Reader, Segment) = match read.await {
            Ok(read) => read,
            Err(error) => {
                self.options.flush.rows(false);
                // The first error is the one to tell.
                let _ = loads.discard().await;
                return Err(error);
            }
        };
        let ranges: BTreeMap<i32, Range> = reader
            .partitions
            .iter()
            .filter(|(_, reading)| reading.next > reading.from)
            .map(|(partition, reading)| (*partition, Range { start: reading.from, end: reading.next }))
            .collect();
        let has_messages = segment.done.counts.values().any(|counts| counts.rows_in > 0);
        // Positions alone can wait while reading goes on from where the reader is; not when it goes on from the tables.
        let can_wait = !has_messages && segment.ended == Ended::Limit;
        if ranges.is_empty() || can_wait && self.moved.is_some_and(|at| at.elapsed() < POSITIONS_INTERVAL) {
            self.options.flush.rows(false);
            loads.discard().await?;
            return Ok((reader, segment.ended));
        }
        let began = Instant::now();
        let entries = committer.commit(&loads, &ranges, &segment.done, started_at).await?;
        reader.partitions.values_mut().for_each(|reading| reading.from = reading.next);
        if has_messages {
            self.options.flush.committed();
        } else {
            self.options.flush.rows(false);
            self.moved = Some(Instant::now());
        }
        self.tell_commit(&entries, &segment.done, &ranges, began.elapsed());
        self.tell_group(&reader, &ranges);
        self.add(entries, segment.done, &ranges);
        self.progress.set(self.messages);
        Ok((reader, segment.ended))
    }

    fn workers(
        &self,
        source: &KafkaSource,
        loads: &Loads,
        load_id: String,
    ) -> impl Fn() -> Worker + Sync + Send + 'static {
        let (contract, topic, extra) = (self.contract.clone(), source.topic.clone(), source.extra_fields);
        let (raw, raw_parts) = (loads.raw.clone(), loads.raw_parts.clone());
        let (quarantine, quarantine_parts) = (loads.quarantine.clone(), loads.quarantine_parts.clone());
        move || {
            let raw = PartSink::new(raw.clone(), raw_parts.clone());
            let quarantine = PartSink::new(quarantine.clone(), quarantine_parts.clone());
            Worker::new(contract.clone(), topic.clone(), extra, raw, QuarantineSink::new(quarantine, load_id.clone()))
        }
    }

    /// Tells the consumer group how far we are. Only other tools read it, so that failing is no matter.
    fn tell_group(&self, reader: &Reader, ranges: &BTreeMap<i32, Range>) {
        let mut list = TopicPartitionList::new();
        for (partition, range) in ranges {
            let _ = list.add_partition_offset(&reader.source.topic, *partition, Offset::Offset(range.end));
        }
        if let Err(error) = reader.consumer.commit(&list, CommitMode::Async) {
            tracing::debug!(%error, "the consumer group was not told");
        }
    }

    fn add(&mut self, entries: Vec<LedgerEntry>, mut done: Done, ranges: &BTreeMap<i32, Range>) {
        for (partition, entry) in ranges.keys().zip(entries) {
            self.messages += entry.rows_in;
            let tally = done.broken.remove(partition).unwrap_or_default();
            match self.totals.get_mut(partition) {
                None => {
                    self.totals.insert(*partition, (entry, tally));
                }
                Some((total, tallies)) => {
                    total.rows_in += entry.rows_in;
                    total.rows_loaded += entry.rows_loaded;
                    total.rows_quarantined += entry.rows_quarantined;
                    total.offset_end = entry.offset_end;
                    total.table_version = entry.table_version;
                    total.quarantine_version = entry.quarantine_version.or(total.quarantine_version);
                    total.duration_ms += entry.duration_ms;
                    tallies.merge(tally);
                }
            }
        }
    }

    fn reports(self) -> Vec<UnitReport> {
        let names: Vec<&str> = self.contract.columns().iter().map(|column| column.name.as_str()).collect();
        let mut reports = self.gaps;
        // Where only positions moved, there is nothing to report.
        for (entry, tally) in self.totals.into_values().filter(|(entry, _)| entry.rows_in > 0) {
            debug_assert!(entry.kind == UnitKind::Offsets && entry.outcome == Outcome::Loaded);
            reports.push(UnitReport { entry, status: UnitStatus::Loaded, broken: tally.report(&names) });
        }
        reports
    }
}
