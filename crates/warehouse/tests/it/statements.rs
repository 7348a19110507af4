//! Statements that change relations, one test for each kind.

use millstream_core::Kind;
use millstream_core::warehouse::{AsOf, Commit, Dialect, OnSchemaChange, QueryOptions, Stage, Warehouse};

use crate::support::{Fixture, fixture, name, raw_batch};

/// `m.t` with five rows in two files.
async fn filled() -> Fixture {
    let f = fixture();
    f.run("create table m.t (id bigint, v varchar)").await;
    f.run("insert into m.t values (1, 'a'), (2, 'b'), (3, 'c')").await;
    f.run("insert into m.t values (4, 'd'), (5, null)").await;
    assert_eq!(f.files("m.t"), 2);
    f
}

#[tokio::test]
async fn tables_are_made_replaced_and_left_alone() {
    let f = fixture();
    assert_eq!(f.run("create table t as select 1 as a, 'x' as b").await, ["CREATE TABLE 1"]);
    assert_eq!(f.rows("select * from m.t").await, ["1|x"]);
    assert!(f.refused("create table m.t (a int)").await.contains("exists already"));
    f.run("create table if not exists m.t (z int)").await;
    assert_eq!(f.rows("select * from m.t").await, ["1|x"]);
    f.run("create or replace transient table m.t as (with q as (select 2 as a) select * from q)").await;
    assert_eq!(f.rows("select * from m.t").await, ["2"]);
    // The past stays.
    let past = QueryOptions { as_of: AsOf::Version(0), ..QueryOptions::default() };
    assert_eq!(f.rows_with("select * from m.t", &past).await.unwrap(), ["1|x"]);
    f.run("create table m.typed (a decimal(10,2), b varchar(5), c timestamp, d date)").await;
    assert_eq!(f.rows("describe m.typed").await, ["a|decimal(10,2)", "b|varchar", "c|timestamp", "d|date"]);
    f.run("create table m.cast_to (n bigint, s varchar) as select 1, 2").await;
    assert_eq!(f.rows("describe m.cast_to").await, ["n|bigint", "s|varchar"]);
    f.run("create table m.copy clone m.t; create table m.shape like m.t").await;
    assert_eq!(f.rows("select count(*) from m.copy").await, ["1"]);
    assert_eq!(f.rows("select count(*) from m.shape").await, ["0"]);
    // A failing query leaves nothing.
    let error = f.refused("create table m.bad as select cast('x' as int) as a from m.t").await;
    assert!(error.contains("converted") || error.contains("Cannot cast"), "{error}");
    assert!(f.warehouse.relation(&name("m.bad")).await.unwrap().is_none());
}

#[tokio::test]
async fn views_and_tables_do_not_take_each_others_place() {
    let f = filled().await;
    f.run("create view m.v as select id from m.t where id < 3").await;
    assert_eq!(f.rows("select count(*) from m.v").await, ["2"]);
    f.run("create or replace view m.v (renamed) as select id from m.t").await;
    assert_eq!(f.rows("select sum(renamed) from m.v").await, ["15"]);
    assert!(f.refused("create or replace view m.t as select 1 as a").await.contains("is a table, not a view"));
    assert!(f.refused("create or replace table m.v as select 1 as a").await.contains("is a view, not a table"));
    assert!(f.refused("drop table m.v").await.contains("is a view, not a table"));
    assert!(f.refused("drop view m.t").await.contains("is a table, not a view"));
    assert!(f.refused("delete from m.v").await.contains("is a view"));
    assert!(f.refused("create view m.w as select nothing from m.t").await.contains("nothing"));
    f.run("drop view m.v; drop view if exists m.v").await;
    f.run("drop table m.t cascade").await;
    assert!(f.refused("drop table m.t").await.contains("if exists"));
}

