//! Which command a statement is, and what it is refused with.

#![allow(clippy::unwrap_used, clippy::panic)]
use super::*;
use crate::parse_one;

fn of(sql: &str) -> Command {
    command(parse_one(sql).unwrap_or_else(|error| panic!("{sql}: {error}")))
        .unwrap_or_else(|error| panic!("{sql}: {error}"))
}

fn refusal(sql: &str) -> String {
    command(parse_one(sql).unwrap_or_else(|error| panic!("{sql}: {error}"))).unwrap_err().to_string()
}

fn columns(all: &[&str]) -> Vec<String> {
    all.iter().map(|&name| name.to_owned()).collect()
}

#[test]
fn tables_come_from_queries_and_from_columns() {
    let Command::CreateTable(it) = of("create or replace transient table S.T as (select 1 as a)") else { panic!() };
    assert_eq!((it.name.to_string().as_str(), it.or_replace, it.temporary), ("s.t", true, false));
    assert_eq!(it.query.to_string(), "(SELECT 1 AS a)");
    let Command::CreateTable(it) = of("create temporary table if not exists t (a int not null, \"B\" varchar(20))")
    else {
        panic!()
    };
    assert!(it.temporary && it.if_not_exists && it.note.is_some());
    assert_eq!(
        it.query.to_string(),
        "SELECT CAST(NULL AS INT) AS \"a\", CAST(NULL AS VARCHAR(20)) AS \"B\" WHERE false"
    );
    let Command::CreateTable(it) = of("create table t (a bigint) as select 1") else { panic!() };
    assert_eq!(
        it.query.to_string(),
        "SELECT CAST(\"__0\" AS BIGINT) AS \"a\" FROM (SELECT 1) AS \"__source\" (\"__0\")"
    );
    let Command::CreateView(it) = of("create or replace view v (x) as select a from t") else { panic!() };
    assert_eq!(it.sql, "select * from (SELECT a FROM t) as \"__source\" (\"x\")");
}

#[test]
fn changes_of_rows_become_queries_over_the_target() {
    let Command::Delete(it) = of("delete from s.t using u where u.id = s.t.id") else { panic!() };
    assert_eq!(
        it.rows.unwrap().to_string(),
        "SELECT \"__file\" AS \"__file\", \"__row\" AS \"__row\" FROM s.t, u WHERE u.id = s.t.id"
    );
    let Command::Delete(it) = of("delete from t") else { panic!() };
    assert!(it.rows.is_none());
    let Command::Update(it) = of("update t as x set b = x.b + u.n from u where x.id = u.id") else { panic!() };
    assert_eq!(it.assigned().collect::<Vec<_>>(), ["b"]);
    assert_eq!(
        it.rows(&columns(&["id", "b"])).unwrap().to_string(),
        "SELECT \"__file\" AS \"__file\", \"__row\" AS \"__row\", x.\"id\" AS \"id\", x.b + u.n AS \"b\" \
         FROM t AS x, u WHERE x.id = u.id"
    );
}

#[test]
fn merges_say_which_clause_applies_to_each_row() {
    let Command::Merge(it) = of("merge into s.t as d using u as s on d.id = s.id \
         when matched and s.gone then delete when matched then update set n = s.n \
         when not matched then insert (id, n) values (s.id, s.n) \
         when not matched by source then delete")
    else {
        panic!()
    };
    assert_eq!(
        it.clauses().collect::<Vec<_>>(),
        [MergeDoes::Delete, MergeDoes::Update, MergeDoes::Insert, MergeDoes::Delete]
    );
    assert!(it.has_not_in_source());
    assert_eq!(
        it.rows(&columns(&["id", "n"])).unwrap().to_string(),
        "SELECT \"__file\" AS \"__file\", \"__row\" AS \"__row\", CASE WHEN \"__row\" IS NOT NULL AND (s.gone) THEN 0 \
         WHEN \"__row\" IS NOT NULL THEN 1 WHEN \"__row\" IS NULL THEN 2 ELSE NULL END AS \"__clause\", \
         CASE WHEN \"__row\" IS NOT NULL AND (s.gone) THEN NULL WHEN \"__row\" IS NOT NULL THEN d.\"id\" \
         WHEN \"__row\" IS NULL THEN s.id ELSE NULL END AS \"id\", \
         CASE WHEN \"__row\" IS NOT NULL AND (s.gone) THEN NULL WHEN \"__row\" IS NOT NULL THEN s.n \
         WHEN \"__row\" IS NULL THEN s.n ELSE NULL END AS \"n\" FROM s.t AS d RIGHT JOIN u AS s ON d.id = s.id"
    );
    let unmatched = it.unmatched(&columns(&["id", "n"])).unwrap().to_string();
    assert!(unmatched.contains("CASE WHEN true THEN 3 ELSE NULL END AS \"__clause\""), "{unmatched}");
}

#[test]
fn statements_that_dbt_projects_emit_are_understood() {
    for sql in [
        "create schema if not exists analytics",
        "drop schema if exists analytics cascade",
        "drop table if exists a.b cascade",
        "drop view if exists \"a\".\"b\"",
        "alter table a.b rename to c",
        "alter view a.b rename to a.c",
        "alter table a.b add column if not exists x decimal(18,2)",
        "alter table a.b add column x int, drop column if exists y",
        "alter table a.b drop column y",
        "alter table a.b rename column x to y",
        "alter table a.b alter column x type bigint",
        "alter table a.b alter column x set data type varchar",
        "truncate table a.b",
        "truncate a.b",
        "insert into a.b (x, y) (select 1, 2)",
        "insert into a.b values (1, 2), (3, null)",
        "insert overwrite into a.b select 1",
        "with s as (select 1 as a) insert into t select * from s",
        "delete from a.b where x in (select x from c)",
        "begin",
        "begin transaction",
        "commit",
        "grant select on a.b to role reporter",
        "revoke select on table a.b from someone",
        "comment on table a.b is 'text'",
        "analyze a.b",
        "create index on a.b (x)",
        "create index if not exists i on a.b (x)",
        "select 1",
        "explain select 1",
    ] {
        of(sql);
    }
}

#[test]
fn what_would_change_the_meaning_is_refused_by_name() {
    for (sql, told) in [
        ("create table t (a int default 3)", "default 3"),
        ("create table t (a int check (a > 0))", "check"),
        ("insert into t values (1) on conflict do nothing", "on conflict"),
        ("delete from t where a = 1 returning a", "returning"),
        ("update t set a = 1, a = 2", "sets the column 'a' twice"),
        ("alter table t add column a int default 0", "default 0"),
        ("alter table t alter column a set not null", "set not null"),
        ("create unique index i on t (a)", "unique"),
        ("create materialized view v as select 1", "no materialized views"),
        ("create function f() returns int as 'select 1'", "create function"),
        ("use other", "'use' of a schema"),
        ("set search_path = a", "search_path"),
    ] {
        let told_by = refusal(sql);
        assert!(told_by.contains(told), "{sql}: {told_by}");
    }
}
