//! Versions of live models that somebody else has made: rows changed by hand, a table dropped.
//!
//! Guarantees: such a model is refreshed, and with it what reads it, also when none of its inputs changes: a table that is
//! not as its last refresh left it is made whole.
//!
//! Deliberately absent: what was written within [`super::refresher`]'s two seconds after a refresh, which may as well be a
//! hook's of that refresh, and would be refreshed for ever; the next change of an input finds it.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use millstream_core::Result;

use super::shared::Shared;

/// The version of each live model's table at the last look; none where there is no table.
#[derive(Default)]
pub(super) struct Own {
    seen: BTreeMap<usize, (Option<DateTime<Utc>>, Option<u64>)>,
}

impl Own {
    /// Marks models whose table has another version than at the last look, though they were not refreshed meanwhile.
    ///
    /// # Errors
    /// A table cannot be read.
    pub(super) async fn look(&mut self, shared: &Shared) -> Result<()> {
        for (number, node) in shared.graph.nodes.iter().enumerate() {
            let refreshed = || shared.board.lock().models.get(&node.name).and_then(|model| model.last_refresh);
            let is_open = || shared.pending().since(number).is_some() || shared.pending().is_at_work(number);
            let before = refreshed();
            // What waits for a refresh is put right by it.
            if before.is_none() || is_open() {
                self.seen.remove(&number);
                continue;
            }
            let version = shared.runner.warehouse.table_state(&node.table).await?.map(|state| state.version);
            // A refresh that began while it was looked may have made it.
            if is_open() || refreshed() != before {
                self.seen.remove(&number);
                continue;
            }
            let last = self.seen.insert(number, (before, version));
            if last.is_some_and(|(at, seen)| at == before && seen != version) {
                shared.versions().remove(&node.unique_id);
                shared.mark([number].into_iter().chain(shared.graph.downstream(&node.unique_id)));
            }
        }
        Ok(())
    }
}
