//! How fast a file is decoded and checked, apart from any warehouse: rows are built and thrown away.
//!
//! `cargo run --release -p millstream-ingest --example decode_speed -- transactions.csv [threads]`

#![allow(missing_docs)]

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use millstream_core::warehouse::{
    Commit, CommitInfo, Committed, Load, OnSchemaChange, Part, PartWriter, QueryOptions, QueryResult, Relation, Stage,
    Staged, TableState, Warehouse,
};
use millstream_core::{Error, Ledger, LedgerEntry, Place, Result, SilentProgress, SystemClock, TableName};
use millstream_ingest::{ColumnDecl, Contract, FileOptions, SourceDecl, ingest_files};
use serde_json::{Value, json};

/// A warehouse that keeps nothing.
struct Nowhere;

#[derive(Default)]
struct NowhereLoad(AtomicU64);

struct NowherePart(u64);

impl PartWriter for NowherePart {
    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        self.0 += batch.num_rows() as u64;
        Ok(())
    }
    fn rows(&self) -> u64 {
        self.0
    }
    fn bytes(&self) -> u64 {
        0
    }
    fn finish(self: Box<Self>) -> Result<Option<Part>> {
        Ok(Some(Part { path: String::new(), rows: self.0, bytes: 0, stats: String::new() }))
    }
}

#[async_trait]
impl Load for NowhereLoad {
    fn part(&self) -> Result<Box<dyn PartWriter>> {
        Ok(Box::new(NowherePart(0)))
    }
    async fn commit(&self, parts: Vec<Part>, _commit: Commit) -> Result<Committed> {
        let version = self.0.fetch_add(1, Ordering::Relaxed);
        Ok(Committed { version, rows_added: parts.iter().map(|part| part.rows).sum(), rows_removed: 0 })
    }
    async fn discard(&self, _parts: Vec<Part>) -> Result<()> {
        Ok(())
    }
}

fn not_here<T>() -> Result<T> {
    Err(Error::ours("nothing is kept"))
}

#[async_trait]
impl Warehouse for Nowhere {
    async fn relations(&self, _schema: Option<&str>) -> Result<Vec<Relation>> {
        not_here()
    }
    async fn relation(&self, _name: &TableName) -> Result<Option<Relation>> {
        not_here()
    }
    async fn drop_relation(&self, _name: &TableName) -> Result<()> {
        not_here()
    }
    async fn query(&self, _sql: &str, _options: &QueryOptions) -> Result<QueryResult> {
        not_here()
    }
    async fn table_state(&self, _name: &TableName) -> Result<Option<TableState>> {
        Ok(None)
    }
    async fn history(&self, _name: &TableName, _limit: usize) -> Result<Vec<CommitInfo>> {
        Ok(Vec::new())
    }
    async fn begin_load(&self, _name: &TableName, _schema: SchemaRef) -> Result<Arc<dyn Load>> {
        Ok(Arc::new(NowhereLoad::default()))
    }
    async fn stage(
        &self,
        _name: &TableName,
        _stage: Stage,
        _on_schema_change: OnSchemaChange,
        _options: &QueryOptions,
    ) -> Result<Arc<dyn Staged>> {
        not_here()
    }
}

impl Ledger for Nowhere {
    fn record(&self, _entry: &LedgerEntry) -> Result<()> {
        Ok(())
    }
    fn entries(&self) -> Result<Vec<LedgerEntry>> {
        Ok(Vec::new())
    }
}

/// The batch transactions of the reference project, with all their rules.
fn contract() -> Result<Contract> {
    let categories = ["groceries", "rent", "utilities", "entertainment", "healthcare", "education", "travel"];
    let columns = [
        ("tx_id", "varchar", json!({"required": true, "format": "uuid"})),
        ("user_id", "varchar", json!({"required": true, "format": "uuid"})),
        ("amount", "decimal(18,2)", json!({"required": true, "min": -1_000_000, "max": 1_000_000})),
        ("currency", "varchar", json!({"required": true, "regex": "^[A-Z]{3}$"})),
        ("merchant", "varchar", json!({"required": true, "max_length": 200})),
        ("category", "varchar", json!({"required": true, "allowed": categories})),
        ("timestamp", "timestamp", json!({"required": true})),
    ];
    let column = |(name, data_type, meta): (&str, &str, Value)| ColumnDecl {
        name: name.to_owned(),
        data_type: Some(data_type.to_owned()),
        meta,
        place: None,
    };
    let decl = SourceDecl {
        table: TableName::new("raw", "transactions_batch"),
        meta: json!({"connector": "file", "path": "*.csv"}),
        columns: columns.map(column).to_vec(),
        place: Place::file("decode_speed.rs"),
    };
    Contract::parse(&decl).map_err(|problems| Error::ours(format!("{problems:?}")))
}

#[tokio::main]
async fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let Some(file) = arguments.next().map(PathBuf::from) else {
        return Err(Error::usage("say which file"));
    };
    let threads = arguments.next().and_then(|threads| threads.parse().ok()).unwrap_or(1);
    let bytes = std::fs::metadata(&file)?.len();
    let files = Some(vec![file]);
    let options = FileOptions { project_dir: PathBuf::new(), files, pass_over_gone: false, replace: false, threads };
    let started = Instant::now();
    let reports = ingest_files(&contract()?, &options, &Nowhere, &Nowhere, &SystemClock, &SilentProgress).await?;
    let seconds = started.elapsed().as_secs_f64();
    for report in reports {
        let entry = report.entry;
        println!(
            "{:?}: {} rows in, {} quarantined {:?}",
            report.status, entry.rows_in, entry.rows_quarantined, entry.reason
        );
        println!(
            "{threads} threads: {seconds:.2} s, {:.0} MB/s, {:.2} M rows/s",
            bytes as f64 / 1e6 / seconds,
            entry.rows_in as f64 / 1e6 / seconds
        );
    }
    Ok(())
}
