//! `build` and its relatives: lines, summary, gates, selection, artefacts.

use crate::snapshot;
use crate::support::Scene;

#[test]
fn a_small_project_is_built_and_told() {
    let scene = Scene::small();
    let ran = scene.run(&["build"]);
    assert_eq!(ran.code, 0, "{}", ran.told());
    snapshot!("build", ran);
    assert_eq!(scene.value("select rows_seen from child"), "2");
    let results: serde_json::Value = serde_json::from_str(&scene.read("target/run_results.json")).unwrap();
    assert_eq!(results["results"].as_array().unwrap().len(), 4);
    let manifest: serde_json::Value = serde_json::from_str(&scene.read("target/manifest.json")).unwrap();
    assert!(manifest["nodes"]["model.small.base"].is_object());
}

#[test]
fn a_failing_test_keeps_the_last_good_version_and_skips_what_is_downstream() {
    let scene = Scene::small();
    scene.must(&["build"]);
    scene.write("seeds/numbers.csv", "id,name\n1,one\n1,uno\n3,three\n");
    let ran = scene.run(&["build"]);
    assert_eq!(ran.code, 1, "{}", ran.told());
    snapshot!("build_gate", ran);
    assert_eq!(scene.rows("select id, name from base order by id"), [["1", "one"], ["2", "two"]]);
    assert_eq!(scene.value("select rows_seen from child"), "2");
    // With the data mended the next build publishes again.
    scene.write("seeds/numbers.csv", "id,name\n1,one\n2,two\n3,three\n");
    scene.must(&["build"]);
    assert_eq!(scene.value("select rows_seen from child"), "3");
}

#[test]
fn run_publishes_without_tests_and_test_finds_them_later() {
    let scene = Scene::small();
    scene.write("seeds/numbers.csv", "id,name\n1,one\n1,uno\n");
    scene.must(&["seed"]);
    scene.must(&["run"]);
    assert_eq!(scene.value("select count(*) from base"), "2");
    let ran = scene.run(&["test"]);
    assert_eq!(ran.code, 1, "{}", ran.told());
    snapshot!("test_fails", ran);
    let ran = scene.run(&["test", "--store-failures"]);
    assert_eq!(ran.code, 1);
    let hint = ran.stderr.lines().find_map(|line| line.trim().strip_prefix("see the rows: millstream query ")).unwrap();
    let rows = scene.rows(hint.trim_matches('"'));
    assert_eq!(rows.len(), 1, "the way to the rows that is told leads there");
}

#[test]
fn selection_takes_dbts_syntax_on_either_side() {
    let scene = Scene::small();
    scene.must(&["seed"]);
    let ran = scene.must(&["--threads", "1", "run", "--select", "base"]);
    assert!(ran.stderr.contains("main.base") && !ran.stderr.contains("main.child"), "{}", ran.told());
    let ran = scene.must(&["run", "-s", "base+", "--exclude", "base", "--threads", "2"]);
    assert!(!ran.stderr.contains("model main.base ") && ran.stderr.contains("main.child"), "{}", ran.told());
    let ran = scene.run(&["build", "--select", "nothing_like_it"]);
    assert_eq!(ran.code, 0);
    snapshot!("nothing_selected", ran);
}

#[test]
fn variables_reach_the_models() {
    let scene = Scene::small();
    scene.write("models/child.sql", "select {{ var('answer', 1) }} as answer from {{ ref('base') }} limit 1\n");
    scene.must(&["build", "--vars", "{answer: 42}"]);
    assert_eq!(scene.value("select answer from child"), "42");
    scene.must(&["build", "--vars", "{\"answer\": 43}"]);
    assert_eq!(scene.value("select answer from child"), "43");
    let ran = scene.run(&["build", "--vars", "[1]"]);
    assert_eq!(ran.code, 2, "{}", ran.told());
}

#[test]
fn listings_and_compiled_sql_are_data() {
    let scene = Scene::small();
    snapshot!("ls", scene.run(&["ls"]));
    snapshot!(
        "ls_json",
        scene.run(&["ls", "--resource-type", "model", "--output", "json", "--output-keys", "name depends_on"])
    );
    assert_eq!(
        scene.must(&["ls", "--select", "base+", "--resource-type", "model", "--output", "name"]).stdout,
        "base\nchild\n"
    );
    assert_eq!(
        scene.must(&["ls", "--select", "base", "--resource-type", "model", "--output", "path"]).stdout,
        "models/base.sql\n"
    );
    let ran = scene.run(&["compile", "--select", "child"]);
    assert_eq!(ran.code, 0, "{}", ran.told());
    snapshot!("compile", ran);
    scene.must(&["compile"]);
    assert!(scene.read("target/compiled/small/models/base.sql").contains("numbers"));
    let ran = scene.must(&["compile", "--inline", "select * from {{ ref('child') }}"]);
    assert!(ran.stdout.contains("child") && !ran.stdout.contains("{{"), "{}", ran.told());
    snapshot!("parse", scene.run(&["parse"]));
    scene.must(&["clean"]);
    assert!(!scene.path().join("target").exists());
}

#[test]
fn the_project_is_found_from_below_and_by_name() {
    let scene = Scene::small();
    let below = crate::support::program(&scene.path().join("models")).arg("ls").output().unwrap();
    assert!(below.status.success());
    let elsewhere = Scene::empty();
    let ran = elsewhere.must(&["ls", "--project-dir", scene.path().to_str().unwrap()]);
    assert!(ran.stdout.contains("small.base"));
}

#[test]
fn debug_checks_what_a_command_needs() {
    let scene = Scene::small();
    snapshot!("debug", scene.run(&["debug"]));
}
