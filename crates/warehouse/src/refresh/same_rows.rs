//! Rows in memory: whether two lists of batches are the same bag of rows, and where they differ.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BooleanArray, RecordBatch};
use arrow::compute::{filter_record_batch, not};
use arrow::datatypes::DataType;
use arrow::error::ArrowError;
use arrow::row::{RowConverter, Rows, SortField};
use datafusion::common::HashMap;
use millstream_core::{Error, Result};

/// Whether both have the same rows, each as often. Types that cannot be compared are never the same.
pub(super) fn same_rows(one: &[RecordBatch], other: &[RecordBatch]) -> Result<bool> {
    if rows_of(one) != rows_of(other) {
        return Ok(false);
    }
    let Some(mut counted) = Counted::of(one, other)? else { return Ok(false) };
    for batch in other {
        if counted.take(batch)?.true_count() < batch.num_rows() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Some columns of the rows that came and went, without those that are alike in them. Rows that cannot be compared stay
/// as they are.
pub(super) fn differing(
    came: &[RecordBatch],
    went: &[RecordBatch],
    used: &[usize],
) -> Result<(Vec<RecordBatch>, Vec<RecordBatch>)> {
    let project = |batches: &[RecordBatch]| -> Result<Vec<RecordBatch>> {
        batches.iter().map(|batch| batch.project(used).map_err(failed)).collect()
    };
    let (came, went) = (project(came)?, project(went)?);
    // Often thousands come and a few go: only the few are held.
    let is_turned = rows_of(&came) < rows_of(&went);
    let (few, many) = if is_turned { (came, went) } else { (went, came) };
    let (few, many) = match Counted::of(&few, &many)? {
        None => (few, many),
        Some(mut counted) => {
            let many = many.into_iter().map(|batch| left(&not(&counted.take(&batch)?).map_err(failed)?, batch));
            let many = many.filter_map(Result::transpose).collect::<Result<_>>()?;
            let few = few.into_iter().map(|batch| left(&counted.take(&batch)?, batch));
            (few.filter_map(Result::transpose).collect::<Result<_>>()?, many)
        }
    };
    Ok(if is_turned { (few, many) } else { (many, few) })
}

fn failed(error: ArrowError) -> Error {
    Error::ours("changed rows cannot be told apart").why(error)
}

/// The chosen rows of a batch, if there are any.
fn left(chosen: &BooleanArray, batch: RecordBatch) -> Result<Option<RecordBatch>> {
    match chosen.true_count() {
        0 => Ok(None),
        count if count == batch.num_rows() => Ok(Some(batch)),
        _ => filter_record_batch(&batch, chosen).map(Some).map_err(failed),
    }
}

/// How often each row is among some, as far as none of them was taken.
struct Counted {
    /// None for rows without columns.
    converter: Option<RowConverter>,
    counts: HashMap<Box<[u8]>, usize>,
}

impl Counted {
    /// Of some rows that others are compared with; `None` when they have other types than each other, or types that cannot
    /// be compared.
    fn of(rows: &[RecordBatch], others: &[RecordBatch]) -> Result<Option<Self>> {
        let kinds = |batch: &RecordBatch| -> Vec<DataType> {
            batch.schema().fields().iter().map(|field| field.data_type().clone()).collect()
        };
        let mut all = rows.iter().chain(others);
        let Some(first) = all.next().map(kinds) else {
            return Ok(Some(Self { converter: None, counts: HashMap::new() }));
        };
        let fields: Vec<SortField> = first.iter().cloned().map(SortField::new).collect();
        if !all.all(|batch| kinds(batch) == first) || !RowConverter::supports_fields(&fields) {
            return Ok(None);
        }
        let converter = (!fields.is_empty()).then(|| RowConverter::new(fields)).transpose().map_err(failed)?;
        let mut counted = Self { converter, counts: HashMap::with_capacity(rows_of(rows)) };
        for batch in rows {
            match counted.keys(batch)? {
                None => *counted.counts.entry(Box::default()).or_default() += batch.num_rows(),
                Some(keys) => {
                    keys.iter().for_each(|key| *counted.counts.entry(Box::from(key.as_ref())).or_default() += 1)
                }
            }
        }
        Ok(Some(counted))
    }

    fn keys(&self, batch: &RecordBatch) -> Result<Option<Rows>> {
        let rows = self.converter.as_ref().map(|converter| converter.convert_columns(batch.columns()));
        rows.transpose().map_err(failed)
    }

    /// Takes the rows of a batch, each as often as it is left: which of them there were.
    fn take(&mut self, batch: &RecordBatch) -> Result<BooleanArray> {
        let keys = self.keys(batch)?;
        let mut take = |key: &[u8]| match self.counts.get_mut(key) {
            Some(left) if *left > 0 => {
                *left -= 1;
                Some(true)
            }
            _ => Some(false),
        };
        Ok(match &keys {
            Some(keys) => keys.iter().map(|key| take(key.as_ref())).collect(),
            None => (0..batch.num_rows()).map(|_| take(&[])).collect(),
        })
    }
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
        let (few, _) = differing(&went, &came, &[1]).unwrap();
        assert_eq!(few[0].column(0).as_string_view().value(0), "old");
        assert_eq!(counts(&[0, 1]), (2, 2));
        assert_eq!(counts(&[0]), (1, 1), "3 came, one 2 went");
        assert_eq!(counts(&[]), (0, 0), "as many came as went");
    }
}
