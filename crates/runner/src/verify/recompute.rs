//! Stages what a model would be if it were built from the start now. Nothing of it is ever published.

use std::collections::BTreeMap;
use std::sync::Arc;

use millstream_core::warehouse::{OnSchemaChange, Stage, Staged};
use millstream_core::{Result, TableName};
use millstream_project::Node;

use crate::event::EventGate;
use crate::execute::session::Session;
use crate::materialize::strip;
use crate::{Request, Runner, Verb};

/// A recomputed table.
pub(super) struct Recomputed {
    pub(super) staged: Arc<dyn Staged>,
    pub(super) seen: Seen,
}

/// What the texts say of the rows that are made from them.
#[derive(Debug, Clone, Default)]
pub(super) struct Seen {
    /// What makes them other ones each time.
    pub(super) volatile: Option<String>,
    /// What makes them depend on the order in which rows are read.
    pub(super) ordered: Option<String>,
}

impl Seen {
    /// Adds what is seen elsewhere. What is made of such rows is such itself; the first that was seen is told.
    pub(super) fn add(&mut self, other: &Self) {
        let first = |own: &mut Option<String>, other: &Option<String>| *own = own.take().or_else(|| other.clone());
        first(&mut self.volatile, &other.volatile);
        first(&mut self.ordered, &other.ordered);
    }
}

/// What templates may say that is other in each run.
const VOLATILE_NAMES: [&str; 3] = ["invocation_id", "run_started_at", "modules.datetime"];

/// Recomputes a table from these staged inputs and pinned versions.
pub(super) async fn table(
    runner: &Runner,
    request: &Request,
    node: &Node,
    views: &[&Node],
    inputs: Vec<Arc<dyn Staged>>,
    pins: &BTreeMap<TableName, u64>,
) -> Result<Recomputed> {
    let session = session(runner, request, pins);
    let mut staged = inputs;
    let mut seen = Seen::default();
    for view in views {
        let sql = render(&session, view, &staged, &mut seen).await?;
        let version = stage(&session, view, Stage::View { sql }, &staged).await?;
        staged.push(version);
    }
    let sql = render(&session, node, &staged, &mut seen).await?;
    let staged = stage(&session, node, Stage::Replace { sql }, &staged).await?;
    Ok(Recomputed { staged, seen })
}

/// Everything is rendered as for the first run: `is_incremental()` is false, and there are no batches.
fn session(runner: &Runner, request: &Request, pins: &BTreeMap<TableName, u64>) -> Session {
    let request = Request { verb: Verb::Compile, full_refresh: true, ..request.clone() };
    let events = Arc::new(EventGate::new(Arc::clone(&runner.events)));
    let mut session = Session::new(runner, &request, &runner.ids.invocation_id(), runner.clock.now(), 1, events);
    session.pins = pins.clone();
    session
}

async fn render(session: &Session, node: &Node, staged: &[Arc<dyn Staged>], seen: &mut Seen) -> Result<String> {
    let compiled = session.cancel.race(session.compile_quietly(node, staged)).await?;
    let parsed = millstream_sql::parse_one_in(session.dialect(), strip(&compiled.sql)).ok();
    if seen.volatile.is_none() {
        let named = VOLATILE_NAMES.into_iter().find(|name| node.raw_code.contains(name)).map(str::to_owned);
        seen.volatile = named.or_else(|| parsed.as_ref().and_then(millstream_sql::volatile));
    }
    if seen.ordered.is_none() {
        seen.ordered = parsed.as_ref().and_then(millstream_sql::order_dependent);
    }
    Ok(strip(&compiled.sql).to_owned())
}

async fn stage(session: &Session, node: &Node, stage: Stage, staged: &[Arc<dyn Staged>]) -> Result<Arc<dyn Staged>> {
    let options = session.query_options(staged);
    let name = node.table_name();
    let written = session.warehouse.stage(&name, stage, OnSchemaChange::Ignore, &options);
    session.cancel.race(written).await
}
