//! Opening a file as a stream of decompressed bytes, or saying why it cannot be one of CSV in UTF-8.
//!
//! Compression is told by the first bytes; a name that ends in `.gz` or `.zst` must keep its promise, because a
//! file that does not is cut or damaged. Files of several gzip members or zstd frames are read to the last.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

use flate2::read::MultiGzDecoder;

use crate::blocking::Work;

/// Bytes read from disk at once for a compressed file.
const DISK_READ_BYTES: usize = 256 * 1024;

/// Why a file is refused before its rows are looked at.
pub(crate) type Refusal = String;

/// The decompressed bytes of a file.
pub(crate) type Content = Box<dyn Read + Send>;

/// Opens a file; `work` counts the bytes that are read from disk, and ends the reading when it is given up.
pub(crate) fn open(path: &Path, work: &Work) -> Result<Content, Refusal> {
    let unreadable = |error: io::Error| format!("the file cannot be read: {error}");
    let mut first = [0u8; 4];
    let mut probe = File::open(path).map_err(unreadable)?;
    let length = read_up_to(&mut probe, &mut first).map_err(unreadable)?;
    let first = &first[..length];
    let name = path.to_string_lossy().to_lowercase();
    let file = Counted { file: File::open(path).map_err(unreadable)?, work: work.clone() };
    if first.starts_with(&[0x1f, 0x8b]) {
        return Ok(Box::new(MultiGzDecoder::new(BufReader::with_capacity(DISK_READ_BYTES, file))));
    }
    if first.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
        let decoder = zstd::stream::read::Decoder::new(file).map_err(unreadable)?;
        return Ok(Box::new(decoder));
    }
    for (ending, what) in [(".gz", "gzip"), (".zst", "zstd")] {
        if name.ends_with(ending) {
            return Err(format!("the file is named {ending} but is not {what}: it may be cut or renamed"));
        }
    }
    match not_csv(first) {
        Some(reason) => Err(reason),
        None => Ok(Box::new(file)),
    }
}

/// Why bytes cannot be the start of CSV in UTF-8.
pub(crate) fn not_csv(first: &[u8]) -> Option<Refusal> {
    let starts = |magic: &[u8]| first.starts_with(magic);
    if starts(&[0xff, 0xfe]) || starts(&[0xfe, 0xff]) {
        return Some(
            "the file is UTF-16, UTF-8 is expected: convert it, for example with iconv -f UTF-16 -t UTF-8".into(),
        );
    }
    if first.contains(&0) {
        return Some("the file has NUL bytes in its header: it is binary, or UTF-16 or UTF-32 text".into());
    }
    if starts(b"PK\x03\x04") {
        return Some("the file is a zip archive (or a spreadsheet): unpack it, or save it as CSV".into());
    }
    if starts(b"PAR1") {
        return Some("the file is Parquet, CSV is declared".into());
    }
    None
}

/// A file whose reading is counted, and can be given up.
struct Counted {
    file: File,
    work: Work,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.work.is_given_up() {
            return Err(io::Error::other("interrupted"));
        }
        let read = self.file.read(buffer)?;
        self.work.add(read as u64);
        Ok(read)
    }
}

/// Fills the buffer as far as the reader goes.
fn read_up_to(reader: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut length = 0;
    while length < buffer.len() {
        match reader.read(&mut buffer[length..]) {
            Ok(0) => break,
            Ok(read) => length += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(length)
}
