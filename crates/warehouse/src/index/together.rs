//! Indexes put together: of a file whose rows are those of other files, so that compaction costs no reading; and of many
//! large files, so that a look costs the same however many there are.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use millstream_core::Result;

use super::KeyIndexes;
use super::build::{self, KEPT_ROWS_MIN};
use super::file_index::{self, FileIndex};
use super::runs::{FILES_MIN_ASIDE, is_settled};
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

    /// Makes runs of a table's large files, for the keys by which one of them is known in memory.
    pub(crate) async fn gather_aside(&self, folder: &Path, files: &[Arc<DataFile>], path: &str) {
        for id in self.cache.ids_of(&[folder.join(path)]) {
            self.gather(folder, id, files, FILES_MIN_ASIDE).await;
        }
    }

    /// Makes a run of a table's large files, when so many of them have indexes of their own in memory.
    pub(super) async fn gather(&self, folder: &Path, id: u64, files: &[Arc<DataFile>], files_min: usize) {
        let runs = self.runs.of(folder, id);
        let is_in = |file: &DataFile| runs.iter().any(|run| run.files.contains_key(&file.add.path));
        let open: Vec<_> = files
            .iter()
            .filter(|file| is_settled(file) && !is_in(file))
            .filter_map(|file| Some((file.add.path.clone(), self.cache.get(&folder.join(&file.add.path), id)?)))
            .filter(|(_, index)| index.is_on_disk())
            .collect();
        if open.len() < files_min {
            return;
        }
        let live: HashSet<String> = files.iter().map(|file| file.add.path.clone()).collect();
        let (runs, folder) = (Arc::clone(&self.runs), folder.to_owned());
        // What cannot be written is no reason to fail: each file's own index tells the same.
        let _ = build::blocking(move || runs.gather(&folder, id, &open, &live)).await;
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
