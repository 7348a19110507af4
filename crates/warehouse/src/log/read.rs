//! Reading the log of a table: whole, up to a version, or only what is new.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;

use millstream_core::{Error, Result};
use percent_encoding::percent_decode_str;

use super::action::{self, Action};
use super::snapshot::{Replay, Snapshot, label};
use super::{LOG_FOLDER, checkpoint, commit_file};

/// What tells that a log folder has not changed since it was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Freshness {
    folder_id: u64,
    changed_at_ns: i128,
}

impl Freshness {
    /// Of a table's log as it is now; `None` when there is no log.
    pub(crate) fn of(folder: &Path) -> Result<Option<Self>> {
        match fs::metadata(folder.join(LOG_FOLDER)) {
            Ok(meta) => Ok(Some(Self {
                folder_id: meta.ino(),
                changed_at_ns: i128::from(meta.mtime()) * 1_000_000_000 + i128::from(meta.mtime_nsec()),
            })),
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
            Err(error) => Err(io(folder, "read", &error)),
        }
    }
}

fn io(folder: &Path, verb: &str, error: &std::io::Error) -> Error {
    Error::environment(format!("cannot {verb} the log of table '{}'", label(folder)))
        .why(format!("{}: {error}", folder.join(LOG_FOLDER).display()))
}

/// The latest version, starting from one that is known. `None` when the table does not exist.
/// `known` is trusted only when the log folder is the one that it was read from.
pub(crate) fn latest(
    folder: &Path,
    known: Option<(&Arc<Snapshot>, Freshness)>,
) -> Result<Option<(Arc<Snapshot>, Freshness)>> {
    // Taken before reading: what changes while we read is seen as a change next time.
    let Some(fresh) = Freshness::of(folder)? else {
        return Ok(None);
    };
    if let Some((snapshot, was)) = known
        && was.folder_id == fresh.folder_id
    {
        let next = folder.join(LOG_FOLDER).join(commit_file(snapshot.version + 1));
        let has_next = next.try_exists().map_err(|error| io(folder, "read", &error))?;
        // Clocks of file systems are coarse, so an unchanged time alone proves nothing; nor does a missing next
        // version when old commits have been cleaned away. Both together do.
        if !has_next && was.changed_at_ns == fresh.changed_at_ns {
            return Ok(Some((snapshot.clone(), fresh)));
        }
        if has_next && let Some(newer) = advance(folder, snapshot)? {
            return Ok(Some((Arc::new(newer), fresh)));
        }
    }
    Ok(load(folder, None)?.map(|snapshot| (Arc::new(snapshot), fresh)))
}

/// Applies every commit after the snapshot's.
fn advance(folder: &Path, snapshot: &Snapshot) -> Result<Option<Snapshot>> {
    let table = label(folder);
    let mut replay = Replay::from_snapshot(snapshot);
    let mut version = snapshot.version;
    while let Some(actions) = read_commit(folder, version + 1)? {
        replay.apply(actions, &table)?;
        version += 1;
    }
    if version == snapshot.version { Ok(None) } else { replay.finish(folder.to_owned(), version).map(Some) }
}

/// How errors about a damaged commit end.
const UNREADABLE: &str = "cannot be read: it is not a commit";

/// Whether an error says that a commit is damaged, as one is that was lost in a power cut.
pub(crate) fn is_damaged(error: &Error) -> bool {
    error.what().ends_with(UNREADABLE)
}

/// The actions of one commit; `None` when it does not exist.
pub(crate) fn read_commit(folder: &Path, version: u64) -> Result<Option<Vec<Action>>> {
    let path = folder.join(LOG_FOLDER).join(commit_file(version));
    let bytes = match fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(io(folder, "read", &error)),
    };
    let actions = action::from_lines(&bytes).and_then(|actions| match actions.is_empty() {
        true => Err(serde::de::Error::custom("it is empty")),
        false => Ok(actions),
    });
    actions.map(Some).map_err(|error| {
        Error::environment(format!("version {version} of table '{}' {UNREADABLE}", label(folder)))
            .why(format!("{}: {error}", path.display()))
            .hint("the file is damaged; restore it from a backup, or drop the table and build it again")
    })
}

/// Versions of commits and of (single-file) checkpoints that the log folder has, each ascending.
pub(crate) fn list(folder: &Path) -> Result<(Vec<u64>, Vec<u64>)> {
    let (mut commits, mut checkpoints) = (Vec::new(), Vec::new());
    let entries = match fs::read_dir(folder.join(LOG_FOLDER)) {
        Ok(entries) => entries,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok((commits, checkpoints));
        }
        Err(error) => return Err(io(folder, "read", &error)),
    };
    for entry in entries {
        let name = entry.map_err(|error| io(folder, "read", &error))?.file_name();
        let name = name.to_string_lossy();
        let Some((version, rest)) = name.split_once('.') else { continue };
        let Ok(version) = version.parse() else { continue };
        match rest {
            "json" => commits.push(version),
            "checkpoint.parquet" => checkpoints.push(version),
            _ => {}
        }
    }
    commits.sort_unstable();
    checkpoints.sort_unstable();
    Ok((commits, checkpoints))
}

