//! One model, seed or snapshot: write, audit, publish.
//!
//! Guarantees (invariant 3): nothing of the new version is visible before every gate of error severity has passed;
//! a version that does not pass is discarded and the last good one stays. Cancelling drops the staged version;
//! a publication that has begun is never cut short.
//!
//! Two kinds of models are published before their gates run, as in dbt (see [`published`]): those that a
//! materialization written in Jinja builds, and those with a post-hook that changes the model itself, since the tests
//! are to see what the hook has done.
//!
//! What this cannot do for a view: a view shows what its inputs hold. Its tests keep a new definition back, not new
//! rows of the tables that it reads; those are kept back by tests of the tables.

use std::collections::BTreeSet;
use std::sync::Arc;

use millstream_core::warehouse::{RefreshPath, Staged};
use millstream_core::{Error, Result};
use millstream_project::Node;
use tokio::task::JoinSet;

use super::hooks;
use super::known;
use super::outcome::Outcome;
use super::published;
use super::same;
use super::session::{Session, Slot};
use super::{label, node_of};
use crate::materialize::{self, Draft};
use crate::plan::Step;
use crate::{NodeResult, Status};

/// Carries out the step. The node's own result comes first, then those of its gates.
pub(super) async fn carry_out(
    session: &Arc<Session>,
    node: &Node,
    step: &Step,
    gates_without_input: &BTreeSet<usize>,
    slot: Slot,
    mut outcome: Outcome,
) -> Result<Vec<NodeResult>> {
    if let Some(materialization) = session.project.materialization(node) {
        return published::in_jinja(session, node, step, gates_without_input, slot, outcome, &materialization).await;
    }
    let inputs = session.cancel.race(same::inputs(session, node)).await.unwrap_or_default();
    if let Some(inputs) = inputs
        && let Some(version) = same::passed_over(session, node, step, inputs).await.unwrap_or_default()
    {
        outcome.result_mut().version = Some(version);
        let own = outcome.end(session, Status::Success, Some("unchanged: what it reads holds the same rows".into()));
        drop(slot);
        let mut results = vec![own];
        results.extend(audit(session, step, gates_without_input, &[]).await?);
        return Ok(results);
    }
    let written = session.cancel.race(write(session, node, &mut outcome)).await;
    let draft = match written {
        Ok(draft) => draft,
        Err(error) => {
            let mut results = vec![outcome.fail(session, &error)];
            results.extend(skip_gates(session, step, &format!("because {} was not built", node.unique_id)));
            return Ok(results);
        }
    };
    if !step.gates.is_empty() && hooks::change_own(node) {
        let own = publish(session, node, draft, outcome).await;
        drop(slot);
        return published::audit(session, step, gates_without_input, own).await;
    }
    // The gates ask for places of their own; holding on to this one while waiting for them could lock all up.
    drop(slot);
    let gates = audit(session, step, gates_without_input, &[Arc::clone(&draft.staged)]).await?;
    let failed: Vec<&NodeResult> = gates.iter().filter(|gate| gate.status.is_failure()).collect();
    let own = if !failed.is_empty() {
        discard(session, &draft).await;
        // A test that found rows needs other data, whatever the others lacked.
        outcome.result_mut().short_of_memory = failed.iter().all(|gate| gate.short_of_memory);
        outcome.end(session, Status::Error, Some(not_published(node, &failed)))
    } else if session.cancel.is_cancelled() {
        discard(session, &draft).await;
        outcome.end(session, Status::Skipped, Some("not published because the run was cancelled".into()))
    } else {
        let is_steady = known::is_steady(draft.staged.refreshed());
        let own = publish(session, node, draft, outcome).await;
        let inputs = inputs.filter(|_| is_steady && own.status == Status::Success);
        same::note(session, node, inputs).await;
        own
    };
    let mut results = vec![own];
    results.extend(gates);
    Ok(results)
}

/// Renders the node and stages its next version.
async fn write(session: &Arc<Session>, node: &Node, outcome: &mut Outcome) -> Result<Draft> {
    let draft = if node.is_microbatch() {
        before(session, node).await?;
        materialize::microbatch::stage(session, node, outcome).await?
    } else {
        let compiled = session.compile(node, &[]).await?;
        outcome.compiled(session, &compiled);
        before(session, node).await?;
        materialize::stage(session, node, &compiled.node).await?
    };
    session.write_run_sql(node, draft.run_sql.clone()).await?;
    Ok(draft)
}

