//! `ingest`: a CSV of 10 M transactions with full contract checks, against DuckDB's `read_csv` and insert.

use std::path::{Path, PathBuf};

use super::measure::{compare, measure, median};
use super::scene::{RUNS, Scene};

/// Transactions in the file.
pub const ROWS: u64 = 10_000_000;

/// Runs the bench.
pub fn run(scene: &Scene) -> Result<(), String> {
    let input = input(scene)?;
    let (mut ours, mut peer) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        let project = scene.project("ingest-project")?;
        std::fs::hard_link(transactions(&input), project.join("data/incoming/transactions_2025_06.csv"))
            .map_err(|error| error.to_string())?;
        ours.push(measure(scene, &project, &[&scene.binary, "ingest", "transactions_batch"])?);
        let database = scene.folder.join("ingest.duckdb");
        let _ = std::fs::remove_file(&database);
        let command = scene.peer(
            "duckdb_ingest.py",
            &[&transactions(&input).to_string_lossy(), &database.to_string_lossy(), &scene.threads],
        );
        let command: Vec<&str> = command.iter().map(String::as_str).collect();
        peer.push(measure(scene, &scene.folder, &command)?);
        let _ = std::fs::remove_file(&database);
    }
    compare(
        &format!("ingest a CSV of {ROWS} transactions, every contract rule checked (DuckDB: types only)"),
        median(ours),
        "duckdb read_csv + insert",
        median(peer),
    );
    Ok(())
}

/// The folder with the large input, made once per scratch folder.
pub fn input(scene: &Scene) -> Result<PathBuf, String> {
    let folder = scene.folder.join("input-10m");
    if !transactions(&folder).exists() {
        super::generate::transactions(scene, &folder, ROWS, "7")?;
    }
    Ok(folder)
}

/// The transactions' file in the input folder.
pub fn transactions(folder: &Path) -> PathBuf {
    folder.join("transactions_2025_06.csv")
}
