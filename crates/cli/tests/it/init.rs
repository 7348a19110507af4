//! `init`, and the way on from there without any flag.

use crate::snapshot;
use crate::support::{Ran, Scene, program};

fn run(scene: &Scene, folder: &str, arguments: &[&str]) -> Ran {
    let output = program(&scene.path().join(folder)).args(arguments).output().unwrap();
    Ran::new(output, arguments, scene.path())
}

#[test]
fn init_ingest_build_query_need_no_flags() {
    let scene = Scene::empty();
    snapshot!("init", scene.run(&["init", "my-shop"]));
    let generate =
        ["generate", "--year", "2025", "--month", "6", "--users", "20", "--transactions", "100", "--seed", "1"];
    let ran = run(&scene, "my-shop", &generate);
    assert_eq!(ran.code, 0, "{}", ran.told());
    snapshot!("generate", ran);
    for step in [&["ingest"][..], &["build"], &["report"]] {
        let ran = run(&scene, "my-shop", step);
        assert_eq!(ran.code, 0, "{}", ran.told());
    }
    let ran = run(&scene, "my-shop", &["query", "select count(*) as n from fct_transactions", "--format", "csv"]);
    assert_eq!(ran.stdout, "n\n100\n", "{}", ran.told());
    let again = scene.run(&["init", "my-shop"]);
    assert_eq!(again.code, 2, "{}", again.told());
}

#[test]
fn the_bare_layout_is_a_project_too() {
    let scene = Scene::empty();
    scene.must(&["init", "bare", "--empty"]);
    assert_eq!(run(&scene, "bare", &["parse"]).code, 0);
    let ran = run(&scene, "bare", &["build"]);
    assert_eq!(ran.code, 0, "{}", ran.told());
    snapshot!("init_empty_ingest", run(&scene, "bare", &["ingest"]));
    let ran = scene.run(&["init", "1bad"]);
    assert_eq!(ran.code, 2, "{}", ran.told());
}
