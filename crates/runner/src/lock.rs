//! The workspace's locks: one build at a time, one ingestion of a table at a time, one `up` at a time.
//!
//! | file in the workspace | held by |
//! |---|---|
//! | `lock` | the process that builds |
//! | `lock-next` | the process that is next to build: it keeps `up`, which builds every second, from being first again and again |
//! | `lock-ingest` | shared by all that ingest; alone by the one that tidies up after a dead process |
//! | `locks/ingest-<table>` | the process that ingests into this table |
//! | `lock-up` | `millstream up`, as long as it lives |
//! | `lock-files` | shared by those who write files that no version names yet and hold none of the others; alone by whoever removes such files |
//!
//! Guarantees: a lock is the operating system's (on an open file), so that a process that dies, however it dies, no
//! longer holds it. The process id inside the file is for people; nothing is decided by it.
//!
//! Deliberately absent: locks of single models. Commits are atomic without this lock; it keeps two runs from
//! interleaving, which would mix two states of the project. Only refreshes of one `up` share it, of different models and
//! each from one state of all others.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use millstream_core::{Error, Result};

use crate::{Cancel, Event, Events};

/// How often a waiting process looks whether the lock is free. The system's own waiting cannot be cancelled.
const POLL_MS: u64 = 50;

/// How long anybody waits without a word: whoever asks whether a lock is held has it for a moment.
const ASKED: Duration = Duration::from_millis(2 * POLL_MS);

/// How long a command waits for `millstream up`, whose refreshes are short, when it was not told to wait at all.
const UP_WAIT: Duration = Duration::from_secs(60);

/// The file that builds lock.
pub(crate) const BUILD: &str = "lock";

/// The file that the next build locks.
const NEXT: &str = "lock-next";

/// The file that all ingestions share.
pub(crate) const INGEST: &str = "lock-ingest";

/// The file that is shared by those who write files that no version names yet and hold none of the other locks, and
/// held alone by whoever removes such files.
pub(crate) const FILES_LOCK: &str = "lock-files";

/// The file that `millstream up` locks.
pub(crate) const UP: &str = "lock-up";

/// Holds the workspace until it is dropped.
#[derive(Debug)]
pub struct WorkspaceLock {
    // Held for its effect: closing the file gives the lock back.
    _file: File,
}

impl WorkspaceLock {
    /// Takes the lock `file` in the workspace folder, waiting up to `wait` for another holder, and for `millstream up`
    /// a minute at least.
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
        let mut lock = LockFile::open(workspace, file)?;
        // Whoever waits keeps the turn, so that a holder that comes back at once does not get past.
        let mut turn = if file == BUILD { Some(LockFile::open(workspace, NEXT)?) } else { None };
        let mut has_turn = turn.is_none();
        let began = Instant::now();
        let mut told = false;
        loop {
            if let Some(turn) = turn.as_mut().filter(|_| !has_turn) {
                has_turn = turn.try_lock()?;
            }
            if has_turn && lock.try_lock()? {
                break;
            }
            let waited = began.elapsed();
            if waited >= wait.max(ASKED) && (waited >= UP_WAIT || file != BUILD || !is_up(workspace)?) {
                return Err(held(workspace, lock.holder()));
            }
            if !told && waited >= ASKED {
                events.on(&Event::WaitingForLock { pid: lock.holder() });
                told = true;
            }
            let pause = async {
                tokio::time::sleep(Duration::from_millis(POLL_MS)).await;
                Ok(())
            };
            cancel.race(pause).await?;
        }
        lock.sign()?;
        Ok(Self { _file: lock.file })
    }

    /// Takes a lock now or not at all.
    pub(crate) fn try_take(workspace: &Path, file: &str) -> Result<Option<Self>> {
        let mut lock = LockFile::open(workspace, file)?;
        if !lock.try_lock()? {
            return Ok(None);
        }
        lock.sign()?;
        Ok(Some(Self { _file: lock.file }))
    }

    /// Shares a lock. Whoever has one of the shared ones alone has it for a moment only.
    pub(crate) async fn share(workspace: &Path, file: &str, cancel: &Cancel) -> Result<Self> {
        let lock = LockFile::open(workspace, file)?;
        while !lock.is_locked(lock.file.try_lock_shared())? {
            let pause = async {
                tokio::time::sleep(Duration::from_millis(POLL_MS)).await;
                Ok(())
            };
            cancel.race(pause).await?;
        }
        Ok(Self { _file: lock.file })
    }

    /// The process that holds a lock, where its file tells; for messages.
    pub(crate) fn holder(workspace: &Path, file: &str) -> Option<u32> {
        LockFile::open(workspace, file).ok()?.holder()
    }
}

/// Whether a `millstream up` lives.
pub(crate) fn is_up(workspace: &Path) -> Result<bool> {
    is_held(workspace, UP)
}

/// Whether somebody holds a lock. Of those that many share, two that ask may take each other for a holder.
pub(crate) fn is_held(workspace: &Path, file: &str) -> Result<bool> {
    if !workspace.join(file).exists() {
        return Ok(false);
    }
    let lock = LockFile::open(workspace, file)?;
    // Shared where it can be, so that two that ask do not take each other for a holder.
    let tried = if [INGEST, FILES_LOCK].contains(&file) { lock.file.try_lock() } else { lock.file.try_lock_shared() };
    Ok(!lock.is_locked(tried)?)
}

/// An open lock file.
struct LockFile {
    file: File,
    path: PathBuf,
}

impl LockFile {
    fn open(workspace: &Path, name: &str) -> Result<Self> {
        let path = workspace.join(name);
        let folder = path.parent().unwrap_or(workspace);
        std::fs::create_dir_all(folder).map_err(|error| failed(&path, error))?;
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
        let file = file.map_err(|error| failed(&path, error))?;
        Ok(Self { file, path })
    }

    fn try_lock(&self) -> Result<bool> {
        self.is_locked(self.file.try_lock())
    }

    fn is_locked(&self, tried: Result<(), TryLockError>) -> Result<bool> {
        match tried {
            Ok(()) => Ok(true),
            Err(TryLockError::WouldBlock) => Ok(false),
            Err(TryLockError::Error(error)) => Err(failed(&self.path, error)),
        }
    }

    /// Writes who holds it.
    fn sign(&mut self) -> Result<()> {
        let signed = self
            .file
            .set_len(0)
            .and_then(|()| self.file.seek(SeekFrom::Start(0)))
            .and_then(|_| self.file.write_all(std::process::id().to_string().as_bytes()));
        signed.map_err(|error| failed(&self.path, error))
    }

    fn holder(&mut self) -> Option<u32> {
        let mut text = String::new();
        self.file.seek(SeekFrom::Start(0)).ok()?;
        self.file.read_to_string(&mut text).ok()?;
        text.trim().parse().ok()
    }
}

fn failed(path: &Path, error: std::io::Error) -> Error {
    Error::environment(format!("the workspace's lock file {} cannot be opened", path.display()))
        .why(error)
        .hint("check that the workspace folder belongs to you and is not read-only")
}

fn held(workspace: &Path, pid: Option<u32>) -> Error {
    let who = pid.map_or_else(|| "another process".to_owned(), |pid| format!("process {pid}"));
    Error::environment(format!("{who} is writing to the workspace {}", workspace.display()))
        .why("only one command may write to a workspace at a time; queries are not affected")
        .hint("wait until it has ended, or let this command wait with --wait SECONDS")
        .retryable()
}
