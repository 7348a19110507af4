//! Which live nodes have changes waiting, and when they are due.
//!
//! Guarantees: a change that arrives while a node is being refreshed is not lost: the node stays pending; a node whose
//! refresh failed keeps its changes pending and is tried again after a pause, with what reads it held back meanwhile. What
//! shares but a test with it goes on without it.
//!
//! Deliberately absent: time and chance. Both are given.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use super::backoff::Backoff;
use super::graph::LiveGraph;

/// Pauses after failed refreshes.
const AFTER_FAILURE: Backoff = Backoff { first: Duration::from_secs(1), most: Duration::from_secs(60) };

/// Part of a lag that a refresh may use up by starting late; the rest is for the refresh to vary.
const RESERVE: Duration = Duration::from_secs(1);

/// Where each live node stands.
#[derive(Debug)]
pub(crate) struct Pending {
    nodes: Vec<State>,
}

#[derive(Debug, Clone, Copy, Default)]
struct State {
    /// When the oldest change came that is not in the node.
    since: Option<Instant>,
    /// The same of a refresh that is going on.
    at_work: Option<Instant>,
    /// Whether one is going on.
    is_at_work: bool,
    /// Failures in a row.
    failures: u32,
    /// After a failure: not before.
    not_before: Option<Instant>,
    /// Whether it failed for want of memory.
    is_short_of_memory: bool,
    /// How long the last refresh took.
    took: Duration,
}

impl Pending {
    /// Nothing is pending.
    pub(crate) fn new(graph: &LiveGraph) -> Self {
        Self { nodes: vec![State::default(); graph.nodes.len()] }
    }

    /// Something that these nodes read has changed.
    pub(crate) fn changed(&mut self, nodes: impl IntoIterator<Item = usize>, at: Instant) {
        for number in nodes {
            let state = &mut self.nodes[number];
            state.since = Some(state.since.map_or(at, |since| since.min(at)));
        }
    }

    /// When the oldest change came that is not in the node.
    pub(crate) fn since(&self, number: usize) -> Option<Instant> {
        let state = &self.nodes[number];
        state.at_work.or(state.since)
    }

    /// Nodes to refresh now, in the order in which they are built: those that are due, and what must be refreshed with
    /// them.
    pub(crate) fn due(&self, graph: &LiveGraph, now: Instant) -> BTreeSet<usize> {
        let mut all = BTreeSet::new();
        for number in 0..self.nodes.len() {
            if self.due_at(graph, number).is_none_or(|at| at > now) {
                continue;
            }
            let with = graph.with_needs(number);
            // What is being refreshed is waited for.
            if with.iter().any(|other| self.nodes[*other].is_at_work) {
                continue;
            }
            // What waits after a failure holds back what reads it.
            if !self.is_held_back(graph, number, now) {
                let is_open = |other: &usize| self.nodes[*other].since.is_some();
                let with = with.into_iter().filter(is_open);
                all.extend(with.filter(|other| !self.is_held_back(graph, *other, now)));
            }
        }
        all
    }

    /// Nodes that are due, in two parts: those for which no time is left, with what they need, and those that may be older
    /// and must not hold up the others.
    pub(crate) fn parts(&self, graph: &LiveGraph, due: BTreeSet<usize>) -> (BTreeSet<usize>, BTreeSet<usize>) {
        let is_urgent = |number: &usize| self.has_no_time(graph, *number);
        let urgent = due.iter().copied().filter(is_urgent).flat_map(|number| graph.with_needs(number));
        let urgent: BTreeSet<usize> = urgent.filter(|number| due.contains(number)).collect();
        let rest: BTreeSet<usize> = due.difference(&urgent).copied().collect();
        (urgent, rest)
    }

    /// Every node that has a change waiting, whatever its lag, but for those that a failure holds back.
    pub(crate) fn all(&self, graph: &LiveGraph, now: Instant) -> BTreeSet<usize> {
        let is_open = |number: &usize| self.nodes[*number].since.is_some();
        (0..self.nodes.len()).filter(is_open).filter(|number| !self.is_held_back(graph, *number, now)).collect()
    }

