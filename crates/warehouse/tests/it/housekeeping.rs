//! Housekeeping: compaction beside writers, the bounded log, vacuum within the retention.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use millstream_core::housekeeping::{Maintained, Upkeep};
use millstream_core::warehouse::{AsOf, Commit, QueryOptions, RefreshMode, RefreshPath, Stage, Warehouse};

use millstream_warehouse::EmbeddedWarehouse;

use crate::support::{Fixture, clocked, fixture, name, open, open_at, part, query, raw_batch};

/// Files that a table may have when its tiers are not due.
const FILES_MAX: usize = 7 * 4 + 1;

const NO_RETENTION: Upkeep = Upkeep {
    retention: Duration::ZERO,
    unnamed_age: Duration::ZERO,
    is_dry_run: false,
    is_compaction_only: false,
    settled_after: Duration::ZERO,
    rests: 0,
};

fn of_kafka(offset: i64) -> Commit {
    Commit { operation: "INGEST".into(), positions: vec![("kafka:t/0".into(), offset)], ..Commit::default() }
}

/// Loads batches of one row: `from..to`.
async fn load(f: &Fixture, rows: std::ops::Range<i64>) {
    for i in rows {
        let batch = raw_batch("kafka", &[(&format!("id{i}"), i128::from(i))]);
        f.load("raw.t", &batch, of_kafka(i + 1)).await.unwrap();
    }
}

async fn maintain(f: &Fixture, upkeep: &Upkeep) -> Maintained {
    f.warehouse.maintain(&name("raw.t"), upkeep).await.unwrap().unwrap()
}

fn merge(sql: &str) -> Stage {
    Stage::Merge { sql: sql.into(), unique_key: vec!["id".into()], update_columns: vec![], predicates: vec![] }
}

#[tokio::test]
async fn small_files_become_one_and_rows_positions_and_versions_stay() {
    let f = fixture();
    load(&f, 0..20).await;
    let dry = maintain(&f, &Upkeep { is_dry_run: true, ..Upkeep::default() }).await;
    assert_eq!((dry.compacted_files, dry.files_after), (20, 20));
    let before = f.rows("select id, amount, at, source_file from raw.t order by id").await;
    let done = maintain(&f, &Upkeep::default()).await;
    assert_eq!((done.files_before, done.files_after, done.compacted_files), (20, 1, 20), "{done:?}");
    assert_eq!((done.files_removed, done.commits_removed, done.left.clone()), (0, 0, None));
    assert_eq!(f.rows("select id, amount, at, source_file from raw.t order by id").await, before);
    let state = f.warehouse.table_state(&name("raw.t")).await.unwrap().unwrap();
    assert_eq!((state.version, state.positions["kafka:t/0"]), (20, 20));
    assert_eq!(f.warehouse.history(&name("raw.t"), 1).await.unwrap()[0].operation, "OPTIMIZE");
    let log = std::fs::read_to_string(f.folder.path().join("raw/t/_delta_log/00000000000000000020.json")).unwrap();
    assert_eq!(log.matches("\"dataChange\":false").count(), 21, "{log}");
    assert!(!log.contains("\"dataChange\":true") && log.contains("numRecords"), "{log}");
    // Past versions are there, and nothing is due any more.
    let past = QueryOptions { as_of: AsOf::Version(9), ..QueryOptions::default() };
    assert_eq!(f.rows_with("select count(*) from raw.t", &past).await.unwrap(), ["10"]);
    assert!(!maintain(&f, &Upkeep::default()).await.is_changed());
    assert!(f.warehouse.maintain(&name("raw.none"), &Upkeep::default()).await.unwrap().is_none());
}

