//! `demo`: everything in order, once; a second run adds nothing; the folder can be gone on with.

use crate::snapshot;
use crate::support::{Ran, Scene, program};

/// Lines that the demo may say, answers included.
const LINES_MAX: usize = 40;

const COUNTS: &str = "select (select count(*) from raw.transactions_batch), (select count(*) from raw.users), \
    (select count(*) from raw.transactions_streaming), (select count(*) from quarantine.transactions_batch), \
    (select count(*) from marts.fct_transactions), (select count(*) from marts.dim_users_scd2), \
    (select sum(amount) from marts.fct_transactions)";

fn ask(scene: &Scene, sql: &str) -> String {
    let folder = scene.path().join("millstream-demo");
    let output = program(&folder).args(["query", sql, "--format", "csv"]).output().unwrap();
    let ran = Ran::new(output, &["query"], scene.path());
    assert_eq!(ran.code, 0, "{}", ran.told());
    ran.stdout
}

#[test]
fn the_demo_tells_its_story_and_is_idempotent() {
    let scene = Scene::empty();
    let ran = scene.run(&["demo", "--fast"]);
    assert_eq!(ran.code, 0, "{}", ran.told());
    let lines = ran.stderr.lines().count() + ran.stdout.lines().count();
    assert!(lines <= LINES_MAX, "{lines} lines: {}", ran.told());
    snapshot!("demo", ran);
    let counts = ask(&scene, COUNTS);

    let again = scene.run(&["demo", "--fast"]);
    assert_eq!(again.code, 0, "{}", again.told());
    assert!(again.stderr.contains("this run added no row"), "{}", again.told());
    assert!(again.stderr.lines().count() + again.stdout.lines().count() <= LINES_MAX);
    snapshot!("demo_again", again);
    assert_eq!(ask(&scene, COUNTS), counts);

    // Another demo does not mix with this one.
    let other = scene.run(&["demo", "--fast", "--seed", "7"]);
    assert_eq!(other.code, 2, "{}", other.told());
    assert_eq!(ask(&scene, COUNTS), counts);

    // Everything that arrived is accounted for.
    assert_eq!(
        ask(&scene, "select count(*) from (select distinct tx_id from raw.transactions_batch union select distinct tx_id from raw.transactions_streaming)")
            .lines().last().map(str::to_owned),
        ask(&scene, "select count(*) from marts.fct_transactions").lines().last().map(str::to_owned)
    );
}

#[test]
fn a_folder_with_something_else_is_left_alone() {
    let scene = Scene::empty();
    scene.write("millstream-demo/notes.txt", "mine");
    let ran = scene.run(&["demo", "--fast"]);
    assert_eq!(ran.code, 2, "{}", ran.told());
    assert_eq!(scene.read("millstream-demo/notes.txt"), "mine");
    assert_eq!(std::fs::read_dir(scene.path().join("millstream-demo")).unwrap().count(), 1);
}