#[tokio::test]
async fn fractions_are_rounded_into_whole_numbers() {
    let f = fixture();
    f.run("create table m.t (id bigint, n int)").await;
    f.run("insert into m.t values (1.6, 1), (-2.5, 2)").await;
    f.run("insert into m.t select cast(2.5 as double), 3").await;
    f.run("update m.t set n = n * 1.5 where n = 1").await;
    assert_eq!(f.rows("select id, n from m.t order by id").await, ["-3|2", "2|2", "3|3"]);
}

#[tokio::test]
async fn columns_have_the_types_that_all_rows_need() {
    let f = fixture();
    for query in [
        "select 0 as p union all select 2.75",
        "select case when n = 1 then 0 else 2.75 end as p from (values (1), (2)) t(n)",
        "select coalesce(n, 2.75) as p from (values (0), (null)) t(n)",
    ] {
        f.run(&format!("create or replace table m.t as {query}")).await;
        assert_eq!(f.rows("select p from m.t order by p").await, ["0.00", "2.75"], "{query}");
        f.run(&format!("create or replace view m.v as {query}; create or replace table m.u as select p from m.v"))
            .await;
        assert_eq!(f.rows("select p from m.u order by p").await, ["0.00", "2.75"], "{query}");
        assert_eq!(f.rows("describe m.v").await, f.rows("describe m.t").await, "{query}");
        f.table("m.s", query).await;
        assert_eq!(f.rows("select p from m.s order by p").await, ["0.00", "2.75"], "{query}");
    }
}

#[tokio::test]
async fn schemas_come_and_go_whole() {
    let f = filled().await;
    f.run("create schema if not exists other; create schema if not exists other").await;
    assert!(f.refused("create schema other").await.contains("exists already"));
    f.run("create table other.x as select 1 as a").await;
    assert!(f.refused("drop schema other").await.contains("not empty"));
    f.run("drop schema other cascade").await;
    assert!(f.warehouse.relation(&name("other.x")).await.unwrap().is_none());
    assert!(f.refused("drop schema other").await.contains("no schema"));
    f.run("drop schema if exists other").await;
    // Nothing of it is left, and a new table of the name starts anew.
    f.run("create table other.x as select 2 as b").await;
    assert_eq!(f.rows("select * from other.x").await, ["2"]);
}

#[tokio::test]
async fn relations_are_renamed_within_and_between_schemas() {
    let f = filled().await;
    f.run("create view m.v as select id from m.t").await;
    f.run("alter table m.t rename to m.u").await;
    assert_eq!(f.rows("select count(*) from m.u").await, ["5"]);
    assert!(f.error("select * from m.t").await.to_string().contains("no table or view"));
    f.run("alter table u rename to elsewhere.u; alter view m.v rename to w").await;
    assert_eq!(f.rows("select count(*) from elsewhere.u").await, ["5"]);
    // The swap that dbt does: the cache must not take one for the other.
    f.run("create table m.a as select 'old' as x; create table m.a__new as select 'new' as x").await;
    f.run("alter table m.a rename to m.a__old; alter table m.a__new rename to m.a; drop table m.a__old").await;
    assert_eq!(f.rows("select x from m.a").await, ["new"]);
    f.run("create table m.b as select 1 as x").await;
    assert!(f.refused("alter table m.a rename to m.b").await.contains("exists already"));
    assert!(f.refused("alter table m.none rename to m.c").await.contains("no table or view"));
    f.run("alter table if exists m.none rename to m.c").await;
}

