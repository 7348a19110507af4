//! `millstream compile`.

use std::io::Write;
use std::sync::Arc;

use clap::Args;
use millstream_project::{Reading, ResourceType};
use millstream_runner::{Request, Verb};

use super::nodes;
use crate::context::Context;
use crate::options::{DeferOptions, SelectionOptions};
use crate::stop::{Exit, Outcome};
use crate::talk::{NodeLines, plural, tell_summary};

const EXAMPLES: &str = "\
Examples:
  millstream compile
  millstream compile --select fct_transactions           also prints its SQL
  millstream compile --inline \"select * from {{ ref('dim_users') }}\"";

/// Write the SQL of models, tests and analyses to target/compiled, without running it
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct CompileArgs {
    #[command(flatten)]
    selection: SelectionOptions,
    #[command(flatten)]
    defer: DeferOptions,
    /// Compile this text instead of nodes, and print it
    #[arg(long, value_name = "SQL", help_heading = "Options", conflicts_with_all = ["select", "selector"])]
    inline: Option<String>,
    /// Compile incremental models as for a build from the start
    #[arg(short, long, help_heading = "Options")]
    full_refresh: bool,
}

/// Runs it.
pub async fn run(args: CompileArgs, context: &Context) -> Outcome {
    let project = Arc::new(context.load_project()?);
    let workspace = context.open_workspace(&project.target)?;
    let lines = Arc::new(NodeLines::quiet(context.talk.clone(), context.clock.clone()));
    let runner = context.runner(project.clone(), &workspace, lines);
    if let Some(text) = &args.inline {
        return print(&runner.compile_inline(text).await?);
    }
    let selected = project.select(&args.selection.selection(&project)?)?;
    for warning in &selected.warnings {
        context.talk.warn("selection", warning);
    }
    let with_sql = |id: &&String| {
        let kind = project.manifest.resource_type(id);
        kind.is_some_and(|kind| !matches!(kind, ResourceType::Test | ResourceType::Seed | ResourceType::Source))
    };
    let shown: Vec<String> = selected.ids.iter().filter(with_sql).cloned().collect();
    let deferred = args.defer.deferred(&project, args.selection.state.as_deref(), &selected.ids)?;
    let request = Request {
        full_refresh: args.full_refresh,
        reading: Reading { deferred, ..Reading::default() },
        args: context.arguments("compile", vec![("select", args.selection.select.clone().into())]),
        ..Request::new(Verb::Compile, selected.ids)
    };
    let summary = runner.execute(&request).await?;
    if !summary.is_success() {
        tell_summary(&context.talk, &project, Verb::Compile, &summary);
        return Ok(nodes::exit(&summary));
    }
    context.talk.say("compiled", &format!("{} compiled", plural(summary.total() as u64, "node")));
    // As dbt does: one selected node is printed, many are only written.
    if let ([id], false) = (shown.as_slice(), args.selection.select.is_empty()) {
        let compiled = summary.results.iter().find(|result| result.unique_id == *id);
        if let Some(code) = compiled.and_then(|result| result.compiled_code.as_deref()) {
            return print(code);
        }
    }
    Ok(Exit::Success)
}

fn print(sql: &str) -> Outcome {
    let mut out = std::io::stdout().lock();
    out.write_all(sql.trim_end().as_bytes())?;
    out.write_all(b"\n")?;
    out.flush()?;
    Ok(Exit::Success)
}
