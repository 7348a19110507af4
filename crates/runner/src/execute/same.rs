//! Models that refreshes pass over, because what they read holds the rows that it held at their last refresh.
//!
//! Guarantees: a model is passed over only when its own rows are those of that refresh too, and each of its tests has
//! passed on what it reads. Models with hooks or statements of their own are never passed over.

use std::sync::Arc;

use millstream_core::Result;
use millstream_project::Node;

use super::known;
use super::node_of;
use super::session::Session;
use crate::plan::Step;

/// What identifies the rows that a model reads, if it may be passed over because of them.
pub(super) async fn inputs(session: &Arc<Session>, model: &Node) -> Result<Option<u64>> {
    let config = &model.config;
    let has_statements = !config.pre_hook.is_empty() || !config.post_hook.is_empty() || config.sql_header.is_some();
    let is_plain = config.materialized == "dynamic_table" && !has_statements && !session.full_refresh;
    if session.known.is_none() || !is_plain {
        return Ok(None);
    }
    known::content(session, model, &[]).await
}

/// The version that the model keeps; `None` when it must be refreshed.
pub(super) async fn passed_over(session: &Arc<Session>, model: &Node, step: &Step, inputs: u64) -> Result<Option<u64>> {
    let Some(known) = session.known.as_ref().filter(|known| known.text(model).is_some()) else { return Ok(None) };
    let Some(content) = known::with_own(session, model, inputs).await? else { return Ok(None) };
    if !known.is_refreshed(model, content, session.clock.now()) {
        return Ok(None);
    }
    for gate in &step.gates {
        let test = node_of(session, &gate.unique_id)?;
        match known::content(session, test, &[]).await? {
            Some(content) if known.has_passed(test, content) => {}
            _ => return Ok(None),
        }
    }
    Ok(session.warehouse.table_state(&model.table_name()).await?.map(|state| state.version))
}

/// Notes that the model was refreshed, unless what it reads is not what it was when the refresh began.
pub(super) async fn note(session: &Arc<Session>, model: &Node, inputs: Option<u64>) {
    let Some(known) = &session.known else { return };
    let content = match inputs {
        Some(before) => match known::content(session, model, &[]).await {
            Ok(Some(after)) if after == before => known::with_own(session, model, after).await.unwrap_or_default(),
            _ => None,
        },
        None => None,
    };
    known.note(model, content, session.clock.now());
}
