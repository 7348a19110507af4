//! Models that are published before they are audited: what their tests find cannot keep the version back. The model
//! then counts as built and the tests as failed, and what reads the model is skipped, as in dbt.

use std::collections::BTreeSet;
use std::sync::Arc;

use millstream_core::Result;
use millstream_project::{Materialization, Node};

use super::outcome::Outcome;
use super::relation;
use super::session::{Session, Slot};
use crate::plan::Step;
use crate::{NodeResult, Status};

/// Builds a model with a materialization written in Jinja, then runs its gates.
pub(super) async fn in_jinja(
    session: &Arc<Session>,
    node: &Node,
    step: &Step,
    gates_without_input: &BTreeSet<usize>,
    slot: Slot,
    mut outcome: Outcome,
    materialization: &Materialization,
) -> Result<Vec<NodeResult>> {
    if let Some(part) = &materialization.because_of {
        session.events.note_once(&format!(
            "the project has its own {part}: models are built by the macros of their materializations, statement by \
             statement, and shown before their tests run"
        ));
    }
    let work = async {
        let compiled = session.compile(node, &[]).await?;
        outcome.compiled(session, &compiled);
        let sql = compiled.node.sql.trim_end().trim_end_matches(';').trim_end().to_owned();
        let rows = session.materialize(node, materialization, sql).await?;
        let state = session.warehouse.table_state(&node.table_name()).await?;
        Ok((rows, state.map(|state| state.version)))
    };
    let own = match session.cancel.race(work).await {
        Ok((rows, version)) => {
            let result = outcome.result_mut();
            result.rows = rows;
            result.version = version;
            outcome.end(session, Status::Success, None)
        }
        Err(error) => outcome.fail(session, &error),
    };
    drop(slot);
    audit(session, step, gates_without_input, own).await
}

/// Runs the gates of a published model, if it is one.
pub(super) async fn audit(
    session: &Arc<Session>,
    step: &Step,
    gates_without_input: &BTreeSet<usize>,
    own: NodeResult,
) -> Result<Vec<NodeResult>> {
    let gates = if own.status == Status::Success {
        relation::audit(session, step, gates_without_input, &[]).await?
    } else {
        relation::skip_gates(session, step, &format!("because {} was not built", own.unique_id))
    };
    let mut results = vec![own];
    results.extend(gates);
    Ok(results)
}
