//! Stages: write, audit, publish.

use std::sync::Arc;

use millstream_core::Kind;
use millstream_core::warehouse::{AsOf, Dialect, OnSchemaChange, QueryOptions, RelationKind, Stage, Staged, Warehouse};

use crate::support::{fixture, name};

#[tokio::test]
async fn a_staged_table_is_seen_only_by_queries_that_are_given_it() {
    let f = fixture();
    f.table("m.t", "select 1 as a").await;
    let staged = f.stage("m.t", Stage::Replace { sql: "select 2 as a, 'x' as b".into() }).await.unwrap();
    assert_eq!(staged.rows_affected(), Some(1));
    assert_eq!(f.rows("select * from m.t").await, ["1"]);
    let with = QueryOptions { staged: vec![staged.clone()], ..QueryOptions::default() };
    assert_eq!(f.rows_with("select * from m.t", &with).await.unwrap(), ["2|x"]);
    let made = staged.publish(serde_json::Map::new()).await.unwrap();
    assert_eq!((made.version, made.rows_added, made.rows_removed), (1, 1, 1));
    assert_eq!(f.rows("select * from m.t").await, ["2|x"]);
    // Past versions keep their columns.
    let past = QueryOptions { as_of: AsOf::Version(0), ..QueryOptions::default() };
    assert_eq!(f.rows_with("select * from m.t", &past).await.unwrap(), ["1"]);
    let future = QueryOptions { as_of: AsOf::Version(9), ..QueryOptions::default() };
    assert!(f.rows_with("select * from m.t", &future).await.unwrap_err().to_string().contains("latest version is 1"));
}

#[tokio::test]
async fn as_of_time_gives_the_version_that_was_latest_then() {
    let f = fixture();
    for i in 0..3 {
        f.table("m.t", &format!("select {i} as a")).await;
    }
    let history = f.warehouse.history(&name("m.t"), 10).await.unwrap();
    assert_eq!(history.len(), 3);
    for commit in &history {
        let then = QueryOptions { as_of: AsOf::Time(commit.at), ..QueryOptions::default() };
        assert_eq!(f.rows_with("select * from m.t", &then).await.unwrap(), [commit.version.to_string()]);
    }
    let before = history[2].at - chrono::Duration::seconds(1);
    let error =
        f.rows_with("select * from m.t", &QueryOptions { as_of: AsOf::Time(before), ..Default::default() }).await;
    assert!(error.unwrap_err().to_string().contains("did not exist"));
}

#[tokio::test]
async fn a_discarded_or_dropped_stage_leaves_the_table_and_no_files() {
    let f = fixture();
    f.table("m.t", "select 1 as a").await;
    let staged = f.stage("m.t", Stage::Replace { sql: "select 2 as a".into() }).await.unwrap();
    assert_eq!(f.files("m.t"), 2);
    drop(staged);
    assert_eq!(f.files("m.t"), 1);
    let staged = f.stage("m.new", Stage::Replace { sql: "select 2 as a".into() }).await.unwrap();
    staged.discard().await.unwrap();
    assert!(staged.publish(serde_json::Map::new()).await.is_err());
    assert!(!f.folder.path().join("m/new").exists());
    assert_eq!(f.rows("select * from m.t").await, ["1"]);
    // A query that fails while it runs leaves nothing either.
    let broken = Stage::Replace { sql: "select 1 / (a - 1) as a from m.t".into() };
    assert_eq!(f.stage("m.t", broken).await.err().unwrap().kind(), Kind::User);
    assert_eq!(f.files("m.t"), 1);
}

#[tokio::test]
async fn a_publication_in_between_is_a_retryable_conflict() {
    let f = fixture();
    for first in [true, false] {
        if !first {
            f.table("m.t", "select 0 as a").await;
        }
        let ours = f.stage("m.t", Stage::Replace { sql: "select 1 as a".into() }).await.unwrap();
        f.table("m.t", "select 2 as a").await;
        let error = ours.publish(serde_json::Map::new()).await.unwrap_err();
        assert!(error.is_retryable(), "{error}");
        assert_eq!(f.rows("select a from m.t").await, ["2"]);
    }
}

#[tokio::test]
async fn append_adds_and_coerces() {
    let f = fixture();
    f.table("m.t", "select 1::bigint as a, 'x' as b").await;
    let made = f.build("m.t", Stage::Append { sql: "select 'y' as b, 2 as a, true as extra".into() }).await;
    assert_eq!((made.version, made.rows_added, made.rows_removed), (1, 1, 0));
    assert_eq!(f.rows("select * from m.t order by a").await, ["1|x", "2|y"]);
    let error = f.stage("m.none", Stage::Append { sql: "select 1 as a".into() }).await.err().unwrap();
    assert!(error.to_string().contains("--full-refresh"), "{error}");
}

