//! Tables are plain Delta tables: `deltalake` reads what we write, and we read what it writes.

use std::sync::Arc;

use arrow::array::RecordBatch;
use datafusion::prelude::SessionContext;
use deltalake::DeltaTable;
use millstream_core::warehouse::{Commit, Stage, Warehouse};

use crate::support::{Fixture, fixture, name, open, query, raw_batch};

async fn opened(f: &Fixture, table: &str) -> DeltaTable {
    let table = name(table);
    let folder = f.folder.path().canonicalize().unwrap().join(table.schema).join(table.name);
    deltalake::open_table(url::Url::from_directory_path(folder).unwrap()).await.unwrap()
}

async fn read(table: &DeltaTable, sql: &str) -> String {
    let context = SessionContext::new();
    context.register_table("t", table.table_provider().await.unwrap()).unwrap();
    let batches: Vec<RecordBatch> = context.sql(sql).await.unwrap().collect().await.unwrap();
    arrow::util::pretty::pretty_format_batches(&batches).unwrap().to_string()
}

#[tokio::test]
async fn deltalake_reads_loads_replacements_and_merges() {
    let f = fixture();
    for (file, rows) in [("a.csv", [("x", 100), ("y", 250)]), ("b.csv", [("z", -1), ("w", 0)])] {
        let commit = Commit { operation: "INGEST".into(), positions: vec![(file.into(), 2)], ..Commit::default() };
        f.load("raw.t", &raw_batch(file, &rows), commit).await.unwrap();
    }
    let merge = Stage::Merge {
        sql: "select 'x' as id, 9.99 as amount, at, source_file from raw.t where id = 'x'".into(),
        unique_key: vec!["id".into()],
        predicates: vec![],
        update_columns: vec![],
    };
    f.build("raw.t", merge).await;
    let table = opened(&f, "raw.t").await;
    assert_eq!(table.version(), Some(2));
    let text = read(&table, "select id, amount, at from t order by id").await;
    assert!(text.contains("| x  | 9.99   | 2025-06-15T15:06:40.123456Z |"), "{text}");
    assert!(text.contains("| z  | -0.01 "), "{text}");
    let log_store = table.log_store();
    let position = table.snapshot().unwrap().transaction_version(log_store.as_ref(), "b.csv").await.unwrap();
    assert_eq!(position, Some(2));
    // Bounds in the log prune for it as they do for us, and lose nothing.
    let text = read(&table, "select count(*) as n from t where amount < 0 and id >= 'w'").await;
    assert!(text.contains("| 1 |"), "{text}");
}

#[tokio::test]
async fn deltalake_reads_timestamps_without_zone_nested_columns_and_changed_columns() {
    let f = fixture();
    f.table("m.t", "select 1 as a").await;
    f.table("m.t", "select timestamp '2025-06-01 10:00:00' as naive, [1, 2] as l, struct(1 as x) as s").await;
    let table = opened(&f, "m.t").await;
    let text = read(&table, "select naive, l from t").await;
    assert!(text.contains("2025-06-01T10:00:00") && text.contains("[1, 2]"), "{text}");
}

#[tokio::test]
async fn checkpoints_are_written_and_read_by_both() {
    let f = fixture();
    for i in 0..105_i64 {
        let commit = Commit { positions: vec![(format!("kafka:t/{}", i % 3), i)], ..Commit::default() };
        f.load("raw.t", &raw_batch("f", &[(&format!("id{i}"), i128::from(i))]), commit).await.unwrap();
    }
    let log = f.folder.path().join("raw/t/_delta_log");
    assert!(log.join("00000000000000000100.checkpoint.parquet").exists());
    // What came before the checkpoint may be cleaned away.
    for version in 0..100 {
        std::fs::remove_file(log.join(format!("{version:020}.json"))).unwrap();
    }
    let other = open(f.folder.path());
    assert_eq!(
        query(&other, "select count(*), sum(amount) from raw.t", &Default::default()).await.unwrap(),
        ["105|54.60"]
    );
    let state = other.table_state(&name("raw.t")).await.unwrap().unwrap();
    assert_eq!(state.positions.values().copied().collect::<Vec<_>>(), [102, 103, 104]);
    assert_eq!(other.relation(&name("raw.t")).await.unwrap().unwrap().rows, Some(105));
    let text = read(&opened(&f, "raw.t").await, "select count(*) as n from t").await;
    assert!(text.contains("105"), "{text}");
}

#[tokio::test]
async fn we_read_on_after_another_writer() {
    let f = fixture();
    f.table("m.t", "select 1::bigint as a, 'x' as b").await;
    let table = opened(&f, "m.t").await;
    let batch = RecordBatch::try_from_iter([
        ("a", Arc::new(arrow::array::Int64Array::from(vec![2])) as arrow::array::ArrayRef),
        ("b", Arc::new(arrow::array::StringArray::from(vec!["y"]))),
    ])
    .unwrap();
    table.write(vec![batch]).await.unwrap();
    assert_eq!(f.rows("select * from m.t order by a").await, ["1|x", "2|y"]);
    f.build("m.t", Stage::Append { sql: "select 3 as a, 'z' as b".into() }).await;
    assert_eq!(f.rows("select count(*), sum(a) from m.t").await, ["3|6"]);
    assert_eq!(f.warehouse.history(&name("m.t"), 9).await.unwrap().len(), 3);
}

#[tokio::test]
async fn deltalake_reads_a_table_that_house_was_kept_in() {
    use millstream_core::housekeeping::Upkeep;
    use std::time::Duration;
    let f = fixture();
    for i in 0..130_i64 {
        let commit = Commit { positions: vec![("kafka:t/0".into(), i)], ..Commit::default() };
        f.load("raw.t", &raw_batch("f", &[(&format!("id{i}"), i128::from(i))]), commit).await.unwrap();
        if i % 40 == 39 {
            let upkeep = Upkeep { retention: Duration::ZERO, unnamed_age: Duration::ZERO, ..Upkeep::default() };
            f.warehouse.maintain(&name("raw.t"), &upkeep).await.unwrap();
        }
    }
    let log = f.folder.path().join("raw/t/_delta_log");
    assert!(!log.join("00000000000000000000.json").exists() && f.files("raw.t") < 20);
    let table = opened(&f, "raw.t").await;
    let text = read(&table, "select count(*) as n, count(distinct id) as ids, sum(amount) as total from t").await;
    assert!(text.contains("| 130 | 130 | 83.85 |"), "{text}");
    let log_store = table.log_store();
    let position = table.snapshot().unwrap().transaction_version(log_store.as_ref(), "kafka:t/0").await.unwrap();
    assert_eq!(position, Some(129));
    // And it goes on writing where we left off.
    let batch = raw_batch("f", &[("theirs", 1)]);
    table.write(vec![batch]).await.unwrap();
    assert_eq!(f.rows("select count(*) from raw.t").await, ["131"]);
}
