//! What needs more memory than there is: done in another way, or an error that says so.

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::Int64Type;
use futures::TryStreamExt;
use millstream_core::warehouse::{OnSchemaChange, QueryOptions, RefreshMode, RefreshPath, Stage, Warehouse};
use millstream_core::{Kind, TableName};
use millstream_warehouse::EmbeddedWarehouse;

use crate::support::{Fixture, fixture, name, open_with_memory, query};

/// Less than either side of the join takes, and enough to sort both.
const SMALL_BYTES: usize = 96 * 1024 * 1024;

/// Not enough to sort anything.
const TINY_BYTES: usize = 64 * 1024;

/// Rows of each side.
const ROWS: usize = 400_000;

const JOINED: &str = "select a.id, a.t as one, b.t as other from m.a a join m.b b on a.k = b.k";

/// Two tables, as wide as a join's memory is small.
async fn two_sides() -> Fixture {
    let f = fixture();
    let wide = "repeat(md5(value::varchar), 6)";
    for (table, first) in [("m.a", 1), ("m.b", 1)] {
        let sql = format!(
            "select value as id, md5(value::varchar) as k, {wide} as t from generate_series({first}, {ROWS}) s(value)"
        );
        f.table(table, &sql).await;
    }
    f
}

async fn refresh(warehouse: &EmbeddedWarehouse, table: &TableName) -> (RefreshPath, bool) {
    let stage = Stage::Refresh { sql: JOINED.into(), keys: vec![vec!["id".into()]], mode: RefreshMode::Auto };
    let staged = warehouse.stage(table, stage, OnSchemaChange::Ignore, &QueryOptions::default()).await.unwrap();
    let report = staged.refreshed().unwrap().clone();
    staged.publish(serde_json::Map::new()).await.unwrap();
    (report.path, report.short_of_memory)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_join_that_memory_does_not_hold_is_sorted_and_spilled() {
    let f = two_sides().await;
    let small = open_with_memory(f.folder.path(), SMALL_BYTES);
    let table = name("m.joined");
    assert_eq!(refresh(&small, &table).await, (RefreshPath::Full, true), "the test must run short of memory");
    let sum = "select count(*), sum(id), min(one), max(other) from m.joined";
    let plain = format!("select count(*), sum(id), min(one), max(other) from ({JOINED})");
    let enough = f.rows(&plain).await;
    assert_eq!(f.rows(sum).await, enough);
    assert_eq!(query(&small, &plain, &QueryOptions::default()).await.unwrap(), enough);
    let failing = format!("select * from ({JOINED}) where one <> other");
    assert_eq!(small.count_failing(&failing, &QueryOptions::default()).await.unwrap().rows, 0);
    let merge = "merge into m.a using m.b on a.k = b.k when matched then update set id = -b.id, t = b.t";
    small.execute(merge, &QueryOptions::default()).await.unwrap();
    assert_eq!(f.rows("select max(id), count(distinct id) from m.a").await, [format!("-1|{ROWS}")]);
    f.run("update m.a set id = -id").await;
    let text = format!("select count(*) from ({JOINED})");
    let done = small.execute(&text, &QueryOptions::default()).await.unwrap().pop().unwrap();
    let batches: Vec<RecordBatch> = done.result.unwrap().stream.try_collect().await.unwrap();
    assert_eq!(batches[0].column(0).as_primitive::<Int64Type>().values(), &[ROWS as i64]);
    // Where it is enough, nothing is done twice.
    f.run("insert into m.a select id + 1000000, k, t from m.a where id <= 10").await;
    let large = open_with_memory(f.folder.path(), 512 * 1024 * 1024);
    assert!(!refresh(&large, &table).await.1);
    assert_eq!(f.rows("select count(*) from m.joined").await, [(ROWS + 10).to_string()]);
}

/// Compares what a warehouse with no memory gives with what one with enough does.
async fn same_without_memory(f: &Fixture, sql: &str) {
    let none = open_with_memory(f.folder.path(), 1);
    let mut found = query(&none, sql, &QueryOptions::default()).await.unwrap();
    let mut expected = f.rows(sql).await;
    found.sort();
    expected.sort();
    assert_eq!(found, expected, "{sql}");
}

#[tokio::test]
async fn a_join_over_a_join_does_not_take_its_rows_for_sorted() {
    let f = fixture();
    // The key is on the left twice: for each of the two, the rows of the right begin anew.
    f.table("m.a", "select * from (values (1, 'x'), (1, 'y'), (2, 'z')) a(k, s)").await;
    f.table("m.b", "select * from (values (1, 3), (1, 1), (1, 2), (2, 1)) b(k, g)").await;
    let joined = "select a.k, b.g, a.s from m.a a join m.b b on a.k = b.k";
    for kind in ["inner", "left", "right", "full"] {
        same_without_memory(
            &f,
            &format!("select j.*, b.g as g2 from ({joined}) j {kind} join m.b b on j.k = b.k and j.g = b.g"),
        )
        .await;
    }
    same_without_memory(&f, &format!("select k, g, count(*) over (partition by k, g), s from ({joined}) j")).await;
}

#[tokio::test]
async fn a_condition_of_an_outer_join_is_asked_of_rows_that_meet_none() {
    let f = fixture();
    f.table("m.a", "select * from (values (1, 1), (2, 9), (3, 1)) a(k, v)").await;
    f.table("m.b", "select * from (values (1), (1), (2)) b(k)").await;
    // A count is never null where it comes from.
    let counts = "select k, count(*) as n from m.b group by k";
    for kind in ["left", "right", "full"] {
        let sql = format!("select a.k, n from m.a a {kind} join ({counts}) c on a.k = c.k and a.v <= c.n");
        same_without_memory(&f, &sql).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_join_without_an_equality_gives_all_of_its_rows() {
    let f = fixture();
    f.table("m.a", "select value as k, value % 7 as v from generate_series(1, 40) s(value)").await;
    f.table("m.b", "select value as k, value % 5 as v, value % 9 as g from generate_series(1, 30) s(value)").await;
    f.table("m.gone", "select * from m.b where false").await;
    // Sides with rows, and without any in the ways in which there may be none; and with a join of their own.
    let none = "select * from m.b where k < 0";
    let nobody = "select * from m.b b where exists (select 1 from m.gone g where g.k = b.k)";
    let some = "select b.* from m.b b left join m.gone g on b.k = g.k where g.k is null and b.v > 1";
    let both = "select * from m.b union all select k + 100, v, g from m.b";
    let counts = "select v as k, count(*) as v, max(g) as g from m.b group by v";
    for other in ["select * from m.b", "select * from m.gone", none, nobody, some, both, counts] {
        for kind in ["inner", "left", "right", "full"] {
            let on = "on x.v between y.v and y.g";
            same_without_memory(&f, &format!("select x.k, x.v, y.k, y.g from m.a x {kind} join ({other}) y {on}"))
                .await;
        }
        for not in ["", "not"] {
            let within = format!("{not} exists (select 1 from ({other}) y where y.v > x.v and y.g < x.k)");
            same_without_memory(&f, &format!("select * from m.a x where {within}")).await;
            let within = format!("{not} exists (select 1 from m.a x where y.v > x.v and y.g < x.k)");
            same_without_memory(&f, &format!("select * from ({other}) y where {within}")).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_join_without_an_equality_that_memory_does_not_hold_is_an_error() {
    let f = two_sides().await;
    let tiny = open_with_memory(f.folder.path(), TINY_BYTES);
    for kind in ["inner", "left", "right", "full"] {
        let sql = format!("select count(*) from m.a a {kind} join m.b b on a.t < b.t and a.id > b.id + {ROWS}");
        let error = query(&tiny, &sql, &QueryOptions::default()).await.unwrap_err();
        assert!(error.is_short_of_memory(), "{kind}: {error}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_done_in_less_is_an_error_of_the_environment() {
    let f = two_sides().await;
    let tiny = open_with_memory(f.folder.path(), TINY_BYTES);
    let stage = Stage::Replace { sql: JOINED.into() };
    let failed = tiny.stage(&name("m.joined"), stage, OnSchemaChange::Ignore, &QueryOptions::default()).await;
    let error = failed.err().unwrap();
    assert!(error.is_short_of_memory(), "{error}");
    assert_eq!(error.kind(), Kind::Environment);
    assert!(error.fix().unwrap().contains("memory limit"), "{error}");
    assert_eq!(f.files("m.joined"), 0, "what was begun is gone");
}
