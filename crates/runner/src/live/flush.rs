//! When topics commit what they have read: just before a refresh that needs it begins, so that what is shown is not older
//! than it must be, and not in the middle of one, when nobody would see it.
//!
//! Guarantees: nothing waits for a topic for long; without anyone who asks, a topic commits as often as it was told.

use std::time::{Duration, Instant};

use millstream_ingest::FlushFlag;

use super::shared::Shared;

/// How long a refresh that is due waits for the commits that it asked for.
const WAIT_MAX: Duration = Duration::from_millis(100);

/// How often it looks whether they are there.
const LOOKED_EVERY: Duration = Duration::from_millis(2);

/// Asks the topics whose changes begin a refresh at once to commit what comes next.
pub(super) fn ask(shared: &Shared) {
    urgent(shared).for_each(FlushFlag::ask);
}

/// Has the same topics commit what they have read.
pub(super) async fn have_committed(shared: &Shared) {
    let began = Instant::now();
    let waiting = urgent(shared).filter(|flush| flush.has_rows()).map(|flush| (flush, flush.commits()));
    let waiting: Vec<(&FlushFlag, u64)> = waiting.collect();
    waiting.iter().for_each(|(flush, _)| flush.ask());
    let is_open = |(flush, before): &(&FlushFlag, u64)| flush.has_rows() && flush.commits() == *before;
    while waiting.iter().any(is_open) && began.elapsed() < WAIT_MAX {
        shared.sleep(LOOKED_EVERY).await;
        if shared.soft.is_cancelled() {
            return;
        }
    }
}

fn urgent(shared: &Shared) -> impl Iterator<Item = &FlushFlag> {
    let pending = shared.pending();
    let topics = shared.topics.iter().filter(move |topic| pending.is_urgent(&shared.graph, &topic.unique_id));
    topics.map(|topic| &topic.flush)
}
