//! The index of a file whose rows are those of other files: theirs, put together. So compaction costs no reading.

use std::path::Path;
use std::sync::Arc;

use millstream_core::Result;

use super::KeyIndexes;
use super::build::{self, KEPT_ROWS_MIN};
use super::file_index::{self, FileIndex};
use crate::log::DataFile;

impl KeyIndexes {
    /// Makes the indexes of a new file from those that all of these files have in memory.
    pub(crate) async fn put_together(
        &self,
        folder: &Path,
        files: &[Arc<DataFile>],
        path: &str,
        rows: u64,
    ) -> Result<()> {
        let paths: Vec<_> = files.iter().map(|file| folder.join(&file.add.path)).collect();
        for id in self.cache.ids_of(&paths) {
            let parts: Option<Vec<_>> = paths.iter().map(|path| self.cache.get(path, id)).collect();
            let Some(parts) = parts else { continue };
            let place = (rows >= KEPT_ROWS_MIN).then(|| build::place(folder, path, id)).flatten();
            let made = build::blocking(move || merged(&parts, place.as_deref())).await?;
            if let Some(made) = made {
                self.cache.put(folder.join(path), id, Arc::new(made));
            }
        }
        Ok(())
    }
}

fn merged(parts: &[Arc<FileIndex>], place: Option<&Path>) -> Result<Option<FileIndex>> {
    let mut numbers: Vec<u64> = Vec::new();
    let mut exact: Vec<u128> = Vec::new();
    for part in parts {
        match part.as_ref() {
            FileIndex::Memory(part) => numbers.extend(&part.hashes),
            FileIndex::Disk(disk) => numbers.extend(disk.all()?),
            FileIndex::Exact(part) => exact.extend(&part.numbers),
        }
    }
    match (numbers.is_empty(), exact.is_empty()) {
        (_, true) => {
            let made = FileIndex::in_memory(numbers);
            let FileIndex::Memory(memory) = &made else { return Ok(None) };
            let kept = place.and_then(|place| {
                file_index::write(place, &memory.hashes).ok()?;
                file_index::open(place)
            });
            Ok(Some(kept.unwrap_or(made)))
        }
        (true, false) => Ok(Some(FileIndex::exact(exact))),
        // No key has both.
        (false, false) => Ok(None),
    }
}
