//! What a refresh reads: files that hold nothing of what is touched are left alone. Such files are taken away here, so
//! that reading them would fail.

use std::fs;
use std::path::PathBuf;

use millstream_core::housekeeping::Upkeep;
use millstream_core::warehouse::{QueryOptions, RefreshMode, RefreshPath, RefreshReport, Stage, Warehouse};

use crate::support::{Fixture, fixture, name};

async fn refresh(f: &Fixture, sql: &str) -> RefreshReport {
    let stage = Stage::Refresh { sql: sql.into(), keys: vec![], mode: RefreshMode::Incremental };
    let staged = f.stage("m.t", stage).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    let report = staged.refreshed().unwrap().clone();
    staged.publish(serde_json::Map::new()).await.unwrap();
    report
}

fn data_files(f: &Fixture, table: &str) -> Vec<PathBuf> {
    let folder = f.folder.path().join(table.replace('.', "/"));
    let all = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    all.filter(|path| path.extension().is_some_and(|ending| ending == "parquet")).collect()
}

/// Takes the files away that a table had; they come back when it is dropped.
struct Away(Vec<(PathBuf, PathBuf)>);

impl Away {
    fn take(files: Vec<PathBuf>) -> Self {
        let moved = files.into_iter().map(|path| (path.with_extension("away"), path));
        let moved: Vec<_> = moved.inspect(|(away, path)| fs::rename(path, away).unwrap()).collect();
        Self(moved)
    }
}

impl Drop for Away {
    fn drop(&mut self) {
        for (away, path) in &self.0 {
            fs::rename(away, path).unwrap();
        }
    }
}

async fn facts() -> Fixture {
    let f = fixture();
    f.table("m.facts", "select * from (values (1, 'A', 10), (2, 'B', 20), (3, 'C', 30)) f(id, tx, amount)").await;
    f
}

const DEDUPE: &str = "select id, lower(tx) as tx, amount from m.facts \
     qualify row_number() over (partition by lower(tx) order by amount desc) = 1";

#[tokio::test]
async fn a_dedupe_reads_the_files_that_have_the_key() {
    let f = facts().await;
    refresh(&f, DEDUPE).await;
    f.run("insert into m.facts values (4, 'D', 40)").await;
    assert_eq!(refresh(&f, DEDUPE).await.path, RefreshPath::Keys);
    let old = [data_files(&f, "m.facts"), data_files(&f, "m.t")].concat();
    f.run("insert into m.facts values (5, 'E', 50)").await;
    let away = Away::take(old);
    let report = refresh(&f, DEDUPE).await;
    assert_eq!((report.path, report.touched), (RefreshPath::Keys, Some(1)));
    drop(away);
    assert_eq!(f.rows("select count(*), count(distinct tx) from m.t").await, ["5|5"]);
    // A key of an old file: it is read, and its row replaced.
    f.run("insert into m.facts values (6, 'b', 60)").await;
    refresh(&f, DEDUPE).await;
    assert_eq!(f.rows("select id from m.t where tx = 'b'").await, ["6"]);
}

const GROUPS: &str = "select g.tx, cast(g.total as bigint) as total, g.n, g.least, g.most, d.name \
     from (select tx, sum(amount) as total, count(*) as n, min(amount) as least, max(id) as most \
           from m.facts group by tx) g left join m.names d on g.tx = d.tx";

#[tokio::test]
async fn groups_that_gain_rows_are_added_up() {
    let f = facts().await;
    f.table("m.names", "select * from (values ('A', 'Ann'), ('A', 'Anna'), ('B', 'Bob')) n(tx, name)").await;
    refresh(&f, GROUPS).await;
    for _ in 0..2 {
        let old = data_files(&f, "m.facts");
        f.run("insert into m.facts values (7, 'A', 1), (9, 'Z', 5), (8, null, null)").await;
        let away = Away::take(old);
        let report = refresh(&f, GROUPS).await;
        assert_eq!((report.path, report.touched), (RefreshPath::Keys, Some(3)));
        assert!(report.reason.contains("added up"), "{}", report.reason);
        drop(away);
        let (mut found, mut expected) = (f.rows("select * from m.t").await, f.rows(GROUPS).await);
        found.sort();
        expected.sort();
        assert_eq!(found, expected);
    }
    f.run("delete from m.facts where id = 7").await;
    let report = refresh(&f, GROUPS).await;
    assert!(!report.reason.contains("added up"), "rows that went are no sum: {}", report.reason);
    assert_eq!(f.rows("select total from m.t where tx = 'A' group by total").await, ["10"]);
}

const DISTINCT: &str = "select lower(tx) as tx, count(distinct amount) as amounts, count(distinct id) as ids, count(*) as n \
     from m.facts where id > 0 group by lower(tx)";

