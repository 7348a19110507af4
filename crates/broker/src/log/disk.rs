//! The file of a partition: its batches one after the other, as Kafka's own segments have them.
//!
//! Guarantees: what was acknowledged is in the file before the answer goes out, so it survives `kill -9`; a batch that was
//! cut short by a crash was never acknowledged and is cut off at the next start. Deliberately not done: syncing to the
//! disk at each batch (Kafka does not either), so a power cut may lose the last moments; and giving back the room of
//! deleted records before their topic is deleted.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use bytes::{Bytes, BytesMut};
use millstream_core::{Error, Place, Result};

use super::batch::Batch;

/// An open partition file.
#[derive(Debug)]
pub(crate) struct Segment {
    file: File,
    length: u64,
    start_file: PathBuf,
    buffer: BytesMut,
}

/// The file of partition `number` in the folder of its topic, what it holds, and its first offset.
pub(crate) fn open(folder: &Path, number: usize) -> Result<(Segment, i64, Vec<Batch>)> {
    let path = folder.join(format!("{number}.log"));
    let start_file = folder.join(format!("{number}.start"));
    let content = match fs::read(&path) {
        Ok(content) => Bytes::from(content),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Bytes::new(),
        Err(error) => return Err(failed(&path, error)),
    };
    let (batches, length) = parse(&path, content)?;
    let file = OpenOptions::new().create(true).append(true).open(&path).map_err(|error| failed(&path, error))?;
    file.set_len(length).map_err(|error| failed(&path, error))?;
    let start = match fs::read_to_string(&start_file) {
        Ok(text) => text.trim().parse().map_err(|error| failed(&start_file, error))?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
        Err(error) => return Err(failed(&start_file, error)),
    };
    Ok((Segment { file, length, start_file, buffer: BytesMut::new() }, start, batches))
}

/// The whole batches of a file, and how long they are together.
fn parse(path: &Path, mut content: Bytes) -> Result<(Vec<Batch>, u64)> {
    let total = content.len();
    let mut batches: Vec<Batch> = Vec::new();
    loop {
        let at = total - content.len();
        let rest = content.len();
        match Batch::take(&mut content) {
            Ok(Some(batch)) if batch.base_offset == batches.last().map_or(batch.base_offset, Batch::end) => {
                batches.push(batch);
            }
            // A tail that was cut short by a crash; what is in it was never acknowledged.
            Ok(None) => return Ok((batches, at as u64)),
            // A batch that is there in full and yet wrong is no crash: say so rather than lose what follows it.
            Ok(Some(_)) | Err(_) => {
                return Err(Error::environment("a file of the broker is damaged")
                    .at(Place::file(path.display().to_string()))
                    .why(format!("the batch at byte {at} of {total} ({rest} bytes from the end) is not valid"))
                    .hint("restore the file, or delete the broker's data folder to start empty"));
            }
        }
    }
}

impl Segment {
    /// Adds a batch; after an error the file is as it was.
    pub(crate) fn append(&mut self, batch: &Batch) -> io::Result<()> {
        self.buffer.clear();
        batch.write(&mut self.buffer);
        if let Err(error) = self.file.write_all(&self.buffer) {
            self.file.set_len(self.length)?;
            return Err(error);
        }
        self.length += self.buffer.len() as u64;
        Ok(())
    }

    /// Remembers that records before `start` are deleted.
    pub(crate) fn set_start(&mut self, start: i64) -> io::Result<()> {
        replace(&self.start_file, start.to_string().as_bytes())
    }
}

/// Writes a small file whole or not at all.
pub(crate) fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut partial = path.as_os_str().to_owned();
    partial.push(".partial");
    let mut file = File::create(&partial)?;
    file.write_all(content)?;
    file.sync_data()?;
    fs::rename(&partial, path)
}

/// The error for a file or folder of the broker that cannot be used.
pub(crate) fn failed(path: &Path, error: impl std::fmt::Display) -> Error {
    Error::environment("the broker cannot use its data folder")
        .at(Place::file(path.display().to_string()))
        .why(error)
        .hint("check that the folder is writable and has room, or leave out the data folder to keep messages in memory")
}