#[tokio::test]
async fn writers_that_began_before_a_compaction_go_on_after_it() {
    let f = fixture();
    let other = open(f.folder.path());
    load(&f, 0..8).await;
    let batch = raw_batch("b.csv", &[("late", 5)]);
    let pending = f.warehouse.begin_load(&name("raw.t"), batch.schema()).await.unwrap();
    let parts = part(&pending, &batch).into_iter().collect();
    let append = f.stage("raw.t", Stage::Append { sql: "select * from raw.t where id = 'id3'".into() }).await.unwrap();
    // Somebody else's process puts the files together.
    let upkeep = Upkeep::default();
    assert_eq!(other.maintain(&name("raw.t"), &upkeep).await.unwrap().unwrap().files_after, 1);
    append.publish(serde_json::Map::new()).await.unwrap();
    pending.commit(parts, of_kafka(100)).await.unwrap();
    assert_eq!(f.rows("select count(*), max(id) from raw.t").await, ["10|late"]);
    // A build that replaces the table takes out what is there, in whatever files it is.
    let replace =
        f.stage("raw.t", Stage::Replace { sql: "select * from raw.t where id < 'id2'".into() }).await.unwrap();
    load(&f, 100..101).await;
    let error = replace.publish(serde_json::Map::new()).await.unwrap_err();
    assert!(error.is_retryable(), "rows came in between: {error}");
    load(&f, 101..110).await;
    let replace = f.stage("raw.t", Stage::Replace { sql: "select * from raw.t where id < 'id101'".into() }).await;
    assert!(other.maintain(&name("raw.t"), &upkeep).await.unwrap().unwrap().compacted_files > 0);
    replace.unwrap().publish(serde_json::Map::new()).await.unwrap();
    assert_eq!(f.rows("select id from raw.t order by id").await, ["id0", "id1", "id100"]);
    other.maintain(&name("raw.t"), &NO_RETENTION).await.unwrap();
    assert_eq!(f.rows("select id from raw.t order by id").await, ["id0", "id1", "id100"]);
}

#[tokio::test]
async fn a_merge_whose_file_was_put_away_is_retried_by_its_caller() {
    let f = fixture();
    let other = open(f.folder.path());
    load(&f, 0..8).await;
    let sql = "select id, 9.99 as amount, at, source_file from raw.t where id = 'id3'";
    let staged = f.stage("raw.t", merge(sql)).await.unwrap();
    other.maintain(&name("raw.t"), &Upkeep::default()).await.unwrap();
    let error = staged.publish(serde_json::Map::new()).await.unwrap_err();
    assert!(error.is_retryable(), "{error}");
    drop(staged);
    f.build("raw.t", merge(sql)).await;
    assert_eq!(f.rows("select sum(amount), count(*) from raw.t").await, ["10.24|8"]);
}

#[tokio::test]
async fn within_a_process_compaction_waits_for_the_merge() {
    let f = fixture();
    load(&f, 0..9).await;
    let sql = "select id, 9.99 as amount, at, source_file from raw.t where id = 'id3'";
    let staged = f.stage("raw.t", merge(sql)).await.unwrap();
    let (warehouse, table) = (f.warehouse.clone(), name("raw.t"));
    let compaction = tokio::spawn(async move { warehouse.maintain(&table, &Upkeep::default()).await });
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(!compaction.is_finished());
    staged.publish(serde_json::Map::new()).await.unwrap();
    // The merge took a file out that was being put together: that is left for the next time.
    let done = compaction.await.unwrap().unwrap().unwrap();
    assert!(done.left.is_some() && done.compacted_files == 0, "{done:?}");
    assert_eq!(maintain(&f, &Upkeep::default()).await.files_after, 1);
    assert_eq!(f.rows("select sum(amount), count(*) from raw.t").await, ["10.32|9"]);
}

