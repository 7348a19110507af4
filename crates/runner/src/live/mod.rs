//! `millstream up`: one process that keeps the marts of a project fresh for as long as it lives.
//!
//! It follows topics ([`follow`]), watches folders ([`files`]), refreshes what reads them ([`refresher`]) and runs
//! schedules ([`schedule`]). Each part is a task of its own that never ends because of a failure; they meet in
//! [`shared::Shared`].
//!
//! Guarantees: one `up` for each workspace; other commands work beside it; when it is asked to end, what was read is
//! committed, and work that goes on has its time to end.
//!
//! Deliberately absent: the project's changes (it is read once, at the start), and any decision that is kept only in
//! memory: killed anywhere, the next `up` goes on from the tables and the store.

mod apart;
mod backoff;
mod beside;
mod board;
mod event;
mod files;
mod flush;
mod follow;
mod graph;
mod lag;
mod newest;
mod once;
mod own;
mod pending;
mod prepare;
mod priority;
mod refresh;
mod refresher;
pub(crate) mod schedule;
mod shared;
mod span;
mod topic;
mod upkeep;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use millstream_core::{Diagnostic, Diagnostics, Error, Result};
use millstream_ingest::contract::SourceKind;
use tokio::task::JoinSet;

pub use board::{Board, DURATION_CLASSES, Histogram, ModelBoard, PartitionBoard, ScheduleBoard, Snapshot, SourceBoard};
pub use event::{LiveEvent, LiveEvents};
pub(crate) use graph::gates;
pub use refresh::Refreshed;
pub use schedule::{
    AT_ONCE_MAX, CATCH_UP_MAX, CatchUp, LOCK_WAIT_MAX, RETRIES_MAX, SCHEDULES_FILE, SCHEDULES_MAX, Schedule,
    ScheduledCommand, Schedules,
};
pub use topic::{AHEAD_ROWS_MAX, MEMORY_PER_AHEAD_ROW_BYTES};

use crate::ingest::name;
use crate::lock::{UP, WorkspaceLock};
use crate::{Cancel, IngestSummary, Request, Runner, Verb};
use files::Watched;
use follow::Followed;
use graph::LiveGraph;
use schedule::Scheduler;
use shared::Shared;
use topic::Topic;

/// Runs of refreshes that the history keeps: at one a second, a quarter of an hour and then some.
pub const REFRESH_RUNS_KEPT: usize = 1_000;

/// How long work that was told to end at once may take to notice. What has not is left behind: it has no more to lose than
/// a process that is killed.
const NOTICE_MAX: Duration = Duration::from_secs(2);

/// Tries at the lock of `up`, and the pause between two.
const LOCK_TRIES: u32 = 5;
const LOCK_PAUSE: Duration = Duration::from_millis(20);

/// What `up` is asked to do.
#[derive(Clone)]
pub struct UpRequest {
    /// Sources by name; empty means all that have a connector.
    pub sources: Vec<String>,
    /// Skip offsets that the broker no longer has, and record the gap.
    pub skip_gaps: bool,
    /// From the first message that is not committed to its commit, at most.
    pub flush: Duration,
    /// How often folders are looked at.
    pub poll: Duration,
    /// How long work that goes on may take after it was asked to end.
    pub drain: Duration,
    /// How long past versions of tables stay readable.
    pub retention: Duration,
    /// Memory of the process, in bytes, above which topics wait for the refresh at work.
    pub memory_limit_bytes: u64,
    /// What runs when.
    pub schedules: Schedules,
    /// Where it writes what it shows.
    pub board: Arc<Board>,
    /// Told what happens.
    pub listener: Arc<dyn LiveEvents>,
    /// Asks it to end.
    pub cancel: Cancel,
}

/// What one round of everything did.
#[derive(Debug, Clone)]
pub struct RoundSummary {
    /// What came of the sources, where there are any.
    pub ingest: Option<IngestSummary>,
    /// Whether all that models need, and was not there, could be built.
    pub is_prepared: bool,
    /// What became of the models that are kept fresh.
    pub refreshed: Vec<Refreshed>,
    /// Scheduled runs that failed.
    pub schedules_failed: usize,
    /// Whether it was asked to end before it was done.
    pub cancelled: bool,
}

