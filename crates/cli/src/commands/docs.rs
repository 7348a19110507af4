//! `millstream docs generate`.

use std::sync::Arc;

use clap::{Args, Subcommand};
use millstream_runner::{Request, Verb};

use super::nodes;
use crate::context::{Context, target_dir};
use crate::options::SelectionOptions;
use crate::stop::{Exit, Outcome};
use crate::talk::{NodeLines, plural, tell_summary};

const EXAMPLES: &str = "\
Examples:
  millstream docs generate
  millstream docs generate --no-compile --select tag:marts";

/// Describe the project
#[derive(Debug, Args)]
pub struct DocsArgs {
    #[command(subcommand)]
    command: DocsCommand,
}

/// What is done.
#[derive(Debug, Subcommand)]
enum DocsCommand {
    Generate(GenerateDocsArgs),
}

/// Write target/manifest.json and target/catalog.json: what the project declares, and what of it is in the warehouse
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
struct GenerateDocsArgs {
    #[command(flatten)]
    selection: SelectionOptions,
    /// Leave the manifest as the last run wrote it
    #[arg(long, help_heading = "Options")]
    no_compile: bool,
    /// Compile (the default)
    #[arg(long, hide = true)]
    compile: bool,
    /// Do not ask the warehouse
    #[arg(long, help_heading = "Options")]
    empty_catalog: bool,
}

/// Runs it.
pub async fn run(args: DocsArgs, context: &Context) -> Outcome {
    let DocsCommand::Generate(args) = args.command;
    let project = Arc::new(context.load_project()?);
    let selected = project.select(&args.selection.selection(&project)?)?;
    for warning in &selected.warnings {
        context.talk.warn("selection", warning);
    }
    let workspace = context.open_workspace(&project.target)?;
    let lines = Arc::new(NodeLines::quiet(context.talk.clone(), context.clock.clone()));
    let runner = context.runner(project.clone(), &workspace, lines);
    if !args.no_compile {
        let all = project.order.iter().cloned();
        let request = Request { args: context.arguments("generate", Vec::new()), ..Request::new(Verb::Compile, all) };
        let summary = runner.execute(&request).await?;
        if !summary.is_success() {
            tell_summary(&context.talk, &project, Verb::Compile, &summary);
            return Ok(nodes::exit(&summary));
        }
    }
    let described = if args.empty_catalog { Default::default() } else { selected.ids.into_iter().collect() };
    let count = runner.write_catalog(&described).await?;
    let path = target_dir(&project).join("catalog.json");
    context.talk.say("catalog", &format!("{} described; wrote {}", plural(count as u64, "relation"), path.display()));
    Ok(Exit::Success)
}
