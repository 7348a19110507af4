//! `report`: the project's questions and their charts.

use crate::snapshot;
use crate::support::Scene;

fn scene() -> Scene {
    let scene = Scene::small();
    scene.write(
        "analyses/names.sql",
        "{{ config(meta={'millstream': {'title': 'How long are names?', 'chart': 'bar', 'x': 'name', 'y': 'length'}}) }}\n\
         select name, length(name) * id as length from {{ ref('base') }} order by name\n",
    );
    scene.write("analyses/plain.sql", "select count(*) as rows_seen from {{ ref('base') }}\n");
    scene.must(&["build"]);
    scene
}

#[test]
fn questions_are_answered_with_rows_and_charts() {
    let scene = scene();
    snapshot!("report", scene.run(&["report"]));
    snapshot!("report_list", scene.run(&["report", "--list"]));
    let csv = scene.must(&["report", "names", "--format", "csv"]).stdout;
    assert_eq!(csv, "name,length\none,3\ntwo,6\n");
    assert!(!scene.must(&["report", "names", "--no-chart"]).stdout.contains('█'));
    let ran = scene.run(&["report", "nmaes"]);
    assert_eq!(ran.code, 2, "{}", ran.told());
    snapshot!("report_unknown", ran);
}

#[test]
fn a_chart_that_names_an_unknown_column_is_told() {
    let scene = scene();
    scene.write(
        "analyses/names.sql",
        "{{ config(meta={'millstream': {'chart': 'bar', 'x': 'name', 'y': 'lenght'}}) }}\nselect name, id as length from {{ ref('base') }}\n",
    );
    let ran = scene.run(&["report", "names"]);
    assert_eq!(ran.code, 1, "{}", ran.told());
    assert!(ran.stderr.contains("lenght") && ran.stderr.contains("use one of: name, length"), "{}", ran.told());
}
