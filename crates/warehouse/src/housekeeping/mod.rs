//! Housekeeping: what keeps a table quick that gets a commit each second.
//!
//! Guarantees:
//! - Rows and positions stay what they are. Compaction is one Delta commit whose files hold the same rows
//!   (`dataChange: false`), so that readers of changes pass it over; it never takes out a file that somebody else has
//!   taken out.
//! - Versions within the retention stay readable, by this engine and by others.
//! - No lock: loads, builds and queries go on. A process that is killed leaves files that no version names.
//! - Work follows what has changed since the last time (see [`tiers`]), not what the table holds.
//!
//! Deliberately absent: sorting or clustering of rows, deletion vectors, partitions, and the removal of files that other
//! programs gave names of their own.

mod clean;
mod compact;
mod rearranged;
mod retained;
mod tiers;
mod vacuum;

use std::sync::Arc;

use millstream_core::housekeeping::{Maintained, Upkeep};
use millstream_core::{Error, Result, TableName};

use crate::warehouse::Inner;
pub(crate) use rearranged::Rearranged;
pub(crate) use tiers::SMALL_BYTES;

/// Keeps house in one table.
pub(crate) async fn maintain(inner: &Arc<Inner>, name: &TableName, upkeep: &Upkeep) -> Result<Option<Maintained>> {
    let Some(snapshot) = inner.catalog.table(name)? else { return Ok(None) };
    let mut done = Maintained::of(name.clone(), snapshot.files.len() as u64);
    compact::compact(inner, name, upkeep, &mut done).await?;
    if upkeep.is_compaction_only {
        done.files_after = match upkeep.is_dry_run {
            true => done.files_before,
            false => inner.catalog.table(name)?.map_or(0, |snapshot| snapshot.files.len() as u64),
        };
        return Ok(Some(done));
    }
    let (folder, now, upkeep) = (inner.catalog.folder(name)?, inner.options.clock.now(), *upkeep);
    let latest = inner.catalog.table(name)?;
    // Folders of a hundred thousand files are read: not on a thread that others wait for.
    let tidied = tokio::task::spawn_blocking(move || -> Result<_> {
        let Some(latest) = latest else { return Ok((vacuum::Vacuumed::default(), clean::Cleaned::default())) };
        let vacuumed = vacuum::vacuum(&folder, &latest, now, &upkeep)?;
        let cleaned = clean::clean(&folder, now, &upkeep)?;
        if !upkeep.is_dry_run {
            crate::index::clean(&folder);
        }
        Ok((vacuumed, cleaned))
    });
    let (vacuumed, cleaned) = tidied.await.map_err(|error| Error::ours("housekeeping ended badly").why(error))??;
    done.files_removed = vacuumed.files;
    done.bytes_removed = vacuumed.bytes;
    done.commits_removed = cleaned.commits;
    done.checkpoints_removed = cleaned.checkpoints;
    if !upkeep.is_dry_run {
        done.files_after = inner.catalog.table(name)?.map_or(0, |snapshot| snapshot.files.len() as u64);
    }
    Ok(Some(done))
}
