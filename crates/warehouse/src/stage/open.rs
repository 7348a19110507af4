//! Which tables have an open stage that rewrites files of theirs.
//!
//! Such a stage cannot be published when its files were put together with others meanwhile. Within this process
//! compaction waits for it; between processes the stage fails with a retryable error.

use std::collections::HashMap;
use std::sync::Arc;

use millstream_core::TableName;
use parking_lot::Mutex;

type Counts = Arc<Mutex<HashMap<TableName, usize>>>;

/// The tables, with the number of open stages of each.
#[derive(Debug, Default)]
pub(crate) struct OpenStages {
    counts: Counts,
}

/// One open stage; dropped, it is open no more.
#[derive(Debug)]
pub(crate) struct OpenStage {
    counts: Counts,
    name: TableName,
}

impl OpenStages {
    /// Notes a stage. To be called before the version that it goes on from is looked up.
    pub(crate) fn enter(&self, name: &TableName) -> OpenStage {
        *self.counts.lock().entry(name.clone()).or_default() += 1;
        OpenStage { counts: Arc::clone(&self.counts), name: name.clone() }
    }

    /// Does something short while no stage of the table is open or can be opened; `None` when one is open.
    pub(crate) fn while_none<T>(&self, name: &TableName, work: impl FnOnce() -> T) -> Option<T> {
        let counts = self.counts.lock();
        (!counts.contains_key(name)).then(work)
    }
}

impl Drop for OpenStage {
    fn drop(&mut self) {
        let mut counts = self.counts.lock();
        if let Some(count) = counts.get_mut(&self.name) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.name);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_waits_for_the_last_stage_of_its_table() {
        let stages = OpenStages::default();
        let (a, b) = (TableName::new("m", "a"), TableName::new("m", "b"));
        let first = stages.enter(&a);
        let second = stages.enter(&a);
        assert_eq!(stages.while_none(&b, || 1), Some(1));
        drop(first);
        assert_eq!(stages.while_none(&a, || 1), None);
        drop(second);
        assert_eq!(stages.while_none(&a, || 1), Some(1));
    }
}
