//! Output: everything a command writes to standard output, in the format the user asks for.
//!
//! Guarantees: rows stream (a table looks at its first rows to find column widths, see [`table`]); decimals are
//! written digit for digit, timestamps as ISO 8601; a file named with `--output` appears whole or not at all.
//! Deliberately absent: talk about the work, which goes to standard error through [`crate::talk`].

mod cells;
mod csv;
mod json;
mod listing;
mod parquet;
mod sink;
mod table;

use std::io::Write;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use clap::ValueEnum;
use millstream_core::{Error, Result};

pub use listing::Listing;
pub use sink::{Sink, SinkKind};
pub use table::Look;

/// Formats of listings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum ListFormat {
    /// Aligned columns for people.
    #[default]
    Table,
    /// RFC 4180, with a header; null is an empty field.
    Csv,
    /// One JSON array, an object per row.
    Json,
    /// One JSON object per line.
    Jsonl,
}

/// Formats of query results.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum RowFormat {
    /// Aligned columns for people.
    #[default]
    Table,
    /// RFC 4180, with a header; null is an empty field.
    Csv,
    /// One JSON array, an object per row.
    Json,
    /// One JSON object per line.
    Jsonl,
    /// Parquet, zstd; to a file or a pipe.
    Parquet,
}

impl From<ListFormat> for RowFormat {
    fn from(format: ListFormat) -> Self {
        match format {
            ListFormat::Table => Self::Table,
            ListFormat::Csv => Self::Csv,
            ListFormat::Json => Self::Json,
            ListFormat::Jsonl => Self::Jsonl,
        }
    }
}

/// Writes batches of one schema in one format.
pub trait RowWriter {
    /// Writes rows.
    fn write(&mut self, batch: &RecordBatch) -> Result<()>;
    /// Writes what comes after the last row. Without it the output is not whole.
    fn finish(self: Box<Self>) -> Result<()>;
}

/// A writer of this format into `sink`.
pub fn writer<'a>(
    format: RowFormat,
    schema: SchemaRef,
    look: Look,
    sink: &'a mut (dyn Write + Send),
) -> Result<Box<dyn RowWriter + 'a>> {
    Ok(match format {
        RowFormat::Table => Box::new(table::Table::new(schema, look, sink)),
        RowFormat::Csv => Box::new(csv::Csv::new(schema, sink)?),
        RowFormat::Json => Box::new(json::array(sink)),
        RowFormat::Jsonl => Box::new(json::lines(sink)),
        RowFormat::Parquet => Box::new(parquet::Parquet::new(schema, sink)?),
    })
}

/// Tells an error of a writer; whether the reader merely went away is the sink's to know.
fn write_error(error: impl std::fmt::Display) -> Error {
    Error::environment("the output cannot be written").why(error)
}
