//! The index of one data file: the numbers of its keys, sorted, each once.
//!
//! Of a small file it is in memory. Of a large one it is a file beside the table's data, written whole under another
//! name and renamed: a filter and the first number of each block are read when it is opened, blocks when they are
//! asked for.
//!
//! Layout, all numbers little-endian: [`MAGIC`], count of numbers, bytes of the filter, checksum of filter and firsts
//! (each 8 bytes), the filter's bits, the first number of each block of [`BLOCK`], all numbers.

use std::fs::{self, File};
use std::io::{BufWriter, Read, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use millstream_core::{Error, Result};
use parquet::bloom_filter::Sbbf;
use twox_hash::XxHash64;

use super::ranges::Ranges;

/// Folder in a table's folder. Readers of Delta tables pass over names that begin so.
pub(super) const FOLDER: &str = "_index";

const MAGIC: &[u8; 8] = b"MILLKEY1";

const HEADER_BYTES: usize = 32;

/// Numbers that are read at once.
const BLOCK: usize = 512;

/// How many of the keys that are not there pass the filter.
pub(super) const FALSE_POSITIVES: f64 = 0.01;

/// Sorted numbers.
pub(super) enum FileIndex {
    Memory(Memory),
    Disk(Disk),
    Exact(Exact),
}

/// Numbers that are in memory.
pub(super) struct Memory {
    pub(super) hashes: Vec<u64>,
    ranges: Ranges,
}

/// Numbers that stand for the keys themselves, see [`super::exact`].
pub(super) struct Exact {
    pub(super) numbers: Vec<u128>,
    pub(super) ranges: Ranges,
}

impl Memory {
    fn holds_any(&self, keys: &[u64]) -> bool {
        let mut rest = self.hashes.as_slice();
        for key in keys.iter().filter(|key| self.ranges.may_hold(**key)) {
            // What is behind the last one found cannot hold the next.
            rest = &rest[gallop(rest, *key)..];
            match rest.first() {
                Some(found) if found == key => return true,
                Some(_) => {}
                None => return false,
            }
        }
        false
    }
}

/// Numbers that are on the disk.
pub(super) struct Disk {
    file: File,
    filter: Sbbf,
    /// The first number of each block.
    firsts: Vec<u64>,
    count: usize,
    /// Where the numbers begin in the file.
    start: u64,
}

impl FileIndex {
    /// Of numbers in any order.
    pub(super) fn in_memory(mut hashes: Vec<u64>) -> Self {
        hashes.sort_unstable();
        hashes.dedup();
        hashes.shrink_to_fit();
        Self::Memory(Memory { ranges: Ranges::new(hashes.iter().copied(), hashes.len()), hashes })
    }

    /// Of numbers that stand for keys, in any order.
    pub(super) fn exact(mut numbers: Vec<u128>) -> Self {
        numbers.sort_unstable();
        numbers.dedup();
        numbers.shrink_to_fit();
        let ranges = Ranges::new(numbers.iter().map(|number| Ranges::of(*number)), numbers.len());
        Self::Exact(Exact { numbers, ranges })
    }

    /// Bytes of memory.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Memory(memory) => memory.hashes.len() * 8 + memory.ranges.bytes() + 64,
            Self::Exact(exact) => exact.numbers.len() * 16 + exact.ranges.bytes() + 64,
            Self::Disk(disk) => disk.filter.num_blocks() * 32 + disk.firsts.len() * 8 + 256,
        }
    }

    pub(super) fn is_on_disk(&self) -> bool {
        matches!(self, Self::Disk(_))
    }

    /// How many numbers there are.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Memory(memory) => memory.hashes.len(),
            Self::Exact(exact) => exact.numbers.len(),
            Self::Disk(disk) => disk.count,
        }
    }

    /// Some of the sorted numbers, from one of them on; none behind the last.
    pub(super) fn some(&self, from: usize, count: usize) -> Result<Vec<u64>> {
        let count = count.min(self.len().saturating_sub(from));
        match self {
            Self::Memory(memory) => Ok(memory.hashes.iter().skip(from).take(count).copied().collect()),
            Self::Disk(disk) => disk.read(from, count),
            Self::Exact(_) => Err(Error::ours("an exact index was asked for hashes")),
        }
    }

    /// Whether one of the sorted numbers is there.
    pub(super) fn holds_any(&self, keys: &[u64]) -> Result<bool> {
        match self {
            Self::Memory(memory) => Ok(memory.holds_any(keys)),
            Self::Disk(disk) => disk.holds_any(keys),
            Self::Exact(_) => Err(Error::ours("an exact index was asked for hashes")),
        }
    }
}

/// How many of the sorted numbers are below one, quickly when they are few.
pub(super) fn gallop<N: Copy + Ord>(sorted: &[N], number: N) -> usize {
    let mut step = 1;
    while step < sorted.len() && sorted[step] < number {
        step *= 2;
    }
    let end = sorted.len().min(step + 1);
    step / 2 + sorted[step / 2..end].partition_point(|there| *there < number)
}

