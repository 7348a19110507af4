//! Rows in memory, split by whether they have one of some keys.
//!
//! Guarantees: null equals null. Only for keys whose values are the same when their bytes are (no floats).

use arrow::array::{BooleanArray, RecordBatch};
use arrow::compute::{filter_record_batch, not};
use arrow::datatypes::Schema;
use arrow::error::ArrowError;
use arrow::row::{RowConverter, SortField};
use datafusion::common::HashSet;
use millstream_core::{Error, Result};

use super::same_rows::own_memory;

fn failed(error: ArrowError) -> Error {
    Error::ours("rows cannot be split by their keys").why(error)
}

/// Keys, and where rows have theirs.
pub(super) struct Keyed {
    converter: RowConverter,
    places: Vec<usize>,
    keys: HashSet<Box<[u8]>>,
}

impl Keyed {
    /// The rows of some batches as keys; `names` are their columns in rows of this schema.
    pub(super) fn of(batches: Vec<RecordBatch>, names: &[String], schema: &Schema) -> Result<Self> {
        let places = names.iter().map(|name| schema.index_of(name)).collect::<Result<Vec<_>, _>>().map_err(failed)?;
        let fields = places.iter().map(|at| SortField::new(schema.field(*at).data_type().clone())).collect();
        let converter = RowConverter::new(fields).map_err(failed)?;
        let mut keys = HashSet::with_capacity(batches.iter().map(RecordBatch::num_rows).sum());
        for batch in batches {
            let rows = converter.convert_columns(batch.columns()).map_err(failed)?;
            keys.extend(rows.iter().map(|row| Box::from(row.as_ref())));
        }
        Ok(Self { converter, places, keys })
    }

    fn has(&self, batch: &RecordBatch) -> Result<BooleanArray> {
        let columns: Vec<_> = self.places.iter().map(|at| batch.column(*at).clone()).collect();
        let rows = self.converter.convert_columns(&columns).map_err(failed)?;
        Ok(rows.iter().map(|row| Some(self.keys.contains(row.as_ref()))).collect())
    }
}

/// Rows with one of the keys, and the others.
#[derive(Default)]
pub(super) struct Parted {
    pub went: Vec<RecordBatch>,
    pub kept: Vec<RecordBatch>,
}

impl Parted {
    /// Splits the rows of a batch.
    pub(super) fn add(&mut self, keys: &Keyed, batch: RecordBatch) -> Result<()> {
        let has = keys.has(&batch)?;
        match has.true_count() {
            0 => self.kept.push(batch),
            count => {
                let went = filter_record_batch(&batch, &has).map_err(failed)?;
                self.went.push(own_memory(&went)?);
                if count < batch.num_rows() {
                    let rest = not(&has).map_err(failed)?;
                    self.kept.push(filter_record_batch(&batch, &rest).map_err(failed)?);
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use arrow::array::{Array, ArrayRef, Int64Array, StringViewArray};

    fn rows(ids: &[Option<i64>]) -> RecordBatch {
        let texts: StringViewArray =
            ids.iter().map(|id| id.map(|id| format!("row number {id}, too long to inline"))).collect();
        let ids: Int64Array = ids.iter().copied().collect();
        RecordBatch::try_from_iter_with_nullable([
            ("text", Arc::new(texts) as ArrayRef, true),
            ("id", Arc::new(ids) as _, true),
        ])
        .unwrap()
    }

    #[test]
    fn each_row_is_on_one_side_and_null_is_a_key() {
        let schema = rows(&[]).schema();
        let wanted = rows(&[Some(2), None]).project(&[1]).unwrap();
        let keys = Keyed::of(vec![wanted], &["id".to_owned()], &schema).unwrap();
        let mut parted = Parted::default();
        for batch in [rows(&[Some(1), Some(2), None]), rows(&[Some(3)]), rows(&[Some(2)])] {
            parted.add(&keys, batch).unwrap();
        }
        let ids = |batches: &[RecordBatch]| -> Vec<Option<i64>> {
            let all =
                batches.iter().map(|batch| batch.column(1).as_any().downcast_ref::<Int64Array>().unwrap().clone());
            all.flat_map(|ids| ids.iter().collect::<Vec<_>>()).collect()
        };
        assert_eq!(ids(&parted.went), [Some(2), None, Some(2)]);
        assert_eq!(ids(&parted.kept), [Some(1), Some(3)]);
        assert_eq!(parted.went.iter().map(|batch| batch.column(0).len()).sum::<usize>(), 3);
    }
}
