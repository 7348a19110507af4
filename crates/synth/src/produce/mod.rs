//! `millstream produce`: the Kafka producer of made-up streaming transactions.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use millstream_core::{Clock, Error, Progress, Result};

/// How fast messages are made.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Pace {
    /// One message every so often; the first at once.
    Every(Duration),
    /// So many messages a second.
    PerSecond(f64),
    /// As fast as the broker takes them.
    Unlimited,
}

/// What to produce.
#[derive(Clone)]
pub struct ProduceOptions {
    /// Bootstrap servers, `host:port[,host:port…]`.
    pub brokers: String,
    /// Topic; created by the broker on first use where it allows that.
    pub topic: String,
    /// How fast.
    pub pace: Pace,
    /// Stop after so many messages; `None` goes on until `stop`.
    pub count: Option<u64>,
    /// Folder with `user_registrations_YYYY_MM.csv` files; user ids come from the newest month.
    pub users_from: Option<PathBuf>,
    /// Same seed and clock, same messages.
    pub seed: u64,
    /// Share (0 to 1) of messages that are sent a second time, as an at-least-once producer would.
    pub duplicates: f64,
    /// librdkafka settings, which win over ours (`-X key=value`).
    pub properties: Vec<(String, String)>,
    /// Set to true (by Ctrl-C) to stop: what is queued is flushed, then the report is returned.
    pub stop: Arc<AtomicBool>,
    /// How long to wait for the broker at the start.
    pub connect_timeout: Duration,
    /// How long the flush at the end may take.
    pub flush_timeout: Duration,
}

impl ProduceOptions {
    /// Default of `connect_timeout`: 10 s.
    pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
    /// Default of `flush_timeout`: 30 s.
    pub const FLUSH_TIMEOUT: Duration = Duration::from_secs(30);
}

/// Where the user ids came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UsersSource {
    /// The newest user file of the folder.
    File {
        /// The file.
        path: PathBuf,
        /// Ids read from it.
        users: u64,
    },
    /// No file was found: ids are random.
    Random {
        /// Number of made-up ids.
        users: u64,
    },
}

/// What was produced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProduceReport {
    /// Messages handed to the client (repeats included).
    pub sent: u64,
    /// Messages that the broker acknowledged.
    pub delivered: u64,
    /// Messages that failed or were still unacknowledged when the flush timed out. Not 0: the command fails.
    pub failed: u64,
    /// The first delivery failure, in words.
    pub first_failure: Option<String>,
    /// How many of `sent` were repeats of an earlier message.
    pub repeats: u64,
    /// Bytes of keys and values delivered.
    pub bytes: u64,
    /// From the first message to the end of the flush.
    pub elapsed: Duration,
    /// Where the user ids came from.
    pub users: UsersSource,
}

/// Sends messages until `count` or `stop`, then flushes. Blocks: call it on a thread of its own.
///
/// # Errors
/// Kind `usage` for options or properties that are out of range or unknown, `user` for a user file that cannot be
/// read, `external` when no broker answers within `connect_timeout`. Delivery failures are no error: they are counted.
pub fn produce(_options: &ProduceOptions, _clock: &dyn Clock, _progress: &dyn Progress) -> Result<ProduceReport> {
    Err(Error::ours("not built yet"))
}
