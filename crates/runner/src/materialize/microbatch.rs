//! `incremental_strategy: microbatch`: a model built batch by batch of time, each from the rows of its inputs that
//! happened then.
//!
//! Follows dbt (<https://docs.getdbt.com/docs/build/incremental-microbatch>): every batch is rendered on its own;
//! `ref()` and `source()` of what has an `event_time` read only the batch's rows; the batch's rows of the table are
//! replaced; pre-hooks run before the first batch, post-hooks after the last; batches that fail are told one by one
//! and `retry` builds only them.
//!
//! Two points are stricter than in dbt. All batches of a run are published in one commit, after the tests. And where
//! no input has an `event_time`, so that every batch reads everything, only the rows of the batch are kept (dbt adds
//! all rows once for each batch): the table equals its full rebuild.

pub(crate) mod batches;

use std::sync::Arc;

use millstream_core::warehouse::{RelationKind, Stage, Staged};
use millstream_core::{Error, Result};
use millstream_project::{Batch, Node, Window};

use super::{Draft, contract, strip};
use crate::Event;
use crate::execute::Outcome;
use crate::execute::session::Session;
use crate::result::BatchResults;
use batches::Config;
pub(crate) use batches::Size;

/// Batches whose error a message shows.
const ERRORS_SHOWN: usize = 5;

/// Stages the next version of the model, with every batch that could be built.
pub(crate) async fn stage(session: &Arc<Session>, node: &Node, outcome: &mut Outcome) -> Result<Draft> {
    super::run_header(session, node).await?;
    let config = Config::of(node)?;
    let existing = session.warehouse.relation(&node.table_name()).await?;
    let is_table = existing.is_some_and(|relation| relation.kind == RelationKind::Table);
    let is_incremental = is_table && !node.config.full_refresh.unwrap_or(session.full_refresh);
    let batches = match session.batches.get(&node.unique_id).filter(|_| is_incremental) {
        Some(failed) => failed.clone(),
        None => config.batches(session.started_at, is_incremental, session.event_times)?,
    };
    let reads_all = reads_all(session, node);
    if reads_all {
        let message = format!(
            "no input of the microbatch model {} has an event_time: every batch reads all of them, and keeps the rows of its time",
            node.name
        );
        session.events.on(&Event::Warning { message: &message });
    }
    let mut run = Run { session, node, config, reads_all, staged: None, run_sql: String::new() };
    let mut done = BatchResults::default();
    let mut errors: Vec<Error> = Vec::new();
    for window in whole(batches, session) {
        let is_on_top = is_incremental || run.staged.is_some();
        match run.batch(window, is_on_top, outcome).await {
            Ok(()) => done.successful.push(window),
            Err(error) => {
                done.failed.push(window);
                errors.push(error.context(format!("the batch {} failed", run.config.size.label(window.start))));
                if !is_on_top {
                    // Without a table there is nothing to go on from.
                    break;
                }
            }
        }
    }
    outcome.result_mut().batches = Some(done.clone());
    let Some(staged) = run.staged else {
        return Err(errors.into_iter().next().unwrap_or_else(|| Error::ours("a model without batches was staged")));
    };
    contract::check(session, node, &staged).await?;
    let failed = (!errors.is_empty()).then(|| partial(&done, &errors));
    Ok(Draft { staged, run_sql: run.run_sql, failed })
}

/// Batches, and where there are none, one of no time: it makes the table.
fn whole(batches: Vec<Window>, session: &Session) -> Vec<Window> {
    if batches.is_empty() { vec![Window { start: session.started_at, end: session.started_at }] } else { batches }
}

/// Whether no input of the model can be read by time.
fn reads_all(session: &Session, node: &Node) -> bool {
    let manifest = &session.project.manifest;
    !node.depends_on.nodes.iter().any(|id| {
        let of_node = manifest.nodes.get(id).and_then(|node| node.config.event_time.as_ref());
        of_node.or_else(|| manifest.sources.get(id)?.event_time.as_ref()).is_some()
    })
}

fn partial(done: &BatchResults, errors: &[Error]) -> String {
    let (good, all) = (done.successful.len(), done.successful.len() + done.failed.len());
    let mut text = format!("PARTIAL SUCCESS ({good}/{all}): the other batches were not built");
    for error in errors.iter().take(ERRORS_SHOWN) {
        text.push_str(&format!("\n{error}"));
    }
    if errors.len() > ERRORS_SHOWN {
        text.push_str(&format!("\n… and {} more batches", errors.len() - ERRORS_SHOWN));
    }
    text.push_str("\nfix: repair the model or its inputs, then 'millstream retry' builds the batches that failed");
    text
}

/// The batches of one run.
struct Run<'a> {
    session: &'a Arc<Session>,
    node: &'a Node,
    config: Config<'a>,
    reads_all: bool,
    /// What the batches so far come to.
    staged: Option<Arc<dyn Staged>>,
    /// What the last batch did.
    run_sql: String,
}

impl Run<'_> {
    async fn batch(&mut self, window: Window, is_on_top: bool, outcome: &mut Outcome) -> Result<()> {
        let (session, node, size) = (self.session, self.node, self.config.size);
        let batch = Batch { id: size.id(window.start), window, is_incremental: is_on_top };
        let earlier: Vec<Arc<dyn Staged>> = self.staged.iter().cloned().collect();
        let label = size.label(window.start);
        let compiled = session.compile_batch(node, &label, batch, &earlier).await?;
        outcome.compiled(session, &compiled);
        let column = self.config.event_time;
        let mut sql = strip(&compiled.node.sql).to_owned();
        if self.reads_all {
            sql = format!("select * from (\n{sql}\n) as dbt_internal_batch where {}", window.condition(column));
        }
        let name = super::quoted(node);
        let stage = if is_on_top {
            let condition = window.condition(column);
            self.run_sql = format!("delete from {name} where {condition};\ninsert into {name} (\n{sql}\n)");
            Stage::DeleteWhere { sql, condition }
        } else {
            self.run_sql = format!("create or replace table {name} as (\n{sql}\n)");
            Stage::Replace { sql }
        };
        let options = session.query_options(&earlier);
        let change = node.config.on_schema_change;
        let next = session.warehouse.stage(&node.table_name(), stage, change, &options).await;
        self.staged = Some(next.map_err(|error| in_file(error, compiled.path.as_deref()))?);
        Ok(())
    }
}

/// A place in the batch's SQL as one in its file.
fn in_file(error: Error, path: Option<&str>) -> Error {
    match (error.place().cloned(), path) {
        (Some(place), Some(path)) if place.file == millstream_sql::SQL_FILE => {
            error.at(millstream_core::Place { file: path.to_owned(), ..place })
        }
        _ => error,
    }
}
