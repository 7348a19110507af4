//! Keeps the history short, and the tables quick.
//!
//! Guarantees: it works on a thread of its own with a low priority, so that what it does takes little from refreshes that
//! somebody waits for: what the machine has left over.

use std::sync::Arc;
use std::time::Duration;

use millstream_core::housekeeping::Upkeep;
use millstream_store::Cause;
use tokio::sync::oneshot;

use super::REFRESH_RUNS_KEPT;
use super::event::LiveEvent;
use super::priority;
use super::shared::Shared;
use crate::MaintainRequest;

/// How often it looks: often enough that one look has little to do.
const UPKEEP_EVERY: Duration = Duration::from_secs(15);

/// Rounds of housekeeping between two that remove what no version within the retention needs, and old runs.
const ROUNDS_PER_CLEANING: u32 = 240;

/// Age from which files are put together.
const SETTLED_AFTER: Duration = Duration::from_secs(15);

/// How many times as long as it works it rests: a processor's other half is not free either.
const RESTS: u32 = 3;

/// Priority of its thread, 0 to 99; a niceness of 10 on Linux: a tenth of what others get when all want the processor.
const PRIORITY: u8 = 25;

/// Keeps house until it is asked to end.
pub(super) async fn upkeep(shared: Arc<Shared>, retention: Duration) {
    let (done, ended) = oneshot::channel::<()>();
    let own = Arc::clone(&shared);
    let thread = std::thread::Builder::new().name("upkeep".into()).spawn(move || {
        priority::lower(PRIORITY);
        match tokio::runtime::Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => {
                runtime.block_on(async {
                    tokio::select! {
                        biased;
                        // What a table's housekeeping has written and not committed is removed as that of a dead process.
                        () = own.hard.cancelled() => {}
                        () = rounds(&own, retention) => {}
                    }
                });
                // What is under way on other threads ends by itself, or with the process.
                runtime.shutdown_background();
            }
            Err(error) => own.tell(&LiveEvent::Note { message: &format!("nobody keeps house: {error}") }),
        }
        drop(done);
    });
    match thread {
        // The channel closes when the thread ends, however it does.
        Ok(_) => drop(ended.await),
        Err(error) => shared.tell(&LiveEvent::Note { message: &format!("nobody keeps house: {error}") }),
    }
}

async fn rounds(shared: &Shared, retention: Duration) {
    let mut rounds: u32 = 0;
    while !shared.soft.is_cancelled() {
        if let Err(error) = shared.runner.store.prune_runs(&[Cause::Change, Cause::Start], REFRESH_RUNS_KEPT) {
            shared.tell(&LiveEvent::Note { message: &error.to_string() });
        }
        // What came in since the last time is put together each time; what is old is looked for once an hour.
        let is_compaction_only = !rounds.is_multiple_of(ROUNDS_PER_CLEANING);
        let upkeep =
            Upkeep { retention, is_compaction_only, settled_after: SETTLED_AFTER, rests: RESTS, ..Upkeep::default() };
        rounds = rounds.wrapping_add(1);
        let request = MaintainRequest { upkeep, cancel: shared.soft.clone(), ..MaintainRequest::default() };
        match shared.runner.maintain(&request).await {
            Ok(summary) => {
                for (table, error) in summary.failed {
                    shared.tell(&LiveEvent::Note { message: &format!("{table} could not be kept in order: {error}") });
                }
            }
            Err(error) => shared.tell(&LiveEvent::Note { message: &error.to_string() }),
        }
        shared.sleep(UPKEEP_EVERY).await;
    }
}