#[tokio::test]
async fn the_retention_decides_what_goes() {
    let (f, clock) = clocked();
    let rows = |at: u64| {
        let options = QueryOptions { as_of: AsOf::Version(at), ..QueryOptions::default() };
        let f = &f;
        async move { f.rows_with("select count(*) from raw.t", &options).await }
    };
    // 120 commits, ten seconds apart; small files are put together at 60 and at 119.
    for i in 0..60 {
        clock.set(i * 10);
        load(&f, i..i + 1).await;
    }
    maintain(&f, &Upkeep::default()).await;
    for i in 60..119 {
        clock.set(i * 10);
        load(&f, i..i + 1).await;
    }
    maintain(&f, &Upkeep::default()).await;
    assert_eq!(f.files("raw.t"), 119 + 2);
    f.age_files("raw.t", Duration::from_secs(7_200));
    // Everything is within a week.
    let week = maintain(&f, &Upkeep::default()).await;
    assert_eq!((week.files_removed, week.commits_removed), (0, 0));
    assert_eq!(rows(5).await.unwrap(), ["6"]);
    // A quarter of an hour goes back to the versions before the first compaction; its first files are needed.
    clock.set(1_190);
    let upkeep = Upkeep { retention: Duration::from_secs(900), ..Upkeep::default() };
    let quarter = maintain(&f, &upkeep).await;
    assert_eq!((quarter.files_removed, quarter.commits_removed), (0, 0), "no checkpoint is that old");
    assert_eq!(rows(29).await.unwrap(), ["30"]);
    // Five minutes: the checkpoint of version 50 stands for what was before it, the first 60 files go.
    let upkeep = Upkeep { retention: Duration::from_secs(300), ..Upkeep::default() };
    let dry = maintain(&f, &Upkeep { is_dry_run: true, ..upkeep }).await;
    let five = maintain(&f, &upkeep).await;
    assert_eq!((five.files_removed, five.commits_removed), (60, 50));
    assert_eq!((dry.files_removed, dry.commits_removed), (60, 50));
    // 890 seconds: version 89 plus the one of the compaction.
    assert_eq!(rows(90).await.unwrap(), ["90"]);
    assert!(rows(40).await.unwrap_err().to_string().contains("not available any more"));
    assert_eq!(rows(120).await.unwrap(), ["119"]);
    // Another process opens it without the commits that went.
    let other = open_at(f.folder.path(), clock.clone());
    assert_eq!(
        query(&other, "select count(*), sum(amount) from t", &QueryOptions::default()).await.unwrap(),
        ["119|70.21"]
    );
    let state = other.table_state(&name("raw.t")).await.unwrap().unwrap();
    assert_eq!(state.positions["kafka:t/0"], 119);
}

#[tokio::test]
async fn files_that_a_writer_is_about_to_commit_stay() {
    let f = fixture();
    load(&f, 0..8).await;
    let batch = raw_batch("b.csv", &[("late", 5)]);
    let pending = f.warehouse.begin_load(&name("raw.t"), batch.schema()).await.unwrap();
    let parts: Vec<_> = part(&pending, &batch).into_iter().collect();
    f.age_files("raw.t", Duration::from_secs(3_600));
    // No history is wanted, but an hour is nothing for a writer.
    let upkeep = Upkeep { retention: Duration::ZERO, ..Upkeep::default() };
    maintain(&f, &upkeep).await;
    assert_eq!(maintain(&f, &upkeep).await.files_removed, 0);
    assert_eq!(f.files("raw.t"), 2, "what was put together, and what is not committed yet");
    pending.commit(parts, of_kafka(100)).await.unwrap();
    assert_eq!(f.rows("select count(*) from raw.t").await, ["9"]);
    // A day later it would have counted as left behind.
    let _ = part(&pending, &batch);
    f.age_files("raw.t", millstream_core::housekeeping::UNNAMED_AGE_MIN + Duration::from_secs(60));
    assert_eq!(maintain(&f, &upkeep).await.files_removed, 1);
    assert_eq!(f.rows("select count(*) from raw.t").await, ["9"]);
}

#[tokio::test]
async fn two_thousand_commits_leave_a_table_as_quick_as_one_written_at_once() {
    let f = fixture();
    const COMMITS: i64 = 2_000;
    let mut most = 0;
    for i in 0..COMMITS {
        load(&f, i..i + 1).await;
        if i % 50 == 49 {
            maintain(&f, &NO_RETENTION).await;
            let relation = f.files("raw.t");
            most = most.max(relation);
        }
    }
    assert!(most <= FILES_MAX + 50, "{most} files");
    let commits = std::fs::read_dir(f.folder.path().join("raw/t/_delta_log")).unwrap().count();
    assert!(commits < 250, "{commits} files in the log");
    f.table("m.once", "select * from raw.t").await;
    let sql = |table: &str| format!("select source_file, count(*), sum(amount), max(id) from {table} group by 1");
    let best = |warehouse: EmbeddedWarehouse, sql: String| async move {
        let mut best = Duration::MAX;
        for _ in 0..5 {
            let began = Instant::now();
            query(&warehouse, &sql, &QueryOptions::default()).await.unwrap();
            best = best.min(began.elapsed());
        }
        best
    };
    let began = Instant::now();
    let other = open(f.folder.path());
    let first = query(&other, &sql("raw.t"), &QueryOptions::default()).await.unwrap();
    let start = began.elapsed();
    assert_eq!(first, ["kafka|2000|19990.00|id999"]);
    assert!(start < Duration::from_secs(1), "{start:?}");
    let (many, once) = (best(other.clone(), sql("raw.t")).await, best(other, sql("m.once")).await);
    // Planning dominates at this size: what is asked for is that files and commits behind the table cost nothing.
    assert!(many < once * 3 / 2 + Duration::from_millis(60), "{many:?} against {once:?}");
}

