//! `clone`: a relation of another run's schema becomes one of this target.
//!
//! Follows dbt's clone (<https://docs.getdbt.com/reference/commands/clone>): what is there already stays, unless
//! everything is built anew. A table's rows are copied, so that both can be changed apart; of a view, a view is made
//! that reads it.

use std::sync::Arc;

use millstream_core::warehouse::{OnSchemaChange, RelationKind, Stage, Staged};
use millstream_core::{Error, Result, TableName};
use millstream_project::Node;

use super::quote;
use crate::execute::Outcome;
use crate::execute::session::{Session, Slot};
use crate::{NodeResult, Status};

/// Clones one node. Errors are in the result.
pub(crate) async fn carry_out(session: &Arc<Session>, node: &Node, slot: Slot, mut outcome: Outcome) -> NodeResult {
    let ran = session.cancel.race(clone(session, node)).await;
    let result = match ran {
        Ok(Some(staged)) => match publish(session, node, &staged).await {
            Ok(version) => {
                outcome.result_mut().version = Some(version);
                outcome.result_mut().rows = staged.rows_affected();
                outcome.end(session, Status::Success, None)
            }
            Err(error) => outcome.fail(session, &error),
        },
        Ok(None) => outcome.end(session, Status::Success, Some("No-op".into())),
        Err(error) => outcome.fail(session, &error),
    };
    drop(slot);
    result
}

/// The next version; none when there is nothing to do.
async fn clone(session: &Session, node: &Node) -> Result<Option<Arc<dyn Staged>>> {
    // A node that the other run did not know has nothing to clone.
    let Some(other) = session.reading.deferred.relations.get(&node.unique_id) else { return Ok(None) };
    let (Some(schema), Some(identifier)) = (&other.schema, &other.identifier) else { return Ok(None) };
    let (from, to) = (TableName::new(schema, identifier), node.table_name());
    if from == to {
        return Err(Error::user(format!("{to} cannot be cloned from itself"))
            .why("the other run built it in the same schema")
            .hint("choose a target with another schema, or the artifacts of another target with --state"));
    }
    let is_there = session.warehouse.relation(&to).await?.is_some();
    if is_there && !node.config.full_refresh.unwrap_or(session.full_refresh) {
        return Ok(None);
    }
    let Some(found) = session.warehouse.relation(&from).await? else {
        return Err(Error::user(format!("there is no table or view '{from}' to clone"))
            .hint("build it in the other target first"));
    };
    let sql = format!("select * from {}.{}", quote(&from.schema), quote(&from.name));
    let stage = match found.kind {
        RelationKind::Table => Stage::Replace { sql },
        RelationKind::View => Stage::View { sql },
    };
    session.warehouse.stage(&to, stage, OnSchemaChange::Ignore, &session.query_options(&[])).await.map(Some)
}

async fn publish(session: &Session, node: &Node, staged: &Arc<dyn Staged>) -> Result<u64> {
    let mut note = serde_json::Map::new();
    note.insert("invocation_id".into(), session.invocation_id.clone().into());
    note.insert("unique_id".into(), node.unique_id.clone().into());
    note.insert("command".into(), session.verb.name().into());
    Ok(staged.publish(note).await?.version)
}
