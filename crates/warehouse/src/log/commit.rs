//! Writing one commit: the file of a version appears whole, and only for one writer.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::Path;

use millstream_core::{Error, Result};

use super::action::{Action, to_lines};
use super::snapshot::label;
use super::{LOG_FOLDER, commit_file};

/// Writes version `version` of a table. `false`: another writer has it already, and nothing was changed.
/// `id` must be unique among writers. When a `durable` commit returns, it survives a power cut.
pub(crate) fn write(folder: &Path, version: u64, actions: &[Action], id: &str, durable: bool) -> Result<bool> {
    let table = label(folder);
    let failed = |error: std::io::Error| {
        Error::environment(format!("version {version} of table '{table}' cannot be written"))
            .why(format!("{}: {error}", folder.display()))
            .hint("check free disk space and permissions, then run again")
    };
    let log = folder.join(LOG_FOLDER);
    fs::create_dir_all(&log).map_err(failed)?;
    let lines = to_lines(actions).map_err(|error| Error::ours("a commit cannot be written as JSON").why(error))?;
    let temporary = log.join(format!(".{id}.tmp"));
    let target = log.join(commit_file(version));
    let written = File::create(&temporary).and_then(|mut file| {
        file.write_all(&lines)?;
        if durable { file.sync_data() } else { Ok(()) }
    });
    // A hard link fails when the name is taken: that is what makes the version ours or not.
    let linked = written.and_then(|()| fs::hard_link(&temporary, &target));
    let _ = fs::remove_file(&temporary);
    match linked {
        Ok(()) if durable => {
            File::open(&log).and_then(|folder| folder.sync_all()).map_err(failed)?;
            Ok(true)
        }
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(failed(error)),
    }
}
