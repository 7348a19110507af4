//! What an ingestion of a topic tells while it works, for whoever shows how far it is.
//!
//! Guarantees: nothing is decided by it; an ingestion that nobody watches does the same.

use std::time::Duration;

use chrono::{DateTime, Utc};

/// Told how far the ingestion of a topic is. Calls come from several threads and must not take long.
pub trait Watch: Send + Sync {
    /// The broker answered: partitions and where each goes on. Told again whenever the broker is asked for new ones.
    fn reading(&self, partitions: &[PartitionAt]);
    /// All brokers are away or refuse us; the client goes on trying.
    fn trouble(&self, message: &str);
    /// The end of each partition, as the broker last told it.
    fn ends(&self, ends: &[(i32, i64)]);
    /// Rows and positions are visible in the raw table.
    fn committed(&self, commit: &KafkaCommit);
}

/// Where a partition is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PartitionAt {
    /// Its number.
    pub partition: i32,
    /// The next offset to read.
    pub next: i64,
    /// The offset after the last that the broker has, where it was told.
    pub end: Option<i64>,
}

/// One commit of a topic's rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KafkaCommit {
    /// Version of the raw table that first shows the rows.
    pub version: Option<u64>,
    /// Partitions that moved.
    pub partitions: Vec<PartitionMoved>,
    /// How long the commit took, both tables and the ledger.
    pub elapsed: Duration,
}

/// What a commit did with one partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PartitionMoved {
    /// Its number.
    pub partition: i32,
    /// The next offset to read.
    pub next: i64,
    /// Messages that are in the raw table.
    pub rows_loaded: u64,
    /// Messages that are in quarantine.
    pub rows_quarantined: u64,
    /// The time of the newest of these messages, as its producer or broker set it.
    pub newest: Option<DateTime<Utc>>,
}
