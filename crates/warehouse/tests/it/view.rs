//! Views: nested, staged, and broken ones.

use millstream_core::warehouse::{OnSchemaChange, QueryOptions, Stage, Warehouse};

use crate::support::{fixture, name};

fn view(sql: &str) -> Stage {
    Stage::View { sql: sql.into() }
}

#[tokio::test]
async fn views_read_views_and_the_filter_reaches_the_files() {
    let f = fixture();
    f.table("m.t", "select value as i from generate_series(1, 1000)").await;
    f.build("m.v1", view("select i, i * 2 as twice from m.t")).await;
    f.build("m.v2", view("select twice from m.v1 where i > 10")).await;
    assert_eq!(f.rows("select count(*) from m.v2 where twice < 30").await, ["4"]);
    let plan = f.rows("explain select twice from m.v2 where twice < 30").await.join("\n");
    assert!(plan.contains("predicate="), "{plan}");
    let info = f.rows("select table_name, view_definition from information_schema.views order by 1").await;
    assert_eq!(info[1], "v2|select twice from m.v1 where i > 10");
}

#[tokio::test]
async fn a_staged_view_reads_staged_tables() {
    let f = fixture();
    let table = f.stage("m.t", Stage::Replace { sql: "select 5 as a".into() }).await.unwrap();
    let with = QueryOptions { staged: vec![table.clone()], ..QueryOptions::default() };
    let staged = f
        .warehouse
        .stage(&name("m.v"), view("select a + 1 as b from m.t"), OnSchemaChange::Ignore, &with)
        .await
        .unwrap();
    assert_eq!(staged.schema().field(0).name(), "b");
    let both = QueryOptions { staged: vec![table, staged], ..QueryOptions::default() };
    assert_eq!(f.rows_with("select b from m.v", &both).await.unwrap(), ["6"]);
    assert!(f.error("select b from m.v").await.to_string().contains("no table or view 'm.v'"));
}

#[tokio::test]
async fn broken_views_are_refused_or_told() {
    let f = fixture();
    assert!(f.stage("m.v", view("select * from m.none")).await.is_err());
    assert!(f.stage("m.v", view("select 1 as a, 2 as a")).await.is_err());
    f.table("m.t", "select 1 as a").await;
    f.build("m.v", view("select a from m.t")).await;
    let loops = f.stage("m.t", view("select a from m.v")).await.unwrap();
    let with = QueryOptions { staged: vec![loops], ..QueryOptions::default() };
    let error = f.rows_with("select * from m.t", &with).await.unwrap_err();
    assert!(error.to_string().contains("reads itself"), "{error}");
    f.warehouse.drop_relation(&name("m.t")).await.unwrap();
    let error = f.error("select * from m.v").await;
    assert!(error.to_string().contains("the view 'm.v' cannot be read"), "{error}");
    // Listings still work.
    assert_eq!(f.warehouse.relations(None).await.unwrap().len(), 1);
    assert_eq!(f.rows("select table_name from information_schema.tables").await, ["v"]);
}

#[tokio::test]
async fn a_view_keeps_the_default_schema_that_it_was_made_with() {
    let f = fixture();
    f.table("a.t", "select 'a' as s").await;
    f.table("b.t", "select 'b' as s").await;
    let options = QueryOptions { default_schema: Some("a".into()), ..QueryOptions::default() };
    let staged =
        f.warehouse.stage(&name("b.v"), view("select s from t"), OnSchemaChange::Ignore, &options).await.unwrap();
    staged.publish(serde_json::Map::new()).await.unwrap();
    let other = QueryOptions { default_schema: Some("b".into()), ..QueryOptions::default() };
    assert_eq!(f.rows_with("select s from v", &other).await.unwrap(), ["a"]);
}
