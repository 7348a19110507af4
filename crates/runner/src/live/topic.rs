//! A topic that is followed, and how it goes together with refreshes: it commits just before one begins, and it waits when
//! it is too far ahead of them (back-pressure).
//!
//! Guarantees: what waits at the broker costs no memory here, so that a burst of any length is worked off in steps of
//! [`AHEAD_ROWS_MAX`] rows, fewer where memory is small, and fewer still after refreshes that ran short of it; nothing is
//! held for refreshes that may come late (long lags) or that fail for other reasons, since the raw table is the place
//! where rows can wait for these.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use millstream_core::memory::resident_bytes;
use millstream_ingest::{FlushFlag, HoldFlag};

use super::graph::LiveGraph;
use super::shared::Shared;

/// Rows that a topic loads at most while one refresh goes on that it belongs to; then its partitions are paused. It is
/// half of what one refresh can work off by keys.
pub const AHEAD_ROWS_MAX: u64 = 500_000;

/// Bytes of the memory limit for each of these rows: where memory is small, so are the steps.
pub const MEMORY_PER_AHEAD_ROW_BYTES: u64 = 4_096;

/// Steps get no smaller than this: the first part of a refresh, that of finding out what to do, would be most of it.
pub const AHEAD_ROWS_MIN: u64 = 10_000;

/// Part of a step, as its divisor, that a topic may still load while one refresh goes on and the process is above its
/// limit. With nothing at all, a process that never gets below it would stand still.
pub const FULL_PART: u64 = 8;

/// The same with this much memory.
pub(crate) fn ahead_rows_max(memory_limit_bytes: u64) -> u64 {
    (memory_limit_bytes / MEMORY_PER_AHEAD_ROW_BYTES).clamp(1, AHEAD_ROWS_MAX)
}

/// One topic.
#[derive(Debug, Default)]
pub(crate) struct Topic {
    /// The source.
    pub(crate) unique_id: String,
    /// Its name, as the board has it.
    pub(crate) name: String,
    /// Asks for a commit.
    pub(crate) flush: FlushFlag,
    /// Asks to wait.
    pub(crate) hold: HoldFlag,
    /// Rows that were loaded since the latest refresh began.
    ahead: AtomicU64,
    /// How many they may be now, and at most.
    step: AtomicU64,
    pub(crate) step_max: u64,
}

impl Topic {
    pub(crate) fn new(unique_id: &str, name: &str, ahead_rows_max: u64) -> Self {
        let (unique_id, name, step_max) = (unique_id.to_owned(), name.to_owned(), ahead_rows_max);
        Self { unique_id, name, step: AtomicU64::new(step_max), step_max, ..Self::default() }
    }

    /// A refresh of what was loaded has ended. Where memory was short, the next step is half as long; else it grows
    /// again by an eighth.
    fn refreshed(&self, is_short_of_memory: bool) {
        let step = self.step.load(Ordering::Relaxed);
        let next = match is_short_of_memory {
            true => (step / 2).max(AHEAD_ROWS_MIN).min(self.step_max),
            false => step.saturating_add(step / 8 + 1).min(self.step_max),
        };
        self.step.store(next, Ordering::Relaxed);
    }

    /// Whether it has loaded as much as it may: of its step a part where memory is short.
    fn is_ahead(&self, is_full: bool) -> bool {
        let step = self.step.load(Ordering::Relaxed);
        self.ahead.load(Ordering::Relaxed) >= if is_full { step.div_ceil(FULL_PART) } else { step }
    }

    /// Rows were committed.
    pub(crate) fn loaded(&self, rows: u64) {
        self.ahead.fetch_add(rows, Ordering::Relaxed);
    }
}

/// Whether the process has more memory than it may.
#[derive(Debug, Default)]
pub(crate) struct Pressure {
    is_high: AtomicBool,
    /// Refreshes that go on, whose ends give memory back.
    at_work: AtomicUsize,
}

/// A refresh begins. If it is one that topics wait for, it takes all that was loaded.
pub(super) fn begin(shared: &Shared, takes: bool) {
    shared.pressure.at_work.fetch_add(1, Ordering::Relaxed);
    for topic in shared.topics.iter().filter(|_| takes) {
        topic.ahead.store(0, Ordering::Relaxed);
    }
    decide(shared);
}

/// It has ended, however it did.
pub(super) fn end(shared: &Shared) {
    shared.pressure.at_work.fetch_sub(1, Ordering::Relaxed);
    decide(shared);
}

/// These nodes were refreshed, for which topics wait, and some ran short of memory: what they read comes in smaller steps.
pub(super) fn refreshed(topics: &[Arc<Topic>], graph: &LiveGraph, due: &BTreeSet<usize>, short: &BTreeSet<usize>) {
    for topic in topics {
        let readers = graph.downstream(&topic.unique_id);
        if !readers.is_disjoint(due) {
            topic.refreshed(!readers.is_disjoint(short));
        }
    }
}

