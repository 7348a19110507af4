//! Refreshes of what may be older, beside those that may not: a model that has an hour holds up none that has a second.
//!
//! Guarantees: one such refresh at a time, of nodes that no other one touches; it reads one state of all tables, that of
//! its beginning, whatever is published meanwhile; its threads have a lower priority, so that the others keep their pace
//! and it gets what they leave.

use std::collections::BTreeSet;
use std::future::pending;
use std::sync::Arc;
use std::time::{Duration, Instant};

use millstream_core::{Error, Result};
use millstream_store::Cause;
use tokio::task::JoinHandle;

use super::apart::Apart;
use super::refresh::{Cut, Refreshed};
use super::refresher::carry_out;
use super::shared::Shared;

/// Priority of its threads, 0 to 99; a niceness of 5 on Linux: a third of what others get when all want the processor.
const PRIORITY: u8 = 36;

/// How it ended, and how long it took.
pub(super) type Ended = (Result<Vec<Refreshed>>, Duration);

/// The refresh that goes on beside the others, if there is one.
pub(super) struct Beside {
    threads: usize,
    /// Made with the first refresh.
    apart: Option<Apart>,
    at_work: Option<JoinHandle<Ended>>,
}

impl Beside {
    /// Nothing goes on; it may use so many threads.
    pub(super) fn new(threads: usize) -> Self {
        Self { threads, apart: None, at_work: None }
    }

    /// Whether a refresh goes on.
    pub(super) fn is_at_work(&self) -> bool {
        self.at_work.is_some()
    }

    /// Begins the refresh of these nodes.
    pub(super) fn begin(&mut self, shared: &Arc<Shared>, nodes: BTreeSet<usize>, cut: Cut) {
        let shared = Arc::clone(shared);
        let work = async move {
            let began = Instant::now();
            let done = carry_out(&shared, &nodes, Cause::Change, Some(cut)).await;
            (done, began.elapsed())
        };
        let apart = self.apart.get_or_insert_with(|| Apart::new("beside", self.threads, Some(PRIORITY)));
        self.at_work = Some(apart.spawn(work));
    }

    /// Waits until the refresh has ended; while there is none, for ever.
    pub(super) async fn ended(&mut self) -> Ended {
        let Some(at_work) = &mut self.at_work else { return pending().await };
        let ended = at_work.await;
        self.at_work = None;
        ended.unwrap_or_else(|error| (Err(Error::ours("a refresh ended badly").why(error)), Duration::ZERO))
    }
}