#[tokio::test]
async fn columns_are_added_dropped_renamed_and_retyped() {
    let f = filled().await;
    f.run("alter table m.t add column n decimal(10,2)").await;
    assert_eq!(f.files("m.t"), 2, "adding a column writes no rows");
    f.run("insert into m.t (id, n) values (6, 1.5)").await;
    assert_eq!(f.rows("select id, n from m.t where id > 4 order by id").await, ["5|null", "6|1.50"]);
    assert!(f.refused("alter table m.t add column N int").await.contains("already"));
    f.run("alter table m.t add column if not exists n int").await;
    f.run("alter table m.t rename column v to text").await;
    assert_eq!(f.rows("select text from m.t where id = 2").await, ["b"]);
    f.run("alter table m.t drop column text, add column again varchar").await;
    assert_eq!(f.rows("select * from m.t where id = 2").await, ["2|null|null"]);
    // A dropped column that comes back does not bring its values.
    f.run("alter table m.t add column text varchar").await;
    assert_eq!(f.rows("select count(text) from m.t").await, ["0"]);
    f.run("alter table m.t alter column id type varchar").await;
    assert_eq!(f.rows("select id from m.t order by id limit 1").await, ["1"]);
    f.run("alter table m.t alter column id set data type int").await;
    let error = f.refused("alter table m.t alter column n type int").await;
    assert!(error.contains("1 of its values"), "{error}");
    f.run("alter table m.t alter column n type decimal(20,4)").await;
    assert_eq!(f.rows("select n from m.t where id = 6").await, ["1.5000"]);
    assert!(f.refused("alter table m.t drop column nn").await.contains("did you mean 'n'"));
    f.run("alter table m.t drop column if exists nn; alter table if exists m.none drop column a").await;
    f.run("create table m.one (a int)").await;
    assert!(f.refused("alter table m.one drop column a").await.contains("only column"));
}

#[tokio::test]
async fn rows_are_inserted_by_position_and_by_name() {
    let f = filled().await;
    assert_eq!(f.run("insert into m.t (v, id) select 'x', 10 union all select 'y', 11").await, ["INSERT 2"]);
    assert_eq!(f.rows("select id, v from m.t where id >= 10 order by id").await, ["10|x", "11|y"]);
    f.run("with s as (select 12 as a, 'z' as b) insert into m.t select a, b from s").await;
    // The insert sees the table as it was.
    assert_eq!(f.run("insert into m.t select id + 100, v from m.t").await, ["INSERT 8"]);
    assert_eq!(f.rows("select count(*) from m.t").await, ["16"]);
    assert!(f.refused("insert into m.t values (1)").await.contains("1 values for 2 columns"));
    assert!(f.refused("insert into m.t (id, vv) values (1, 'x')").await.contains("did you mean 'v'"));
    assert!(f.refused("insert into m.t (id, id) values (1, 2)").await.contains("twice"));
    assert!(f.refused("insert into m.t values ('no number', 'x')").await.contains("convert"), "values must fit");
    assert_eq!(f.run("insert overwrite into m.t select 1, 'only'").await, ["INSERT 1"]);
    assert_eq!(f.rows("select * from m.t").await, ["1|only"]);
    assert_eq!(f.run("truncate table m.t").await, ["TRUNCATE 1"]);
    assert_eq!(f.rows("select count(*) from m.t").await, ["0"]);
    f.run("truncate table if exists m.none").await;
}

#[tokio::test]
async fn delete_rewrites_only_files_that_hold_a_deleted_row() {
    let f = filled().await;
    assert_eq!(f.run("delete from m.t where id = 2").await, ["DELETE 1"]);
    assert_eq!(f.files("m.t"), 3, "one of two files was written anew");
    assert_eq!(f.rows("select id from m.t order by id").await, ["1", "3", "4", "5"]);
    // A condition that is null deletes nothing.
    assert_eq!(f.run("delete from m.t where v <> 'a' and v <> 'zz'").await, ["DELETE 2"]);
    assert_eq!(f.rows("select id from m.t order by id").await, ["1", "5"]);
    assert_eq!(f.run("delete from m.t where id = 99").await, ["DELETE 0"]);
    let version = f.warehouse.table_state(&name("m.t")).await.unwrap().unwrap().version;
    f.run("delete from m.t where false").await;
    assert_eq!(f.warehouse.table_state(&name("m.t")).await.unwrap().unwrap().version, version, "nothing to commit");
    assert_eq!(f.warehouse.history(&name("m.t"), 1).await.unwrap()[0].operation, "DELETE");
    assert_eq!(f.run("delete from m.t").await, ["DELETE 2"]);
}

