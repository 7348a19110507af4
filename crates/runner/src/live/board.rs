//! What `up` shows of itself: counters and states of sources, models and schedules.
//!
//! Guarantees: nothing is decided by it; whoever works writes, whoever serves metrics takes a [`Snapshot`].

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use millstream_ingest::{KafkaCommit, PartitionAt};

/// Upper ends of the classes of durations, in seconds.
pub const DURATION_CLASSES: [f64; 13] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];

/// Time over which rows per second are counted.
const RATE_SPAN: TimeDelta = TimeDelta::seconds(10);

/// Commits that one source's rate looks at; more than this in [`RATE_SPAN`] make it look at less time.
const RATE_COMMITS_MAX: usize = 1_000;

/// Durations, counted by class.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Histogram {
    /// How many were not above each of [`DURATION_CLASSES`].
    pub counts: [u64; DURATION_CLASSES.len()],
    /// How many there were.
    pub count: u64,
    /// All of them together, in seconds.
    pub sum: f64,
}

impl Histogram {
    /// Counts a duration.
    pub fn add(&mut self, duration: Duration) {
        let seconds = duration.as_secs_f64();
        for (count, _) in self.counts.iter_mut().zip(DURATION_CLASSES).filter(|(_, class)| seconds <= *class) {
            *count += 1;
        }
        self.count += 1;
        self.sum += seconds;
    }
}

/// One partition of a topic.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PartitionBoard {
    /// The next offset to load.
    pub next: i64,
    /// The offset after the last that the broker is known to have.
    pub end: i64,
    /// Time of the newest message that is loaded.
    pub newest: Option<DateTime<Utc>>,
    /// When the oldest message came that is not loaded, as far as is known: not before this.
    pub behind_since: Option<DateTime<Utc>>,
    /// When it was seen last that all messages were loaded.
    pub caught_up: Option<DateTime<Utc>>,
}

impl PartitionBoard {
    /// Messages that are at the broker and not in the table.
    pub fn lag(&self) -> u64 {
        u64::try_from(self.end - self.next).unwrap_or(0)
    }

    /// How long the oldest message that is not loaded has been waiting at the broker, at most: nothing when all are loaded.
    pub fn lag_time(&self, now: DateTime<Utc>) -> TimeDelta {
        self.behind_since.map_or(TimeDelta::zero(), |since| (now - since).max(TimeDelta::zero()))
    }

    /// Notes whether it is behind. What a broker that is away was heard to have last says nothing of now.
    fn look(&mut self, now: DateTime<Utc>, is_up: bool) {
        match self.lag() {
            0 if is_up => (self.behind_since, self.caught_up) = (None, Some(now)),
            0 => self.behind_since = None,
            _ => {
                self.behind_since.get_or_insert(self.caught_up.unwrap_or(now));
            }
        }
    }

    /// Messages are loaded, the newest of this time, and more may wait: these came after it, as a log is in the order in
    /// which messages came, and after everything was loaded last.
    fn committed(&mut self, now: DateTime<Utc>, newest: Option<DateTime<Utc>>) {
        self.newest = self.newest.max(newest);
        self.look(now, true);
        if self.behind_since.is_some()
            && let Some(newest) = newest
        {
            // A producer's clock may be ahead of ours.
            self.behind_since = Some(newest.min(now)).max(self.caught_up);
        }
    }
}

/// One source.
#[derive(Debug, Clone, Default)]
pub struct SourceBoard {
    /// `file` or `kafka`.
    pub connector: &'static str,
    /// Whether it can be read.
    pub is_up: bool,
    /// Why not.
    pub error: Option<String>,
    /// Whether its partitions are paused, because rows come faster than models are refreshed, or memory is short.
    pub is_held: bool,
    /// Times that they were.
    pub holds: u64,
    /// Times that it could not be read.
    pub failures: u64,
    /// Rows that this process has loaded.
    pub rows_loaded: u64,
    /// Rows that this process has put into quarantine.
    pub rows_quarantined: u64,
    /// Files that were refused.
    pub files_refused: u64,
    /// Time of the newest message that is loaded (of a file: when it was loaded).
    pub newest: Option<DateTime<Utc>>,
    /// When a commit was made last.
    pub last_commit: Option<DateTime<Utc>>,
    /// How long commits took.
    pub commits: Histogram,
    /// Partitions of a topic.
    pub partitions: BTreeMap<i32, PartitionBoard>,
    /// When rows were committed in the last ten seconds, and how many.
    pub recent: VecDeque<(DateTime<Utc>, u64)>,
}

