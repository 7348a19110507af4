//! Distinct counts by group against the engine's own, which groups twice.

use proptest::prelude::*;

use crate::support::{Fixture, fixture};

async fn check(f: &Fixture, column: &str, from: &str) {
    let ours = format!("select g, count(distinct {column}) as n, count(*) as rows from {from} group by g order by g");
    let plan = f.rows(&format!("explain {ours}")).await.join("\n");
    assert!(plan.contains("count_distinct"), "{plan}");
    let plain = format!(
        "select g, count({column}) as n, sum(rows) as rows
         from (select g, {column}, count(*) as rows from {from} group by g, {column}) group by g order by g"
    );
    assert_eq!(f.rows(&ours).await, f.rows(&plain).await, "{column}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn counts_equal_the_engines(rows in prop::collection::vec((prop::option::of(0u8..4), prop::option::of(0u8..9)), 1..60)) {
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap().block_on(async {
            let f = fixture();
            let cell = |value: Option<u8>| value.map_or("null::bigint".into(), |value| format!("{value}::bigint"));
            let values: Vec<String> = rows.iter().map(|(g, v)| format!("({}, {})", cell(*g), cell(*v))).collect();
            f.table("m.t", &format!(
                "select column1 as g, 'a long text, number ' || column2::varchar as t, cast(column2 as decimal(9,2)) as d,
                 date '2025-01-01' + column2::int as day from (values {})", values.join(", ")
            )).await;
            for column in ["t", "d", "day"] {
                check(&f, column, "m.t").await;
            }
            let filtered = "count(distinct t) filter (where d > 3)";
            let plain = "count(distinct case when d > 3 then t end)";
            let by = |what: &str| format!("select g, {what} from m.t group by g order by g");
            assert_eq!(f.rows(&by(filtered)).await, f.rows(&by(plain)).await);
        });
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn counts_of_partitions_are_put_together() {
    let f = fixture();
    let rows = "select value % 50 as g, md5((value % 9000)::varchar) || value::varchar as pad, md5((value % 9000)::varchar) as t
                from generate_series(1, 150000)";
    f.table("m.t", rows).await;
    check(&f, "t", "m.t").await;
    // Nearly every row a group of its own: the engine then hands rows through uncounted.
    check(&f, "t", "(select pad as g, t from m.t)").await;
    assert_eq!(f.rows("select count(distinct t) from m.t").await, ["9000"]);
    assert_eq!(f.rows("select g, count(distinct t) as \"N\" from m.t where g = 7 group by g").await, ["7|180"]);
}
