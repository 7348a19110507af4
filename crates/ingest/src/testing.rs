//! Fakes for this crate's tests: a warehouse in memory that can be made to fail at any step, and a ledger.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch};
use arrow::compute::{cast, concat_batches, filter_record_batch};
use arrow::datatypes::{DataType, SchemaRef};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use async_trait::async_trait;
use chrono::DateTime;
use millstream_core::warehouse::*;
use millstream_core::{Error, FixedClock, Ledger, LedgerEntry, Result, TableName, Warehouse};

use crate::{ColumnDecl, Contract, SourceDecl};

pub(crate) fn clock() -> FixedClock {
    FixedClock(DateTime::from_timestamp(1_750_000_000, 0).unwrap())
}

/// A contract from a `millstream` object and columns as `name type {rules}`.
pub(crate) fn contract(table: &str, meta: serde_json::Value, columns: &[(&str, &str, serde_json::Value)]) -> Contract {
    let columns = columns
        .iter()
        .map(|(name, data_type, meta)| ColumnDecl {
            name: (*name).to_owned(),
            data_type: Some((*data_type).to_owned()),
            meta: meta.clone(),
            place: None,
        })
        .collect();
    let decl = SourceDecl {
        table: TableName::new("raw", table),
        meta,
        columns,
        place: millstream_core::Place::line("models/sources.yml", 3),
    };
    Contract::parse(&decl).unwrap_or_else(|problems| panic!("{problems:?}"))
}

#[derive(Default)]
struct Table {
    schema: Option<SchemaRef>,
    batches: Vec<RecordBatch>,
    positions: BTreeMap<String, i64>,
    commits: Vec<CommitInfo>,
}

#[derive(Default)]
struct Shared {
    tables: Mutex<BTreeMap<TableName, Table>>,
    /// Parts that are written and neither committed nor discarded.
    parts: Mutex<BTreeMap<String, Vec<RecordBatch>>>,
    next_part: AtomicU64,
    /// Steps until the crash; negative: none.
    fuse: AtomicI64,
}

impl Shared {
    /// One step that a crash can hit: an error from the step at which the fuse has burnt down, and ever after.
    fn step(&self) -> Result<()> {
        if self.fuse.load(Ordering::SeqCst) < 0 {
            return Ok(());
        }
        if self.fuse.load(Ordering::SeqCst) == 0 {
            return Err(Error::environment("crash"));
        }
        self.fuse.fetch_sub(1, Ordering::SeqCst);
        Ok(())
    }
}

/// A warehouse in memory. Clones share the tables.
#[derive(Clone)]
pub(crate) struct FakeWarehouse(Arc<Shared>);

