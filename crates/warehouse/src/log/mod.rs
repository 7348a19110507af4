//! Our reading and writing of the Delta log: which files and positions a version of a table has.
//!
//! Guarantees: a commit is one file that appears whole or not at all, and only one writer gets a version number.
//! Positions (application transactions) are read back in full.
//!
//! Why not `deltalake` for this: neither it nor its kernel lists all application transactions of a table (only one by
//! name, with a replay of the log for each), and invariant 1 is built on that list; and a cached snapshot here learns
//! of "nothing new" from one `stat`. `deltalake` writes our checkpoints, and tests read every table through it.
//!
//! Deliberately absent: deletion vectors, column mapping, partition columns, checkpoints of the second version.
//! A table that another program gave one of these is refused with a message that says which.

pub(crate) mod action;
pub(crate) mod changes;
pub(crate) mod checkpoint;
pub(crate) mod commit;
mod file_set;
pub(crate) mod history;
mod read;
pub(crate) mod schema;
mod snapshot;
pub(crate) mod stats;
mod support;

pub(crate) use action::{Action, Add, CommitInfo, Metadata, Protocol, Remove, Txn};
pub(crate) use read::{Freshness, file_name, is_damaged, latest, list, load, read_commit, unnamed};
pub(crate) use snapshot::{DataFile, Snapshot, content_of};
pub(crate) use support::{check_writable, protocol_for};

/// Folder of the log in a table's folder.
pub(crate) const LOG_FOLDER: &str = "_delta_log";

/// File name of a commit.
pub(crate) fn commit_file(version: u64) -> String {
    format!("{version:020}.json")
}
