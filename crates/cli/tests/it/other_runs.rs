//! Commands that go on from another run: state, defer, retry, clone; and those that only look: show, freshness, docs.

use crate::snapshot;
use crate::support::{Scene, copy, csv_rows};

/// The small project with a second target, built once as `prod`; its artifacts are in `prod_run`.
fn with_prod() -> Scene {
    let scene = Scene::small();
    scene.write(
        "profiles.yml",
        "small: {target: dev, outputs: {dev: {type: millstream, path: workspace, schema: main, threads: 1}, \
         prod: {type: millstream, path: workspace, schema: prod, threads: 1}}}\n",
    );
    scene.must(&["build", "--target", "prod"]);
    copy(&scene.path().join("target"), &scene.path().join("prod_run"));
    scene
}

fn names(scene: &Scene, selector: &str) -> Vec<String> {
    let ran = scene.must(&[
        "ls",
        "--select",
        selector,
        "--state",
        "prod_run",
        "--output",
        "name",
        "--resource-type",
        "model",
        "seed",
    ]);
    ran.stdout.lines().map(str::to_owned).collect()
}

#[test]
fn what_changed_since_another_run_is_selected() {
    let scene = with_prod();
    assert!(names(&scene, "state:modified").is_empty(), "another target is no change");
    scene.write("macros/helper.sql", "{% macro helper() %}1{% endmacro %}\n");
    scene.write("models/child.sql", "select count(*) as rows_seen, {{ helper() }} as one from {{ ref('base') }}\n");
    scene.write("models/fresh.sql", "select 1 as id\n");
    scene.write("seeds/numbers.csv", "id,name\n1,one\n2,two\n3,three\n");
    assert_eq!(names(&scene, "state:modified"), ["child", "fresh", "numbers"]);
    assert_eq!(names(&scene, "state:new"), ["fresh"]);
    assert_eq!(names(&scene, "state:modified.body"), ["child", "fresh", "numbers"]);
    assert_eq!(names(&scene, "state:modified.macros"), ["child"]);
    assert_eq!(names(&scene, "state:old,resource_type:model"), ["base", "child"]);
    assert_eq!(names(&scene, "state:unmodified,resource_type:model"), ["base"]);
    assert_eq!(names(&scene, "state:modified+,resource_type:model"), ["base", "child", "fresh"]);
    scene.write("models/base.sql", "{{ config(materialized='view') }}\nselect id, name from {{ ref('numbers') }}\n");
    assert_eq!(names(&scene, "state:modified.configs"), ["base", "fresh"]);
    scene.write("models/base.sql", "{{ config(alias='renamed') }}\nselect id, name from {{ ref('numbers') }}\n");
    assert_eq!(names(&scene, "state:modified.relation"), ["base", "fresh"]);
    assert_eq!(names(&scene, "result:success,resource_type:model"), ["base", "child"]);
    let ran = scene.run(&["ls", "--select", "state:modified"]);
    assert_eq!(ran.code, 2);
    snapshot!("state_without_folder", ran);
    let ran = scene.run(&["ls", "--select", "state:modifed", "--state", "prod_run"]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("did you mean 'modified'?"), "{}", ran.told());
}