impl SourceBoard {
    /// Rows per second, loaded or put into quarantine, over the last ten seconds.
    pub fn rate(&self, now: DateTime<Utc>) -> f64 {
        let recent = self.recent.iter().filter(|(at, _)| now - *at < RATE_SPAN);
        recent.map(|(_, rows)| *rows).sum::<u64>() as f64 / RATE_SPAN.num_seconds() as f64
    }

    fn loaded(&mut self, now: DateTime<Utc>, loaded: u64, quarantined: u64) {
        self.rows_loaded += loaded;
        self.rows_quarantined += quarantined;
        self.last_commit = Some(now);
        while self.recent.len() >= RATE_COMMITS_MAX || self.recent.front().is_some_and(|(at, _)| now - *at >= RATE_SPAN)
        {
            self.recent.pop_front();
        }
        self.recent.push_back((now, loaded + quarantined));
    }
}

/// One model that is kept fresh.
#[derive(Debug, Clone, Default)]
pub struct ModelBoard {
    /// Time of the newest event among the sources that it reads, as of its last refresh.
    pub newest: Option<DateTime<Utc>>,
    /// Since when a change waits that is not in it.
    pub pending_since: Option<DateTime<Utc>>,
    /// When it was refreshed last.
    pub last_refresh: Option<DateTime<Utc>>,
    /// How long refreshes took that published a version.
    pub refreshes: Histogram,
    /// Refreshes that published nothing.
    pub failures: u64,
    /// Why the last refresh published nothing, if it did not.
    pub failing: Option<String>,
    /// Version that it has.
    pub version: Option<u64>,
}

/// One schedule.
#[derive(Debug, Clone, Default)]
pub struct ScheduleBoard {
    /// Whether it is paused.
    pub paused: bool,
    /// Attempts that ended well.
    pub successes: u64,
    /// Attempts that failed.
    pub failures: u64,
    /// When an attempt ended last, and whether well.
    pub last: Option<(DateTime<Utc>, bool)>,
    /// Its next time.
    pub next: Option<DateTime<Utc>>,
}

/// Everything, at one moment.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    /// Sources, as `source_name.table`.
    pub sources: BTreeMap<String, SourceBoard>,
    /// Models, by name.
    pub models: BTreeMap<String, ModelBoard>,
    /// Schedules, by name.
    pub schedules: BTreeMap<String, ScheduleBoard>,
    /// Whether everything was there and refreshed once.
    pub is_started: bool,
    /// Whether it is about to end.
    pub is_draining: bool,
}

impl Snapshot {
    /// What keeps it from being ready, in lines for people; none when it is.
    pub fn obstacles(&self) -> Vec<String> {
        let mut obstacles = Vec::new();
        if self.is_draining {
            obstacles.push("it is about to end".to_owned());
        }
        if !self.is_started {
            obstacles.push("models were not refreshed yet".to_owned());
        }
        for (name, source) in self.sources.iter().filter(|(_, source)| !source.is_up) {
            obstacles.push(format!("{name} cannot be read: {}", source.error.as_deref().unwrap_or("not tried yet")));
        }
        obstacles
    }
}

/// Where `up` writes what it shows.
#[derive(Debug, Default)]
pub struct Board {
    inner: Mutex<Snapshot>,
}

impl Board {
    /// Everything as it is now.
    pub fn snapshot(&self) -> Snapshot {
        self.lock().clone()
    }

