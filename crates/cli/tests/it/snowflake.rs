//! Snowflake targets on the embedded warehouse: `type: snowflake` with `--engine local`.

use crate::snapshot;
use crate::support::{BrokerProcess, Scene, csv_rows};

/// Options of every run here.
const LOCAL: [&str; 4] = ["--target", "snowflake", "--engine", "local"];

fn local<'a>(arguments: &[&'a str]) -> Vec<&'a str> {
    arguments.iter().copied().chain(LOCAL).collect()
}

/// Every row of a mart below its header, in an order of their own.
fn rows(scene: &Scene, mart: &str) -> Vec<String> {
    let ran = scene.must(&["query", &format!("select * from marts.{mart}"), "--format", "csv"]);
    let mut lines: Vec<String> = ran.stdout.lines().map(str::to_owned).collect();
    lines[1..].sort();
    lines
}

#[test]
fn finance_gives_the_same_marts_as_on_the_native_target() {
    let broker = BrokerProcess::start("transactions:3");
    broker.send_fixture();
    let native = Scene::finance_with_months();
    native.must(&["ingest", "--brokers", &broker.address]);
    native.must(&["build"]);
    let snowflake = Scene::finance_with_months();
    snowflake.must(&local(&["ingest", "--brokers", &broker.address]));
    snowflake.must(&local(&["build"]));
    let listed =
        native.rows("select table_name from information_schema.tables where table_schema = 'marts' order by 1");
    assert!(listed.len() >= 9, "{listed:?}");
    for name in listed.iter().map(|row| row[0].as_str()) {
        let (expected, found) = (rows(&native, name), rows(&snowflake, name));
        assert!(expected.len() > 1, "{name} has no rows");
        assert_eq!(expected, found, "{name}");
    }
    // What was built stays when it is built again, and the dialect stays with the views.
    snowflake.must(&local(&["build"]));
    snowflake.must(&["query", "select * from staging.stg_users limit 1"]);
}

#[test]
fn a_snowflake_target_says_how_to_run_it_here() {
    let scene = Scene::snowflake();
    let ran = scene.run(&["build"]);
    assert_eq!(ran.code, 2);
    snapshot!("snowflake_without_engine", ran);
}

/// The engine's own dialect, with the answers that templates of these projects expect.
#[test]
fn targets_of_postgres_and_duckdb_run_in_the_engines_dialect() {
    for kind in ["postgres", "duckdb"] {
        let scene = Scene::empty();
        scene.write("dbt_project.yml", "name: shop\nversion: '1.0'\nconfig-version: 2\nprofile: shop\n");
        scene.write(
            "profiles.yml",
            format!("shop: {{target: dev, outputs: {{dev: {{type: {kind}, dbname: shop, schema: main}}}}}}\n"),
        );
        scene.write(
            "macros/which.sql",
            "{% macro which() %}{{ return(adapter.dispatch('which')()) }}{% endmacro %}\n\
             {% macro default__which() %}default{% endmacro %}\n{% macro duckdb__which() %}duckdb{% endmacro %}\n\
             {% macro postgres__which() %}postgres{% endmacro %}\n",
        );
        scene.write(
            "models/told.sql",
            "{{ config(materialized='table') }}\nselect '{{ target.type }}/{{ which() }}/{{ this }}' as told, 7 / 2 as half\n",
        );
        let refused = scene.run(&["build"]);
        assert_eq!(refused.code, 2, "{}", refused.told());
        assert!(refused.told().contains("--engine local"), "{}", refused.told());
        scene.must(&["build", "--engine", "local"]);
        let ran = scene.must(&["query", "select * from main.told", "--engine", "local", "--format", "csv"]);
        assert_eq!(csv_rows(&ran.stdout), [[format!("{kind}/{kind}/\"main\".\"told\""), "3".into()]]);
    }
}

#[test]
fn models_in_snowflakes_dialect_are_built() {
    let scene = Scene::snowflake();
    let ran = scene.run(&["build", "--engine", "local"]);
    assert!(!ran.told().contains("hidden-word"), "{}", ran.told());
    snapshot!("snowflake_build", ran);
    let ran =
        scene.run(&["query", "select * from Analytics.Big_Orders order by ID", "--engine", "local", "--format", "csv"]);
    snapshot!("snowflake_query", ran);
}

