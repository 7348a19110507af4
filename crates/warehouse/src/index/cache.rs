//! Indexes that are held in memory: those that were used last, within a limit of bytes.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;

use super::file_index::FileIndex;

/// Indexes by data file and key.
pub(super) struct Cache {
    bytes_max: usize,
    inner: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    by_key: HashMap<(PathBuf, u64), Entry>,
    bytes: usize,
    /// Counts uses.
    clock: u64,
}

struct Entry {
    index: Arc<FileIndex>,
    used: u64,
}

impl Cache {
    pub(super) fn new(bytes_max: usize) -> Self {
        Self { bytes_max, inner: Mutex::default() }
    }

    pub(super) fn get(&self, path: &Path, id: u64) -> Option<Arc<FileIndex>> {
        let mut held = self.inner.lock();
        held.clock += 1;
        let now = held.clock;
        let entry = held.by_key.get_mut(&(path.to_owned(), id))?;
        entry.used = now;
        Some(Arc::clone(&entry.index))
    }

    /// Which keys all of these files have indexes of.
    pub(super) fn ids_of(&self, paths: &[PathBuf]) -> Vec<u64> {
        let held = self.inner.lock();
        let Some((first, rest)) = paths.split_first() else { return Vec::new() };
        let ids = held.by_key.keys().filter(|(path, _)| path == first).map(|(_, id)| *id);
        ids.filter(|id| rest.iter().all(|path| held.by_key.contains_key(&(path.clone(), *id)))).collect()
    }

    /// Holds an index, and lets those go that were not used for longest when there is no room. One that is larger than
    /// all the room is not held.
    pub(super) fn put(&self, path: PathBuf, id: u64, index: Arc<FileIndex>) {
        let mut held = self.inner.lock();
        let bytes = index.bytes();
        if bytes > self.bytes_max {
            return;
        }
        held.clock += 1;
        let used = held.clock;
        if let Some(old) = held.by_key.insert((path, id), Entry { index, used }) {
            held.bytes -= old.index.bytes();
        }
        held.bytes += bytes;
        if held.bytes <= self.bytes_max {
            return;
        }
        // Rarely: a tenth goes at once.
        let mut by_use: Vec<(u64, (PathBuf, u64))> =
            held.by_key.iter().map(|(key, entry)| (entry.used, key.clone())).collect();
        by_use.sort_unstable();
        for (_, key) in by_use {
            if held.bytes <= self.bytes_max / 10 * 9 || held.by_key.len() == 1 {
                break;
            }
            if let Some(gone) = held.by_key.remove(&key) {
                held.bytes -= gone.index.bytes();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_used_for_longest_goes_when_there_is_no_room() {
        let index = || Arc::new(FileIndex::in_memory(vec![1, 2, 3, 4]));
        let each = index().bytes();
        let cache = Cache::new(each * 10);
        let path = |number: usize| PathBuf::from(format!("{number}"));
        for number in 0..10 {
            cache.put(path(number), 0, index());
        }
        assert!((0..10).all(|number| cache.get(&path(number), 0).is_some()), "at the limit all are held");
        assert!(cache.get(&path(0), 1).is_none(), "another key is another index");
        cache.get(&path(0), 0);
        cache.put(path(10), 0, index());
        assert!(cache.get(&path(0), 0).is_some() && cache.get(&path(10), 0).is_some());
        assert!(cache.get(&path(1), 0).is_none(), "one past it, and the oldest went");
        let small = Cache::new(each - 1);
        small.put(path(0), 0, index());
        assert!(small.get(&path(0), 0).is_none());
    }
}
