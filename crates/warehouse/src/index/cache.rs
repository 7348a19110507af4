//! Indexes that are held in memory: those that were used last, within a limit of bytes.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;

use super::file_index::FileIndex;

/// Indexes by data file and key.
pub(super) struct Cache {
    bytes_max: usize,
    inner: Mutex<Held>,
    /// Bytes of what is held elsewhere and counts here.
    elsewhere: Arc<AtomicUsize>,
}

/// Room for something that is held elsewhere, until it is dropped.
pub(super) struct Room {
    bytes: usize,
    all: Arc<AtomicUsize>,
}

impl Drop for Room {
    fn drop(&mut self) {
        self.all.fetch_sub(self.bytes, Ordering::Relaxed);
    }
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
        Self { bytes_max, inner: Mutex::default(), elsewhere: Arc::default() }
    }

    /// Room for so many bytes, of half of all that there is; `None` when that is taken.
    pub(super) fn room(&self, bytes: usize) -> Option<Room> {
        let all = Arc::clone(&self.elsewhere);
        let fits = |taken: usize| taken.checked_add(bytes).filter(|sum| *sum <= self.bytes_max / 2);
        all.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits).ok()?;
        Some(Room { bytes, all })
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
        let bytes_max = self.bytes_max - self.elsewhere.load(Ordering::Relaxed).min(self.bytes_max);
        if bytes > bytes_max {
            return;
        }
        held.clock += 1;
        let used = held.clock;
        if let Some(old) = held.by_key.insert((path, id), Entry { index, used }) {
            held.bytes -= old.index.bytes();
        }
        held.bytes += bytes;
        if held.bytes <= bytes_max {
            return;
        }
        // Rarely: a tenth goes at once.
        let mut by_use: Vec<(u64, (PathBuf, u64))> =
            held.by_key.iter().map(|(key, entry)| (entry.used, key.clone())).collect();
        by_use.sort_unstable();
        for (_, key) in by_use {
            if held.bytes <= bytes_max / 10 * 9 || held.by_key.len() == 1 {
                break;
            }
            if let Some(gone) = held.by_key.remove(&key) {
                held.bytes -= gone.index.bytes();
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
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
        let room = cache.room(each * 5).unwrap();
        assert!(cache.room(1).is_none(), "half of it is for what is held elsewhere");
        cache.put(path(11), 0, index());
        assert!((0..12).filter(|number| cache.get(&path(*number), 0).is_some()).count() <= 5);
        drop(room);
        assert!(cache.room(each * 5).is_some());
        assert!(cache.room(each * 5 + 1).is_none(), "one past it");
        let small = Cache::new(each - 1);
        small.put(path(0), 0, index());
        assert!(small.get(&path(0), 0).is_none());
    }
}
