//! Opening `state.db`, and what SQLite's errors mean to the user.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use millstream_core::{Error, Result};
use rusqlite::{Connection, ErrorCode};

/// How long a statement waits for another process's write before it gives up. Writes here take well under a
/// millisecond, so that only a stopped process can hold the file for so long.
pub const BUSY_TIMEOUT_MS: u64 = 10_000;

/// The workspace's `state.db`, open. Calls may come from several threads; they run one after the other.
#[derive(Debug)]
pub struct Store {
    connection: Mutex<Connection>,
    path: PathBuf,
}

impl Store {
    /// Opens the file, makes it (and its folder) when it is not there, and brings its tables up to date.
    ///
    /// # Errors
    /// Kind `environment` when the file cannot be opened, is damaged, belongs to another program or was written by
    /// a newer Millstream.
    pub fn open(path: &Path) -> Result<Self> {
        let shown = path.display().to_string();
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(|error| {
                Error::environment(format!("the workspace folder {} cannot be made", folder.display())).why(error)
            })?;
        }
        let to_error = |error| sqlite_error(error, &shown);
        let mut connection = Connection::open(path).map_err(to_error)?;
        connection.busy_timeout(Duration::from_millis(BUSY_TIMEOUT_MS)).map_err(to_error)?;
        use_write_ahead_log(&connection).map_err(to_error)?;
        // With a write-ahead log, `normal` may lose the last commits on a power cut but never damages the file;
        // ledger lines are repaired from the tables' own history.
        connection.pragma_update(None, "synchronous", "normal").map_err(to_error)?;
        connection.pragma_update(None, "foreign_keys", true).map_err(to_error)?;
        crate::migrate::migrate(&mut connection, &shown)?;
        Ok(Self { connection: Mutex::new(connection), path: path.to_path_buf() })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A panic of another thread while it held the connection leaves at worst a transaction that was rolled back.
    pub(crate) fn connection(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn error(&self, error: rusqlite::Error) -> Error {
        sqlite_error(error, &self.path.display().to_string())
    }
}

/// SQLite does not wait (busy timeout or not) when two connections change the mode of a new file at once.
fn use_write_ahead_log(connection: &Connection) -> rusqlite::Result<()> {
    let deadline = Instant::now() + Duration::from_millis(BUSY_TIMEOUT_MS);
    loop {
        match connection.query_row("pragma journal_mode = wal", [], |row| row.get::<_, String>(0)) {
            Err(error) if is_busy(&error) && Instant::now() < deadline => {
                std::thread::sleep(Duration::from_millis(5));
            }
            Err(error) => return Err(error),
            Ok(_) => return Ok(()),
        }
    }
}

fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}

/// An error of SQLite about `file`, told to a person.
pub(crate) fn sqlite_error(error: rusqlite::Error, file: &str) -> Error {
    let told = match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => Error::environment(format!("{file} is not a SQLite database"))
            .hint("move the file away; the history of runs starts anew and the next ingest rebuilds the ledger"),
        Some(ErrorCode::DatabaseCorrupt) => Error::environment(format!("{file} is damaged"))
            .hint("move the file (and its -wal and -shm) away; the history of runs starts anew and the next ingest rebuilds the ledger"),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            Error::environment(format!("{file} is held by another process"))
                .hint(format!("end the process that holds it; waited {BUSY_TIMEOUT_MS} ms"))
                .retryable()
        }
        Some(ErrorCode::CannotOpen | ErrorCode::PermissionDenied | ErrorCode::ReadOnly) => {
            Error::environment(format!("{file} cannot be opened for writing"))
                .hint("check that the workspace folder belongs to you and is not read-only")
        }
        Some(ErrorCode::DiskFull | ErrorCode::SystemIoFailure) => {
            Error::environment(format!("{file} cannot be written")).hint("check the disk's free space and health")
        }
        _ => Error::ours(format!("a statement on {file} failed")),
    };
    told.why(error)
}
