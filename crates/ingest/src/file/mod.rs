//! Files into a raw table: each loaded whole or not at all, once, by its content.
//!
//! Guarantees:
//! - A file's rows are in the raw table and in quarantine, or in neither: see [`plan`] for what happens between the
//!   two commits. A file that was loaded is known by its content's SHA-256 (after decompression).
//! - A file whose header breaks the contract, or whose share of broken rows passes the declared limit, is refused
//!   whole; the ledger tells why, and the next run tries again. Other files go on.
//! - Memory does not grow with the file.
//!
//! Deliberately absent: watching folders (whoever does asks [`find_files`] again), deleting or moving files.

mod chunks;
mod decode;
mod discover;
mod found;
mod header;
mod load;
mod open;
mod plan;
mod worker;

use std::path::PathBuf;

use millstream_core::{Clock, Error, Ledger, Progress, Result, Warehouse};

use self::load::Loader;
use crate::contract::SourceKind;
use crate::{Contract, UnitReport};
pub use discover::is_compressed;
pub use found::{FoundFile, find_files};

/// How to ingest files.
#[derive(Debug, Clone)]
pub struct FileOptions {
    /// The project folder: the contract's `path` starts there, and units are named relative to it.
    pub project_dir: PathBuf,
    /// Only these files, instead of those that the contract's `path` finds.
    pub files: Option<Vec<PathBuf>>,
    /// Of these files, those that are gone when their turn comes are passed over; else that is an error.
    pub pass_over_gone: bool,
    /// A file whose name was loaded with other content takes the place of the earlier one.
    pub replace: bool,
    /// Threads that decode; at least 1.
    pub threads: usize,
}

/// Ingests the files of one source, in the order of their names: one report for each file, none when there is no
/// file. A refusal is a report and does not stop the others; an error is something that would stop them all.
///
/// Needs a Tokio runtime with its timer enabled; decoding runs on threads of its own.
pub async fn ingest_files(
    contract: &Contract,
    options: &FileOptions,
    warehouse: &dyn Warehouse,
    ledger: &dyn Ledger,
    clock: &dyn Clock,
    progress: &dyn Progress,
) -> Result<Vec<UnitReport>> {
    let SourceKind::File(source) = contract.source() else {
        return Err(Error::ours(format!("{} is not a source of files", contract.table())));
    };
    let files = discover::discover(source, options)?;
    let sizes = files.iter().map(|file| std::fs::metadata(&file.path).map_or(0, |meta| meta.len()));
    progress.start(&format!("ingest {}", contract.table()), Some(sizes.sum()), "bytes");
    let mut loader = Loader::new(contract, source, options, warehouse, ledger, clock, progress).await?;
    let mut reports = Vec::with_capacity(files.len());
    for file in &files {
        if options.pass_over_gone && !file.path.exists() {
            continue;
        }
        reports.push(loader.ingest(file).await?);
    }
    loader.withdraw_abandoned().await?;
    progress.finish();
    Ok(reports)
}

#[cfg(test)]
mod tests;
