//! The keys of many large files in one sorted list, each with the number of its file, so that a look costs the same
//! however many files there are. It is what a log-structured merge tree calls a run.
//!
//! Guarantees: a run is a file beside the table's data that never changes, written whole under another name and renamed.
//! The first number of each block is read when it is opened, blocks when keys of theirs are asked for, and the filter
//! only when so many keys were asked for that reading it is worth it, or when blocks come from the disk, which is slow to
//! read here and there: a process that looks once reads little of a long history, and one that lives long looks into
//! memory.
//!
//! Layout, all numbers little-endian: [`MAGIC`], count of numbers, bytes of the names, bytes of the filter, checksum of
//! names and firsts, checksum of the filter (each 8 bytes); blocks of [`BLOCK`] numbers (8 bytes each) followed by the
//! numbers of their files (2 bytes each); names, each with a line end; the first number of each block; the filter's bits.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use millstream_core::Result;
use parquet::bloom_filter::Sbbf;
use twox_hash::XxHash64;

use super::cache::{Cache, Room};
use super::file_index::{gallop, numbers, unreadable};

pub(super) const MAGIC: &[u8; 8] = b"MILLRUN1";

pub(super) const HEADER_BYTES: usize = 48;

/// Numbers that are read at once.
pub(super) const BLOCK: usize = 512;

/// Bytes of a number and of its file's.
pub(super) const ENTRY_BYTES: usize = 10;

/// Bytes of the filter that may be read for each key that was asked for without it: both take about as long.
const FILTER_BYTES_PER_KEY: u64 = 4_096;

/// Reads of blocks after which it is known whether the disk has to be asked for them.
const SAMPLED: u32 = 64;

/// A read that takes longer comes from the disk, not from the system's memory.
const FROM_DISK: Duration = Duration::from_micros(20);

/// An open run.
pub(super) struct Run {
    pub(super) path: PathBuf,
    file: File,
    /// Numbers of data files, by their paths in the table's folder.
    pub(super) files: HashMap<String, u16>,
    firsts: Vec<u64>,
    pub(super) count: usize,
    /// Where the filter begins in the file.
    filter_at: usize,
    filter_bytes: usize,
    filter_checksum: u64,
    filter: OnceLock<Option<(Sbbf, Room)>>,
    /// Keys that were asked for without the filter.
    asked: AtomicU64,
}

impl Run {
    /// Opens a run; `None` when it is not whole.
    pub(super) fn open(path: &Path) -> Option<Self> {
        let mut file = File::open(path).ok()?;
        let mut header = [0; HEADER_BYTES];
        file.read_exact(&mut header).ok()?;
        let [_, count, names_bytes, filter_bytes, checksum, filter_checksum] = numbers(&header)[..] else {
            return None;
        };
        let whole = |number: u64| usize::try_from(number).ok();
        let (count, names_bytes, filter_bytes) = (whole(count)?, whole(names_bytes)?, whole(filter_bytes)?);
        let front_bytes = names_bytes.checked_add(count.div_ceil(BLOCK) * 8)?;
        let front_at = HEADER_BYTES.checked_add(count.checked_mul(ENTRY_BYTES)?)?;
        let filter_at = front_at.checked_add(front_bytes)?;
        let bytes = filter_at.checked_add(filter_bytes)?;
        if !header.starts_with(MAGIC) || file.metadata().ok()?.len() != bytes as u64 {
            return None;
        }
        let mut front = vec![0; front_bytes];
        file.read_exact_at(&mut front, front_at as u64).ok()?;
        if XxHash64::oneshot(0, &front) != checksum {
            return None;
        }
        let (names, firsts) = front.split_at(names_bytes);
        let names = std::str::from_utf8(names).ok()?;
        let files = names.lines().zip(0..=u16::MAX).map(|(name, number)| (name.to_owned(), number)).collect();
        Some(Self {
            path: path.to_owned(),
            file,
            files,
            firsts: numbers(firsts),
            count,
            filter_at,
            filter_bytes,
            filter_checksum,
            filter: OnceLock::new(),
            asked: AtomicU64::new(0),
        })
    }

    /// Which of the wanted files, by their numbers, hold one of the sorted keys.
    pub(super) fn holding(&self, keys: &[u64], wanted: &[bool], cache: &Cache) -> Result<Vec<bool>> {
        let mut holds = vec![false; wanted.len()];
        let mut left = wanted.iter().filter(|is_wanted| **is_wanted).count();
        let mut filter = self.filter(keys.len(), cache);
        let mut pace = Pace::default();
        let mut block = Block::default();
        let mut passed = 0;
        for key in keys {
            if left == 0 {
                break;
            }
            if filter.is_some_and(|filter| !filter.check(key)) {
                continue;
            }
            passed += gallop(&self.firsts[passed..], *key);
            // The same number may end a block and begin the next.
            for number in passed.saturating_sub(1)..self.firsts.len() {
                if self.firsts[number] > *key {
                    break;
                }
                let began = Instant::now();
                if self.read(number, &mut block)? && pace.is_of_disk(began.elapsed()) && filter.is_none() {
                    filter = self.read_filter(cache);
                }
                for file in block.files_of(*key, || self.files_of(number))? {
                    let at = usize::from(file);
                    if wanted.get(at) == Some(&true) && !std::mem::replace(&mut holds[at], true) {
                        left -= 1;
                    }
                }
            }
        }
        Ok(holds)
    }

