//! The runs of each table and key: which there are, and when new ones are made.
//!
//! Guarantees: files that have settled (housekeeping leaves them alone, see [`SMALL_BYTES`]) are in few runs, however many
//! they are: a new run takes along those that are not much larger than itself, so that each key is written again a few
//! times in the life of a table. What a run tells of files that are gone does not count.
//!
//! Deliberately absent: a list of runs on the disk. What is in the folder is what there is; a run whose files are all in
//! another one too is passed over.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use millstream_core::Result;
use parking_lot::Mutex;
use twox_hash::XxHash64;

use super::FOLDER;
use super::build::KEPT_ROWS_MIN;
use super::file_index::FileIndex;
use super::merge::{self, Source};
use super::run::Run;
use crate::housekeeping::SMALL_BYTES;
use crate::log::DataFile;

/// How the name of a run ends, behind what it is of and the table's key.
pub(super) const SUFFIX: &str = ".run";

/// Files with indexes of their own from which whoever looks makes a run first.
pub(super) const FILES_MIN: usize = 8;

/// The same for housekeeping, which nobody waits for.
pub(super) const FILES_MIN_ASIDE: usize = 4;

/// How many times as many keys as those that are put together a run may have and be put together with them.
const TAKEN_ALONG: usize = 4;

/// Table folder and key.
type Key = (PathBuf, u64);

/// Runs that are open.
#[derive(Default)]
pub(super) struct Runs {
    open: Mutex<HashMap<Key, Arc<Vec<Arc<Run>>>>>,
    /// Of which runs are being made.
    at_work: Mutex<HashSet<Key>>,
}

/// Whether a file may be in a run.
pub(super) fn is_settled(file: &DataFile) -> bool {
    file.add.size >= SMALL_BYTES && file.rows().is_some_and(|rows| rows >= KEPT_ROWS_MIN)
}

impl Runs {
    /// The runs of a table and key.
    pub(super) fn of(&self, folder: &Path, id: u64) -> Arc<Vec<Arc<Run>>> {
        if let Some(known) = self.open.lock().get(&(folder.to_owned(), id)) {
            return Arc::clone(known);
        }
        self.look(folder, id)
    }

    /// The same, as they are on the disk now.
    pub(super) fn look(&self, folder: &Path, id: u64) -> Arc<Vec<Arc<Run>>> {
        let key = (folder.to_owned(), id);
        let known = self.open.lock().get(&key).cloned().unwrap_or_default();
        let end = format!(".{id:016x}{SUFFIX}");
        let mut found: Vec<Arc<Run>> = Vec::new();
        for entry in fs::read_dir(folder.join(FOLDER)).into_iter().flatten().flatten() {
            if !entry.file_name().to_string_lossy().ends_with(&end) {
                continue;
            }
            let path = entry.path();
            let open = known.iter().find(|run| run.path == path).cloned();
            found.extend(open.or_else(|| Run::open(&path).map(Arc::new)));
        }
        // The largest first: what was put together stands in front of what it was made of.
        found.sort_by(|one, other| (other.count, &other.path).cmp(&(one.count, &one.path)));
        let mut covered: HashSet<&str> = HashSet::new();
        let mut kept = Vec::new();
        for run in &found {
            if run.files.keys().any(|file| !covered.contains(file.as_str())) {
                covered.extend(run.files.keys().map(String::as_str));
                kept.push(Arc::clone(run));
            }
        }
        let kept = Arc::new(kept);
        self.open.lock().insert(key, Arc::clone(&kept));
        kept
    }

    /// Puts the indexes of settled files together to a run, with runs that are not much larger. `live` are the files that
    /// the table has. Nothing happens while another one is at it.
    pub(super) fn gather(
        &self,
        folder: &Path,
        id: u64,
        files: &[(String, Arc<FileIndex>)],
        live: &HashSet<String>,
    ) -> Result<()> {
        let key = (folder.to_owned(), id);
        if !self.at_work.lock().insert(key.clone()) {
            return Ok(());
        }
        let done = self.make(folder, id, files, live);
        self.at_work.lock().remove(&key);
        self.look(folder, id);
        done
    }

