//! `check`, and that it comes before every run: nothing is run of a project in which a query would fail.

use crate::snapshot;
use crate::support::Scene;

/// The small project with two models that cannot run, and one below them.
fn broken() -> Scene {
    let scene = Scene::small();
    scene.write(
        "models/child.sql",
        "select\n    count(*) as rows_seen,\n    max(nmae) as last_name\nfrom {{ ref('base') }}\n",
    );
    scene.write("models/wrong_type.sql", "select id - current_date as nonsense from {{ ref('base') }}\n");
    scene.write("models/below.sql", "select anything from {{ ref('child') }}\n");
    scene
}

#[test]
fn a_sound_project_has_no_problems() {
    let scene = Scene::small();
    let ran = scene.must(&["check"]);
    snapshot!("check", ran);
    assert!(!scene.path().join("workspace/warehouse/main").exists(), "nothing is built");
}

#[test]
fn every_problem_of_every_model_is_told_with_its_place() {
    let scene = broken();
    let ran = scene.run(&["check"]);
    assert_eq!(ran.code, 1, "{}", ran.told());
    snapshot!("check_broken", ran);
    let ran = scene.run(&["check", "--format", "csv"]);
    assert_eq!(ran.code, 1);
    snapshot!("check_broken_csv", ran);
    scene.must(&["check", "--select", "base"]);
}

#[test]
fn nothing_runs_when_a_query_would_fail() {
    let scene = broken();
    // Without it nothing would be known of what the models read.
    scene.must(&["seed"]);
    for verb in ["build", "run"] {
        let ran = scene.run(&[verb]);
        assert_eq!(ran.code, 1, "{}", ran.told());
        assert!(ran.stderr.contains("models/child.sql:3:9"), "{}", ran.told());
        assert!(!ran.stderr.contains("OK"), "{}", ran.told());
    }
    let tables = scene.rows("select table_name from information_schema.tables where table_schema = 'main'");
    assert!(tables.is_empty(), "{tables:?}");
    // What is not selected does not stand in the way, and nothing does that the user waves through.
    scene.must(&["build", "--select", "+base"]);
    let ran = scene.run(&["build", "--no-check"]);
    assert_eq!(ran.code, 1, "{}", ran.told());
    assert!(ran.stderr.contains("OK created table model main.base"), "{}", ran.told());
    assert!(ran.stderr.contains("ERROR table model main.child"), "{}", ran.told());
    // What is tried again is checked or not as the run was.
    let ran = scene.run(&["retry"]);
    assert!(ran.stderr.contains("ERROR table model main.child"), "{}", ran.told());
}

#[test]
fn a_check_takes_what_exists_into_account() {
    let scene = Scene::small();
    scene.must(&["build"]);
    // The column is in the table, and no longer in what will be built of it.
    scene.write("models/base.sql", "select id from {{ ref('numbers') }}\n");
    scene.write("models/child.sql", "select max(name) as last_name from {{ ref('base') }}\n");
    assert_eq!(scene.run(&["check"]).code, 1);
    assert_eq!(scene.run(&["check", "--select", "child"]).code, 0, "base stays as it is");
    scene.must(&["run", "--select", "child"]);
    assert_eq!(scene.value("select last_name from child"), "two");
}

#[test]
fn an_unchanged_project_is_neither_read_nor_planned_again() {
    let scene = Scene::small();
    scene.must(&["check"]);
    let kept = |file: &str| std::fs::metadata(scene.path().join("target").join(file)).unwrap().modified().unwrap();
    let before = (kept("millstream_parse.bin"), kept("millstream_check.bin"));
    scene.must(&["check"]);
    assert_eq!((kept("millstream_parse.bin"), kept("millstream_check.bin")), before);
    scene.write("models/child.sql", "select max(id) as last_id from {{ ref('base') }}\n");
    scene.must(&["check"]);
    let after = (kept("millstream_parse.bin"), kept("millstream_check.bin"));
    assert!(after.0 > before.0 && after.1 > before.1);
    scene.must(&["check", "--no-partial-parse"]);
    assert_eq!((kept("millstream_parse.bin"), kept("millstream_check.bin")), after);
    // A program that is not allowed to keep anything reads all the same.
    let ran = scene.run_with(&["check", "--target-path", "elsewhere"], &[("DBT_PARTIAL_PARSE", "False")]);
    assert_eq!(ran.code, 0, "{}", ran.told());
    assert!(!scene.path().join("elsewhere").exists());
}
