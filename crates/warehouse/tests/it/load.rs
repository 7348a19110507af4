//! Loads: positions and rows in one commit, replacement, conflicts.

use std::sync::Arc;

use arrow::array::{RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use millstream_core::Kind;
use millstream_core::warehouse::{Commit, Warehouse};

use crate::support::{fixture, name, open, part, query, raw_batch, raw_schema};

fn commit(position: (&str, i64)) -> Commit {
    let mut note = serde_json::Map::new();
    note.insert("ledger".into(), serde_json::json!({"rows_in": position.1}));
    Commit {
        operation: "INGEST".into(),
        positions: vec![(position.0.into(), position.1)],
        expected: vec![(position.0.into(), None)],
        replace: None,
        note,
    }
}

#[tokio::test]
async fn rows_positions_and_note_come_with_one_commit() {
    let f = fixture();
    assert!(f.warehouse.table_state(&name("raw.t")).await.unwrap().is_none());
    let made = f.load("raw.t", &raw_batch("a.csv", &[("x", 1050), ("y", -5)]), commit(("file:a#1", 2))).await.unwrap();
    assert_eq!((made.version, made.rows_added, made.rows_removed), (0, 2, 0));
    let made = f.load("raw.t", &raw_batch("b.csv", &[("z", 7)]), commit(("file:b#1", 1))).await.unwrap();
    assert_eq!(made.version, 1);
    assert_eq!(
        f.rows("select id, amount, at from raw.t order by id").await,
        [
            "x|10.50|2025-06-15T15:06:40.123456Z",
            "y|-0.05|2025-06-15T15:06:40.123456Z",
            "z|0.07|2025-06-15T15:06:40.123456Z"
        ]
    );
    let state = f.warehouse.table_state(&name("raw.t")).await.unwrap().unwrap();
    assert_eq!(state.positions.into_iter().collect::<Vec<_>>(), [("file:a#1".into(), 2), ("file:b#1".into(), 1)]);
    assert_eq!(*state.schema, *raw_schema());
    let history = f.warehouse.history(&name("raw.t"), 1).await.unwrap();
    assert_eq!((history[0].version, history[0].operation.as_str()), (1, "INGEST"));
    assert_eq!(history[0].note["ledger"]["rows_in"], 1);
    // Another process sees the same.
    let other = open(f.folder.path());
    assert_eq!(query(&other, "select count(*) from t", &Default::default()).await.unwrap(), ["3"]);
    let relation = other.relation(&name("raw.t")).await.unwrap().unwrap();
    assert_eq!((relation.rows, relation.version), (Some(3), Some(1)));
}

#[tokio::test]
async fn a_unit_that_someone_else_loaded_is_a_retryable_conflict() {
    let f = fixture();
    let other = open(f.folder.path());
    let batch = raw_batch("a.csv", &[("x", 1)]);
    let ours = f.warehouse.begin_load(&name("raw.t"), batch.schema()).await.unwrap();
    let theirs = other.begin_load(&name("raw.t"), batch.schema()).await.unwrap();
    let parts: Vec<_> = part(&ours, &batch).into_iter().collect();
    theirs.commit(part(&theirs, &batch).into_iter().collect(), commit(("file:a#1", 1))).await.unwrap();
    let error = ours.commit(parts.clone(), commit(("file:a#1", 1))).await.unwrap_err();
    assert!(error.is_retryable() && error.kind() == Kind::User, "{error}");
    ours.discard(parts).await.unwrap();
    assert_eq!(f.rows("select count(*) from raw.t").await, ["1"]);
    assert_eq!(f.files("raw.t"), 1);
    // Another unit does not conflict, although its load began before that commit.
    let b = raw_batch("b.csv", &[("y", 2)]);
    assert_eq!(ours.commit(part(&ours, &b).into_iter().collect(), commit(("file:b#1", 1))).await.unwrap().version, 1);
}

#[tokio::test]
async fn replace_takes_out_exactly_the_rows_of_one_file() {
    let f = fixture();
    f.load("raw.t", &raw_batch("a.csv", &[("x", 1), ("y", 2)]), commit(("a", 2))).await.unwrap();
    let mixed = arrow::compute::concat_batches(
        &raw_schema(),
        &[raw_batch("a.csv", &[("m", 3)]), raw_batch("b.csv", &[("n", 4)])],
    )
    .unwrap();
    f.load("raw.t", &mixed, commit(("mixed", 2))).await.unwrap();
    f.load("raw.t", &raw_batch("c.csv", &[("o", 5)]), commit(("c", 1))).await.unwrap();
    let again = Commit { replace: Some(("source_file".into(), "a.csv".into())), ..commit(("a2", 1)) };
    let made = f.load("raw.t", &raw_batch("a.csv", &[("new", 9)]), again).await.unwrap();
    assert_eq!((made.rows_added, made.rows_removed), (1, 3));
    assert_eq!(f.rows("select id from raw.t order by id").await, ["n", "new", "o"]);
}

#[tokio::test]
async fn positions_move_without_rows() {
    let f = fixture();
    let load = f.warehouse.begin_load(&name("raw.t"), raw_schema()).await.unwrap();
    assert!(load.part().unwrap().finish().unwrap().is_none());
    load.commit(vec![], commit(("kafka:t/0", 5))).await.unwrap();
    assert_eq!(f.rows("select count(*) from raw.t").await, ["0"]);
    assert_eq!(f.rows("select id, amount from raw.t where amount > 0").await, Vec::<String>::new());
}

#[tokio::test]
async fn other_columns_are_refused_by_name() {
    let f = fixture();
    f.load("raw.t", &raw_batch("a.csv", &[("x", 1)]), commit(("a", 1))).await.unwrap();
    let short = raw_batch("a.csv", &[("x", 1)]).project(&[0, 1]).unwrap();
    let error = f.load("raw.t", &short, commit(("b", 1))).await.unwrap_err();
    assert!(error.to_string().contains("column 'at' (timestamp with time zone) is missing"), "{error}");
}

#[tokio::test]
async fn columns_that_rows_have_gained_come_behind_those_of_the_table() {
    let f = fixture();
    f.load("raw.t", &raw_batch("a.csv", &[("x", 1)]), commit(("a", 1))).await.unwrap();
    let sql = "select id, amount from raw.t";
    f.stage_from_changes("m.t", sql).await.unwrap().publish(serde_json::Map::new()).await.unwrap();
    // A contract gains it anywhere.
    let with = |name: &str, batch: &RecordBatch| {
        let (mut fields, mut columns) = (batch.schema().fields().to_vec(), batch.columns().to_vec());
        fields.insert(1, Arc::new(Field::new(name, DataType::Utf8, true)));
        columns.insert(1, Arc::new(StringArray::from(vec!["app"; batch.num_rows()])));
        RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap()
    };
    let (b, c) = (raw_batch("b.csv", &[("y", 2)]), raw_batch("c.csv", &[("z", 3)]));
    f.load("raw.t", &with("channel", &b), commit(("b", 1))).await.unwrap();
    f.load("raw.t", &with("channel", &c), commit(("c", 1))).await.unwrap();
    let columns = f.warehouse.table_state(&name("raw.t")).await.unwrap().unwrap().schema;
    let columns: Vec<&str> = columns.fields().iter().map(|field| field.name().as_str()).collect();
    assert_eq!(columns, ["id", "amount", "at", "source_file", "channel"]);
    let rows = f.rows("select id, amount, source_file, channel from raw.t order by id").await;
    assert_eq!(rows, ["x|0.01|a.csv|null", "y|0.02|b.csv|app", "z|0.03|c.csv|app"]);
    assert_eq!(f.rows("select id from raw.t where channel is null").await, ["x"]);
    assert_eq!(f.rows("select id from raw.t where channel = 'app' and amount < 0.03").await, ["y"]);
    // What follows the table is made whole once.
    f.stage_from_changes("m.t", sql).await.unwrap().publish(serde_json::Map::new()).await.unwrap();
    assert_eq!(f.rows("select count(*) from m.t").await, ["3"]);
    // Who does not know of it would leave it empty.
    let error = f.load("raw.t", &raw_batch("d.csv", &[("w", 4)]), commit(("d", 1))).await.unwrap_err();
    assert!(error.to_string().contains("column 'channel' (varchar) is missing"), "{error}");
    // For other readers the two would be one.
    let error = f.load("raw.t", &with("channel", &with("ID", &b)), commit(("d", 1))).await.unwrap_err();
    assert!(error.to_string().contains("two columns called"), "{error}");
    assert_eq!(f.rows("select count(*) from raw.t").await, ["3"]);
}

#[tokio::test]
async fn an_unfinished_part_leaves_nothing() {
    let f = fixture();
    let batch = raw_batch("a.csv", &[("x", 1)]);
    let load = f.warehouse.begin_load(&name("raw.t"), batch.schema()).await.unwrap();
    let mut writer = load.part().unwrap();
    for _ in 0..20_000 {
        writer.write(&batch).unwrap();
    }
    assert!(writer.bytes() > 0);
    drop(writer);
    assert_eq!(f.files("raw.t"), 0);
    // A finished part that is never committed is swept, once it is old enough; committed ones never are.
    let _ = part(&load, &batch);
    f.load("raw.t", &batch, commit(("a", 1))).await.unwrap();
    assert_eq!(f.warehouse.sweep(std::time::Duration::from_secs(3600)).unwrap().files, 0);
    assert_eq!(f.warehouse.sweep(std::time::Duration::ZERO).unwrap().files, 1);
    assert_eq!(f.rows("select count(*) from raw.t").await, ["1"]);
}
