//! `tests/slt/*.slt`: statements and their results, through `millstream query`.
//!
//! Results are read from CSV, so that a null and an empty text look the same there: files that are about nulls use
//! `is null`. Empty fields show as `(empty)`.

use std::sync::OnceLock;

use sqllogictest::{DB, DBOutput, DefaultColumnType, Runner};

use crate::support::{Scene, csv_rows};

struct Cli(&'static Scene);

/// What the program said on standard error.
#[derive(Debug)]
struct Told(String);

impl std::fmt::Display for Told {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Told {}

impl DB for Cli {
    type Error = Told;
    type ColumnType = DefaultColumnType;

    fn run(&mut self, sql: &str) -> Result<DBOutput<DefaultColumnType>, Told> {
        // A line `-- as of N` asks an earlier version.
        let as_of = sql.lines().find_map(|line| line.strip_prefix("-- as of "));
        let mut arguments = vec!["query", sql, "--format", "csv"];
        if let Some(version) = as_of {
            arguments.extend(["--as-of", version.trim()]);
        }
        let ran = self.0.run(&arguments);
        if ran.code != 0 {
            return Err(Told(ran.stderr));
        }
        // The header is a row of as many fields as there are columns.
        let header =
            csv_rows(&format!("{}\n{}", ran.stdout.lines().next().unwrap(), ran.stdout.lines().next().unwrap()));
        let columns = header[0].len();
        let shown = |value: &String| if value.is_empty() { "(empty)".to_owned() } else { value.clone() };
        let rows = csv_rows(&ran.stdout).iter().map(|row| row.iter().map(shown).collect()).collect();
        Ok(DBOutput::Rows { types: vec![DefaultColumnType::Any; columns], rows })
    }
}

/// One project for all files: the two real months, ingested and built once.
fn scene() -> &'static Scene {
    static SCENE: OnceLock<Scene> = OnceLock::new();
    SCENE.get_or_init(|| {
        let scene = Scene::finance_with_months();
        scene.must(&["ingest"]);
        scene.must(&["build"]);
        scene.must(&["build", "--select", "dim_users"]);
        scene
    })
}

#[test]
fn statements_give_the_written_results() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/slt");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() >= 5, "{files:?}");
    let mut problems = String::new();
    for file in files {
        let mut runner = Runner::new(|| async { Ok(Cli(scene())) });
        if let Err(error) = runner.run_file(&file) {
            problems.push_str(&format!("\n{error}"));
        }
    }
    assert!(problems.is_empty(), "{problems}");
}
