//! Which queries have a common form, and which changes leave such a test's answer as it was.

use millstream_core::warehouse::{OnSchemaChange, QueryOptions, Stage, Warehouse};

use super::*;
use crate::refresh::failing::seen;
use crate::refresh::normal::{nested, normalized};
use crate::{EmbeddedOptions, EmbeddedWarehouse};

struct Site {
    warehouse: EmbeddedWarehouse,
    _folder: tempfile::TempDir,
}

/// Facts, of which two refer to one of three users, and a view of them.
async fn site() -> Site {
    let folder = tempfile::tempdir().unwrap();
    let options = EmbeddedOptions { memory_limit_bytes: 64 << 20, threads: 1, ..EmbeddedOptions::default() };
    let warehouse = EmbeddedWarehouse::open(folder.path(), options).unwrap();
    let site = Site { warehouse, _folder: folder };
    site.run(
        "create table m.f as select * from (values (1, 'a', 10, 5), (2, 'b', 10, 7)) t(id, kind, user_id, amount)",
    )
    .await;
    site.run("create table m.u as select * from (values (10, 'Ann'), (11, 'Bob'), (12, 'Cy')) t(id, name)").await;
    site.run("create view m.v as select * from m.f").await;
    site
}

impl Site {
    async fn run(&self, sql: &str) {
        self.warehouse.execute(sql, &QueryOptions::default()).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    }

    fn inner(&self) -> &Inner {
        &self.warehouse.inner
    }

    /// The test that a query is, and what it reads.
    fn test(&self, sql: &str) -> (Option<DirectTest>, Tables) {
        let (inner, options) = (self.inner(), QueryOptions::default());
        let planned = inner.engine.plan(&inner.catalog, sql, &options).unwrap_or_else(|error| panic!("{sql}: {error}"));
        let tables = seen(&planned.plan).unwrap().unwrap().tables;
        let plan = normalized(planned.plan, inner.engine.planning_state()).unwrap();
        let is_nested = nested(&plan).unwrap().is_some();
        let test = if is_nested { None } else { DirectTest::of(inner, &plan, sql, &options).unwrap() };
        (test, tables)
    }

    fn form(&self, sql: &str) -> &'static str {
        match self.test(sql).0 {
            Some(DirectTest(Form::Rows(_))) => "rows",
            Some(DirectTest(Form::Unique(_))) => "unique",
            Some(DirectTest(Form::Reference(_))) => "reference",
            None => "none",
        }
    }

    /// Whether the answer to a query, which was empty, is known to be so after a change.
    async fn stays_clean(&self, sql: &str, change: &str) -> bool {
        let (test, before) = self.test(sql);
        self.run(change).await;
        test.unwrap().clean(self.inner(), &before, &QueryOptions::default()).await.unwrap().is_some()
    }
}

const UNIQUE: &str = "select id, count(*) as n from m.f where id is not null group by id having count(*) > 1";
const NOT_NULL: &str = "select * from m.f where amount is null";
const REFERS: &str = "with child as (select user_id as one from m.f where user_id is not null), \
    parent as (select id as other from m.u) \
    select one from child left join parent on one = other where other is null";

#[tokio::test]
async fn only_what_asks_rows_of_tables_for_themselves_has_a_form() {
    let site = site().await;
    let by_kind = "with all_values as (select kind as value_field, count(*) as n from m.f group by kind)";
    for (form, sql) in [
        ("rows", NOT_NULL),
        ("rows", "select 1 as one from (select id, amount * 2 as twice from m.f) where not (twice > 0)"),
        ("rows", &format!("{by_kind} select * from all_values where value_field not in ('a', 'b')")),
        ("none", &format!("{by_kind} select * from all_values where n > 5")),
        ("none", "select * from m.f"),
        ("none", "select * from (select * from m.f limit 1) where amount is null"),
        ("none", "select count(*) from m.f where amount is null"),
        ("none", "select * from m.v where amount is null"),
        ("none", "select id from m.f where id is null union all select id from m.u where id is null"),
        ("unique", UNIQUE),
        ("unique", "select kind, user_id from m.f group by 1, 2 having count(*) > 1"),
        ("none", "select id from m.f group by id having count(*) > 2"),
        ("none", "select id from m.f group by id having count(amount) > 1"),
        ("none", "select id from m.f group by id having count(distinct amount) > 1"),
        ("none", "select id from m.f group by id having count(*) filter (where amount > 0) > 1"),
        ("none", "select id from m.f group by id having sum(amount) > 1"),
        ("none", "select id from m.f group by id having count(*) > 1 and min(amount) > 3"),
        ("none", "select id from m.v group by id having count(*) > 1"),
        ("reference", REFERS),
        ("reference", "select * from m.f where not exists (select 1 from m.u where u.id = f.user_id)"),
        ("none", "select * from m.f where user_id not in (select id from m.u)"),
        ("none", "select 1 from m.f left join m.u on f.user_id = u.id where u.name is null"),
        ("none", "select 1 from m.f left join m.u on f.user_id = u.id and u.name <> 'x' where u.id is null"),
        ("none", "select a.* from m.f a left join m.f b on a.user_id = b.id where b.id is null"),
        ("none", "select 1 from m.f join m.u on f.user_id = u.id where f.amount is null"),
    ] {
        assert_eq!(site.form(sql), form, "{sql}");
    }
}