/// Times that a log is listed again because it was cleaned meanwhile.
const LISTINGS_MAX: usize = 3;

/// Reads a table from its log alone: the latest version, or `at`. `None` when the table does not exist.
///
/// # Errors
/// A user error when version `at` does not exist (any more); an environment error when the log is damaged.
pub(crate) fn load(folder: &Path, at: Option<u64>) -> Result<Option<Snapshot>> {
    if at.is_none()
        && let Some(snapshot) = load_hinted(folder)?
    {
        return Ok(Some(snapshot));
    }
    let mut listed = list(folder)?;
    for _ in 0..LISTINGS_MAX {
        let loaded = load_listed(folder, &listed, at);
        let now = match &loaded {
            Ok(_) => return loaded,
            Err(_) => list(folder)?,
        };
        // What was listed may have been cleaned away before it was read.
        if now.1 == listed.1 && now.0.first() == listed.0.first() {
            return loaded;
        }
        listed = now;
    }
    load_listed(folder, &listed, at)
}

fn load_listed(
    folder: &Path,
    (commits, checkpoints): &(Vec<u64>, Vec<u64>),
    at: Option<u64>,
) -> Result<Option<Snapshot>> {
    let table = label(folder);
    let Some(newest) = commits.last().max(checkpoints.last()).copied() else {
        return Ok(None);
    };
    let wanted = at.unwrap_or(newest);
    if wanted > newest {
        return Err(Error::user(format!("table '{table}' has no version {wanted}"))
            .why(format!("its latest version is {newest}")));
    }
    let base = checkpoints.iter().rev().find(|version| **version <= wanted).copied();
    let mut replay = Replay::default();
    let mut next = 0;
    if let Some(version) = base {
        replay.apply(checkpoint::read(folder, version)?, &table)?;
        next = version + 1;
    }
    while next <= wanted {
        let Some(actions) = read_commit(folder, next)? else {
            let error = if at.is_some() {
                Error::user(format!("version {wanted} of table '{table}' is not available any more"))
                    .why(format!("the commit of version {next} is gone"))
            } else {
                Error::environment(format!("the log of table '{table}' has a hole"))
                    .why(format!("the commit of version {next} is missing"))
                    .hint("restore the file from a backup, or drop the table and build it again")
            };
            return Err(error);
        };
        replay.apply(actions, &table)?;
        next += 1;
    }
    replay.finish(folder.to_owned(), wanted).map(Some)
}

/// The latest version by way of the checkpoint that the log names, without listing a folder that may hold a hundred
/// thousand commits. `None` when that way is not safe.
///
/// The commit of the checkpoint's own version must be there: clean-up removes commits from the oldest on and never
/// that one before those behind it, so that a missing next commit was never written.
fn load_hinted(folder: &Path) -> Result<Option<Snapshot>> {
    let Some(hint) = checkpoint::hint(folder) else { return Ok(None) };
    let log = folder.join(LOG_FOLDER);
    if !log.join(commit_file(hint.version)).is_file() || !log.join(checkpoint::file(hint.version)).is_file() {
        return Ok(None);
    }
    let table = label(folder);
    let mut replay = Replay::default();
    replay.apply(checkpoint::read(folder, hint.version)?, &table)?;
    let mut version = hint.version;
    while let Some(actions) = read_commit(folder, version + 1)? {
        replay.apply(actions, &table)?;
        version += 1;
    }
    replay.finish(folder.to_owned(), version).map(Some)
}

/// Those of some file names that no commit or checkpoint of the table has. Checkpoints are read first, the newest
/// before all: they tell of nearly every file at once. Commits are read from the newest on, as long as a name is left.
pub(crate) fn unnamed(folder: &Path, mut candidates: HashSet<String>) -> Result<HashSet<String>> {
    let (commits, checkpoints) = list(folder)?;
    let strike = |actions: Vec<Action>, candidates: &mut HashSet<String>| {
        for action in actions {
            let added = action.add.map(|add| add.path);
            for path in added.into_iter().chain(action.remove.map(|remove| remove.path)) {
                candidates.remove(file_name(&path).as_ref());
            }
        }
    };
    for version in checkpoints.iter().rev() {
        strike(checkpoint::read(folder, *version)?, &mut candidates);
        for path in checkpoint::removed(folder, *version)? {
            candidates.remove(file_name(&path).as_ref());
        }
    }
    for version in commits.iter().rev() {
        if candidates.is_empty() {
            break;
        }
        strike(read_commit(folder, *version)?.unwrap_or_default(), &mut candidates);
    }
    Ok(candidates)
}

/// A path of the log as the file's name: paths there are percent-encoded.
pub(crate) fn file_name(path: &str) -> Cow<'_, str> {
    percent_decode_str(path).decode_utf8_lossy()
}
