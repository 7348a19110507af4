//! What `build`, `run`, `test`, `seed` and `snapshot` have in common: select, carry out, tell.

use std::path::PathBuf;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use millstream_core::Error;
use millstream_project::{Project, Reading, Window};
use millstream_runner::{Cancel, Request, Summary, Verb};
use serde_json::Value;

use crate::context::Context;
use crate::options::NodeOptions;
use crate::stop::{Exit, Outcome, Stop};
use crate::talk::{NodeLines, tell_summary};

/// Carries a verb out on the selected nodes.
pub async fn execute(verb: Verb, options: &NodeOptions, context: &Context) -> Outcome {
    let project = Arc::new(context.load_project()?);
    let request = request(verb, options, &project, context)?;
    carry_out(project, request, context).await
}

/// Carries out a request and tells what came of it.
pub async fn carry_out(project: Arc<Project>, request: Request, context: &Context) -> Outcome {
    if request.selected.is_empty() {
        context.talk.warn("nothing-selected", "the selection matches no node; nothing to do");
        return Ok(Exit::Success);
    }
    let lines = Arc::new(NodeLines::new(context.talk.clone(), context.clock.clone()));
    let workspace = context.open_workspace(&project.target)?;
    let runner = context.runner(project.clone(), &workspace, lines.clone());
    let summary = runner.execute(&request).await;
    lines.end();
    let summary = summary?;
    tell_summary(&context.talk, &project, request.verb, &summary);
    Ok(exit(&summary))
}

/// The request for the runner. Warnings about the selection are told.
pub fn request(verb: Verb, options: &NodeOptions, project: &Project, context: &Context) -> Result<Request, Stop> {
    let selected = project.select(&options.selection.selection(project)?)?;
    let warnings = options.warnings()?;
    for warning in &selected.warnings {
        if warnings.selection_is_error {
            return Err(Error::usage(warning.clone()).why("--warn-error is on").into());
        }
        context.talk.warn("selection", warning);
    }
    let state = options.selection.state.as_deref();
    let window = options.reading.window(context.clock.now())?;
    let reading = Reading {
        is_empty: options.reading.empty,
        window,
        deferred: options.defer.deferred(project, state, &selected.ids)?,
        ..Reading::default()
    };
    let cancel = Cancel::default();
    context.cancel_on_interrupt(cancel.clone());
    Ok(Request {
        full_refresh: options.full_refresh,
        fail_fast: options.fail_fast,
        warn_error: warnings.test_is_error,
        store_failures: options.keeps_failures(),
        reading,
        event_time_start: options.reading.event_time_start,
        event_time_end: options.reading.event_time_end,
        threads: project.target.threads.max(1),
        args: context.arguments(verb.name(), arguments(options, window)),
        check: !options.no_check,
        lock_wait: options.wait,
        cancel,
        ..Request::new(verb, selected.ids)
    })
}

/// How a summary ends the command.
pub fn exit(summary: &Summary) -> Exit {
    if summary.cancelled {
        Exit::Interrupted
    } else if summary.is_success() {
        Exit::Success
    } else {
        Exit::Failed
    }
}

/// The options in dbt's names, for `run_results.json`, from which `retry` goes on.
fn arguments(options: &NodeOptions, sample: Option<Window>) -> Vec<(&'static str, Value)> {
    let (selection, reading, defer) = (&options.selection, &options.reading, &options.defer);
    let path = |path: &Option<PathBuf>| path.as_ref().map(|path| path.display().to_string());
    let instant = |at: DateTime<Utc>| at.to_rfc3339();
    vec![
        ("select", selection.select.clone().into()),
        ("exclude", selection.exclude.clone().into()),
        ("selector", selection.selector.clone().into()),
        ("indirect_selection", selection.indirect_selection.clone().into()),
        ("state", path(&selection.state).into()),
        ("defer", defer.defer.into()),
        ("favor_state", defer.favor_state.into()),
        ("defer_state", path(&defer.defer_state).into()),
        ("full_refresh", options.full_refresh.into()),
        ("fail_fast", options.fail_fast.into()),
        ("warn_error", options.warn_error.into()),
        ("store_failures", options.keeps_failures().into()),
        ("no_check", options.no_check.into()),
        ("empty", reading.empty.into()),
        ("sample", reading.sample.clone().into()),
        ("sample_window", sample.map(|window| vec![instant(window.start), instant(window.end)]).into()),
        ("event_time_start", reading.event_time_start.map(instant).into()),
        ("event_time_end", reading.event_time_end.map(instant).into()),
    ]
}
