//! The finance project on the fixtures, against values that were worked out without its models (`tests/expected`).

use serde_json::Value;

use crate::support::{BrokerProcess, Scene, copy, csv_rows, repository};

/// Runs each check of a list; all differences are told at once.
fn check(scene: &Scene, checks: &Value) {
    let mut differences = String::new();
    for check in checks.as_array().unwrap() {
        let sql = check["sql"].as_str().unwrap();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let expected: Vec<Vec<String>> = check["rows"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| row.as_array().unwrap().iter().map(text).collect())
            .collect();
        let ran = scene.run(&["query", sql, "--format", "csv"]);
        let found = csv_rows(&ran.stdout);
        if ran.code != 0 || found != expected {
            differences.push_str(&format!(
                "\n{}\n  {sql}\n  expected {expected:?}\n  found    {found:?}\n{}",
                check["name"], ran.stderr
            ));
        }
    }
    assert!(differences.is_empty(), "{differences}");
}

fn expected(file: &str) -> Value {
    serde_json::from_str(&std::fs::read_to_string(repository().join("tests/expected").join(file)).unwrap()).unwrap()
}

#[test]
fn two_real_months_and_500_messages_give_the_expected_marts() {
    let scene = Scene::finance_with_months();
    let broker = BrokerProcess::start("transactions:3");
    broker.send_fixture();
    scene.must(&["ingest", "--brokers", &broker.address]);
    scene.must(&["build"]);
    let marts = expected("marts.json");
    check(&scene, &marts);
    // A second build changes nothing, and neither does one from the start.
    scene.must(&["build"]);
    check(&scene, &marts);
    scene.must(&["build", "--full-refresh"]);
    check(&scene, &marts);
}

#[test]
fn users_who_change_get_their_history_month_by_month() {
    let scene = Scene::finance();
    let expected = expected("scd2.json");
    let fixtures = repository().join("tests/fixtures/scd2");
    for (month, after) in [("2025_06", "after_june"), ("2025_07", "after_july"), ("2025_08", "after_august")] {
        for kind in ["transactions", "user_registrations"] {
            let file = format!("{kind}_{month}.csv");
            std::fs::copy(fixtures.join(&file), scene.path().join("data/incoming").join(&file)).unwrap();
        }
        scene.must(&["ingest"]);
        scene.must(&["build"]);
        check(&scene, &expected[after]);
    }
    check(&scene, &expected["snapshot_three_builds"]);
}

#[test]
fn late_months_end_in_the_same_history() {
    let scene = Scene::finance();
    let expected = expected("scd2.json");
    copy(&repository().join("tests/fixtures/scd2"), &scene.path().join("data/incoming"));
    let all_at_once = Scene::finance();
    copy(&repository().join("tests/fixtures/scd2"), &all_at_once.path().join("data/incoming"));
    all_at_once.must(&["ingest"]);
    all_at_once.must(&["build"]);
    check(&all_at_once, &expected["after_august"]);
    check(&all_at_once, &expected["snapshot_one_build"]);
    let june = scene.path().join("data/incoming/user_registrations_2025_06.csv");
    let late = scene.path().join("late.csv");
    std::fs::rename(&june, &late).unwrap();
    scene.must(&["ingest"]);
    scene.must(&["build"]);
    std::fs::rename(&late, &june).unwrap();
    scene.must(&["ingest"]);
    scene.must(&["build"]);
    check(&scene, &expected["after_august"]);
}