    /// The filter, once it is worth its reading and there is room for it.
    fn filter(&self, keys: usize, cache: &Cache) -> Option<&Sbbf> {
        let asked = self.asked.fetch_add(keys as u64, Ordering::Relaxed) + keys as u64;
        if self.filter.get().is_none() && asked.saturating_mul(FILTER_BYTES_PER_KEY) < self.filter_bytes as u64 {
            return None;
        }
        self.read_filter(cache)
    }

    /// The filter, where there is room for it.
    fn read_filter(&self, cache: &Cache) -> Option<&Sbbf> {
        let held = self.filter.get_or_init(|| {
            let room = cache.room(self.filter_bytes)?;
            let mut bits = vec![0; self.filter_bytes];
            self.file.read_exact_at(&mut bits, self.filter_at as u64).ok()?;
            (XxHash64::oneshot(0, &bits) == self.filter_checksum).then(|| (Sbbf::new(&bits), room))
        });
        held.as_ref().map(|(filter, _)| filter)
    }

    /// Reads the numbers of a block, unless they are held. Whether they were not.
    fn read(&self, number: usize, block: &mut Block) -> Result<bool> {
        if block.number == Some(number) {
            return Ok(false);
        }
        block.bytes.resize(self.len(number) * 8, 0);
        block.number = None;
        self.at(number, 0, &mut block.bytes)?;
        block.number = Some(number);
        Ok(true)
    }

    /// Numbers of the files of a block.
    fn files_of(&self, number: usize) -> Result<Vec<u16>> {
        let len = self.len(number);
        let mut bytes = vec![0; len * 2];
        self.at(number, len * 8, &mut bytes)?;
        Ok(bytes.chunks_exact(2).map(|two| u16::from_le_bytes([two[0], two[1]])).collect())
    }

    /// All entries of a block: numbers and those of their files.
    pub(super) fn block(&self, number: usize) -> Result<Vec<(u64, u16)>> {
        let mut block = Block::default();
        self.read(number, &mut block)?;
        Ok(numbers(&block.bytes).into_iter().zip(self.files_of(number)?).collect())
    }

    /// How many blocks there are.
    pub(super) fn blocks(&self) -> usize {
        self.firsts.len()
    }

    fn len(&self, number: usize) -> usize {
        (self.count - number * BLOCK).min(BLOCK)
    }

    fn at(&self, number: usize, offset: usize, bytes: &mut [u8]) -> Result<()> {
        let at = HEADER_BYTES + number * BLOCK * ENTRY_BYTES + offset;
        self.file.read_exact_at(bytes, at as u64).map_err(unreadable)
    }

    /// Removes its file; whoever has it open still reads it.
    pub(super) fn remove(&self) {
        // What cannot be removed is removed by housekeeping, or read beside the one that stands for it.
        let _ = fs::remove_file(&self.path);
    }
}

/// How fast blocks come.
#[derive(Default)]
struct Pace {
    reads: u32,
    slow: u32,
}

impl Pace {
    /// Takes a read into account. True once, when enough were seen and most of them came from the disk.
    fn is_of_disk(&mut self, took: Duration) -> bool {
        self.reads = self.reads.saturating_add(1);
        self.slow += u32::from(self.reads <= SAMPLED && took > FROM_DISK);
        self.reads == SAMPLED && self.slow > SAMPLED / 2
    }
}

/// The numbers of a block as they are in the file.
#[derive(Default)]
struct Block {
    number: Option<usize>,
    bytes: Vec<u8>,
}

impl Block {
    fn get(&self, at: usize) -> Option<u64> {
        let bytes = self.bytes.get(at * 8..at * 8 + 8)?;
        <[u8; 8]>::try_from(bytes).ok().map(u64::from_le_bytes)
    }