#[tokio::test]
async fn rows_that_came_tell_whether_one_fails() {
    let site = site().await;
    assert!(site.stays_clean(NOT_NULL, "insert into m.f values (3, 'a', 11, 1)").await);
    assert!(site.stays_clean(NOT_NULL, "update m.f set amount = 2 where id = 3").await);
    assert!(site.stays_clean(NOT_NULL, "delete from m.f where id = 3").await);
    assert!(!site.stays_clean(NOT_NULL, "insert into m.f values (3, 'a', 11, null)").await);
}

#[tokio::test]
async fn a_key_is_looked_for_among_those_that_came_and_those_that_were_there() {
    let site = site().await;
    assert!(site.stays_clean(UNIQUE, "insert into m.f values (3, 'a', 11, 1), (4, 'a', 11, 1)").await);
    assert!(site.stays_clean(UNIQUE, "insert into m.f values (null, 'a', 11, 1), (null, 'a', 11, 1)").await);
    assert!(!site.stays_clean(UNIQUE, "insert into m.f values (2, 'a', 11, 1)").await, "it was there");
    site.run("delete from m.f where kind = 'a' and id = 2").await;
    assert!(
        !site.stays_clean(UNIQUE, "insert into m.f values (5, 'a', 11, 1), (5, 'b', 11, 1)").await,
        "it came twice"
    );
}

#[tokio::test]
async fn a_reference_is_lost_by_a_new_row_or_by_what_it_refers_to() {
    let site = site().await;
    assert!(site.stays_clean(REFERS, "insert into m.f values (3, 'a', 11, 1)").await);
    assert!(site.stays_clean(REFERS, "insert into m.f values (4, 'a', null, 1)").await, "null refers to nothing");
    assert!(site.stays_clean(REFERS, "insert into m.u values (13, 'Di')").await);
    assert!(site.stays_clean(REFERS, "update m.u set name = 'Anna' where id = 10").await, "the key is still there");
    assert!(!site.stays_clean(REFERS, "insert into m.f values (5, 'a', 99, 1)").await);
    site.run("delete from m.f where id = 5").await;
    assert!(!site.stays_clean(REFERS, "delete from m.u where id = 10").await);
}

#[tokio::test]
async fn another_relation_in_a_tables_place_is_asked_as_a_whole() {
    let site = site().await;
    let (test, before) = site.test(NOT_NULL);
    let test = test.unwrap();
    let clean = async || test.clean(site.inner(), &before, &QueryOptions::default()).await.unwrap().is_some();
    assert!(clean().await, "nothing has changed");
    let past = QueryOptions { as_of: millstream_core::warehouse::AsOf::Version(0), ..QueryOptions::default() };
    assert!(test.clean(site.inner(), &before, &past).await.unwrap().is_none());
    let view = Stage::View { sql: "select * from m.u".into() };
    let name = TableName::new("m", "f");
    let options = QueryOptions::default();
    let staged = site.warehouse.stage(&name, view, OnSchemaChange::default(), &options).await.unwrap();
    let with = QueryOptions { staged: vec![Arc::clone(&staged)], ..QueryOptions::default() };
    assert!(test.clean(site.inner(), &before, &with).await.unwrap().is_none(), "a staged view");
    staged.publish(serde_json::Map::new()).await.unwrap();
    assert!(!clean().await, "a view");
}