    /// Whether the pause after a failure goes on, of the node or of what it reads.
    pub(crate) fn is_held_back(&self, graph: &LiveGraph, number: usize, now: Instant) -> bool {
        graph.with_inputs(number).into_iter().any(|other| self.nodes[other].not_before.is_some_and(|at| at > now))
    }

    /// Nodes with changes that are not in a version of theirs yet, those at work too.
    pub(crate) fn open(&self) -> BTreeSet<usize> {
        (0..self.nodes.len()).filter(|number| self.since(*number).is_some()).collect()
    }

    /// Whether a refresh of the node is going on.
    pub(crate) fn is_at_work(&self, number: usize) -> bool {
        self.nodes[number].is_at_work
    }

    /// When the next node becomes due, as far as is known now; with `only_urgent`, the next of those that have no time.
    pub(crate) fn next(&self, graph: &LiveGraph, only_urgent: bool) -> Option<Instant> {
        let due = |number: usize| {
            let own = self.due_at(graph, number)?;
            let with = graph.with_needs(number);
            let is_left = only_urgent && !self.has_no_time(graph, number);
            if is_left || with.iter().any(|other| self.nodes[*other].is_at_work) {
                return None;
            }
            let waits = graph.with_inputs(number).into_iter().filter_map(|other| self.nodes[other].not_before);
            Some(waits.fold(own, Instant::max))
        };
        (0..self.nodes.len()).filter_map(due).min()
    }

    /// Whether the node's lag leaves no time to wait.
    pub(crate) fn has_no_time(&self, graph: &LiveGraph, number: usize) -> bool {
        self.patience(graph, number).is_some_and(|patience| patience.is_zero())
    }

    /// When a node must be begun so that its oldest change is in it within its lag.
    fn due_at(&self, graph: &LiveGraph, number: usize) -> Option<Instant> {
        let state = &self.nodes[number];
        Some(state.since? + self.patience(graph, number)?)
    }

    /// How long a change may wait for its refresh to begin.
    fn patience(&self, graph: &LiveGraph, number: usize) -> Option<Duration> {
        // The next one may take twice as long as the last.
        Some(graph.nodes[number].lag?.saturating_sub(self.nodes[number].took * 2 + RESERVE))
    }

    /// Whether a change of this source or node is for a refresh that begins at once, or that has failed for want of memory:
    /// with more rows, it would need more.
    pub(crate) fn is_urgent(&self, graph: &LiveGraph, unique_id: &str) -> bool {
        // What failed for another reason is refreshed some time, and until then so is nothing that reads it.
        let mut waits = vec![false; self.nodes.len()];
        for (number, state) in self.nodes.iter().enumerate() {
            let fails = state.not_before.is_some() && !state.is_short_of_memory;
            // Nodes are in the order in which they are built.
            waits[number] = fails || graph.nodes[number].inputs.iter().any(|input| waits[*input]);
        }
        graph.downstream(unique_id).into_iter().any(|number| !waits[number] && self.has_no_time(graph, number))
    }

    /// A refresh of these nodes begins: what changes from here on is for the next. To be said before it is looked what there
    /// is.
    pub(crate) fn begin(&mut self, nodes: &BTreeSet<usize>) {
        for number in nodes {
            let state = &mut self.nodes[*number];
            state.at_work = state.since.take();
            state.is_at_work = true;
        }
    }

    /// The tables that these nodes read, and that are not refreshed with them, are taken as they are now: what is not yet in
    /// them is not in these nodes afterwards either. One that waits after a failure is read by none of them, only by a test
    /// that is asked when it has a new version: a node that were pending for its sake would be refreshed again and again.
    pub(crate) fn behind(&mut self, graph: &LiveGraph, nodes: &BTreeSet<usize>, now: Instant) {
        for number in nodes {
            let read = graph.with_needs(*number).into_iter().filter(|other| !nodes.contains(other));
            let read = read.filter(|other| !self.is_held_back(graph, *other, now));
            let open = read.filter_map(|other| self.since(other)).min();
            let state = &mut self.nodes[*number];
            state.since = [state.since, open].into_iter().flatten().min();
        }
    }

