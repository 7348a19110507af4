//! Refreshes live models as changes and their lags demand: one refresh at a time of those that have no time, and one of
//! those that may be older beside it.
//!
//! Guarantees: what live models need is built before they are refreshed, see [`prepare`]; what is pending stays pending
//! until a version with it is published; no failure ends the loop, and none holds back more than what needs the node that
//! failed.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use millstream_core::Result;
use millstream_store::Cause;

use super::beside::{Beside, Ended};
use super::event::LiveEvent;
use super::flush;
use super::own::Own;
use super::prepare;
use super::refresh::{Cut, How, Refreshed, refresh};
use super::shared::Shared;
use super::topic;
use crate::Status;

/// How long another build is waited for. It ends by itself; a refresh that gives up is only tried again.
pub(super) const LOCK_WAIT: Duration = Duration::from_secs(24 * 3600);

/// How often versions are looked at that other processes may have made.
const OTHERS_EVERY: Duration = Duration::from_secs(2);

/// How often what was refreshed is told.
const TOLD_EVERY: Duration = Duration::from_secs(10);

/// Refreshes begin at least so far apart. Where each takes a moment, topics would else commit a few messages for every one
/// of them, forty times a second, which nobody is the fresher for and keeps a processor busy.
const EVERY: Duration = Duration::from_millis(100);

/// Pause after a failure of the whole refresh (a full disk, a store that cannot be written).
const AFTER_FAILURE: Duration = Duration::from_secs(5);

/// Refreshes until it is asked to end.
pub(crate) async fn run(shared: Arc<Shared>, began: Instant) {
    let mut told = Told::new(&shared);
    // Everything is looked at once at the start: what happened while nobody was there is not known.
    shared.mark(0..shared.graph.nodes.len());
    while !prepared(&shared).await {
        if shared.soft.is_cancelled() {
            return;
        }
    }
    // Noted before the first refresh reads anything: what is made from here on is a change.
    let mut looked: Option<Instant> = None;
    let mut own = Own::default();
    let mut is_first = true;
    let mut beside = Beside::new(shared.runner.project.target.threads);
    while !shared.soft.is_cancelled() {
        if looked.is_none_or(|at| at.elapsed() >= OTHERS_EVERY) {
            let is_first_look = looked.replace(Instant::now()).is_none();
            let done = match look_at_others(&shared, is_first_look).await {
                Ok(()) => own.look(&shared).await,
                error => error,
            };
            if let Err(error) = done {
                shared.tell(&LiveEvent::RefreshFailed { error: &error });
            }
        }
        let now = Instant::now();
        match round(&shared, is_first, &mut beside, &mut told).await {
            Ok(_) if shared.soft.is_cancelled() => break,
            Ok(_) if is_first => {
                is_first = false;
                shared.board.lock().is_started = true;
                tell_fresh(&shared, began);
            }
            Ok(true) => shared.sleep(pause_after(now, Instant::now())).await,
            Ok(false) => {}
            Err(_) if shared.hard.is_cancelled() => break,
            Err(error) => {
                shared.tell(&LiveEvent::RefreshFailed { error: &error });
                shared.sleep(AFTER_FAILURE).await;
            }
        }
        told.tell(&shared, TOLD_EVERY);
        flush::ask(&shared);
        let next = shared.pending().next(&shared.graph, beside.is_at_work());
        let latest = looked.map_or(now, |at| at + OTHERS_EVERY);
        let wake_at = next.map_or(latest, |at| at.min(latest));
        tokio::select! {
            biased;
            () = shared.soft.cancelled() => {}
            ended = beside.ended() => end(&shared, ended, &mut told),
            () = shared.wake.notified() => {}
            () = tokio::time::sleep_until(wake_at.into()) => {}
        }
    }
    if beside.is_at_work() {
        end(&shared, beside.ended().await, &mut told);
    }
    told.tell(&shared, Duration::ZERO);
}

/// How long nothing is refreshed after what began at this time.
fn pause_after(began: Instant, now: Instant) -> Duration {
    EVERY.saturating_sub(now.saturating_duration_since(began))
}

/// Tells that models are fresh, and how many are not because they are held back.
pub(super) fn tell_fresh(shared: &Shared, began: Instant) {
    let now = Instant::now();
    let nodes = 0..shared.graph.nodes.len();
    let held = nodes.filter(|number| shared.pending().is_held_back(&shared.graph, *number, now)).count();
    shared.tell(&LiveEvent::Fresh { elapsed: began.elapsed(), held });
}

