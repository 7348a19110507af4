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
    rows: Arc<Rows>,
    bytes: usize,
}

/// Rows with all columns of the table, as the engine reads them.
#[derive(Debug, Default)]
pub(super) struct Rows {
    pub came: Vec<RecordBatch>,
    pub went: Vec<RecordBatch>,
    /// Files that hold nothing but rows that came; none of several exchanges.
    pub new: HashSet<String>,
}

fn paths<'a>(files: impl IntoIterator<Item = &'a Arc<DataFile>>) -> HashSet<String> {
    files.into_iter().map(|file| file.add.path.clone()).collect()
}

impl RecentChanges {
    /// Remembers an exchange, if it is not too large.
    pub(super) fn remember(&self, folder: &Path, removed: &[Arc<DataFile>], added: HashSet<String>, rows: Rows) {
        let bytes = rows.came.iter().chain(&rows.went).map(RecordBatch::get_array_memory_size).sum();
        if bytes > BYTES_MAX / 4 {
            return;
        }
        let exchanged =
            Exchanged { folder: folder.to_owned(), removed: paths(removed), added, rows: Arc::new(rows), bytes };
        let mut all = self.all.lock();
        all.push_back(exchanged);
        while all.len() > EXCHANGES_MAX || all.iter().map(|one| one.bytes).sum::<usize>() > BYTES_MAX {
            all.pop_front();
        }
    }

    /// The rows that came and went when some files of a table took the place of others; `None` when that is not known.
    pub(super) fn between(
        &self,
        folder: &Path,
        removed: &[Arc<DataFile>],
        added: &[Arc<DataFile>],
    ) -> Option<Arc<Rows>> {
        let (mut there, wanted) = (paths(removed), paths(added));
        let mut found: Vec<Arc<Rows>> = Vec::new();
        let all = self.all.lock();
        for one in all.iter().filter(|one| one.folder == folder) {
            if one.removed.is_empty() || !one.removed.is_subset(&there) {
                continue;
            }
            there.retain(|path| !one.removed.contains(path));
            there.extend(one.added.iter().cloned());
            found.push(Arc::clone(&one.rows));
            if there == wanted {
                return Some(together(found));
            }
        }
        None
    }
}

fn together(mut all: Vec<Arc<Rows>>) -> Arc<Rows> {
    match (all.pop(), all.as_slice()) {
        (Some(only), []) => only,
        (last, _) => {
            let mut rows = Rows::default();
            for one in all.iter().chain(&last) {
                rows.came.extend(one.came.iter().cloned());
                rows.went.extend(one.went.iter().cloned());
            }
            Arc::new(rows)
        }
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

    fn exchanged(came: i64, went: i64) -> Rows {
        Rows { came: rows(came), went: rows(went), new: HashSet::new() }
    }

    fn counts(found: Option<Arc<Rows>>) -> Option<(usize, usize)> {
        let count = |batches: &[RecordBatch]| batches.iter().map(RecordBatch::num_rows).sum();
        found.map(|rows| (count(&rows.came), count(&rows.went)))
    }

    #[test]
    fn exchanges_are_followed_one_after_the_other() {
        let (recent, folder) = (RecentChanges::default(), Path::new("t"));
        recent.remember(folder, &files(&["a"]), ["b".to_owned()].into(), exchanged(2, 1));
        recent.remember(folder, &files(&["b", "x"]), ["c".to_owned()].into(), exchanged(3, 4));
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
            recent.remember(folder, &files(&[&format!("r{at}")]), [format!("a{at}")].into(), exchanged(1, 1));
        }
        let known =
            |at: usize| recent.between(folder, &files(&[&format!("r{at}")]), &files(&[&format!("a{at}")])).is_some();
        assert!(!known(0) && known(1) && known(EXCHANGES_MAX));
    }
}