#[test]
fn what_changed_of_the_semantic_layer_is_selected() {
    let scene = Scene::small();
    let metrics = |label: &str| {
        format!(
            "semantic_models:\n  - name: bases\n    model: ref('base')\n    defaults: {{agg_time_dimension: day}}\n    \
             entities: [{{name: id, type: primary}}]\n    \
             dimensions: [{{name: day, type: time, expr: current_date, type_params: {{time_granularity: day}}}}]\n    \
             measures: [{{name: how_many, agg: count, expr: id}}]\n\
             metrics:\n  - {{name: bases_seen, label: {label}, type: simple, type_params: {{measure: how_many}}}}\n"
        )
    };
    scene.write("models/time.sql", "select cast('2025-01-01' as date) as day\n");
    scene.write(
        "models/time.yml",
        "models: [{name: time, time_spine: {standard_granularity_column: day}, columns: [{name: day, granularity: day}]}]\n",
    );
    scene.write("models/metrics.yml", metrics("Seen"));
    scene.must(&["parse"]);
    std::fs::create_dir(scene.path().join("before")).unwrap();
    std::fs::copy(scene.path().join("target/manifest.json"), scene.path().join("before/manifest.json")).unwrap();
    let changed = |what: &str| {
        let ran = scene.must(&["ls", "--select", what, "--state", "before", "--output", "name"]);
        let mut names: Vec<String> = ran.stdout.lines().map(str::to_owned).collect();
        names.sort();
        names
    };
    assert!(changed("state:modified").is_empty());
    scene.write("models/metrics.yml", metrics("Counted"));
    assert_eq!(changed("state:modified"), ["bases_seen"]);
    scene.write("models/metrics.yml", metrics("Seen").replace("agg: count,", "agg: count_distinct,"));
    assert_eq!(changed("state:modified"), ["bases"]);
}

#[test]
fn nodes_that_are_not_built_here_are_read_where_they_were_built() {
    let scene = with_prod();
    let ran = scene.run(&["run", "--select", "child"]);
    assert_eq!(ran.code, 1, "base is not built in this target");
    scene.must(&["run", "--select", "child", "--defer", "--state", "prod_run"]);
    assert_eq!(scene.value("select rows_seen from main.child"), "2");
    // What is built here wins, unless the other run is favoured.
    scene.write("seeds/numbers.csv", "id,name\n1,one\n");
    scene.must(&["build", "--select", "numbers", "base"]);
    scene.must(&["run", "--select", "child", "--defer", "--state", "prod_run"]);
    assert_eq!(scene.value("select rows_seen from main.child"), "1");
    scene.must(&["run", "--select", "child", "--defer", "--favor-state", "--state", "prod_run"]);
    assert_eq!(scene.value("select rows_seen from main.child"), "2");
    let ran = scene.run(&["run", "--defer"]);
    assert_eq!(ran.code, 2, "{}", ran.told());
}

#[test]
fn relations_of_another_run_are_cloned() {
    let scene = with_prod();
    let ran = scene.must(&["clone", "--state", "prod_run", "--select", "base", "child"]);
    snapshot!("clone", ran);
    assert_eq!(scene.value("select count(*) from main.base"), "2");
    // A clone is a table of its own.
    scene.write("seeds/numbers.csv", "id,name\n1,one\n");
    scene.must(&["build", "--target", "prod"]);
    assert_eq!(scene.value("select count(*) from main.base"), "2");
    scene.must(&["clone", "--state", "prod_run", "--select", "base"]);
    assert_eq!(scene.value("select count(*) from main.base"), "2", "what is there stays");
    scene.must(&["clone", "--state", "prod_run", "--select", "base", "--full-refresh"]);
    assert_eq!(scene.value("select count(*) from main.base"), "1");
}

#[test]
fn what_failed_is_tried_again_with_the_options_it_had() {
    let scene = Scene::small();
    let ran = scene.run(&["retry"]);
    assert_eq!(ran.code, 2, "{}", ran.told());
    scene.write("models/child.sql", "select {{ var('answer', 0) }} / rows_seen as share from (select count(*) - {{ var('less', 0) }} as rows_seen from {{ ref('base') }})\n");
    scene.write("models/grandchild.sql", "select share from {{ ref('child') }}\n");
    let ran = scene.run(&["build", "--vars", "{answer: 42, less: 2}"]);
    assert_eq!(ran.code, 1, "{}", ran.told());
    scene.write("models/child.sql", "select {{ var('answer', 0) }} as share from {{ ref('base') }} limit 1\n");
    let ran = scene.must(&["retry"]);
    snapshot!("retry", ran);
    assert_eq!(scene.value("select share from grandchild"), "42", "the variables are those of the run that failed");
    let ran = scene.must(&["retry"]);
    assert!(ran.stderr.contains("nothing to try again"), "{}", ran.told());
}