#[tokio::test]
async fn distinct_counts_grow_by_what_is_new() {
    let f = facts().await;
    refresh(&f, DISTINCT).await;
    let mut known = Vec::new();
    for (values, expected) in [
        ("(7, 'A', 10), (8, 'a', 11), (9, 'a', 11), (10, 'z', null), (-1, 'a', 99)", "a|2|4|4"),
        ("(7, 'a', 12), (11, 'A', null), (12, null, 1), (13, null, 1)", "a|3|5|6"),
        ("(7, 'a', 99), (12, null, 1)", "a|4|5|7"),
    ] {
        known = data_files(&f, "m.facts");
        f.run(&format!("insert into m.facts values {values}")).await;
        let report = refresh(&f, DISTINCT).await;
        assert!(report.reason.contains("added up"), "{report:?}");
        let (mut found, mut wanted) = (f.rows("select * from m.t").await, f.rows(DISTINCT).await);
        found.sort();
        wanted.sort();
        assert_eq!(found, wanted);
        assert!(found.iter().any(|row| row == expected), "{found:?}");
    }
    // What was there before the last rows is known by its keys.
    let away = Away::take(known);
    f.run("insert into m.facts values (7, 'a', 13)").await;
    refresh(&f, DISTINCT).await;
    drop(away);
    assert_eq!(f.rows("select amounts, ids, n from m.t where tx = 'a'").await, ["5|5|8"]);
}

#[tokio::test]
async fn distinct_counts_know_old_rows_from_new_ones_that_were_put_together() {
    let f = facts().await;
    for id in 10..14 {
        f.run(&format!("insert into m.facts values ({id}, 'A', {id})")).await;
    }
    refresh(&f, DISTINCT).await;
    for id in 14..20 {
        f.run(&format!("insert into m.facts values ({id}, 'A', {id})")).await;
    }
    // Files of before and new ones become one.
    let done = f.warehouse.maintain(&name("m.facts"), &Upkeep::default()).await.unwrap().unwrap();
    assert_eq!(done.files_after, 1, "{done:?}");
    let report = refresh(&f, DISTINCT).await;
    assert!(report.reason.contains("added up"), "{report:?}");
    assert_eq!(f.rows("select amounts, ids, n from m.t where tx = 'a'").await, ["10|11|11"]);
}

#[tokio::test]
async fn totals_that_a_test_compares_are_kept_and_added_up() {
    let f = facts().await;
    f.table("m.totals", "select 3 as n, 60 as amount").await;
    let options = QueryOptions::default();
    let test = "select * from (select count(*) as n, sum(amount) as amount from m.facts) f \
                cross join m.totals t where f.n <> t.n or f.amount <> t.amount";
    let failing = async || f.warehouse.count_failing(test, &options).await.unwrap().rows;
    assert_eq!((failing().await, failing().await), (0, 0));
    f.run("insert into m.facts values (4, 'D', 40)").await;
    assert_eq!(failing().await, 1);
    let away = Away::take(data_files(&f, "m.facts"));
    f.run("insert into m.facts values (5, 'E', 50)").await;
    f.run("update m.totals set n = 5, amount = 150").await;
    assert_eq!(failing().await, 0, "three rows of before, one of the last time, and one");
    f.run("insert into m.facts values (6, 'F', 50)").await;
    assert_eq!(failing().await, 1);
    drop(away);
    f.run("delete from m.facts where id = 1").await;
    f.run("update m.totals set amount = 190").await;
    assert_eq!(failing().await, 0);
}

#[tokio::test]
async fn a_test_that_passed_looks_at_what_has_changed() {
    let f = facts().await;
    let options = QueryOptions::default();
    let unique = "select tx, count(*) as n from m.facts group by tx having count(*) > 1";
    let positive = "select * from m.facts where not (amount > 0)";
    for test in [unique, positive] {
        assert_eq!(f.warehouse.count_failing(test, &options).await.unwrap().rows, 0);
    }
    f.run("insert into m.facts values (4, 'D', 40)").await;
    for test in [unique, positive] {
        assert_eq!(f.warehouse.count_failing(test, &options).await.unwrap().rows, 0);
    }
    let away = Away::take(data_files(&f, "m.facts"));
    f.run("insert into m.facts values (5, 'E', -50), (6, 'F', 60)").await;
    assert_eq!(f.warehouse.count_failing(unique, &options).await.unwrap().rows, 0);
    assert_eq!(f.warehouse.count_failing(positive, &options).await.unwrap().rows, 1);
    drop(away);
    f.run("insert into m.facts values (7, 'B', 60), (8, 'B', 60), (9, 'F', 1)").await;
    assert_eq!(f.warehouse.count_failing(unique, &options).await.unwrap().rows, 2);
    assert_eq!(
        f.warehouse.count_failing(unique, &options).await.unwrap().rows,
        2,
        "a test that failed is asked as a whole"
    );
    assert_eq!(f.warehouse.count_failing(positive, &options).await.unwrap().rows, 1);
    f.run("delete from m.facts where id in (5, 7, 8, 9)").await;
    for test in [unique, positive] {
        assert_eq!(f.warehouse.count_failing(test, &options).await.unwrap().rows, 0);
    }
}