fn merge(sql: &str) -> Stage {
    Stage::Merge { sql: sql.into(), unique_key: vec!["id".into()], update_columns: vec![], predicates: vec![] }
}

#[tokio::test]
async fn merge_replaces_matched_rows_and_rewrites_only_touched_files() {
    let f = fixture();
    f.table("m.t", "select * from (values (1, 'a'), (2, 'b')) v(id, v)").await;
    f.build("m.t", Stage::Append { sql: "select * from (values (10, 'j'), (11, 'k')) v(id, v)".into() }).await;
    let staged = f.stage("m.t", merge("select * from (values (2, 'B'), (3, 'c')) v(id, v)")).await.unwrap();
    assert_eq!(staged.rows_affected(), Some(2));
    let made = staged.publish(serde_json::Map::new()).await.unwrap();
    assert_eq!((made.rows_added, made.rows_removed), (2, 1));
    assert_eq!(f.rows("select * from m.t order by id").await, ["1|a", "2|B", "3|c", "10|j", "11|k"]);
    // Two first files, the source and the rewritten first file: the second was not touched.
    assert_eq!(f.files("m.t"), 4);
}

#[tokio::test]
async fn merge_keys_are_compared_null_safe_and_must_be_unique_in_the_query() {
    let f = fixture();
    f.table("m.t", "select * from (values (1, 'a'), (null, 'n')) v(id, v)").await;
    f.build("m.t", merge("select null::bigint as id, 'N' as v")).await;
    assert_eq!(f.rows("select * from m.t order by v").await, ["null|N", "1|a"]);
    let twice = f.stage("m.t", merge("select * from (values (7, 'a'), (7, 'b')) v(id, v)")).await.err().unwrap();
    assert!(twice.to_string().contains("(id) = (7)"), "{twice}");
    let files = f.files("m.t");
    assert!(f.stage("m.t", merge("select 1 as idd, 'a' as v")).await.is_ok(), "a missing column becomes null");
    assert_eq!(f.files("m.t"), files, "what failed or was dropped left no files");
    let unknown = Stage::Merge {
        sql: "select 1 as id".into(),
        unique_key: vec!["idd".into()],
        update_columns: vec![],
        predicates: vec![],
    };
    assert!(f.stage("m.t", unknown).await.err().unwrap().to_string().contains("did you mean 'id'"));
}

#[tokio::test]
async fn merge_can_update_some_columns_only() {
    let f = fixture();
    f.table("m.t", "select * from (values (1, 'a', 10), (2, 'b', 20)) v(id, v, n)").await;
    let stage = Stage::Merge {
        sql: "select * from (values (2, 'B', 99), (3, 'C', 30)) v(id, v, n)".into(),
        unique_key: vec!["id".into()],
        update_columns: vec!["v".into()],
        predicates: vec![],
    };
    let made = f.build("m.t", stage).await;
    assert_eq!((made.rows_added, made.rows_removed), (2, 1));
    assert_eq!(f.rows("select * from m.t order by id").await, ["1|a|10", "2|B|20", "3|C|30"]);
    assert_eq!(f.rows("select count(*) from m.t").await, ["3"]);
}

#[tokio::test]
async fn delete_insert_takes_a_key_out_whole() {
    let f = fixture();
    f.table("m.t", "select * from (values ('a', 1), ('a', 2), ('b', 3)) v(day, n)").await;
    let stage = Stage::DeleteInsert {
        sql: "select * from (values ('a', 7), ('a', 8), ('c', 9)) v(day, n)".into(),
        unique_key: vec!["day".into()],
        predicates: vec![],
    };
    let made = f.build("m.t", stage).await;
    assert_eq!((made.rows_added, made.rows_removed), (3, 2));
    assert_eq!(f.rows("select * from m.t order by day, n").await, ["a|7", "a|8", "b|3", "c|9"]);
}