#[tokio::test]
async fn refreshes_go_on_from_changes_after_compactions() {
    let f = fixture();
    let other = open(f.folder.path());
    let sql = "select id, amount from raw.t";
    let stage = || Stage::Refresh { sql: sql.into(), keys: vec![], mode: RefreshMode::Incremental };
    load(&f, 0..8).await;
    f.build("m.t", stage()).await;
    for i in 8..16 {
        load(&f, i..i + 1).await;
        f.build("m.t", stage()).await;
    }
    for table in ["raw.t", "m.t"] {
        let done = f.warehouse.maintain(&name(table), &Upkeep::default()).await.unwrap().unwrap();
        assert_eq!(done.files_after, 1, "{done:?}");
    }
    let unmoved = f.stage("m.t", stage()).await.unwrap();
    assert_eq!(unmoved.refreshed().unwrap().path, RefreshPath::Unchanged);
    unmoved.publish(serde_json::Map::new()).await.unwrap();
    load(&f, 16..25).await;
    let staged = f.stage("m.t", stage()).await.unwrap();
    assert_eq!(staged.refreshed().unwrap().path, RefreshPath::Append, "{:?}", staged.refreshed());
    other.maintain(&name("raw.t"), &Upkeep::default()).await.unwrap();
    staged.publish(serde_json::Map::new()).await.unwrap();
    let staged = f.stage("m.t", stage()).await.unwrap();
    assert_eq!(staged.refreshed().unwrap().path, RefreshPath::Unchanged, "{:?}", staged.refreshed());
    assert_eq!(f.rows("select count(*), sum(amount), count(distinct id) from m.t").await, ["25|3.00|25"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn readers_and_writers_go_on_beside_housekeeping() {
    let f = fixture();
    load(&f, 0..1).await;
    let stop = Arc::new(AtomicBool::new(false));
    let until_stopped = |work: Box<dyn Fn(EmbeddedWarehouse) -> BoxFuture<'static, ()> + Send + Sync>| {
        let (stop, warehouse) = (stop.clone(), open(f.folder.path()));
        tokio::spawn(async move {
            let mut rounds = 0;
            while !stop.load(Ordering::Relaxed) {
                work(warehouse.clone()).await;
                rounds += 1;
            }
            rounds
        })
    };
    let keeper = until_stopped(Box::new(|warehouse| {
        Box::pin(async move {
            warehouse.maintain(&name("raw.t"), &Upkeep::default()).await.unwrap();
        })
    }));
    let seen = Arc::new(AtomicU64::new(0));
    let reader = until_stopped(Box::new(move |warehouse| {
        let seen = seen.clone();
        Box::pin(async move {
            let sql = "select count(*), count(distinct id) from raw.t";
            let rows = query(&warehouse, sql, &QueryOptions::default()).await.unwrap();
            let (all, distinct) = rows[0].split_once('|').unwrap();
            assert_eq!(all, distinct, "a row is there twice, or not at all");
            let all: u64 = all.parse().unwrap();
            assert!(seen.fetch_max(all, Ordering::Relaxed) <= all, "rows went");
        })
    }));
    // Merges of this process and of no other: compaction of the other one may overtake them.
    let (mut merged, mut overtaken) = (0, 0);
    for i in 1..120 {
        load(&f, i..i + 1).await;
        if i % 3 == 0 {
            let sql =
                format!("select id, cast({i} as decimal(18,2)) as amount, at, source_file from raw.t where id = 'id0'");
            match f.stage("raw.t", merge(&sql)).await.unwrap().publish(serde_json::Map::new()).await {
                Ok(_) => merged += 1,
                Err(error) => {
                    assert!(error.is_retryable(), "{error}");
                    overtaken += 1;
                }
            }
        }
    }
    stop.store(true, Ordering::Relaxed);
    assert!(keeper.await.unwrap() > 0 && reader.await.unwrap() > 0);
    assert_eq!(merged + overtaken, 39);
    assert!(merged > 0, "{overtaken} merges were overtaken");
    assert_eq!(f.rows("select count(*), count(distinct id) from raw.t").await, ["120|120"]);
    let state = f.warehouse.table_state(&name("raw.t")).await.unwrap().unwrap();
    assert_eq!(state.positions["kafka:t/0"], 120);
}