#[tokio::test]
async fn delete_with_subqueries_and_partners() {
    let f = filled().await;
    f.run("create table m.gone as select 1 as id union all select 1 union all select 4").await;
    assert_eq!(f.run("delete from m.t using m.gone where m.gone.id = m.t.id").await, ["DELETE 2"]);
    assert_eq!(f.rows("select id from m.t order by id").await, ["2", "3", "5"]);
    // Inside, the table is whole.
    assert_eq!(f.run("delete from m.t where id = (select max(id) from m.t)").await, ["DELETE 1"]);
    assert_eq!(f.run("delete from t as x where x.id in (select y.id from t as y where y.v = 'b')").await, ["DELETE 1"]);
    // `not in` a list with null is never true.
    f.run("create table m.nulls as select cast(null as bigint) as id").await;
    assert_eq!(f.run("delete from m.t where id not in (select id from m.nulls)").await, ["DELETE 0"]);
    assert_eq!(
        f.run("delete from m.t where not exists (select 1 from m.nulls n where n.id = t.id)").await,
        ["DELETE 1"]
    );
}

#[tokio::test]
async fn update_sets_columns_from_the_row_and_its_partner() {
    let f = filled().await;
    assert_eq!(f.run("update m.t set v = v || '!', id = id * 10 where id <= 2").await, ["UPDATE 2"]);
    assert_eq!(f.rows("select * from m.t order by id").await, ["3|c", "4|d", "5|null", "10|a!", "20|b!"]);
    f.run("create table m.new as select 3 as id, 'new' as v union all select 77, 'none'").await;
    assert_eq!(f.run("update m.t as t set v = n.v from m.new as n where n.id = t.id").await, ["UPDATE 1"]);
    assert_eq!(f.rows("select v from m.t where id = 3").await, ["new"]);
    f.run("insert into m.new values (3, 'again')").await;
    let error = f.refused("update m.t set v = n.v from m.new as n where n.id = m.t.id").await;
    assert!(error.contains("several new values for one row"), "{error}");
    assert_eq!(f.rows("select v from m.t where id = 3").await, ["new"]);
    assert!(f.refused("update m.t set vv = 1").await.contains("did you mean 'v'"));
    assert_eq!(f.run("update m.t set v = null").await, ["UPDATE 5"]);
    assert_eq!(f.rows("select count(v), count(*) from m.t").await, ["0|5"]);
}

#[tokio::test]
async fn merge_updates_deletes_and_inserts_by_the_first_clause_that_applies() {
    let f = filled().await;
    f.run("create table m.s as select * from (values (1, 'one', false), (2, 'two', true), (9, 'nine', false)) as x(id, v, gone)").await;
    let done = f
        .run(
            "merge into m.t as d using (select * from m.s) as s on d.id = s.id \
              when matched and s.gone then delete \
              when matched then update set v = s.v \
              when not matched and s.id > 100 then insert (id) values (0) \
              when not matched then insert (id, v) values (s.id, upper(s.v)) \
              when not matched by source and d.v is null then delete \
              when not matched by source then update set v = d.v || '?'",
        )
        .await;
    assert_eq!(done, ["MERGE 6"]);
    assert_eq!(f.rows("select * from m.t order by id").await, ["1|one", "3|c?", "4|d?", "9|NINE"]);
}

#[tokio::test]
async fn merge_without_a_key_and_on_nothing() {
    let f = filled().await;
    // As insert_overwrite does it in warehouses: nothing matches, all that is not in the source goes.
    let done = f
        .run(
            "merge into m.t using (select 7 as id, 'g' as v) as s on false \
              when not matched by source and m.t.id > 1 then delete \
              when not matched then insert (id, v) values (id, v)",
        )
        .await;
    assert_eq!(done, ["MERGE 5"]);
    assert_eq!(f.rows("select id from m.t order by id").await, ["1", "7"]);
    // An empty table, and a source without rows.
    f.run("truncate m.t").await;
    let insert = "merge into m.t using m.s as s on m.t.id = s.id when not matched then insert values (s.id, s.v)";
    f.run("create table m.s as select 1 as id, 'x' as v").await;
    assert_eq!(f.run(insert).await, ["MERGE 1"]);
    f.run("delete from m.s").await;
    assert_eq!(f.run(insert).await, ["MERGE 0"]);
}