#[tokio::test]
async fn predicates_keep_rows_of_the_table_from_being_matched() {
    let f = fixture();
    f.table("m.t", "select * from (values (1, 'old', 'a'), (1, 'new', 'b')) v(id, age, v)").await;
    let stage = |predicate: &str| Stage::DeleteInsert {
        sql: "select 1 as id, 'new' as age, 'c' as v".into(),
        unique_key: vec!["id".into()],
        predicates: vec![predicate.into()],
    };
    let made = f.build("m.t", stage("DBT_INTERNAL_DEST.age = 'new'")).await;
    assert_eq!((made.rows_added, made.rows_removed), (1, 1));
    assert_eq!(f.rows("select * from m.t order by v").await, ["1|old|a", "1|new|c"]);
    let merge = Stage::Merge {
        sql: "select 1 as id, 'new' as age, 'd' as v".into(),
        unique_key: vec!["id".into()],
        update_columns: vec!["v".into()],
        predicates: vec!["dbt_internal_dest.age = dbt_internal_source.age".into()],
    };
    f.build("m.t", merge).await;
    assert_eq!(f.rows("select * from m.t order by v").await, ["1|old|a", "1|new|d"]);
    let wrong = f.stage("m.t", stage("agee = 'new'")).await.err().unwrap().to_string();
    assert!(wrong.contains("the predicate 'agee = 'new'' cannot be used"), "{wrong}");
}

#[tokio::test]
async fn predicates_are_in_the_dialect_of_the_project() {
    let f = fixture();
    let options = QueryOptions { dialect: Dialect::Snowflake, ..QueryOptions::default() };
    let stage = |predicate: &str| Stage::DeleteInsert {
        sql: "select id, 'new' as v from m.t".into(),
        unique_key: vec!["id".into()],
        predicates: vec![predicate.into()],
    };
    for (predicate, kept) in [
        ("id / 2 > 1", "1|old"),
        ("DBT_INTERNAL_DEST.\"ID\" = 3 -- of the last", "1|old"),
        ("iff(DBT_INTERNAL_SOURCE.id = 1, dbt_internal_dest.v ilike any ('O%', 'x'), false)", "3|old"),
    ] {
        f.table("m.t", "select * from (values (1, 'old'), (3, 'old')) v(id, v)").await;
        let staged = f.warehouse.stage(&name("m.t"), stage(predicate), OnSchemaChange::Ignore, &options).await;
        staged.unwrap().publish(serde_json::Map::new()).await.unwrap();
        assert_eq!(f.rows("select id, v from m.t where v = 'old'").await, [kept], "{predicate}");
        assert_eq!(f.rows("select id, v from m.t where v = 'new' order by id").await, ["1|new", "3|new"]);
    }
    for (wrong, told) in [
        ("id > (select 1)", "a condition with a query in it is not supported"),
        ("idd > 1", "no column 'idd'"),
        ("id >", "cannot be parsed"),
        ("id = 1) limit (5", "is not a condition"),
    ] {
        let staged = f.warehouse.stage(&name("m.t"), stage(wrong), OnSchemaChange::Ignore, &options).await;
        let error = staged.err().unwrap();
        let all = format!("{} {}", error.what(), error.causes().join(" "));
        assert!(all.contains(told) && error.place().is_none(), "{wrong}: {all}");
    }
}

fn delete_where(sql: &str, condition: &str) -> Stage {
    Stage::DeleteWhere { sql: sql.into(), condition: condition.into() }
}

#[tokio::test]
async fn delete_where_rewrites_only_files_that_hold_such_rows() {
    let f = fixture();
    f.table("m.t", "select * from (values (1, 'a'), (2, 'b'), (null, 'n')) v(id, v)").await;
    f.build("m.t", Stage::Append { sql: "select 10 as id, 'j' as v".into() }).await;
    let made = f.build("m.t", delete_where("select 2 as id, 'B' as v", "id >= 2 and id < 10")).await;
    assert_eq!((made.rows_added, made.rows_removed), (1, 1));
    assert_eq!(f.rows("select * from m.t order by id").await, ["1|a", "2|B", "10|j", "null|n"]);
    assert_eq!(f.files("m.t"), 4, "two old files, the new rows, the first file anew");
    let wrong = f.stage("m.t", delete_where("select 1 as id, 'x' as v", "idd = 1")).await.err().unwrap();
    assert!(wrong.to_string().contains("idd"), "{wrong}");
    assert_eq!(f.files("m.t"), 4, "what failed left no files");
}

