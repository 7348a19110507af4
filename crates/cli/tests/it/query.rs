//! `query`: formats, files, limits, versions, errors.

use std::io::Write;
use std::process::Stdio;

use crate::snapshot;
use crate::support::{Scene, program};

const VALUES: &str = "select 1 as id, 'a, \"b\"' as name, cast('1234.50' as decimal(18,2)) as amount, \
    timestamp '2025-06-13 16:20:45.5' as at, true as ok, cast(null as varchar) as nothing \
    union all select 2, 'Zoë', -0.05, null, false, 'x' order by 1";

#[test]
fn every_format_tells_the_same_rows() {
    let scene = Scene::small();
    for format in ["table", "csv", "json", "jsonl"] {
        snapshot!(format!("query_{format}"), scene.run(&["query", VALUES, "--format", format]));
    }
    let parquet = program(scene.path()).args(["query", VALUES, "--format", "parquet"]).output().unwrap();
    assert!(parquet.status.success() && parquet.stdout.starts_with(b"PAR1") && parquet.stdout.ends_with(b"PAR1"));
}

#[test]
fn a_result_without_rows_still_has_columns() {
    let scene = Scene::small();
    let sql = "select 1 as id, 'a' as name where false";
    assert_eq!(scene.must(&["query", sql, "--format", "csv"]).stdout, "id,name\n");
    assert_eq!(scene.must(&["query", sql, "--format", "table"]).stdout, "id  name\n--  ----\n");
    let json: serde_json::Value =
        serde_json::from_str(&scene.must(&["query", sql, "--format", "json"]).stdout).unwrap();
    assert_eq!(json, serde_json::json!([]));
}

#[test]
fn sql_comes_from_an_argument_a_file_or_standard_input() {
    let scene = Scene::small();
    scene.write("ask.sql", "-- a comment; with a semicolon\nselect 2 as two;\n");
    assert_eq!(scene.must(&["query", "--file", "ask.sql", "--format", "csv"]).stdout, "two\n2\n");
    let mut child = program(scene.path())
        .args(["query", "-", "--format", "csv"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"select 3 as three").unwrap();
    assert_eq!(String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap(), "three\n3\n");
    let ran = scene.run(&["query", "  ; "]);
    assert_eq!(ran.code, 2, "{}", ran.told());
}

#[test]
fn limits_and_files() {
    let scene = Scene::small();
    let sql = "select * from generate_series(1, 100000) as t(n)";
    assert_eq!(scene.must(&["query", sql, "--format", "jsonl", "--limit", "3"]).stdout.lines().count(), 3);
    assert_eq!(scene.must(&["query", sql, "--format", "csv", "--limit", "0"]).stdout.lines().count(), 1);
    let ran = scene.must(&["query", sql, "--output", "rows.csv"]);
    assert!(ran.stdout.is_empty() && ran.stderr.contains("100,000 rows"), "{}", ran.told());
    assert_eq!(scene.read("rows.csv").lines().count(), 100_001);
    // A query that fails half-way leaves no file and does not touch the one that is there.
    let failing = "select 1 / (n - 90000) from generate_series(1, 100000) as t(n)";
    let ran = scene.run(&["query", failing, "--output", "rows.csv"]);
    assert_eq!(ran.code, 1, "{}", ran.told());
    assert_eq!(scene.read("rows.csv").lines().count(), 100_001);
}

#[test]
fn jinja_is_compiled_first() {
    let scene = Scene::small();
    scene.must(&["build"]);
    assert_eq!(scene.value("select count(*) from {{ ref('base') }}"), "2");
}

#[test]
fn past_versions_can_be_asked() {
    let scene = Scene::small();
    scene.must(&["build"]);
    scene.write("seeds/numbers.csv", "id,name\n1,one\n");
    scene.must(&["build"]);
    let count = |as_of: &str| {
        scene.must(&["query", "select count(*) as n from base", "--as-of", as_of, "--format", "csv"]).stdout
    };
    assert_eq!(count("0"), "n\n2\n");
    assert_eq!(count("1"), "n\n1\n");
    assert_eq!(count("2999-01-01"), "n\n1\n");
    snapshot!("as_of_unknown", scene.run(&["query", "select count(*) from base", "--as-of", "9"]));
    let before = scene.run(&["query", "select count(*) from base", "--as-of", "2020-01-01"]);
    assert_eq!(before.code, 1, "{}", before.told());
}

#[test]
fn errors_name_the_place_and_what_was_meant() {
    let scene = Scene::small();
    scene.must(&["build"]);
    for (name, sql) in [
        ("query_unknown_table", "select * from bsae"),
        ("query_unknown_column", "select nme from base"),
        ("query_syntax", "select from where"),
        ("query_write", "drop table base"),
    ] {
        let ran = scene.run(&["query", sql]);
        assert!([1, 2].contains(&ran.code), "{}", ran.told());
        assert!(ran.stdout.is_empty());
        snapshot!(name, ran);
    }
    assert_eq!(scene.value("select count(*) from base"), "2");
}