/// Refreshes what is due: at once what has no time, and what may be older beside. Whether there was anything.
async fn round(shared: &Arc<Shared>, is_first: bool, beside: &mut Beside, told: &mut Told) -> Result<bool> {
    let (urgent, rest) = due(shared, is_first);
    let is_free = !beside.is_at_work();
    if urgent.is_empty() && (rest.is_empty() || !is_free) {
        return Ok(false);
    }
    if !urgent.is_empty() {
        flush::have_committed(shared).await;
    }
    let Some(lock) = shared.enter(LOCK_WAIT).await? else { return Ok(false) };
    // Others may have come while it was waited.
    let (mut urgent, mut rest) = due(shared, is_first);
    let tried = urgent.iter().chain(rest.iter().filter(|_| is_free)).copied();
    let lacking: BTreeSet<usize> = tried.filter(|number| prepare::is_missing_something(shared, *number)).collect();
    if !lacking.is_empty() {
        // What cannot be built this time either holds them back again.
        prepare::prepare(shared, &lacking, &lock).await?;
        (urgent, rest) = due(shared, is_first);
    }
    let rest = if is_free { rest } else { BTreeSet::new() };
    if urgent.is_empty() && rest.is_empty() {
        return Ok(false);
    }
    {
        let mut pending = shared.pending();
        pending.begin(&urgent);
        pending.begin(&rest);
    }
    let done = async {
        let cut = Cut { lock, pins: shared.runner.pins().await? };
        if !urgent.is_empty() {
            let (began, cause) = (Instant::now(), if is_first { Cause::Start } else { Cause::Change });
            let refreshed = carry_out(shared, &urgent, cause, Some(cut.clone())).await?;
            told.add(&refreshed, began.elapsed());
        }
        if rest.is_empty() {
            return Ok(None);
        }
        shared.pending().behind(&shared.graph, &rest, Instant::now());
        shared.cut_beside(&cut, &rest).await.map(Some)
    };
    match done.await {
        Ok(None) => {}
        Ok(Some(cut)) => beside.begin(shared, rest, cut),
        Err(error) => {
            let mut pending = shared.pending();
            let open = urgent.iter().chain(&rest).filter(|number| pending.is_at_work(**number)).copied();
            open.collect::<Vec<_>>().into_iter().for_each(|number| pending.skipped(number));
            return Err(error);
        }
    }
    Ok(true)
}

/// What has no time left, and what is due and may be older. At the start nothing is refreshed beside.
fn due(shared: &Shared, is_first: bool) -> (BTreeSet<usize>, BTreeSet<usize>) {
    let pending = shared.pending();
    match is_first {
        true => (pending.all(&shared.graph, Instant::now()), BTreeSet::new()),
        false => pending.parts(&shared.graph, pending.due(&shared.graph, Instant::now())),
    }
}

/// A refresh beside the others has ended.
fn end(shared: &Shared, (done, took): Ended, told: &mut Told) {
    match done {
        Ok(refreshed) => told.add(&refreshed, took),
        Err(_) if shared.hard.is_cancelled() => {}
        Err(error) => shared.tell(&LiveEvent::RefreshFailed { error: &error }),
    }
}

/// Builds what is needed and not there, with a pause when that cannot be tried at all. Whether it was tried: what could
/// not be built is held back, with what needs it.
async fn prepared(shared: &Shared) -> bool {
    match prepare::prepare_all(shared).await {
        Ok(tried) => tried.is_some(),
        Err(error) => {
            if !shared.soft.is_cancelled() {
                shared.tell(&LiveEvent::RefreshFailed { error: &error });
                shared.sleep(AFTER_FAILURE).await;
            }
            false
        }
    }
}

