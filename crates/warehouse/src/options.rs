//! How an embedded warehouse is opened.

use std::path::PathBuf;
use std::sync::Arc;

use millstream_core::limits::THREADS_MAX_DEFAULT;
use millstream_core::{Clock, SystemClock};

/// Bytes of memory that queries may use together, unless told otherwise.
pub const MEMORY_LIMIT_BYTES_DEFAULT: usize = 2 * 1024 * 1024 * 1024;

/// Makes the ids in file names. A seam, so that tests get the same names each time.
pub trait Ids: Send + Sync {
    /// An id that no other call returns, in this process or another; letters, digits and `-` only.
    fn next(&self) -> String;
}

/// Random ids (UUID version 4).
#[derive(Debug, Clone, Copy, Default)]
pub struct RandomIds;

impl Ids for RandomIds {
    fn next(&self) -> String {
        uuid::Uuid::new_v4().to_string()
    }
}

/// Options of [`crate::EmbeddedWarehouse::open`].
#[derive(Clone)]
pub struct EmbeddedOptions {
    /// Bytes of memory that all running queries may use together for sorts, joins and groups. What does not fit is
    /// spilled to disk; what cannot be spilled fails with an environment error.
    pub memory_limit_bytes: usize,
    /// Threads that one query may use.
    pub threads: usize,
    /// Where queries spill. `None`: the folder `.spill` in the warehouse.
    pub spill_folder: Option<PathBuf>,
    /// Tells the time of commits.
    pub clock: Arc<dyn Clock>,
    /// Makes the ids in file names.
    pub ids: Arc<dyn Ids>,
}

impl Default for EmbeddedOptions {
    fn default() -> Self {
        let machine = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            memory_limit_bytes: MEMORY_LIMIT_BYTES_DEFAULT,
            threads: machine.min(THREADS_MAX_DEFAULT),
            spill_folder: None,
            clock: Arc::new(SystemClock),
            ids: Arc::new(RandomIds),
        }
    }
}
