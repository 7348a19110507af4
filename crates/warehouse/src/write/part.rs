//! One data file while it is written.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, SchemaRef};
use arrow::util::display::FormatOptions;
use millstream_core::warehouse::{Part, PartWriter};
use millstream_core::{Error, Result};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;

use super::properties::{SAMPLE_ROWS, for_sample};
use crate::log::stats;

/// What names of unfinished files start with.
const TEMPORARY: &str = ".tmp-";

/// Whether a file name is that of an unfinished file.
pub(crate) fn is_temporary(name: &str) -> bool {
    name.starts_with(TEMPORARY)
}

/// Removes data files that are in no version; those that are gone already are fine.
pub(crate) fn remove_parts(folder: &Path, parts: &[Part]) {
    for part in parts {
        let _ = fs::remove_file(folder.join(&part.path));
    }
}

/// Writes one data file; used from one thread. Dropped unfinished, it removes what it wrote.
pub(crate) struct PartFile {
    folder: PathBuf,
    temporary: PathBuf,
    name: String,
    /// Columns as they are stored; text may come as views, which Parquet writes alike.
    stored: SchemaRef,
    durable: bool,
    sample: Vec<RecordBatch>,
    sample_rows: usize,
    writer: Option<ArrowWriter<File>>,
    rows: u64,
    finished: bool,
}

impl PartFile {
    /// Starts a file in a table's folder. `durable`: finishing waits until the bytes are on the disk.
    pub(crate) fn new(folder: &Path, stored: SchemaRef, id: &str, durable: bool) -> Self {
        let name = format!("part-{id}.parquet");
        Self {
            temporary: folder.join(format!("{TEMPORARY}{name}")),
            folder: folder.to_owned(),
            name,
            stored,
            durable,
            sample: Vec::new(),
            sample_rows: 0,
            writer: None,
            rows: 0,
            finished: false,
        }
    }

    fn failed(&self, error: &dyn std::fmt::Display) -> Error {
        Error::environment(format!("the data file {} cannot be written", self.temporary.display()))
            .why(error)
            .hint("check free disk space and permissions, then run again")
    }

    /// Opens the file once enough rows are there to choose the encoding.
    fn open(&mut self) -> Result<()> {
        fs::create_dir_all(&self.folder).map_err(|error| self.failed(&error))?;
        let file = File::create(&self.temporary).map_err(|error| self.failed(&error))?;
        let schema = self.sample.first().map_or_else(|| self.stored.clone(), RecordBatch::schema);
        // Other readers go by the Parquet types; ours by the table's schema. Neither needs Arrow's own copy.
        let options =
            ArrowWriterOptions::new().with_properties(for_sample(&self.sample)).with_skip_arrow_metadata(true);
        let mut writer =
            ArrowWriter::try_new_with_options(file, schema, options).map_err(|error| self.failed(&error))?;
        for batch in std::mem::take(&mut self.sample) {
            writer.write(&batch).map_err(|error| self.failed(&error))?;
        }
        self.writer = Some(writer);
        Ok(())
    }
}

impl PartWriter for PartFile {
    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        let batch = storable_batch(batch, &self.stored)?;
        self.rows += batch.num_rows() as u64;
        match &mut self.writer {
            Some(writer) => writer.write(&batch).map_err(|error| self.failed(&error)),
            None => {
                self.sample_rows += batch.num_rows();
                self.sample.push(batch);
                if self.sample_rows >= SAMPLE_ROWS { self.open() } else { Ok(()) }
            }
        }
    }

    fn rows(&self) -> u64 {
        self.rows
    }

    fn bytes(&self) -> u64 {
        self.writer.as_ref().map_or(0, |writer| (writer.bytes_written() + writer.in_progress_size()) as u64)
    }

    fn finish(mut self: Box<Self>) -> Result<Option<Part>> {
        if self.rows == 0 {
            return Ok(None);
        }
        if self.writer.is_none() {
            self.open()?;
        }
        let Some(mut writer) = self.writer.take() else {
            return Err(Error::ours("a data file was not opened"));
        };
        let metadata = writer.finish().map_err(|error| self.failed(&error))?;
        let file = writer.inner();
        if self.durable {
            file.sync_data().map_err(|error| self.failed(&error))?;
        }
        let bytes = file.metadata().map_err(|error| self.failed(&error))?.len();
        let stats = stats::from_parquet(&metadata, &self.stored)?;
        fs::rename(&self.temporary, self.folder.join(&self.name)).map_err(|error| self.failed(&error))?;
        if self.durable {
            File::open(&self.folder).and_then(|folder| folder.sync_all()).map_err(|error| self.failed(&error))?;
        }
        self.finished = true;
        Ok(Some(Part { path: self.name.clone(), rows: self.rows, bytes, stats }))
    }
}

impl Drop for PartFile {
    fn drop(&mut self) {
        if !self.finished {
            self.writer = None;
            let _ = fs::remove_file(&self.temporary);
        }
    }
}

/// The batch with the types of the stored schema. Values that do not fit are an error, never null.
fn storable_batch(batch: &RecordBatch, stored: &SchemaRef) -> Result<RecordBatch> {
    if batch.num_columns() != stored.fields().len() {
        return Err(Error::ours(format!(
            "a batch has {} columns, the table {}",
            batch.num_columns(),
            stored.fields().len()
        )));
    }
    let mut columns = Vec::with_capacity(batch.num_columns());
    let mut fields = Vec::with_capacity(batch.num_columns());
    for (column, field) in batch.columns().iter().zip(stored.fields()) {
        let column = storable_column(column, field.data_type()).map_err(|error| {
            Error::user(format!("a value of column '{}' cannot be stored", field.name())).why(error)
        })?;
        fields.push(Arc::new(field.as_ref().clone().with_data_type(column.data_type().clone())));
        columns.push(column);
    }
    let schema = Arc::new(arrow::datatypes::Schema::new(fields));
    RecordBatch::try_new(schema, columns).map_err(|error| Error::ours("a batch does not fit its table").why(error))
}

/// The type through which fractions become whole numbers: its scale rounds them, half away from zero, where the engine's
/// cast would cut them off.
pub(crate) fn through(from: &DataType, to: &DataType) -> Option<DataType> {
    let has_fraction = match from {
        DataType::Decimal128(_, scale) | DataType::Decimal256(_, scale) => *scale > 0,
        _ => from.is_floating(),
    };
    (to.is_integer() && has_fraction).then_some(DataType::Decimal128(38, 0))
}

fn storable_column(column: &ArrayRef, stored: &DataType) -> std::result::Result<ArrayRef, arrow::error::ArrowError> {
    let alike = matches!(
        (column.data_type(), stored),
        (DataType::Utf8View | DataType::LargeUtf8, DataType::Utf8)
            | (DataType::BinaryView | DataType::LargeBinary, DataType::Binary)
    );
    if alike || column.data_type() == stored {
        return Ok(column.clone());
    }
    let options = CastOptions { safe: false, format_options: FormatOptions::default() };
    match through(column.data_type(), stored) {
        Some(whole) => cast_with_options(&cast_with_options(column, &whole, &options)?, stored, &options),
        None => cast_with_options(column, stored, &options),
    }
}
