//! `millstream explain`.

use std::sync::Arc;

use clap::Args;
use millstream_core::Error;
use millstream_core::warehouse::{RefreshReport, RefreshSource};
use millstream_project::Selection;
use millstream_runner::{Explained, is_refreshed};

use crate::context::Context;
use crate::output::{ListFormat, Listing};
use crate::stop::{Exit, Outcome};
use crate::talk::NodeLines;

const EXAMPLES: &str = "\
Examples:
  millstream explain
  millstream explain fct_transactions
  millstream explain +fct_daily_transactions --format json";

/// Tell how dynamic tables were refreshed last and would be refreshed now, and why so
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct ExplainArgs {
    /// Models, as dbt's selectors; all dynamic tables when none is named
    #[arg(value_name = "MODEL")]
    models: Vec<String>,
    /// Format of the listing
    #[arg(long, value_enum, default_value_t)]
    format: ListFormat,
}

/// Runs it.
pub async fn run(args: ExplainArgs, context: &Context) -> Outcome {
    let project = Arc::new(context.load_project_quietly()?);
    let selected = project.select(&Selection { select: args.models.clone(), ..Selection::default() })?;
    for warning in &selected.warnings {
        context.talk.warn("selection", warning);
    }
    let nodes = selected.ids.iter().filter_map(|id| project.manifest.node(id));
    let (chosen, others): (Vec<_>, Vec<_>) = nodes.partition(|node| is_refreshed(&node.config.materialized));
    if chosen.is_empty() && !args.models.is_empty() {
        let mut error = Error::user("none of these is a dynamic table");
        for node in others.iter().take(5) {
            error = error.why(format!("{} is built as {}", node.name, node.config.materialized));
        }
        return Err(error.hint("set materialized: dynamic_table to let a model follow its sources").into());
    }
    if chosen.is_empty() {
        context.talk.warn("nothing-selected", "the project has no dynamic tables");
    }
    let workspace = context.open_workspace(&project.target)?;
    let lines = Arc::new(NodeLines::quiet(context.talk.clone(), context.clock.clone()));
    let runner = context.runner(Arc::clone(&project), &workspace, lines);
    let (mut explained, mut failed) = (Vec::new(), Vec::new());
    for node in chosen {
        match runner.explain(&node.unique_id).await {
            Ok(one) => explained.push(one),
            Err(error) => failed.push(error.context(format!("{} cannot be refreshed", node.name))),
        }
    }
    if !explained.is_empty() || failed.is_empty() {
        listing(&explained).print(args.format)?;
    }
    // Of several, the last one tells whose problem it is.
    let Some(last) = failed.pop() else { return Ok(Exit::Success) };
    failed.iter().for_each(|error| context.talk.error(error));
    Err(last.into())
}

/// Two lines for each model: what was done, and what would be.
fn listing(explained: &[Explained]) -> Listing {
    let lines: Vec<(&Explained, &str, Option<u64>, &RefreshReport)> = explained
        .iter()
        .flat_map(|one| {
            let last = one.last.as_ref().map(|(version, _, report)| (one, "last", Some(*version), report));
            last.into_iter().chain([(one, "next", None, &one.next)])
        })
        .collect();
    let number = |value: Option<u64>| value.and_then(|value| i64::try_from(value).ok());
    let text = |value: String| Some(value).filter(|value| !value.is_empty());
    Listing::new()
        .text("model", lines.iter().map(|(one, ..)| Some(one.model.clone())))
        .text("refresh", lines.iter().map(|(_, which, ..)| Some((*which).to_owned())))
        .number("version", lines.iter().map(|(_, _, version, _)| number(*version)))
        .text("path", lines.iter().map(|(.., report)| Some(report.path.as_str().to_owned())))
        .text("keys", lines.iter().map(|(.., report)| text(report.keys.join(", "))))
        .number("touched", lines.iter().map(|(.., report)| number(report.touched)))
        .text("reason", lines.iter().map(|(.., report)| Some(report.reason.clone())))
        .text("changes", lines.iter().map(|(.., report)| text(changes(&report.sources))))
}

/// `marts.dim_users 3 to 5 (12 rows)`, of the tables that have changed.
fn changes(sources: &[RefreshSource]) -> String {
    let changed = sources.iter().filter(|source| source.from != Some(source.to));
    let told = changed.map(|source| {
        let from = source.from.map_or_else(|| "?".into(), |from| from.to_string());
        let rows = source.changed_rows.map(|rows| format!(" ({rows} rows)")).unwrap_or_default();
        format!("{} {from} to {}{rows}", source.name, source.to)
    });
    told.collect::<Vec<_>>().join(", ")
}
