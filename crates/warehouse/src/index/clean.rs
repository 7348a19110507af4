//! Indexes of files that are gone.
//!
//! A run stays as long as one of its files does.

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use super::run::Run;
use super::{FOLDER, runs};

/// Age of an unfinished index after which nobody is at it any more.
const UNFINISHED_AGE: Duration = Duration::from_secs(3600);

/// Removes the indexes of a table's files that are not there any more, and those that were never finished.
pub(crate) fn clean(table: &Path) {
    let Ok(entries) = fs::read_dir(table.join(FOLDER)) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let is_there = |file: &str| table.join(file).exists();
        let of_file = name.strip_suffix(".keys").and_then(|rest| rest.rsplit_once('.'));
        let is_gone = match of_file {
            Some((file, _)) => !is_there(file),
            None if name.ends_with(runs::SUFFIX) => {
                Run::open(&entry.path()).is_none_or(|run| !run.files.keys().any(|file| is_there(file)))
            }
            None => {
                let written = entry.metadata().and_then(|meta| meta.modified()).ok();
                let age = written.and_then(|at| SystemTime::now().duration_since(at).ok());
                age.is_some_and(|age| age >= UNFINISHED_AGE)
            }
        };
        if is_gone {
            // What cannot be removed is tried again the next time.
            let _ = fs::remove_file(entry.path());
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::Arc;

    use super::super::file_index::FileIndex;
    use super::*;

    #[test]
    fn the_index_of_a_file_goes_with_the_file() {
        let table = tempfile::tempdir().unwrap();
        let folder = table.path().join(FOLDER);
        fs::create_dir(&folder).unwrap();
        fs::write(table.path().join("part-1.parquet"), "").unwrap();
        for name in ["part-1.parquet.00.keys", "part-2.parquet.00.keys", "part-3.parquet.00.tmp-1"] {
            fs::write(folder.join(name), "").unwrap();
        }
        clean(table.path());
        let mut left: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, ["part-1.parquet.00.keys", "part-3.parquet.00.tmp-1"], "it may still be written");
        clean(&table.path().join("none"));
    }

    #[test]
    fn a_run_goes_with_the_last_of_its_files() {
        let table = tempfile::tempdir().unwrap();
        let runs = runs::Runs::default();
        let file = |name: &str| (name.to_owned(), Arc::new(FileIndex::in_memory(vec![1, 2])));
        let live = ["part-1.parquet".to_owned(), "part-2.parquet".to_owned()].into();
        runs.gather(table.path(), 7, &[file("part-1.parquet"), file("part-2.parquet")], &live).unwrap();
        fs::write(table.path().join("part-2.parquet"), "").unwrap();
        let left = || fs::read_dir(table.path().join(FOLDER)).unwrap().count();
        clean(table.path());
        assert_eq!(left(), 1);
        fs::remove_file(table.path().join("part-2.parquet")).unwrap();
        clean(table.path());
        assert_eq!(left(), 0);
    }
}
