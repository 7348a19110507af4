//! Asking an ingestion that follows a topic to wait: back-pressure.
//!
//! Guarantees: who waits has committed what it had read; its partitions are paused, so that the client fetches nothing
//! more, and it goes on where it was. A stop is seen meanwhile.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Asks to wait. Clones share one flag.
#[derive(Debug, Clone, Default)]
pub struct HoldFlag(Arc<AtomicBool>);

impl HoldFlag {
    /// Asks to wait, or to go on.
    pub fn set(&self, is_held: bool) {
        self.0.store(is_held, Ordering::Relaxed);
    }

    /// Whether waiting is asked for.
    pub fn is_held(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
