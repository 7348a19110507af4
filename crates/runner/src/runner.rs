//! The runner and its parts.

use std::path::PathBuf;
use std::sync::Arc;

use millstream_core::{Clock, Error, Progress, Result, Warehouse};
use millstream_project::Project;
use millstream_store::Store;

use crate::{Events, Ids, Request, Summary};

/// Does the work. All fields are seams, put together by the binary (or a test).
pub struct Runner {
    /// The project, read and without errors.
    pub project: Arc<Project>,
    /// Where relations live.
    pub warehouse: Arc<dyn Warehouse>,
    /// Where runs and the ledger are recorded.
    pub store: Arc<Store>,
    /// The workspace folder: its `lock` is taken for every request.
    pub workspace: PathBuf,
    /// Where artefacts and compiled SQL go, usually `target` in the project folder.
    pub target_dir: PathBuf,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Makes ids of runs.
    pub ids: Arc<dyn Ids>,
    /// Told what happens.
    pub events: Arc<dyn Events>,
    /// Told how far long work is (ingestion).
    pub progress: Arc<dyn Progress>,
}

impl Runner {
    /// Carries out a request. Failures of nodes are in the summary, not errors.
    ///
    /// # Errors
    /// The workspace is held by another process, an artefact cannot be written, or an on-run-start hook fails.
    pub async fn execute(&self, _request: &Request) -> Result<Summary> {
        Err(Error::ours("execution is not wired yet"))
    }

    /// The SQL of one node (a model, an analysis, a test) as it would run now.
    pub async fn compile_node(&self, _unique_id: &str) -> Result<String> {
        Err(Error::ours("compilation is not wired yet"))
    }

    /// Renders SQL with Jinja that is not in the project, as `compile --inline` and `query` do.
    pub async fn compile_inline(&self, _sql: &str) -> Result<String> {
        Err(Error::ours("compilation is not wired yet"))
    }
}
