//! A staged version on top of versions that came in between.
//!
//! Guarantees: it goes on only from versions that hold the same rows as the one it was prepared on, with files put
//! together by compaction; anything else in between is somebody else's publication, which is never overwritten.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use millstream_core::Result;

use super::staged::TableChange;
use crate::log::{Action, DataFile, Snapshot, read_commit};

/// The files that the change takes out of the version that is there now; `None` when it was overtaken.
pub(super) fn removed(
    folder: &Path,
    change: &TableChange,
    current: Option<&Snapshot>,
) -> Result<Option<Vec<Arc<DataFile>>>> {
    let (base, current) = match (&change.base, current) {
        (None, None) => return Ok(Some(Vec::new())),
        (Some(base), Some(current)) if base.metadata.id == current.metadata.id => (base, current),
        _ => return Ok(None),
    };
    if base.version == current.version {
        return Ok(Some(change.removed.clone()));
    }
    for version in base.version + 1..=current.version {
        match read_commit(folder, version)? {
            Some(actions) if actions.iter().all(rearranges) => {}
            _ => return Ok(None),
        }
    }
    if change.is_whole {
        return Ok(Some(current.files.to_vec()));
    }
    let there: HashSet<&str> = current.files.iter().map(|file| file.add.path.as_str()).collect();
    let all_there = change.removed.iter().all(|file| there.contains(file.add.path.as_str()));
    Ok(all_there.then(|| change.removed.clone()))
}

/// Whether the action leaves rows, columns and positions as they are.
fn rearranges(action: &Action) -> bool {
    action.protocol.is_none()
        && action.meta_data.is_none()
        && action.txn.is_none()
        && action.add.as_ref().is_none_or(|add| !add.data_change)
        && action.remove.as_ref().is_none_or(|remove| !remove.data_change)
}