impl RoundSummary {
    /// Whether nothing failed.
    pub fn is_success(&self) -> bool {
        let is_bad = |refreshed: &Refreshed| refreshed.status != crate::Status::Success;
        self.ingest.as_ref().is_none_or(IngestSummary::is_success)
            && self.is_prepared
            && !self.refreshed.iter().any(is_bad)
            && self.schedules_failed == 0
    }
}

/// One `up` that nothing stands in the way of, before it does anything; it holds the workspace's lock of `up`.
pub struct Up {
    request: UpRequest,
    shared: Arc<Shared>,
    scheduler: Arc<Scheduler>,
    followed: Vec<Followed>,
    watched: Vec<Watched>,
    // Held for its effect.
    _lock: WorkspaceLock,
}

impl Up {
    /// Keeps the project fresh until it is asked to end.
    ///
    /// # Errors
    /// The records of schedules cannot be read, or a raw table cannot be made. What goes wrong later is told and tried
    /// again.
    pub async fn run(self) -> Result<()> {
        self.tell_started();
        let Self { request, shared, scheduler, followed, watched, _lock } = self;
        scheduler.recover(true)?;
        // Before anyone loads into them, so that two do not make the same table.
        let reads = Request::new(Verb::Build, shared.graph.needed.iter().cloned());
        shared.runner.make_raw_tables(&reads).await?;
        let sources = followed.iter().map(|it| (&it.name, &it.contract));
        for (name, contract) in sources.chain(watched.iter().map(|it| (&it.name, &it.contract))) {
            // What cannot be read is told by whoever needs it.
            let newest = newest::newest(&shared.runner, contract).await.unwrap_or_default();
            shared.board.source(name, |source| source.newest = newest);
        }
        let mut tasks = JoinSet::new();
        for source in followed {
            tasks.spawn(follow::follow(Arc::clone(&shared), source));
        }
        if !watched.is_empty() {
            tasks.spawn(files::watch(Arc::clone(&shared), watched, request.poll));
        }
        tasks.spawn(refresher::run(Arc::clone(&shared), Instant::now()));
        if !scheduler.schedules.all.is_empty() {
            tasks.spawn(Arc::clone(&scheduler).run());
        }
        if !shared.topics.is_empty() {
            tasks.spawn(topic::watch_memory(Arc::clone(&shared), request.memory_limit_bytes));
        }
        tasks.spawn(upkeep::upkeep(Arc::clone(&shared), request.retention));
        request.cancel.cancelled().await;
        shared.board.lock().is_draining = true;
        shared.tell(&LiveEvent::Draining { at_most: request.drain });
        let drained = async { while tasks.join_next().await.is_some() {} };
        let mut drained = std::pin::pin!(drained);
        if tokio::time::timeout(request.drain, &mut drained).await.is_err() {
            shared.hard.cancel();
            let _ = tokio::time::timeout(NOTICE_MAX, drained).await;
        }
        Ok(())
    }

    /// What is kept fresh, and from what.
    fn tell_started(&self) {
        let (followed, watched) = (self.followed.iter(), self.watched.iter());
        let sources = followed.map(|it| it.name.clone()).chain(watched.map(|it| it.name.clone()));
        self.shared.tell(&LiveEvent::Started {
            sources: sources.collect(),
            models: self.shared.graph.nodes.iter().map(|node| node.name.clone()).collect(),
            schedules: self.request.schedules.all.iter().map(|schedule| schedule.name.clone()).collect(),
        });
    }
}

impl Runner {
    /// Does one round of everything: loads what is there, runs what is due, and refreshes what reads it.
    ///
    /// # Errors
    /// As of [`Runner::prepare_up`]; and the workspace is held by another process, or a record cannot be written.
    pub async fn up_once(&self, request: &UpRequest) -> Result<RoundSummary> {
        let up = self.prepare_up(request)?;
        up.tell_started();
        up.scheduler.recover(false)?;
        once::once(self, request, &up.shared, Arc::clone(&up.scheduler)).await
    }

