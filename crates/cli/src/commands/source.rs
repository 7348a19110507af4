//! `millstream source freshness`.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, Subcommand};
use millstream_project::{FreshnessThreshold, ResourceType};
use millstream_runner::{Cancel, FreshnessRequest, FreshnessStatus, SourceFreshness};

use crate::context::Context;
use crate::options::SelectionOptions;
use crate::output::{ListFormat, Listing};
use crate::stop::{Exit, Outcome};
use crate::talk::{NodeLines, plural};

/// Age above which a table was never loaded: a thousand years.
const NEVER_DAYS: i64 = 365_000;

const EXAMPLES: &str = "\
Examples:
  millstream source freshness
  millstream source freshness --select source:raw.transactions
  millstream build --select source_status:fresher+ --state last_run/";

/// Look at sources
#[derive(Debug, Args)]
pub struct SourceArgs {
    #[command(subcommand)]
    command: SourceCommand,
}

/// What is done with sources.
#[derive(Debug, Subcommand)]
enum SourceCommand {
    #[command(alias = "snapshot-freshness")]
    Freshness(FreshnessArgs),
}

/// Check how old the newest row of each source is, and write target/sources.json
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
struct FreshnessArgs {
    #[command(flatten)]
    selection: SelectionOptions,
    /// Where the artefact goes instead of target/sources.json
    #[arg(short, long, value_name = "FILE", help_heading = "Options")]
    output: Option<PathBuf>,
    /// Format of the listing
    #[arg(long, value_enum, default_value_t, help_heading = "Options")]
    format: ListFormat,
}

/// Runs it.
pub async fn run(args: SourceArgs, context: &Context) -> Outcome {
    let SourceCommand::Freshness(args) = args.command;
    let project = Arc::new(context.load_project()?);
    let selected = project.select(&args.selection.selection(&project)?)?;
    for warning in &selected.warnings {
        context.talk.warn("selection", warning);
    }
    let is_source = |id: &String| project.manifest.resource_type(id) == Some(ResourceType::Source);
    let cancel = Cancel::default();
    context.cancel_on_interrupt(cancel.clone());
    let request = FreshnessRequest {
        selected: selected.ids.into_iter().filter(is_source).collect(),
        threads: project.target.threads.max(1),
        output: args.output.clone(),
        cancel,
    };
    let workspace = context.open_workspace(&project.target)?;
    let lines = Arc::new(NodeLines::quiet(context.talk.clone(), context.clock.clone()));
    let summary = context.runner(project.clone(), &workspace, lines).freshness(&request).await?;
    listing(&summary.sources).print(args.format)?;
    for source in &summary.sources {
        if let Some(error) = &source.error {
            context.talk.error(error);
        }
    }
    let count = |status| summary.sources.iter().filter(|source| source.status == status).count();
    if summary.sources.is_empty() {
        context.talk.warn("nothing-selected", "no selected source declares its freshness");
    } else {
        context.talk.say(
            "done",
            &format!(
                "Done. {}: {} pass, {} warn, {} error, {} could not be told",
                plural(summary.sources.len() as u64, "source"),
                count(FreshnessStatus::Pass),
                count(FreshnessStatus::Warn),
                count(FreshnessStatus::Error),
                count(FreshnessStatus::RuntimeError),
            ),
        );
    }
    Ok(if summary.is_success() { Exit::Success } else { Exit::Failed })
}

fn listing(sources: &[SourceFreshness]) -> Listing {
    let all = || sources.iter();
    // A table without rows was loaded at the beginning of time, which is no date for people.
    let is_never = |source: &SourceFreshness| source.age().is_some_and(|age| age.num_days() > NEVER_DAYS);
    let age = |source: &SourceFreshness| {
        let age = source.age().filter(|_| !is_never(source))?;
        age.to_std().ok().map(|age| humantime::format_duration(Duration::from_secs(age.as_secs())).to_string())
    };
    let after = |found: &Option<FreshnessThreshold>| found.as_ref().map(|it| plural(it.count, &it.period));
    Listing::new()
        .text("source", all().map(|source| Some(source.name.clone())))
        .text("status", all().map(|source| Some(source.status.name())))
        .instant("max_loaded_at", all().map(|source| source.max_loaded_at.filter(|_| !is_never(source))))
        .text("age", all().map(age))
        .text("warn_after", all().map(|source| after(&source.criteria.warn_after)))
        .text("error_after", all().map(|source| after(&source.criteria.error_after)))
}