    /// A refresh has ended well for a node.
    pub(crate) fn done(&mut self, number: usize, took: Duration) {
        let state = &mut self.nodes[number];
        *state = State { since: state.since, took, ..State::default() };
    }

    /// A refresh has not: its changes are pending again.
    pub(crate) fn failed(&mut self, number: usize, now: Instant, jitter: f64) {
        self.failed_for(number, false, now, jitter);
    }

    /// The same, and whether it was for want of memory.
    pub(crate) fn failed_for(&mut self, number: usize, is_short_of_memory: bool, now: Instant, jitter: f64) {
        let state = &mut self.nodes[number];
        state.give_back();
        state.is_short_of_memory = is_short_of_memory;
        state.failures = state.failures.saturating_add(1);
        state.not_before = Some(now + AFTER_FAILURE.pause(state.failures, jitter));
    }

    /// How long the pause after a node's failure still is.
    pub(crate) fn retry_in(&self, number: usize, now: Instant) -> Duration {
        self.nodes[number].not_before.map_or(Duration::ZERO, |at| at.saturating_duration_since(now))
    }

    /// A node was passed over because of another: its changes are pending again.
    pub(crate) fn skipped(&mut self, number: usize) {
        self.nodes[number].give_back();
    }
}

impl State {
    /// Its refresh came to nothing.
    fn give_back(&mut self) {
        self.since = self.at_work.take().or(self.since);
        self.is_at_work = false;
    }
}

#[cfg(test)]
mod tests {
    use super::super::graph::LiveNode;
    use super::*;

    /// raw → a (1 s) → b (1 hour) → c (as d), c → d (1 minute).
    fn graph() -> LiveGraph {
        let node = LiveNode::reading;
        let nodes = vec![
            node("a", Some(1), "raw", &[]),
            node("b", Some(3600), "a", &[0]),
            node("c", None, "b", &[1]),
            node("d", Some(60), "c", &[2]),
        ];
        LiveGraph { nodes, ..LiveGraph::default() }
    }

    fn seconds(count: u64) -> Duration {
        Duration::from_secs(count)
    }

    #[test]
    fn a_change_reaches_everything_downstream_as_its_lag_demands() {
        let (graph, start) = (graph(), Instant::now());
        let mut pending = Pending::new(&graph);
        assert_eq!(graph.downstream("raw"), [0, 1, 2, 3].into());
        assert_eq!(graph.downstream("b"), [2, 3].into());
        pending.changed(graph.downstream("raw"), start);
        assert_eq!(pending.due(&graph, start), [0].into(), "one second leaves no time to wait");
        pending.begin(&[0].into());
        pending.done(0, seconds(0));
        assert_eq!(pending.next(&graph, false), Some(start + seconds(59)));
        assert!(pending.due(&graph, start + seconds(58)).is_empty());
        // d is due, and takes b and c along, though b had time for an hour.
        assert_eq!(pending.due(&graph, start + seconds(59)), [1, 2, 3].into());
        assert_eq!(pending.all(&graph, start), [1, 2, 3].into());
    }

    #[test]
    fn what_may_be_older_does_not_hold_up_what_may_not() {
        let (graph, start) = (graph(), Instant::now());
        let mut pending = Pending::new(&graph);
        pending.changed([0, 1, 2, 3], start);
        let due = pending.due(&graph, start + seconds(59));
        assert_eq!(due, [0, 1, 2, 3].into());
        assert_eq!(pending.parts(&graph, due), ([0].into(), [1, 2, 3].into()));
        assert_eq!(pending.parts(&graph, [1, 2, 3].into()), ([].into(), [1, 2, 3].into()));
        assert!(pending.is_urgent(&graph, "raw"), "a has a second");
        assert!(!pending.is_urgent(&graph, "b"));
    }

    #[test]
    fn what_failed_for_want_of_memory_still_holds_its_topics() {
        let (graph, start) = (graph(), Instant::now());
        let mut pending = Pending::new(&graph);
        pending.changed([0], start);
        pending.begin(&[0].into());
        pending.failed(0, start, 0.0);
        assert!(!pending.is_urgent(&graph, "raw"), "rows wait in the raw table");
        pending.begin(&[0].into());
        pending.failed_for(0, true, start, 0.0);
        assert!(pending.is_urgent(&graph, "raw"), "with more rows it would need more memory");
        pending.begin(&[0].into());
        pending.done(0, seconds(0));
        pending.begin(&[0].into());
        pending.failed(0, start, 0.0);
        assert!(!pending.is_urgent(&graph, "raw"));
    }

