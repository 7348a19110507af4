//! Rows that a command makes itself (the ledger, the nodes of a project) through the same writers as query results.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::Schema;
use chrono::{DateTime, Utc};
use millstream_core::{Error, Result};

use super::{ListFormat, Look, Sink, writer};
use crate::stop::Stop;

/// A listing under construction: columns of the same length.
#[derive(Default)]
pub struct Listing {
    columns: Vec<(&'static str, ArrayRef)>,
}

impl Listing {
    /// No columns yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a column of text.
    pub fn text<T: Into<String>>(mut self, name: &'static str, values: impl IntoIterator<Item = Option<T>>) -> Self {
        let array: StringArray = values.into_iter().map(|value| value.map(Into::into)).collect();
        self.columns.push((name, Arc::new(array)));
        self
    }

    /// Adds a column of whole numbers.
    pub fn number(mut self, name: &'static str, values: impl IntoIterator<Item = Option<i64>>) -> Self {
        self.columns.push((name, Arc::new(Int64Array::from_iter(values))));
        self
    }

    /// Adds a column of instants.
    pub fn instant(mut self, name: &'static str, values: impl IntoIterator<Item = Option<DateTime<Utc>>>) -> Self {
        let micros = values.into_iter().map(|value| value.map(|value| value.timestamp_micros()));
        self.columns.push((name, Arc::new(TimestampMicrosecondArray::from_iter(micros).with_timezone("UTC"))));
        self
    }

    /// Writes it to standard output.
    pub fn print(self, format: ListFormat) -> Result<(), Stop> {
        let batch = RecordBatch::try_from_iter(self.columns)
            .map_err(|error| Error::ours("a listing has columns of different length").why(error))?;
        // Nullability as found in the data would make the schema depend on it; listings allow nulls everywhere.
        let fields: Vec<_> =
            batch.schema().fields().iter().map(|field| field.as_ref().clone().with_nullable(true)).collect();
        let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), batch.columns().to_vec())
            .map_err(|error| Error::ours("a listing cannot be built").why(error))?;
        let mut sink = Sink::stdout();
        let written = writer(format.into(), batch.schema(), Look::of_terminal(), &mut sink).and_then(|mut rows| {
            rows.write(&batch)?;
            rows.finish()
        });
        sink.finish(written)
    }
}
