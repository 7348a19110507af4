//! `verify` and `maintain`: what is stored is what a build from raw gives, and a damaged table is told row by row.

use crate::snapshot;
use crate::support::{Scene, csv_rows};

/// Changes a table behind the project's back.
fn damage(scene: &Scene, sql: &str) {
    scene.write("macros/damage.sql", "{% macro damage(sql) %}{% do run_query(sql) %}{% endmacro %}\n");
    scene.must(&["run-operation", "damage", "--args", &format!("{{sql: \"{sql}\"}}")]);
}

/// Every file of the warehouse.
fn files(scene: &Scene) -> Vec<String> {
    fn walk(folder: &std::path::Path, all: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
            if entry.path().is_dir() {
                walk(&entry.path(), all);
            } else {
                all.push(entry.path().display().to_string());
            }
        }
    }
    let mut all = Vec::new();
    walk(&scene.path().join("workspace/warehouse"), &mut all);
    all.sort();
    all
}

#[test]
fn a_damaged_table_is_told_row_by_row() {
    let scene = Scene::small();
    scene.must(&["build"]);
    let ran = scene.run(&["verify"]);
    assert_eq!(ran.code, 0, "{}", ran.told());
    snapshot!("verify", ran);
    damage(&scene, "insert into main.base values (2, 'two'), (9, null)");
    damage(&scene, "update main.base set name = 'ONE' where id = 1");
    let before = files(&scene);
    let ran = scene.run(&["verify"]);
    assert_eq!(ran.code, 1, "{}", ran.told());
    snapshot!("verify_damaged", ran);
    assert_eq!(files(&scene), before, "nothing in the warehouse changes");
    let ran = scene.run(&["verify", "base", "--limit", "1", "--format", "csv"]);
    assert_eq!(ran.code, 1, "{}", ran.told());
    let rows = csv_rows(&ran.stdout);
    assert_eq!(rows.len(), 2, "one of each side: {rows:?}");
    let ran = scene.run(&["verify", "base", "--format", "json"]);
    let models: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!((models[0]["missing"].as_u64(), models[0]["extra"].as_u64()), (Some(1), Some(3)));
    let row = models[0]["rows"].as_array().unwrap().iter().find(|row| row["row"]["id"] == "9").unwrap();
    assert_eq!((row["only_in"].as_str(), row["row"]["name"].is_null()), (Some("stored"), true));
    // The model below is right as it is: it is compared with what it would be, not with what it was made from.
    let ran = scene.run(&["verify", "child"]);
    assert_eq!(ran.code, 0, "{}", ran.told());
    scene.must(&["run", "--select", "base"]);
    assert_eq!(scene.run(&["verify"]).code, 0);
}

#[test]
fn a_difference_that_may_be_one_of_order_says_so() {
    let scene = Scene::small();
    scene.write("models/top.sql", "select * from {{ ref('base') }} order by 1 limit 1\n");
    scene.must(&["build"]);
    damage(&scene, "update main.top set name = 'another'");
    damage(&scene, "update main.base set name = 'another' where id = 1");
    let told = |model: &str| {
        let ran = scene.run(&["verify", model, "--format", "json"]);
        assert_eq!(ran.code, 1, "{}", ran.told());
        let models: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
        models[0]["note"].as_str().unwrap_or_default().to_owned()
    };
    assert!(told("top").contains("which of equal rows limit takes first"), "{}", told("top"));
    assert_eq!(told("base"), "");
}

#[test]
fn the_whole_chain_is_recomputed_and_not_read_from_stored_parents() {
    let scene = Scene::small();
    scene.must(&["build"]);
    damage(&scene, "delete from main.base where id = 1");
    // Made from the damaged parent, and so wrong, although it agrees with it.
    scene.must(&["run", "--select", "child"]);
    let ran = scene.run(&["verify", "child"]);
    assert_eq!(ran.code, 1, "{}", ran.told());
    snapshot!("verify_chain", ran);
}

#[test]
fn what_is_other_each_time_is_no_failure_and_what_is_not_built_is() {
    let scene = Scene::small();
    scene.write("models/lucky.sql", "select id, random() as luck from {{ ref('base') }}\n");
    scene.write("models/steady.sql", "{{ config(materialized='view') }} select id from {{ ref('lucky') }}\n");
    scene.write("models/count_lucky.sql", "select count(*) as n from {{ ref('steady') }}\n");
    scene.must(&["build"]);
    scene.write("models/new.sql", "select 1 as a\n");
    scene.write("models/kept.sql", "{{ config(materialized='incremental', full_refresh=false) }} select 1 as a\n");
    let ran = scene.run(&["verify"]);
    assert_eq!(ran.code, 1, "{}", ran.told());
    snapshot!("verify_kinds", ran);
    assert_eq!(scene.run(&["verify", "--exclude", "new"]).code, 0);
}

