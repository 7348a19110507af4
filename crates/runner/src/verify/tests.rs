//! Comparisons of rows that are given, with limits small enough to reach.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use arrow::array::{
    ArrayRef, Decimal128Array, Float64Array, Int32Array, Int64Array, ListArray, RecordBatch, StringArray, StructArray,
};
use arrow::datatypes::{DataType, Field, Int32Type};
use async_trait::async_trait;
use futures::stream;
use millstream_core::Result;
use millstream_core::warehouse::QueryResult;

use super::compare::{Bag, Comparison, DifferentRow, FoundIn, Limits, compare};
use crate::Cancel;

struct Given(Vec<RecordBatch>);

#[async_trait]
impl Bag for Given {
    async fn read(&self) -> Result<QueryResult> {
        let batches: Vec<Result<RecordBatch>> = self.0.iter().cloned().map(Ok).collect();
        Ok(QueryResult { schema: self.0[0].schema(), stream: Box::pin(stream::iter(batches)) })
    }
}

const SMALL: Limits = Limits { shown: 3, buckets: 8, held: 20, passes: 100 };

fn with(limits: Limits, stored: Vec<RecordBatch>, recomputed: Vec<RecordBatch>) -> Comparison {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let cancel = Cancel::default();
    runtime.block_on(compare(&Given(stored), &Given(recomputed), limits, &cancel)).unwrap()
}

fn batch<const N: usize>(columns: [(&str, ArrayRef); N]) -> RecordBatch {
    let fields: Vec<Field> = columns.iter().map(|(name, it)| Field::new(*name, it.data_type().clone(), true)).collect();
    let schema = arrow::datatypes::Schema::new(fields);
    RecordBatch::try_new(Arc::new(schema), columns.into_iter().map(|(_, column)| column).collect()).unwrap()
}

fn numbers(values: impl IntoIterator<Item = Option<i64>>) -> RecordBatch {
    batch([("n", Arc::new(Int64Array::from_iter(values)) as ArrayRef)])
}

fn some(values: impl IntoIterator<Item = i64>) -> RecordBatch {
    numbers(values.into_iter().map(Some))
}

fn row(found_in: FoundIn, times: u64, cell: Option<&str>) -> DifferentRow {
    DifferentRow { cells: vec![cell.map(str::to_owned)], found_in, times }
}

#[test]
fn order_and_batches_are_no_matter() {
    let found = with(SMALL, vec![some(0..50), some(50..100)], vec![some((0..100).rev())]);
    let equal = Comparison { rows_stored: 100, rows_recomputed: 100, is_counted: true, ..Comparison::default() };
    assert_eq!(found, equal);
}

#[test]
fn duplicates_count() {
    let found = with(SMALL, vec![some([1, 2, 2, 2])], vec![some([1, 1, 2])]);
    assert_eq!((found.extra, found.missing), (2, 1));
    assert_eq!(found.rows, [row(FoundIn::Recomputed, 1, Some("1")), row(FoundIn::Stored, 2, Some("2"))]);
}

#[test]
fn null_equals_null_and_nothing_else() {
    let found = with(SMALL, vec![numbers([None, Some(1)])], vec![numbers([Some(1), None])]);
    assert_eq!((found.extra, found.missing), (0, 0));
    let text = |values: [Option<&str>; 1]| batch([("t", Arc::new(StringArray::from_iter(values)) as ArrayRef)]);
    let found = with(SMALL, vec![text([None])], vec![text([Some("")])]);
    assert_eq!(found.rows, [row(FoundIn::Stored, 1, None), row(FoundIn::Recomputed, 1, Some(""))]);
}

#[test]
fn decimals_and_nested_values_are_compared_whole() {
    let nested = |amount: i128, listed: [Option<i32>; 3], inner: i32| {
        let amounts = Decimal128Array::from(vec![amount]).with_precision_and_scale(18, 2).unwrap();
        let list = ListArray::from_iter_primitive::<Int32Type, _, _>([Some(listed)]);
        let field = Arc::new(Field::new("x", DataType::Int32, true));
        let inner = StructArray::from(vec![(field, Arc::new(Int32Array::from(vec![inner])) as ArrayRef)]);
        batch([("d", Arc::new(amounts) as ArrayRef), ("l", Arc::new(list)), ("s", Arc::new(inner))])
    };
    let base = || nested(1050, [Some(1), None, Some(3)], 7);
    let different = |other| with(SMALL, vec![base()], vec![other]).missing;
    assert_eq!(different(base()), 0);
    assert_eq!(different(nested(1051, [Some(1), None, Some(3)], 7)), 1);
    assert_eq!(different(nested(1050, [Some(1), Some(0), Some(3)], 7)), 1);
    assert_eq!(different(nested(1050, [Some(1), None, Some(3)], 8)), 1);
}

#[test]
fn last_digits_of_floats_are_told_and_no_difference() {
    let rows = |values: [f64; 3]| {
        let keys: ArrayRef = Arc::new(StringArray::from(vec!["a", "b", "c"]));
        batch([("k", keys), ("f", Arc::new(Float64Array::from(values.to_vec())) as ArrayRef)])
    };
    let found = with(SMALL, vec![rows([0.1 + 0.2, 1.0, -0.0])], vec![rows([0.3, 1.0, 0.0])]);
    assert_eq!((found.close, found.extra, found.missing), (1, 0, 0));
    let found = with(SMALL, vec![rows([1.0, 1.0, f64::NAN])], vec![rows([1.0, 1.0001, -f64::NAN])]);
    assert_eq!((found.close, found.extra, found.missing), (0, 1, 1));
    assert_eq!(found.rows[0].cells, [Some("b".to_owned()), Some("1.0".to_owned())]);
}

#[test]
fn many_differences_are_counted_in_passes_and_some_are_shown() {
    // Far more rows than are held at once.
    let found = with(SMALL, vec![some(0..300)], vec![some(200..600)]);
    assert_eq!((found.extra, found.missing, found.is_counted), (200, 300, true));
    assert_eq!(found.rows.iter().filter(|row| row.found_in == FoundIn::Stored).count(), 3);
    assert_eq!(found.rows.iter().filter(|row| row.found_in == FoundIn::Recomputed).count(), 3);
    // One bucket a pass, and two passes: the rest is not counted.
    let found = with(Limits { passes: 2, ..SMALL }, vec![some(0..300)], vec![some(200..600)]);
    assert!(!found.is_counted && found.extra < 200, "{found:?}");
    let found = with(Limits { passes: 8, ..SMALL }, vec![some(0..300)], vec![some(200..600)]);
    assert!(found.is_counted, "{found:?}");
}

#[test]
fn an_empty_side_is_a_difference_of_all_rows() {
    let found = with(SMALL, vec![some([])], vec![some([1, 2])]);
    assert_eq!((found.rows_stored, found.rows_recomputed, found.missing), (0, 2, 2));
    let found = with(SMALL, vec![some([])], vec![some([])]);
    assert_eq!((found.extra, found.missing, found.is_counted), (0, 0, true));
}