/// Holds what must wait, and lets go on what need not. For want of memory nothing waits longer than a refresh takes: with
/// nothing at work, waiting would free none.
pub(super) fn decide(shared: &Shared) {
    let pressure = &shared.pressure;
    let is_full = pressure.is_high.load(Ordering::Relaxed) && pressure.at_work.load(Ordering::Relaxed) > 0;
    for topic in &shared.topics {
        let is_ahead = topic.is_ahead(is_full);
        let is_held = is_ahead && (is_full || shared.pending().is_urgent(&shared.graph, &topic.unique_id));
        if topic.hold.is_held() != is_held {
            topic.hold.set(is_held);
            shared.board.held(&topic.name, is_held);
        }
    }
}

/// How often memory is looked at.
const LOOKED_EVERY: Duration = Duration::from_millis(200);

/// Part of the limit, in percent, at which what was held for want of memory goes on.
const LOW_PERCENT: u64 = 90;

/// Looks at the memory of the process until it is asked to end.
pub(super) async fn watch_memory(shared: Arc<Shared>, limit_bytes: u64) {
    while !shared.soft.is_cancelled() {
        // Where the system does not tell, rows are counted all the same.
        if let Some(bytes) = resident_bytes() {
            let was_high = shared.pressure.is_high.load(Ordering::Relaxed);
            let is_high = if was_high { bytes > limit_bytes / 100 * LOW_PERCENT } else { bytes > limit_bytes };
            shared.pressure.is_high.store(is_high, Ordering::Relaxed);
            decide(&shared);
        }
        shared.sleep(LOOKED_EVERY).await;
    }
}

#[cfg(test)]
mod tests {
    use super::super::graph::LiveNode;
    use super::*;

    #[test]
    fn steps_are_small_where_memory_is() {
        let enough = AHEAD_ROWS_MAX * MEMORY_PER_AHEAD_ROW_BYTES;
        assert_eq!(ahead_rows_max(u64::MAX), AHEAD_ROWS_MAX);
        assert_eq!(ahead_rows_max(enough), AHEAD_ROWS_MAX);
        assert_eq!(ahead_rows_max(enough - 1), AHEAD_ROWS_MAX - 1);
        assert_eq!(ahead_rows_max(0), 1, "it never stands still");
    }

    #[test]
    fn steps_are_halved_where_memory_was_short_and_grow_again() {
        let topic = Topic::new("source", "source", 100_000);
        topic.loaded(99_999);
        assert!(!topic.is_ahead(false));
        topic.loaded(1);
        assert!(topic.is_ahead(false));
        topic.ahead.store(0, Ordering::Relaxed);
        topic.loaded(12_499);
        assert!(!topic.is_ahead(true));
        topic.loaded(1);
        assert!(topic.is_ahead(true), "an eighth where the process is above its limit");
        assert!(!topic.is_ahead(false));
        topic.ahead.store(0, Ordering::Relaxed);
        topic.refreshed(true);
        topic.loaded(50_000);
        assert!(topic.is_ahead(false));
        (0..10).for_each(|_| topic.refreshed(true));
        assert_eq!(topic.step.load(Ordering::Relaxed), AHEAD_ROWS_MIN);
        topic.refreshed(false);
        assert_eq!(topic.step.load(Ordering::Relaxed), AHEAD_ROWS_MIN + AHEAD_ROWS_MIN / 8 + 1);
        (0..100).for_each(|_| topic.refreshed(false));
        assert_eq!(topic.step.load(Ordering::Relaxed), 100_000);
        let small = Topic::new("source", "source", 5);
        small.refreshed(true);
        assert_eq!(small.step.load(Ordering::Relaxed), 5, "it is never more than it was");
    }

    #[test]
    fn only_topics_that_are_read_by_what_was_short_are_slowed_down() {
        let node = |name: &str, reads: &str| LiveNode::reading(name, Some(1), reads, &[]);
        let nodes = vec![node("a", "orders"), node("b", "a"), node("c", "clicks")];
        let graph = LiveGraph { nodes, ..LiveGraph::default() };
        let topics: Vec<_> = ["orders", "clicks"].map(|name| Arc::new(Topic::new(name, name, 100_000))).into();
        let steps = || [0, 1].map(|at: usize| topics[at].step.load(Ordering::Relaxed));
        refreshed(&topics, &graph, &[0, 1, 2].into(), &[1].into());
        assert_eq!(steps(), [50_000, 100_000]);
        refreshed(&topics, &graph, &[2].into(), &[2].into());
        assert_eq!(steps(), [50_000, 50_000], "nothing of the first was refreshed");
        refreshed(&topics, &graph, &[0, 1, 2].into(), &[].into());
        assert_eq!(steps(), [56_251, 56_251]);
    }
}