#[test]
fn an_incremental_model_that_froze_old_values_is_found() {
    let scene = Scene::small();
    scene.write(
        "models/frozen.sql",
        "{{ config(materialized='incremental', unique_key='id') }}\nselect id, name from {{ ref('numbers') }}\n\
         {% if is_incremental() %} where id not in (select id from {{ this }}) {% endif %}\n",
    );
    scene.must(&["build"]);
    assert_eq!(scene.run(&["verify", "frozen"]).code, 0);
    scene.write("seeds/numbers.csv", "id,name\n1,eins\n2,two\n3,three\n");
    scene.must(&["seed"]);
    let ran = scene.run(&["verify", "frozen"]);
    assert!(ran.stdout.contains("has changed since it was built"), "{}", ran.told());
    scene.must(&["build"]);
    let ran = scene.run(&["verify", "frozen", "--format", "csv"]);
    assert_eq!(ran.code, 1, "{}", ran.told());
    let rows = csv_rows(&ran.stdout);
    assert!(rows.iter().any(|row| row[1] == "stored" && row[3].contains("one")), "{rows:?}");
    assert!(rows.iter().any(|row| row[1] == "recomputed" && row[3].contains("eins")), "{rows:?}");
}

#[test]
fn the_finance_project_is_what_a_build_from_raw_gives() {
    let scene = Scene::finance_with_months();
    // Month by month, so that dynamic tables were refreshed from changes.
    let later = scene.path().join("later.csv");
    let month = scene.path().join("data/incoming/transactions_2025_07.csv");
    std::fs::rename(&month, &later).unwrap();
    scene.must(&["ingest"]);
    scene.must(&["build"]);
    std::fs::rename(&later, &month).unwrap();
    scene.must(&["ingest"]);
    // A dynamic table is compared with what its own versions of its inputs give; it may be behind them.
    let ran = scene.must(&["verify", "fct_transactions"]);
    assert!(ran.stderr.contains("200 rows equal"), "{}", ran.told());
    scene.must(&["build"]);
    let ran = scene.must(&["verify", "--format", "json"]);
    let models: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    let models = models.as_array().unwrap();
    assert!(models.iter().filter(|model| model["result"] == "equal").count() >= 8, "{}", ran.told());
    assert!(models.iter().all(|model| ["equal", "not compared"].contains(&model["result"].as_str().unwrap())));
    damage(
        &scene,
        "delete from marts.fct_daily_transactions where total_amount = (select max(total_amount) from marts.fct_daily_transactions)",
    );
    let ran = scene.run(&["verify", "fct_daily_transactions"]);
    assert_eq!(ran.code, 1, "{}", ran.told());
}

#[test]
fn a_killed_verification_leaves_nothing_after_the_next_build() {
    let scene = Scene::small();
    scene.write("models/big.sql", "select value as id, value % 7 as v from generate_series(1, 2000000)\n");
    scene.must(&["build"]);
    let named = files(&scene);
    for pause_ms in [150, 400, 700] {
        let mut child = crate::support::program(scene.path()).args(["verify", "big"]).spawn().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(pause_ms));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    assert_eq!(scene.rows("select count(*) from big"), [["2000000"]]);
    // Any command that writes.
    scene.must(&["seed", "--full-refresh"]);
    let left: Vec<String> = files(&scene).into_iter().filter(|file| file.contains("/big/")).collect();
    assert_eq!(left, named.into_iter().filter(|file| file.contains("/big/")).collect::<Vec<_>>());
}

#[test]
fn house_is_kept_and_a_short_retention_needs_a_word() {
    let scene = Scene::small();
    scene.write(
        "models/grown.sql",
        "{{ config(materialized='incremental') }} select count(*) as n from {{ ref('base') }}\n",
    );
    scene.must(&["build"]);
    for _ in 0..8 {
        scene.must(&["run", "--select", "grown"]);
    }
    let ran = scene.run(&["maintain", "--dry-run"]);
    assert_eq!(ran.code, 0, "{}", ran.told());
    let ran = scene.run(&["maintain"]);
    assert_eq!(ran.code, 0, "{}", ran.told());
    snapshot!("maintain", ran);
    assert_eq!(scene.value("select count(*) from grown"), "9");
    assert_eq!(scene.run(&["maintain", "--retention", "10s"]).code, 2);
    assert_eq!(scene.run(&["up", "--once", "--retention", "10s"]).code, 2);
    assert_eq!(scene.run(&["maintain", "nothing"]).code, 2);
    let ran = scene.must(&["maintain", "grown", "--retention", "0s", "--forget-history", "--format", "json"]);
    let tables: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!((tables[0]["table"].as_str(), tables[0]["files_removed"].as_u64()), (Some("main.grown"), Some(9)));
    assert_eq!(scene.value("select count(*) from grown"), "9");
    assert_eq!(scene.run(&["verify", "base", "child"]).code, 0);
}
