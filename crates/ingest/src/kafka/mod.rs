//! A Kafka topic into a raw table, from the positions that the table holds.
//!
//! Guarantees:
//! - Exactly once: a commit carries its rows and the next offsets of all partitions that moved. Reading starts from
//!   the raw table's positions; offsets are committed to the consumer group only so that other tools can show the lag.
//! - Draining ends at the ends that were seen at the start; following goes on until it is asked to stop, finds new
//!   partitions, and commits what it has read at the end.
//! - Offsets that the broker no longer has stop the ingestion with an error, or are skipped on the user's word and
//!   told in the ledger. They are never passed over in silence.
//! - A topic that was made anew under the same name is told like that, even when it has grown past the position: the message
//!   that was loaded last is looked at before anything behind it is read. Where the broker has removed that one (retention,
//!   compaction), or messages have no time, it cannot be.
//! - A message that cannot be decoded is in quarantine, whatever its bytes.
//! - At the end of a partition the position is behind it even where its last offsets hold no messages (transaction
//!   markers, aborted messages, what compaction took away), so that nobody misses these when the broker deletes them.
//! - Asked to stop, it does not wait for a broker that does not answer.
//!
//! Deliberately absent: consumer group assignment (one process reads a topic into one table), Avro and Protobuf.

mod client;
mod commit;
mod eof;
mod flush;
mod hold;
mod positions;
mod reading;
mod run;
mod segment;
mod watch;
mod worker;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use millstream_core::{Clock, Error, Ledger, Progress, Result, Warehouse};

use crate::contract::SourceKind;
use crate::{Contract, UnitReport};

pub use flush::FlushFlag;
pub use hold::HoldFlag;
pub use positions::newest_message;
pub use watch::{KafkaCommit, PartitionAt, PartitionMoved, Watch};

/// What to do when the broker no longer has the offsets that come next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnGap {
    /// Stop with an error that tells the range.
    #[default]
    Fail,
    /// Go on at the earliest offset that is there, and write the range into the ledger.
    Skip,
}

/// Asks a running ingestion to stop; it commits what it has read first. Clones share one flag.
#[derive(Debug, Clone, Default)]
pub struct StopFlag(Arc<AtomicBool>);

impl StopFlag {
    /// Asks to stop.
    pub fn stop(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
    /// Whether stopping was asked for.
    pub fn is_stopped(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// How to ingest a Kafka topic.
#[derive(Clone)]
pub struct KafkaOptions {
    /// librdkafka settings that add to and override the contract's `properties`. Values are never printed.
    pub properties: BTreeMap<String, String>,
    /// Go on after the end that was seen at the start, until [`KafkaOptions::stop`].
    pub follow: bool,
    /// What to do when the next offsets are gone.
    pub on_gap: OnGap,
    /// Messages in one commit, at most.
    pub max_batch_rows: u64,
    /// Following: time from the first message that is not committed to its commit, in milliseconds.
    pub flush_ms: u64,
    /// Following: asks for a commit before that time.
    pub flush: FlushFlag,
    /// Following: asks to wait, with all partitions paused.
    pub hold: HoldFlag,
    /// Threads that decode; at least 1.
    pub threads: usize,
    /// Asks to stop.
    pub stop: StopFlag,
    /// Told how far it is.
    pub watch: Option<Arc<dyn Watch>>,
}

impl Default for KafkaOptions {
    fn default() -> Self {
        Self {
            properties: BTreeMap::new(),
            follow: false,
            on_gap: OnGap::Fail,
            max_batch_rows: 2_000_000,
            flush_ms: 1_000,
            flush: FlushFlag::default(),
            hold: HoldFlag::default(),
            threads: 2,
            stop: StopFlag::default(),
            watch: None,
        }
    }
}

impl std::fmt::Debug for KafkaOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KafkaOptions")
            .field("properties", &self.properties.keys().collect::<Vec<_>>())
            .field("follow", &self.follow)
            .field("on_gap", &self.on_gap)
            .field("max_batch_rows", &self.max_batch_rows)
            .field("flush_ms", &self.flush_ms)
            .field("threads", &self.threads)
            .finish_non_exhaustive()
    }
}

/// Ingests a topic. One report for each partition that had messages, over all commits of this call (the ledger has a
/// line for each commit), and one for each gap that was skipped.
///
/// Needs a Tokio runtime with its timer enabled; reading and decoding run on threads of their own.
pub async fn ingest_kafka(
    contract: &Contract,
    options: &KafkaOptions,
    warehouse: &dyn Warehouse,
    ledger: &dyn Ledger,
    clock: &dyn Clock,
    progress: &dyn Progress,
) -> Result<Vec<UnitReport>> {
    let SourceKind::Kafka(source) = contract.source() else {
        return Err(Error::ours(format!("{} is not a Kafka source", contract.table())));
    };
    let reports = run::run(contract, source, options, warehouse, ledger, clock, progress).await;
    progress.finish();
    reports
}

#[cfg(test)]
mod tests;
