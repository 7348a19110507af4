//! Rows that refreshes of this process have put in the place of others: who reads the table next need not find out by
//! comparing files.
//!
//! Guarantees: what is told is exactly what the exchange of files did to the rows. A row may be among both, those that
//! came and those that went, where it was written again as it was. It is forgotten with the process, and the oldest first
//! when there is much of it.

use std::collections::{HashSet, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::RecordBatch;
use parking_lot::Mutex;

use crate::log::DataFile;

/// Bytes of rows that are kept.
const BYTES_MAX: usize = 64 * 1024 * 1024;

/// Exchanges that are kept.
const EXCHANGES_MAX: usize = 512;

/// Exchanges of rows, in their order.
#[derive(Default)]
pub(crate) struct RecentChanges {
    all: Mutex<VecDeque<Exchanged>>,
}

/// One exchange.
#[derive(Clone)]
struct Exchanged {
    folder: PathBuf,
    removed: HashSet<String>,
    added: HashSet<String>,
    came: Arc<[RecordBatch]>,
    went: Arc<[RecordBatch]>,
    bytes: usize,
}

/// Rows with all columns of the table, as the engine reads them.
#[derive(Debug, Default)]
pub(super) struct Rows {
    pub came: Vec<RecordBatch>,
    pub went: Vec<RecordBatch>,
}

fn paths<'a>(files: impl IntoIterator<Item = &'a Arc<DataFile>>) -> HashSet<String> {
    files.into_iter().map(|file| file.add.path.clone()).collect()
}

impl RecentChanges {
    /// Remembers an exchange, if it is not too large.
    pub(super) fn remember(
        &self,
        folder: &Path,
        removed: &[Arc<DataFile>],
        added: impl IntoIterator<Item = String>,
        came: Vec<RecordBatch>,
        went: Vec<RecordBatch>,
    ) {
        let bytes = came.iter().chain(&went).map(RecordBatch::get_array_memory_size).sum();
        if bytes > BYTES_MAX / 4 {
            return;
        }
        let exchanged = Exchanged {
            folder: folder.to_owned(),
            removed: paths(removed),
            added: added.into_iter().collect(),
            came: came.into(),
            went: went.into(),
            bytes,
        };
        let mut all = self.all.lock();
        all.push_back(exchanged);
        while all.len() > EXCHANGES_MAX || all.iter().map(|one| one.bytes).sum::<usize>() > BYTES_MAX {
            all.pop_front();
        }
    }

    /// The rows that came and went when some files of a table took the place of others; `None` when that is not known.
    pub(super) fn between(&self, folder: &Path, removed: &[Arc<DataFile>], added: &[Arc<DataFile>]) -> Option<Rows> {
        let (mut there, wanted) = (paths(removed), paths(added));
        let mut rows = Rows::default();
        let all = self.all.lock();
        for one in all.iter().filter(|one| one.folder == folder) {
            if one.removed.is_empty() || !one.removed.is_subset(&there) {
                continue;
            }
            there.retain(|path| !one.removed.contains(path));
            there.extend(one.added.iter().cloned());
            rows.came.extend(one.came.iter().cloned());
            rows.went.extend(one.went.iter().cloned());
            if there == wanted {
                return Some(rows);
            }
        }
        None
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::log::Add;
    use arrow::array::Int64Array;

    fn files(names: &[&str]) -> Vec<Arc<DataFile>> {
        let file = |name: &&str| Arc::new(DataFile::new(Add { path: (*name).to_owned(), ..Add::default() }));
        names.iter().map(file).collect()
    }

    fn rows(count: i64) -> Vec<RecordBatch> {
        let column = Int64Array::from((0..count).collect::<Vec<_>>());
        vec![RecordBatch::try_from_iter([("id", Arc::new(column) as _)]).unwrap()]
    }

    fn counts(found: Option<Rows>) -> Option<(usize, usize)> {
        let count = |batches: &[RecordBatch]| batches.iter().map(RecordBatch::num_rows).sum();
        found.map(|rows| (count(&rows.came), count(&rows.went)))
    }

    #[test]
    fn exchanges_are_followed_one_after_the_other() {
        let (recent, folder) = (RecentChanges::default(), Path::new("t"));
        recent.remember(folder, &files(&["a"]), ["b".to_owned()], rows(2), rows(1));
        recent.remember(folder, &files(&["b", "x"]), ["c".to_owned()], rows(3), rows(4));
        let between = |removed: &[&str], added: &[&str]| counts(recent.between(folder, &files(removed), &files(added)));
        assert_eq!(between(&["a"], &["b"]), Some((2, 1)));
        assert_eq!(between(&["b", "x"], &["c"]), Some((3, 4)));
        assert_eq!(between(&["a", "x"], &["c"]), Some((5, 5)), "both");
        assert_eq!(between(&["a"], &["c"]), None, "x went as well");
        assert_eq!(between(&["a"], &["b", "y"]), None, "y came from elsewhere");
        assert_eq!(counts(recent.between(Path::new("u"), &files(&["a"]), &files(&["b"]))), None);
    }

    #[test]
    fn the_oldest_is_forgotten_first() {
        let (recent, folder) = (RecentChanges::default(), Path::new("t"));
        for at in 0..=EXCHANGES_MAX {
            recent.remember(folder, &files(&[&format!("r{at}")]), [format!("a{at}")], rows(1), rows(1));
        }
        let known =
            |at: usize| recent.between(folder, &files(&[&format!("r{at}")]), &files(&[&format!("a{at}")])).is_some();
        assert!(!known(0) && known(1) && known(EXCHANGES_MAX));
    }
}
