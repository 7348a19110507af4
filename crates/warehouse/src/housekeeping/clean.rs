//! Bounds the log: commits that a checkpoint stands for, and checkpoints that nothing needs, are removed.
//!
//! A version is read from the newest checkpoint before it and the commits from there on. So the newest checkpoint at or
//! before the oldest kept version stays, with every commit from it on; what is older goes, the oldest first, as readers
//! of the log expect. Of the checkpoints behind it some stay, less the farther back they are: reading a past version
//! takes commits in proportion to its age, and so does what the log keeps beyond the retention.

use std::fs;
use std::path::Path;

use chrono::{DateTime, Utc};
use millstream_core::Result;
use millstream_core::housekeeping::Upkeep;

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

/// Checkpoints that can go: those before the base, and behind it all but the first of each block of versions. Blocks
/// are the larger the farther back they are, and lie within each other: what is first in a block was first in the
/// smaller one before, so that a checkpoint is there when its block has become large.
fn unneeded(checkpoints: &[u64], base: Option<u64>, newest: u64) -> Vec<u64> {
    let mut gone = Vec::new();
    let mut before = None;
    for version in checkpoints.iter().copied() {
        let block = block_of(newest - version);
        let is_first = before.is_none_or(|before: u64| before / block != version / block);
        before = Some(version);
        let is_needed = match base {
            Some(base) => version == base || (version > base && is_first),
            None => is_first,
        };
        if !is_needed {
            gone.push(version);
        }
    }
    gone
}

/// Versions in a block at this distance from the newest: a power of two, at most half of the distance.
fn block_of(distance: u64) -> u64 {
    (distance / 2).checked_ilog2().map_or(1, |power| 1 << power)
}

fn remove(file: &Path, is_dry_run: bool) -> bool {
    if is_dry_run { file.is_file() } else { fs::remove_file(file).is_ok() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checkpoints_before_the_base_go_and_the_base_stays() {
        let all: Vec<u64> = (1..=20).map(|at| at * 50).collect();
        let gone = unneeded(&all, Some(650), 1000);
        assert!(all.iter().filter(|version| **version < 650).all(|version| gone.contains(version)));
        assert!(!gone.contains(&650) && !gone.contains(&1000));
        assert!(unneeded(&[50], Some(50), 50).is_empty());
    }

    #[test]
    fn checkpoints_thin_out_with_their_age_and_never_leave_a_gap() {
        // A checkpoint each 50 versions, looked after each 60, for a day.
        let mut kept: Vec<u64> = Vec::new();
        for version in 1..=86_400u64 {
            if version % 50 == 0 {
                kept.push(version);
            }
            if version % 60 != 0 {
                continue;
            }
            let newest = kept.last().copied().unwrap_or_default();
            let gone = unneeded(&kept, None, newest);
            kept.retain(|version| !gone.contains(version));
            assert!(kept.contains(&newest) && kept.len() <= 32, "{}", kept.len());
            // Whatever is asked for, a checkpoint is not much farther back.
            for pair in kept.windows(2) {
                let (older, distance) = (newest - pair[0], newest - pair[1]);
                assert!(older <= 2 * distance + 150, "{older} after {distance} at {version}");
            }
            assert!(kept[0] <= 50);
        }
    }
}
