//! `millstream maintain`.

use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use millstream_core::housekeeping::{Maintained, RETENTION_MIN, Upkeep};
use millstream_core::{Error, Kind, Result};
use millstream_runner::{Cancel, MaintainRequest, MaintainSummary};

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
    if !args.forget_history {
        check_retention(args.retention, "keep at least 1h, or add --forget-history when nothing else runs")?;
    }
    let project = Arc::new(context.load_project_quietly()?);
    let workspace = context.open_workspace(&project.target)?;
    let lines = Arc::new(NodeLines::quiet(context.talk.clone(), context.clock.clone()));
    let cancel = Cancel::default();
    context.cancel_on_interrupt(cancel.clone());
    let upkeep = Upkeep { retention: args.retention, is_dry_run: args.dry_run, ..Upkeep::default() };
    let request = MaintainRequest { tables: args.tables, upkeep, cancel: cancel.clone() };
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
    exit(&summary, cancel.is_cancelled())
}

/// Refuses a retention that may take files from under those who read them.
pub fn check_retention(retention: Duration, fix: &str) -> Result<()> {
    if retention >= RETENTION_MIN {
        return Ok(());
    }
    Err(Error::usage(format!("a retention of {} is short", humantime::format_duration(retention)))
        .why("queries and refreshes that run now read versions that would go")
        .hint(fix))
}

/// An error of the machine wins over a stop, and both over what is wrong with a table.
fn exit(summary: &MaintainSummary, is_cancelled: bool) -> Outcome {
    let of_the_machine = |kind: Kind| kind.exit_code() == Kind::Environment.exit_code();
    if let Some((_, error)) = summary.failed.iter().find(|(_, error)| of_the_machine(error.kind())) {
        return Err(Error::new(error.kind(), "not every table could be kept in order")
            .hint("see the errors above; what was done stays, and the next run goes on from there")
            .into());
    }
    if is_cancelled {
        return Ok(Exit::Interrupted);
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stop::Stop;
    use millstream_core::TableName;

    fn code(kinds: &[Kind], is_cancelled: bool) -> u8 {
        let failed = kinds.iter().map(|kind| (TableName::new("raw", "t"), Error::new(*kind, "no")));
        match exit(&MaintainSummary { tables: Vec::new(), failed: failed.collect(), runs_forgotten: 0 }, is_cancelled) {
            Ok(exit) => exit.code(),
            Err(Stop::Error(error)) => error.kind().exit_code(),
            Err(Stop::BrokenPipe) => 0,
        }
    }

    #[test]
    fn a_full_disk_and_a_stop_are_told_apart_from_a_bad_table() {
        assert_eq!(code(&[], false), 0);
        assert_eq!(code(&[Kind::User], false), 1);
        assert_eq!(code(&[Kind::User, Kind::Environment], false), 3);
        assert_eq!(code(&[], true), 130);
        assert_eq!(code(&[Kind::Environment], true), 3);
    }

    #[test]
    fn a_retention_has_a_least() {
        assert!(check_retention(RETENTION_MIN, "").is_ok());
        assert!(check_retention(RETENTION_MIN - Duration::from_secs(1), "").is_err());
    }
}
