//! Index of keys: which data files of a table may hold some keys, without reading the files.
//!
//! Guarantees: a file that holds a key is always among those that [`KeyIndexes::holding`] gives. It may give more: keys
//! are told apart by 64 bits of a hash, so whoever asks looks at the rows of the files as well. An index belongs to one
//! data file, which never changes, so it never has to be maintained: new files bring new ones. [`KeyIndexes::missing`]
//! tells by longer hashes, which stand for the keys themselves.
//!
//! - [`hash`]: keys as numbers, the same in every process.
//! - [`file_index`]: the sorted numbers of one file; of a large file on the disk, with a filter in front.
//! - [`run`]: the sorted numbers of many large files; [`merge`] writes it, [`runs`] says which there are and when.
//! - [`ranges`]: in front of a list in memory, what is surely not in it.
//! - [`build`]: reads a file's key columns once.
//! - [`exact`]: which keys are in none of some files.
//! - [`together`]: of a file that holds the rows of others; of many files.
//! - [`covered`]: which files are in runs.
//! - [`cache`]: what is held in memory, within a limit.
//! - [`clean`]: removes the indexes of files that are gone.
//!
//! Deliberately absent: the place of a row within its file, and anything that a commit would have to write. What is on
//! the disk (`_index/` in the table's folder) can be removed at any time.

mod build;
mod cache;
mod clean;
mod covered;
mod exact;
mod file_index;
mod hash;
mod merge;
mod ranges;
mod run;
mod runs;
mod together;

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use arrow::datatypes::{DataType, SchemaRef};
use datafusion::logical_expr::Expr;
use millstream_core::Result;

use crate::engine::Engine;
use crate::log::DataFile;
use cache::Cache;
pub(crate) use clean::clean;
use covered::Part;
use file_index::FOLDER;
use file_index::FileIndex;
pub(crate) use hash::KeySet;
use runs::Runs;

/// Part of the memory for queries that indexes may take.
const MEMORY_PART: usize = 4;

/// Rows of a data file above which it gets no index and is always looked at.
const ROWS_MAX: u64 = 32 * 1024 * 1024;

/// The indexes of all tables.
pub(crate) struct KeyIndexes {
    cache: Arc<Cache>,
    runs: Arc<Runs>,
}

/// What is indexed: data files of a table, and expressions over its columns.
pub(crate) struct Indexed<'a> {
    pub folder: &'a Path,
    /// Columns as the engine reads them.
    pub columns: &'a SchemaRef,
    /// The key, in bare names of columns.
    pub exprs: &'a [Expr],
    /// Types of the key's values.
    pub kinds: &'a [DataType],
    /// Rows that do not meet it do not count.
    pub filter: Option<&'a Expr>,
}

impl KeyIndexes {
    /// With a part of the memory that queries have.
    pub(crate) fn new(memory_limit_bytes: usize) -> Self {
        Self { cache: Arc::new(Cache::new(memory_limit_bytes / MEMORY_PART)), runs: Arc::default() }
    }

    /// The files that may hold one of the keys; `None` when such keys cannot be looked up. Indexes that are missing are
    /// made.
    pub(crate) async fn holding(
        &self,
        engine: &Engine,
        indexed: &Indexed<'_>,
        files: &[Arc<DataFile>],
        keys: &KeySet,
    ) -> Result<Option<Vec<Arc<DataFile>>>> {
        let kinds: Vec<DataType> = indexed.kinds.iter().map(hash::canonical).collect();
        if !hash::can_hash(&kinds) || kinds != keys.kinds {
            return Ok(None);
        }
        let id = build::id(indexed, &kinds);
        let can_index = |file: &&Arc<DataFile>| file.rows().is_some_and(|rows| rows <= ROWS_MAX);
        let covered = self.covered(indexed.folder, id, files);
        // What has no index is looked at.
        let mut holds = vec![true; files.len()];
        for part in covered.parts {
            let (hashes, cache) = (Arc::clone(&keys.hashes), Arc::clone(&self.cache));
            let Part { run, wanted, places } = part;
            let held = build::blocking(move || run.holding(&hashes, &wanted, &cache)).await?;
            places.into_iter().for_each(|(number, at)| holds[at] = held.get(number).copied().unwrap_or(true));
        }
        let rest: Vec<&Arc<DataFile>> = covered.rest.iter().map(|at| &files[*at]).collect();
        let indexes = self.of_files(engine, indexed, rest.iter().copied().filter(can_index), id, &kinds).await?;
        for at in covered.rest {
            let Some(index) = indexes.get(files[at].add.path.as_str()) else { continue };
            let (index, hashes) = (Arc::clone(index), Arc::clone(&keys.hashes));
            // A large index is looked up on the disk.
            holds[at] = match index.is_on_disk() {
                true => build::blocking(move || index.holds_any(&hashes)).await?,
                false => index.holds_any(&hashes)?,
            };
        }
        self.gather(indexed.folder, id, files, runs::FILES_MIN).await;
        Ok(Some(files.iter().zip(holds).filter(|(_, holds)| *holds).map(|(file, _)| Arc::clone(file)).collect()))
    }

    /// The indexes of some files, by their paths.
    async fn of_files<'f>(
        &self,
        engine: &Engine,
        indexed: &Indexed<'_>,
        files: impl Iterator<Item = &'f Arc<DataFile>>,
        id: u64,
        kinds: &[DataType],
    ) -> Result<HashMap<&'f str, Arc<FileIndex>>> {
        let mut found = HashMap::new();
        let mut missing = Vec::new();
        for file in files {
            match self.cache.get(&indexed.folder.join(&file.add.path), id) {
                Some(index) => drop(found.insert(file.add.path.as_str(), index)),
                None => missing.push(file),
            }
        }
        for (file, index) in build::load_or_build(engine, indexed, &missing, id, kinds).await? {
            let index = Arc::new(index);
            self.cache.put(indexed.folder.join(&file.add.path), id, Arc::clone(&index));
            found.insert(file.add.path.as_str(), index);
        }
        Ok(found)
    }
}
