//! A file's content cut into chunks at record ends, hashed on the way.
//!
//! Guarantees: chunks depend on the content alone (not on threads or timing); each starts where a record starts and
//! ends where one ends; memory stays within a record and a chunk, whatever the content.
//!
//! Where to cut is found by counting quotes: after an even number of them, a line end is a record's end. That holds
//! for well-formed content. After an odd number the chunk is walked record by record, which is exact. (An even
//! number of *broken* quotes in one chunk can put a cut inside a quoted field that spans lines. Then that record is
//! told as `unclosed_quote`, line by line: in quarantine, not lost.)

use std::io::{self, Read};

use memchr::{memchr, memrchr};
use millstream_core::limits::{QUARANTINE_RAW_BYTES_MAX, RECORD_BYTES_MAX};
use sha2::{Digest, Sha256};

use crate::decode::csv::{self, Found, Layout, next_record};
use crate::decode::fields::Fields;

/// Bytes in one chunk: about a batch of rows, and small enough for a core's cache.
const CHUNK_BYTES: usize = 1024 * 1024;

/// The byte order mark that some programs put before UTF-8.
const BOM: &[u8] = b"\xef\xbb\xbf";

/// Some records of a file.
#[derive(Debug)]
pub(crate) struct Chunk {
    /// Whole records; or the first bytes of a line that is too long.
    pub(crate) bytes: Vec<u8>,
    /// Where the chunk starts in the content.
    pub(crate) offset: u64,
    /// The line on which it starts, from 1.
    pub(crate) line: u64,
    /// Set when the chunk is one line of more than `RECORD_BYTES_MAX`: the line's length.
    pub(crate) too_long: Option<u64>,
}

/// Cuts content into chunks.
pub(crate) struct Chunker<R> {
    reader: R,
    layout: Layout,
    chunk_bytes: usize,
    hasher: Sha256,
    /// Read and not yet given out; starts where a record starts.
    carry: Vec<u8>,
    ended: bool,
    offset: u64,
    line: u64,
    /// For walking; its content is never looked at.
    walked: Fields,
}

impl<R: Read> Chunker<R> {
    /// Starts on `reader`.
    pub(crate) fn new(reader: R, delimiter: u8) -> Self {
        let layout = Layout { delimiter, width: None };
        let (hasher, walked) = (Sha256::new(), Fields::new(1));
        Self {
            reader,
            layout,
            chunk_bytes: CHUNK_BYTES,
            hasher,
            carry: Vec::new(),
            ended: false,
            offset: 0,
            line: 1,
            walked,
        }
    }

    /// The header: the first record that is not blank, without a byte order mark. `None` when there is none.
    /// From here on, records are expected to have as many fields as it has.
    pub(crate) fn header(&mut self) -> io::Result<Option<Header>> {
        self.fill(self.chunk_bytes)?;
        if self.carry.starts_with(BOM) {
            self.consume(BOM.len(), 0);
        }
        loop {
            if self.carry.is_empty() && self.ended {
                return Ok(None);
            }
            self.walked.clear();
            // Past the limit no header can end; what is there is taken for it, and will not match.
            let whole = self.ended || self.carry.len() > RECORD_BYTES_MAX;
            let Some(record) = next_record(self.layout, &self.carry, 0, whole, &mut self.walked) else {
                self.fill(self.carry.len() + self.chunk_bytes)?;
                continue;
            };
            let header = match record.found {
                Found::Blank => None,
                Found::Damaged(_) => {
                    Some(Header { fields: Vec::new(), raw: self.carry[record.bytes.clone()].to_vec() })
                }
                Found::Values => {
                    self.layout.width = Some(self.walked.mark());
                    let values = (0..self.walked.mark()).map(|i| self.walked.get(&self.carry, i, 0).1.to_vec());
                    Some(Header { fields: values.collect(), raw: self.carry[record.bytes.clone()].to_vec() })
                }
            };
            self.consume(record.next, record.lines);
            if header.is_some() {
                return Ok(header);
            }
        }
    }

