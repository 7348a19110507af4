//! `backfill`: builds intervals of time again, one run each.
//!
//! Only models that can build a part of themselves are built: microbatch models build the batches of the interval;
//! other incremental models read the interval's rows of whatever has an `event_time`, and put them in the place of
//! those with the same key (or partition). The interval takes the place of what such a model would choose itself under
//! `is_incremental()`, which is false. What is downstream is not built: dynamic tables follow by themselves, other
//! models with the next build.
//!
//! Guarantees: an interval is published by the same tests as any build; between two intervals others may build; rows
//! of other intervals stay as they are ([`obstacle`]); what an earlier backfill has completed is known from the
//! history, so that one that was stopped goes on where it ended; an interval that had not ended when it was built is
//! not completed.

mod obstacle;

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::{DateTime, Utc};
use millstream_core::{Diagnostic, Diagnostics, Error, Result};
use millstream_project::{Node, Reading, Window};
use millstream_store::{Cause, RunRecord, RunStatus};
use serde_json::{Map, Value, json};

use crate::live::gates;
use crate::materialize::microbatch::batches::{Size, instant};
use crate::{Cancel, Request, Runner, Summary, Verb};

/// Intervals of one backfill: a hundred years of months.
pub const INTERVALS_MAX: usize = 1_200;

/// Key in a run's arguments under which its interval is.
const KEY: &str = "backfill";

/// How long an interval is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum IntervalSize {
    /// A day.
    Day,
    /// A month.
    #[default]
    Month,
}

impl IntervalSize {
    fn size(self) -> Size {
        match self {
            Self::Day => Size::Day,
            Self::Month => Size::Month,
        }
    }

    /// How an interval is called: `2025-06` or `2025-06-30`.
    pub fn label(self, start: DateTime<Utc>) -> String {
        start.format(if self == Self::Month { "%Y-%m" } else { "%Y-%m-%d" }).to_string()
    }

    /// The intervals from one to another, both among them, each as [`IntervalSize::label`] has it; a month stands for
    /// all of its days.
    ///
    /// # Errors
    /// A text is none of these, or a day where months are asked for; the last comes before the first; there are more
    /// than [`INTERVALS_MAX`].
    pub fn intervals(self, from: &str, to: &str) -> Result<Vec<Window>> {
        let (first, end) = (self.read(from)?.start, self.read(to)?.end);
        if first >= end {
            return Err(Error::usage(format!("{to} comes before {from}")).hint("--from is the first, --to the last"));
        }
        let mut intervals = Vec::new();
        let mut start = first;
        while start < end {
            if intervals.len() == INTERVALS_MAX {
                return Err(Error::usage(format!("a backfill has at most {INTERVALS_MAX} intervals"))
                    .hint("do it in parts, or by month"));
            }
            let next = self.size().after(start)?;
            intervals.push(Window { start, end: next });
            start = next;
        }
        Ok(intervals)
    }

    /// The time that a text means.
    fn read(self, text: &str) -> Result<Window> {
        let is_month = text.len() == "2025-06".len();
        let start = instant(&if is_month { format!("{text}-01") } else { text.to_owned() });
        let is_day = text.len() == "2025-06-30".len();
        match start {
            Some(start) if is_month => Ok(Window { start, end: Size::Month.after(start)? }),
            Some(start) if is_day && self == Self::Day => Ok(Window { start, end: Size::Day.after(start)? }),
            Some(_) if is_day => {
                Err(Error::usage(format!("'{text}' is a day, and months are built"))
                    .hint("write 2025-06, or add --by day"))
            }
            _ => {
                Err(Error::usage(format!("'{text}' is no month or day"))
                    .hint("write 2025-06, or with --by day 2025-06-30"))
            }
        }
    }
}

/// One interval of a backfill.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interval {
    /// Its time.
    pub window: Window,
    /// Models that are to be built, by unique id; none when an earlier backfill has built them all.
    pub models: BTreeSet<String>,
}

/// How the intervals are built.
#[derive(Debug, Clone, Default)]
pub struct BackfillRequest {
    /// Unique ids of the selected nodes; only incremental models among them are built.
    pub selected: BTreeSet<String>,
    /// Build intervals again that an earlier backfill has completed.
    pub again: bool,
    /// The command's arguments as given, for the history.
    pub args: Map<String, Value>,
    /// How long to wait for another process that builds, for each interval.
    pub lock_wait: Duration,
    /// Ends the work early.
    pub cancel: Cancel,
}

impl Runner {
    /// What there is to do in each interval.
    ///
    /// # Errors
    /// No incremental model is selected, or one cannot be built in parts (all of these are told at once); the history or
    /// the warehouse cannot be read.
    pub async fn backfill_plan(&self, request: &BackfillRequest, intervals: &[Window]) -> Result<Vec<Interval>> {
        let models = self.backfilled(&request.selected, intervals).await?;
        let earlier = if request.again { Vec::new() } else { self.store.runs_because(&Cause::Backfill)? };
        let plan = intervals.iter().map(|window| {
            let done = completed(&earlier, *window);
            Interval { window: *window, models: models.difference(&done).cloned().collect() }
        });
        Ok(plan.collect())
    }

