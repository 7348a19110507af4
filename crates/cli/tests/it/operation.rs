//! `run-operation`, and statements that hooks and materializations run.

use crate::support::Scene;

#[test]
fn an_operation_changes_the_warehouse_and_leaves_its_result() {
    let scene = Scene::small();
    scene.must(&["build"]);
    scene.write(
        "macros/tasks.sql",
        "{% macro prune(below, table='base') %}\n  {% do run_query('delete from main.' ~ table ~ ' where id < ' ~ below) %}\n  \
         {{ log('pruned ' ~ table, info=true) }}\n{% endmacro %}\n",
    );
    let ran = scene.run(&["run-operation", "prune", "--args", "{below: 2}"]);
    assert_eq!(ran.code, 0, "{}", ran.told());
    assert!(ran.stderr.contains("pruned base"), "{}", ran.told());
    assert_eq!(scene.rows("select id from base"), [["2"]]);
    let results: serde_json::Value = serde_json::from_str(&scene.read("target/run_results.json")).unwrap();
    assert_eq!(results["results"][0]["unique_id"], "macro.small.prune");
    assert_eq!(results["results"][0]["status"], "success");
    assert_eq!(results["args"]["macro"], "prune");
    let ran = scene.run(&["run-operation", "prune", "--args", "{below: 2, table: nothing}"]);
    assert_eq!(ran.code, 1, "{}", ran.told());
    assert!(ran.stderr.contains("main.nothing"), "{}", ran.told());
    let ran = scene.run(&["run-operation", "prun"]);
    assert_eq!(ran.code, 2, "{}", ran.told());
    let ran = scene.run(&["run-operation", "prune", "--args", "[1]"]);
    assert_eq!(ran.code, 2, "{}", ran.told());
}

#[test]
fn a_failed_operation_is_tried_again_with_its_arguments() {
    let scene = Scene::small();
    scene.must(&["build"]);
    scene.write(
        "macros/tasks.sql",
        "{% macro prune(below) %}{% do run_query('delete from main.extra where id < ' ~ below) %}{% endmacro %}\n",
    );
    let ran = scene.run(&["run-operation", "prune", "--args", "{below: 2}"]);
    assert_eq!(ran.code, 1, "{}", ran.told());
    scene.write("models/extra.sql", "select id from {{ ref('base') }}\n");
    scene.must(&["run", "--select", "extra", "--target-path", "elsewhere"]);
    scene.must(&["retry"]);
    assert_eq!(scene.rows("select id from extra"), [["2"]]);
    let ran = scene.must(&["retry"]);
    assert!(ran.stderr.contains("nothing to try again"), "{}", ran.told());
}

#[test]
fn a_killed_statement_leaves_the_old_table_or_the_new_one() {
    let scene = Scene::small();
    scene.write(
        "macros/grow.sql",
        "{% macro make() %}{% do run_query('create or replace table main.big as select value as id, 0 as v from generate_series(1, 400000)') %}{% endmacro %}\n\
         {% macro change() %}{% do run_query('update main.big set v = v + 1') %}{% endmacro %}\n",
    );
    scene.must(&["run-operation", "make"]);
    for pause_ms in [30, 90, 180, 320, 500] {
        let mut child = crate::support::program(scene.path()).args(["run-operation", "change"]).spawn().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(pause_ms));
        child.kill().unwrap();
        child.wait().unwrap();
        let seen = scene.rows("select count(*), count(distinct v) from big");
        assert_eq!(seen, [["400000", "1"]], "after {pause_ms} ms");
    }
    let before: u32 = scene.value("select max(v) from big").parse().unwrap();
    scene.must(&["run-operation", "change"]);
    assert_eq!(scene.value("select max(v) from big"), (before + 1).to_string());
}
