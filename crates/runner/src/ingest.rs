//! Ingestion of the project's sources.

use std::time::Duration;

use millstream_core::{Error, Result, TableName};
use millstream_ingest::UnitReport;

use crate::{Cancel, Runner};

/// A request to load sources.
#[derive(Debug, Clone)]
pub struct IngestRequest {
    /// Sources by name (`transactions_batch`, or `raw.transactions_batch`); empty means all that have a connector.
    pub sources: Vec<String>,
    /// Files whose name is known and whose content has changed replace their rows.
    pub replace: bool,
    /// Skip offsets that the broker no longer has, and record the gap.
    pub skip_gaps: bool,
    /// Do not stop at the end of the topics.
    pub follow: bool,
    /// The command's arguments as given, for the history.
    pub args: serde_json::Map<String, serde_json::Value>,
    /// How long to wait for another process that holds the workspace; zero fails at once.
    pub lock_wait: Duration,
    /// Ends the work early: what is committed stays, the rest is left for the next run.
    pub cancel: Cancel,
}

/// What came of one source.
#[derive(Debug, Clone)]
pub struct SourceResult {
    /// `source_name.table`, as the project says it.
    pub source: String,
    /// The raw table.
    pub table: TableName,
    /// `file` or `kafka`.
    pub connector: String,
    /// What was done with each file or offset range, those that an earlier run had loaded among them.
    pub units: Vec<UnitReport>,
    /// Why the source could not be loaded; other sources are loaded all the same.
    pub error: Option<Error>,
    /// Seconds from start to end.
    pub elapsed_s: f64,
}

/// What came of all sources.
#[derive(Debug, Clone)]
pub struct IngestSummary {
    /// Id of the run, a UUID.
    pub invocation_id: String,
    /// One for each source, in the order of name.
    pub sources: Vec<SourceResult>,
    /// Seconds from start to end.
    pub elapsed_s: f64,
    /// Whether it was cancelled.
    pub cancelled: bool,
}

impl Runner {
    /// Loads what is new in the sources.
    ///
    /// # Errors
    /// Before anything is loaded: the workspace is held by another process; a name is not a source; a contract is
    /// wrong (all problems at once). Errors of single sources are in [`SourceResult::error`].
    pub async fn ingest(&self, _request: &IngestRequest) -> Result<IngestSummary> {
        Err(Error::ours("ingestion is not wired yet"))
    }
}
