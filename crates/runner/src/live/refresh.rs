//! The refresh of live models.
//!
//! The seam between `up`, which decides when models are refreshed, and the way in which they are.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use millstream_core::{Result, TableName};
use millstream_project::{Node, ResourceType};
use millstream_store::Cause;

use super::graph::gates;
use crate::lock::WorkspaceLock;
use crate::{Cancel, Event, Known, NodeResult, Request, Runner, Status, Verb};

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
    /// Tests that gate none of the models and that they wait for all the same, by unique id.
    pub(crate) standing: BTreeSet<String>,
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
    let standing = how.standing.iter().filter_map(|id| manifest.nodes.get(id));
    let tests = models.iter().flat_map(|id| gates(manifest, id)).chain(standing).filter(is_whole);
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
    let refreshed = of_nodes(runner, summary.results);
    Ok(refreshed.into_iter().filter(|result| models.contains(&result.unique_id)).collect())
}

/// The results of models, seeds and snapshots. One that was skipped because of a hook, or of a test that gates no model,
/// says why these failed; a hook at the end, which keeps nothing back, is told once.
pub(super) fn of_nodes(runner: &Runner, results: Vec<NodeResult>) -> Vec<Refreshed> {
    let manifest = &runner.project.manifest;
    let kind = |result: &NodeResult| manifest.nodes.get(&result.unique_id).map(|node| node.resource_type);
    let is_node =
        |result: &NodeResult| !matches!(kind(result), Some(ResourceType::Operation | ResourceType::Test) | None);
    let (nodes, others): (Vec<_>, Vec<_>) = results.into_iter().partition(is_node);
    let failed: Vec<NodeResult> = others.into_iter().filter(|result| result.status.is_failure()).collect();
    let is_hook = |result: &&NodeResult, tag: &str| {
        manifest.nodes.get(&result.unique_id).is_some_and(|node| node.tags.iter().any(|own| own == tag))
    };
    for hook in failed.iter().filter(|result| is_hook(result, "on-run-end")) {
        runner.events.on(&Event::Warning { message: hook.message.as_deref().unwrap_or("an on-run-end hook failed") });
    }
    let start = failed.iter().find(|result| is_hook(result, "on-run-start"));
    let explained = |mut result: NodeResult| {
        let names = |cause: &&NodeResult| {
            let name = format!(" {} ", cause.unique_id);
            result.message.as_ref().is_some_and(|message| message.contains(&name))
        };
        let cause = start.or_else(|| failed.iter().find(names)).filter(|_| result.status == Status::Skipped);
        if let Some(cause) = cause {
            let lines = [result.message.as_deref(), cause.message.as_deref()];
            result.message = Some(lines.into_iter().flatten().collect::<Vec<_>>().join("\n"));
            result.short_of_memory = cause.short_of_memory;
        }
        Refreshed::from(result)
    };
    nodes.into_iter().map(explained).collect()
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
