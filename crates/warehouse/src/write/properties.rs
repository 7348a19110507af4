//! How a data file is encoded, chosen from its first rows.

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::DataType;
use parquet::basic::Compression;
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterVersion};
use parquet::schema::types::ColumnPath;
use twox_hash::XxHash64;

/// Rows from which the encoding is chosen.
pub(super) const SAMPLE_ROWS: usize = 8192;

/// Rows in a row group: the unit of parallel reading and of what a writer holds in memory.
const ROW_GROUP_ROWS: usize = 256 * 1024;

/// Share of distinct values above which a dictionary costs more than it saves.
const DISTINCT_SHARE_MAX: f64 = 0.5;

/// Bytes on which compression is tried.
const TRIAL_BYTES: usize = 16 * 1024;

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
    let rows: usize = sample.iter().map(|batch| batch.num_rows() - batch.column(column).null_count()).sum();
    if rows < SAMPLE_ROWS_MIN {
        return false;
    }
    let mut seen = Distinct::of(sample.iter().map(RecordBatch::num_rows).sum(), rows as f64 * DISTINCT_SHARE_MAX);
    for batch in sample {
        let array = batch.column(column);
        let known = match array.data_type() {
            DataType::Utf8 => seen.more(array.as_string::<i32>().iter().flatten().map(str::as_bytes)),
            DataType::Utf8View => seen.more(array.as_string_view().iter().flatten().map(str::as_bytes)),
            DataType::Boolean => return false,
            _ => {
                let data = array.to_data();
                let Some(width) = array.data_type().primitive_width() else { return false };
                let Some(bytes) = data.buffers().first() else { return false };
                let values = &bytes.as_slice()[data.offset() * width..(data.offset() + data.len()) * width];
                seen.more(values.chunks_exact(width))
            }
        };
        if let Some(known) = known {
            return known;
        }
    }
    seen.found as f64 > seen.limit
}

/// Counts different values until it is known whether there are more than a limit. Every data file asks this of each of
/// its columns, those of a refresh within its second: so it is a bitmap by hash in place of a set. Two values that share
/// one of its bits count once, which with eight bits for each value makes the count some hundredths too small at most.
struct Distinct {
    bits: Vec<u64>,
    found: usize,
    left: usize,
    limit: f64,
}

impl Distinct {
    fn of(values: usize, limit: f64) -> Self {
        let words = (values / 8).next_power_of_two();
        Self { bits: vec![0; words], found: 0, left: values, limit }
    }

    /// Takes values; tells when no further value can change the answer.
    fn more<'a>(&mut self, values: impl Iterator<Item = &'a [u8]>) -> Option<bool> {
        let last = self.bits.len() - 1;
        for value in values {
            let hash = XxHash64::oneshot(0, value);
            let word = &mut self.bits[(hash >> 6) as usize & last];
            let bit = 1 << (hash & 63);
            self.found += usize::from(*word & bit == 0);
            *word |= bit;
            self.left = self.left.saturating_sub(1);
            if self.found as f64 > self.limit {
                return Some(true);
            }
            if ((self.found + self.left) as f64) <= self.limit {
                return Some(false);
            }
        }
        None
    }
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
            text.extend_from_slice(&value.as_bytes()[..value.len().min(TRIAL_BYTES)]);
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
    fn whether_values_repeat_is_told_at_the_limit() {
        let distinct = |values: Vec<i64>| {
            let numbers: ArrayRef = Arc::new(Int64Array::from(values));
            mostly_distinct(&[RecordBatch::try_from_iter([("n", numbers)]).unwrap()], 0)
        };
        let rows = 8192_i64;
        // Half of them different, in whichever order, is not more than half.
        assert!(!distinct((0..rows).map(|i| i / 2).collect()));
        assert!(!distinct((0..rows).map(|i| i % (rows / 2)).collect()));
        // Some hundredths above it count as above, in whichever order.
        let many = rows * 55 / 100;
        assert!(distinct((0..rows).map(|i| i % many).collect()));
        assert!(distinct((0..rows).map(|i| (i - (rows - many)).max(0)).collect()));
        // Too few to tell.
        assert!(distinct((0..512).collect()));
        assert!(!distinct((0..511).collect()));
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