#[test]
fn batches_that_failed_are_tried_again() {
    let scene = Scene::small();
    scene.write("seeds/numbers.csv", "id,at\n1,2025-01-01 05:00:00\n0,2025-01-02 05:00:00\n3,2025-01-03 05:00:00\n");
    scene.write(
        "models/schema.yml",
        "seeds: [{name: numbers, config: {event_time: at, column_types: {at: timestamp}}}]\n",
    );
    std::fs::remove_file(scene.path().join("models/base.sql")).unwrap();
    scene.write("models/child.sql", "select count(*) as n from {{ ref('events') }}\n");
    let model = |expression: &str| {
        scene.write(
            "models/events.sql",
            format!("{{{{ config(materialized='incremental', incremental_strategy='microbatch', event_time='at', batch_size='day', begin='2025-01-01') }}}}\nselect id, at, {expression} as n from {{{{ ref('numbers') }}}}\n"),
        );
    };
    model("10 / id");
    let times = ["--event-time-start", "2025-01-01", "--event-time-end", "2025-01-04"];
    let ran = scene.run(&[&["build"][..], &times[..]].concat());
    assert_eq!(ran.code, 1, "{}", ran.told());
    snapshot!("partial_success", ran);
    assert_eq!(scene.value("select count(*) from events"), "2");
    model("case when id = 0 then 0 else 10 / id end");
    scene.must(&["retry"]);
    assert_eq!(scene.value("select n from child"), "3");
    let compiled = std::fs::read_dir(scene.path().join("target/compiled/small/models/events")).unwrap().count();
    assert_eq!(compiled, 3);
}

#[test]
fn rows_are_shown_without_building() {
    let scene = Scene::small();
    scene.must(&["seed"]);
    scene.must(&["show", "--select", "base"]);
    let ran = scene.run(&["show", "--select", "child"]);
    assert_eq!(ran.code, 1, "what it reads is not built: {}", ran.told());
    scene.must(&["run"]);
    snapshot!("show", scene.must(&["show", "--select", "base", "--limit", "1"]));
    snapshot!("show_json", scene.must(&["show", "--select", "base", "--output", "json"]));
    let ran = scene.must(&["show", "--inline", "select count(*) as n from {{ ref('base') }}", "--output", "csv"]);
    assert_eq!(csv_rows(&ran.stdout), [["2"]]);
    let ran = scene.must(&["compile", "--inline", "select * from {{ ref('base') }}"]);
    assert_eq!(ran.stdout, "select * from \"main\".\"base\"\n");
    assert_eq!(scene.run(&["show"]).code, 2);
}

