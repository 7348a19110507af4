//! What a run leaves in the store and for how long, and which lock it takes.

use chrono::{DateTime, Utc};
use millstream_core::Result;
use millstream_store::{NodeRecord, RunStatus};

use crate::{Cancel, NodeResult, Request, Runner, Summary, Verb};

/// Runs of each kind of cause that the history keeps, refreshes apart, of which there are many more
/// (`live::REFRESH_RUNS_KEPT`). A run an hour is there for more than a year.
pub const RUNS_KEPT: usize = 10_000;

/// Kinds of causes of which [`RUNS_KEPT`] are kept.
const KEPT_KINDS: [&str; 5] = ["cli", "schedule", "file", "topic", "backfill"];

/// Runs that are forgotten at a time: nobody else reads or writes the history meanwhile.
const FORGOTTEN_AT_ONCE: usize = 500;

/// Who may not run at the same time.
///
/// Ingestion writes raw tables only, by commits of its own, and may follow a topic for days: it excludes other
/// ingestions into the same tables and not builds. Compilation writes nothing that others read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    Build,
    Read,
}

/// Commands that write files which nobody reads, and take no lock that keeps others out.
pub(crate) const WITHOUT_LOCK: &[&str] = &["verify"];

/// The commands that one build excludes: whoever holds its lock knows that none of them runs.
pub(crate) const BUILD_COMMANDS: [&str; 7] = ["build", "run", "test", "seed", "snapshot", "clone", "run-operation"];

/// The same of ingestions, for whoever has their lock alone.
pub(crate) const INGEST_COMMANDS: [&str; 1] = ["ingest"];

impl Scope {
    pub(crate) fn of(request: &Request) -> Self {
        match request.verb {
            Verb::Compile => Self::Read,
            _ => Self::Build,
        }
    }
}

impl Runner {
    /// Forgets old runs with what their nodes did. How many.
    ///
    /// # Errors
    /// The history cannot be written.
    pub(crate) fn forget_runs(&self, cancel: &Cancel) -> Result<usize> {
        let mut all = 0;
        for kind in KEPT_KINDS {
            loop {
                let forgotten = self.store.prune_kind(kind, RUNS_KEPT, FORGOTTEN_AT_ONCE)?;
                all += forgotten;
                if forgotten < FORGOTTEN_AT_ONCE || cancel.is_cancelled() {
                    break;
                }
            }
        }
        Ok(all)
    }
}

/// Results as the store keeps them.
pub(crate) fn records(results: &[NodeResult], run_started_at: DateTime<Utc>) -> Vec<NodeRecord> {
    results
        .iter()
        .map(|result| {
            let duration_us = (result.execution_time_s * 1e6) as u64;
            NodeRecord {
                unique_id: result.unique_id.clone(),
                status: result.status.name().to_owned(),
                started_at: result.timing.first().map_or(run_started_at, |part| part.started_at),
                duration_us,
                rows: result.rows,
                failures: result.failures,
                relation: result.relation.clone(),
                version: result.version,
                message: result.message.clone(),
            }
        })
        .collect()
}

/// How a run ended, and one line about it.
pub(crate) fn ending(done: &Result<Summary>) -> (RunStatus, String) {
    match done {
        Ok(summary) if summary.cancelled => (RunStatus::Cancelled, summary.last_line()),
        Ok(summary) if summary.is_success() => (RunStatus::Success, summary.last_line()),
        Ok(summary) => (RunStatus::Failed, summary.last_line()),
        Err(error) => (RunStatus::Failed, error.what().to_owned()),
    }
}
