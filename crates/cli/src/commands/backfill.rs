//! `millstream backfill`.

use std::sync::Arc;
use std::time::Duration;

use clap::{Args, ValueEnum};
use millstream_runner::{BackfillRequest, Cancel, Interval, IntervalSize, Summary, Verb};

use crate::context::Context;
use crate::options::{SelectionOptions, value};
use crate::stop::{Exit, Outcome};
use crate::talk::{NodeLines, Talk, plural, tell_summary};

const EXAMPLES: &str = "\
Examples:
  millstream backfill --from 2025-06 --to 2025-08
  millstream backfill --from 2025-06-28 --to 2025-07-02 --by day --select fct_events
  millstream backfill --from 2025-06 --to 2025-06 --again";

/// How long an interval is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum By {
    /// A day.
    Day,
    /// A month.
    #[default]
    Month,
}

/// Build past intervals of incremental models again, one run each, beside whatever goes on
///
/// Each interval is staged, tested and published as by build. In the text of a model that is not microbatch,
/// is_incremental() is false: the interval stands for what it chooses. Intervals that an earlier backfill has completed
/// are passed over, so that a backfill that failed or was stopped goes on where it ended.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct BackfillArgs {
    #[command(flatten)]
    selection: SelectionOptions,
    /// The first interval: 2025-06, or 2025-06-30 by day
    #[arg(long, value_name = "TIME", help_heading = "Options")]
    from: String,
    /// The last interval, which is built too
    #[arg(long, value_name = "TIME", help_heading = "Options")]
    to: String,
    /// How long an interval is
    #[arg(long, value_enum, default_value_t, help_heading = "Options")]
    by: By,
    /// Build intervals again that are done
    #[arg(long, help_heading = "Options")]
    again: bool,
    /// Go on with the next interval when one fails
    #[arg(long, help_heading = "Options")]
    keep_going: bool,
    /// How long to wait for another command that holds the workspace, for each interval
    #[arg(long, value_name = "TIME", default_value = "10m", value_parser = value::duration, help_heading = "Options")]
    wait: Duration,
}

/// Runs it.
pub async fn run(args: BackfillArgs, context: &Context) -> Outcome {
    let size = match args.by {
        By::Day => IntervalSize::Day,
        By::Month => IntervalSize::Month,
    };
    let windows = size.intervals(&args.from, &args.to)?;
    let project = Arc::new(context.load_project()?);
    let selected = project.select(&args.selection.selection(&project)?)?;
    for warning in &selected.warnings {
        context.talk.warn("selection", warning);
    }
    let cancel = Cancel::default();
    context.cancel_on_interrupt(cancel.clone());
    let request = BackfillRequest {
        selected: selected.ids.into_iter().collect(),
        again: args.again,
        args: context.arguments("backfill", vec![("from", args.from.clone().into()), ("to", args.to.clone().into())]),
        lock_wait: args.wait,
        cancel,
    };
    let lines = Arc::new(NodeLines::new(context.talk.clone(), context.clock.clone()));
    let workspace = context.open_workspace(&project.target)?;
    let runner = context.runner(project.clone(), &workspace, lines.clone());
    let plan = runner.backfill_plan(&request, &windows).await?;
    let mut counts = Counts::default();
    for interval in &plan {
        let label = size.label(interval.window.start);
        if interval.models.is_empty() {
            counts.done_before += 1;
            context.talk.say("interval-done", &format!("{label}: done before (--again builds it again)"));
            continue;
        }
        context.talk.say("interval", &told(&label, interval));
        let attempt = runner.backfill_attempt(interval)?;
        let summary = runner.backfill(&request, interval, attempt).await?;
        tell_summary(&context.talk, &project, Verb::Build, &summary);
        if let Some(exit) = counts.add(&summary, args.keep_going) {
            lines.end();
            counts.tell(&context.talk, plan.len());
            return exit;
        }
    }
    lines.end();
    counts.tell(&context.talk, plan.len());
    Ok(if counts.failed == 0 { Exit::Success } else { Exit::Failed })
}

fn told(label: &str, interval: &Interval) -> String {
    let names: Vec<&str> = interval.models.iter().filter_map(|id| id.rsplit('.').next()).collect();
    format!("{label}: {}", names.join(", "))
}

/// Intervals by how they ended.
#[derive(Default)]
struct Counts {
    built: u64,
    done_before: u64,
    failed: u64,
}

impl Counts {
    /// Counts an interval; how the command ends, if it ends here.
    fn add(&mut self, summary: &Summary, keep_going: bool) -> Option<Outcome> {
        if summary.is_success() {
            self.built += 1;
            return None;
        }
        if summary.cancelled {
            return Some(Ok(Exit::Interrupted));
        }
        self.failed += 1;
        (!keep_going).then_some(Ok(Exit::Failed))
    }

    fn tell(&self, talk: &Talk, all: usize) {
        let left = (all as u64).saturating_sub(self.built + self.done_before + self.failed);
        let mut text = format!(
            "{}: {} built, {} done before, {} failed",
            plural(all as u64, "interval"),
            self.built,
            self.done_before,
            self.failed
        );
        if left > 0 {
            text.push_str(&format!(", {left} not begun; the same command goes on from there"));
        }
        talk.say("backfilled", &text);
    }
}
