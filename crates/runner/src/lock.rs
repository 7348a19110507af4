//! The workspace's locks: one build at a time, and one ingestion at a time.
//!
//! Guarantees: the lock is the operating system's (on an open file), so that a process that dies, however
//! it dies, no longer holds it. The process id inside the file is for people; nothing is decided by it.
//!
//! Deliberately absent: locks of single tables. Commits are atomic without this lock; it keeps two runs from
//! interleaving, which would mix two states of the project.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use millstream_core::{Error, Result};

use crate::{Cancel, Event, Events};

/// Lock of those who write files that no version names yet and hold none of the other locks (shared), and of whoever
/// removes such files (alone).
pub(crate) const FILES_LOCK: &str = "lock-files";

/// How often a waiting process looks whether the lock is free. The system's own waiting cannot be cancelled.
const POLL_MS: u64 = 50;

/// Holds the workspace until it is dropped.
#[derive(Debug)]
pub struct WorkspaceLock {
    // Held for its effect: closing the file gives the lock back.
    _file: File,
}

impl WorkspaceLock {
    /// Takes the lock `file` in the workspace folder, waiting up to `wait` for another holder.
    ///
    /// # Errors
    /// Kind `environment`, retryable, when another process still holds it: the message names its process id.
    pub async fn take(
        workspace: &Path,
        file: &str,
        wait: Duration,
        cancel: &Cancel,
        events: &dyn Events,
    ) -> Result<Self> {
        Self::lock(workspace, file, wait, cancel, events, File::try_lock).await
    }

    /// Takes a share of the lock `file`, beside others who share it and while nobody has it alone.
    ///
    /// # Errors
    /// As [`WorkspaceLock::take`].
    pub async fn share(
        workspace: &Path,
        file: &str,
        wait: Duration,
        cancel: &Cancel,
        events: &dyn Events,
    ) -> Result<Self> {
        Self::lock(workspace, file, wait, cancel, events, File::try_lock_shared).await
    }

    async fn lock(
        workspace: &Path,
        file: &str,
        wait: Duration,
        cancel: &Cancel,
        events: &dyn Events,
        try_lock: fn(&File) -> Result<(), TryLockError>,
    ) -> Result<Self> {
        let path = workspace.join(file);
        let failed = |error: std::io::Error| {
            Error::environment(format!("the workspace's lock file {} cannot be opened", path.display()))
                .why(error)
                .hint("check that the workspace folder belongs to you and is not read-only")
        };
        std::fs::create_dir_all(workspace).map_err(failed)?;
        let mut file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path).map_err(failed)?;
        let deadline = Instant::now() + wait;
        let mut told = false;
        loop {
            match try_lock(&file) {
                Ok(()) => break,
                Err(TryLockError::Error(error)) => return Err(failed(error)),
                Err(TryLockError::WouldBlock) => {}
            }
            let pid = holder(&mut file);
            if Instant::now() >= deadline {
                return Err(held(workspace, pid));
            }
            if !told {
                events.on(&Event::WaitingForLock { pid });
                told = true;
            }
            let pause = async {
                tokio::time::sleep(Duration::from_millis(POLL_MS)).await;
                Ok(())
            };
            cancel.race(pause).await?;
        }
        file.set_len(0)
            .and_then(|()| file.seek(SeekFrom::Start(0)))
            .and_then(|_| file.write_all(std::process::id().to_string().as_bytes()))
            .map_err(failed)?;
        Ok(Self { _file: file })
    }
}

fn holder(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.seek(SeekFrom::Start(0)).ok()?;
    file.read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

fn held(workspace: &Path, pid: Option<u32>) -> Error {
    let who = pid.map_or_else(|| "another process".to_owned(), |pid| format!("process {pid}"));
    Error::environment(format!("{who} is writing to the workspace {}", workspace.display()))
        .why("only one command may write to a workspace at a time; queries are not affected")
        .hint("wait until it has ended, or let this command wait with --wait SECONDS")
        .retryable()
}
