//! Errors: what, where, why, how to fix; and the exit code that says whose problem it is.

use std::process::Stdio;

use crate::snapshot;
use crate::support::{Scene, interrupt, program};

#[test]
fn outside_of_a_project_the_way_in_is_told() {
    let scene = Scene::empty();
    let ran = scene.run(&["build"]);
    assert_eq!(ran.code, 2);
    snapshot!("no_project", ran);
}

#[test]
fn a_broken_project_tells_all_its_problems_at_once() {
    let scene = Scene::small();
    scene.write("models/child.sql", "select * from {{ ref('bsae') }}\n");
    scene.write("models/broken.sql", "select {{ 1 + from {{ ref('base') }}\n");
    scene.write(
        "models/schema.yml",
        "version: 2\nmodels:\n  - name: base\n    columns:\n      - name: id\n        data_tests: [uniqe]\n",
    );
    let ran = scene.run(&["build"]);
    assert_eq!(ran.code, 1, "{}", ran.told());
    for place in ["models/child.sql:1", "models/broken.sql:1", "models/schema.yml:6"] {
        assert!(ran.stderr.contains(place), "{place} is not told: {}", ran.told());
    }
    snapshot!("broken_project", ran);
    // Nothing was built of it.
    assert!(!scene.path().join("workspace/warehouse").exists());
}

#[test]
fn a_model_that_fails_says_where_its_sql_is() {
    let scene = Scene::small();
    scene.write("models/child.sql", "select 10 / (id - id) as nonsense from {{ ref('base') }}\n");
    let ran = scene.run(&["build"]);
    assert_eq!(ran.code, 1, "{}", ran.told());
    snapshot!("failing_model", ran);
    assert!(scene.read("target/compiled/small/models/child.sql").contains("nonsense"));
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let scene = Scene::small();
    let mut child = program(scene.path())
        .args(["query", "select * from generate_series(1, 2000000)", "--format", "csv"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // As `head -1` does: read a little, then close.
    let mut first = [0; 16];
    std::io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut first).unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn no_colours_without_a_terminal_and_json_lines_are_json() {
    let scene = Scene::small();
    let ran = scene.must(&["build", "--log-format", "json"]);
    assert!(!ran.stderr.contains('\u{1b}'));
    for line in ran.stderr.lines() {
        let value: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(value["event"].is_string(), "{line}");
        // The time has a field of its own.
        let clock = |text: &str| text.len() > 8 && text.as_bytes()[2] == b':' && text.as_bytes()[5] == b':';
        assert!(value["message"].as_str().is_some_and(|text| !clock(text)), "{line}");
    }
    let finished = ran.stderr.lines().filter(|line| line.contains("\"node-finished\"")).count();
    assert_eq!(finished, 4, "a seed, two models and a test: {}", ran.stderr);
    assert!(scene.must(&["build", "--quiet"]).stderr.is_empty());
}

#[test]
fn a_held_workspace_is_told_and_can_be_waited_for() {
    let scene = Scene::small();
    scene.must(&["build"]);
    let lock = std::fs::File::options().write(true).open(scene.path().join("workspace/lock")).unwrap();
    lock.lock().unwrap();
    let ran = scene.run(&["build"]);
    assert_eq!(ran.code, 3, "{}", ran.told());
    assert!(ran.stderr.contains("--wait"), "{}", ran.told());
    // Readers are never held up.
    assert_eq!(scene.value("select count(*) from base"), "2");
    let mut waiting = program(scene.path()).args(["build", "--wait", "60s"]).stderr(Stdio::null()).spawn().unwrap();
    std::thread::sleep(std::time::Duration::from_millis(300));
    drop(lock);
    assert!(waiting.wait().unwrap().success());
}

#[test]
fn ctrl_c_ends_a_command_that_waits() {
    let scene = Scene::small();
    scene.must(&["build"]);
    let lock = std::fs::File::options().write(true).open(scene.path().join("workspace/lock")).unwrap();
    lock.lock().unwrap();
    let waiting = program(scene.path()).args(["build", "--wait", "60s"]).stderr(Stdio::piped()).spawn().unwrap();
    std::thread::sleep(std::time::Duration::from_secs(2));
    interrupt(&waiting);
    let output = waiting.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", String::from_utf8_lossy(&output.stderr));
}