#[tokio::test]
async fn a_merge_that_would_change_a_row_twice_changes_nothing() {
    let f = filled().await;
    f.run("create table m.s as select 1 as id, 'x' as v union all select 1, 'y' union all select 50, 'z' union all select 50, 'z'").await;
    let update = "merge into m.t as d using m.s as s on d.id = s.id when matched then update set v = s.v \
                  when not matched then insert (id, v) values (s.id, s.v)";
    assert!(f.refused(update).await.contains("twice"));
    assert_eq!(f.rows("select v from m.t order by id limit 1").await, ["a"]);
    assert_eq!(f.files("m.t"), 2, "what was written is removed");
    // Where only one of the two applies, there is nothing to decide; and two rows may be inserted alike.
    assert_eq!(f.run(&update.replace("when matched then", "when matched and s.v = 'y' then")).await, ["MERGE 3"]);
    assert_eq!(f.rows("select v from m.t where id = 1").await, ["y"]);
    assert_eq!(f.rows("select count(*) from m.t where id = 50").await, ["2"]);
}

#[tokio::test]
async fn a_text_of_several_statements_stops_at_the_first_failure() {
    let f = filled().await;
    let error = f.refused("delete from m.t where id = 1; delete from m.none; delete from m.t").await;
    assert!(error.contains("statement 2 of 3 failed"), "{error}");
    assert_eq!(f.rows("select count(*) from m.t").await, ["4"]);
    // What cannot be understood whole changes nothing.
    assert!(f.refused("delete from m.t; create function f() returns int as 'x'").await.contains("create function"));
    assert_eq!(f.rows("select count(*) from m.t").await, ["4"]);
    assert_eq!(
        f.run("begin; insert into m.t values (8, 'h'); commit; select 1").await,
        ["BEGIN", "INSERT 1", "COMMIT", "SELECT"]
    );
    assert!(f.refused("begin; delete from m.t; rollback").await.contains("cannot take back"));
    assert_eq!(f.run("begin; rollback").await, ["BEGIN", "ROLLBACK"]);
    assert!(f.refused("-- nothing").await.contains("no SQL statement"));
}

#[tokio::test]
async fn names_without_a_schema_mean_the_default_schema_only() {
    let f = filled().await;
    f.run("create table other.x as select 1 as a").await;
    assert!(f.refused("delete from x").await.contains("m.x"));
    let without = f.warehouse.execute("drop table t", &QueryOptions::default()).await;
    assert!(without.err().unwrap().to_string().contains("write schema.t"));
    assert!(f.refused("drop table if exists other_db.m.t").await.contains("no database 'other_db'"));
    f.run("delete from millstream.m.t where id = 1").await;
    assert!(f.refused("drop table information_schema.tables").await.contains("describes the warehouse"));
}

#[tokio::test]
async fn the_default_schema_of_snowflake_is_a_name_without_quotes() {
    let f = filled().await;
    f.table("other.t", "select 7 as id").await;
    let options =
        QueryOptions { dialect: Dialect::Snowflake, default_schema: Some("M".into()), ..QueryOptions::default() };
    assert_eq!(f.rows_with("select count(*) from t", &options).await.unwrap(), ["5"]);
    for sql in [
        "update t set v = 'x' where t.id = 1",
        "delete from t using (select 2 as id) s where t.id = s.id",
        "merge into t using (select 3 as id) s on t.id = s.id when matched then delete",
        "create view w as select count(*) as n from t",
    ] {
        f.warehouse.execute(sql, &options).await.unwrap();
    }
    assert_eq!(f.rows("select id, v from m.t order by id").await, ["1|x", "4|d", "5|null"]);
    assert_eq!(f.rows("select n from m.w").await, ["3"]);
}

