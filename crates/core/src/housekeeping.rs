//! Housekeeping of tables: what may be asked for, and what was done.

use std::time::Duration;

use crate::TableName;

/// How long past versions of a table can be read unless told otherwise: a week, as other programs that keep Delta
/// tables have it.
pub const RETENTION_DEFAULT: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// The shortest retention that needs no word of its own. Queries and incremental refreshes that run read the version
/// that they began with; they must have ended when its files go.
pub const RETENTION_MIN: Duration = Duration::from_secs(60 * 60);

/// Age from which a file that no version names counts as left behind. A writer has at most this long between writing a
/// file and committing it: a staged model whose tests run for hours stays whole.
pub const UNNAMED_AGE_MIN: Duration = Duration::from_secs(24 * 60 * 60);

/// What a table's history says of a compaction, as other programs that keep Delta tables have it. It changes no row.
pub const COMPACTION: &str = "OPTIMIZE";

/// What housekeeping may do to a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Upkeep {
    /// Versions that were the latest within this time stay readable.
    pub retention: Duration,
    /// Files that no version names are removed when they are older than this. Shorter than [`UNNAMED_AGE_MIN`] only
    /// where nobody else writes.
    pub unnamed_age: Duration,
    /// Tell what would be done, and do nothing.
    pub is_dry_run: bool,
    /// Only put small files together, whose cost follows what has come since the last time. Removing looks at every
    /// commit within the retention: for a table with a commit each second, once an hour is enough.
    pub is_compaction_only: bool,
    /// Files that are younger are not put together: what was written just now is changed soonest (late repeats), and a row
    /// of a small file is replaced more cheaply than one of a large file.
    pub settled_after: Duration,
    /// How many times as long as it works it rests in between, so that what others wait for is hardly slowed.
    pub rests: u32,
}

impl Default for Upkeep {
    fn default() -> Self {
        Self {
            retention: RETENTION_DEFAULT,
            unnamed_age: UNNAMED_AGE_MIN,
            is_dry_run: false,
            is_compaction_only: false,
            settled_after: Duration::ZERO,
            rests: 0,
        }
    }
}

/// What was done to one table, or would be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Maintained {
    /// The table.
    pub table: TableName,
    /// Its data files before and after.
    pub files_before: u64,
    /// As above. In a dry run as before.
    pub files_after: u64,
    /// Small files that were put together.
    pub compacted_files: u64,
    /// Their bytes: what was read and written again.
    pub compacted_bytes: u64,
    /// Commits whose files went out of the log; their state is in a checkpoint.
    pub commits_removed: u64,
    /// Checkpoints that nothing needs any more.
    pub checkpoints_removed: u64,
    /// Data files that no kept version names.
    pub files_removed: u64,
    /// Their bytes.
    pub bytes_removed: u64,
    /// What was left for the next time, told to a person.
    pub left: Option<String>,
}

impl Maintained {
    /// Nothing done yet to a table with this many files.
    pub fn of(table: TableName, files: u64) -> Self {
        Self {
            table,
            files_before: files,
            files_after: files,
            compacted_files: 0,
            compacted_bytes: 0,
            commits_removed: 0,
            checkpoints_removed: 0,
            files_removed: 0,
            bytes_removed: 0,
            left: None,
        }
    }

    /// Whether anything was done.
    pub fn is_changed(&self) -> bool {
        self.compacted_files + self.commits_removed + self.checkpoints_removed + self.files_removed > 0
    }
}