impl FakeWarehouse {
    pub(crate) fn new() -> Self {
        let shared = Shared { fuse: AtomicI64::new(-1), ..Shared::default() };
        Self(Arc::new(shared))
    }
    /// Everything fails after `steps` more steps.
    pub(crate) fn crash_after(&self, steps: i64) {
        self.0.fuse.store(steps, Ordering::SeqCst);
    }
    pub(crate) fn heal(&self) {
        self.0.fuse.store(-1, Ordering::SeqCst);
    }
    pub(crate) fn has_crashed(&self) -> bool {
        self.0.fuse.load(Ordering::SeqCst) == 0
    }
    pub(crate) fn leftover_parts(&self) -> usize {
        self.0.parts.lock().unwrap().len()
    }
    pub(crate) fn versions(&self, table: &str) -> usize {
        self.0.tables.lock().unwrap().get(&table.parse().unwrap()).map_or(0, |table| table.commits.len())
    }
    /// All rows as text, cells joined by `|`, sorted.
    pub(crate) fn rows(&self, table: &str) -> Vec<String> {
        let tables = self.0.tables.lock().unwrap();
        let Some(table) = tables.get(&table.parse().unwrap()) else { return Vec::new() };
        let batch = concat_batches(table.schema.as_ref().unwrap(), &table.batches).unwrap();
        // Instants as microseconds: showing a zone would need chrono-tz.
        let plain = |column: &ArrayRef| match column.data_type() {
            DataType::Timestamp(..) => cast(column, &DataType::Int64).unwrap(),
            _ => column.clone(),
        };
        let plain: Vec<ArrayRef> = batch.columns().iter().map(plain).collect();
        let options = FormatOptions::default().with_null("~");
        let columns: Vec<_> = plain.iter().map(|column| ArrayFormatter::try_new(column, &options).unwrap()).collect();
        let row = |row| columns.iter().map(|column| column.value(row).to_string()).collect::<Vec<_>>().join("|");
        let mut rows: Vec<String> = (0..batch.num_rows()).map(row).collect();
        rows.sort();
        rows
    }
    /// One column of all rows as text, sorted.
    pub(crate) fn column(&self, table: &str, column: &str) -> Vec<String> {
        let index = {
            let tables = self.0.tables.lock().unwrap();
            match tables.get(&table.parse().unwrap()) {
                Some(table) => table.schema.as_ref().unwrap().index_of(column).unwrap(),
                None => return Vec::new(),
            }
        };
        let rows = self.rows(table);
        let mut cells: Vec<String> = rows.iter().map(|row| row.split('|').nth(index).unwrap().to_owned()).collect();
        cells.sort();
        cells
    }
}

struct FakeLoad {
    shared: Arc<Shared>,
    table: TableName,
    schema: SchemaRef,
}

struct FakeWriter {
    shared: Arc<Shared>,
    schema: SchemaRef,
    batches: Vec<RecordBatch>,
}

impl PartWriter for FakeWriter {
    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        self.shared.step()?;
        assert_eq!(batch.schema(), self.schema);
        self.batches.push(batch.clone());
        Ok(())
    }
    fn rows(&self) -> u64 {
        self.batches.iter().map(|batch| batch.num_rows() as u64).sum()
    }
    fn bytes(&self) -> u64 {
        self.batches.iter().map(|batch| batch.get_array_memory_size() as u64).sum()
    }
    fn finish(self: Box<Self>) -> Result<Option<Part>> {
        self.shared.step()?;
        let rows = self.rows();
        if rows == 0 {
            return Ok(None);
        }
        let path = format!("part-{:05}", self.shared.next_part.fetch_add(1, Ordering::SeqCst));
        self.shared.parts.lock().unwrap().insert(path.clone(), self.batches);
        Ok(Some(Part { path, rows, bytes: 1, stats: String::new() }))
    }
}

#[async_trait]
impl Load for FakeLoad {
    fn part(&self) -> Result<Box<dyn PartWriter>> {
        let (shared, schema) = (self.shared.clone(), self.schema.clone());
        Ok(Box::new(FakeWriter { shared, schema, batches: Vec::new() }))
    }
    async fn commit(&self, parts: Vec<Part>, commit: Commit) -> Result<Committed> {
        self.shared.step()?;
        let committed = {
            let mut tables = self.shared.tables.lock().unwrap();
            let table = tables.entry(self.table.clone()).or_default();
            for (id, expected) in &commit.expected {
                if table.positions.get(id) != expected.as_ref() {
                    return Err(Error::user(format!("position {id} has moved")).retryable());
                }
            }
            table.schema = Some(self.schema.clone());
            let before: usize = table.batches.iter().map(RecordBatch::num_rows).sum();
            if let Some((column, value)) = &commit.replace {
                table.batches = table.batches.iter().map(|batch| without(batch, column, value)).collect();
            }
            let kept: usize = table.batches.iter().map(RecordBatch::num_rows).sum();
            let mut added = 0;
            for part in parts {
                let batches = self.shared.parts.lock().unwrap().remove(&part.path).expect("part is there");
                added += part.rows;
                table.batches.extend(batches);
            }
            table.positions.extend(commit.positions);
            let version = table.commits.len() as u64;
            let at = clock().0;
            table.commits.push(CommitInfo { version, at, operation: commit.operation, note: commit.note });
            Committed { version, rows_added: added, rows_removed: (before - kept) as u64 }
        };
        // A crash may hide a commit that was made.
        self.shared.step()?;
        Ok(committed)
    }
    async fn discard(&self, parts: Vec<Part>) -> Result<()> {
        for part in parts {
            self.shared.parts.lock().unwrap().remove(&part.path).expect("part is there");
        }
        Ok(())
    }
}

