//! `verify`: every model is recomputed from raw and compared with what is stored.
//!
//! Guarantees: the whole chain above a model is recomputed, not read from stored parents; what is recomputed is never
//! visible, and is removed at the end; a process that is killed leaves files that no version names, which the next
//! command that writes removes. Rows are compared as bags: order is no matter, duplicates count, null equals null,
//! floats that differ in the last digits count as equal and are told. No lock keeps ingestion or builds out: every
//! table is read in the version that it had at the beginning.
//!
//! What cannot be recomputed (seeds, snapshots, what Jinja or Python builds) is taken as it is stored, and told. A
//! model that differs and calls `random()`, `now()` and the like is not comparable, which is no failure.
//!
//! Deliberately absent: repairing. A build does that.

mod close;
mod compare;
mod cut;
mod fingerprint;
mod recompute;
mod role;
#[cfg(test)]
mod tests;
mod verification;

use std::collections::BTreeSet;

use millstream_core::Result;
use millstream_store::{Cause, RunRecord, RunStatus};

use crate::lock::{FILES_LOCK, WorkspaceLock};
use crate::{Cancel, Runner};
pub use compare::{DifferentRow, FoundIn};
use verification::Verification;

/// Differing rows of a model that are shown, of each side, unless told otherwise.
pub const VERIFY_ROWS_SHOWN_DEFAULT: usize = 20;

/// The command's name in the history of runs.
const COMMAND: &str = "verify";

/// What is verified.
#[derive(Debug, Clone)]
pub struct VerifyRequest {
    /// Unique ids; those that are no models are passed over.
    pub selected: BTreeSet<String>,
    /// Differing rows of a model that are told, of each side.
    pub limit: usize,
    /// The command's arguments, for the history of runs.
    pub args: serde_json::Map<String, serde_json::Value>,
    /// Ends the work.
    pub cancel: Cancel,
}

/// What became of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VerifyStatus {
    /// What is stored is what a build from raw gives.
    Equal,
    /// It is not.
    Different,
    /// It differs, and would the next time too: its query asks for the time or for chance.
    NotComparable,
    /// Nothing was compared: the model is a view, or cannot be recomputed.
    Passed,
    /// There is no table.
    NotBuilt,
    /// It could not be recomputed.
    Failed,
    /// It was not looked at, because the work was ended.
    Skipped,
}

impl VerifyStatus {
    /// The word for listings.
    pub fn name(self) -> &'static str {
        match self {
            Self::Equal => "equal",
            Self::Different => "different",
            Self::NotComparable => "not comparable",
            Self::Passed => "not compared",
            Self::NotBuilt => "not built",
            Self::Failed => "error",
            Self::Skipped => "skipped",
        }
    }

    /// Whether the verification has failed.
    pub fn is_failure(self) -> bool {
        matches!(self, Self::Different | Self::NotBuilt | Self::Failed)
    }
}

/// One model's result.
#[derive(Debug, Clone)]
pub struct Verified {
    /// The model.
    pub unique_id: String,
    /// Its table.
    pub table: String,
    /// What became of it.
    pub status: VerifyStatus,
    /// Rows that are stored.
    pub rows_stored: Option<u64>,
    /// Rows that a build from raw gives.
    pub rows_recomputed: Option<u64>,
    /// Rows that should be there and are not.
    pub missing: u64,
    /// Rows that are there and should not be.
    pub extra: u64,
    /// Names of the columns of `rows`.
    pub columns: Vec<String>,
    /// Some of the rows that differ.
    pub rows: Vec<DifferentRow>,
    /// What else is to be said.
    pub note: Option<String>,
    /// Seconds that it took, without what its inputs took.
    pub elapsed_s: f64,
}

/// The results of all models, by name.
#[derive(Debug, Clone)]
pub struct VerifySummary {
    /// One for each model.
    pub models: Vec<Verified>,
    /// Whether the work was ended before its time.
    pub cancelled: bool,
}

impl VerifySummary {
    /// Whether every model that could be compared is equal.
    pub fn is_success(&self) -> bool {
        !self.cancelled && !self.models.iter().any(|model| model.status.is_failure())
    }
}

impl Runner {
    /// Recomputes the selected models and compares them with what is stored. Nothing in the warehouse changes.
    ///
    /// # Errors
    /// The workspace cannot be read, or the run cannot be recorded. What is wrong with a model is in the summary.
    pub async fn verify(&self, request: &VerifyRequest) -> Result<VerifySummary> {
        // Before the run is recorded: whoever has the lock alone knows that a recorded run has died.
        let lock = WorkspaceLock::share(&self.workspace, FILES_LOCK, &request.cancel).await?;
        let invocation_id = self.ids.invocation_id();
        self.store.start_run(&RunRecord {
            invocation_id: invocation_id.clone(),
            command: COMMAND.into(),
            args: request.args.clone().into(),
            started_at: self.clock.now(),
            finished_at: None,
            status: RunStatus::Running,
            pid: std::process::id(),
            message: None,
            cause: Cause::Cli,
            attempt: 1,
        })?;
        let done = match Verification::new(self, request).await {
            Ok(verification) => verification.run().await,
            Err(error) => Err(error),
        };
        self.progress.finish();
        let (status, message) = match &done {
            Ok(summary) if summary.cancelled => (RunStatus::Cancelled, "stopped".to_owned()),
            Ok(summary) => {
                let failed = summary.models.iter().filter(|model| model.status.is_failure()).count();
                let status = if failed == 0 { RunStatus::Success } else { RunStatus::Failed };
                (status, format!("{} models, {failed} not as they should be", summary.models.len()))
            }
            Err(error) => (RunStatus::Failed, error.what().to_owned()),
        };
        self.store.finish_run(&invocation_id, status, self.clock.now(), Some(&message))?;
        drop(lock);
        done
    }
}
