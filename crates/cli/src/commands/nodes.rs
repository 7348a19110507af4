//! What `build`, `run`, `test`, `seed` and `snapshot` have in common: select, carry out, tell.

use std::sync::Arc;

use millstream_project::Project;
use millstream_runner::{Cancel, Request, Summary, Verb};

use crate::context::Context;
use crate::options::NodeOptions;
use crate::stop::{Exit, Outcome, Stop};
use crate::talk::{NodeLines, tell_summary};

/// Carries a verb out on the selected nodes.
pub async fn execute(verb: Verb, options: &NodeOptions, context: &Context) -> Outcome {
    let project = Arc::new(context.load_project()?);
    let request = request(verb, options, &project, context)?;
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
    tell_summary(&context.talk, &project, verb, &summary);
    Ok(exit(&summary))
}

/// The request for the runner. Warnings about the selection are told.
pub fn request(verb: Verb, options: &NodeOptions, project: &Project, context: &Context) -> Result<Request, Stop> {
    let selected = project.select(&options.selection.selection()?)?;
    for warning in &selected.warnings {
        context.talk.warn("selection", warning);
    }
    let cancel = Cancel::default();
    context.cancel_on_interrupt(cancel.clone());
    Ok(Request {
        full_refresh: options.full_refresh,
        fail_fast: options.fail_fast,
        warn_error: options.warn_error,
        store_failures: options.keeps_failures(),
        threads: project.target.threads.max(1),
        args: context.arguments(verb.name(), arguments(options)),
        check: options.check,
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

/// The options in dbt's names, for `run_results.json`.
fn arguments(options: &NodeOptions) -> Vec<(&'static str, serde_json::Value)> {
    let selection = &options.selection;
    vec![
        ("select", selection.select.clone().into()),
        ("exclude", selection.exclude.clone().into()),
        ("selector", selection.selector.clone().into()),
        ("indirect_selection", selection.indirect_selection.clone().into()),
        ("full_refresh", options.full_refresh.into()),
        ("fail_fast", options.fail_fast.into()),
        ("warn_error", options.warn_error.into()),
        ("store_failures", options.keeps_failures().into()),
    ]
}