    #[test]
    fn what_shares_but_a_test_with_one_that_fails_goes_on_without_it() {
        // raw → a, raw → b (both 1 s); a test reads both.
        let node = |name: &str, needs: &[usize]| LiveNode {
            inputs: BTreeSet::new(),
            ..LiveNode::reading(name, Some(1), "raw", needs)
        };
        let graph = LiveGraph { nodes: vec![node("a", &[1]), node("b", &[0])], ..LiveGraph::default() };
        let start = Instant::now();
        let mut pending = Pending::new(&graph);
        pending.changed([0, 1], start);
        assert_eq!(pending.due(&graph, start), [0, 1].into(), "they are refreshed together");
        pending.begin(&[0, 1].into());
        pending.failed(0, start, 0.0);
        pending.done(1, seconds(0));
        pending.changed([0, 1], start);
        assert_eq!(pending.due(&graph, start), [1].into());
        assert_eq!(pending.next(&graph, false), Some(start));
        assert!(pending.is_urgent(&graph, "raw"), "b is");
        assert_eq!(pending.due(&graph, start + seconds(1)), [0, 1].into());
    }

    #[test]
    fn what_shares_but_a_test_with_one_that_waits_is_not_pending_for_its_sake() {
        // raw → a (1 s) → c (1 s); raw → b (1 minute); tests of b read a and c.
        let b = LiveNode { inputs: BTreeSet::new(), ..LiveNode::reading("b", Some(60), "raw", &[0, 1]) };
        let nodes = vec![LiveNode::reading("a", Some(1), "raw", &[]), LiveNode::reading("c", Some(1), "a", &[0]), b];
        let graph = LiveGraph { nodes, ..LiveGraph::default() };
        let start = Instant::now();
        let mut pending = Pending::new(&graph);
        pending.changed([0, 1, 2], start);
        pending.begin(&[0, 1].into());
        pending.failed(0, start, 0.0);
        pending.skipped(1);
        pending.begin(&[2].into());
        pending.behind(&graph, &[2].into(), start);
        pending.done(2, seconds(0));
        assert_eq!(pending.since(2), None, "all of raw is in it");
        // As soon as they are tried again they are refreshed with it, or before it.
        let later = start + seconds(1);
        pending.changed([2], later);
        pending.begin(&[2].into());
        pending.behind(&graph, &[2].into(), later);
        pending.done(2, seconds(0));
        assert_eq!(pending.since(2), Some(start));
    }

    #[test]
    fn what_only_waits_for_one_that_fails_holds_no_topic_either() {
        // raw → a (1 s) → b (1 s), and raw → c (1 s).
        let node = LiveNode::reading;
        let nodes =
            vec![node("a", Some(1), "raw", &[]), node("b", Some(1), "a", &[0]), node("c", Some(1), "other", &[])];
        let graph = LiveGraph { nodes, ..LiveGraph::default() };
        let start = Instant::now();
        let mut pending = Pending::new(&graph);
        pending.changed([0, 1, 2], start);
        pending.begin(&[0, 1, 2].into());
        pending.failed(0, start, 0.0);
        pending.skipped(1);
        pending.done(2, seconds(0));
        assert!(!pending.is_urgent(&graph, "raw"), "b is refreshed with a or not at all");
        assert!(pending.is_urgent(&graph, "other"), "c goes on");
        assert!(pending.is_held_back(&graph, 1, start) && !pending.is_held_back(&graph, 1, start + seconds(60)));
        assert_eq!(pending.all(&graph, start), [].into(), "of the first round too only what is not held back");
        assert_eq!(pending.all(&graph, start + seconds(60)), [0, 1].into());
        pending.begin(&[0, 1].into());
        pending.failed_for(0, true, start, 0.0);
        pending.skipped(1);
        assert!(pending.is_urgent(&graph, "raw"), "for want of memory it does");
    }

