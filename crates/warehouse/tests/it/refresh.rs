//! The ways of a refresh, one by one.

use std::sync::Arc;

use millstream_core::warehouse::{
    OnSchemaChange, QueryOptions, RefreshMode, RefreshPath, RefreshReport, Stage, Staged, Warehouse,
};

use crate::support::{Fixture, fixture, name, open};

async fn staged(f: &Fixture, sql: &str, mode: RefreshMode) -> Arc<dyn Staged> {
    let stage = Stage::Refresh { sql: sql.into(), keys: vec![vec!["id".into()]], mode };
    f.stage("m.t", stage).await.unwrap_or_else(|error| panic!("{sql}: {error}"))
}

/// Refreshes from changes, whatever it costs, and compares with the query.
async fn refresh(f: &Fixture, sql: &str) -> RefreshReport {
    let staged = staged(f, sql, RefreshMode::Incremental).await;
    let report = staged.refreshed().unwrap().clone();
    staged.publish(serde_json::Map::new()).await.unwrap();
    let (mut found, mut expected) = (f.rows("select * from m.t").await, f.rows(sql).await);
    found.sort();
    expected.sort();
    assert_eq!(found, expected, "{report:?}");
    report
}

async fn tables() -> Fixture {
    let f = fixture();
    f.table("m.facts", "select * from (values (1, 'u1', 10), (2, 'u2', 20), (3, 'u1', 30)) f(id, user_id, amount)")
        .await;
    f.table("m.users", "select * from (values ('u1', 'Ann'), ('u2', 'Bob')) u(user_id, name)").await;
    f
}

#[tokio::test]
async fn new_rows_of_a_linear_query_are_added() {
    let f = tables().await;
    let sql = "select id, amount * 2 as twice from m.facts where amount > 5";
    let first = refresh(&f, sql).await;
    assert_eq!((first.path, first.reason.as_str()), (RefreshPath::Full, "there is no table yet"));
    f.run("insert into m.facts values (4, 'u3', 40), (5, 'u3', 1)").await;
    let files = f.files("m.t");
    let report = refresh(&f, sql).await;
    assert_eq!(report.path, RefreshPath::Append);
    assert_eq!(f.files("m.t"), files + 1);
    assert_eq!(refresh(&f, sql).await.path, RefreshPath::Unchanged);
    assert_eq!(f.warehouse.table_state(&name("m.t")).await.unwrap().unwrap().version, 1);
}

#[tokio::test]
async fn a_changed_dimension_updates_its_facts() {
    let f = tables().await;
    let sql = "select f.id, f.amount, u.name from m.facts f left join m.users u on f.user_id = u.user_id";
    refresh(&f, sql).await;
    f.run("insert into m.facts values (4, 'u2', 40)").await;
    assert_eq!(refresh(&f, sql).await.path, RefreshPath::Append);
    f.run("update m.users set name = 'Anna' where user_id = 'u1'").await;
    let report = refresh(&f, sql).await;
    assert_eq!((report.path, report.touched), (RefreshPath::Keys, Some(2)));
    assert_eq!(report.keys, ["id"]);
    // Rewritten with the same rows, it touches nothing.
    f.table("m.users", "select * from m.users").await;
    assert_eq!(refresh(&f, sql).await.path, RefreshPath::Unchanged);
}

#[tokio::test]
async fn touched_groups_are_computed_anew() {
    let f = tables().await;
    let sql = "select user_id, sum(amount) as total, count(distinct amount) as amounts from m.facts group by user_id";
    refresh(&f, sql).await;
    f.run("insert into m.facts values (4, 'u2', 40), (5, 'u9', 1)").await;
    let report = refresh(&f, sql).await;
    assert_eq!((report.path, report.touched, report.keys), (RefreshPath::Keys, Some(2), vec!["user_id".to_owned()]));
    f.run("delete from m.facts where user_id = 'u1'").await;
    assert_eq!(refresh(&f, sql).await.touched, Some(1));
}

#[tokio::test]
async fn what_stands_beside_an_aggregate_is_its_key() {
    let f = tables().await;
    for sql in [
        "select u.user_id, u.name, x.n from m.users u
            left join (select user_id, count(*) as n from m.facts group by user_id) x on x.user_id = u.user_id",
        "select u.user_id, u.name, (select max(f.amount) from m.facts f where f.user_id = u.user_id) as most from m.users u",
        "select amount, user_id, sum(amount) over (partition by lower(user_id)) as total from m.facts",
    ] {
        f.run("drop table if exists m.t").await;
        refresh(&f, sql).await;
        f.run("insert into m.facts values (4, 'u2', 40)").await;
        let report = refresh(&f, sql).await;
        assert_eq!(report.path, RefreshPath::Keys, "{sql}");
        assert_eq!(report.keys.len(), 2, "{report:?}");
        f.run("update m.users set name = 'Anna' where user_id = 'u1'; delete from m.facts where id = 3").await;
        assert_eq!(refresh(&f, sql).await.path, RefreshPath::Keys, "{sql}");
        f.run("insert into m.facts values (3, 'u1', 30); delete from m.facts where id = 4").await;
        f.run("update m.users set name = 'Ann' where user_id = 'u1'").await;
        refresh(&f, sql).await;
    }
}

