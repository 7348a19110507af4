//! Follows one topic for as long as `up` lives.
//!
//! Guarantees: a broker that is away, or an error of any kind, never ends it: it is told, and tried again after a
//! pause that grows; reading goes on where the raw table is. Each stretch of time in which the topic was read is one
//! run in the history.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use millstream_core::{Error, Result};
use millstream_ingest::contract::SourceKind;
use millstream_ingest::{Contract, KafkaCommit, KafkaOptions, OnGap, PartitionAt, StopFlag, Watch, ingest_kafka};
use millstream_store::{Cause, NodeRecord, RunRecord, RunStatus};

use super::event::LiveEvent;
use super::shared::Shared;
use super::topic::{self, Topic};

/// A topic that was read for this long is not away again but away anew: pauses begin from the shortest.
const STEADY_AFTER: Duration = Duration::from_secs(60);

/// How long another ingestion of the same table is waited for before it is told.
const TABLE_WAIT: Duration = Duration::from_secs(5);

/// A topic to follow.
pub(crate) struct Followed {
    pub(crate) unique_id: String,
    pub(crate) name: String,
    pub(crate) contract: Contract,
    pub(crate) flush: Duration,
    pub(crate) topic: Arc<Topic>,
    pub(crate) skip_gaps: bool,
}

/// Follows the topic until it is asked to end.
pub(crate) async fn follow(shared: Arc<Shared>, source: Followed) {
    let source = Arc::new(source);
    let mut failures = 0;
    while !shared.soft.is_cancelled() {
        let began = Instant::now();
        match stretch(&shared, &source).await {
            Ok(()) => break,
            Err(error) => {
                failures = if began.elapsed() >= STEADY_AFTER { 1 } else { failures + 1 };
                shared.board.down(&source.name, error.what());
                shared.pause_source(&source.name, failures, &error).await;
            }
        }
    }
}

/// Reads until it is asked to end, which is no error, or until it cannot go on.
async fn stretch(shared: &Arc<Shared>, source: &Arc<Followed>) -> Result<()> {
    let runner = &shared.runner;
    let locked = runner.enter_tables([source.contract.table()], TABLE_WAIT, &shared.soft).await;
    let _lock = match locked {
        Err(_) if shared.soft.is_cancelled() => return Ok(()),
        locked => locked?,
    };
    let stop = StopFlag::default();
    let log = Arc::new(Log {
        shared: Arc::clone(shared),
        source: Arc::clone(source),
        is_known: AtomicBool::new(false),
        run: Mutex::default(),
    });
    let options = KafkaOptions {
        follow: true,
        on_gap: if source.skip_gaps { OnGap::Skip } else { OnGap::Fail },
        flush_ms: u64::try_from(source.flush.as_millis()).unwrap_or(u64::MAX),
        flush: source.topic.flush.clone(),
        hold: source.topic.hold.clone(),
        max_batch_rows: source.topic.step_max,
        threads: runner.project.target.threads.max(1),
        stop: stop.clone(),
        watch: Some(Arc::clone(&log) as _),
        ..KafkaOptions::default()
    };
    let (warehouse, store) = (runner.warehouse.as_ref(), runner.store.as_ref());
    let (clock, progress) = (runner.clock.as_ref(), runner.progress.as_ref());
    let work = ingest_kafka(&source.contract, &options, warehouse, store, clock, progress);
    let mut work = std::pin::pin!(work);
    let done = tokio::select! {
        biased;
        done = &mut work => done,
        () = shared.soft.cancelled() => {
            stop.stop();
            // It commits what it has read. What the end of all patience cuts short is read again.
            shared.hard.race(work).await
        }
    };
    log.end(done.as_ref().err())?;
    done.map(|_| ())
}

/// Writes what the ingestion tells to the board, and the run to the history.
struct Log {
    shared: Arc<Shared>,
    source: Arc<Followed>,
    /// Whether the topic was read in this stretch.
    is_known: AtomicBool,
    run: Mutex<Run>,
}

#[derive(Default)]
struct Run {
    invocation_id: Option<String>,
    started_at: chrono::DateTime<chrono::Utc>,
    loaded: u64,
    quarantined: u64,
    version: Option<u64>,
}