/// Refreshes these nodes once, whose refresh has begun, from what is there or from a cut.
pub(crate) async fn carry_out(
    shared: &Shared,
    due: &BTreeSet<usize>,
    cause: Cause,
    cut: Option<Cut>,
) -> Result<Vec<Refreshed>> {
    let models: Vec<String> = due.iter().map(|number| shared.graph.nodes[*number].unique_id.clone()).collect();
    let (takes, waiting) = {
        let pending = shared.pending();
        let takes = due.iter().any(|number| pending.has_no_time(&shared.graph, *number));
        let others: BTreeSet<usize> = pending.open().into_iter().filter(|number| !due.contains(number)).collect();
        let now = Instant::now();
        let held = others.iter().filter(|number| pending.is_held_back(&shared.graph, **number, now));
        let held: Vec<String> = held.map(|number| shared.graph.nodes[*number].unique_id.clone()).collect();
        let mut waiting = shared.graph.older(due, others);
        // Those that fail too, which may not even be there.
        waiting.extend(held);
        (takes, waiting)
    };
    topic::begin(shared, takes);
    // Noted before anything is read: what comes later may be in it or not.
    let newest: Vec<_> = due.iter().map(|number| newest(shared, *number)).collect();
    let (known, cancel) = (Arc::clone(&shared.known), shared.hard.clone());
    // Who called tries all of it again after a pause, but for what is refreshed beside, for which nobody pauses.
    let is_beside = !takes && cause == Cause::Change;
    let standing = due.iter().flat_map(|number| shared.graph.nodes[*number].standing.iter().cloned()).collect();
    let how = How { cause, cut, lock_wait: LOCK_WAIT, waiting, standing, known, cancel };
    let began = Instant::now();
    let refreshed = refresh(&shared.runner, &models, &how).await;
    topic::end(shared);
    let refreshed = match refreshed {
        Ok(refreshed) => refreshed,
        Err(error) => {
            let mut pending = shared.pending();
            for number in due {
                match is_beside {
                    true => pending.failed(*number, Instant::now(), shared.jitter()),
                    false => pending.skipped(*number),
                }
            }
            return Err(error);
        }
    };
    let ends = Ends { nodes: due, newest, refreshed: &refreshed, took: began.elapsed() };
    if takes {
        let of = |number: &usize| ends.result(shared, *number);
        let is_short = |number: &usize| of(number).is_some_and(|result| result.short_of_memory);
        topic::refreshed(&shared.topics, &shared.graph, due, &due.iter().copied().filter(is_short).collect());
    }
    ends.account(shared);
    Ok(refreshed)
}

/// How a refresh of some nodes has ended.
pub(super) struct Ends<'a> {
    pub(super) nodes: &'a BTreeSet<usize>,
    /// Time of the newest event that was there when it began, of each.
    pub(super) newest: Vec<Option<DateTime<Utc>>>,
    pub(super) refreshed: &'a [Refreshed],
    pub(super) took: Duration,
}

impl Ends<'_> {
    /// Writes what became of the nodes to the board, and when they are due again.
    pub(super) fn account(self, shared: &Shared) {
        let mut passed_over = Vec::new();
        for (number, newest) in self.nodes.iter().zip(&self.newest) {
            let result = self.result(shared, *number);
            match result {
                Some(result) if result.status == Status::Success => {
                    succeeded(shared, *number, result, *newest, self.took);
                }
                Some(result) if result.status.is_failure() => failed(shared, *number, result),
                _ => passed_over.push((*number, result)),
            }
        }
        // When all failures are known: most were passed over because of one that they read, with which they are tried again.
        for (number, result) in passed_over {
            let is_held_back = shared.pending().is_held_back(&shared.graph, number, Instant::now());
            match result {
                // Another cause, as a hook: without a pause it would be tried again at once, for ever.
                Some(result) if !is_held_back && !shared.hard.is_cancelled() => failed(shared, number, result),
                _ => shared.pending().skipped(number),
            }
        }
    }

    fn result(&self, shared: &Shared, number: usize) -> Option<&Refreshed> {
        self.refreshed.iter().find(|result| result.unique_id == shared.graph.nodes[number].unique_id)
    }
}

/// A node has a new version, or keeps the one that it has because nothing is to be changed.
fn succeeded(shared: &Shared, number: usize, result: &Refreshed, newest: Option<DateTime<Utc>>, took: Duration) {
    let live = &shared.graph.nodes[number];
    shared.pending().done(number, took);
    if let Some(version) = result.version {
        shared.versions().insert(live.unique_id.clone(), version);
    }
    let now = shared.now();
    let pending_since = shared.pending().since(number).map(|since| seen_at(since, Instant::now(), now));
    shared.board.model(&live.name, |model| {
        model.newest = newest.max(model.newest);
        model.pending_since = pending_since;
        model.last_refresh = Some(now);
        model.refreshes.add(Duration::from_secs_f64(result.elapsed_s.max(0.0)));
        model.failing = None;
        model.version = result.version;
    });
}

/// The time of day at which something was seen, from that of now.
fn seen_at(since: Instant, at: Instant, now: DateTime<Utc>) -> DateTime<Utc> {
    now - at.saturating_duration_since(since)
}