impl Disk {
    fn holds_any(&self, keys: &[u64]) -> Result<bool> {
        let mut block: Option<(usize, Vec<u64>)> = None;
        for key in keys {
            if !self.filter.check(key) {
                continue;
            }
            let Some(number) = self.firsts.partition_point(|first| first <= key).checked_sub(1) else { continue };
            if block.as_ref().is_none_or(|(held, _)| *held != number) {
                block = Some((number, self.block(number)?));
            }
            if block.as_ref().is_some_and(|(_, numbers)| numbers.binary_search(key).is_ok()) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// All numbers.
    pub(super) fn all(&self) -> Result<Vec<u64>> {
        self.read(0, self.count)
    }

    fn block(&self, number: usize) -> Result<Vec<u64>> {
        let from = number * BLOCK;
        self.read(from, (self.count - from).min(BLOCK))
    }

    fn read(&self, from: usize, count: usize) -> Result<Vec<u64>> {
        let mut bytes = vec![0; count * 8];
        self.file.read_exact_at(&mut bytes, self.start + from as u64 * 8).map_err(unreadable)?;
        Ok(numbers(&bytes))
    }
}

/// An index that is there and cannot be read.
pub(super) fn unreadable(error: std::io::Error) -> Error {
    Error::environment("an index of keys cannot be read")
        .why(error)
        .hint("remove the folder _index of the table: it is made again")
}

/// Numbers as they are in files.
pub(super) fn numbers(bytes: &[u8]) -> Vec<u64> {
    let eight = |chunk: &[u8]| chunk.iter().rev().fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    bytes.chunks_exact(8).map(eight).collect()
}

/// The name that an index has until it is whole: two threads may be at the same.
pub(super) fn temporary(path: &Path) -> PathBuf {
    static WRITES: AtomicU64 = AtomicU64::new(0);
    let number = WRITES.fetch_add(1, Ordering::Relaxed);
    path.with_extension(format!("tmp-{}-{number}", std::process::id()))
}

/// Writes the index of a large file, forced to the disk before it has its name.
pub(super) fn write(path: &Path, hashes: &[u64]) -> std::io::Result<()> {
    let failed = |error: parquet::errors::ParquetError| std::io::Error::other(error.to_string());
    let mut filter = Sbbf::new_with_ndv_fpp(hashes.len() as u64, FALSE_POSITIVES).map_err(failed)?;
    hashes.iter().for_each(|hash| filter.insert(hash));
    let mut front = Vec::new();
    filter.write_bitset(&mut front).map_err(failed)?;
    let filter_bytes = front.len() as u64;
    front.extend(hashes.chunks(BLOCK).filter_map(<[u64]>::first).flat_map(|first| first.to_le_bytes()));
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let temporary = temporary(path);
    let mut file = BufWriter::with_capacity(1 << 20, File::create(&temporary)?);
    file.write_all(MAGIC)?;
    for number in [hashes.len() as u64, filter_bytes, XxHash64::oneshot(0, &front)] {
        file.write_all(&number.to_le_bytes())?;
    }
    file.write_all(&front)?;
    for hash in hashes {
        file.write_all(&hash.to_le_bytes())?;
    }
    let file = file.into_inner().map_err(std::io::IntoInnerError::into_error)?;
    file.sync_data()?;
    fs::rename(&temporary, path)
}

/// Opens the index of a large file; `None` when there is none that is whole.
pub(super) fn open(path: &Path) -> Option<FileIndex> {
    let mut file = File::open(path).ok()?;
    let mut header = [0; HEADER_BYTES];
    file.read_exact(&mut header).ok()?;
    let [_, count, filter_bytes, checksum] = numbers(&header)[..] else { return None };
    let (count, filter_bytes) = (usize::try_from(count).ok()?, usize::try_from(filter_bytes).ok()?);
    let front_bytes = filter_bytes.checked_add(count.div_ceil(BLOCK) * 8)?;
    let start = (HEADER_BYTES + front_bytes) as u64;
    let is_whole = header.starts_with(MAGIC) && file.metadata().ok()?.len() == start + count as u64 * 8;
    if !is_whole {
        return None;
    }
    let mut front = vec![0; front_bytes];
    file.read_exact(&mut front).ok()?;
    if XxHash64::oneshot(0, &front) != checksum {
        return None;
    }
    let (filter, firsts) = front.split_at(filter_bytes);
    Some(FileIndex::Disk(Disk { filter: Sbbf::new(filter), firsts: numbers(firsts), count, start, file }))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn spread(count: u64) -> Vec<u64> {
        (0..count).map(|number| XxHash64::oneshot(1, &number.to_le_bytes())).collect()
    }

    #[test]
    fn what_is_there_is_found_and_what_is_not_is_not() {
        let folder = tempfile::tempdir().unwrap();
        for count in [0, 1, BLOCK as u64 - 1, BLOCK as u64, BLOCK as u64 + 1, 10_000] {
            let mut all = spread(count);
            all.sort_unstable();
            let path = folder.path().join(format!("{count}.keys"));
            write(&path, &all).unwrap();
            let disk = open(&path).unwrap();
            let memory = FileIndex::in_memory(spread(count));
            for index in [&disk, &memory] {
                assert!(all.iter().all(|key| index.holds_any(&[*key]).unwrap()), "{count}");
                if let FileIndex::Disk(disk) = index {
                    assert_eq!(disk.all().unwrap(), all);
                }
                let others: Vec<u64> =
                    (0..2_000).map(|number| XxHash64::oneshot(2, &[number as u8, (number >> 8) as u8])).collect();
                assert!(others.iter().all(|key| !index.holds_any(&[*key]).unwrap()));
                let mut mixed = others.clone();
                mixed.extend(all.last());
                mixed.sort_unstable();
                assert_eq!(index.holds_any(&mixed).unwrap(), count > 0);
                assert!(!index.holds_any(&[]).unwrap());
            }
        }
    }

    #[test]
    fn a_damaged_index_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("one.keys");
        let mut all = spread(1_000);
        all.sort_unstable();
        write(&path, &all).unwrap();
        let whole = fs::read(&path).unwrap();
        fs::write(&path, &whole[..whole.len() - 1]).unwrap();
        assert!(open(&path).is_none());
        let mut flipped = whole.clone();
        flipped[HEADER_BYTES + 3] ^= 1;
        fs::write(&path, &flipped).unwrap();
        assert!(open(&path).is_none());
        fs::write(&path, b"").unwrap();
        assert!(open(&path).is_none());
    }
}
