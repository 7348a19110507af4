//! What `up` tells while it works. The binary turns these into lines.

use std::time::Duration;

use chrono::{DateTime, Utc};
use millstream_core::Error;

use super::refresh::Refreshed;
use crate::IngestSummary;

/// Told what happens. Calls come from several threads.
pub trait LiveEvents: Send + Sync {
    /// Something happened.
    fn on(&self, event: &LiveEvent<'_>);
}

/// One thing that happened.
#[derive(Debug, Clone)]
pub enum LiveEvent<'a> {
    /// Work begins.
    Started {
        /// Sources that are watched, as `source_name.table`.
        sources: Vec<String>,
        /// Models that are kept fresh.
        models: Vec<String>,
        /// Schedules.
        schedules: Vec<String>,
    },
    /// A source can be read, for the first time or again.
    SourceUp {
        /// `source_name.table`.
        source: &'a str,
    },
    /// A source cannot be read.
    SourceDown {
        /// `source_name.table`.
        source: &'a str,
        /// Why.
        error: &'a Error,
        /// When it is tried again.
        retry_in: Duration,
    },
    /// Files were offered.
    Ingested {
        /// What came of them.
        summary: &'a IngestSummary,
    },
    /// What a source has loaded since this was told last. Told now and then, when there is something.
    Loaded {
        /// `source_name.table`.
        source: &'a str,
        /// Rows loaded.
        rows: u64,
        /// Rows put into quarantine.
        quarantined: u64,
        /// Messages that wait at the broker.
        lag: u64,
        /// Time that this was counted over.
        over: Duration,
    },
    /// Somebody has dropped the table of a file source: all of its files are loaded again.
    Dropped {
        /// The source's name.
        source: &'a str,
    },
    /// A file does not end as a whole one does: it is loaded when it does, or when it was left alone for so long.
    Unfinished {
        /// The source's name.
        source: &'a str,
        /// The file, as the ledger has it.
        unit: &'a str,
        /// How long it must have been left alone.
        left_alone: Duration,
    },
    /// Models were refreshed. Successes are told now and then, all of them together.
    Refreshed {
        /// Refreshes.
        times: u64,
        /// Models that were refreshed, each time counted.
        models: u64,
        /// The longest of them.
        slowest: Duration,
        /// Time that this was counted over.
        over: Duration,
    },
    /// A model was not refreshed; it keeps its last good version.
    Held {
        /// What became of it.
        model: &'a Refreshed,
        /// When it is tried again.
        retry_in: Duration,
    },
    /// A refresh could not be carried out at all.
    RefreshFailed {
        /// Why.
        error: &'a Error,
    },
    /// The first refresh is behind us: everything is as fresh as its sources, but for what is held back.
    Fresh {
        /// How long it took from the start.
        elapsed: Duration,
        /// Models that are held back, because they or what they need could not be built.
        held: usize,
    },
    /// A scheduled run begins.
    ScheduleStarted {
        /// The schedule.
        schedule: &'a str,
        /// The time it was due, UTC.
        due: DateTime<Utc>,
        /// Which attempt, from 1.
        attempt: u32,
    },
    /// A scheduled run has ended.
    ScheduleEnded {
        /// The schedule.
        schedule: &'a str,
        /// The time it was due, UTC.
        due: DateTime<Utc>,
        /// Which attempt, from 1.
        attempt: u32,
        /// One line about the end; an error when it failed.
        result: Result<&'a str, &'a str>,
        /// Its run in the history, when it left one.
        invocation_id: Option<&'a str>,
        /// When it is tried again, if it is.
        retry_at: Option<DateTime<Utc>>,
    },
    /// Times of a schedule were missed and are not caught up.
    ScheduleSkipped {
        /// The schedule.
        schedule: &'a str,
        /// How many.
        times: usize,
    },
    /// A message of a model or of the runner.
    Note {
        /// One or more lines.
        message: &'a str,
    },
    /// Asked to end: what was read is committed, and work that goes on is waited for.
    Draining {
        /// How long at most.
        at_most: Duration,
    },
}
