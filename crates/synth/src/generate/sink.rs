//! Where chunks of a file go, whatever its format.

use std::io::Write;
use std::path::Path;

use arrow::array::RecordBatch;
use millstream_core::{Error, Result};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

use super::Format;
use super::output::{AtomicFile, Published, failed};
use super::{csv, parquet as columns};

/// Rows in a Parquet row group: bounds what the writer holds in memory.
const ROW_GROUP_ROWS: usize = 1 << 20;

/// A chunk of a file, encoded.
pub(super) enum Encoded {
    Csv(Vec<u8>),
    Parquet(RecordBatch),
}

/// A file under way.
pub(super) enum Sink {
    Csv(AtomicFile),
    Parquet(Box<ArrowWriter<AtomicFile>>),
}

impl Sink {
    /// Starts the file `stem` (its extension follows from the format) with these columns in `folder`.
    pub(super) fn create(folder: &Path, stem: &str, format: Format, names: &[&str]) -> Result<Self> {
        let mut file = AtomicFile::create(folder, &format!("{stem}.{}", format.extension()))?;
        if format == Format::Csv {
            file.write_all(&csv::header(names)).map_err(|error| failed(file.target(), error))?;
            return Ok(Self::Csv(file));
        }
        let target = file.target().to_owned();
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
            .build();
        let writer = ArrowWriter::try_new(file, columns::schema(names), Some(properties));
        Ok(Self::Parquet(Box::new(writer.map_err(|error| failed(&target, error))?)))
    }

    /// Adds a chunk.
    pub(super) fn write(&mut self, chunk: &Encoded) -> Result<()> {
        match (self, chunk) {
            (Self::Csv(file), Encoded::Csv(bytes)) => {
                file.write_all(bytes).map_err(|error| failed(file.target(), error))
            }
            (Self::Parquet(writer), Encoded::Parquet(batch)) => {
                writer.write(batch).map_err(|error| failed(writer.inner().target(), error))
            }
            _ => Err(Error::ours("a chunk was encoded for another file format")),
        }
    }

    /// Ends the file and gives it its name.
    pub(super) fn publish(self) -> Result<Published> {
        match self {
            Self::Csv(file) => file.publish(),
            Self::Parquet(writer) => {
                let target = writer.inner().target().to_owned();
                writer.into_inner().map_err(|error| failed(&target, error))?.publish()
            }
        }
    }
}