/// A node keeps its last good version; it is tried again after a pause.
fn failed(shared: &Shared, number: usize, result: &Refreshed) {
    let at = Instant::now();
    shared.pending().failed_for(number, result.short_of_memory, at, shared.jitter());
    shared.board.model(&shared.graph.nodes[number].name, |model| {
        model.failures += 1;
        model.failing = Some(result.message.clone().unwrap_or_else(|| result.status.name().to_owned()));
    });
    let retry_in = shared.pending().retry_in(number, at);
    shared.tell(&LiveEvent::Held { model: result, retry_in });
}

/// Time of the newest event that is in the sources of a node.
pub(super) fn newest(shared: &Shared, number: usize) -> Option<DateTime<Utc>> {
    let manifest = &shared.runner.project.manifest;
    let board = shared.board.lock();
    let names = shared.graph.nodes[number].sources.iter().filter_map(|id| manifest.sources.get(id));
    names.filter_map(|source| board.sources.get(&crate::ingest::name(source))?.newest).max()
}

/// Looks for versions that other processes, scheduled runs and hooks have made. At the first look everything is pending,
/// so that none of them is a change.
async fn look_at_others(shared: &Shared, is_first: bool) -> Result<()> {
    for (id, table) in &shared.graph.inputs {
        // What is being refreshed is told of when that has ended.
        if shared.is_at_work(id) {
            continue;
        }
        let Some(state) = shared.runner.warehouse.table_state(table).await? else {
            // Made anew, it begins with versions that were seen before.
            shared.versions().remove(id);
            continue;
        };
        match is_first {
            true => drop(shared.versions().insert(id.clone(), state.version)),
            false => shared.changed(id, Some(state.version)),
        }
    }
    Ok(())
}

/// What is told of refreshes and loads, added up until it is told.
struct Told {
    since: Instant,
    times: u64,
    models: u64,
    slowest: Duration,
    /// Rows of each source as they were told last.
    rows: std::collections::BTreeMap<String, (u64, u64)>,
}

impl Told {
    fn new(shared: &Shared) -> Self {
        let mut told =
            Self { since: Instant::now(), times: 0, models: 0, slowest: Duration::ZERO, rows: Default::default() };
        told.loaded(shared);
        told
    }

    fn add(&mut self, refreshed: &[Refreshed], took: Duration) {
        let good = refreshed.iter().filter(|result| result.status == Status::Success).count() as u64;
        self.times += u64::from(good > 0);
        self.models += good;
        self.slowest = self.slowest.max(took);
    }

    /// Tells what there is to tell, when it was told for so long.
    fn tell(&mut self, shared: &Shared, every: Duration) {
        let over = self.since.elapsed();
        if over < every {
            return;
        }
        self.since = Instant::now();
        for (source, rows, quarantined, lag) in self.loaded(shared) {
            shared.tell(&LiveEvent::Loaded { source: &source, rows, quarantined, lag, over });
        }
        if self.times > 0 {
            let (times, models, slowest) = (self.times, self.models, self.slowest);
            shared.tell(&LiveEvent::Refreshed { times, models, slowest, over });
        }
        (self.times, self.models, self.slowest) = (0, 0, Duration::ZERO);
    }

    /// What topics have loaded since this was asked last: source, rows, quarantined, lag.
    fn loaded(&mut self, shared: &Shared) -> Vec<(String, u64, u64, u64)> {
        let mut found = Vec::new();
        let board = shared.board.lock();
        for (name, source) in board.sources.iter().filter(|(_, source)| source.connector == "kafka") {
            let now = (source.rows_loaded, source.rows_quarantined);
            let before = self.rows.insert(name.clone(), now).unwrap_or_default();
            if now != before {
                let lag = source.partitions.values().map(super::board::PartitionBoard::lag).sum();
                found.push((name.clone(), now.0 - before.0, now.1 - before.1, lag));
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_during_a_refresh_has_been_waiting_since_then() {
        let (now, since) = (DateTime::UNIX_EPOCH + Duration::from_secs(100), Instant::now());
        assert_eq!(seen_at(since, since + Duration::from_secs(7), now).timestamp(), 93);
        assert_eq!(seen_at(since + Duration::from_secs(1), since, now), now);
    }

    #[test]
    fn refreshes_that_take_a_moment_begin_a_tenth_of_a_second_apart() {
        let began = Instant::now();
        let after = |ms: u64| pause_after(began, began + Duration::from_millis(ms)).as_millis();
        assert_eq!([after(0), after(30), after(99), after(100), after(240)], [100, 70, 1, 0, 0]);
    }
}