fn without(batch: &RecordBatch, column: &str, value: &str) -> RecordBatch {
    let values = batch.column_by_name(column).expect("column to replace by").as_string::<i32>();
    let keep: BooleanArray =
        (0..values.len()).map(|row| Some(values.is_null(row) || values.value(row) != value)).collect();
    filter_record_batch(batch, &keep).unwrap()
}

#[async_trait]
impl Warehouse for FakeWarehouse {
    async fn relations(&self, _schema: Option<&str>) -> Result<Vec<Relation>> {
        Err(Error::ours("not part of this fake"))
    }
    async fn relation(&self, _name: &TableName) -> Result<Option<Relation>> {
        Err(Error::ours("not part of this fake"))
    }
    async fn drop_relation(&self, name: &TableName) -> Result<()> {
        self.0.tables.lock().unwrap().remove(name);
        Ok(())
    }
    async fn query(&self, _sql: &str, _options: &QueryOptions) -> Result<QueryResult> {
        Err(Error::ours("not part of this fake"))
    }
    async fn table_state(&self, name: &TableName) -> Result<Option<TableState>> {
        self.0.step()?;
        let tables = self.0.tables.lock().unwrap();
        Ok(tables.get(name).map(|table| TableState {
            version: table.commits.len() as u64 - 1,
            schema: table.schema.clone().unwrap(),
            positions: table.positions.clone(),
        }))
    }
    async fn history(&self, name: &TableName, limit: usize) -> Result<Vec<CommitInfo>> {
        let tables = self.0.tables.lock().unwrap();
        let commits = tables.get(name).map(|table| table.commits.clone()).unwrap_or_default();
        Ok(commits.into_iter().rev().take(limit).collect())
    }
    async fn begin_load(&self, name: &TableName, schema: SchemaRef) -> Result<Arc<dyn Load>> {
        self.0.step()?;
        Ok(Arc::new(FakeLoad { shared: self.0.clone(), table: name.clone(), schema }))
    }
    async fn stage(
        &self,
        _name: &TableName,
        _stage: Stage,
        _on_schema_change: OnSchemaChange,
        _options: &QueryOptions,
    ) -> Result<Arc<dyn Staged>> {
        Err(Error::ours("not part of this fake"))
    }
}

/// A ledger in memory; fails with its warehouse.
pub(crate) struct FakeLedger {
    entries: Mutex<Vec<LedgerEntry>>,
    warehouse: FakeWarehouse,
}

impl FakeLedger {
    pub(crate) fn new(warehouse: &FakeWarehouse) -> Self {
        Self { entries: Mutex::default(), warehouse: warehouse.clone() }
    }
    pub(crate) fn lose_all(&self) {
        self.entries.lock().unwrap().clear();
    }
}

impl Ledger for FakeLedger {
    fn record(&self, entry: &LedgerEntry) -> Result<()> {
        self.warehouse.0.step()?;
        let mut entries = self.entries.lock().unwrap();
        let key = |entry: &LedgerEntry| {
            (
                entry.table.clone(),
                entry.unit.clone(),
                entry.content_hash.clone(),
                entry.offset_start,
                format!("{:?}", entry.outcome),
            )
        };
        entries.retain(|other| key(other) != key(entry));
        entries.push(entry.clone());
        Ok(())
    }
    fn entries(&self) -> Result<Vec<LedgerEntry>> {
        Ok(self.entries.lock().unwrap().clone())
    }
}
