//! Which versions are kept.

use std::path::Path;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use millstream_core::Result;

use crate::log::{history, list};

/// The oldest version that a reader may ask for: the one that was the latest when the retention began. `None` when the
/// table is younger, so that all are kept.
pub(super) fn oldest(folder: &Path, now: DateTime<Utc>, retention: Duration) -> Result<Option<u64>> {
    let Some(cutoff) = TimeDelta::from_std(retention).ok().and_then(|span| now.checked_sub_signed(span)) else {
        return Ok(None);
    };
    if let Some(version) = history::version_at(folder, cutoff)? {
        return Ok(Some(version));
    }
    // Commits of that time are gone already: a checkpoint stands for them.
    let (commits, checkpoints) = list(folder)?;
    let first = commits.first().copied().unwrap_or(u64::MAX);
    Ok(checkpoints.into_iter().find(|version| *version <= first && first > 0))
}
