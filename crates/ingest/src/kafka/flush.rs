//! Asking an ingestion that follows a topic to commit now.
//!
//! Guarantees: who asks while messages wait to be committed has them committed at once; who asks while none do has the
//! next ones committed as they come. Asking once is good for one commit.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Asks for a commit. Clones share one question.
#[derive(Debug, Clone, Default)]
pub struct FlushFlag(Arc<State>);

#[derive(Debug, Default)]
struct State {
    is_asked: AtomicBool,
    has_rows: AtomicBool,
    /// Commits so far.
    commits: AtomicU64,
}

impl FlushFlag {
    /// Asks for a commit of what was read, or of what comes next.
    pub fn ask(&self) {
        self.0.is_asked.store(true, Ordering::Relaxed);
    }

    /// Whether messages were read that are not committed.
    pub fn has_rows(&self) -> bool {
        self.0.has_rows.load(Ordering::Relaxed)
    }

    /// How many commits there were.
    pub fn commits(&self) -> u64 {
        self.0.commits.load(Ordering::Relaxed)
    }

    pub(super) fn is_asked(&self) -> bool {
        self.0.is_asked.load(Ordering::Relaxed)
    }

    /// The question is answered by the segment that ends now.
    pub(super) fn answer(&self) {
        self.0.is_asked.store(false, Ordering::Relaxed);
    }

    /// What was read is committed.
    pub(super) fn committed(&self) {
        self.rows(false);
        self.0.commits.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn rows(&self, has_rows: bool) {
        self.0.has_rows.store(has_rows, Ordering::Relaxed);
    }
}