async fn before(session: &Session, node: &Node) -> Result<()> {
    hooks::run_of_node(session, node, &node.config.pre_hook)
        .await
        .map_err(|error| error.context(format!("a pre-hook of {} failed", node.name)))
}

/// Runs the gates against the staged version (or what is published), as many at once as there are places.
pub(super) async fn audit(
    session: &Arc<Session>,
    step: &Step,
    without_input: &BTreeSet<usize>,
    staged: &[Arc<dyn Staged>],
) -> Result<Vec<NodeResult>> {
    let mut results = Vec::with_capacity(step.gates.len());
    let mut running = JoinSet::new();
    for (number, gate) in step.gates.iter().enumerate() {
        let test = node_of(session, &gate.unique_id)?.clone();
        if without_input.contains(&number) {
            results.push(Outcome::skip(session, &test, "because another node that it reads was not built"));
            continue;
        }
        if session.cancel.is_cancelled() {
            results.push(Outcome::skip(session, &test, "because the run was cancelled"));
            continue;
        }
        let slot = session.slot().await?;
        let outcome = Outcome::start(session, &test, &slot);
        let (session, staged) = (Arc::clone(session), staged.to_vec());
        running.spawn(async move { crate::test::carry_out(&session, &test, &staged, slot, outcome).await });
    }
    while let Some(ended) = running.join_next().await {
        results.push(ended.map_err(|error| Error::ours("a test ended badly").why(error))?);
    }
    Ok(results)
}

async fn publish(session: &Arc<Session>, node: &Node, draft: Draft, mut outcome: Outcome) -> NodeResult {
    let mut note = serde_json::Map::new();
    if let Some(report) = draft.staged.refreshed() {
        note.insert("refresh".into(), serde_json::to_value(report).unwrap_or_default());
    }
    note.insert("invocation_id".into(), session.invocation_id.clone().into());
    note.insert("unique_id".into(), node.unique_id.clone().into());
    note.insert("command".into(), session.verb.name().into());
    let staged = Arc::clone(&draft.staged);
    // In a task of its own, which lives on when this one is dropped.
    let published = tokio::spawn(async move { staged.publish(note).await }).await;
    let committed = match published {
        Ok(Ok(committed)) => committed,
        Ok(Err(error)) => return outcome.fail(session, &error.context(format!("{} was not published", label(node)))),
        Err(error) => return outcome.fail(session, &Error::ours("publishing ended badly").why(error)),
    };
    let result = outcome.result_mut();
    result.rows = draft.staged.rows_affected();
    result.version = Some(committed.version);
    result.short_of_memory = draft.staged.refreshed().is_some_and(|report| report.short_of_memory);
    let refreshed = draft.staged.refreshed().map(|report| {
        let keys = report.keys.join(", ");
        match (report.path, report.touched) {
            (RefreshPath::Keys, Some(touched)) => format!("refreshed {touched} keys ({keys})"),
            (path, _) => format!("refreshed: {}, {}", path.as_str(), report.reason),
        }
    });
    if let Err(error) = hooks::run_of_node(session, node, &node.config.post_hook).await {
        let error = error.context(format!("{} was published, but a post-hook failed", label(node)));
        return outcome.fail(session, &error);
    }
    match draft.failed {
        Some(failed) => outcome.end(session, Status::PartialSuccess, Some(failed)),
        None => outcome.end(session, Status::Success, refreshed),
    }
}

/// What cannot be removed now is swept by the warehouse later; it was never visible.
async fn discard(session: &Session, draft: &Draft) {
    if let Err(error) = draft.staged.discard().await {
        let message = format!("a version that was not published could not be removed: {error}");
        session.events.on(&crate::Event::Warning { message: &message });
    }
}

fn not_published(node: &Node, failed: &[&NodeResult]) -> String {
    let names: Vec<&str> = failed.iter().map(|gate| gate.name.as_str()).collect();
    let (tests, them) = if failed.len() == 1 { ("test", "it passes") } else { ("tests", "they pass") };
    format!(
        "not published: {} {tests} failed ({})\n  {} keeps its last good version, and what reads it is skipped\n  \
         fix: repair the model or its inputs until {them}; `run` publishes without tests",
        failed.len(),
        names.join(", "),
        node.table_name(),
    )
}

pub(super) fn skip_gates(session: &Session, step: &Step, reason: &str) -> Vec<NodeResult> {
    let tests = step.gates.iter().filter_map(|gate| session.project.manifest.node(&gate.unique_id));
    tests.map(|test| Outcome::skip(session, test, reason)).collect()
}
