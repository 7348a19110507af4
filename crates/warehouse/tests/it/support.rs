//! What the tests share: a warehouse in a temporary folder, and queries as text.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use chrono::{DateTime, Utc};
use futures::StreamExt;
use millstream_core::warehouse::{
    Commit, Committed, Load, OnSchemaChange, QueryOptions, RefreshMode, Stage, Staged, Warehouse,
};
use millstream_core::{Clock, Error, Result, TableName};
use millstream_warehouse::{EmbeddedOptions, EmbeddedWarehouse};

/// Goes on by one second with each look.
pub struct TickingClock(AtomicI64);

impl Clock for TickingClock {
    fn now(&self) -> DateTime<Utc> {
        DateTime::from_timestamp(1_750_000_000 + self.0.fetch_add(1, Ordering::Relaxed), 0).unwrap()
    }
}

/// Stands still until it is set.
pub struct SetClock(AtomicI64);

impl Clock for SetClock {
    fn now(&self) -> DateTime<Utc> {
        DateTime::from_timestamp(1_750_000_000 + self.0.load(Ordering::Relaxed), 0).unwrap()
    }
}

impl SetClock {
    /// Seconds since the clock was made.
    pub fn set(&self, seconds: i64) {
        self.0.store(seconds, Ordering::Relaxed);
    }
}

/// A warehouse whose clock is set by hand.
pub fn clocked() -> (Fixture, Arc<SetClock>) {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(SetClock(AtomicI64::new(0)));
    let warehouse = open_at(folder.path(), clock.clone());
    (Fixture { folder, warehouse }, clock)
}

pub fn open_at(folder: &std::path::Path, clock: Arc<SetClock>) -> EmbeddedWarehouse {
    let options =
        EmbeddedOptions { memory_limit_bytes: 512 * 1024 * 1024, threads: 2, clock, ..EmbeddedOptions::default() };
    EmbeddedWarehouse::open(folder, options).unwrap()
}

pub struct Fixture {
    pub folder: tempfile::TempDir,
    pub warehouse: EmbeddedWarehouse,
}

pub fn open(folder: &std::path::Path) -> EmbeddedWarehouse {
    open_with_memory(folder, 512 * 1024 * 1024)
}

pub fn open_with_memory(folder: &std::path::Path, memory_limit_bytes: usize) -> EmbeddedWarehouse {
    let options = EmbeddedOptions {
        memory_limit_bytes,
        threads: 2,
        clock: Arc::new(TickingClock(AtomicI64::new(0))),
        ..EmbeddedOptions::default()
    };
    EmbeddedWarehouse::open(folder, options).unwrap()
}

pub fn fixture() -> Fixture {
    let folder = tempfile::tempdir().unwrap();
    let warehouse = open(folder.path());
    Fixture { folder, warehouse }
}

pub fn name(text: &str) -> TableName {
    text.parse().unwrap()
}