    /// Files of the entries with this number.
    fn files_of(&self, key: u64, files: impl FnOnce() -> Result<Vec<u16>>) -> Result<Vec<u16>> {
        let (mut low, mut high) = (0, self.bytes.len() / 8);
        while low < high {
            let middle = low.midpoint(high);
            match self.get(middle) {
                Some(number) if number < key => low = middle + 1,
                _ => high = middle,
            }
        }
        let end = (low..).take_while(|at| self.get(*at) == Some(key)).count() + low;
        if low == end { Ok(Vec::new()) } else { Ok(files()?.get(low..end).unwrap_or_default().to_vec()) }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::Arc;

    use super::super::file_index::FileIndex;
    use super::super::merge::{self, Source};
    use super::*;

    fn hashes(seed: u64, count: u64) -> Vec<u64> {
        (0..count).map(|number| XxHash64::oneshot(seed, &number.to_le_bytes())).collect()
    }

    fn sorted(mut keys: Vec<u64>) -> Vec<u64> {
        keys.sort_unstable();
        keys
    }

    /// A run of files with these numbers.
    fn run_of(path: &Path, files: &[Vec<u64>]) -> Run {
        let names: Vec<String> = (0..files.len()).map(|number| format!("part-{number}.parquet")).collect();
        let file =
            |(keys, number): (&Vec<u64>, u16)| Source::File(Arc::new(FileIndex::in_memory(keys.clone())), number);
        let sources = files.iter().zip(0..).map(file).collect();
        merge::write(path, &names, sources, files.iter().map(|keys| keys.len() as u64).sum()).unwrap();
        Run::open(path).unwrap()
    }

    #[test]
    fn each_key_is_found_in_its_files_with_the_filter_and_without() {
        let folder = tempfile::tempdir().unwrap();
        let both = hashes(9, 700);
        for count in [0, 1, BLOCK as u64 - 1, BLOCK as u64, 3_000] {
            let files = [[hashes(1, count), both.clone()].concat(), both.clone(), hashes(2, count)];
            let run = run_of(&folder.path().join(format!("{count}.run")), &files);
            for (room, seed) in [(0, 1), (1 << 20, 2)] {
                let cache = Cache::new(room);
                let holding = |keys: &[u64]| run.holding(keys, &[true; 3], &cache).unwrap();
                for key in &both {
                    assert_eq!(holding(&[*key]), [true, true, false]);
                }
                for key in hashes(1, count) {
                    assert_eq!(holding(&[key]), [true, false, false]);
                }
                assert_eq!(holding(&sorted(hashes(2, count))), [false, false, count > 0]);
                assert_eq!(holding(&sorted(hashes(7 + seed * 4, 500))), [false; 3]);
                assert_eq!(run.holding(&[both[0]], &[false, true, false], &cache).unwrap(), [false, true, false]);
            }
        }
    }

    #[test]
    fn a_number_that_many_files_have_spans_blocks() {
        let folder = tempfile::tempdir().unwrap();
        let files = vec![sorted(vec![5, 7, u64::MAX]); BLOCK + 10];
        let run = run_of(&folder.path().join("same.run"), &files);
        let cache = Cache::new(0);
        for key in [5, 7, u64::MAX] {
            assert_eq!(run.holding(&[key], &vec![true; files.len()], &cache).unwrap(), vec![true; files.len()]);
        }
        assert_eq!(run.holding(&[0, 6, 8], &vec![true; files.len()], &cache).unwrap(), vec![false; files.len()]);
    }

    #[test]
    fn the_filter_is_read_when_enough_keys_were_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("one.run");
        let run = run_of(&path, &[hashes(1, 20_000)]);
        let cache = Cache::new(1 << 20);
        let enough = run.filter_bytes as u64 / FILTER_BYTES_PER_KEY;
        assert!(enough > 1, "{enough}");
        for asked in 1..enough {
            assert!(run.filter(1, &cache).is_none(), "{asked} of {enough}");
        }
        assert!(run.filter(1, &cache).is_some());
        let damaged = run_of(&path, &[hashes(1, 20_000)]);
        let mut bytes = fs::read(&path).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        fs::write(&path, bytes).unwrap();
        assert!(damaged.filter(1_000_000, &cache).is_none(), "its bits are not those that were written");
        assert_eq!(damaged.holding(&sorted(hashes(1, 100)), &[true], &cache).unwrap(), [true]);
    }

    #[test]
    fn reads_that_come_from_the_disk_are_told_by_most_of_them() {
        let after = |slow: u32| {
            let mut pace = Pace::default();
            let took = |at: u32| if at < slow { FROM_DISK * 2 } else { FROM_DISK };
            (0..SAMPLED * 2).filter(|at| pace.is_of_disk(took(*at))).collect::<Vec<_>>()
        };
        assert_eq!(after(SAMPLED / 2 + 1), [SAMPLED - 1], "told once");
        assert!(after(SAMPLED / 2).is_empty(), "a thread that had to wait says nothing of the disk");
    }

    #[test]
    fn a_damaged_run_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("one.run");
        let run = run_of(&path, &[hashes(1, 1_000)]);
        let whole = fs::read(&path).unwrap();
        let front_at = HEADER_BYTES + run.count * ENTRY_BYTES;
        fs::write(&path, &whole[..whole.len() - 1]).unwrap();
        assert!(Run::open(&path).is_none());
        for at in [0, 9, front_at, run.filter_at - 1] {
            let mut flipped = whole.clone();
            flipped[at] ^= 1;
            fs::write(&path, &flipped).unwrap();
            assert!(Run::open(&path).is_none(), "{at}");
        }
        fs::write(&path, b"").unwrap();
        assert!(Run::open(&path).is_none());
    }
}