#[tokio::test]
async fn what_is_staged_cannot_be_changed() {
    let f = filled().await;
    let staged = f.stage("m.t", Stage::Replace { sql: "select 1 as id, 'x' as v".into() }).await.unwrap();
    let options = QueryOptions { staged: vec![staged], ..QueryOptions::default() };
    let error = f.warehouse.execute("delete from m.t", &options).await.err().unwrap();
    assert!(error.what().contains("before its new version is published"), "{error}");
}

#[tokio::test]
async fn temporary_tables_are_told_and_never_take_a_tables_place() {
    let f = filled().await;
    let make = |sql: &'static str| {
        let warehouse = f.warehouse.clone();
        async move { warehouse.execute(sql, &QueryOptions::default()).await }
    };
    let done = make("create temporary table m.x as select 1 as a").await.unwrap();
    assert!(done[0].is_temporary && done[0].relation == Some(name("m.x")));
    // One that a dead session has left is replaced.
    make("create temp table m.x as select 2 as a").await.unwrap();
    assert_eq!(f.rows("select * from m.x").await, ["2"]);
    let error = make("create or replace temporary table m.t as select 1 as a").await.err().unwrap();
    assert!(error.what().contains("no temporary table"), "{error}");
}

#[tokio::test]
async fn positions_of_loads_survive_changes_of_rows() {
    let f = fixture();
    let commit = Commit { positions: vec![("file:a#1".into(), 2)], ..Commit::default() };
    f.load("raw.r", &raw_batch("a", &[("1", 100), ("2", 200)]), commit).await.unwrap();
    f.run("delete from raw.r where id = '1'").await;
    let state = f.warehouse.table_state(&name("raw.r")).await.unwrap().unwrap();
    assert_eq!(state.positions["file:a#1"], 2);
    assert_eq!(f.rows("select amount from raw.r").await, ["2.00"]);
}

#[tokio::test]
async fn a_commit_of_another_writer_in_between_is_gone_on_from() {
    let f = filled().await;
    let one = f.warehouse.clone();
    let statements: Vec<_> = (0..8)
        .map(|n| {
            let warehouse = one.clone();
            tokio::spawn(async move {
                warehouse
                    .execute(&format!("insert into m.t values ({}, 'p')", 100 + n), &QueryOptions::default())
                    .await
                    .map(|_| ())
            })
        })
        .collect();
    for statement in statements {
        statement.await.unwrap().unwrap();
    }
    assert_eq!(f.rows("select count(*), count(distinct id) from m.t").await, ["13|13"]);
}

#[tokio::test]
async fn files_without_a_commit_are_nothing() {
    // A process that is killed between writing files and the commit leaves files that no version names.
    let f = filled().await;
    let staged = f
        .stage_with("m.t", Stage::Append { sql: "select 99 as id, 'x' as v".into() }, OnSchemaChange::Ignore)
        .await
        .unwrap();
    std::mem::forget(staged);
    assert_eq!(f.rows("select count(*) from m.t").await, ["5"]);
    assert_eq!(f.run("update m.t set v = 'u' where id = 4").await, ["UPDATE 1"]);
    assert_eq!(f.rows("select count(*) from m.t").await, ["5"]);
    f.warehouse.remove_leftovers().await.unwrap();
    assert_eq!(f.rows("select id, v from m.t order by id").await, ["1|a", "2|b", "3|c", "4|u", "5|null"]);
}

#[tokio::test]
async fn queries_still_only_read() {
    let f = filled().await;
    let error = f.error("delete from m.t").await;
    assert_eq!(error.kind(), Kind::Usage);
    assert!(f.error("with s as (select 1) delete from m.t").await.to_string().contains("delete"));
}