    /// Numbers that a panic elsewhere left behind are good enough to be shown.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Snapshot> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn source(&self, name: &str, change: impl FnOnce(&mut SourceBoard)) {
        change(self.lock().sources.entry(name.to_owned()).or_default());
    }

    pub(crate) fn model(&self, name: &str, change: impl FnOnce(&mut ModelBoard)) {
        change(self.lock().models.entry(name.to_owned()).or_default());
    }

    pub(crate) fn schedule(&self, name: &str, change: impl FnOnce(&mut ScheduleBoard)) {
        change(self.lock().schedules.entry(name.to_owned()).or_default());
    }

    /// The source can be read. Whether it could not before.
    pub(crate) fn up(&self, name: &str) -> bool {
        let mut board = self.lock();
        let source = board.sources.entry(name.to_owned()).or_default();
        source.error = None;
        !std::mem::replace(&mut source.is_up, true)
    }

    /// The source cannot be read.
    pub(crate) fn down(&self, name: &str, why: &str) {
        self.source(name, |source| {
            source.failures += u64::from(source.is_up || source.error.is_none());
            source.is_up = false;
            source.error = Some(why.to_owned());
        });
    }

    /// Rows of a file are in the tables.
    pub(crate) fn file(&self, name: &str, now: DateTime<Utc>, loaded: u64, quarantined: u64, took: Duration) {
        self.source(name, |source| {
            source.loaded(now, loaded, quarantined);
            source.commits.add(took);
            source.newest = Some(now);
        });
    }

    /// Where partitions go on.
    pub(crate) fn reading(&self, name: &str, now: DateTime<Utc>, partitions: &[PartitionAt]) {
        self.source(name, |source| {
            let is_up = source.is_up;
            for at in partitions {
                let partition = source.partitions.entry(at.partition).or_default();
                partition.next = at.next;
                partition.end = at.end.map_or(partition.end, |end| end.max(partition.end)).max(at.next);
                // With an end, the broker was asked just now.
                partition.look(now, is_up || at.end.is_some());
            }
        });
    }

    /// The source waits for refreshes, or goes on.
    pub(crate) fn held(&self, name: &str, is_held: bool) {
        self.source(name, |source| {
            source.is_held = is_held;
            source.holds += u64::from(is_held);
        });
    }

    /// Where partitions end.
    pub(crate) fn ends(&self, name: &str, now: DateTime<Utc>, ends: &[(i32, i64)]) {
        self.source(name, |source| {
            for (number, end) in ends {
                let partition = source.partitions.entry(*number).or_default();
                partition.end = *end;
                partition.look(now, source.is_up);
            }
        });
    }

    /// Rows of a topic are in the tables.
    pub(crate) fn committed(&self, name: &str, now: DateTime<Utc>, commit: &KafkaCommit) {
        self.source(name, |source| {
            let loaded = commit.partitions.iter().map(|moved| moved.rows_loaded).sum();
            let quarantined = commit.partitions.iter().map(|moved| moved.rows_quarantined).sum();
            source.loaded(now, loaded, quarantined);
            source.commits.add(commit.elapsed);
            for moved in &commit.partitions {
                source.newest = source.newest.max(moved.newest);
                let partition = source.partitions.entry(moved.partition).or_default();
                partition.next = moved.next;
                partition.end = partition.end.max(moved.next);
                partition.committed(now, moved.newest);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use millstream_ingest::PartitionMoved;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::seconds(second)
    }

    #[test]
    fn lag_counts_messages_and_the_time_they_wait() {
        let board = Board::default();
        board.reading("t", at(0), &[PartitionAt { partition: 0, next: 5, end: Some(5) }]);
        let lag = |now| {
            let snapshot = board.snapshot();
            let partition = &snapshot.sources["t"].partitions[&0];
            (partition.lag(), partition.lag_time(at(now)).num_seconds())
        };
        assert_eq!(lag(9), (0, 0));
        board.up("t");
        board.ends("t", at(9), &[(0, 5)]);
        board.ends("t", at(10), &[(0, 12)]);
        board.ends("t", at(11), &[(0, 13)]);
        assert_eq!(lag(14), (8, 5), "all was loaded at 9");
        let moved =
            PartitionMoved { partition: 0, next: 13, rows_loaded: 7, rows_quarantined: 1, newest: Some(at(11)) };
        let commit = KafkaCommit { version: Some(1), partitions: vec![moved], elapsed: Duration::from_millis(20) };
        board.committed("t", at(15), &commit);
        assert_eq!(lag(20), (0, 0));
        let snapshot = board.snapshot();
        let source = &snapshot.sources["t"];
        assert_eq!((source.rows_loaded, source.rows_quarantined, source.newest), (7, 1, Some(at(11))));
        assert_eq!(source.rate(at(16)), 0.8);
        assert_eq!(source.rate(at(25)), 0.0);
        assert_eq!((source.commits.count, source.commits.counts[1], source.commits.counts[2]), (1, 0, 1));
    }

    #[test]
    fn the_oldest_message_that_waits_came_after_the_newest_that_is_loaded() {
        let board = Board::default();
        let waits = |now| board.snapshot().sources["t"].partitions[&0].lag_time(at(now)).num_seconds();
        let commit = |now, next, newest| {
            let newest = Some(at(newest));
            let moved = PartitionMoved { partition: 0, next, rows_loaded: 1, rows_quarantined: 0, newest };
            let (version, elapsed) = (Some(1), Duration::ZERO);
            board.committed("t", at(now), &KafkaCommit { version, partitions: vec![moved], elapsed });
        };
        // An hour of messages waits when it starts.
        board.up("t");
        board.reading("t", at(4_000), &[PartitionAt { partition: 0, next: 0, end: Some(3_600) }]);
        assert_eq!(waits(4_001), 1, "of the messages nothing is known yet");
        commit(4_002, 100, 500);
        assert_eq!(waits(4_003), 3_503);
        commit(4_004, 3_000, 3_400);
        assert_eq!(waits(4_004), 604);
        commit(4_005, 3_500, 9_999);
        assert_eq!(waits(4_006), 1, "no message comes before it was sent");
        commit(4_010, 3_600, 4_000);
        assert_eq!(waits(4_020), 0);
        // Quiet until 5,000, then messages with times of long ago: they came after 5,000 all the same.
        board.ends("t", at(5_000), &[(0, 3_600)]);
        board.ends("t", at(5_001), &[(0, 3_610)]);
        commit(5_003, 3_605, 17);
        assert_eq!(waits(5_004), 4);
        // Away with nothing behind; what is there afterwards came meanwhile.
        commit(5_005, 3_610, 18);
        board.down("t", "away");
        board.ends("t", at(6_000), &[(0, 3_610)]);
        board.reading("t", at(7_000), &[PartitionAt { partition: 0, next: 3_610, end: Some(3_700) }]);
        assert_eq!(waits(7_000), 1_995);
    }

    #[test]
    fn the_rate_looks_at_so_many_commits_only() {
        let mut source = SourceBoard::default();
        for _ in 0..RATE_COMMITS_MAX {
            source.loaded(at(0), 10, 0);
        }
        assert_eq!(source.rate(at(0)), RATE_COMMITS_MAX as f64, "at the limit");
        source.loaded(at(0), 10, 0);
        assert_eq!(source.rate(at(0)), RATE_COMMITS_MAX as f64, "one past it, and the oldest is left out");
    }

    #[test]
    fn it_is_ready_when_all_can_be_read_and_was_refreshed() {
        let board = Board::default();
        board.source("t", |source| source.connector = "kafka");
        assert_eq!(board.snapshot().obstacles().len(), 2);
        board.lock().is_started = true;
        assert!(board.up("t"));
        assert!(!board.up("t"));
        assert!(board.snapshot().obstacles().is_empty());
        board.down("t", "connection refused");
        board.down("t", "connection refused");
        let snapshot = board.snapshot();
        assert_eq!(snapshot.obstacles(), ["t cannot be read: connection refused"]);
        assert_eq!(snapshot.sources["t"].failures, 1, "it went away once");
    }
}
