//! A day of one commit a second, with housekeeping once a minute, and what it leaves.
//!
//! `cargo run -p millstream-warehouse --example day -- FOLDER [COMMITS] [ROWS]`: loads COMMITS (86,400) batches of ROWS
//! (5) rows into a table, the clock going on by a second with each, keeps house after every 60 of them with a retention
//! of an hour, and tells the cost of commits at the beginning and at the end, the time of opening the warehouse and
//! asking the first query, and the time of queries against a table with the same rows that was written at once. With 0
//! COMMITS the folder of an earlier run is measured. Not part of the product. Built without optimization the figures are
//! upper bounds.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use arrow::array::{ArrayRef, Decimal128Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use chrono::{DateTime, Utc};
use futures::StreamExt;
use millstream_core::housekeeping::Upkeep;
use millstream_core::warehouse::{Commit, OnSchemaChange, QueryOptions, Stage, Warehouse};
use millstream_core::{Clock, TableName};
use millstream_warehouse::{EmbeddedOptions, EmbeddedWarehouse};

/// Seconds between two looks after the house.
const EVERY: i64 = 60;

/// How long past versions stay.
const RETENTION: Duration = Duration::from_secs(3_600);

struct Simulated(AtomicI64);

impl Clock for Simulated {
    fn now(&self) -> DateTime<Utc> {
        DateTime::from_timestamp(1_750_000_000 + self.0.load(Ordering::Relaxed), 0).unwrap()
    }
}

fn open(folder: &Path, clock: &Arc<Simulated>) -> EmbeddedWarehouse {
    EmbeddedWarehouse::open(folder, EmbeddedOptions { clock: clock.clone(), ..EmbeddedOptions::default() }).unwrap()
}

fn batch(from: i64, rows: i64) -> RecordBatch {
    let words = ["groceries", "transport", "dining", "utilities", "shopping"];
    let number = |i: i64| (from * rows + i).unsigned_abs().wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let amounts = Decimal128Array::from_iter_values((0..rows).map(|i| i128::from(number(i) >> 44)));
    let times = TimestampMicrosecondArray::from_iter_values((0..rows).map(|_| (1_750_000_000 + from) * 1_000_000));
    RecordBatch::try_from_iter([
        (
            "tx_id",
            Arc::new(StringArray::from_iter_values((0..rows).map(|i| format!("{:016x}", number(i))))) as ArrayRef,
        ),
        ("amount", Arc::new(amounts.with_precision_and_scale(18, 2).unwrap())),
        ("category", Arc::new(StringArray::from_iter_values((0..rows).map(|i| words[(number(i) >> 33) as usize % 5])))),
        ("timestamp", Arc::new(times.with_timezone("UTC"))),
    ])
    .unwrap()
}

/// Lets the log alone decide what is old: in this simulation every file was written today.
fn age(folder: &Path) {
    let past = SystemTime::now() - 2 * RETENTION;
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let is_new = entry.metadata().is_ok_and(|meta| meta.is_file() && meta.modified().unwrap() > past + RETENTION);
        if is_new {
            std::fs::File::options().write(true).open(entry.path()).unwrap().set_modified(past).unwrap();
        }
    }
}

fn tell(what: &str, times: &mut [Duration]) {
    times.sort_unstable();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
    println!("{what}: p50 {:?}, p99 {:?}, max {:?}", at(0.5), at(0.99), at(1.0));
}

fn tell_commits(times: Vec<Duration>, mut house: Vec<Duration>, rewritten: u64) {
    let edge = times.len().min(1_000);
    let (mut first, mut last) = (times[..edge].to_vec(), times[times.len() - edge..].to_vec());
    tell("commit, the first thousand", &mut first);
    tell("commit, the last thousand", &mut last);
    tell("housekeeping of one minute", &mut house);
    println!("rewritten by compaction: {rewritten} bytes");
}

async fn ask(warehouse: &EmbeddedWarehouse, table: &str) -> (Duration, u64) {
    let sql = format!("select category, count(*), sum(amount), max(timestamp) from {table} group by 1");
    let began = Instant::now();
    let mut result = warehouse.query(&sql, &QueryOptions::default()).await.unwrap();
    let mut rows = 0;
    while let Some(batch) = result.stream.next().await {
        rows += batch.unwrap().num_rows() as u64;
    }
    (began.elapsed(), rows)
}

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().expect("FOLDER");
    let commits: i64 = arguments.next().map_or(86_400, |text| text.parse().unwrap());
    let rows: i64 = arguments.next().map_or(5, |text| text.parse().unwrap());
    let folder = Path::new(&folder);
    let clock = Arc::new(Simulated(AtomicI64::new(0)));
    let warehouse = open(folder, &clock);
    let name: TableName = "raw.stream".parse().unwrap();
    let upkeep = Upkeep { retention: RETENTION, ..Upkeep::default() };
    let (mut times, mut house, mut rewritten) = (Vec::new(), Vec::new(), 0);
    let began = Instant::now();
    for second in 0..commits {
        clock.0.store(second, Ordering::Relaxed);
        let batch = batch(second, rows);
        let at = Instant::now();
        let load = warehouse.begin_load(&name, batch.schema()).await.unwrap();
        let mut part = load.part().unwrap();
        part.write(&batch).unwrap();
        let parts = part.finish().unwrap().into_iter().collect();
        let positions = vec![("kafka:transactions/0".to_owned(), (second + 1) * rows)];
        load.commit(parts, Commit { operation: "INGEST".into(), positions, ..Commit::default() }).await.unwrap();
        times.push(at.elapsed());
        if second % EVERY == EVERY - 1 {
            age(&folder.join("raw/stream"));
            let at = Instant::now();
            let done = warehouse.maintain(&name, &upkeep).await.unwrap().unwrap();
            house.push(at.elapsed());
            rewritten += done.compacted_bytes;
            if second % 7_200 == 7_199 {
                println!("{second:>6} commits, {:>7.1?}: {done:?}", began.elapsed());
            }
        }
    }
    println!("{commits} commits of {rows} rows in {:?}", began.elapsed());
    // Without commits a folder of an earlier run is measured.
    if commits > 0 {
        tell_commits(times, house, rewritten);
    }
    let count = |path: &Path| std::fs::read_dir(path).unwrap().count();
    println!(
        "files in the table's folder: {}, in its log: {}",
        count(&folder.join("raw/stream")),
        count(&folder.join("raw/stream/_delta_log"))
    );
    let options = QueryOptions::default();
    let once: TableName = "raw.once".parse().unwrap();
    let stage = Stage::Replace { sql: "select * from raw.stream".into() };
    let staged = warehouse.stage(&once, stage, OnSchemaChange::Ignore, &options).await.unwrap();
    staged.publish(serde_json::Map::new()).await.unwrap();
    drop((staged, warehouse));
    let at = Instant::now();
    let warehouse = open(folder, &clock);
    let opened = at.elapsed();
    let (query, _) = ask(&warehouse, "raw.stream").await;
    println!("open {opened:?}, first query {query:?}: start-up {:?}", at.elapsed());
    let mut many = Vec::new();
    let mut one = Vec::new();
    for _ in 0..20 {
        many.push(ask(&warehouse, "raw.stream").await.0);
        one.push(ask(&warehouse, "raw.once").await.0);
    }
    tell("query of the day", &mut many);
    tell("query of a table written at once", &mut one);
    println!("ratio of the medians: {:.2}", many[10].as_secs_f64() / one[10].as_secs_f64());
}