    #[test]
    fn beside_what_is_at_work_go_those_that_do_not_need_it() {
        let (graph, start) = (graph(), Instant::now());
        let mut pending = Pending::new(&graph);
        pending.changed([1, 2, 3], start);
        pending.begin(&[1, 2, 3].into());
        pending.changed([0, 1, 2, 3], start);
        assert_eq!(pending.due(&graph, start + seconds(3600)), [0].into());
        assert_eq!(pending.next(&graph, false), Some(start), "the others are waited for");
        pending.begin(&[0].into());
        pending.done(0, seconds(0));
        assert_eq!(pending.next(&graph, false), None);
        assert_eq!(pending.open(), [1, 2, 3].into());
        [1, 2, 3].into_iter().for_each(|number| pending.done(number, seconds(0)));
        assert_eq!(pending.next(&graph, false), Some(start + seconds(59)));
        assert_eq!(pending.next(&graph, true), None, "none of them is urgent");
    }

    #[test]
    fn what_is_not_yet_in_a_table_that_a_node_reads_is_not_in_the_node() {
        let (graph, start) = (graph(), Instant::now());
        let mut pending = Pending::new(&graph);
        pending.changed([0, 1, 2, 3], start);
        pending.begin(&[0].into());
        pending.changed([0, 1, 2, 3], start + seconds(1));
        pending.done(0, seconds(1));
        pending.begin(&[1, 2, 3].into());
        pending.behind(&graph, &[1, 2, 3].into(), start);
        [1, 2, 3].into_iter().for_each(|number| pending.done(number, seconds(1)));
        assert_eq!(pending.since(3), Some(start + seconds(1)), "a had it not when d was made of it");
        pending.begin(&[0].into());
        pending.done(0, seconds(1));
        pending.begin(&[1, 2, 3].into());
        pending.behind(&graph, &[1, 2, 3].into(), start);
        pending.done(3, seconds(1));
        assert_eq!(pending.since(3), None);
    }

    #[test]
    fn a_slow_refresh_begins_earlier() {
        let (graph, start) = (graph(), Instant::now());
        let mut pending = Pending::new(&graph);
        pending.changed([3], start);
        pending.begin(&[3].into());
        pending.done(3, seconds(10));
        pending.changed([3], start);
        assert_eq!(pending.next(&graph, false), Some(start + seconds(39)));
    }

    #[test]
    fn what_changes_during_a_refresh_is_for_the_next() {
        let (graph, start) = (graph(), Instant::now());
        let mut pending = Pending::new(&graph);
        pending.changed([0], start);
        pending.begin(&[0].into());
        assert_eq!(pending.since(0), Some(start), "it is not in the table yet");
        pending.changed([0], start + seconds(1));
        pending.done(0, seconds(1));
        assert_eq!(pending.since(0), Some(start + seconds(1)));
        pending.begin(&[0].into());
        pending.done(0, seconds(1));
        assert_eq!(pending.since(0), None);
    }

    #[test]
    fn a_failure_waits_longer_each_time_and_holds_back_what_needs_it() {
        let (graph, start) = (graph(), Instant::now());
        let mut pending = Pending::new(&graph);
        pending.changed([0, 1], start);
        pending.begin(&[0, 1].into());
        pending.failed(0, start, 0.0);
        pending.skipped(1);
        assert!(pending.due(&graph, start).is_empty());
        assert_eq!(pending.next(&graph, false), Some(start + seconds(1)));
        let later = start + seconds(1);
        pending.begin(&pending.due(&graph, later));
        pending.failed(0, later, 0.0);
        assert_eq!(pending.next(&graph, false), Some(later + seconds(2)));
        assert_eq!(pending.since(0), Some(start), "the oldest change is still not in it");
        pending.changed([1], start);
        assert!(pending.due(&graph, start + seconds(3599)).contains(&1));
        pending.begin(&[0].into());
        pending.done(0, seconds(0));
        pending.changed([0], later);
        assert_eq!(pending.due(&graph, later), [0].into(), "a success ends the pause");
    }
}