#[tokio::test]
async fn stages_on_top_of_a_staged_version_are_published_as_one() {
    let f = fixture();
    let first = f.stage("m.t", Stage::Replace { sql: "select 1 as id, 'a' as v".into() }).await.unwrap();
    let on = |staged: &Arc<dyn Staged>| QueryOptions { staged: vec![staged.clone()], ..QueryOptions::default() };
    let next = |staged: Arc<dyn Staged>, stage: Stage| {
        let warehouse = f.warehouse.clone();
        async move { warehouse.stage(&name("m.t"), stage, OnSchemaChange::Ignore, &on(&staged)).await }
    };
    let second = next(first.clone(), Stage::Append { sql: "select 2 as id, 'b' as v".into() }).await.unwrap();
    assert!(first.publish(serde_json::Map::new()).await.is_err(), "the first one is part of the second");
    let failed = next(second.clone(), delete_where("select 1 / 0 as id, 'x' as v", "true")).await;
    assert!(failed.is_err());
    let third = next(second.clone(), delete_where("select 1 as id, 'A' as v", "id = 1")).await.unwrap();
    assert_eq!(f.rows_with("select * from m.t order by id", &on(&third)).await.unwrap(), ["1|A", "2|b"]);
    assert!(f.error("select * from m.t").await.to_string().contains("there is no table"));
    let made = third.publish(serde_json::Map::new()).await.unwrap();
    assert_eq!(made.version, 0);
    drop((first, second, third));
    assert_eq!(f.rows("select * from m.t order by id").await, ["1|A", "2|b"]);
    assert_eq!(f.files("m.t"), 2, "the replaced file of the first stage is gone");
    // On top of a table that is there, files of its versions stay for those who read them.
    let first = f.stage("m.t", delete_where("select 2 as id, 'B' as v", "id = 2")).await.unwrap();
    let second = next(first, delete_where("select 3 as id, 'C' as v", "id in (1, 3)")).await.unwrap();
    second.publish(serde_json::Map::new()).await.unwrap();
    assert_eq!(f.rows("select * from m.t order by id").await, ["2|B", "3|C"]);
    assert_eq!(f.rows("select count(*) from m.t").await, ["2"]);
}

#[tokio::test]
async fn a_pinned_table_is_read_in_its_version() {
    let f = fixture();
    f.table("m.t", "select 1 as id").await;
    f.build("m.v", Stage::View { sql: "select id from m.t".into() }).await;
    f.build("m.t", Stage::Append { sql: "select 2 as id".into() }).await;
    let pins = std::collections::BTreeMap::from([(name("m.t"), 0)]);
    let options = QueryOptions { pins, ..QueryOptions::default() };
    assert_eq!(f.rows_with("select count(*) from m.t", &options).await.unwrap(), ["1"]);
    assert_eq!(f.rows_with("select count(*) from m.v", &options).await.unwrap(), ["1"], "through a view, too");
    assert_eq!(f.rows("select count(*) from m.v").await, ["2"]);
}

#[tokio::test]
async fn columns_change_as_on_schema_change_says() {
    let f = fixture();
    let sql = || Stage::Append { sql: "select 2 as a, 'new' as c".into() };
    f.table("m.t", "select 1::bigint as a, 'x' as b").await;
    let failed = f.stage_with("m.t", sql(), OnSchemaChange::Fail).await.err().unwrap().to_string();
    assert!(
        failed.contains("'b' (varchar) is missing") && failed.contains("'c' (varchar) is not expected"),
        "{failed}"
    );
    let staged = f.stage_with("m.t", sql(), OnSchemaChange::AppendNewColumns).await.unwrap();
    staged.publish(serde_json::Map::new()).await.unwrap();
    assert_eq!(f.rows("select * from m.t order by a").await, ["1|x|null", "2|null|new"]);
    let staged = f.stage_with("m.t", sql(), OnSchemaChange::SyncAllColumns).await.unwrap();
    staged.publish(serde_json::Map::new()).await.unwrap();
    assert_eq!(f.rows("select * from m.t order by a, c").await, ["1|null", "2|new", "2|new"]);
    // A column that comes back does not bring its old values with it.
    let back = Stage::Append { sql: "select 3 as a, 'y' as c, 'back' as b".into() };
    let staged = f.stage_with("m.t", back, OnSchemaChange::AppendNewColumns).await.unwrap();
    staged.publish(serde_json::Map::new()).await.unwrap();
    assert_eq!(f.rows("select a, b from m.t order by a, b").await, ["1|null", "2|null", "2|null", "3|back"]);
}

