//! What a caller asks of the runner.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use chrono::{DateTime, Utc};
use millstream_core::{Error, Result, TableName};
use millstream_project::{Reading, Window};
use millstream_store::Cause;
use serde::Serialize;
use tokio::sync::Notify;

use crate::Known;
use crate::lock::WorkspaceLock;

/// What is done with the selected nodes, in dbt's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verb {
    /// Seeds, snapshots and models, each published only when its tests pass.
    Build,
    /// Models, published without tests.
    Run,
    /// Tests of what is published.
    Test,
    /// Seeds.
    Seed,
    /// Snapshots.
    Snapshot,
    /// Nothing is carried out; the SQL is written to `target/compiled`.
    Compile,
    /// A macro is called.
    #[serde(rename = "run-operation")]
    RunOperation,
    /// Models, seeds and snapshots are made from those of another run.
    Clone,
}

impl Verb {
    /// The command's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Build => "build",
            Self::Run => "run",
            Self::Test => "test",
            Self::Seed => "seed",
            Self::Snapshot => "snapshot",
            Self::Compile => "compile",
            Self::RunOperation => "run-operation",
            Self::Clone => "clone",
        }
    }
}

/// A request to carry out nodes of the project.
#[derive(Debug, Clone)]
pub struct Request {
    /// What is done.
    pub verb: Verb,
    /// Unique ids of the selected nodes; those that the verb has no use for are passed over.
    pub selected: BTreeSet<String>,
    /// Build incremental models from the start (`--full-refresh`). A model's own `full_refresh` wins.
    pub full_refresh: bool,
    /// Start nothing more after the first failure (`--fail-fast`).
    pub fail_fast: bool,
    /// Tests that warn count as failed (`--warn-error`).
    pub warn_error: bool,
    /// Keep the rows that tests find, for every test (`--store-failures`); `None` leaves it to each test.
    pub store_failures: Option<bool>,
    /// What earlier requests found, which is not done again as long as it reads the same rows. `None` does everything.
    pub known: Option<Arc<Known>>,
    /// How `ref()` and `source()` read: `--empty`, `--sample`, `--defer`.
    pub reading: Reading,
    /// Microbatch models: build from the batch that this instant is in (`--event-time-start`).
    pub event_time_start: Option<DateTime<Utc>>,
    /// Microbatch models: build up to this instant instead of the present (`--event-time-end`).
    pub event_time_end: Option<DateTime<Utc>>,
    /// Microbatch models, by unique id: build these batches only, if the table is there (`retry`).
    pub batches: BTreeMap<String, Vec<Window>>,
    /// Nodes at a time; at least 1.
    pub threads: usize,
    /// The command's arguments as given, for `run_results.json` and the history.
    pub args: serde_json::Map<String, serde_json::Value>,
    /// Why it is carried out, for the history.
    pub cause: Cause,
    /// Which attempt at the same work it is, from 1, for the history.
    pub attempt: u32,
    /// Plan every query before anything runs, and run nothing when one would fail.
    pub check: bool,
    /// Write `manifest.json` and `run_results.json`.
    pub artefacts: bool,
    /// The workspace's lock where the caller has it, who may share it between requests for different nodes; else it is
    /// taken.
    pub lock: Option<Arc<WorkspaceLock>>,
    /// Versions of tables that are read, whatever is published meanwhile; `None` takes those of the raw tables now.
    pub pins: Option<BTreeMap<TableName, u64>>,
    /// How long to wait for another process that holds the workspace; zero fails at once.
    pub lock_wait: Duration,
    /// Ends the run early.
    pub cancel: Cancel,
}

impl Request {
    /// A request for these nodes with dbt's defaults: four threads, no flags, no waiting.
    pub fn new(verb: Verb, selected: impl IntoIterator<Item = String>) -> Self {
        Self {
            verb,
            selected: selected.into_iter().collect(),
            full_refresh: false,
            fail_fast: false,
            warn_error: false,
            store_failures: None,
            known: None,
            reading: Reading::default(),
            event_time_start: None,
            event_time_end: None,
            batches: BTreeMap::new(),
            threads: 4,
            args: serde_json::Map::new(),
            cause: Cause::Cli,
            attempt: 1,
            check: false,
            artefacts: true,
            lock: None,
            pins: None,
            lock_wait: Duration::ZERO,
            cancel: Cancel::default(),
        }
    }
}

/// A switch that ends a run early, once: nodes at work are stopped, their staged versions are discarded, and
/// everything else is skipped. Clones share the switch.
#[derive(Debug, Clone, Default)]
pub struct Cancel {
    inner: Arc<CancelInner>,
}

#[derive(Debug, Default)]
struct CancelInner {
    cancelled: AtomicBool,
    notify: Notify,
}

impl Cancel {
    /// Throws the switch.
    pub fn cancel(&self) {
        self.inner.cancelled.store(true, Ordering::SeqCst);
        self.inner.notify.notify_waiters();
    }
    /// Whether it was thrown.
    pub fn is_cancelled(&self) -> bool {
        self.inner.cancelled.load(Ordering::SeqCst)
    }
    /// Does the work, unless the switch is thrown first: then an error says so and the work is dropped.
    pub(crate) async fn race<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        tokio::select! {
            biased;
            () = self.cancelled() => Err(cancelled()),
            done = work => done,
        }
    }
    /// Waits until it is thrown.
    pub async fn cancelled(&self) {
        loop {
            // Registered before the switch is looked at, or a throw between the two would be missed.
            let notified = self.inner.notify.notified();
            let mut notified = std::pin::pin!(notified);
            notified.as_mut().enable();
            if self.is_cancelled() {
                return;
            }
            notified.await;
        }
    }
}

/// What a cancelled piece of work says.
pub(crate) fn cancelled() -> Error {
    Error::user("cancelled")
}
