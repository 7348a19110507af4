//! Names and errors of queries.

use millstream_core::Kind;
use millstream_core::warehouse::QueryOptions;

use crate::support::fixture;

#[tokio::test]
async fn unqualified_names_mean_the_default_schema_then_the_only_one() {
    let f = fixture();
    f.table("a.t", "select 'a' as s").await;
    f.table("b.t", "select 'b' as s").await;
    f.table("b.only", "select 'only' as s").await;
    let default = |schema: &str| QueryOptions { default_schema: Some(schema.into()), ..QueryOptions::default() };
    assert_eq!(f.rows_with("select s from t", &default("b")).await.unwrap(), ["b"]);
    assert_eq!(f.rows_with("select s from only", &default("a")).await.unwrap(), ["only"]);
    assert_eq!(f.rows("select s from millstream.a.t").await, ["a"]);
    let error = f.error("select s from t").await.to_string();
    assert!(error.contains("ambiguous") && error.contains("a.t and b.t"), "{error}");
}

#[tokio::test]
async fn unknown_names_are_user_errors_with_a_guess_and_a_place() {
    let f = fixture();
    f.table("marts.fct_transactions", "select 1 as amount, 2 as user_id").await;
    let error = f.error("select * from marts.fct_transaction").await;
    assert_eq!((error.kind(), error.fix()), (Kind::User, Some("did you mean 'marts.fct_transactions'?")));
    assert_eq!(f.error("select * from fct_transactons").await.fix(), Some("did you mean 'marts.fct_transactions'?"));
    let error = f.error("select user_id,\n  amont from fct_transactions").await;
    assert_eq!(error.fix(), Some("did you mean 'amount'?"));
    assert_eq!(error.place().map(ToString::to_string), Some("sql:2:3".into()), "{error}");
    assert_eq!(f.error("select nofunc(1)").await.kind(), Kind::User);
    assert_eq!(f.error("drop table marts.fct_transactions").await.kind(), Kind::Usage);
    assert_eq!(f.error("select 1 / 0").await.kind(), Kind::User);
    assert_eq!(f.error("select cast('x' as int)").await.kind(), Kind::User);
    assert_eq!(f.error("select * from otherdb.a.t").await.kind(), Kind::User);
}

#[tokio::test]
async fn names_cannot_leave_the_folder() {
    let f = fixture();
    for sql in ["select * from \"..\".\"x\"", "select * from \"a/b\".c", "select * from a.\".hidden\""] {
        assert_eq!(f.error(sql).await.kind(), Kind::User, "{sql}");
    }
}

#[tokio::test]
async fn the_warehouse_describes_itself() {
    let f = fixture();
    f.table("a.t", "select 1::int as i, 'x' as s, 1.5 as d").await;
    assert_eq!(f.rows("show tables").await, ["millstream|a|t|BASE TABLE"]);
    assert_eq!(f.rows("describe a.t").await, ["i|integer", "s|varchar", "d|decimal(2,1)"]);
    assert_eq!(
        f.rows("select column_name, data_type from information_schema.columns order by ordinal_position").await,
        ["i|integer", "s|varchar", "d|decimal(2,1)"]
    );
    let limits = "select coalesce(numeric_precision, -1), coalesce(numeric_scale, -1), character_maximum_length is null \
                  and column_default is null from information_schema.columns order by ordinal_position";
    assert_eq!(f.rows(limits).await, ["32|0|true", "-1|-1|true", "2|1|true"]);
    assert!(f.rows("explain select * from a.t").await.len() > 1);
}

#[tokio::test]
async fn decimals_stay_exact() {
    let f = fixture();
    f.table("a.t", "select cast(value as decimal(18,2)) + 0.01 as amount from generate_series(1, 1000)").await;
    assert_eq!(
        f.rows("select sum(amount), avg(amount), sum(amount * 0.1) from a.t").await,
        ["500510.00|500.510000|50051.000"]
    );
    assert_eq!(f.rows("select 0.1 + 0.2 = 0.3").await, ["true"]);
}

#[tokio::test]
async fn now_is_what_the_clock_says() {
    let f = fixture();
    assert_eq!(
        f.rows("select now() < timestamp '2025-06-15 16:00:00', current_date = date '2025-06-15'").await,
        ["true|true"]
    );
    f.table("m.t", "select current_timestamp as at").await;
    assert_eq!(f.rows("select date_trunc('day', at)::date from m.t").await, ["2025-06-15"]);
}