#[tokio::test]
async fn types_that_tables_do_not_hold_are_mapped_or_refused_by_name() {
    let f = fixture();
    f.table(
        "m.t",
        "select null as n, arrow_cast(9223372036854775807, 'UInt64') as u, timestamp '2500-01-01 00:00:00' as far,
         cast('2025-06-01T10:00:00Z' as timestamptz) as z, [1, 2] as l, 1.10 as d",
    )
    .await;
    assert_eq!(
        f.rows("select * from m.t").await,
        ["null|9223372036854775807|2500-01-01T00:00:00|2025-06-01T10:00:00Z|[1, 2]|1.10"]
    );
    let refused = f.stage("m.x", Stage::Replace { sql: "select interval '1 day' as lag".into() }).await.err().unwrap();
    assert!(refused.to_string().contains("'lag'") && refused.kind() == Kind::User, "{refused}");
    // Never a null or another number in place of one that does not fit.
    let sql = "select arrow_cast(9223372036854775808, 'UInt64') as u".into();
    assert!(f.stage("m.x", Stage::Replace { sql }).await.is_err());
}

#[tokio::test]
async fn seeds_replace_the_table() {
    let f = fixture();
    let batch = crate::support::raw_batch("f", &[("x", 1), ("y", 2)]);
    for _ in 0..2 {
        let stage = Stage::Rows { schema: batch.schema(), batches: vec![batch.clone()] };
        let made = f.build("seeds.s", stage).await;
        assert_eq!(made.rows_added, 2);
    }
    assert_eq!(f.rows("select count(*) from seeds.s").await, ["2"]);
    let empty = Stage::Rows { schema: batch.schema(), batches: vec![] };
    f.build("seeds.s", empty).await;
    assert_eq!(f.rows("select count(*), sum(amount) from seeds.s").await, ["0|null"]);
}

#[tokio::test]
async fn tables_and_views_take_each_others_place() {
    let f = fixture();
    f.table("m.t", "select 1 as a").await;
    f.build("m.t", Stage::View { sql: "select 2 as a".into() }).await;
    let relation = f.warehouse.relation(&name("m.t")).await.unwrap().unwrap();
    assert_eq!((relation.kind, relation.version), (RelationKind::View, None));
    assert_eq!(f.rows("select * from m.t").await, ["2"]);
    assert!(f.stage("m.t", Stage::Append { sql: "select 1 as a".into() }).await.is_err());
    f.table("m.t", "select 3 as a").await;
    assert_eq!(f.rows("select * from m.t").await, ["3"]);
    assert_eq!(f.warehouse.relations(None).await.unwrap().len(), 1);
    f.warehouse.drop_relation(&name("m.t")).await.unwrap();
    f.warehouse.drop_relation(&name("m.t")).await.unwrap();
    assert!(f.warehouse.relation(&name("m.t")).await.unwrap().is_none());
    // A table that was dropped and made anew is not mistaken for the old one.
    f.table("m.t", "select 4 as a").await;
    assert_eq!(f.rows("select * from m.t").await, ["4"]);
}

#[tokio::test]
async fn large_results_are_written_by_partition_and_counted_right() {
    let f = fixture();
    let made =
        f.table("m.big", "select value as i, 'id-' || value::varchar as id from generate_series(1, 300000)").await;
    assert_eq!(made.rows_added, 300_000);
    let again = f.table("m.big2", "select a.i, b.id from m.big a join m.big b on a.i = b.i").await;
    assert_eq!(again.rows_added, 300_000);
    assert_eq!(f.rows("select count(distinct id), sum(i), max(i) from m.big2").await, ["300000|45000150000|300000"]);
    let _: Arc<_> = f.stage("m.big", Stage::Replace { sql: "select 1 as a".into() }).await.unwrap();
}

#[tokio::test]
async fn a_table_whose_last_commit_was_lost_is_told_and_built_anew() {
    let f = fixture();
    f.table("m.t", "select 1 as a").await;
    f.table("m.t", "select 2 as a").await;
    std::fs::write(f.folder.path().join("m/t/_delta_log/00000000000000000001.json"), "").unwrap();
    let other = crate::support::open(f.folder.path());
    let error = crate::support::query(&other, "select * from m.t", &Default::default()).await.unwrap_err();
    assert!(error.to_string().contains("it is empty") && error.kind() == Kind::Environment, "{error}");
    let stage = Stage::Replace { sql: "select 3 as a".into() };
    let staged = other.stage(&name("m.t"), stage, OnSchemaChange::Ignore, &QueryOptions::default()).await.unwrap();
    assert_eq!(staged.publish(serde_json::Map::new()).await.unwrap().version, 0);
    assert_eq!(f.rows("select * from m.t").await, ["3"]);
}
