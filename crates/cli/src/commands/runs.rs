//! `millstream runs`.

use std::io::Write;
use std::path::Path;
use std::time::Duration;

use chrono::{DateTime, Utc};
use clap::{Args, Subcommand};
use millstream_core::{Error, Result};
use millstream_store::{NodeRecord, RunFilter, RunRecord, RunStatus, Store};
use serde_json::{Value, json};

use crate::context::Context;
use crate::output::{ListFormat, Listing, Sink};
use crate::stop::{Exit, Outcome, Stop};
use crate::talk::seconds;

/// Runs that are listed, unless more are asked for.
const LIMIT_DEFAULT: usize = 20;

/// Characters of a run's id that the table for people shows; enough to name it.
const ID_SHOWN: usize = 8;

const EXAMPLES: &str = "\
Examples:
  millstream runs
  millstream runs --cause schedule --status failed --limit 50
  millstream runs show 3f2a90c1 --format json
  millstream runs --format json";

/// List runs: why each was started, which attempt it was, how it ended
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, args_conflicts_with_subcommands = true)]
pub struct RunsArgs {
    #[command(subcommand)]
    command: Option<RunsCommand>,
    #[command(flatten)]
    list: ListArgs,
}

#[derive(Debug, Subcommand)]
enum RunsCommand {
    Show(ShowArgs),
}

#[derive(Debug, Args)]
struct ListArgs {
    /// Only runs of this cause: cli, file, topic, change, start, schedule, backfill, or 'schedule NAME'
    #[arg(long, value_name = "CAUSE", value_parser = cause)]
    cause: Option<String>,
    /// Only runs that stand so
    #[arg(long, value_name = "STATUS")]
    #[arg(value_parser = ["running", "success", "failed", "cancelled", "interrupted"])]
    status: Option<String>,
    /// How many, the latest first
    #[arg(long, value_name = "N", default_value_t = LIMIT_DEFAULT, value_parser = crate::options::value::positive)]
    limit: usize,
    /// Format of the listing
    #[arg(long, value_enum, default_value_t)]
    format: ListFormat,
}

/// Show one run: what each of its nodes did, with messages
///
/// As JSON it is one object: the run, and its nodes.
#[derive(Debug, Args)]
struct ShowArgs {
    /// The run's id, or how it begins
    #[arg(value_name = "ID")]
    id: String,
    /// Format of the listing
    #[arg(long, value_enum, default_value_t)]
    format: ListFormat,
}

/// What started runs; behind `schedule` and `topic` may be a name.
const CAUSES: [&str; 7] = ["cli", "file", "topic", "change", "start", "schedule", "backfill"];

fn cause(text: &str) -> Result<String, String> {
    let is_named =
        ["schedule ", "topic "].iter().any(|kind| text.strip_prefix(kind).is_some_and(|name| !name.is_empty()));
    if is_named || CAUSES.contains(&text) {
        return Ok(text.to_owned());
    }
    Err(format!("one of {}, or 'schedule NAME'", CAUSES.join(", ")))
}

/// Runs it.
pub fn run(args: RunsArgs, context: &Context) -> Outcome {
    let workspace = context.load_target()?.path;
    let store = Store::open(&workspace.join("state.db"))?;
    match args.command {
        Some(RunsCommand::Show(args)) => show(&args, &store, &workspace, context),
        None => list(&args.list, &store, &workspace, context),
    }
}

fn list(args: &ListArgs, store: &Store, workspace: &Path, context: &Context) -> Outcome {
    let status = args.status.as_deref().and_then(RunStatus::parse);
    let runs = millstream_runner::runs(store, workspace, &RunFilter { cause: args.cause.clone(), status }, args.limit)?;
    let now = context.clock.now();
    listing(&runs, args.format, now).print(args.format)?;
    if runs.is_empty() {
        let is_filtered = args.cause.is_some() || status.is_some();
        let text = if is_filtered { "no such run is known" } else { "no run is known" };
        context.talk.say("no-runs", text);
    }
    Ok(Exit::Success)
}

