//! Every named limit that more than one crate obeys, with the reason for its value.

/// Rows in one Arrow batch. DataFusion's own default, so that batches pass through without being re-cut.
pub const BATCH_ROWS: usize = 8_192;

/// Bytes in one input record (a CSV row, a Kafka message). A longer one goes to quarantine with its first bytes.
pub const RECORD_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Bytes of a record that quarantine keeps. Longer records are cut there and the rule `record_too_long` says so.
pub const QUARANTINE_RAW_BYTES_MAX: usize = 1024 * 1024;

/// Share of broken rows above which a file is refused whole, unless its contract declares another.
pub const ERROR_SHARE_MAX_DEFAULT: f64 = 0.05;

/// Threads that a command uses when nothing is declared: the machine's, but no more than this.
pub const THREADS_MAX_DEFAULT: usize = 16;
