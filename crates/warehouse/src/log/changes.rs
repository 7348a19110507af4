//! What came and went between two versions of a table, by its commits alone.
//!
//! Guarantees: the cost is that of the commits in between. Commits that only rearrange files (`dataChange: false`, a
//! compaction) are passed over, as the protocol allows: <https://github.com/delta-io/delta/blob/master/PROTOCOL.md>.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use millstream_core::Result;

use super::action::Add;
use super::read::read_commit;
use super::snapshot::{DataFile, Snapshot};

/// Data files that came and went between two versions. The rows of a table are those that it had, with the rows of
/// the first and without the rows of the second.
#[derive(Debug, Default, Clone)]
pub(crate) struct FileChanges {
    pub added: Vec<Arc<DataFile>>,
    pub removed: Vec<Arc<DataFile>>,
    /// Whether rows were also put into other files on the way, old and new ones together.
    pub is_rearranged: bool,
}

impl FileChanges {
    pub(crate) fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty()
    }

    /// Bytes of all the files.
    pub(crate) fn bytes(&self) -> u64 {
        self.added.iter().chain(&self.removed).map(|file| file.add.size).sum()
    }
}

/// Changes after `from`, up to a snapshot. `None` when the log does not reach back so far, a file that is needed is
/// gone, or the columns have changed in between.
pub(crate) fn since(snapshot: &Snapshot, from: u64) -> Result<Option<FileChanges>> {
    let mut added: HashMap<String, Arc<DataFile>> = HashMap::new();
    let mut order: Vec<String> = Vec::new();
    let mut removed: Vec<Arc<DataFile>> = Vec::new();
    let mut is_rearranged = false;
    // Files of the latest version are known with their statistics; those that only came and went are not needed.
    let known: HashMap<&str, &Arc<DataFile>> =
        snapshot.files.iter().map(|file| (file.add.path.as_str(), file)).collect();
    for version in from + 1..=snapshot.version {
        let Some(actions) = read_commit(&snapshot.folder, version)? else { return Ok(None) };
        for action in actions {
            if action.meta_data.is_some_and(|metadata| metadata.schema_string != snapshot.metadata.schema_string) {
                return Ok(None);
            }
            is_rearranged |= action.add.as_ref().is_some_and(|add| !add.data_change);
            if let Some(remove) = action.remove.filter(|remove| remove.data_change)
                && added.remove(&remove.path).is_none()
            {
                let add = Add {
                    path: remove.path,
                    partition_values: remove.partition_values.unwrap_or_default(),
                    size: remove.size.unwrap_or_default(),
                    modification_time: remove.deletion_timestamp.unwrap_or_default(),
                    data_change: true,
                    ..Add::default()
                };
                removed.push(Arc::new(DataFile::new(add)));
            }
            if let Some(add) = action.add.filter(|add| add.data_change) {
                order.push(add.path.clone());
                let file = known.get(add.path.as_str()).map(|file| Arc::clone(file));
                added.insert(add.path.clone(), file.unwrap_or_else(|| Arc::new(DataFile::new(add))));
            }
        }
    }
    let mut seen = HashSet::new();
    let added: Vec<_> = order.iter().filter(|path| seen.insert(*path)).filter_map(|path| added.remove(path)).collect();
    let changes = FileChanges { added, removed, is_rearranged };
    let mut needed = changes.added.iter().chain(&changes.removed);
    let is_whole = needed.all(|file| exists(&snapshot.folder, &file.add));
    Ok(is_whole.then_some(changes))
}

/// Between two lists of a table's files. `None` when one of those that came or went is not on the disk any more.
pub(crate) fn between(folder: &Path, before: &[Arc<DataFile>], after: &[Arc<DataFile>]) -> Option<FileChanges> {
    let without = |files: &[Arc<DataFile>], others: &[Arc<DataFile>]| -> Vec<Arc<DataFile>> {
        let others: HashSet<&str> = others.iter().map(|file| file.add.path.as_str()).collect();
        files.iter().filter(|file| !others.contains(file.add.path.as_str())).cloned().collect()
    };
    let (added, removed) = (without(after, before), without(before, after));
    let changes = FileChanges { added, removed, is_rearranged: false };
    let mut needed = changes.added.iter().chain(&changes.removed);
    needed.all(|file| exists(folder, &file.add)).then_some(changes)
}

/// Whether all files of a past version are still on the disk.
pub(crate) fn are_there(snapshot: &Snapshot) -> bool {
    snapshot.files.iter().all(|file| exists(&snapshot.folder, &file.add))
}

/// Whether a data file is still on the disk: past versions lose theirs when they are older than the retention. A file
/// of unknown size cannot be read.
fn exists(folder: &Path, add: &Add) -> bool {
    let encoded = add.path.contains('%') || add.path.contains(':');
    add.size > 0 && (encoded || folder.join(&add.path).is_file())
}
