//! `millstream maintain`.

use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use millstream_core::Error;
use millstream_core::housekeeping::{Maintained, RETENTION_MIN, Upkeep};
use millstream_runner::{Cancel, MaintainRequest};

use crate::context::Context;
use crate::options::value;
use crate::output::{ListFormat, Listing};
use crate::stop::{Exit, Outcome};
use crate::talk::{NodeLines, plural};

const EXAMPLES: &str = "\
Examples:
  millstream maintain
  millstream maintain raw.transactions_stream --dry-run
  millstream maintain --retention 2d --format json";

/// Keep tables quick: put small files together, remove what no kept version needs
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct MaintainArgs {
    /// Tables, with or without their schema [default: all]
    #[arg(value_name = "TABLE")]
    tables: Vec<String>,
    /// How long past versions stay readable
    #[arg(long, value_name = "TIME", default_value = "7d", value_parser = value::duration)]
    retention: Duration,
    /// Allow a retention under one hour, which may take files from under queries that run
    #[arg(long)]
    forget_history: bool,
    /// Tell what would be done, and do nothing
    #[arg(long)]
    dry_run: bool,
    /// Format of the listing
    #[arg(long, value_enum, default_value_t)]
    format: ListFormat,
}

/// Runs it.
pub async fn run(args: MaintainArgs, context: &Context) -> Outcome {
    if args.retention < RETENTION_MIN && !args.forget_history {
        return Err(Error::usage(format!("a retention of {} is short", humantime::format_duration(args.retention)))
            .why("queries and refreshes that run now read versions that would go")
            .hint("keep at least 1h, or add --forget-history when nothing else runs")
            .into());
    }
    let project = Arc::new(context.load_project_quietly()?);
    let workspace = context.open_workspace(&project.target)?;
    let lines = Arc::new(NodeLines::quiet(context.talk.clone(), context.clock.clone()));
    let cancel = Cancel::default();
    context.cancel_on_interrupt(cancel.clone());
    let upkeep = Upkeep { retention: args.retention, is_dry_run: args.dry_run, ..Upkeep::default() };
    let request = MaintainRequest { tables: args.tables, upkeep, cancel };
    let summary = context.runner(project, &workspace, lines).maintain(&request).await?;
    listing(&summary.tables).print(args.format)?;
    for (_, error) in &summary.failed {
        context.talk.error(error);
    }
    if summary.runs_forgotten > 0 {
        let text = format!("{} forgotten", plural(summary.runs_forgotten as u64, "old run"));
        context.talk.say("runs-forgotten", &text);
    }
    let sum = |of: fn(&Maintained) -> u64| summary.tables.iter().map(of).sum::<u64>();
    context.talk.say(
        "done",
        &format!(
            "{} {}: {} put together, {} removed ({})",
            if args.dry_run { "Would keep house in" } else { "Kept house in" },
            plural(summary.tables.len() as u64, "table"),
            plural(sum(|table| table.compacted_files), "small file"),
            plural(sum(|table| table.files_removed), "old file"),
            plural(sum(|table| table.bytes_removed), "byte"),
        ),
    );
    Ok(if summary.failed.is_empty() { Exit::Success } else { Exit::Failed })
}

fn listing(tables: &[Maintained]) -> Listing {
    let number = |of: fn(&Maintained) -> u64| tables.iter().map(move |table| i64::try_from(of(table)).ok());
    Listing::new()
        .text("table", tables.iter().map(|table| Some(table.table.to_string())))
        .number("files_before", number(|table| table.files_before))
        .number("files_after", number(|table| table.files_after))
        .number("compacted", number(|table| table.compacted_files))
        .number("commits_removed", number(|table| table.commits_removed))
        .number("checkpoints_removed", number(|table| table.checkpoints_removed))
        .number("files_removed", number(|table| table.files_removed))
        .number("bytes_removed", number(|table| table.bytes_removed))
        .text("left", tables.iter().map(|table| table.left.clone()))
}
