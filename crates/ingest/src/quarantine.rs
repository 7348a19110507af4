//! Quarantine: rows that broke their contract, with where they came from and every rule they broke.
//!
//! One schema for all sources. `raw` holds the record's bytes as they were, at most `QUARANTINE_RAW_BYTES_MAX` of
//! them; `raw_length` is the full length. Nothing here depends on the clock, so that the same input gives the same rows.

use std::sync::{Arc, LazyLock};

use arrow::array::{
    ArrayRef, BinaryBuilder, Int32Builder, Int64Builder, ListBuilder, RecordBatch, StringBuilder,
    TimestampMicrosecondBuilder,
};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use millstream_core::limits::{BATCH_ROWS, QUARANTINE_RAW_BYTES_MAX};
use millstream_core::{Error, Result};

use crate::sink::PartSink;

/// Raw bytes that are collected before they are written out.
const BUFFERED_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Columns of every `quarantine.*` table:
/// - `unit` text: file relative to the project, or `topic/partition`.
/// - `load_id` text: which load wrote the row; a load that is done again after a crash takes its own rows out first.
/// - `line` bigint (from 1), `byte_offset` bigint: files; the offset is in the decompressed content.
/// - `partition` integer, `kafka_offset` bigint, `kafka_timestamp` timestamp, `kafka_key` binary: Kafka.
/// - `raw` binary (null for a tombstone), `raw_length` bigint.
/// - `rules` list of text, each `rule: message`.
pub fn quarantine_schema() -> SchemaRef {
    SCHEMA.clone()
}

static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
    let utc = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    let rules = DataType::List(rules_item());
    Arc::new(Schema::new(vec![
        Field::new("unit", DataType::Utf8, true),
        Field::new("load_id", DataType::Utf8, true),
        Field::new("line", DataType::Int64, true),
        Field::new("byte_offset", DataType::Int64, true),
        Field::new("partition", DataType::Int32, true),
        Field::new("kafka_offset", DataType::Int64, true),
        Field::new("kafka_timestamp", utc, true),
        Field::new("kafka_key", DataType::Binary, true),
        Field::new("raw", DataType::Binary, true),
        Field::new("raw_length", DataType::Int64, true),
        Field::new("rules", rules, true),
    ]))
});

/// `element` is the name that Parquet and Delta give to a list's items.
fn rules_item() -> Arc<Field> {
    Arc::new(Field::new("element", DataType::Utf8, true))
}

/// Where a quarantined record came from.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Origin<'a> {
    /// A file: line from 1, and byte offset in the decompressed content.
    File { line: u64, byte_offset: u64 },
    /// A message; the timestamp is in microseconds.
    Message { partition: i32, offset: i64, timestamp: Option<i64>, key: Option<&'a [u8]> },
}

/// A record for quarantine.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rejected<'a> {
    pub(crate) unit: &'a str,
    pub(crate) origin: Origin<'a>,
    /// The record's bytes, or the first of them; none for a tombstone.
    pub(crate) raw: Option<&'a [u8]>,
    /// Bytes of the whole record.
    pub(crate) raw_length: u64,
}

/// Collects quarantined records and writes them out in batches. Used from one thread.
pub(crate) struct QuarantineSink {
    sink: PartSink,
    load_id: String,
    columns: Columns,
    rows: usize,
    bytes: usize,
    total: u64,
}

struct Columns {
    unit: StringBuilder,
    load_id: StringBuilder,
    line: Int64Builder,
    byte_offset: Int64Builder,
    partition: Int32Builder,
    offset: Int64Builder,
    timestamp: TimestampMicrosecondBuilder,
    key: BinaryBuilder,
    raw: BinaryBuilder,
    raw_length: Int64Builder,
    rules: ListBuilder<StringBuilder>,
}

impl Columns {
    fn new() -> Self {
        Self {
            unit: StringBuilder::new(),
            load_id: StringBuilder::new(),
            line: Int64Builder::new(),
            byte_offset: Int64Builder::new(),
            partition: Int32Builder::new(),
            offset: Int64Builder::new(),
            timestamp: TimestampMicrosecondBuilder::new().with_timezone("UTC"),
            key: BinaryBuilder::new(),
            raw: BinaryBuilder::new(),
            raw_length: Int64Builder::new(),
            rules: ListBuilder::new(StringBuilder::new()).with_field(rules_item()),
        }
    }
}

impl QuarantineSink {
    /// Rows of the load `load_id` go to `sink`.
    pub(crate) fn new(sink: PartSink, load_id: String) -> Self {
        Self { sink, load_id, columns: Columns::new(), rows: 0, bytes: 0, total: 0 }
    }

    /// Adds a record with the rules it broke, each as name and message.
    pub(crate) fn push<'r>(
        &mut self,
        rejected: Rejected<'_>,
        rules: impl IntoIterator<Item = (&'r str, &'r str)>,
    ) -> Result<()> {
        let columns = &mut self.columns;
        let position = |value: u64| i64::try_from(value).ok();
        columns.unit.append_value(rejected.unit);
        columns.load_id.append_value(&self.load_id);
        match rejected.origin {
            Origin::File { line, byte_offset } => {
                columns.line.append_option(position(line));
                columns.byte_offset.append_option(position(byte_offset));
                columns.partition.append_null();
                columns.offset.append_null();
                columns.timestamp.append_null();
                columns.key.append_null();
            }
            Origin::Message { partition, offset, timestamp, key } => {
                columns.line.append_null();
                columns.byte_offset.append_null();
                columns.partition.append_value(partition);
                columns.offset.append_value(offset);
                columns.timestamp.append_option(timestamp);
                columns.key.append_option(key.map(first_bytes));
            }
        }
        columns.raw.append_option(rejected.raw.map(first_bytes));
        columns.raw_length.append_option(position(rejected.raw_length));
        for (rule, message) in rules {
            columns.rules.values().append_value(format!("{rule}: {message}"));
        }
        columns.rules.append(true);
        self.rows += 1;
        self.total += 1;
        self.bytes += rejected.raw.map_or(0, |raw| first_bytes(raw).len()) + 256;
        if self.rows >= BATCH_ROWS || self.bytes >= BUFFERED_BYTES_MAX {
            self.write()?;
        }
        Ok(())
    }

    /// Writes what is left; gives the rows in all.
    pub(crate) fn finish(mut self) -> Result<u64> {
        self.write()?;
        self.sink.finish()?;
        Ok(self.total)
    }

    fn write(&mut self) -> Result<()> {
        if self.rows == 0 {
            return Ok(());
        }
        let mut columns = std::mem::replace(&mut self.columns, Columns::new());
        (self.rows, self.bytes) = (0, 0);
        let arrays: Vec<ArrayRef> = vec![
            Arc::new(columns.unit.finish()),
            Arc::new(columns.load_id.finish()),
            Arc::new(columns.line.finish()),
            Arc::new(columns.byte_offset.finish()),
            Arc::new(columns.partition.finish()),
            Arc::new(columns.offset.finish()),
            Arc::new(columns.timestamp.finish()),
            Arc::new(columns.key.finish()),
            Arc::new(columns.raw.finish()),
            Arc::new(columns.raw_length.finish()),
            Arc::new(columns.rules.finish()),
        ];
        let batch = RecordBatch::try_new(quarantine_schema(), arrays);
        self.sink.write(&batch.map_err(|e| Error::ours("a quarantine batch cannot be built").why(e))?)
    }
}

fn first_bytes(raw: &[u8]) -> &[u8] {
    &raw[..raw.len().min(QUARANTINE_RAW_BYTES_MAX)]
}