    /// Looks at all that stands in the way, and puts an `up` together.
    ///
    /// # Errors
    /// Another `up` is at work here; a source is not known; a contract, a lag or a schedule is wrong.
    pub fn prepare_up(&self, request: &UpRequest) -> Result<Up> {
        let Some(lock) = self.lock_up()? else {
            let pid = WorkspaceLock::holder(&self.workspace, UP);
            let who = pid.map_or_else(|| "another process".to_owned(), |pid| format!("process {pid}"));
            return Err(Error::environment(format!("millstream up is at work on {}", self.workspace.display()))
                .why(format!("{who} keeps this workspace fresh, and two would do everything twice"))
                .hint("end it first (SIGTERM), or give this one another workspace"));
        };
        let scheduled = self.scheduled(&request.schedules)?;
        let graph = LiveGraph::new(&self.project, &scheduled)?;
        let (mut followed, mut watched, mut topics) = (Vec::new(), Vec::new(), Vec::new());
        for job in self.jobs_or_none(&request.sources)? {
            let (unique_id, name, contract) = (job.source.unique_id.clone(), name(job.source), job.contract);
            let is_topic = matches!(contract.source(), SourceKind::Kafka(..));
            request.board.source(&name, |board| board.connector = if is_topic { "kafka" } else { "file" });
            if is_topic {
                let (flush, skip_gaps) = (request.flush, request.skip_gaps);
                let rows_max = topic::ahead_rows_max(request.memory_limit_bytes);
                let topic = Arc::new(Topic::new(&unique_id, &name, rows_max));
                topics.push(Arc::clone(&topic));
                followed.push(Followed { unique_id, name, contract, flush, topic, skip_gaps });
            } else {
                watched.push(Watched::new(unique_id, name, contract));
            }
        }
        for node in &graph.nodes {
            request.board.model(&node.name, |_| {});
        }
        let (board, listener) = (Arc::clone(&request.board), Arc::clone(&request.listener));
        let mut shared = Shared::new(self, graph, board.clone(), listener.clone(), request.cancel.clone());
        shared.topics = topics;
        let scheduler = Scheduler {
            runner: self.clone(),
            schedules: request.schedules.clone(),
            board,
            listener,
            soft: request.cancel.clone(),
            hard: shared.hard.clone(),
        };
        let (shared, scheduler) = (Arc::new(shared), Arc::new(scheduler));
        let request = request.clone();
        Ok(Up { request, shared, scheduler, followed, watched, _lock: lock })
    }

    /// The lock of `up`. Who asks whether there is one has it for a moment too.
    fn lock_up(&self) -> Result<Option<WorkspaceLock>> {
        for _ in 1..LOCK_TRIES {
            if let Some(lock) = WorkspaceLock::try_take(&self.workspace, UP)? {
                return Ok(Some(lock));
            }
            std::thread::sleep(LOCK_PAUSE);
        }
        WorkspaceLock::try_take(&self.workspace, UP)
    }

    /// The sources that are asked for; a project without any has none.
    fn jobs_or_none(&self, names: &[String]) -> Result<Vec<crate::ingest::Job<'_>>> {
        let has_any = self.project.manifest.sources.values().any(|source| source.meta.contains_key("millstream"));
        if has_any || !names.is_empty() { self.jobs(names) } else { Ok(Vec::new()) }
    }

    /// The nodes that are left to schedules which are not paused. Every selection is tried, paused or not.
    fn scheduled(&self, schedules: &Schedules) -> Result<BTreeSet<String>> {
        let states = self.store.schedules()?;
        let mut found = BTreeSet::new();
        let mut problems = Diagnostics::new();
        for schedule in &schedules.all {
            let selected = match schedule.command {
                ScheduledCommand::Ingest => schedule::command::files_named(self, schedule).map(|()| Vec::new()),
                _ => schedule::command::selected(self, schedule),
            };
            let selected = match selected {
                Ok(selected) => selected,
                Err(error) => {
                    let message = std::iter::once(error.what()).chain(error.causes().iter().map(String::as_str));
                    let message = message.collect::<Vec<_>>().join(": ");
                    let hint = error.fix().unwrap_or("see which there are: millstream ls");
                    problems
                        .push(Diagnostic::error("schedule-selection", message).at(schedule.place.clone()).hint(hint));
                    continue;
                }
            };
            let said = states.iter().find(|state| state.name == schedule.name).and_then(|state| state.paused);
            if schedule.has_nodes_of_its_own() && !said.unwrap_or(schedule.paused) {
                found.extend(selected);
            }
        }
        problems.into_result(&format!("{SCHEDULES_FILE} is wrong"))?;
        Ok(found)
    }
}
