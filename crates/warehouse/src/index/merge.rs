//! Writing a run: the sorted numbers of several indexes, merged.
//!
//! Guarantees: memory does not grow with the numbers, but for the filter and the first number of each block. The numbers
//! are hashes, and so evenly spread: they are merged slice by slice of all possible numbers.

use std::fs::{self, File};
use std::io::{BufWriter, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::Arc;

use millstream_core::{Error, Result};
use parquet::bloom_filter::Sbbf;
use twox_hash::XxHash64;

use super::file_index::{FALSE_POSITIVES, FileIndex, temporary};
use super::run::{BLOCK, ENTRY_BYTES, HEADER_BYTES, MAGIC, Run};

/// Entries of a slice, about.
const SLICE: u64 = 1 << 20;

/// Numbers that are read of a file's index at once.
const READ_AT_ONCE: usize = 8_192;

/// Where sorted entries come from.
pub(super) enum Source {
    /// The index of one file, and its number in the new run.
    File(Arc<FileIndex>, u16),
    /// A run, and what the numbers of its files are in the new one; `None` for files that are gone.
    Run(Arc<Run>, Vec<Option<u16>>),
}

/// A source, and how far it was read.
struct Reading {
    source: Source,
    /// The next block, or number, that is to be read.
    next: usize,
    held: Vec<(u64, u16)>,
    /// The first that was not given.
    at: usize,
}

impl Reading {
    fn fill(&mut self) -> Result<bool> {
        self.at = 0;
        self.held.clear();
        match &self.source {
            Source::File(index, number) => {
                let read = index.some(self.next, READ_AT_ONCE)?;
                self.next += read.len();
                self.held.extend(read.into_iter().map(|hash| (hash, *number)));
            }
            Source::Run(run, numbers) => {
                while self.held.is_empty() && self.next < run.blocks() {
                    let of_new = |(hash, old): (u64, u16)| {
                        numbers.get(usize::from(old)).copied().flatten().map(|number| (hash, number))
                    };
                    self.held.extend(run.block(self.next)?.into_iter().filter_map(of_new));
                    self.next += 1;
                }
            }
        }
        Ok(!self.held.is_empty())
    }

    /// Moves all entries up to a number to the list.
    fn take(&mut self, last: u64, entries: &mut Vec<(u64, u16)>) -> Result<()> {
        loop {
            if self.at == self.held.len() && !self.fill()? {
                return Ok(());
            }
            let rest = &self.held[self.at..];
            let count = rest.partition_point(|(hash, _)| *hash <= last);
            entries.extend(&rest[..count]);
            self.at += count;
            if self.at < self.held.len() {
                return Ok(());
            }
        }
    }
}

fn failed(error: std::io::Error) -> Error {
    Error::environment("an index of keys cannot be written").why(error)
}

/// Writes the run of these files, forced to the disk before it has its name. `most` is how many entries there are at most.
pub(super) fn write(path: &Path, names: &[String], sources: Vec<Source>, most: u64) -> Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(failed)?;
    }
    let unfinished = temporary(path);
    let written = to(&unfinished, names, sources, most).and_then(|()| fs::rename(&unfinished, path).map_err(failed));
    if written.is_err() {
        // What is left of it is removed by housekeeping otherwise.
        let _ = fs::remove_file(&unfinished);
    }
    if written.is_ok() {
        // How often it stays in memory is the system's business; failing to ask for it is no error.
        let _ = remember(path);
    }
    written
}

/// Reads the file through while it is in the system's memory. What was written once and never read is the first that a
/// system drops; keys are anywhere in a run, and each would cost a read of the disk.
fn remember(path: &Path) -> std::io::Result<()> {
    let mut file = File::open(path)?;
    let mut bytes = vec![0; 1 << 20];
    // What was read twice is kept before what was read once.
    for _ in 0..2 {
        file.rewind()?;
        while file.read(&mut bytes)? > 0 {}
    }
    Ok(())
}

fn to(path: &Path, names: &[String], sources: Vec<Source>, most: u64) -> Result<()> {
    let odd = |error: parquet::errors::ParquetError| Error::ours("a filter of keys cannot be made").why(error);
    let mut filter = Sbbf::new_with_ndv_fpp(most.max(1), FALSE_POSITIVES).map_err(odd)?;
    let mut file = BufWriter::with_capacity(1 << 20, File::create(path).map_err(failed)?);
    file.write_all(&[0; HEADER_BYTES]).map_err(failed)?;
    let reading = |source| Reading { source, next: 0, held: Vec::new(), at: 0 };
    let mut sources: Vec<Reading> = sources.into_iter().map(reading).collect();
    let slices = most.div_ceil(SLICE).max(1);
    let (mut entries, mut firsts, mut count) = (Vec::new(), Vec::new(), 0_usize);
    for slice in 0..slices {
        let last = match slice + 1 == slices {
            true => u64::MAX,
            false => u64::MAX / slices * (slice + 1),
        };
        let left = entries.len();
        for source in &mut sources {
            source.take(last, &mut entries)?;
        }
        // What is left of the slice before is below all of this one.
        entries[left..].sort_unstable();
        let whole = if last == u64::MAX { entries.len() } else { entries.len() / BLOCK * BLOCK };
        for block in entries[..whole].chunks(BLOCK) {
            let mut bytes = Vec::with_capacity(BLOCK * ENTRY_BYTES);
            for (hash, _) in block {
                filter.insert(hash);
                bytes.extend(hash.to_le_bytes());
            }
            block.iter().for_each(|(_, number)| bytes.extend(number.to_le_bytes()));
            firsts.extend(block.first().map(|(hash, _)| *hash));
            file.write_all(&bytes).map_err(failed)?;
        }
        count += whole;
        entries.drain(..whole);
    }
    let mut front: Vec<u8> = names.iter().flat_map(|name| [name.as_bytes(), b"\n"].concat()).collect();
    let names_bytes = front.len() as u64;
    front.extend(firsts.iter().flat_map(|first: &u64| first.to_le_bytes()));
    file.write_all(&front).map_err(failed)?;
    let mut bits = Vec::new();
    filter.write_bitset(&mut bits).map_err(odd)?;
    file.write_all(&bits).map_err(failed)?;
    file.seek(SeekFrom::Start(0)).map_err(failed)?;
    file.write_all(MAGIC).map_err(failed)?;
    let checksums = [XxHash64::oneshot(0, &front), XxHash64::oneshot(0, &bits)];
    for number in [count as u64, names_bytes, bits.len() as u64].into_iter().chain(checksums) {
        file.write_all(&number.to_le_bytes()).map_err(failed)?;
    }
    let file = file.into_inner().map_err(|error| failed(error.into_error()))?;
    file.sync_all().map_err(failed)
}
