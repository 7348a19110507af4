//! `tests/slt/*.slt`: statements and their results, through `millstream query`. Those in `tests/slt/snowflake` are in
//! Snowflake's dialect: each says in a comment which page of Snowflake's documentation its values come from.
//!
//! Results are read from CSV, so that a null and an empty text look the same there: files that are about nulls use
//! `is null`. Empty fields show as `(empty)`.

use std::sync::OnceLock;

use sqllogictest::{DB, DBOutput, DefaultColumnType, Runner};

use crate::support::{Scene, csv_rows};

struct Cli {
    scene: &'static Scene,
    variables: &'static [(&'static str, &'static str)],
}

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
        let ran = self.scene.run_with(&arguments, self.variables);
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

/// A project whose target is Snowflake, for its dialect.
fn snowflake_scene() -> &'static Scene {
    static SCENE: OnceLock<Scene> = OnceLock::new();
    SCENE.get_or_init(|| {
        let scene = Scene::snowflake();
        let ran = scene.run_with(&["build"], LOCAL);
        assert_eq!(ran.code, 0, "{}", ran.told());
        scene
    })
}

/// What makes a Snowflake target run here.
const LOCAL: &[(&str, &str)] = &[("MILLSTREAM_ENGINE", "local")];

fn run(folder: &str, files_min: usize, db: fn() -> Cli) {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = files.filter(|file| file.extension().is_some_and(|ending| ending == "slt")).collect();
    files.sort();
    assert!(files.len() >= files_min, "{files:?}");
    let mut problems = String::new();
    for file in files {
        let mut runner = Runner::new(|| async { Ok(db()) });
        if let Err(error) = runner.run_file(&file) {
            problems.push_str(&format!("\n{error}"));
        }
    }
    assert!(problems.is_empty(), "{problems}");
}

#[test]
fn statements_give_the_written_results() {
    run("tests/slt", 5, || Cli { scene: scene(), variables: &[] });
}

#[test]
fn snowflake_statements_give_the_documented_results() {
    run("tests/slt/snowflake", 1, || Cli { scene: snowflake_scene(), variables: LOCAL });
}