#[test]
fn sources_tell_how_fresh_they_are() {
    let scene = Scene::small();
    scene.must(&["seed"]);
    scene.write(
        "models/sources.yml",
        "sources:\n  - name: seeds\n    config: {freshness: {warn_after: {count: 1, period: hour}, error_after: {count: 2, period: day}}}\n    tables:\n      - {name: numbers}\n      - {name: by_field, identifier: numbers, config: {loaded_at_field: \"timestamp '2020-01-01 00:00:00'\"}}\n      - {name: by_query, identifier: numbers, config: {loaded_at_query: \"select now() - interval '3 hours' from {{ this }} limit 1\"}}\n      - {name: filtered, identifier: numbers, config: {loaded_at_field: now(), freshness: {filter: id > 9}}}\n      - {name: missing}\n      - {name: unchecked, config: {freshness: null}}\n",
    );
    let ran = scene.run(&["source", "freshness", "--format", "csv"]);
    assert_eq!(ran.code, 1, "{}", ran.told());
    let rows = csv_rows(&ran.stdout);
    let found: Vec<(&str, &str)> = rows.iter().map(|row| (row[0].as_str(), row[1].as_str())).collect();
    assert_eq!(
        found,
        [
            ("seeds.by_field", "error"),
            ("seeds.by_query", "warn"),
            ("seeds.filtered", "error"),
            ("seeds.missing", "runtime error"),
            ("seeds.numbers", "pass")
        ]
    );
    assert!(ran.stderr.contains("there is no table 'seeds.missing'"), "{}", ran.told());
    let artifact: serde_json::Value = serde_json::from_str(&scene.read("target/sources.json")).unwrap();
    assert_eq!(artifact["metadata"]["dbt_schema_version"], "https://schemas.getdbt.com/dbt/sources/v3.json");
    assert_eq!(artifact["results"].as_array().unwrap().len(), 5);
    assert_eq!(artifact["results"][0]["max_loaded_at"], "2020-01-01T00:00:00.000000Z");
    // Since another look at it, one source was loaded.
    copy(&scene.path().join("target"), &scene.path().join("before"));
    scene.must(&["seed"]);
    scene.run(&["source", "freshness", "--select", "source:seeds.numbers", "source:seeds.by_field"]);
    let ran = scene.must(&["ls", "--select", "source_status:fresher", "--state", "before", "--output", "name"]);
    assert_eq!(ran.stdout, "seeds.numbers\n");
}

#[test]
fn the_catalog_tells_what_is_built() {
    let scene = Scene::small();
    scene.must(&["build"]);
    let ran = scene.must(&["docs", "generate"]);
    assert!(ran.stderr.contains("3 relations described"), "{}", ran.told());
    let catalog: serde_json::Value = serde_json::from_str(&scene.read("target/catalog.json")).unwrap();
    assert_eq!(catalog["metadata"]["dbt_schema_version"], "https://schemas.getdbt.com/dbt/catalog/v1.json");
    let base = &catalog["nodes"]["model.small.base"];
    assert_eq!(base["metadata"]["type"], "BASE TABLE");
    assert_eq!(base["columns"]["name"]["type"], "VARCHAR");
    assert_eq!(base["columns"]["name"]["index"], 2);
    assert_eq!(base["stats"]["row_count"]["value"], 2);
    let manifest: serde_json::Value = serde_json::from_str(&scene.read("target/manifest.json")).unwrap();
    assert_eq!(manifest["nodes"]["model.small.base"]["compiled"], true);
    scene.must(&["docs", "generate", "--no-compile", "--empty-catalog"]);
    let catalog: serde_json::Value = serde_json::from_str(&scene.read("target/catalog.json")).unwrap();
    assert!(catalog["nodes"].as_object().unwrap().is_empty());
}

#[test]
fn flags_of_dbt_are_taken() {
    let scene = Scene::small();
    scene.must(&[
        "--no-partial-parse",
        "--no-use-colors",
        "build",
        "--no-version-check",
        "--log-path",
        "logs",
        "--target-path",
        "elsewhere",
        "--no-favor-state",
        "--no-defer",
        "--empty",
    ]);
    assert!(scene.path().join("elsewhere/run_results.json").is_file());
    assert!(!scene.path().join("target").exists());
    assert_eq!(scene.value("select rows_seen from child"), "0");
    let ran = scene.run(&["build", "--select", "nothing_like_it", "--warn-error-options", "{error: all}"]);
    assert_eq!(ran.code, 2, "{}", ran.told());
    scene.write(
        "models/schema.yml",
        "models: [{name: base, columns: [{name: id, data_tests: [{unique: {config: {severity: warn}}}]}]}]\n",
    );
    scene.write("seeds/numbers.csv", "id,name\n1,one\n1,two\n");
    assert_eq!(scene.run(&["build"]).code, 0);
    assert_eq!(scene.run(&["build", "--warn-error-options", "{error: [LogTestResult]}"]).code, 1);
}
