//! The files that are there for a source, and what tells whether one has changed.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use millstream_core::{Error, Result};

use super::FileOptions;
use super::discover::{discover, folder};
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
/// The source is not one of files; a folder cannot be read; the folder that all of its files are in is not there, so that
/// nothing is known of them.
pub fn find_files(contract: &Contract, project_dir: &Path) -> Result<Vec<FoundFile>> {
    let SourceKind::File(source) = contract.source() else {
        return Err(Error::ours(format!("{} is not a source of files", contract.table())));
    };
    let folder = folder(source, project_dir);
    // The project's own folder may be the current one, which has no name.
    if !folder.as_os_str().is_empty() && !folder.is_dir() {
        let what = format!("the folder {} of {} is not there", folder.display(), contract.table());
        return Err(Error::environment(what)
            .why("whether there are files cannot be told")
            .hint("create the folder, or mount what it is on"));
    }
    let project_dir = project_dir.to_path_buf();
    let options = FileOptions { project_dir, files: None, pass_over_gone: false, replace: false, threads: 1 };
    let found = discover(source, &options)?.into_iter().filter_map(|file| {
        let meta = std::fs::metadata(&file.path).ok()?;
        let modified = meta.modified().ok()?;
        Some(FoundFile { unit: file.unit, path: file.path, bytes: meta.len(), modified })
    });
    Ok(found.collect())
}
