//! Files.

use std::path::PathBuf;

use millstream_core::{Clock, Error, Ledger, Progress, Result, Warehouse};

use crate::{Contract, UnitReport};

/// How to ingest files.
#[derive(Debug, Clone)]
pub struct FileOptions {
    /// The project folder: the contract's `path` starts there, and units are named relative to it.
    pub project_dir: PathBuf,
    /// Only these files, instead of those that the contract's `path` finds.
    pub files: Option<Vec<PathBuf>>,
    /// A file whose name was loaded with other content takes the place of the earlier one.
    pub replace: bool,
    /// Threads that decode; at least 1.
    pub threads: usize,
}

/// Ingests the files of one source, in the order of their names. One file's refusal does not stop the others.
pub async fn ingest_files(
    contract: &Contract, options: &FileOptions, warehouse: &dyn Warehouse, ledger: &dyn Ledger, clock: &dyn Clock,
    progress: &dyn Progress,
) -> Result<Vec<UnitReport>> {
    let _ = (contract, options, warehouse, ledger, clock, progress);
    Err(Error::ours("file ingestion is not there yet"))
}