    /// The layout of the records, once the header is read.
    pub(crate) fn layout(&self) -> Layout {
        self.layout
    }

    /// The next chunk, in a buffer that may be an old chunk's; `None` at the end.
    pub(crate) fn next(&mut self, spare: Vec<u8>) -> io::Result<Option<Chunk>> {
        let mut target = self.chunk_bytes;
        loop {
            self.fill(target.max(self.carry.len()))?;
            if self.carry.is_empty() && self.ended {
                return Ok(None);
            }
            let cut = self.cut();
            if cut > 0 {
                return Ok(Some(self.give(cut, spare)));
            }
            if self.carry.len() > RECORD_BYTES_MAX && memchr(b'\n', &self.carry).is_none() {
                return self.skip_long_line().map(Some);
            }
            target = self.carry.len() + self.chunk_bytes;
        }
    }

    /// The hash of the whole content, in hex. Reads what is left of it.
    pub(crate) fn finish(mut self) -> io::Result<String> {
        while !self.ended {
            self.carry.clear();
            self.fill(self.chunk_bytes)?;
        }
        Ok(self.hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// Reads until `target` bytes are there or the content ends.
    fn fill(&mut self, target: usize) -> io::Result<()> {
        while self.carry.len() < target && !self.ended {
            let start = self.carry.len();
            let wanted = (target - start) as u64;
            // Exactly: doubling would hold twice the longest record.
            self.carry.reserve_exact(target - start);
            let read = (&mut self.reader).take(wanted).read_to_end(&mut self.carry)?;
            self.hasher.update(&self.carry[start..]);
            self.ended = (read as u64) < wanted;
        }
        Ok(())
    }

    /// The end of the last record that is whole; 0 when none is.
    fn cut(&mut self) -> usize {
        if self.ended {
            return self.carry.len();
        }
        let Some(last_line_end) = memrchr(b'\n', &self.carry) else { return 0 };
        let quotes = memchr::memchr_iter(b'"', &self.carry[..last_line_end]).count();
        if quotes.is_multiple_of(2) {
            return last_line_end + 1;
        }
        let mut at = 0;
        while at < self.carry.len() {
            self.walked.clear();
            match next_record(self.layout, &self.carry, at, false, &mut self.walked) {
                // A record that was found damaged with the help of bytes after the cut is found so without them
                // too: what is not closed within the cut is not closed.
                Some(record) => at = record.next,
                None => break,
            }
        }
        at
    }

    /// Gives out the first `cut` bytes.
    fn give(&mut self, cut: usize, mut spare: Vec<u8>) -> Chunk {
        spare.clear();
        spare.extend_from_slice(&self.carry[cut..]);
        let mut bytes = std::mem::replace(&mut self.carry, spare);
        bytes.truncate(cut);
        let chunk = Chunk { offset: self.offset, line: self.line, too_long: None, bytes };
        self.offset += cut as u64;
        self.line += csv::newlines(&chunk.bytes);
        chunk
    }

    /// Gives out the first bytes of a line that is too long and reads over the rest of it.
    fn skip_long_line(&mut self) -> io::Result<Chunk> {
        let bytes = self.carry[..QUARANTINE_RAW_BYTES_MAX].to_vec();
        let (offset, line) = (self.offset, self.line);
        let mut length = 0;
        loop {
            if let Some(end) = memchr(b'\n', &self.carry) {
                length += end as u64;
                self.consume(end + 1, 1);
                break;
            }
            length += self.carry.len() as u64;
            self.consume(self.carry.len(), 0);
            if self.ended {
                break;
            }
            self.fill(self.chunk_bytes)?;
        }
        Ok(Chunk { bytes, offset, line, too_long: Some(length) })
    }

    fn consume(&mut self, bytes: usize, lines: u64) {
        self.carry.drain(..bytes);
        self.offset += bytes as u64;
        self.line += lines;
    }
}

/// A file's header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Header {
    /// The names; empty when the header is damaged.
    pub(crate) fields: Vec<Vec<u8>>,
    /// Its bytes.
    pub(crate) raw: Vec<u8>,
}

#[cfg(test)]
mod tests;
