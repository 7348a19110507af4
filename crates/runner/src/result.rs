//! What came of a run: one [`NodeResult`] for each node, counted in a [`Summary`].

use chrono::{DateTime, Utc};
use millstream_project::Window;
use serde::Serialize;
use serde::ser::SerializeMap;

/// How a node ended, in dbt's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// A model, seed or snapshot was written, or a node was compiled.
    Success,
    /// A test found nothing.
    Pass,
    /// A test found something, below its threshold for an error.
    Warn,
    /// A test found too much.
    Fail,
    /// The node could not be carried out.
    Error,
    /// Some batches of a microbatch model were built and others not.
    #[serde(rename = "partial success")]
    PartialSuccess,
    /// Not carried out, because something before it failed or the run was cancelled.
    Skipped,
}

impl Status {
    /// dbt's word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Pass => "pass",
            Self::Warn => "warn",
            Self::Fail => "fail",
            Self::Error => "error",
            Self::PartialSuccess => "partial success",
            Self::Skipped => "skipped",
        }
    }
    /// Whether the run fails for it.
    pub fn is_failure(self) -> bool {
        matches!(self, Self::Fail | Self::Error | Self::PartialSuccess)
    }
}

/// Start and end of one part of a node's work.
#[derive(Debug, Clone, Serialize)]
pub struct Timing {
    /// `compile` or `execute`.
    pub name: &'static str,
    /// UTC.
    pub started_at: DateTime<Utc>,
    /// UTC.
    pub completed_at: DateTime<Utc>,
}

/// The batches of a microbatch model.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BatchResults {
    /// Batches that were built.
    pub successful: Vec<Window>,
    /// Batches that were not.
    pub failed: Vec<Window>,
}

impl Serialize for BatchResults {
    /// As dbt writes them: pairs of start and end.
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let pairs = |windows: &[Window]| -> Vec<[DateTime<Utc>; 2]> {
            windows.iter().map(|window| [window.start, window.end]).collect()
        };
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("successful", &pairs(&self.successful))?;
        map.serialize_entry("failed", &pairs(&self.failed))?;
        map.end()
    }
}

/// What one node did.
#[derive(Debug, Clone, Serialize)]
pub struct NodeResult {
    /// dbt's unique id.
    pub unique_id: String,
    /// `model`, `test`, `seed`, `snapshot`, `analysis`, `operation`.
    pub resource_type: String,
    /// The node's name.
    pub name: String,
    /// How it ended.
    pub status: Status,
    /// What happened, in a line or more. Of an error: what, where, why, how to fix.
    pub message: Option<String>,
    /// Rows written; none for views and tests.
    pub rows: Option<u64>,
    /// Rows that a test counts as failures.
    pub failures: Option<u64>,
    /// `schema.name` of the relation that was written (of a test with stored failures: where they are).
    pub relation: Option<String>,
    /// Version of the relation that this run published.
    pub version: Option<u64>,
    /// The file of the node, from the project folder.
    pub path: String,
    /// Where the compiled SQL is, from the project folder.
    pub compiled_path: Option<String>,
    /// The compiled SQL.
    pub compiled_code: Option<String>,
    /// Batches, of a microbatch model.
    pub batches: Option<BatchResults>,
    /// Whether memory was short: it failed for that, or was done a second time in a way that needs less.
    #[serde(skip)]
    pub short_of_memory: bool,
    /// Parts of the work.
    pub timing: Vec<Timing>,
    /// Seconds from start to end.
    pub execution_time_s: f64,
    /// Name of the worker, `Thread-1 (worker)`.
    pub thread_id: String,
}

/// What a whole run did.
#[derive(Debug, Clone, Serialize)]
pub struct Summary {
    /// Id of the run, a UUID.
    pub invocation_id: String,
    /// Every node's result, in the order in which they ended.
    pub results: Vec<NodeResult>,
    /// Seconds from start to end.
    pub elapsed_s: f64,
    /// Whether it was cancelled.
    pub cancelled: bool,
}

impl Summary {
    /// How many nodes ended so.
    pub fn count(&self, status: Status) -> usize {
        self.results.iter().filter(|result| result.status == status).count()
    }
    /// Nodes that did what they should: `success` and `pass`.
    pub fn passed(&self) -> usize {
        self.count(Status::Success) + self.count(Status::Pass)
    }
    /// Tests that warn.
    pub fn warned(&self) -> usize {
        self.count(Status::Warn)
    }
    /// Tests that fail and nodes that could not be carried out.
    pub fn failed(&self) -> usize {
        self.count(Status::Fail) + self.count(Status::Error) + self.count(Status::PartialSuccess)
    }
    /// Nodes that were skipped.
    pub fn skipped(&self) -> usize {
        self.count(Status::Skipped)
    }
    /// All of them.
    pub fn total(&self) -> usize {
        self.results.len()
    }
    /// Whether the command's exit code is 0: nothing failed and nobody cancelled.
    pub fn is_success(&self) -> bool {
        self.failed() == 0 && !self.cancelled
    }
    /// dbt's last line: `Done. PASS=3 WARN=0 ERROR=0 SKIP=0 TOTAL=3`.
    pub fn last_line(&self) -> String {
        format!(
            "Done. PASS={} WARN={} ERROR={} SKIP={} TOTAL={}",
            self.passed(),
            self.warned(),
            self.failed(),
            self.skipped(),
            self.total()
        )
    }
}