impl Log {
    /// The table has a new version. Where only positions have moved in it, and nobody else has written in between,
    /// nothing that reads it has a change waiting.
    fn changed(&self, rows: u64, version: Option<u64>) {
        let id = &self.source.unique_id;
        if let (0, Some(version)) = (rows, version)
            && let Some(known) = self.shared.versions().get_mut(id)
            && *known + 1 == version
        {
            *known = version;
            return;
        }
        self.shared.changed(id, version);
    }

    fn run(&self) -> std::sync::MutexGuard<'_, Run> {
        self.run.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn topic(&self) -> String {
        match self.source.contract.source() {
            SourceKind::Kafka(kafka) => kafka.topic.clone(),
            SourceKind::File(..) => self.source.name.clone(),
        }
    }

    /// Begins the run. That the history cannot be written is told and stops nothing.
    fn begin(&self) {
        let runner = &self.shared.runner;
        let (invocation_id, started_at) = (runner.ids.invocation_id(), runner.clock.now());
        let started = runner.store.start_run(&RunRecord {
            invocation_id: invocation_id.clone(),
            command: "ingest".into(),
            args: serde_json::json!({"sources": [self.source.name], "follow": true}),
            started_at,
            finished_at: None,
            status: RunStatus::Running,
            pid: std::process::id(),
            message: None,
            cause: Cause::Topic(self.topic()),
            attempt: 1,
        });
        match started {
            Ok(()) => *self.run() = Run { invocation_id: Some(invocation_id), started_at, ..Run::default() },
            Err(error) => self.shared.tell(&LiveEvent::Note { message: &error.to_string() }),
        }
    }

    /// Ends the run, if one was begun.
    fn end(&self, error: Option<&Error>) -> Result<()> {
        let run = self.run();
        let Some(invocation_id) = &run.invocation_id else { return Ok(()) };
        let runner = &self.shared.runner;
        let now = runner.clock.now();
        let message = error.map(ToString::to_string);
        let node = NodeRecord {
            unique_id: format!("source.{}", self.source.name),
            status: if error.is_none() { "success" } else { "error" }.into(),
            started_at: run.started_at,
            duration_us: (now - run.started_at).num_microseconds().and_then(|us| u64::try_from(us).ok()).unwrap_or(0),
            rows: Some(run.loaded),
            failures: Some(run.quarantined),
            relation: Some(self.source.contract.table().to_string()),
            version: run.version,
            message: message.clone(),
        };
        runner.store.record_nodes(invocation_id, &[node])?;
        let status = if error.is_none() { RunStatus::Success } else { RunStatus::Failed };
        let told = message.unwrap_or_else(|| format!("{} loaded, {} in quarantine", run.loaded, run.quarantined));
        runner.store.finish_run(invocation_id, status, now, Some(told.lines().next().unwrap_or_default()))
    }
}

impl Watch for Log {
    fn reading(&self, partitions: &[PartitionAt]) {
        if !self.is_known.swap(true, Ordering::SeqCst) {
            self.begin();
        }
        self.shared.board.reading(&self.source.name, self.shared.now(), partitions);
        if self.shared.board.up(&self.source.name) {
            self.shared.tell(&LiveEvent::SourceUp { source: &self.source.name });
        }
    }

    fn trouble(&self, message: &str) {
        self.shared.board.down(&self.source.name, message);
    }

    fn ends(&self, ends: &[(i32, i64)]) {
        self.shared.board.ends(&self.source.name, self.shared.now(), ends);
    }

    fn committed(&self, commit: &KafkaCommit) {
        let mut run = self.run();
        let loaded = commit.partitions.iter().map(|moved| moved.rows_loaded).sum::<u64>();
        run.loaded += loaded;
        let quarantined = commit.partitions.iter().map(|moved| moved.rows_quarantined).sum::<u64>();
        run.quarantined += quarantined;
        run.version = commit.version.or(run.version);
        drop(run);
        self.shared.board.committed(&self.source.name, self.shared.now(), commit);
        self.shared.board.up(&self.source.name);
        self.changed(loaded + quarantined, commit.version);
        self.source.topic.loaded(loaded);
        topic::decide(&self.shared);
    }
}
