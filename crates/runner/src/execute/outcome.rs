//! A node's result while it comes about: its times, its SQL, and the events at its start and end.

use std::time::Instant;

use chrono::{DateTime, Utc};
use millstream_core::{Error, Place};
use millstream_project::{Node, ResourceType};

use super::session::{Compiled, Session, Slot};
use super::tell_end;
use crate::{Event, NodeResult, Status, Timing};

/// A node at work.
pub(crate) struct Outcome {
    result: NodeResult,
    label: String,
    index: usize,
    began: Instant,
    started_at: DateTime<Utc>,
    compiled_at: Option<DateTime<Utc>>,
}

impl Outcome {
    /// Tells that the node starts.
    pub(crate) fn start(session: &Session, node: &Node, slot: &Slot) -> Self {
        let index = session.next_index();
        let label = label(node);
        session.events.on(&Event::NodeStarted {
            index,
            total: session.total,
            unique_id: &node.unique_id,
            label: &label,
        });
        let result = NodeResult { thread_id: slot.thread_id(), ..blank(node) };
        let started_at = session.clock.now();
        Self { result, label, index, began: Instant::now(), started_at, compiled_at: None }
    }

    /// The result of a node that never starts.
    pub(crate) fn skip(session: &Session, node: &Node, reason: &str) -> NodeResult {
        let index = session.next_index();
        let result = NodeResult { status: Status::Skipped, message: Some(format!("skipped {reason}")), ..blank(node) };
        tell_end(session, index, &label(node), &result);
        result
    }

    /// Keeps the SQL and the end of compilation.
    pub(crate) fn compiled(&mut self, session: &Session, compiled: &Compiled) {
        self.compiled_at = Some(session.clock.now());
        self.result.compiled_path.clone_from(&compiled.path);
        self.result.compiled_code = Some(compiled.node.sql.clone());
    }

    pub(crate) fn result_mut(&mut self) -> &mut NodeResult {
        &mut self.result
    }

    /// Tells that the node ended.
    pub(crate) fn end(mut self, session: &Session, status: Status, message: Option<String>) -> NodeResult {
        let now = session.clock.now();
        let compiled_at = self.compiled_at.unwrap_or(now);
        self.result.timing.push(Timing { name: "compile", started_at: self.started_at, completed_at: compiled_at });
        if self.compiled_at.is_some() {
            self.result.timing.push(Timing { name: "execute", started_at: compiled_at, completed_at: now });
        }
        self.result.status = status;
        self.result.message = message;
        self.result.execution_time_s = self.began.elapsed().as_secs_f64();
        tell_end(session, self.index, &self.label, &self.result);
        self.result
    }

    /// Ends with an error. A place in SQL text becomes one in the compiled file.
    pub(crate) fn fail(mut self, session: &Session, error: &Error) -> NodeResult {
        if session.cancel.is_cancelled() {
            return self.end(session, Status::Skipped, Some("stopped because the run was cancelled".into()));
        }
        self.result.short_of_memory = error.is_short_of_memory();
        let error = self.placed(error);
        self.end(session, Status::Error, Some(error.to_string()))
    }

    fn placed(&self, error: &Error) -> Error {
        match (error.place(), &self.result.compiled_path) {
            (Some(place), Some(path)) if place.file == millstream_sql::SQL_FILE => {
                error.clone().at(Place { file: path.clone(), ..place.clone() })
            }
            // A place in SQL that is not the node's own says nothing to the user.
            (Some(place), None) if place.file == millstream_sql::SQL_FILE => {
                error.clone().at(Place::file(self.result.path.clone()))
            }
            (Some(_), _) => error.clone(),
            (None, _) => error.clone().at(Place::file(self.result.path.clone())),
        }
    }
}

fn blank(node: &Node) -> NodeResult {
    NodeResult {
        unique_id: node.unique_id.clone(),
        resource_type: node.resource_type.to_string(),
        name: node.name.clone(),
        status: Status::Skipped,
        message: None,
        rows: None,
        failures: None,
        relation: node.is_relational().then(|| node.table_name().to_string()),
        version: None,
        path: node.file(),
        compiled_path: None,
        compiled_code: None,
        batches: None,
        short_of_memory: false,
        timing: Vec::new(),
        execution_time_s: 0.0,
        thread_id: String::new(),
    }
}

/// What a node is, in dbt's words: `table model marts.dim_users`, `seed file seeds.currencies`, `test unique_…`.
pub(crate) fn label(node: &Node) -> String {
    match node.resource_type {
        ResourceType::Model => format!("{} model {}", node.config.materialized, node.table_name()),
        ResourceType::Seed => format!("seed file {}", node.table_name()),
        ResourceType::Snapshot => format!("snapshot {}", node.table_name()),
        ResourceType::UnitTest => format!("unit_test {}", node.alias),
        other => format!("{other} {}", node.name),
    }
}
