//! The refresh of live models.
//!
//! The seam between `up`, which decides when models are refreshed, and the way in which they are.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use millstream_core::{Result, TableName};
use millstream_project::Node;
use millstream_store::Cause;

use super::graph::gates;
use crate::lock::WorkspaceLock;
use crate::{Cancel, Known, NodeResult, Request, Runner, Status, Verb};

/// The state of all tables that refreshes read, while nobody else builds.
#[derive(Debug, Clone)]
pub(crate) struct Cut {
    /// Shared by the refreshes that go on at once.
    pub(crate) lock: Arc<WorkspaceLock>,
    /// Versions of tables that others may publish meanwhile.
    pub(crate) pins: BTreeMap<TableName, u64>,
}

/// How models are refreshed.
#[derive(Debug, Clone)]
pub(crate) struct How {
    /// Why, for the history.
    pub(crate) cause: Cause,
    /// What they read; `None`: what is there when nobody else builds.
    pub(crate) cut: Option<Cut>,
    /// How long to wait for another process that builds.
    pub(crate) lock_wait: Duration,
    /// Live models with changes that are not refreshed now: a test that reads one of them would compare what is new with
    /// what is not, and is asked when they are refreshed together.
    pub(crate) waiting: BTreeSet<String>,
    /// What earlier refreshes found.
    pub(crate) known: Arc<Known>,
    /// Ends it early; what is published by then stays.
    pub(crate) cancel: Cancel,
}

/// What became of one model.
#[derive(Debug, Clone)]
pub struct Refreshed {
    /// dbt's unique id.
    pub unique_id: String,
    /// `Success` when a version was published, `Skipped` when it was passed over because of another model.
    pub status: Status,
    /// Rows written.
    pub rows: Option<u64>,
    /// Version that was published.
    pub version: Option<u64>,
    /// Whether memory was short: it failed for that, or was done a second time in a way that needs less.
    pub short_of_memory: bool,
    /// Seconds that it took.
    pub elapsed_s: f64,
    /// What happened; of a failure what, where, why and how to fix it.
    pub message: Option<String>,
}

/// Refreshes models, given in the order in which they are built. A version is published when the model's tests of
/// error severity pass on it; a model that is not published keeps its last good version, and what reads it is skipped.
///
/// # Errors
/// The workspace is held by another process, or a record cannot be written.
pub(crate) async fn refresh(runner: &Runner, models: &[String], how: &How) -> Result<Vec<Refreshed>> {
    let manifest = &runner.project.manifest;
    let mut selected: BTreeSet<String> = models.iter().cloned().collect();
    let is_whole = |test: &&Node| !test.depends_on.nodes.iter().any(|id| how.waiting.contains(id));
    let tests = models.iter().flat_map(|id| gates(manifest, id)).filter(is_whole);
    selected.extend(tests.map(|test| test.unique_id.clone()));
    let request = Request {
        threads: runner.project.target.threads.max(1),
        cause: how.cause.clone(),
        artefacts: false,
        known: Some(Arc::clone(&how.known)),
        lock: how.cut.as_ref().map(|cut| Arc::clone(&cut.lock)),
        pins: how.cut.as_ref().map(|cut| cut.pins.clone()),
        lock_wait: how.lock_wait,
        cancel: how.cancel.clone(),
        ..Request::new(Verb::Build, selected)
    };
    let summary = runner.execute(&request).await?;
    let of_models = summary.results.into_iter().filter(|result| models.contains(&result.unique_id));
    Ok(of_models.map(Refreshed::from).collect())
}

impl From<NodeResult> for Refreshed {
    fn from(result: NodeResult) -> Self {
        Self {
            unique_id: result.unique_id,
            status: result.status,
            rows: result.rows,
            version: result.version,
            short_of_memory: result.short_of_memory,
            elapsed_s: result.execution_time_s,
            message: result.message,
        }
    }
}
