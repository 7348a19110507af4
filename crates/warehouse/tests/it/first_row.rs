//! The deduplication rule against the plain window. `n in (1, 0)` is what the rule does not recognise.

use millstream_core::warehouse::Stage;
use proptest::prelude::*;

use crate::support::{Fixture, fixture, open_with_memory, query};

async fn uses_rule(f: &Fixture, sql: &str) -> bool {
    f.rows(&format!("explain {sql}")).await.join("\n").contains("FirstRowExec")
}

/// Both ways give the same rows, and only the first way uses the rule.
async fn check(f: &Fixture, columns: &str, key: &str, order: &str) {
    let window = format!("row_number() over (partition by {key} order by {order})");
    let rule = format!("select {columns} from m.t qualify {window} = 1");
    let plain = format!("select {columns} from (select *, {window} as n from m.t) where n in (1, 0)");
    assert!(uses_rule(f, &rule).await, "{rule}");
    assert!(!uses_rule(f, &plain).await, "{plain}");
    let (mut ours, mut theirs) = (f.rows(&rule).await, f.rows(&plain).await);
    ours.sort();
    theirs.sort();
    assert_eq!(ours, theirs, "{rule}");
}

fn cell<T: std::fmt::Display>(value: &Option<T>, of: &str) -> String {
    value.as_ref().map_or(format!("null::{of}"), |value| format!("'{value}'::{of}"))
}

type Row = (Option<u8>, Option<i8>, Option<i8>);

async fn fill(f: &Fixture, files: &[Vec<Row>]) {
    f.table("m.t", "select null::varchar as k, null::bigint as j, null::bigint as o, 0::bigint as id where false")
        .await;
    let mut id = 0;
    for rows in files.iter().filter(|rows| !rows.is_empty()) {
        let values: Vec<String> = rows
            .iter()
            .map(|(k, j, o)| {
                id += 1;
                let k = k.map(|k| format!("a longer key, beyond twelve bytes: {k}"));
                format!("({}, {}, {}, {id}::bigint)", cell(&k, "varchar"), cell(j, "bigint"), cell(o, "bigint"))
            })
            .collect();
        let sql = format!(
            "select column1 as k, column2 as j, column3 as o, column4 as id from (values {})",
            values.join(", ")
        );
        f.build("m.t", Stage::Append { sql }).await;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn it_equals_the_window_on_random_rows(
        files in prop::collection::vec(
            prop::collection::vec((prop::option::weighted(0.9, 0u8..20), prop::option::of(-2i8..2), prop::option::of(-3i8..3)), 0..30),
            1..4,
        )
    ) {
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap().block_on(async {
            let f = fixture();
            fill(&f, &files).await;
            // Nulls in keys; ties ended by the unique id; several keys and orders, both directions, nulls both ways.
            check(&f, "k, j, o, id", "k", "o, id").await;
            check(&f, "k, id", "k, j", "o desc nulls last, id desc").await;
            check(&f, "j, o, k", "j", "o desc, k nulls first, id").await;
            check(&f, "id", "coalesce(k, 'none'), o", "id desc").await;
        });
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_equals_the_window_over_many_rows_and_partitions() {
    let f = fixture();
    let rows = |from: u64, to: u64, modulus: u64| {
        format!(
            "select md5((value % {modulus})::varchar) || '-' || (value % {modulus})::varchar as k, value % 7 as o, value as id,
             'text of row ' || value::varchar as t from generate_series({from}, {to})"
        )
    };
    f.table("m.t", &rows(1, 150_000, 1_000_000)).await;
    f.build("m.t", Stage::Append { sql: rows(140_001, 200_000, 1_000_000) }).await;
    assert!(
        f.rows("explain select k from m.t qualify row_number() over (partition by k order by id) = 1")
            .await
            .join("\n")
            .contains("FirstRow")
    );
    let deduplicated = "select count(*), sum(id), count(distinct k), min(t) from (select * from m.t where true qualify row_number() over (partition by k order by o desc, id desc) = 1)";
    assert_eq!(f.rows(deduplicated).await, ["200000|20000100000|200000|text of row 1"]);
    // Every key many times: the latest row of each.
    f.table("m.t", &rows(1, 200_000, 1000)).await;
    check(&f, "k, o, id, t", "k", "o desc, id").await;
}

#[tokio::test]
async fn it_is_used_where_it_is_right_and_nowhere_else() {
    let f = fixture();
    f.table(
        "m.t",
        "select column1 as k, column2 as o, column1 * 1.5::double as d from (values (1, 2), (1, 3), (2, 4)) v",
    )
    .await;
    let n = "row_number() over (partition by k order by o)";
    for (sql, uses, rows) in [
        (format!("select k, o from m.t qualify {n} = 1"), true, vec!["1|2", "2|4"]),
        (format!("select k, o from (select *, {n} as rn from m.t) where rn = 1"), true, vec!["1|2", "2|4"]),
        (format!("select k, o, rn from (select *, {n} as rn from m.t) where 2 > rn and o > 2"), true, vec!["2|4|1"]),
        (
            format!(
                "select k, o from (select *, {n} as rn from (select * from m.t union all select * from m.t)) where rn <= 1"
            ),
            true,
            vec!["1|2", "2|4"],
        ),
        (format!("select k, o from m.t qualify {n} = 2"), false, vec!["1|3"]),
        (
            "select k, o from m.t qualify rank() over (partition by k order by 1) = 1".into(),
            false,
            vec!["1|2", "1|3", "2|4"],
        ),
        ("select k, o from m.t qualify row_number() over (order by o) = 1".into(), false, vec!["1|2"]),
        (
            "select d, o from m.t qualify row_number() over (partition by d order by o) = 1".into(),
            false,
            vec!["1.5|2", "3.0|4"],
        ),
        (
            format!(
                "select k, l from (select *, {n} as rn, lag(o) over (partition by k order by o desc) as l from m.t) where rn = 1"
            ),
            false,
            vec!["1|3", "2|null"],
        ),
    ] {
        assert_eq!(uses_rule(&f, &sql).await, uses, "{sql}");
        let mut found = f.rows(&sql).await;
        found.sort();
        assert_eq!(found, rows, "{sql}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_does_not_fit_in_memory_is_spilled() {
    let f = fixture();
    let rows = "select md5(value::varchar) || value::varchar as k, value as id, 'text of row ' || value::varchar as t
                from generate_series(1, 60000)";
    f.table("m.t", rows).await;
    f.build("m.t", Stage::Append { sql: rows.replace("value as id", "value + 1000000 as id") }).await;
    // Phase one takes about a megabyte, all first rows together over ten.
    let small = open_with_memory(f.folder.path(), 6 * 1024 * 1024);
    let latest = "select count(*), min(id), sum(id) from
                  (select * from m.t qualify row_number() over (partition by k order by id desc) = 1)";
    assert_eq!(query(&small, latest, &Default::default()).await.unwrap(), ["60000|1000001|61800030000"]);
    let tiny = open_with_memory(f.folder.path(), 64 * 1024);
    // A second attempt gets a few mebibytes, whatever the limit.
    assert_eq!(query(&tiny, latest, &Default::default()).await.unwrap(), ["60000|1000001|61800030000"]);
}
