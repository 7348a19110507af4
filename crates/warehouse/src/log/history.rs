//! The commits of a table, newest first.

use std::fs;
use std::path::Path;
use std::time::UNIX_EPOCH;

use chrono::{DateTime, Utc};
use millstream_core::Result;
use millstream_core::warehouse::CommitInfo;

use super::read::{list, read_commit};
use super::{LOG_FOLDER, commit_file};

/// At most `limit` commits, newest first. Commits that were cleaned away are left out.
pub(crate) fn history(folder: &Path, limit: usize) -> Result<Vec<CommitInfo>> {
    let (commits, _) = list(folder)?;
    let mut all = Vec::with_capacity(limit.min(commits.len()));
    for version in commits.into_iter().rev().take(limit) {
        let info = read_commit(folder, version)?.into_iter().flatten().find_map(|action| action.commit_info);
        let info = info.unwrap_or_default();
        let note = info.user_metadata.as_deref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
        all.push(CommitInfo {
            version,
            at: info.timestamp.and_then(DateTime::from_timestamp_millis).unwrap_or_else(|| written_at(folder, version)),
            operation: info.operation.unwrap_or_else(|| "UNKNOWN".into()),
            note,
        });
    }
    Ok(all)
}

/// The version that was the latest at an instant; `None` when the table is younger, or its commits of that time are
/// gone. Found by halving, since times of commits ascend.
pub(crate) fn version_at(folder: &Path, at: DateTime<Utc>) -> Result<Option<u64>> {
    let (commits, _) = list(folder)?;
    let (mut low, mut high) = (0, commits.len());
    while low < high {
        let middle = low + (high - low) / 2;
        if made_at(folder, commits[middle])? <= at { low = middle + 1 } else { high = middle }
    }
    Ok(low.checked_sub(1).and_then(|last| commits.get(last).copied()))
}

/// When a version was committed.
fn made_at(folder: &Path, version: u64) -> Result<DateTime<Utc>> {
    let info = read_commit(folder, version)?.into_iter().flatten().find_map(|action| action.commit_info);
    let told = info.and_then(|info| info.timestamp).and_then(DateTime::from_timestamp_millis);
    Ok(told.unwrap_or_else(|| written_at(folder, version)))
}

/// Writers other than ours may leave the time out; the file's own is what the protocol falls back to.
fn written_at(folder: &Path, version: u64) -> DateTime<Utc> {
    fs::metadata(folder.join(LOG_FOLDER).join(commit_file(version)))
        .and_then(|meta| meta.modified())
        .ok()
        .and_then(|time| time.duration_since(UNIX_EPOCH).ok())
        .and_then(|since| DateTime::from_timestamp_micros(i64::try_from(since.as_micros()).ok()?))
        .unwrap_or_default()
}
