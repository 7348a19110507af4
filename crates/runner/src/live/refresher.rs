//! Refreshes live models as changes and their lags demand: one refresh at a time of those that have no time, and one of
//! those that may be older beside it.
//!
//! Guarantees: everything that live models need is there before the first refresh; what is pending stays pending until
//! a version with it is published; no failure ends the loop.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use millstream_core::Result;
use millstream_store::Cause;

use super::beside::{Beside, Ended};
use super::event::LiveEvent;
use super::flush;
use super::graph::gates;
use super::refresh::{Cut, How, Refreshed, refresh};
use super::shared::Shared;
use super::topic;
use crate::{Request, Status, Verb};

/// How long another build is waited for. It ends by itself; a refresh that gives up is only tried again.
const LOCK_WAIT: Duration = Duration::from_secs(24 * 3600);

/// How often versions are looked at that other processes may have made.
const OTHERS_EVERY: Duration = Duration::from_secs(2);

/// How often what was refreshed is told.
const TOLD_EVERY: Duration = Duration::from_secs(10);

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
    let mut is_first = true;
    let mut beside = Beside::new(shared.runner.project.target.threads);
    while !shared.soft.is_cancelled() {
        if looked.is_none_or(|at| at.elapsed() >= OTHERS_EVERY) {
            looked = Some(Instant::now());
            if let Err(error) = look_at_others(&shared).await {
                shared.tell(&LiveEvent::RefreshFailed { error: &error });
            }
        }
        let now = Instant::now();
        match round(&shared, is_first, &mut beside, &mut told).await {
            Ok(()) => {}
            Err(_) if shared.hard.is_cancelled() => break,
            Err(error) => {
                shared.tell(&LiveEvent::RefreshFailed { error: &error });
                shared.sleep(AFTER_FAILURE).await;
            }
        }
        if std::mem::take(&mut is_first) {
            shared.board.lock().is_started = true;
            shared.tell(&LiveEvent::Fresh { elapsed: began.elapsed() });
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

/// Refreshes what is due: at once what has no time, and what may be older beside.
async fn round(shared: &Arc<Shared>, is_first: bool, beside: &mut Beside, told: &mut Told) -> Result<()> {
    let (urgent, rest) = due(shared, is_first);
    let is_free = !beside.is_at_work();
    if urgent.is_empty() && (rest.is_empty() || !is_free) {
        return Ok(());
    }
    if !urgent.is_empty() {
        flush::have_committed(shared).await;
    }
    let lock = shared.enter(LOCK_WAIT).await?;
    // Others may have come while it was waited.
    let (urgent, rest) = due(shared, is_first);
    let rest = if is_free { rest } else { BTreeSet::new() };
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
        shared.pending().behind(&shared.graph, &rest);
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
    Ok(())
}

/// What has no time left, and what is due and may be older. At the start nothing is refreshed beside.
fn due(shared: &Shared, is_first: bool) -> (BTreeSet<usize>, BTreeSet<usize>) {
    let pending = shared.pending();
    match is_first {
        true => (pending.all(), BTreeSet::new()),
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

/// Builds what is needed and not there, with a pause when that fails. Whether it was built.
async fn prepared(shared: &Shared) -> bool {
    match prepare(shared).await {
        Ok(true) => true,
        Ok(false) => {
            shared.sleep(AFTER_FAILURE).await;
            false
        }
        Err(error) => {
            if !shared.soft.is_cancelled() {
                shared.tell(&LiveEvent::RefreshFailed { error: &error });
                shared.sleep(AFTER_FAILURE).await;
            }
            false
        }
    }
}

/// Builds views that live models read, and whatever else they need and is not there. Whether all could be built.
pub(crate) async fn prepare(shared: &Shared) -> Result<bool> {
    let runner = &shared.runner;
    let manifest = &runner.project.manifest;
    let live: BTreeSet<&String> = shared.graph.nodes.iter().map(|live| &live.unique_id).collect();
    let mut missing = BTreeSet::new();
    for id in &shared.graph.needed {
        let Some(node) = manifest.nodes.get(id).filter(|node| node.is_relational()) else { continue };
        let is_view = node.config.materialized == "view";
        if is_view || (!live.contains(id) && runner.warehouse.relation(&node.table_name()).await?.is_none()) {
            missing.insert(id.clone());
        }
    }
    if missing.is_empty() {
        return Ok(true);
    }
    // What is not live may read what is, so that both are built together.
    let mut together = BTreeSet::new();
    for (number, node) in shared.graph.nodes.iter().enumerate() {
        if runner.warehouse.relation(&node.table).await?.is_none() {
            missing.insert(node.unique_id.clone());
            together.insert(number);
        }
    }
    // Tests of views say nothing of their definitions, and what they show is tested where it is kept.
    let is_kept = |id: &&String| manifest.nodes.get(*id).is_some_and(|node| node.config.materialized != "view");
    let tests = missing.iter().filter(is_kept).flat_map(|id| gates(manifest, id)).map(|test| test.unique_id.clone());
    let selected: BTreeSet<String> = tests.chain(missing.iter().cloned()).collect();
    let request = Request {
        threads: runner.project.target.threads.max(1),
        cause: Cause::Start,
        artefacts: false,
        lock_wait: LOCK_WAIT,
        cancel: shared.hard.clone(),
        ..Request::new(Verb::Build, selected)
    };
    shared.pending().begin(&together);
    let newest: Vec<_> = together.iter().map(|number| newest(shared, *number)).collect();
    let summary = match runner.execute(&request).await {
        Ok(summary) => summary,
        Err(error) => {
            let mut pending = shared.pending();
            together.iter().for_each(|number| pending.skipped(*number));
            return Err(error);
        }
    };
    let is_success = summary.is_success();
    let results: Vec<Refreshed> = summary.results.into_iter().map(Refreshed::from).collect();
    for (number, newest) in together.iter().zip(newest) {
        let id = &shared.graph.nodes[*number].unique_id;
        let result = results.iter().find(|result| result.unique_id == *id);
        account(shared, *number, result, newest, Duration::ZERO);
    }
    for model in results.iter().filter(|result| result.status.is_failure() && !live.contains(&result.unique_id)) {
        shared.tell(&LiveEvent::Held { model, retry_in: AFTER_FAILURE });
    }
    Ok(is_success)
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
        let others = pending.open().into_iter().filter(|number| !due.contains(number));
        (takes, shared.graph.older(due, others.collect()))
    };
    topic::begin(shared, takes);
    // Noted before anything is read: what comes later may be in it or not.
    let newest: Vec<_> = due.iter().map(|number| newest(shared, *number)).collect();
    let (known, cancel) = (Arc::clone(&shared.known), shared.hard.clone());
    let how = How { cause, cut, lock_wait: LOCK_WAIT, waiting, known, cancel };
    let began = Instant::now();
    let refreshed = refresh(&shared.runner, &models, &how).await;
    topic::end(shared);
    let refreshed = match refreshed {
        Ok(refreshed) => refreshed,
        Err(error) => {
            let mut pending = shared.pending();
            for number in due {
                match takes {
                    true => pending.skipped(*number),
                    // Nobody else waits before it is tried again.
                    false => pending.failed(*number, Instant::now(), shared.jitter()),
                }
            }
            return Err(error);
        }
    };
    if takes {
        let of = |number: &usize| result_of(shared, &refreshed, *number);
        let is_short = |number: &usize| of(number).is_some_and(|result| result.short_of_memory);
        topic::refreshed(&shared.topics, &shared.graph, due, &due.iter().copied().filter(is_short).collect());
    }
    for (number, newest) in due.iter().zip(newest) {
        account(shared, *number, result_of(shared, &refreshed, *number), newest, began.elapsed());
    }
    Ok(refreshed)
}

fn result_of<'a>(shared: &Shared, refreshed: &'a [Refreshed], number: usize) -> Option<&'a Refreshed> {
    refreshed.iter().find(|result| result.unique_id == shared.graph.nodes[number].unique_id)
}

/// Writes what became of one node to the board, and when it is due again.
fn account(
    shared: &Shared,
    number: usize,
    result: Option<&Refreshed>,
    newest: Option<chrono::DateTime<chrono::Utc>>,
    took: Duration,
) {
    let live = &shared.graph.nodes[number];
    let now = shared.now();
    match result {
        Some(result) if result.status == Status::Success => {
            shared.pending().done(number, took);
            if let Some(version) = result.version {
                shared.versions().insert(live.unique_id.clone(), version);
            }
            let is_pending = shared.pending().since(number).is_some();
            shared.board.model(&live.name, |model| {
                model.newest = newest.max(model.newest);
                model.pending_since = model.pending_since.filter(|_| is_pending).map(|_| now);
                model.last_refresh = Some(now);
                model.refreshes.add(Duration::from_secs_f64(result.elapsed_s.max(0.0)));
                model.failing = None;
                model.version = result.version;
            });
        }
        Some(result) if result.status.is_failure() => {
            let at = Instant::now();
            shared.pending().failed_for(number, result.short_of_memory, at, shared.jitter());
            shared.board.model(&live.name, |model| {
                model.failures += 1;
                model.failing = Some(result.message.clone().unwrap_or_else(|| result.status.name().to_owned()));
            });
            let retry_in =
                shared.pending().next(&shared.graph, false).map_or(Duration::ZERO, |next| next - at.min(next));
            shared.tell(&LiveEvent::Held { model: result, retry_in });
        }
        // Skipped because of another, or cancelled.
        _ => shared.pending().skipped(number),
    }
}

/// Time of the newest event that is in the sources of a node.
fn newest(shared: &Shared, number: usize) -> Option<chrono::DateTime<chrono::Utc>> {
    let manifest = &shared.runner.project.manifest;
    let board = shared.board.lock();
    let names = shared.graph.nodes[number].sources.iter().filter_map(|id| manifest.sources.get(id));
    names.filter_map(|source| board.sources.get(&crate::ingest::name(source))?.newest).max()
}

/// Looks for versions that other processes, scheduled runs and hooks have made.
pub(crate) async fn look_at_others(shared: &Shared) -> Result<()> {
    for (id, table) in &shared.graph.inputs {
        // What is being refreshed is told of when that has ended.
        if shared.is_at_work(id) {
            continue;
        }
        let Some(state) = shared.runner.warehouse.table_state(table).await? else { continue };
        // At the first look everything is pending.
        let is_first = !shared.versions().contains_key(id);
        if is_first {
            shared.versions().insert(id.clone(), state.version);
        } else {
            shared.changed(id, Some(state.version));
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
