//! `millstream schedules`.

use std::path::Path;

use clap::{Args, Subcommand};
use millstream_core::{Error, Result};
use millstream_runner::live::{CatchUp, SCHEDULES_FILE, Schedule, Schedules};
use millstream_store::{ScheduleState, Store, Tick, TickState};

use crate::context::Context;
use crate::output::{ListFormat, Listing};
use crate::stop::{Exit, Outcome};

const EXAMPLES: &str = "\
Examples:
  millstream schedules
  millstream schedules pause nightly
  millstream schedules resume nightly";

/// List what schedules.yml runs: the next time, the last run, whether it is paused
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, args_conflicts_with_subcommands = true)]
pub struct SchedulesArgs {
    #[command(subcommand)]
    command: Option<SchedulesCommand>,
    /// Format of the listing
    #[arg(long, value_enum, default_value_t)]
    format: ListFormat,
}

#[derive(Debug, Subcommand)]
enum SchedulesCommand {
    /// Let a schedule's times pass without running them
    Pause(Named),
    /// Let a schedule run again
    Resume(Named),
}

#[derive(Debug, Args)]
struct Named {
    /// The schedule's name
    #[arg(value_name = "NAME")]
    name: String,
}

/// Runs it.
pub fn run(args: SchedulesArgs, context: &Context) -> Outcome {
    let folder = context.project_dir()?;
    let schedules = Schedules::read(&folder)?;
    let store = Store::open(&context.load_target()?.path.join("state.db"))?;
    match args.command {
        Some(SchedulesCommand::Pause(named)) => pause(&named.name, true, &schedules, &store, context),
        Some(SchedulesCommand::Resume(named)) => pause(&named.name, false, &schedules, &store, context),
        None => list(args.format, &schedules, &store, context, &folder),
    }
}

fn pause(name: &str, paused: bool, schedules: &Schedules, store: &Store, context: &Context) -> Outcome {
    if schedules.get(name).is_none() {
        let known: Vec<&str> = schedules.all.iter().map(|schedule| schedule.name.as_str()).collect();
        let hint =
            if known.is_empty() { "there are none".to_owned() } else { format!("there are: {}", known.join(", ")) };
        return Err(Error::usage(format!("{SCHEDULES_FILE} has no schedule '{name}'")).hint(hint).into());
    }
    store.pause_schedule(name, paused)?;
    let (event, what) = if paused { ("paused", "is paused") } else { ("resumed", "runs again") };
    context.talk.say(event, &format!("schedule {name} {what}"));
    Ok(Exit::Success)
}

/// A schedule and what is known of it.
struct Line<'a> {
    schedule: &'a Schedule,
    paused: bool,
    last: Option<Tick>,
    waiting: i64,
}

fn list(format: ListFormat, schedules: &Schedules, store: &Store, context: &Context, folder: &Path) -> Outcome {
    let states = store.schedules()?;
    let lines = schedules.all.iter().map(|schedule| line(schedule, &states, store)).collect::<Result<Vec<_>>>()?;
    let now = context.clock.now();
    let all = || lines.iter();
    Listing::new()
        .text("schedule", all().map(|line| Some(line.schedule.name.clone())))
        .text("cron", all().map(|line| Some(line.schedule.cron.clone())))
        .text("timezone", all().map(|line| Some(line.schedule.zone.name())))
        .text("command", all().map(|line| Some(line.schedule.command.name())))
        .text("catch_up", all().map(|line| Some(catch_up(line.schedule.catch_up))))
        .text("paused", all().map(|line| Some(if line.paused { "yes" } else { "no" })))
        .instant("next", all().map(|line| line.schedule.next(now).filter(|_| !line.paused)))
        .instant("last", all().map(|line| line.last.as_ref().map(|tick| tick.due)))
        .text("last_status", all().map(|line| line.last.as_ref().map(|tick| tick.state.name())))
        .number("attempts", all().map(|line| line.last.as_ref().map(|tick| i64::from(tick.attempts))))
        .number("waiting", all().map(|line| Some(line.waiting)))
        .text("last_run", all().map(|line| line.last.as_ref().and_then(|tick| tick.invocation_id.clone())))
        .print(format)?;
    if lines.is_empty() {
        let text = format!("no schedule is declared: write {}", folder.join(SCHEDULES_FILE).display());
        context.talk.say("no-schedules", &text);
    }
    Ok(Exit::Success)
}

fn line<'a>(schedule: &'a Schedule, states: &[ScheduleState], store: &Store) -> Result<Line<'a>> {
    let said = states.iter().find(|state| state.name == schedule.name).and_then(|state| state.paused);
    let ticks = store.ticks(&schedule.name, usize::MAX)?;
    let waiting = ticks.iter().filter(|tick| tick.state == TickState::Waiting).count();
    // What was begun tells more than what was passed over.
    let begun = ticks.iter().position(|tick| tick.attempts > 0).unwrap_or(0);
    Ok(Line {
        schedule,
        paused: said.unwrap_or(schedule.paused),
        last: ticks.into_iter().nth(begun),
        waiting: i64::try_from(waiting).unwrap_or(i64::MAX),
    })
}

fn catch_up(catch_up: CatchUp) -> &'static str {
    match catch_up {
        CatchUp::All => "all",
        CatchUp::Last => "last",
        CatchUp::None => "none",
    }
}
