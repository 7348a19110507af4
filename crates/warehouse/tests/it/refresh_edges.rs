//! Refreshes where a key is not what it seems, one by one: each went wrong once, or would have.

use millstream_core::warehouse::{
    Dialect, OnSchemaChange, QueryOptions, RefreshMode, RefreshPath, RefreshReport, Stage, Warehouse,
};

use crate::support::{Fixture, fixture, name};

/// Refreshes from changes, wherever that is possible, and compares with the query.
async fn refresh(f: &Fixture, sql: &str) -> RefreshReport {
    let staged = f.stage_from_changes("m.t", sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    let report = staged.refreshed().unwrap().clone();
    staged.publish(serde_json::Map::new()).await.unwrap();
    let (mut found, mut expected) = (f.rows("select * from m.t").await, f.rows(sql).await);
    found.sort();
    expected.sort();
    assert_eq!(found, expected, "{report:?}\n{sql}");
    report
}

/// The path of a refresh after each of some statements.
async fn paths(f: &Fixture, sql: &str, statements: &[&str]) -> Vec<RefreshPath> {
    let mut paths = Vec::new();
    refresh(f, sql).await;
    for statement in statements {
        f.run(statement).await;
        paths.push(refresh(f, sql).await.path);
    }
    paths
}

#[tokio::test]
async fn another_row_far_down_in_values_is_another_query() {
    let f = fixture();
    f.table("m.f", "select * from (values (1), (6)) f(k)").await;
    let with = |last: &str| {
        format!(
            "select f.k, m.n from m.f f join (values (1, 'a'), (2, 'b'), (3, 'c'), (4, 'd'), (5, 'e'), (6, '{last}')) m(k, n) \
             on f.k = m.k"
        )
    };
    refresh(&f, &with("f")).await;
    assert_eq!(refresh(&f, &with("f")).await.path, RefreshPath::Unchanged);
    let report = refresh(&f, &with("X")).await;
    assert_eq!(report.reason, "the query is not the one of the last refresh");
    let binary = |last: &str| format!("select k, X'00010203040506070809{last}' as b from m.f");
    refresh(&f, &binary("0A")).await;
    assert_eq!(refresh(&f, &binary("0B")).await.path, RefreshPath::Full);
}

#[tokio::test]
async fn a_column_in_two_equalities_of_a_join_leads_to_both() {
    let f = fixture();
    f.table("m.a", "select * from (values (1, 5), (2, 6)) a(x, w)").await;
    f.table("m.b", "select * from (values (1, 1, 5, 10), (2, 2, 6, 1)) b(y, z, v, q)").await;
    let sql = "select a.x, a.w, max(b.q) as q from m.a a join m.b b on a.x = b.y and a.x = b.z and a.w = b.v group by a.x, a.w";
    let ways = paths(&f, sql, &["update m.b set q = 20 where y = 1", "update m.b set v = 7 where y = 2"]).await;
    assert_eq!(ways, [RefreshPath::Keys, RefreshPath::Keys]);
}

#[tokio::test]
async fn groups_are_added_up_where_they_tell_the_whole_key() {
    let f = fixture();
    let orders = "select * from (values (1, 10)) o(user_id, amount)";
    let roles = "select * from (values (1, 'a'), (1, 'b')) r(user_id, role)";
    let sql = "select cast(o.user_id as bigint) as uid, r.role, o.n
        from (select user_id, count(*) as n from m.orders group by user_id) o left join m.roles r on r.user_id = o.user_id";
    for statement in [
        "update m.roles set role = 'c' where role = 'b'",
        "insert into m.roles values (1, 'c')",
        "delete from m.roles where role = 'a'",
        "insert into m.orders values (1, 20), (2, 1)",
    ] {
        f.table("m.orders", orders).await;
        f.table("m.roles", roles).await;
        paths(&f, sql, &[statement, "insert into m.orders values (1, 5)"]).await;
    }
    f.table("m.y", "select * from (values (1, null), (1, 'b')) y(k, s)").await;
    let sql = "select cast(x.k as bigint) as k, y.s from (select distinct user_id as k from m.orders) x
        left join m.y y on y.k = x.k";
    paths(&f, sql, &["delete from m.y where s = 'b'", "insert into m.y values (1, 'c')", "delete from m.y"]).await;
}

#[tokio::test]
async fn groups_by_floats_are_made_whole() {
    let f = fixture();
    f.table(
        "m.n",
        "select cast(column1 as double) as f, cast(column2 as bigint) as v from (values ('NaN', 1), ('5', 2), ('NaN', 3), ('-0.0', 4))",
    )
    .await;
    let sql = "select f, sum(v) as s from m.n group by f";
    let ways = paths(
        &f,
        sql,
        &["delete from m.n where v = 3", "insert into m.n values (0.0, 1)", "delete from m.n where v = 1"],
    );
    assert_eq!(ways.await, [RefreshPath::Full; 3]);
    let sql = "select f, v from m.n where v < 9 union all select f, v from m.n where v = 7";
    let ways = paths(
        &f,
        sql,
        &["insert into m.n values (-0.0, 7)", "insert into m.n values (0.0, 7)", "delete from m.n where v = 7"],
    );
    assert_eq!(ways.await, [RefreshPath::Append, RefreshPath::Append, RefreshPath::Keys]);
    // Floats beside other keys are no matter, and neither is a search for what is larger than all numbers.
    let sql = "select v, max(f) as f from m.n where f > 4 group by v";
    let ways = paths(&f, sql, &["insert into m.n values (5, 7)", "delete from m.n where v = 7"]);
    assert_eq!(ways.await, [RefreshPath::Keys; 2]);
}

#[tokio::test]
async fn instants_that_are_stored_as_one_are_one_key() {
    let f = fixture();
    f.table("m.i", "select * from (values ('2025-01-01T00:00:00.000000100'), ('2025-01-01T00:00:00.000000200')) i(ts)")
        .await;
    let sql = "select arrow_cast(ts, 'Timestamp(Nanosecond, None)') as at, count(*) as n from m.i group by 1";
    let stage = |sql: &str| Stage::Refresh { sql: sql.into(), keys: vec![], mode: RefreshMode::Incremental };
    f.build("m.t", stage(sql)).await;
    f.run("insert into m.i values ('2025-01-01T00:00:00.000000100')").await;
    f.build("m.t", stage(sql)).await;
    assert_eq!(f.rows("select n from m.t order by n").await, ["1", "2"]);
}

#[tokio::test]
async fn rows_of_which_no_column_is_read_are_counted() {
    let f = fixture();
    f.table("m.x", "select * from (values (1), (2)) x(k)").await;
    f.table("m.y", "select * from (values (1), (2), (3), (4)) y(k)").await;
    let sql = "select x.k, n.c from m.x x cross join (select count(*) as c from m.y) n";
    paths(&f, sql, &["delete from m.y where k < 3", "insert into m.y values (5), (6), (7)"]).await;
    let sql = "select k from m.x where exists (select 1 from m.y)";
    paths(&f, sql, &["delete from m.y where k < 6", "delete from m.y"]).await;
}

#[tokio::test]
async fn a_key_that_fails_for_rows_that_are_left_out_makes_the_table_whole() {
    let f = fixture();
    f.table("m.raw", "select * from (values ('1', 1), ('abc', 2), ('3', 3)) r(id, v)").await;
    let sql = "select cast(id as int) as id, max(v) as v from m.raw where id <> 'abc' group by 1";
    refresh(&f, sql).await;
    f.run("update m.raw set v = 5 where id = '1'").await;
    let report = refresh(&f, sql).await;
    if report.path == RefreshPath::Full {
        assert!(report.reason.starts_with("from what has changed it failed: "), "{}", report.reason);
    }
    // One that fails with the whole query too is told as such.
    f.run("insert into m.raw values ('x', 1)").await;
    let stage = Stage::Refresh { sql: sql.into(), keys: vec![], mode: RefreshMode::Incremental };
    let error = f.stage("m.t", stage).await.err().map(|error| error.to_string()).unwrap_or_default();
    assert!(error.contains("'x'"), "{error}");
}

#[tokio::test]
async fn duplicates_are_found_after_a_test_has_failed_and_passed() {
    let f = fixture();
    let test = "select id, count(*) as n from m.f where id is not null group by id having count(*) > 1";
    let failing = async || f.warehouse.count_failing(test, &QueryOptions::default()).await.unwrap().rows;
    f.table("m.f", "select * from (values (1), (1)) f(id)").await;
    assert_eq!(failing().await, 1);
    f.table("m.f", "select * from (values (1)) f(id)").await;
    assert_eq!(failing().await, 0);
    f.run("insert into m.f values (2)").await;
    assert_eq!(failing().await, 0);
    f.run("insert into m.f values (2)").await;
    assert_eq!(failing().await, 1);
}

#[tokio::test]
async fn a_sum_that_is_added_up_fails_where_the_whole_one_does() {
    let f = fixture();
    let options = QueryOptions { dialect: Dialect::Snowflake, ..QueryOptions::default() };
    f.table("m.big", "select * from (values (1, 9000000000000000000)) b(k, v)").await;
    let stage = || Stage::Refresh {
        sql: "select k, sum(v) as total from m.big group by k".into(),
        keys: vec![],
        mode: RefreshMode::Incremental,
    };
    let staged = f.warehouse.stage(&name("m.t"), stage(), OnSchemaChange::Ignore, &options).await.unwrap();
    staged.publish(serde_json::Map::new()).await.unwrap();
    f.run("insert into m.big values (1, 9000000000000000000)").await;
    let error = f.warehouse.stage(&name("m.t"), stage(), OnSchemaChange::Ignore, &options).await.err();
    let error = error.map(|error| error.to_string()).unwrap_or_default();
    assert!(error.contains("18000000000000000000"), "{error}");
}

#[tokio::test]
async fn a_spine_of_dates_changes_with_its_ends_only() {
    let f = fixture();
    f.table("m.f", "select * from (values (date '2025-06-01', 5), (date '2025-06-03', 7)) f(day, amount)").await;
    let until = |last: &str| {
        format!(
            "select cast(s.day as date) as day, coalesce(sum(f.amount), 0) as amount
             from generate_series(date '2025-06-01', date '{last}', '1 day') s(day)
             left join m.f f on f.day = cast(s.day as date) group by 1"
        )
    };
    refresh(&f, &until("2025-06-05")).await;
    assert_eq!(refresh(&f, &until("2025-06-05")).await.path, RefreshPath::Unchanged);
    f.run("insert into m.f values (date '2025-06-02', 1), (date '2025-07-01', 1)").await;
    let report = refresh(&f, &until("2025-06-05")).await;
    assert_eq!(report.path, RefreshPath::Keys, "{report:?}");
    let report = refresh(&f, &until("2025-06-06")).await;
    assert_eq!(report.reason, "the query is not the one of the last refresh");
    let numbers = "select n.value as n, count(f.day) as days from range(1, 9) n
        left join m.f f on f.amount = n.value group by 1";
    let ways = paths(&f, numbers, &["delete from m.f where amount = 7", "insert into m.f values (null, 3)"]).await;
    assert!(ways.iter().all(|way| *way != RefreshPath::Full), "{ways:?}");
}

#[tokio::test]
async fn a_spine_until_today_is_another_query_tomorrow() {
    let f = fixture();
    f.table("m.f", "select * from (values (date '2025-06-01', 5)) f(day, amount)").await;
    let until = |last: &str| {
        format!(
            "select cast(s.day as date) as day, count(f.day) as n from generate_series(date '2025-06-01', {last}, '1 day') s(day)
             left join m.f f on f.day = cast(s.day as date) group by 1"
        )
    };
    for (last, is_momentary) in
        [("date '2025-06-09'", false), ("current_date", true), ("current_date + interval '7 days'", true)]
    {
        refresh(&f, &until(last)).await;
        f.run("insert into m.f values (date '2025-06-02', 1)").await;
        let report = refresh(&f, &until(last)).await;
        assert_eq!((report.path, report.is_momentary), (RefreshPath::Keys, is_momentary), "{last}: {report:?}");
        // A test that found nothing today may find something tomorrow, in the same rows.
        let missing = format!("select day from ({}) t where n < 0", until(last));
        let failing = f.warehouse.count_failing(&missing, &QueryOptions::default()).await.unwrap();
        assert_eq!((failing.rows, failing.is_steady), (0, !is_momentary), "{last}");
    }
}
