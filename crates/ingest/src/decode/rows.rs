//! A batch of records: all columns read, the records that broke a rule told and taken out.

use arrow::array::{ArrayRef, BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::datatypes::SchemaRef;
use millstream_core::{Error, Result};

use super::column::{self, Source};
use super::fields::Fields;
use crate::broken::Broken;
use crate::contract::Column;

/// The declared columns of a batch, and the rules that its records broke, sorted by record.
pub(crate) struct Decoded {
    pub(crate) arrays: Vec<ArrayRef>,
    pub(crate) broken: Vec<Broken>,
}

/// Reads all columns. `field_of[i]` is the place of declared column `i` in each record of `fields`.
pub(crate) fn decode(columns: &[Column], field_of: &[usize], input: &[u8], fields: &Fields) -> Result<Decoded> {
    let mut broken = Vec::new();
    let mut arrays = Vec::with_capacity(columns.len());
    for (index, (column, field)) in columns.iter().zip(field_of).enumerate() {
        arrays.push(column::decode(&Source { column, index, field: *field, fields, input }, &mut broken)?);
    }
    // Columns were read one after the other; the sort is stable, so that a record's rules stay in column order.
    broken.sort_by_key(|broken| broken.row);
    Ok(Decoded { arrays, broken })
}

/// The batch of raw rows: all columns, without the records that broke a rule.
pub(crate) fn good_rows(schema: &SchemaRef, arrays: Vec<ArrayRef>, broken: &[Broken]) -> Result<RecordBatch> {
    let ours = |e| Error::ours("a batch of rows cannot be built").why(e);
    let batch = RecordBatch::try_new(schema.clone(), arrays).map_err(ours)?;
    if broken.is_empty() {
        return Ok(batch);
    }
    let mut keep = vec![true; batch.num_rows()];
    for broken in broken {
        keep[broken.row] = false;
    }
    filter_record_batch(&batch, &BooleanArray::from(keep)).map_err(ours)
}