    fn make(&self, folder: &Path, id: u64, files: &[(String, Arc<FileIndex>)], live: &HashSet<String>) -> Result<()> {
        let runs = self.look(folder, id);
        let mut names: Vec<String> = files.iter().map(|(path, _)| path.clone()).collect();
        let mut most: usize = files.iter().map(|(_, index)| index.len()).sum();
        let mut taken: Vec<&Arc<Run>> = Vec::new();
        for run in runs.iter().rev() {
            let more = run.files.keys().filter(|file| live.contains(*file)).count();
            if run.count > most.saturating_mul(TAKEN_ALONG) || names.len() + more > usize::from(u16::MAX) {
                break;
            }
            names.extend(run.files.keys().filter(|file| live.contains(*file)).cloned());
            most += run.count;
            taken.push(run);
        }
        names.sort();
        names.dedup();
        let number = |name: &String| names.binary_search(name).ok().and_then(|at| u16::try_from(at).ok());
        let mut sources = Vec::new();
        for (path, index) in files {
            sources.extend(number(path).map(|number| Source::File(Arc::clone(index), number)));
        }
        for run in &taken {
            let mut numbers = vec![None; run.files.len()];
            for (name, old) in &run.files {
                // What has an index of its own is taken from there.
                let is_twice = files.iter().any(|(path, _)| path == name);
                if let Some(place) = numbers.get_mut(usize::from(*old)).filter(|_| !is_twice) {
                    *place = number(name);
                }
            }
            sources.push(Source::Run(Arc::clone(run), numbers));
        }
        let of = XxHash64::oneshot(0, names.join("\n").as_bytes());
        merge::write(&folder.join(FOLDER).join(format!("{of:016x}.{id:016x}{SUFFIX}")), &names, sources, most as u64)?;
        taken.into_iter().for_each(|run| run.remove());
        for (path, _) in files {
            // Now in the run. What cannot be removed goes with its data file.
            let _ = super::build::place(folder, path, id).map(fs::remove_file);
        }
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::cache::Cache;
    use super::*;

    fn index(number: u64, count: u64) -> (String, Arc<FileIndex>) {
        let key = |at: u64| XxHash64::oneshot(number, &at.to_le_bytes());
        (format!("part-{number}.parquet"), Arc::new(FileIndex::in_memory((0..count).map(key).collect())))
    }

    fn live(numbers: impl IntoIterator<Item = u64>) -> HashSet<String> {
        numbers.into_iter().map(|number| format!("part-{number}.parquet")).collect()
    }

    /// Files of each run, the largest run first.
    fn files(folder: &Path) -> Vec<Vec<String>> {
        let of_run = |run: &Arc<Run>| {
            let mut files: Vec<String> = run.files.keys().cloned().collect();
            files.sort();
            files
        };
        Runs::default().look(folder, 7).iter().map(of_run).collect()
    }

    #[test]
    fn a_new_run_takes_those_along_that_are_not_much_larger_and_what_is_gone_goes() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let runs = Runs::default();
        runs.gather(folder, 7, &[index(1, 5_000), index(2, 5_000)], &live(1..=2)).unwrap();
        assert_eq!(files(folder), [["part-1.parquet", "part-2.parquet"]]);
        // Five times as large as what comes: it stays.
        runs.gather(folder, 7, &[index(3, 1_000), index(4, 1_000)], &live(1..=4)).unwrap();
        assert_eq!(files(folder).len(), 2);
        // The second is taken along, and with it the first, which is four times as large. One of its files is gone.
        runs.gather(folder, 7, &[index(5, 500)], &live(2..=5)).unwrap();
        let expected: Vec<String> = (2..=5).map(|number| format!("part-{number}.parquet")).collect();
        assert_eq!(files(folder), [expected]);
        let run = Arc::clone(&runs.of(folder, 7)[0]);
        assert_eq!(run.count, 5_000 + 1_000 + 1_000 + 500);
        for (number, count) in [(2, 5_000), (3, 1_000), (5, 500)] {
            let (name, keys) = index(number, count);
            let wanted = vec![true; run.files.len()];
            let held = run.holding(&keys.some(0, 10).unwrap(), &wanted, &Cache::new(0)).unwrap();
            assert!(held[usize::from(run.files[&name])]);
            assert_eq!(held.iter().filter(|held| **held).count(), 1);
        }
        let left = fs::read_dir(folder.join(FOLDER)).unwrap().count();
        assert_eq!(left, 1, "what was put together is removed");
        assert!(Runs::default().of(folder, 8).is_empty(), "another key has others");
    }

    #[test]
    fn a_run_whose_files_are_in_another_one_is_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        let runs = Runs::default();
        runs.gather(folder.path(), 7, &[index(1, 100)], &live([1])).unwrap();
        let old = runs.of(folder.path(), 7)[0].path.clone();
        let kept = fs::read(&old).unwrap();
        runs.gather(folder.path(), 7, &[index(2, 100)], &live(1..=2)).unwrap();
        // As if the process had died before it removed it.
        fs::write(&old, kept).unwrap();
        assert_eq!(Runs::default().of(folder.path(), 7).len(), 1);
    }
}
