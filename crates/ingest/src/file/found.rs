//! The files that are there for a source, and what tells whether one has changed.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use millstream_core::{Error, Result};

use super::FileOptions;
use super::discover::discover;
use crate::Contract;
use crate::contract::SourceKind;

/// A file that belongs to a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundFile {
    /// What positions and ledger call it.
    pub unit: String,
    /// Where it is.
    pub path: PathBuf,
    /// Its size.
    pub bytes: u64,
    /// When it was changed last.
    pub modified: SystemTime,
}

/// The files that the contract's `path` finds now, sorted by unit. Nothing of them is read; one that goes away at that
/// moment is left out.
///
/// # Errors
/// The source is not one of files, or a folder cannot be read.
pub fn find_files(contract: &Contract, project_dir: &Path) -> Result<Vec<FoundFile>> {
    let SourceKind::File(source) = contract.source() else {
        return Err(Error::ours(format!("{} is not a source of files", contract.table())));
    };
    let options = FileOptions { project_dir: project_dir.to_path_buf(), files: None, replace: false, threads: 1 };
    let found = discover(source, &options)?.into_iter().filter_map(|file| {
        let meta = std::fs::metadata(&file.path).ok()?;
        let modified = meta.modified().ok()?;
        Some(FoundFile { unit: file.unit, path: file.path, bytes: meta.len(), modified })
    });
    Ok(found.collect())
}
