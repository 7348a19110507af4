//! The line of each node while a project is built, in dbt's form, and what is at work on a terminal.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use millstream_core::Clock;
use millstream_runner::{Event, Events, NodeResult, Status};
use serde_json::{Map, Value};

use super::style::{BAD, DIM, GOOD, WARN, paint};
use super::{Talk, plural, seconds};

/// Column at which the bracket of a line begins, as in dbt.
const LINE_WIDTH: usize = 80;

/// Names shown of nodes that are at work.
const AT_WORK_SHOWN: usize = 3;

/// Tells what a runner does.
pub struct NodeLines {
    talk: Arc<Talk>,
    /// Whether only messages of the project are told, not nodes.
    messages_only: bool,
    clock: Arc<dyn Clock>,
    at_work: Mutex<BTreeMap<usize, String>>,
    bar: Option<ProgressBar>,
}

impl NodeLines {
    /// Lines for one run.
    pub fn new(talk: Arc<Talk>, clock: Arc<dyn Clock>) -> Self {
        let bar = talk.bars_shown.then(|| {
            let bar = talk.bars.add(ProgressBar::new_spinner());
            if let Ok(style) = ProgressStyle::with_template("{spinner} {wide_msg}") {
                bar.set_style(style);
            }
            bar.enable_steady_tick(Duration::from_millis(120));
            bar
        });
        Self { talk, messages_only: false, clock, at_work: Mutex::new(BTreeMap::new()), bar }
    }

    /// For commands that only compile: messages of the project and warnings are told, nodes are not.
    pub fn quiet(talk: Arc<Talk>, clock: Arc<dyn Clock>) -> Self {
        Self { talk, messages_only: true, clock, at_work: Mutex::new(BTreeMap::new()), bar: None }
    }

    /// Takes the line about what is at work off the terminal.
    pub fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
            self.talk.bars.remove(bar);
        }
    }

    fn timed(&self, text: &str) -> String {
        self.talk.timed(self.clock.as_ref(), text)
    }

    fn show_at_work(&self, change: impl FnOnce(&mut BTreeMap<usize, String>)) {
        let mut at_work = self.at_work.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut at_work);
        let Some(bar) = &self.bar else { return };
        let mut names: Vec<&str> = at_work.values().take(AT_WORK_SHOWN).map(String::as_str).collect();
        if at_work.len() > AT_WORK_SHOWN {
            names.push("…");
        }
        bar.set_message(names.join(", "));
    }
}

impl Drop for NodeLines {
    fn drop(&mut self) {
        self.end();
    }
}

impl Events for NodeLines {
    fn on(&self, event: &Event<'_>) {
        match event {
            Event::RunStarted { .. } | Event::NodeStarted { .. } | Event::NodeFinished { .. } if self.messages_only => {
            }
            Event::WaitingForLock { pid } => {
                let who = pid.map_or_else(|| "another process".to_owned(), |pid| format!("process {pid}"));
                self.talk.say("waiting-for-lock", &format!("waiting for {who}, which holds the workspace"));
            }
            Event::RunStarted { verb, total, threads, .. } => {
                let line = format!(
                    "{}: {} with {}",
                    verb.name(),
                    plural(*total as u64, "node"),
                    plural(*threads as u64, "thread")
                );
                self.talk.say("run-started", &self.timed(&line));
            }
            Event::NodeStarted { index, label, .. } => {
                self.show_at_work(|at_work| {
                    at_work.insert(*index, (*label).to_owned());
                });
            }
            Event::NodeFinished { index, total, label, result } => {
                self.show_at_work(|at_work| {
                    at_work.remove(index);
                });
                let line = self.timed(&node_line(*index, *total, label, result));
                self.talk.say_with("node-finished", &line, facts(result));
            }
            Event::Note { message } => self.talk.say("note", &self.timed(message)),
            Event::Warning { message } => self.talk.warn("warning", message),
        }
    }
}

/// `3 of 41 OK created table model marts.dim_users ........ [50 rows in 0.02s]`.
fn node_line(index: usize, total: usize, label: &str, result: &NodeResult) -> String {
    let bare = label.strip_prefix("test ").or_else(|| label.strip_prefix("unit_test ")).unwrap_or(label);
    let failures = result.failures.map(|failures| format!(" {failures}")).unwrap_or_default();
    let (style, word, what) = match result.status {
        Status::Success => (GOOD, "OK", format!("{} {label}", done_word(&result.resource_type))),
        Status::Pass => (GOOD, "PASS", bare.to_owned()),
        Status::Warn => (WARN, "WARN", bare.to_owned()),
        Status::Fail => (BAD, "FAIL", bare.to_owned()),
        Status::PartialSuccess => (BAD, "PARTIAL SUCCESS", label.to_owned()),
        Status::Error => (BAD, "ERROR", label.to_owned()),
        Status::Skipped => (WARN, "SKIP", label.to_owned()),
    };
    let took = seconds(Duration::from_secs_f64(result.execution_time_s.max(0.0)));
    let bracket = match result.status {
        Status::Skipped => "[SKIP]".to_owned(),
        Status::Success => match result.rows {
            Some(rows) => format!("[{} in {took}]", plural(rows, "row")),
            None => format!("[OK in {took}]"),
        },
        Status::Pass => format!("[{word} in {took}]"),
        _ => format!("[{word}{failures} in {took}]"),
    };
    let width = total.to_string().len();
    let plain = format!("{index:>width$} of {total} {word} {what} ");
    let dots = ".".repeat(LINE_WIDTH.saturating_sub(plain.len()).max(3));
    format!("{index:>width$} of {total} {} {what} {} {}", paint(style, word), paint(DIM, dots), paint(style, bracket))
}

fn done_word(resource_type: &str) -> &'static str {
    match resource_type {
        "seed" => "loaded",
        "snapshot" => "snapshotted",
        "operation" => "ran",
        _ => "created",
    }
}

fn facts(result: &NodeResult) -> Map<String, Value> {
    let mut facts = Map::new();
    facts.insert("unique_id".into(), result.unique_id.clone().into());
    facts.insert("status".into(), result.status.name().into());
    facts.insert("execution_time_s".into(), result.execution_time_s.into());
    facts.insert("rows".into(), result.rows.into());
    facts.insert("failures".into(), result.failures.into());
    facts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn result(status: Status) -> NodeResult {
        NodeResult {
            unique_id: "model.finance.dim_users".into(),
            resource_type: "model".into(),
            name: "dim_users".into(),
            status,
            message: None,
            rows: Some(1_250),
            failures: Some(2),
            relation: Some("marts.dim_users".into()),
            version: Some(1),
            path: "models/marts/dim_users.sql".into(),
            compiled_path: None,
            compiled_code: None,
            batches: None,
            short_of_memory: false,
            timing: Vec::new(),
            execution_time_s: 0.02,
            thread_id: String::new(),
        }
    }

    #[test]
    fn lines_have_dbts_form() {
        let line = |status, label| {
            console::strip_ansi_codes(&node_line(3, 41, label, &result(status))).replace(&".".repeat(4), ".")
        };
        assert!(line(Status::Success, "table model marts.dim_users").starts_with(" 3 of 41 OK created table model"));
        assert!(line(Status::Success, "table model marts.dim_users").ends_with("[1,250 rows in 0.02s]"));
        assert!(line(Status::Fail, "test unique_id").starts_with(" 3 of 41 FAIL unique_id ."));
        assert!(line(Status::Fail, "test unique_id").ends_with("[FAIL 2 in 0.02s]"));
        assert!(line(Status::Skipped, "view model a.b").ends_with("[SKIP]"));
    }
}
