//! Bounds the log: commits that a checkpoint stands for, and checkpoints that nothing needs, are removed.
//!
//! A version is read from the newest checkpoint before it and the commits from there on. So the newest checkpoint at or
//! before the oldest kept version stays, with every commit from it on; what is older goes, the oldest first, as readers
//! of the log expect. Of the checkpoints behind it some stay, less the farther back they are: reading a past version
//! takes commits in proportion to its age.

use std::fs;
use std::path::Path;

use chrono::{DateTime, Utc};
use millstream_core::housekeeping::Upkeep;
use millstream_core::Result;

use super::retained;
use crate::log::{LOG_FOLDER, checkpoint, commit_file, list};

/// What was removed of a log.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Cleaned {
    pub commits: u64,
    pub checkpoints: u64,
}

/// Removes what no kept version needs.
pub(super) fn clean(folder: &Path, now: DateTime<Utc>, upkeep: &Upkeep) -> Result<Cleaned> {
    let (commits, checkpoints) = list(folder)?;
    let Some(newest) = checkpoints.last().copied() else { return Ok(Cleaned::default()) };
    let oldest = retained::oldest(folder, now, upkeep.retention)?;
    let base = oldest.and_then(|oldest| checkpoints.iter().rev().find(|version| **version <= oldest).copied());
    let mut cleaned = Cleaned::default();
    let log = folder.join(LOG_FOLDER);
    let hinted = checkpoint::hint(folder).map(|hint| hint.version);
    for version in unneeded(&checkpoints, base, newest) {
        // The log names the checkpoint from which readers begin.
        if Some(version) != hinted && remove(&log.join(checkpoint::file(version)), upkeep.is_dry_run) {
            cleaned.checkpoints += 1;
        }
    }
    let Some(base) = base else { return Ok(cleaned) };
    // What a checkpoint stands for goes only when the checkpoint can be read.
    checkpoint::read(folder, base)?;
    for version in commits.into_iter().take_while(|version| *version < base) {
        if !remove(&log.join(commit_file(version)), upkeep.is_dry_run) {
            // The rest would leave a hole.
            break;
        }
        // Other programs keep a checksum beside a commit.
        let _ = upkeep.is_dry_run || remove(&log.join(format!("{version:020}.crc")), false);
        cleaned.commits += 1;
    }
    Ok(cleaned)
}

/// Checkpoints that can go: those before the base, and behind it all but one for each doubling of the distance from
/// the newest.
fn unneeded(checkpoints: &[u64], base: Option<u64>, newest: u64) -> Vec<u64> {
    let mut gone = Vec::new();
    let mut kept_distance = None;
    for version in checkpoints.iter().rev().copied() {
        let distance = newest - version;
        let is_kept = match base {
            Some(base) if version < base => false,
            Some(base) if version == base => true,
            // The newest, the one before it (readers may be between the two), then ever fewer.
            _ => kept_distance.is_none_or(|last: u64| last == 0 || distance >= 2 * last),
        };
        if is_kept {
            kept_distance = Some(distance);
        } else {
            gone.push(version);
        }
    }
    gone.reverse();
    gone
}

fn remove(file: &Path, is_dry_run: bool) -> bool {
    if is_dry_run { file.is_file() } else { fs::remove_file(file).is_ok() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checkpoints_thin_out_with_their_age_and_the_base_stays() {
        let all: Vec<u64> = (1..=20).map(|at| at * 50).collect();
        let gone = unneeded(&all, None, 1000);
        let kept: Vec<u64> = all.iter().copied().filter(|version| !gone.contains(version)).collect();
        assert_eq!(kept, [200, 600, 800, 900, 950, 1000]);
        let gone = unneeded(&all, Some(650), 1000);
        let kept: Vec<u64> = all.iter().copied().filter(|version| !gone.contains(version)).collect();
        assert_eq!(kept, [650, 800, 900, 950, 1000]);
        assert!(unneeded(&[50], Some(50), 50).is_empty());
    }
}
