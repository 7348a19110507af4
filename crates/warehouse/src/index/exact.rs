//! Which keys are in none of some files, told by their numbers alone.
//!
//! Guarantees: the answer is that of the rows. A number is half of a SHA-256 here, so that it can stand for its key.
//!
//! Deliberately absent: anything on the disk. It is asked of files that are written now and of what they are put
//! together to, see the distinct counts of a refresh.

use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::DataType;
use millstream_core::Result;

use super::file_index::{FileIndex, gallop};
use super::hash::{self, Hasher};
use super::ranges::Ranges;
use super::{Indexed, KeyIndexes, build};
use crate::engine::Engine;
use crate::log::DataFile;

/// Rows of all files that are asked above which they are not: reading them is cheaper than keeping their keys.
const ROWS_MAX: u64 = 64 * 1024 * 1024;

impl KeyIndexes {
    /// For each row of some batches whether its key is in none of the files; `None` when that cannot be told without
    /// reading them.
    pub(crate) async fn missing(
        &self,
        engine: &Engine,
        indexed: &Indexed<'_>,
        files: &[Arc<DataFile>],
        rows: &[Vec<ArrayRef>],
    ) -> Result<Option<Vec<bool>>> {
        let kinds: Vec<DataType> = indexed.kinds.iter().map(hash::canonical).collect();
        let total: Option<u64> = files.iter().map(|file| file.rows()).sum();
        if !hash::can_hash(&kinds) || total.is_none_or(|total| total > ROWS_MAX) {
            return Ok(None);
        }
        let mut hasher = Hasher::new(&kinds)?;
        let mut keys: Vec<u128> = Vec::new();
        for columns in rows {
            hasher.add(columns, &mut keys)?;
        }
        // Beside each other the two indexes of a file have different names.
        let id = !build::id(indexed, &kinds);
        let mut order: Vec<usize> = (0..keys.len()).collect();
        order.sort_unstable_by_key(|at| keys[*at]);
        let mut missing = vec![true; keys.len()];
        for index in self.exact(engine, indexed, files, id, &kinds).await? {
            let FileIndex::Exact(exact) = index.as_ref() else { continue };
            let mut rest = exact.numbers.as_slice();
            for at in order.iter().filter(|at| exact.ranges.may_hold(Ranges::of(keys[**at]))) {
                rest = &rest[gallop(rest, keys[*at])..];
                if rest.first() == Some(&keys[*at]) {
                    missing[*at] = false;
                }
            }
        }
        Ok(Some(missing))
    }

    async fn exact(
        &self,
        engine: &Engine,
        indexed: &Indexed<'_>,
        files: &[Arc<DataFile>],
        id: u64,
        kinds: &[DataType],
    ) -> Result<Vec<Arc<FileIndex>>> {
        let mut found = Vec::with_capacity(files.len());
        let mut open: Vec<&Arc<DataFile>> = Vec::new();
        let mut rows = 0;
        for file in files {
            if let Some(index) = self.cache.get(&indexed.folder.join(&file.add.path), id) {
                found.push(index);
                continue;
            }
            rows += file.rows().unwrap_or_default();
            open.push(file);
            if rows > build::TOGETHER_ROWS_MAX {
                found.extend(self.exact_of(engine, indexed, &std::mem::take(&mut open), id, kinds).await?);
                rows = 0;
            }
        }
        found.extend(self.exact_of(engine, indexed, &open, id, kinds).await?);
        Ok(found)
    }

    async fn exact_of(
        &self,
        engine: &Engine,
        indexed: &Indexed<'_>,
        files: &[&Arc<DataFile>],
        id: u64,
        kinds: &[DataType],
    ) -> Result<Vec<Arc<FileIndex>>> {
        let all: Vec<Vec<u128>> = build::hashes(engine, indexed, files, kinds).await?;
        let made = files.iter().zip(all).map(|(file, numbers)| {
            let index = Arc::new(FileIndex::exact(numbers));
            self.cache.put(indexed.folder.join(&file.add.path), id, Arc::clone(&index));
            index
        });
        Ok(made.collect())
    }
}
