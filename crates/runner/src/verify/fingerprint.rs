//! A row as a few numbers: equal rows have equal ones, whatever batch they are in.
//!
//! Two hashes of 64 bits that do not depend on the machine. Floats are left out of the first part, so that rows which
//! differ only in a float's last digits can be found again; `-0.0` is `0.0`, and every NaN is the same.

use std::hash::{DefaultHasher, Hasher};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float64Array, RecordBatch, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type, Schema};
use arrow::row::{RowConverter, Rows, SortField};
use millstream_core::{Error, Result};

use crate::cells;

/// What tells a row from others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Print {
    /// Of all columns that are no floats.
    pub(super) exact: u64,
    /// Of the whole row.
    pub(super) whole: u128,
}

/// Makes prints of the rows of one query.
pub(super) struct Printer {
    exact: Vec<usize>,
    floats: Vec<usize>,
    converter: Option<RowConverter>,
}

impl Printer {
    /// For rows with these columns.
    pub(super) fn new(schema: &Schema) -> Result<Self> {
        let all = 0..schema.fields().len();
        let (floats, exact): (Vec<usize>, Vec<usize>) = all.partition(|at| schema.field(*at).data_type().is_floating());
        let fields: Vec<SortField> =
            exact.iter().map(|at| SortField::new(told_as(schema.field(*at).data_type()))).collect();
        let converter = (!fields.is_empty()).then(|| RowConverter::new(fields)).transpose().map_err(failed)?;
        Ok(Self { exact, floats, converter })
    }

    /// Whether rows may differ in the last digits only.
    pub(super) fn has_floats(&self) -> bool {
        !self.floats.is_empty()
    }

    /// The prints of a batch, and its floats by row (see [`Floats`]).
    pub(super) fn prints(&mut self, batch: &RecordBatch) -> Result<(Vec<Print>, Floats)> {
        let columns: Vec<ArrayRef> = self.exact.iter().map(|at| told(batch.column(*at))).collect::<Result<_>>()?;
        let rows: Option<Rows> =
            self.converter.as_mut().map(|converter| converter.convert_columns(&columns)).transpose().map_err(failed)?;
        let floats = Floats::of(batch, &self.floats)?;
        let prints = (0..batch.num_rows())
            .map(|row| {
                let bytes = rows.as_ref().map_or(&[][..], |rows| rows.row(row).data());
                let exact = hash(0, bytes, &[]);
                let numbers = floats.bits(row);
                let high = if numbers.is_empty() { exact } else { hash(1, bytes, &numbers) };
                let whole = (u128::from(high) << 64) | u128::from(hash(2, bytes, &numbers));
                Print { exact, whole }
            })
            .collect();
        Ok((prints, floats))
    }
}

/// The float columns of a batch.
pub(super) struct Floats {
    columns: Vec<Float64Array>,
}

impl Floats {
    fn of(batch: &RecordBatch, columns: &[usize]) -> Result<Self> {
        let column = |at: &usize| {
            let wide = cast(batch.column(*at), &DataType::Float64).map_err(failed)?;
            Ok(wide.as_primitive::<Float64Type>().clone())
        };
        Ok(Self { columns: columns.iter().map(column).collect::<Result<_>>()? })
    }

    /// The floats of a row; null is `None`.
    pub(super) fn row(&self, row: usize) -> Vec<Option<f64>> {
        self.columns.iter().map(|column| column.is_valid(row).then(|| column.value(row))).collect()
    }

    fn bits(&self, row: usize) -> Vec<u64> {
        let bits = |value: Option<f64>| match value {
            // No float has these bits here: NaN is told as the one below.
            None => u64::MAX,
            Some(value) if value.is_nan() => f64::NAN.to_bits(),
            Some(0.0) => 0,
            Some(value) => value.to_bits(),
        };
        self.row(row).into_iter().map(bits).collect()
    }
}

/// The standard hasher is the same in every run when it is made like this.
fn hash(seed: u8, bytes: &[u8], numbers: &[u64]) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write_u8(seed);
    hasher.write(bytes);
    for number in numbers {
        hasher.write_u64(*number);
    }
    hasher.finish()
}

/// Types that cannot be compared as bytes are compared as text.
fn told_as(data_type: &DataType) -> DataType {
    if RowConverter::supports_fields(&[SortField::new(data_type.clone())]) { data_type.clone() } else { DataType::Utf8 }
}

fn told(column: &ArrayRef) -> Result<ArrayRef> {
    if told_as(column.data_type()) == *column.data_type() {
        return Ok(Arc::clone(column));
    }
    let text = |row| (!column.is_null(row)).then(|| cells::text(column, row)).transpose();
    let all: Vec<Option<String>> = (0..column.len()).map(text).collect::<Result<_>>()?;
    Ok(Arc::new(StringArray::from(all)))
}

fn failed(error: arrow::error::ArrowError) -> Error {
    Error::ours("rows cannot be compared").why(error)
}