#[tokio::test]
async fn duplicates_and_late_rows_go_through_a_dedupe() {
    let f = tables().await;
    let sql =
        "select id, user_id, amount from m.facts qualify row_number() over (partition by id order by amount desc) = 1";
    refresh(&f, sql).await;
    f.run("insert into m.facts values (2, 'u2', 25), (1, 'u1', 5), (9, 'u3', 90)").await;
    let report = refresh(&f, sql).await;
    assert_eq!((report.path, report.touched), (RefreshPath::Keys, Some(3)));
    assert_eq!(f.rows("select amount from m.t order by id").await, ["10", "25", "30", "90"]);
}

#[tokio::test]
async fn what_cannot_be_derived_is_made_whole_and_says_why() {
    let f = tables().await;
    for (sql, why) in [
        ("select id from m.facts order by amount limit 2", "limit"),
        ("select sum(amount) as id from m.facts", "aggregated"),
        ("select id, random() as r from m.facts", "random()"),
        ("select id, rank() over (order by amount) as r from m.facts", "partition by"),
        (
            "select sum(n) over (order by user_id) from (select user_id, count(*) as n from m.facts group by 1) g",
            "partition",
        ),
    ] {
        let stage = || Stage::Refresh { sql: sql.into(), keys: vec![], mode: RefreshMode::Incremental };
        // It is said before there is a table, and again when there is something to follow.
        let refused = f.stage("m.new", stage()).await.err().unwrap().to_string();
        assert!(refused.contains(why), "{sql}: {refused}");
        f.build("m.t", Stage::Refresh { sql: sql.into(), keys: vec![], mode: RefreshMode::Auto }).await;
        f.run("insert into m.facts values (7, 'u2', 25)").await;
        let refused = f.stage("m.t", stage()).await.err().unwrap().to_string();
        assert!(refused.contains(why), "{sql}: {refused}");
        let staged = staged(&f, sql, RefreshMode::Auto).await;
        let report = staged.refreshed().unwrap();
        assert!(report.path == RefreshPath::Full && report.reason.contains(why), "{report:?}");
    }
}

#[tokio::test]
async fn another_query_another_table_or_another_writer_makes_it_whole() {
    let f = tables().await;
    let sql = "select id, amount from m.facts";
    refresh(&f, sql).await;
    f.run("delete from m.t where id = 1").await;
    assert!(refresh(&f, sql).await.reason.contains("someone else has written"));
    assert!(refresh(&f, "select id, amount + 1 as amount from m.facts").await.reason.contains("not the one"));
    assert!(refresh(&f, "select id, cast(amount as varchar) as amount from m.facts").await.reason.contains("columns"));
    refresh(&f, sql).await;
    f.run("drop table m.facts").await;
    f.table("m.facts", "select 1 as id, 'u' as user_id, 1 as amount").await;
    assert!(refresh(&f, sql).await.reason.contains("made anew"));
}

#[tokio::test]
async fn a_refresh_that_was_not_published_is_made_again() {
    let f = tables().await;
    let sql = "select id, amount from m.facts";
    refresh(&f, sql).await;
    f.run("insert into m.facts values (4, 'u2', 40)").await;
    let lost = staged(&f, sql, RefreshMode::Incremental).await;
    assert_eq!(lost.rows_affected(), Some(1));
    drop(lost);
    assert_eq!(refresh(&f, sql).await.path, RefreshPath::Append);
    // What was consumed is read from the table: another process goes on from there.
    let other = open(f.folder.path());
    let stage = Stage::Refresh { sql: sql.into(), keys: vec![], mode: RefreshMode::Auto };
    let staged = other.stage(&name("m.t"), stage, OnSchemaChange::Ignore, &QueryOptions::default()).await.unwrap();
    assert_eq!(staged.refreshed().unwrap().path, RefreshPath::Unchanged);
}

#[tokio::test]
async fn explaining_changes_nothing() {
    let f = tables().await;
    let sql = "select user_id as id, sum(amount) as total from m.facts group by 1";
    refresh(&f, sql).await;
    f.run("insert into m.facts values (4, 'u2', 40)").await;
    let options = QueryOptions::default();
    let report = f.warehouse.explain_refresh(&name("m.t"), sql, &[], RefreshMode::Incremental, &options).await.unwrap();
    assert_eq!((report.path, report.touched), (RefreshPath::Keys, Some(1)));
    assert_eq!(report.sources[0].changed_rows, Some(1));
    assert_eq!(f.warehouse.table_state(&name("m.t")).await.unwrap().unwrap().version, 0);
}
