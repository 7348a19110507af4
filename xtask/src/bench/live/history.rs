//! Projects with a history: files of past months, ingested and built.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::bench::scene::{Scene, run};

/// Months over which the history is spread.
pub const MONTHS: u64 = 6;

/// A project of `examples/finance` with so many rows of past transactions, built.
pub fn built(scene: &Scene, name: &str, rows: u64, users: u64) -> Result<PathBuf, String> {
    let project = scene.project(name)?;
    generate(scene, &project, "2025", "1", MONTHS, rows / MONTHS, users)?;
    millstream(scene, &project, &["ingest"])?;
    millstream(scene, &project, &["build"])?;
    Ok(project)
}

/// Files of some months, with so many transactions each.
pub fn generate(
    scene: &Scene,
    project: &Path,
    year: &str,
    month: &str,
    months: u64,
    transactions: u64,
    users: u64,
) -> Result<(), String> {
    let (months, transactions, users) = (months.to_string(), transactions.to_string(), users.to_string());
    let dates = ["--year", year, "--month", month, "--months", &months];
    let sizes = ["--transactions", &transactions, "--users", &users, "--seed", "7"];
    let to = ["--out-dir", "data/incoming"];
    let words: Vec<&str> = ["generate"].into_iter().chain(dates).chain(sizes).chain(to).collect();
    millstream(scene, project, &words)
}

/// Runs our binary in a project; a failure ends the bench.
pub fn millstream(scene: &Scene, project: &Path, words: &[&str]) -> Result<(), String> {
    run(Command::new(&scene.binary).arg("--quiet").args(words).current_dir(project))
}

/// The rows of a query, without the header.
pub fn query(scene: &Scene, project: &Path, sql: &str, options: &[&str]) -> Result<Vec<Vec<String>>, String> {
    let output = Command::new(&scene.binary)
        .args(["--quiet", "query", sql, "--format", "csv"])
        .args(options)
        .current_dir(project)
        .output()
        .map_err(|error| format!("millstream query: {error}"))?;
    if !output.status.success() {
        return Err(format!("{sql}: {}", String::from_utf8_lossy(&output.stderr)));
    }
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    Ok(text.lines().skip(1).map(|line| line.split(',').map(str::to_owned).collect()).collect())
}