fn show(args: &ShowArgs, store: &Store, workspace: &Path, context: &Context) -> Outcome {
    let run = find(store, workspace, &args.id)?;
    let nodes = store.nodes(&run.invocation_id)?;
    let now = context.clock.now();
    if matches!(args.format, ListFormat::Json | ListFormat::Jsonl) {
        print_object(&json!({"run": run, "nodes": nodes}), args.format)?;
        return Ok(Exit::Success);
    }
    if args.format == ListFormat::Table {
        let facts = json!({"run": run});
        let took = took(&run, now).map(|took| format!(" in {}", seconds(took))).unwrap_or_default();
        let text = format!(
            "{} {} ({}, attempt {}): {}{took}\n{}",
            run.command,
            run.invocation_id,
            run.cause,
            run.attempt,
            run.status.name(),
            run.message.as_deref().unwrap_or("no message")
        );
        context.talk.say_with("run", &text, facts.as_object().cloned().unwrap_or_default());
    }
    node_listing(&nodes).print(args.format)?;
    Ok(Exit::Success)
}

/// Writes one object to standard output: over several lines, or on one line among others.
fn print_object(object: &Value, format: ListFormat) -> Result<(), Stop> {
    let text = if format == ListFormat::Json { format!("{object:#}") } else { object.to_string() };
    let mut sink = Sink::stdout();
    let written = writeln!(sink, "{text}");
    sink.finish(written.map_err(|error| Error::environment("the output cannot be written").why(error)))
}

/// The run that an id, or the beginning of one, means.
fn find(store: &Store, workspace: &Path, id: &str) -> Result<RunRecord> {
    let mut found = millstream_runner::runs_like(store, workspace, id)?;
    match (found.len(), id.is_empty()) {
        (_, true) => Err(Error::usage("the id is empty").hint("list them with: millstream runs")),
        (0, _) => {
            Err(Error::usage(format!("no run has an id that begins with '{id}'"))
                .hint("list them with: millstream runs"))
        }
        (1, _) => Ok(found.remove(0)),
        _ => Err(Error::usage(format!("the ids of several runs begin with '{id}'")).hint("write more of it")),
    }
}

fn listing(runs: &[RunRecord], format: ListFormat, now: DateTime<Utc>) -> Listing {
    let all = || runs.iter();
    let millis = |run: &RunRecord| i64::try_from(took(run, now)?.as_millis()).ok();
    let message = |run: &RunRecord| run.message.clone();
    if format == ListFormat::Table {
        return Listing::new()
            .text("id", all().map(|run| Some(run.invocation_id.chars().take(ID_SHOWN).collect::<String>())))
            .text("command", all().map(|run| Some(run.command.clone())))
            .text("cause", all().map(|run| Some(run.cause.to_string())))
            .number("attempt", all().map(|run| Some(i64::from(run.attempt))))
            .text("status", all().map(|run| Some(run.status.name())))
            .instant("started_at", all().map(|run| Some(run.started_at)))
            .text("took", all().map(|run| took(run, now).map(seconds)))
            .text("message", all().map(message));
    }
    Listing::new()
        .text("invocation_id", all().map(|run| Some(run.invocation_id.clone())))
        .text("command", all().map(|run| Some(run.command.clone())))
        .text("cause", all().map(|run| Some(run.cause.to_string())))
        .number("attempt", all().map(|run| Some(i64::from(run.attempt))))
        .text("status", all().map(|run| Some(run.status.name())))
        .instant("started_at", all().map(|run| Some(run.started_at)))
        .instant("finished_at", all().map(|run| run.finished_at))
        .number("duration_ms", all().map(millis))
        .number("pid", all().map(|run| Some(i64::from(run.pid))))
        .text("args", all().map(|run| Some(run.args.to_string())))
        .text("message", all().map(message))
}

/// How long a run took, or has taken until now. Nobody knows it of one whose process died.
fn took(run: &RunRecord, now: DateTime<Utc>) -> Option<Duration> {
    let end = match run.status {
        RunStatus::Running => Some(now),
        _ => run.finished_at,
    };
    (end? - run.started_at).to_std().ok()
}

fn node_listing(nodes: &[NodeRecord]) -> Listing {
    let all = || nodes.iter();
    let number = |value: u64| i64::try_from(value).ok();
    Listing::new()
        .text("node", all().map(|node| Some(node.unique_id.clone())))
        .text("status", all().map(|node| Some(node.status.clone())))
        .instant("started_at", all().map(|node| Some(node.started_at)))
        .text("took", all().map(|node| Some(seconds(Duration::from_micros(node.duration_us)))))
        .number("rows", all().map(|node| node.rows.and_then(number)))
        .number("failures", all().map(|node| node.failures.and_then(number)))
        .text("relation", all().map(|node| node.relation.clone()))
        .number("version", all().map(|node| node.version.and_then(number)))
        .text("message", all().map(|node| node.message.clone()))
}
