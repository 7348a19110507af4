//! Writing one load's data files from several threads, and knowing afterwards which were finished.
//!
//! Guarantees: every finished part is in the shared list, whoever wrote it and whatever failed elsewhere, so that a
//! load that is given up can discard them all. An unfinished part removes itself when it is dropped.

use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::RecordBatch;
use millstream_core::Result;
use millstream_core::warehouse::{Load, Part, PartWriter};

/// Size at which a data file is ended and another begun: large enough to scan well, small enough to rewrite.
const PART_BYTES_TARGET: u64 = 256 * 1024 * 1024;

/// The finished parts of one load.
#[derive(Debug, Clone, Default)]
pub(crate) struct Parts(Arc<Mutex<Vec<Part>>>);

impl Parts {
    /// All parts finished so far; the list is empty afterwards. Sorted, so that the order of threads does not show.
    pub(crate) fn take(&self) -> Vec<Part> {
        let mut parts = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        parts.sort_by(|a, b| a.path.cmp(&b.path));
        parts
    }

    fn add(&self, part: Part) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(part);
    }
}

/// Writes batches into data files of one load. Used from one thread; nothing is created before the first row.
pub(crate) struct PartSink {
    load: Arc<dyn Load>,
    parts: Parts,
    writer: Option<Box<dyn PartWriter>>,
}

impl PartSink {
    /// Finished parts go to `parts`.
    pub(crate) fn new(load: Arc<dyn Load>, parts: Parts) -> Self {
        Self { load, parts, writer: None }
    }

    /// Adds rows.
    pub(crate) fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        let mut writer = match self.writer.take() {
            Some(writer) => writer,
            None => self.load.part()?,
        };
        writer.write(batch)?;
        let full = writer.bytes() >= PART_BYTES_TARGET;
        self.writer = Some(writer);
        if full { self.end_part() } else { Ok(()) }
    }

    /// Ends the last data file.
    pub(crate) fn finish(mut self) -> Result<()> {
        self.end_part()
    }

    fn end_part(&mut self) -> Result<()> {
        if let Some(writer) = self.writer.take()
            && let Some(part) = writer.finish()?
        {
            self.parts.add(part);
        }
        Ok(())
    }
}
