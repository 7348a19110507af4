//! What live models need and no refresh builds: views, which show what the project says now, and seeds, tables and
//! snapshots that are not there yet.
//!
//! Guarantees: what cannot be built holds back the live models that read it, and no others: these are tried again after
//! a pause that grows, and what they need with them. What is there is not built, views apart.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use millstream_core::Result;
use millstream_project::{Manifest, Node};
use millstream_store::Cause;

use super::event::LiveEvent;
use super::graph::gates;
use super::refresh::{self, Refreshed};
use super::refresher::{Ends, LOCK_WAIT, newest};
use super::shared::Shared;
use crate::lock::WorkspaceLock;
use crate::{Request, Status, Verb};

/// Builds whatever any live model needs and is not there. Whether all of it could be built; none when it was not tried,
/// because it was asked to end.
///
/// # Errors
/// As of [`prepare`]; or others hold the workspace for too long.
pub(super) async fn prepare_all(shared: &Shared) -> Result<Option<bool>> {
    let all: BTreeSet<usize> = (0..shared.graph.nodes.len()).collect();
    // Without anything to prepare, nobody else is to be waited for.
    if all.is_empty() {
        return Ok(Some(true));
    }
    look(shared).await?;
    match shared.enter(LOCK_WAIT).await? {
        Some(lock) => prepare(shared, &all, &lock).await.map(Some),
        None => Ok(None),
    }
}

/// Notes what is to be built: every view, since the project may say something else than when it was made, and what is
/// not there.
///
/// # Errors
/// The warehouse cannot be read.
async fn look(shared: &Shared) -> Result<()> {
    let manifest = &shared.runner.project.manifest;
    let live: BTreeSet<&String> = shared.graph.nodes.iter().map(|live| &live.unique_id).collect();
    let mut unbuilt = BTreeSet::new();
    for id in shared.graph.needed.iter().filter(|id| !live.contains(id)) {
        let Some(node) = manifest.nodes.get(id).filter(|node| node.is_relational()) else { continue };
        if is_view(node) || shared.runner.warehouse.relation(&node.table_name()).await?.is_none() {
            unbuilt.insert(id.clone());
        }
    }
    *shared.unbuilt() = unbuilt;
    Ok(())
}

/// Whether something is still to be built that this node reads.
pub(super) fn is_missing_something(shared: &Shared, number: usize) -> bool {
    !missing(shared, number).is_empty()
}

