//! `examples/retail_snowflake`, Snowflake's dialect without an account, against the rows that dbt-core with dbt-snowflake
//! made of it: `tests/expected/retail_snowflake`, written by `tests/services/snowflake/run.sh --write`.

use std::fmt;
use std::path::Path;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::Value;

use crate::support::{Scene, copy, repository};

const LOCAL: [&str; 4] = ["--target", "snowflake", "--engine", "local"];
const EARLY: &str = r#"{"as_of": "2025-01-31 00:00:00"}"#;

/// A row of `--format json`, its columns in order.
struct Row(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Row {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs;
        impl<'de> Visitor<'de> for Pairs {
            type Value = Row;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a row")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Row, A::Error> {
                let mut row = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    row.push(pair);
                }
                Ok(Row(row))
            }
        }
        deserializer.deserialize_map(Pairs)
    }
}

/// The spelling of `tests/services/snowflake/canonical.py`; null is `\N`.
fn spelled(value: &Value) -> String {
    match value {
        Value::Null => "\\N".into(),
        Value::Bool(_) | Value::Number(_) | Value::Object(_) | Value::Array(_) => document(value),
        Value::String(text) if is_instant(text) => {
            let text = text.replacen('T', " ", 1);
            match text.split_once('.') {
                Some((whole, fraction)) => {
                    format!("{whole}.{fraction}").trim_end_matches('0').trim_end_matches('.').to_owned()
                }
                None => text,
            }
        }
        Value::String(text) if text.starts_with(['{', '[']) => {
            serde_json::from_str(text).map_or_else(|_| text.clone(), |value| document(&value))
        }
        Value::String(text) => text.clone(),
    }
}

fn is_instant(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() >= 19
        && bytes.iter().take(19).zip(b"0000-00-00T00:00:00").all(|(byte, like)| match like {
            b'0' => byte.is_ascii_digit(),
            b'T' => matches!(byte, b'T' | b' '),
            other => byte == other,
        })
}

/// JSON with sorted keys, without blanks, numbers without trailing zeros.
fn document(value: &Value) -> String {
    match value {
        Value::Object(pairs) => {
            let mut pairs: Vec<_> = pairs.iter().collect();
            pairs.sort_by_key(|(key, _)| key.as_str());
            let pairs: Vec<_> = pairs
                .into_iter()
                .map(|(key, value)| format!("{}:{}", Value::from(key.as_str()), document(value)))
                .collect();
            format!("{{{}}}", pairs.join(","))
        }
        Value::Array(elements) => format!("[{}]", elements.iter().map(document).collect::<Vec<_>>().join(",")),
        Value::Number(number) => match number.as_f64() {
            Some(float) if number.is_f64() => format!("{}", if float == 0.0 { 0.0 } else { float }),
            _ => number.to_string(),
        },
        other => other.to_string(),
    }
}

/// Differences between the built relation and its file, empty if there are none.
fn difference(scene: &Scene, file: &Path) -> String {
    let relation = file.file_stem().unwrap().to_str().unwrap();
    let mut reader = csv::Reader::from_path(file).unwrap();
    let names: Vec<String> = reader.headers().unwrap().iter().map(str::to_owned).collect();
    let mut expected: Vec<Vec<String>> =
        reader.records().map(|record| record.unwrap().iter().map(str::to_owned).collect()).collect();
    let listed = names.iter().map(|name| format!("\"{}\"", name.replace('"', "\"\"")));
    // Snapshots have columns that no two builds share, so those are asked for by name.
    let columns = if relation.starts_with("snapshots.") { listed.collect::<Vec<_>>().join(", ") } else { "*".into() };
    let columns = match relation {
        "snapshots.snap_subscriptions" => {
            columns.replace("\"dbt_valid_to\"", "case when dbt_valid_to is not null then 'set' end as dbt_valid_to")
        }
        _ => columns,
    };
    let sql = format!("select {columns} from {relation}");
    let mut arguments = vec!["query", &sql, "--format", "json"];
    arguments.extend(LOCAL);
    let ran = scene.run(&arguments);
    if ran.code != 0 {
        return format!("\n{relation}: {}", ran.told());
    }
    let rows: Vec<Row> = serde_json::from_str(&ran.stdout).unwrap();
    let found_names: Vec<String> =
        rows.first().map(|row| row.0.iter().map(|(name, _)| name.to_lowercase()).collect()).unwrap_or_default();
    if !rows.is_empty() && found_names != names {
        return format!("\n{relation}: columns {found_names:?}, expected {names:?}");
    }
    let mut found: Vec<Vec<String>> =
        rows.iter().map(|row| row.0.iter().map(|(_, value)| spelled(value)).collect()).collect();
    found.sort();
    expected.sort();
    if found == expected {
        return String::new();
    }
    let lacking = expected.iter().find(|row| !found.contains(row));
    let extra = found.iter().find(|row| !expected.contains(row));
    format!(
        "\n{relation}: {} rows, expected {}\n  lacking for example {lacking:?}\n  too many for example {extra:?}",
        found.len(),
        expected.len()
    )
}

fn differences(scene: &Scene, but: &str) -> String {
    let folder = repository().join("tests/expected/retail_snowflake");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() > 40, "{files:?}");
    files
        .iter()
        .filter(|file| !file.file_name().unwrap().to_str().unwrap().starts_with(but))
        .map(|file| difference(scene, file))
        .collect()
}

fn build(scene: &Scene, more: &[&str]) {
    let mut arguments = vec!["build"];
    arguments.extend(LOCAL);
    arguments.extend(more);
    scene.must(&arguments);
}

#[test]
fn a_snowflake_project_gives_the_rows_of_dbt_snowflake_without_an_account() {
    let scene = Scene::empty();
    copy(&repository().join("examples/retail_snowflake"), scene.path());
    // All of it can be judged before anything exists.
    let mut check = vec!["check"];
    check.extend(LOCAL);
    let ran = scene.must(&check);
    assert!(ran.stderr.contains("no problems") && !ran.stderr.contains("not checked"), "{}", ran.told());
    // What was known in January, then the rest: merged, appended and snapshotted.
    build(&scene, &["--vars", EARLY]);
    build(&scene, &[]);
    assert_eq!(differences(&scene, "none"), "");
    // Built anew, the incremental models hold the same; what snapshots have seen is theirs alone.
    build(&scene, &["--full-refresh", "--exclude", "resource_type:snapshot"]);
    assert_eq!(differences(&scene, "snapshots."), "");
}
