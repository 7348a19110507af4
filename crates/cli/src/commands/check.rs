//! `millstream check`.

use std::sync::Arc;

use clap::Args;
use millstream_runner::{CheckOptions, CheckReport, Request, Verb};

use crate::context::Context;
use crate::options::SelectionOptions;
use crate::output::{ListFormat, Listing};
use crate::stop::{Exit, Outcome, Stop};
use crate::talk::{NodeLines, plural};

const EXAMPLES: &str = "\
Examples:
  millstream check
  millstream check --select +fct_transactions
  millstream check --format json                         one object for each node, for editors and CI";

/// Plan every model, test and snapshot without running it, and tell all that is wrong
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct CheckArgs {
    #[command(flatten)]
    selection: SelectionOptions,
    /// Check incremental models as for a build from the start
    #[arg(short, long)]
    full_refresh: bool,
    /// List every node on standard output, with what is wrong with it
    #[arg(long, value_enum)]
    format: Option<ListFormat>,
}

/// Runs it.
pub async fn run(args: CheckArgs, context: &Context) -> Outcome {
    let project = Arc::new(context.load_project()?);
    let selected = project.select(&args.selection.selection(&project)?)?;
    for warning in &selected.warnings {
        context.talk.warn("selection", warning);
    }
    if selected.ids.is_empty() {
        context.talk.warn("nothing-selected", "the selection matches no node; nothing to do");
        return Ok(Exit::Success);
    }
    let workspace = context.open_workspace(&project.target)?;
    let lines = Arc::new(NodeLines::quiet(context.talk.clone(), context.clock.clone()));
    let runner = context.runner(project.clone(), &workspace, lines);
    let request = Request { full_refresh: args.full_refresh, ..Request::new(Verb::Build, selected.ids) };
    let report = runner.check(&request, CheckOptions { queries: true, analyses: true }).await?;
    if let Some(format) = args.format {
        list(&report, format)?;
    }
    for node in &report.nodes {
        if let Some(reason) = node.state.reason().filter(|_| node.state.name() == "unknown") {
            context.talk.say("not-checked", &format!("not checked: {}: {reason}", node.unique_id));
        }
    }
    let summary = summary(&report);
    if report.is_success() {
        context.talk.say("checked", &format!("{summary}; no problems"));
        return Ok(Exit::Success);
    }
    if let Err(error) = report.into_result() {
        context.talk.error(&error);
    }
    context.talk.say("checked", &summary);
    Ok(Exit::Failed)
}

/// `checked 40 nodes; 2 not checked, because they cannot be known before running; 3 below them`.
fn summary(report: &CheckReport) -> String {
    let count = |state| report.count(state) as u64;
    let mut text = format!("checked {}", plural(count("passed") + count("failed"), "node"));
    if count("unknown") > 0 {
        text.push_str(&format!("; {} cannot be known before running", plural(count("unknown"), "node")));
    }
    if count("skipped") > 0 {
        text.push_str(&format!("; {} skipped below others", plural(count("skipped"), "node")));
    }
    text
}

/// A row for each problem; nodes without any have one row.
fn list(report: &CheckReport, format: ListFormat) -> Result<(), Stop> {
    let rows: Vec<_> = report
        .nodes
        .iter()
        .flat_map(|node| {
            let problems: Vec<_> = match node.problems.as_slice() {
                [] => vec![None],
                problems => problems.iter().map(Some).collect(),
            };
            problems.into_iter().map(move |problem| (node, problem))
        })
        .collect();
    let place = |row: &(_, Option<&millstream_core::Diagnostic>)| row.1.and_then(|problem| problem.place.clone());
    Listing::new()
        .text("unique_id", rows.iter().map(|(node, _)| Some(node.unique_id.clone())))
        .text("state", rows.iter().map(|(node, _)| Some(node.state.name())))
        .text("code", rows.iter().map(|(_, problem)| problem.map(|problem| problem.code)))
        .text(
            "message",
            rows.iter().map(|(node, problem)| match problem {
                Some(problem) => Some(problem.message.clone()),
                None => node.state.reason().map(str::to_owned),
            }),
        )
        .text("file", rows.iter().map(|row| Some(place(row).map_or_else(|| row.0.path.clone(), |place| place.file))))
        .number("line", rows.iter().map(|row| place(row).and_then(|place| place.line).map(i64::from)))
        .number("column", rows.iter().map(|row| place(row).and_then(|place| place.column).map(i64::from)))
        .text("hint", rows.iter().map(|(_, problem)| problem.and_then(|problem| problem.hint.clone())))
        .print(format)
}