    /// Builds one interval. Failures of nodes are in the summary.
    ///
    /// # Errors
    /// As of [`Runner::execute`].
    pub async fn backfill(&self, request: &BackfillRequest, interval: &Interval, attempt: u32) -> Result<Summary> {
        let manifest = &self.project.manifest;
        let (window, models) = (interval.window, &interval.models);
        let mut selected = models.clone();
        selected.extend(models.iter().flat_map(|id| gates(manifest, id)).map(|test| test.unique_id.clone()));
        // A microbatch model knows its batches; a window on top would only keep their tests from seeing the rest.
        let reads_window = models.iter().filter_map(|id| manifest.nodes.get(id)).any(|node| !node.is_microbatch());
        let mut args = request.args.clone();
        args.insert(KEY.into(), described(window, models));
        let asked = Request {
            reading: Reading {
                window: reads_window.then_some(window),
                is_interval: reads_window,
                ..Reading::default()
            },
            event_time_start: Some(window.start),
            event_time_end: Some(window.end),
            threads: self.project.target.threads.max(1),
            args,
            cause: Cause::Backfill,
            attempt,
            lock_wait: request.lock_wait,
            cancel: request.cancel.clone(),
            ..Request::new(Verb::Build, selected)
        };
        self.execute(&asked).await
    }

    /// Which attempt at an interval comes next, by the history.
    ///
    /// # Errors
    /// The history cannot be read.
    pub fn backfill_attempt(&self, interval: &Interval) -> Result<u32> {
        let wanted = described(interval.window, &interval.models);
        let earlier = self.store.runs_because(&Cause::Backfill)?;
        let attempts = earlier.iter().filter(|run| run.args.get(KEY) == Some(&wanted)).count();
        Ok(u32::try_from(attempts).unwrap_or(u32::MAX).saturating_add(1))
    }

    /// The selected models that can be built in parts.
    async fn backfilled(&self, selected: &BTreeSet<String>, intervals: &[Window]) -> Result<BTreeSet<String>> {
        let nodes = selected.iter().filter_map(|id| self.project.manifest.nodes.get(id));
        let incremental: Vec<&Node> =
            nodes.filter(|node| node.is_relational() && node.config.materialized == "incremental").collect();
        if incremental.is_empty() {
            return Err(Error::usage("no incremental model is selected, and only these can be built in parts")
                .hint("select incremental models; tables and views are built whole by millstream build"));
        }
        let mut problems = Diagnostics::new();
        for node in &incremental {
            if let Some(found) = self.obstacle(node, intervals).await? {
                let message = format!("{} {}", node.name, found.what);
                problems.push(Diagnostic::error("backfill", message).at(node.place.clone()).hint(found.hint));
            }
        }
        problems.into_result("not every selected model can be built in parts")?;
        Ok(incremental.into_iter().map(|node| node.unique_id.clone()).collect())
    }
}

/// An interval as a run's arguments have it.
fn described(window: Window, models: &BTreeSet<String>) -> Value {
    json!({"from": window.start.to_rfc3339(), "to": window.end.to_rfc3339(), "models": models})
}

/// Models that earlier backfills have built for a window, after it had ended: before, rows of it were still to come.
fn completed(earlier: &[RunRecord], window: Window) -> BTreeSet<String> {
    let wanted = described(window, &BTreeSet::new());
    let is_same = |told: &&Value| told.get("from") == wanted.get("from") && told.get("to") == wanted.get("to");
    let is_done = |run: &&RunRecord| run.status == RunStatus::Success && run.started_at >= window.end;
    let done = earlier.iter().filter(is_done).filter_map(|run| run.args.get(KEY));
    let models = done.filter(is_same).filter_map(|told| told.get("models")?.as_array());
    models.flatten().filter_map(|id| id.as_str().map(str::to_owned)).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn labels(size: IntervalSize, from: &str, to: &str) -> Vec<String> {
        size.intervals(from, to).unwrap().iter().map(|window| size.label(window.start)).collect()
    }

    #[test]
    fn months_and_days_are_taken_whole() {
        use IntervalSize::{Day, Month};
        assert_eq!(labels(Month, "2025-11", "2026-01"), ["2025-11", "2025-12", "2026-01"]);
        assert_eq!(labels(Month, "2025-06", "2025-06"), ["2025-06"]);
        assert_eq!(labels(Day, "2024-02-28", "2024-03-01"), ["2024-02-28", "2024-02-29", "2024-03-01"]);
        assert_eq!(labels(Day, "2025-06", "2025-06").len(), 30);
        assert_eq!(labels(Day, "2025-06-30", "2025-07").len(), 32);
        for (size, from, to) in [
            (Month, "2025-07", "2025-06"),
            (Month, "2025-06-01", "2025-07"),
            (Day, "June", "2025-07"),
            (Day, "2025-13", "2026-01"),
        ] {
            assert!(size.intervals(from, to).is_err(), "{from} {to}");
        }
    }

    #[test]
    fn there_is_a_limit() {
        let month = IntervalSize::Month;
        assert_eq!(month.intervals("1901-01", "2000-12").unwrap().len(), INTERVALS_MAX);
        let error = month.intervals("1901-01", "2001-01").unwrap_err();
        assert!(error.to_string().contains("at most 1200 intervals"), "{error}");
    }
}
