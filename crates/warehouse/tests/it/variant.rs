//! VARIANTs in tables: what is written comes back, in either dialect, and sorts as what it is.

use millstream_core::warehouse::{Dialect, OnSchemaChange, QueryOptions, Stage, Warehouse};

use crate::support::{Fixture, fixture, name};

fn snowflake() -> QueryOptions {
    QueryOptions { dialect: Dialect::Snowflake, ..QueryOptions::default() }
}

async fn table(f: &Fixture, sql: &str) {
    let staged =
        f.warehouse.stage(&name("m.t"), Stage::Replace { sql: sql.into() }, OnSchemaChange::Ignore, &snowflake()).await;
    staged.unwrap().publish(serde_json::Map::new()).await.unwrap();
}

async fn rows(f: &Fixture, sql: &str) -> Vec<String> {
    f.rows_with(sql, &snowflake()).await.unwrap_or_else(|error| panic!("{sql}: {error}"))
}

#[tokio::test]
async fn variants_survive_the_table() {
    let f = fixture();
    table(
        &f,
        "select column1 as id, parse_json(column2) as v, null::variant as n,
                object_construct('amount', 1234567890123456.78::number(18, 2), 'day', '2024-01-01'::date) as o
         from values (1, '{\"b\": [10, 9], \"a\": null}'), (2, '10'), (3, '9'), (4, null)",
    )
    .await;
    let json = r#"{"amount":1234567890123456.78,"day":"2024-01-01"}"#;
    assert_eq!(
        rows(&f, "select id, v, n, o from m.t where id in (1, 4) order by id").await,
        [format!(r#"1|{{"a":null,"b":[10,9]}}|null|{json}"#), format!("4|null|null|{json}")]
    );
    // Decimals are exact, a JSON null is not an SQL null.
    assert_eq!(
        rows(&f, "select v:b[0]::int, o:amount::number(18, 2), v:a is null, is_null_value(v:a) from m.t where id = 1")
            .await,
        ["10|1234567890123456.78|false|true"]
    );
    // Numbers sort as numbers, nulls last.
    assert_eq!(rows(&f, "select id from m.t order by v").await, ["3", "2", "1", "4"]);
    assert_eq!(rows(&f, "select min(v), max(v) from m.t where id in (2, 3)").await, ["9|10"]);
    assert_eq!(rows(&f, "select id from m.t qualify row_number() over (order by v desc nulls last) = 1").await, ["1"]);
    assert_eq!(rows(&f, "select v, sum(id) from m.t group by v order by v limit 1").await, ["9|3"]);
    // The warehouse's own dialect sees a struct of one text, shown alike.
    assert_eq!(f.rows("select v, v['variant'] from m.t where id = 2").await, ["10|10"]);
}

#[tokio::test]
async fn branches_of_different_kinds_stay_variants() {
    let f = fixture();
    table(&f, r#"select parse_json('{"a": 1, "b": "x", "c": [1]}') as v"#).await;
    assert_eq!(
        rows(&f, "select case when v:a = 1 then v:b else v:c end, iff(v:a = 2, v:b, v:c) from m.t").await,
        [r#""x"|[1]"#]
    );
    assert_eq!(
        rows(&f, "select typeof(x) from (select v:b as x from m.t union all select v:c from m.t) order by 1").await,
        ["ARRAY", "VARCHAR"]
    );
}
