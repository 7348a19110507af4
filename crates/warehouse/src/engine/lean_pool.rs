//! Memory of attempts that do with little: everyone gets a share, and nobody's first few mebibytes depend on the others.
//!
//! Guarantees: a sort, and the merge of what it has spilled, never take more than their share, so that the sorts of all
//! joins of a query go on side by side; together they stay below the limit but for the floor of each.
//!
//! The engine's own pools do not do for that: they take a merge for something that cannot do with less, though it merges
//! fewer runs at a time then, and let the first take all.

use std::collections::HashMap;
use std::fmt;

use datafusion::common::resources_datafusion_err;
use datafusion::error::Result as EngineResult;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryLimit, MemoryPool, MemoryReservation};
use parking_lot::Mutex;

/// Bytes that every operator gets, whatever the others have: some batches of rows.
const FLOOR_BYTES: usize = 4 * 1024 * 1024;

/// Sorts are this many, or more: those that begin first leave room for the next.
const SORTS_MIN: usize = 8;

/// Merges of sorted runs, as the engine calls them. They spill in steps where memory is short.
const MERGE: &str = "ExternalSorterMerge";

/// A pool of so many bytes.
#[derive(Debug)]
pub(super) struct LeanPool {
    limit_bytes: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Operators that can do with less, each with a share of its own.
    sharing: usize,
    merging: usize,
    reserved: usize,
    by_consumer: HashMap<usize, usize>,
}

impl LeanPool {
    pub(super) fn new(limit_bytes: usize) -> Self {
        Self { limit_bytes, state: Mutex::default() }
    }
}

fn is_merge(consumer: &MemoryConsumer) -> bool {
    consumer.name().starts_with(MERGE)
}

impl State {
    fn count(&mut self, consumer: &MemoryConsumer) -> Option<&mut usize> {
        match (consumer.can_spill(), is_merge(consumer)) {
            (true, _) => Some(&mut self.sharing),
            (false, true) => Some(&mut self.merging),
            (false, false) => None,
        }
    }

    fn add(&mut self, consumer: &MemoryConsumer, bytes: usize) {
        self.reserved += bytes;
        *self.by_consumer.entry(consumer.id()).or_default() += bytes;
    }
}

impl MemoryPool for LeanPool {
    fn name(&self) -> &str {
        "lean"
    }

    fn register(&self, consumer: &MemoryConsumer) {
        let mut state = self.state.lock();
        if let Some(count) = state.count(consumer) {
            *count += 1;
        }
    }

    fn unregister(&self, consumer: &MemoryConsumer) {
        let mut state = self.state.lock();
        state.by_consumer.remove(&consumer.id());
        if let Some(count) = state.count(consumer) {
            *count = count.saturating_sub(1);
        }
    }

    fn grow(&self, reservation: &MemoryReservation, additional: usize) {
        self.state.lock().add(reservation.consumer(), additional);
    }

    fn shrink(&self, reservation: &MemoryReservation, shrink: usize) {
        let mut state = self.state.lock();
        state.reserved = state.reserved.saturating_sub(shrink);
        if let Some(bytes) = state.by_consumer.get_mut(&reservation.consumer().id()) {
            *bytes = bytes.saturating_sub(shrink);
        }
    }

    fn try_grow(&self, reservation: &MemoryReservation, additional: usize) -> EngineResult<()> {
        let consumer = reservation.consumer();
        let mut state = self.state.lock();
        let held = state.by_consumer.get(&consumer.id()).copied().unwrap_or(0);
        let wanted = held + additional;
        let share = match state.count(consumer) {
            Some(count) => self.limit_bytes / 2 / (*count).max(SORTS_MIN),
            None => self.limit_bytes,
        };
        let has_room = wanted <= share && state.reserved + additional <= self.limit_bytes;
        // Who has nothing can do nothing with less than a batch, which looks larger than it is where its text is part of
        // buffers that many share.
        let is_first = held == 0 && additional <= self.limit_bytes;
        if wanted > FLOOR_BYTES && !has_room && !is_first {
            return Err(resources_datafusion_err!(
                "{} wants {wanted} bytes; its share is {}, and of {} bytes {} are taken",
                consumer.name(),
                share.max(FLOOR_BYTES),
                self.limit_bytes,
                state.reserved
            ));
        }
        state.add(consumer, additional);
        Ok(())
    }

    fn reserved(&self) -> usize {
        self.state.lock().reserved
    }

    fn memory_limit(&self) -> MemoryLimit {
        MemoryLimit::Finite(self.limit_bytes)
    }
}

impl fmt::Display for LeanPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} bytes", self.name(), self.limit_bytes)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::Arc;

    use super::*;

    const MIB: usize = 1024 * 1024;

    fn pool(mib: usize) -> Arc<dyn MemoryPool> {
        Arc::new(LeanPool::new(mib * MIB))
    }

    #[test]
    fn a_merge_has_a_share_like_a_sort() {
        let pool = pool(160);
        for name in ["ExternalSorter[0]", "ExternalSorterMerge[0]"] {
            let consumer = MemoryConsumer::new(name).with_can_spill(!name.contains(MERGE));
            let reservation = consumer.register(&pool);
            reservation.try_grow(10 * MIB - 1).unwrap();
            reservation.try_grow(1).unwrap();
            assert!(reservation.try_grow(1).is_err(), "{name}");
            reservation.shrink(1);
            reservation.try_grow(1).unwrap();
        }
        assert_eq!(pool.reserved(), 0, "what is dropped is given back");
    }

    #[test]
    fn one_batch_is_always_let_in() {
        let pool = pool(160);
        let sort = MemoryConsumer::new("sort").with_can_spill(true).register(&pool);
        assert!(sort.try_grow(160 * MIB + 1).is_err(), "nothing is larger than all");
        sort.try_grow(160 * MIB).unwrap();
        assert!(sort.try_grow(1).is_err());
        let other = MemoryConsumer::new("sort").with_can_spill(true).register(&pool);
        other.try_grow(50 * MIB).unwrap();
    }

    #[test]
    fn reservations_of_one_operator_are_one() {
        let pool = pool(160);
        let first = MemoryConsumer::new("ExternalSorterMerge[0]").register(&pool);
        let second = first.new_empty();
        first.try_grow(6 * MIB).unwrap();
        second.try_grow(4 * MIB).unwrap();
        assert!(second.try_grow(1).is_err());
        drop(first);
        second.try_grow(6 * MIB).unwrap();
    }

    #[test]
    fn shares_become_smaller_where_many_are_and_no_smaller_than_the_floor() {
        let pool = pool(160);
        let sorts: Vec<_> = (0..40)
            .map(|number| MemoryConsumer::new(format!("sort {number}")).with_can_spill(true).register(&pool))
            .collect();
        for sort in &sorts {
            sort.try_grow(FLOOR_BYTES).unwrap();
            assert!(sort.try_grow(1).is_err());
        }
        assert_eq!(pool.reserved(), 40 * FLOOR_BYTES);
    }

    #[test]
    fn what_cannot_spill_may_have_all_that_is_left() {
        let pool = pool(160);
        let join = MemoryConsumer::new("HashJoinInput").register(&pool);
        join.try_grow(160 * MIB).unwrap();
        assert!(join.try_grow(1).is_err());
        let sort = MemoryConsumer::new("sort").with_can_spill(true).register(&pool);
        sort.try_grow(FLOOR_BYTES).unwrap();
        assert!(sort.try_grow(1).is_err(), "the floor is all that is left");
    }
}