#[test]
fn relations_render_as_in_snowflake() {
    let scene = Scene::snowflake();
    scene.write(
        "models/told.sql",
        "select '{{ ref('orders') }}' as relation, '{{ target.type }}/{{ target.database }}/{{ target.schema }}/{{ target.warehouse }}/{{ target.role }}' as target,\n\
         '{{ target.password }}' as secret, '{{ dbt.dateadd('day', 1, 'd') }}' as step, '{{ adapter.type() }}' as adapter, '{{ which() }}' as dispatched\n",
    );
    scene.write(
        "macros/which.sql",
        "{% macro which() %}{{ return(adapter.dispatch('which')()) }}{% endmacro %}\n\
         {% macro default__which() %}default{% endmacro %}\n{% macro snowflake__which() %}snowflake{% endmacro %}\n",
    );
    let ran = scene.run(&["compile", "--engine", "local", "--select", "told"]);
    assert_eq!(ran.code, 0, "{}", ran.told());
    let sql = scene.read("target/compiled/flake/models/told.sql");
    assert_eq!(
        sql.trim(),
        "select 'DEV_DB.ANALYTICS.orders' as relation, 'snowflake/DEV_DB/ANALYTICS/WH/DEVELOPER' as target,\n\
         '' as secret, 'dateadd(day, 1, d)' as step, 'snowflake' as adapter, 'snowflake' as dispatched"
    );
}

#[test]
fn what_nobody_handles_is_one_error_with_its_place() {
    let scene = Scene::snowflake();
    scene.write(
        "models/tree.sql",
        "select id\nfrom {{ ref('orders') }}\nstart with id = 1\nconnect by prior id = amount\n",
    );
    scene.write(
        "models/typo.sql",
        "select\n  id,\n  date_tunc('month', ordered_on) as month\nfrom {{ ref('orders') }}\n",
    );
    let ran = scene.run(&["build", "--engine", "local", "--select", "+tree", "+typo"]);
    assert_eq!(ran.code, 1);
    snapshot!("snowflake_errors", ran);
}

#[test]
fn a_check_tells_all_that_is_wrong_in_snowflakes_dialect() {
    let scene = Scene::snowflake();
    scene.must(&["check", "--engine", "local"]);
    scene.write(
        "models/typo.sql",
        "select\n  id,\n  date_tunc('month', ordered_on) as month,\n  custmer\nfrom {{ ref('orders') }}\n",
    );
    scene.write("models/types.sql", "select\n  id,\n  dateadd(day, 1, amount) as later\nfrom {{ ref('orders') }}\n");
    let ran = scene.run(&["check", "--engine", "local"]);
    assert_eq!(ran.code, 1, "{}", ran.told());
    snapshot!("snowflake_check", ran);
}

#[test]
fn relations_that_only_their_database_tells_apart_are_refused() {
    let scene = Scene::snowflake();
    scene.write(
        "models/sources.yml",
        "sources: [{name: raw, database: RAW_DB, schema: ANALYTICS, tables: [{name: TOTALS}, {name: OTHER}]}]\n",
    );
    let ran = scene.run(&["parse", "--engine", "local"]);
    assert_eq!(ran.code, 1, "{}", ran.told());
    assert!(ran.stderr.contains("error[same-relation]") && ran.stderr.contains("model.flake.totals"), "{}", ran.told());
    assert_eq!(ran.stderr.matches("error[").count(), 1, "{}", ran.told());
}

#[test]
fn show_and_describe_answer_macros() {
    let scene = Scene::snowflake();
    scene.must(&["build", "--engine", "local"]);
    let rows = |sql: &str| scene.must(&["query", sql, "--engine", "local", "--format", "csv"]).stdout;
    assert_eq!(
        rows("show objects in dev_db.analytics"),
        "name,kind,database_name,schema_name\nBIG_ORDERS,VIEW,MILLSTREAM,ANALYTICS\nORDERS,TABLE,MILLSTREAM,ANALYTICS\nTOTALS,TABLE,MILLSTREAM,ANALYTICS\n"
    );
    assert_eq!(
        rows("show terse views like 'big%' in schema analytics limit 1"),
        "name,kind,database_name,schema_name\nBIG_ORDERS,VIEW,MILLSTREAM,ANALYTICS\n"
    );
    assert_eq!(
        rows("describe table analytics.totals"),
        "name,type,kind,null?\nCUSTOMER,TEXT,COLUMN,Y\nTOTAL,NUMBER,COLUMN,Y\nN,NUMBER,COLUMN,Y\n"
    );
    assert_eq!(
        rows(
            "select column_name from dev_db.information_schema.columns where table_name = 'TOTALS' and table_schema ilike 'analytics' order by ordinal_position"
        ),
        "column_name\nCUSTOMER\nTOTAL\nN\n"
    );
}
