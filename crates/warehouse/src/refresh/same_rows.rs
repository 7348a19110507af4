//! Rows in memory: whether two lists of batches are the same bag of rows, and where they differ.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::datatypes::DataType;
use arrow::error::ArrowError;
use arrow::row::{RowConverter, SortField};
use millstream_core::{Error, Result};

/// Whether both have the same rows, each as often. Types that cannot be compared are never the same.
pub(super) fn same_rows(one: &[RecordBatch], other: &[RecordBatch]) -> Result<bool> {
    Ok(rows_of(one) == rows_of(other) && weighed(one, other)?.is_some_and(|weighed| weighed.is_balanced()))
}

/// Some columns of the rows that came and went, without those that are alike in them. Rows that cannot be compared stay
/// as they are.
pub(super) fn differing(
    came: &[RecordBatch],
    went: &[RecordBatch],
    used: &[usize],
) -> Result<(Vec<RecordBatch>, Vec<RecordBatch>)> {
    let failed = |error: ArrowError| Error::ours("changed rows cannot be told apart").why(error);
    let project = |batches: &[RecordBatch]| -> Result<Vec<RecordBatch>> {
        batches.iter().map(|batch| batch.project(used).map_err(failed)).collect()
    };
    let (came, went) = (project(came)?, project(went)?);
    let Some(mut weighed) = weighed(&came, &went)? else { return Ok((came, went)) };
    let mut left = |batches: Vec<RecordBatch>, weight: i64| -> Result<Vec<RecordBatch>> {
        let mut kept = Vec::new();
        for batch in batches {
            let kept_rows = weighed.take(&batch, weight)?;
            if kept_rows.true_count() > 0 {
                kept.push(filter_record_batch(&batch, &kept_rows).map_err(failed)?);
            }
        }
        Ok(kept)
    };
    Ok((left(came, 1)?, left(went, -1)?))
}

/// How often each row is in the first list more than in the second.
struct Weighed {
    /// None for rows without columns.
    converter: Option<RowConverter>,
    weights: HashMap<Vec<u8>, i64>,
}

impl Weighed {
    fn is_balanced(&self) -> bool {
        self.weights.values().all(|weight| *weight == 0)
    }

    fn keys(&self, batch: &RecordBatch) -> Result<Vec<Vec<u8>>> {
        let failed = |error: ArrowError| Error::ours("rows cannot be compared").why(error);
        Ok(match &self.converter {
            None => vec![Vec::new(); batch.num_rows()],
            Some(converter) => {
                let rows = converter.convert_columns(batch.columns()).map_err(failed)?;
                rows.iter().map(|row| row.as_ref().to_vec()).collect()
            }
        })
    }

    fn add(&mut self, batch: &RecordBatch, weight: i64) -> Result<()> {
        for key in self.keys(batch)? {
            *self.weights.entry(key).or_default() += weight;
        }
        Ok(())
    }

    /// Rows of one of the lists that the other one does not have as often; they count as seen from then on.
    fn take(&mut self, batch: &RecordBatch, weight: i64) -> Result<BooleanArray> {
        let keys = self.keys(batch)?;
        let taken = keys.into_iter().map(|key| match self.weights.get_mut(&key) {
            Some(left) if left.signum() == weight => {
                *left -= weight;
                Some(true)
            }
            _ => Some(false),
        });
        Ok(taken.collect())
    }
}

/// `None` when the rows have other types than each other, or types that cannot be compared.
fn weighed(one: &[RecordBatch], other: &[RecordBatch]) -> Result<Option<Weighed>> {
    let kinds = |batch: &RecordBatch| -> Vec<DataType> {
        batch.schema().fields().iter().map(|field| field.data_type().clone()).collect()
    };
    let mut all = one.iter().chain(other);
    let Some(first) = all.next().map(kinds) else {
        return Ok(Some(Weighed { converter: None, weights: HashMap::new() }));
    };
    let fields: Vec<SortField> = first.iter().cloned().map(SortField::new).collect();
    if !all.all(|batch| kinds(batch) == first) || !RowConverter::supports_fields(&fields) {
        return Ok(None);
    }
    let failed = |error: ArrowError| Error::ours("rows cannot be compared").why(error);
    let converter = (!fields.is_empty()).then(|| RowConverter::new(fields)).transpose().map_err(failed)?;
    let mut weighed = Weighed { converter, weights: HashMap::new() };
    for (batches, weight) in [(one, 1), (other, -1)] {
        for batch in batches {
            weighed.add(batch, weight)?;
        }
    }
    Ok(Some(weighed))
}

fn rows_of(batches: &[RecordBatch]) -> usize {
    batches.iter().map(RecordBatch::num_rows).sum()
}

/// The batch in memory of its own: text that is seen through views would keep all that it was read from.
pub(super) fn own_memory(batch: &RecordBatch) -> Result<RecordBatch> {
    let columns = batch.columns().iter().map(|column| -> ArrayRef {
        match column.data_type() {
            DataType::Utf8View => Arc::new(column.as_string_view().gc()),
            DataType::BinaryView => Arc::new(column.as_binary_view().gc()),
            _ => Arc::clone(column),
        }
    });
    RecordBatch::try_new(batch.schema(), columns.collect())
        .map_err(|error| Error::ours("rows cannot be kept").why(error))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use arrow::array::{Int64Array, StringViewArray};

    fn rows(all: &[(i64, &str)]) -> Vec<RecordBatch> {
        let ids: Int64Array = all.iter().map(|(id, _)| Some(*id)).collect();
        let texts: StringViewArray = all.iter().map(|(_, text)| Some(*text)).collect();
        vec![RecordBatch::try_from_iter([("id", Arc::new(ids) as ArrayRef), ("text", Arc::new(texts) as _)]).unwrap()]
    }

    #[test]
    fn bags_are_the_same_in_any_order_and_number_of_batches() {
        let (one, mut other) = (rows(&[(1, "a"), (2, "b"), (1, "a")]), rows(&[(2, "b")]));
        other.extend(rows(&[(1, "a"), (1, "a")]));
        assert!(same_rows(&one, &other).unwrap());
        assert!(!same_rows(&one, &rows(&[(1, "a"), (2, "b"), (2, "b")])).unwrap(), "each as often");
        assert!(same_rows(&[], &rows(&[])).unwrap());
    }

    #[test]
    fn what_is_alike_in_the_columns_that_count_has_not_changed() {
        let (came, went) = (rows(&[(1, "new"), (2, "b"), (3, "c")]), rows(&[(1, "old"), (2, "b"), (2, "b")]));
        let counts = |used: &[usize]| {
            let (came, went) = differing(&came, &went, used).unwrap();
            (rows_of(&came), rows_of(&went))
        };
        assert_eq!(counts(&[0, 1]), (2, 2));
        assert_eq!(counts(&[0]), (1, 1), "3 came, one 2 went");
        assert_eq!(counts(&[]), (0, 0), "as many came as went");
    }
}
