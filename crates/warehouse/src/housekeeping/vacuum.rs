//! Removes data files that no kept version names.
//!
//! A file goes only when all of this holds: the latest version does not have it; no version within the retention has it;
//! it was written before the retention began, as the file system tells; and it was taken out by a commit, or is so old
//! that no writer can be about to commit it. The log and the file system's clock must both agree.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use chrono::{DateTime, Utc};
use millstream_core::Result;
use millstream_core::housekeeping::Upkeep;

use super::retained;
use crate::log::{Snapshot, checkpoint, file_name, list, load, read_commit};
use crate::sweep::data_files;

/// What was removed.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Vacuumed {
    pub files: u64,
    pub bytes: u64,
}

/// A file on disk that the latest version does not have.
struct Candidate {
    entry: fs::DirEntry,
    bytes: u64,
    age: Duration,
}

/// Removes files; `latest` is the latest version.
pub(super) fn vacuum(folder: &Path, latest: &Snapshot, now: DateTime<Utc>, upkeep: &Upkeep) -> Result<Vacuumed> {
    let mut candidates = candidates(folder, latest, upkeep.retention)?;
    let told = told(folder, latest, now, upkeep.retention, &candidates)?;
    candidates.retain(|name, file| match told.get(name) {
        Some(Told::Kept) => false,
        Some(Told::Gone) => true,
        None => file.age >= upkeep.unnamed_age,
    });
    let mut vacuumed = Vacuumed::default();
    for file in candidates.values() {
        if upkeep.is_dry_run || fs::remove_file(file.entry.path()).is_ok() {
            vacuumed.files += 1;
            vacuumed.bytes += file.bytes;
        }
    }
    Ok(vacuumed)
}

/// Files that the latest version does not have and that are at least this old.
fn candidates(folder: &Path, latest: &Snapshot, age_min: Duration) -> Result<HashMap<String, Candidate>> {
    let active: HashSet<_> = latest.files.iter().map(|file| file_name(&file.add.path)).collect();
    let clock = SystemTime::now();
    let mut all = HashMap::new();
    for (name, entry) in data_files(folder)? {
        if active.contains(name.as_str()) {
            continue;
        }
        // A file that cannot be looked at is left alone, and so is one from the future.
        let Ok(meta) = entry.metadata() else { continue };
        let Ok(Ok(age)) = meta.modified().map(|at| clock.duration_since(at)) else { continue };
        if age >= age_min {
            all.insert(name, Candidate { entry, bytes: meta.len(), age });
        }
    }
    Ok(all)
}

/// What the log says of a file.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Told {
    /// A kept version has it.
    Kept,
    /// It was taken out before the oldest kept version.
    Gone,
}

/// What the log says of the candidates; nothing is read when there are none.
fn told(
    folder: &Path,
    latest: &Snapshot,
    now: DateTime<Utc>,
    retention: Duration,
    candidates: &HashMap<String, Candidate>,
) -> Result<HashMap<String, Told>> {
    let mut told = HashMap::new();
    if candidates.is_empty() {
        return Ok(told);
    }
    let mut tell = |path: &str, what: Told| {
        let name = file_name(path);
        if candidates.contains_key(name.as_ref()) {
            told.insert(name.into_owned(), what);
        }
    };
    let (commits, checkpoints) = list(folder)?;
    let oldest = retained::oldest(folder, now, retention)?;
    // Without an oldest version all are kept; those whose commits are gone cannot be read any more.
    let from = oldest.or(commits.first().copied()).unwrap_or_default();
    let base = checkpoints.iter().rev().find(|version| **version <= from).copied();
    if let Some(base) = base {
        checkpoint::removed(folder, base)?.for_each(|path| tell(&path, Told::Gone));
    }
    let is_before = |version: &u64| oldest.is_some() && *version <= from;
    for version in commits.iter().filter(|version| is_before(version)) {
        for action in read_commit(folder, *version)?.into_iter().flatten() {
            if let Some(remove) = action.remove {
                tell(&remove.path, Told::Gone);
            }
        }
    }
    if let Some(oldest) = oldest.filter(|oldest| *oldest <= latest.version)
        && let Some(snapshot) = load(folder, Some(oldest))?
    {
        snapshot.files.iter().for_each(|file| tell(&file.add.path, Told::Kept));
    }
    for version in commits.iter().filter(|version| !is_before(version)) {
        for action in read_commit(folder, *version)?.into_iter().flatten() {
            if let Some(add) = action.add {
                tell(&add.path, Told::Kept);
            }
            // Taken out within the retention: versions before still have it.
            if let Some(remove) = action.remove {
                tell(&remove.path, Told::Kept);
            }
        }
    }
    Ok(told)
}
