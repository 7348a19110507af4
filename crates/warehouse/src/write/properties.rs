//! How a data file is encoded, chosen from its first rows.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::DataType;
use parquet::basic::Compression;
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterVersion};
use parquet::schema::types::ColumnPath;

/// Rows from which the encoding is chosen.
pub(super) const SAMPLE_ROWS: usize = 8192;

/// Rows in a row group: the unit of parallel reading and of what a writer holds in memory.
const ROW_GROUP_ROWS: usize = 256 * 1024;

/// Share of distinct values above which a dictionary costs more than it saves.
const DISTINCT_SHARE_MAX: f64 = 0.5;

/// Bytes on which compression is tried.
const TRIAL_BYTES: usize = 64 * 1024;

/// Share of its size above which a column is not worth compressing.
const COMPRESSED_SHARE_MAX: f64 = 0.85;

/// Rows of a sample below which nothing is concluded from it.
const SAMPLE_ROWS_MIN: usize = 512;

/// Properties for a file whose first rows are `sample`.
pub(super) fn for_sample(sample: &[RecordBatch]) -> WriterProperties {
    let mut properties = WriterProperties::builder()
        // Version 1 is what every reader of Delta reads.
        .set_writer_version(WriterVersion::PARQUET_1_0)
        .set_compression(Compression::SNAPPY)
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        // Bounds of pages cost time at each write and help only reads of sorted data.
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_statistics_truncate_length(Some(crate::log::stats::TEXT_BOUND_BYTES))
        .set_offset_index_disabled(true)
        .set_created_by(concat!("millstream ", env!("CARGO_PKG_VERSION")).into());
    let Some(schema) = sample.first().map(RecordBatch::schema) else {
        return properties.build();
    };
    for (index, field) in schema.fields().iter().enumerate() {
        let column = ColumnPath::from(field.name().as_str());
        // NaN is not among the bounds of a column, so that whoever chooses by them loses its rows: engines hold it for
        // larger than all numbers.
        if field.data_type().is_floating() {
            properties = properties.set_column_statistics_enabled(column.clone(), EnabledStatistics::None);
        }
        if !field.data_type().is_nested() && mostly_distinct(sample, index) {
            properties = properties.set_column_dictionary_enabled(column.clone(), false);
            if !compresses(sample, index) {
                properties = properties.set_column_compression(column, Compression::UNCOMPRESSED);
            }
        }
    }
    properties.build()
}

/// Whether a column's values hardly repeat: ids, amounts, exact times.
fn mostly_distinct(sample: &[RecordBatch], column: usize) -> bool {
    let hasher = RandomState::new();
    let mut seen = HashSet::new();
    let mut rows = 0usize;
    for batch in sample {
        let array = batch.column(column);
        match array.data_type() {
            DataType::Utf8 => seen.extend(array.as_string::<i32>().iter().flatten().map(|text| hasher.hash_one(text))),
            DataType::Utf8View => {
                seen.extend(array.as_string_view().iter().flatten().map(|text| hasher.hash_one(text)))
            }
            DataType::Boolean => return false,
            _ => {
                let data = array.to_data();
                let Some(width) = array.data_type().primitive_width() else { return false };
                let Some(bytes) = data.buffers().first() else { return false };
                let values = &bytes.as_slice()[data.offset() * width..(data.offset() + data.len()) * width];
                seen.extend(values.chunks_exact(width).map(|value| hasher.hash_one(value)));
            }
        }
        rows += array.len() - array.null_count();
    }
    rows >= SAMPLE_ROWS_MIN && seen.len() as f64 > rows as f64 * DISTINCT_SHARE_MAX
}

/// Whether compression is worth its time for a column of text: random ids hardly shrink.
fn compresses(sample: &[RecordBatch], column: usize) -> bool {
    let mut text = Vec::with_capacity(TRIAL_BYTES);
    for batch in sample {
        let array = batch.column(column);
        let values: Box<dyn Iterator<Item = &str>> = match array.data_type() {
            DataType::Utf8 => Box::new(array.as_string::<i32>().iter().flatten()),
            DataType::Utf8View => Box::new(array.as_string_view().iter().flatten()),
            _ => return true,
        };
        for value in values {
            // As Parquet lays them out: the length, then the bytes.
            text.extend_from_slice(&(value.len() as u32).to_le_bytes());
            text.extend_from_slice(value.as_bytes());
            if text.len() >= TRIAL_BYTES {
                break;
            }
        }
    }
    let small = snap::raw::Encoder::new().compress_vec(&text).map_or(0, |small| small.len());
    (small as f64) < text.len() as f64 * COMPRESSED_SHARE_MAX
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use arrow::array::{ArrayRef, Int64Array, StringArray};
    use std::sync::Arc;

    #[test]
    fn ids_get_no_dictionary_and_categories_do() {
        let ids: ArrayRef = Arc::new(StringArray::from_iter_values((0..2000).map(|i| format!("id-{i}"))));
        let categories: ArrayRef = Arc::new(StringArray::from_iter_values((0..2000).map(|i| format!("c{}", i % 7))));
        let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(0..2000));
        let batch = RecordBatch::try_from_iter([("id", ids), ("category", categories), ("n", numbers)]).unwrap();
        // A slice must look at its own rows only.
        let properties = for_sample(&[batch.slice(700, 1000)]);
        assert!(!properties.dictionary_enabled(&ColumnPath::from("id")));
        assert!(properties.dictionary_enabled(&ColumnPath::from("category")));
        assert!(!properties.dictionary_enabled(&ColumnPath::from("n")));
        assert_eq!(properties.compression(&ColumnPath::from("id")), Compression::SNAPPY);
    }

    #[test]
    fn floats_have_no_bounds() {
        let floats: ArrayRef = Arc::new(arrow::array::Float64Array::from(vec![1.0, f64::NAN]));
        let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(0..2));
        let properties = for_sample(&[RecordBatch::try_from_iter([("f", floats), ("n", numbers)]).unwrap()]);
        assert_eq!(properties.statistics_enabled(&ColumnPath::from("f")), EnabledStatistics::None);
        assert_eq!(properties.statistics_enabled(&ColumnPath::from("n")), EnabledStatistics::Chunk);
    }

    #[test]
    fn random_ids_are_not_compressed() {
        let mut state = 1_u64;
        let mut random = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            format!("{:016x}-{state:016x}", state.rotate_left(29).wrapping_mul(0x9e37_79b9_7f4a_7c15))
        };
        let ids: ArrayRef = Arc::new(StringArray::from_iter_values((0..2000).map(|_| random())));
        let properties = for_sample(&[RecordBatch::try_from_iter([("id", ids)]).unwrap()]);
        assert_eq!(properties.compression(&ColumnPath::from("id")), Compression::UNCOMPRESSED);
    }
}