impl Fixture {
    /// Rows of a query, one line each, cells separated by `|`.
    pub async fn rows(&self, sql: &str) -> Vec<String> {
        self.rows_with(sql, &QueryOptions::default()).await.unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    pub async fn rows_with(&self, sql: &str, options: &QueryOptions) -> Result<Vec<String>> {
        query(&self.warehouse, sql, options).await
    }

    pub async fn error(&self, sql: &str) -> Error {
        self.rows_with(sql, &QueryOptions::default()).await.unwrap_err()
    }

    /// Executes; what each statement did as `VERB rows`.
    pub async fn run(&self, sql: &str) -> Vec<String> {
        self.execute(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    pub async fn execute(&self, sql: &str) -> Result<Vec<String>> {
        let options = QueryOptions { default_schema: Some("m".into()), ..QueryOptions::default() };
        let done = self.warehouse.execute(sql, &options).await?;
        let told = |one: &millstream_core::warehouse::Executed| match one.rows_affected {
            Some(rows) => format!("{} {rows}", one.verb),
            None => one.verb.to_owned(),
        };
        Ok(done.iter().map(told).collect())
    }

    /// The error of a text that must fail.
    pub async fn refused(&self, sql: &str) -> String {
        self.execute(sql).await.unwrap_err().to_string()
    }

    pub async fn stage(&self, table: &str, stage: Stage) -> Result<Arc<dyn Staged>> {
        self.stage_with(table, stage, OnSchemaChange::Ignore).await
    }

    pub async fn stage_with(&self, table: &str, stage: Stage, change: OnSchemaChange) -> Result<Arc<dyn Staged>> {
        self.warehouse.stage(&name(table), stage, change, &QueryOptions::default()).await
    }

    /// A refresh from changes, whatever it costs (with few rows it would never be the cheaper way), or in whatever way there
    /// is where the query has none from changes.
    pub async fn stage_from_changes(&self, table: &str, sql: &str) -> Result<Arc<dyn Staged>> {
        let refresh = |mode| Stage::Refresh { sql: sql.into(), keys: vec![], mode };
        match self.stage(table, refresh(RefreshMode::Incremental)).await {
            Err(error) if error.what().contains("cannot be refreshed from changes") => {
                self.stage(table, refresh(RefreshMode::Auto)).await
            }
            staged => staged,
        }
    }

    /// Stages and publishes.
    pub async fn build(&self, table: &str, stage: Stage) -> Committed {
        self.stage(table, stage).await.unwrap().publish(serde_json::Map::new()).await.unwrap()
    }

    pub async fn table(&self, table: &str, sql: &str) -> Committed {
        self.build(table, Stage::Replace { sql: sql.into() }).await
    }

    /// Data files in a table's folder, whether or not a commit names them.
    pub fn files(&self, table: &str) -> usize {
        let table = name(table);
        let folder = self.folder.path().join(table.schema).join(table.name);
        std::fs::read_dir(folder).map_or(0, |entries| {
            entries.filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().ends_with(".parquet")).count()
        })
    }

    /// Makes every data file of a table look this old.
    pub fn age_files(&self, table: &str, age: std::time::Duration) {
        let table = name(table);
        let folder = self.folder.path().join(table.schema).join(table.name);
        for entry in std::fs::read_dir(folder).unwrap().map(std::result::Result::unwrap) {
            if entry.file_name().to_string_lossy().ends_with(".parquet") {
                let file = std::fs::File::options().write(true).open(entry.path()).unwrap();
                file.set_modified(std::time::SystemTime::now() - age).unwrap();
            }
        }
    }

    pub async fn load(&self, table: &str, batch: &RecordBatch, commit: Commit) -> Result<Committed> {
        let load = self.warehouse.begin_load(&name(table), batch.schema()).await?;
        let part = part(&load, batch);
        load.commit(part.into_iter().collect(), commit).await
    }
}

pub fn part(load: &Arc<dyn Load>, batch: &RecordBatch) -> Option<millstream_core::warehouse::Part> {
    let mut writer = load.part().unwrap();
    writer.write(batch).unwrap();
    assert_eq!(writer.rows(), batch.num_rows() as u64);
    writer.finish().unwrap()
}

pub async fn query(warehouse: &EmbeddedWarehouse, sql: &str, options: &QueryOptions) -> Result<Vec<String>> {
    let mut result = warehouse.query(sql, options).await?;
    let mut lines = Vec::new();
    while let Some(batch) = result.stream.next().await {
        let batch = batch?;
        assert_eq!(batch.schema(), result.schema);
        let format = arrow::util::display::FormatOptions::default().with_null("null");
        let cells: Vec<_> = batch
            .columns()
            .iter()
            .map(|column| arrow::util::display::ArrayFormatter::try_new(column, &format).unwrap())
            .collect();
        for row in 0..batch.num_rows() {
            lines.push(cells.iter().map(|cell| cell.value(row).to_string()).collect::<Vec<_>>().join("|"));
        }
    }
    Ok(lines)
}

pub fn raw_schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("id", DataType::Utf8, true),
        Field::new("amount", DataType::Decimal128(18, 2), true),
        Field::new("at", DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())), true),
        Field::new("source_file", DataType::Utf8, true),
    ]))
}

/// Rows `id`, `amount` in cents, all of one file.
pub fn raw_batch(file: &str, rows: &[(&str, i128)]) -> RecordBatch {
    use arrow::array::{Decimal128Array, StringArray, TimestampMicrosecondArray};
    let amounts = Decimal128Array::from_iter_values(rows.iter().map(|row| row.1)).with_precision_and_scale(18, 2);
    let times = TimestampMicrosecondArray::from_iter_values(rows.iter().map(|_| 1_750_000_000_123_456));
    RecordBatch::try_new(
        raw_schema(),
        vec![
            Arc::new(StringArray::from_iter_values(rows.iter().map(|row| row.0))),
            Arc::new(amounts.unwrap()),
            Arc::new(times.with_timezone("UTC")),
            Arc::new(StringArray::from_iter_values(rows.iter().map(|_| file))),
        ],
    )
    .unwrap()
}