/// Builds what these nodes need and is not built, and holds back those for which that was not possible. Whether it was
/// for all.
///
/// # Errors
/// A record cannot be written, or the warehouse cannot be read.
pub(super) async fn prepare(shared: &Shared, nodes: &BTreeSet<usize>, lock: &Arc<WorkspaceLock>) -> Result<bool> {
    let (runner, manifest) = (&shared.runner, &shared.runner.project.manifest);
    let (mut missing, together) = needed(shared, nodes).await?;
    // Somebody else may have built it since.
    for id in missing.clone() {
        let Some(node) = manifest.nodes.get(&id).filter(|node| !is_view(node)) else { continue };
        if runner.warehouse.relation(&node.table_name()).await?.is_some() {
            shared.unbuilt().remove(&id);
            missing.remove(&id);
        }
    }
    if missing.is_empty() {
        return Ok(true);
    }
    let live = together.iter().map(|number| shared.graph.nodes[*number].unique_id.clone());
    let built: BTreeSet<String> = missing.iter().cloned().chain(live).collect();
    // Tests of views say nothing of their definitions, and what they show is tested where it is kept.
    let is_kept = |id: &&String| manifest.nodes.get(*id).is_some_and(|node| !is_view(node));
    let tests = built.iter().filter(is_kept).flat_map(|id| gates(manifest, id)).map(|test| test.unique_id.clone());
    let selected: BTreeSet<String> = tests.chain(built.iter().cloned()).collect();
    let request = Request {
        threads: runner.project.target.threads.max(1),
        cause: Cause::Start,
        artefacts: false,
        lock: Some(Arc::clone(lock)),
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
    let mut results = refresh::of_nodes(runner, summary.results);
    let of_others = results.extract_if(.., |result| missing.contains(&result.unique_id));
    let others: BTreeMap<String, Refreshed> = of_others.map(|result| (result.unique_id.clone(), result)).collect();
    for (id, result) in others.iter().filter(|(_, result)| result.status == Status::Success) {
        shared.unbuilt().remove(id);
        if let Some(version) = result.version {
            shared.versions().insert(id.clone(), version);
        }
    }
    Ends { nodes: &together, newest, refreshed: &results, took: Duration::ZERO }.account(shared);
    let is_good = results.iter().all(|result| result.status == Status::Success);
    Ok(hold_back(shared, nodes, &others, is_good) && is_good)
}

/// Holds back the nodes for which something is still missing, and tells what. Whether there is none.
fn hold_back(
    shared: &Shared,
    nodes: &BTreeSet<usize>,
    results: &BTreeMap<String, Refreshed>,
    is_live_good: bool,
) -> bool {
    let held =
        nodes.iter().map(|number| (*number, missing(shared, *number))).filter(|(_, missing)| !missing.is_empty());
    let held: Vec<(usize, BTreeSet<String>)> = held.collect();
    if held.is_empty() || shared.hard.is_cancelled() {
        return held.is_empty();
    }
    let now = Instant::now();
    for (number, missing) in &held {
        let why = missing.iter().map(|id| {
            let message = results.get(id).and_then(|result| result.message.as_deref());
            format!("{id}, which it needs, was not built: {}", message.unwrap_or("it has no result"))
        });
        let why = why.collect::<Vec<_>>().join("\n");
        shared.pending().failed(*number, now, shared.jitter());
        shared.board.model(&shared.graph.nodes[*number].name, |model| {
            model.failures += 1;
            model.failing = Some(why);
        });
    }
    let is_failure = |result: &&Refreshed| result.status.is_failure();
    let mut told: Vec<&Refreshed> = results.values().filter(is_failure).collect();
    if told.is_empty() && is_live_good {
        // All were passed over for the same reason, a hook or a test.
        told.extend(results.values().find(|result| result.status == Status::Skipped));
    }
    let retry_in = held.iter().map(|(number, _)| shared.pending().retry_in(*number, now)).min().unwrap_or_default();
    for model in told {
        shared.tell(&LiveEvent::Held { model, retry_in });
    }
    false
}

/// What is to be built for these nodes: what is not live, and live nodes that it needs and that are not there. What is
/// being refreshed is left alone.
async fn needed(shared: &Shared, nodes: &BTreeSet<usize>) -> Result<(BTreeSet<String>, BTreeSet<usize>)> {
    let manifest = &shared.runner.project.manifest;
    let live = |id: &str| shared.graph.nodes.iter().position(|node| node.unique_id == id);
    let unbuilt = shared.unbuilt().clone();
    let (mut missing, mut together, mut seen) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    let mut open: Vec<&str> = Vec::new();
    open.extend(nodes.iter().flat_map(|number| inputs(manifest, &shared.graph.nodes[*number].unique_id)));
    // Live nodes are of interest where something that is not live reads them.
    let mut read: Vec<usize> = Vec::new();
    while let Some(id) = open.pop() {
        if !seen.insert(id) {
            continue;
        }
        if live(id).is_some() {
            continue;
        }
        let is_missing = unbuilt.contains(id);
        if is_missing {
            missing.insert(id.to_owned());
        }
        for input in inputs(manifest, id) {
            match live(input) {
                Some(number) if is_missing => read.push(number),
                _ => open.push(input),
            }
        }
        while let Some(number) = read.pop() {
            let node = &shared.graph.nodes[number];
            let is_idle = !shared.pending().is_at_work(number);
            if is_idle && !together.contains(&number) && shared.runner.warehouse.relation(&node.table).await?.is_none()
            {
                together.insert(number);
                for input in inputs(manifest, &node.unique_id) {
                    match live(input) {
                        Some(number) => read.push(number),
                        None => open.push(input),
                    }
                }
            }
        }
    }
    Ok((missing, together))
}

/// What is still to be built that a node or one of its tests reads, through ephemeral models too.
fn missing(shared: &Shared, number: usize) -> BTreeSet<String> {
    let manifest = &shared.runner.project.manifest;
    let unbuilt = shared.unbuilt();
    let (mut found, mut seen) = (BTreeSet::new(), BTreeSet::new());
    let mut open: Vec<&str> = match unbuilt.is_empty() {
        true => Vec::new(),
        false => inputs(manifest, &shared.graph.nodes[number].unique_id).collect(),
    };
    while let Some(id) = open.pop() {
        if !seen.insert(id) {
            continue;
        }
        if unbuilt.contains(id) {
            found.insert(id.to_owned());
        } else if let Some(node) = manifest.nodes.get(id).filter(|node| node.is_ephemeral()) {
            open.extend(node.depends_on.nodes.iter().map(String::as_str));
        }
    }
    found
}

/// What a node reads, and what its tests do.
fn inputs<'a>(manifest: &'a Manifest, id: &'a str) -> impl Iterator<Item = &'a str> {
    let own = manifest.nodes.get(id).into_iter();
    own.chain(gates(manifest, id)).flat_map(|node| &node.depends_on.nodes).map(String::as_str)
}

fn is_view(node: &Node) -> bool {
    node.config.materialized == "view"
}
