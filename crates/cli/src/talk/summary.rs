//! The end of a build: what failed, where, why, how to see it, and dbt's last line.

use std::time::Duration;

use millstream_project::Project;
use millstream_runner::{NodeResult, Status, Summary, Verb};

use super::style::{BAD, GOOD, WARN, paint};
use super::{Talk, plural, seconds};

/// Tells a summary.
pub fn tell_summary(talk: &Talk, project: &Project, verb: Verb, summary: &Summary) {
    let elapsed = seconds(Duration::from_secs_f64(summary.elapsed_s.max(0.0)));
    let counted = counted(summary);
    talk.say("run-finished", "");
    if !counted.is_empty() {
        talk.say("run-finished", &format!("Finished {counted} in {elapsed}."));
    }
    for result in &summary.results {
        match result.status {
            Status::Fail | Status::Error | Status::PartialSuccess => {
                talk.failure("node-failed", &problem(project, verb, result))
            }
            Status::Warn => talk.say("node-warned", &problem(project, verb, result)),
            Status::Success | Status::Pass | Status::Skipped => {}
        }
    }
    if summary.cancelled {
        talk.failure("cancelled", "Stopped before the end; what was published stays, the rest is as it was.");
    }
    let style = match (summary.failed(), summary.warned()) {
        (0, 0) => GOOD,
        (0, _) => WARN,
        _ => BAD,
    };
    talk.say("done", &paint(style, summary.last_line()).to_string());
}

/// `2 seeds, 12 models, 40 tests`.
fn counted(summary: &Summary) -> String {
    let kinds = ["seed", "model", "snapshot", "test", "unit_test", "operation", "analysis"];
    let parts = kinds.iter().filter_map(|kind| {
        let number = summary.results.iter().filter(|result| result.resource_type == *kind).count() as u64;
        match (*kind, number) {
            (_, 0) => None,
            ("analysis", 2..) => Some(format!("{number} analyses")),
            _ => Some(plural(number, &kind.replace('_', " "))),
        }
    });
    parts.collect::<Vec<String>>().join(", ")
}

fn problem(project: &Project, verb: Verb, result: &NodeResult) -> String {
    let (style, word) = match result.status {
        Status::Warn => (WARN, "Warning"),
        Status::Fail => (BAD, "Failure"),
        _ => (BAD, "Error"),
    };
    let unit_test = project.manifest.unit_tests.get(&result.unique_id);
    let place = project.manifest.node(&result.unique_id).map_or_else(
        || unit_test.map_or_else(|| result.path.clone(), |test| test.place.to_string()),
        |node| node.patch_place.as_ref().filter(|_| node.test_metadata.is_some()).unwrap_or(&node.place).to_string(),
    );
    let mut text = format!("\n{} in {} {} ({place})", paint(style, word), result.resource_type, result.name);
    // Of a test the runner tells the same two things for callers that have no summary.
    let told_below =
        |line: &&str| ["compiled SQL:", "see the rows:"].iter().any(|told| line.trim_start().starts_with(told));
    for line in result.message.iter().flat_map(|message| message.lines()).filter(|line| !told_below(line)) {
        text.push_str(&format!("\n  {line}"));
    }
    if let Some(compiled) = &result.compiled_path {
        text.push_str(&format!("\n  compiled SQL: {compiled}"));
    }
    if result.resource_type == "test" && result.status != Status::Error {
        text.push_str(&format!("\n  see the rows: {}", how_to_see(verb, result)));
    }
    text
}

/// A build that failed a test has not published the model, so that its rows are where the test kept them, if it did.
fn how_to_see(verb: Verb, result: &NodeResult) -> String {
    match (&result.relation, &result.compiled_path) {
        (Some(relation), _) => format!("millstream query \"select * from {relation}\""),
        (None, Some(path)) if verb == Verb::Test => format!("millstream query --file {path}"),
        (None, _) => format!("millstream build --select {} --store-failures", result.name),
    }
}
