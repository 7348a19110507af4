//! `build`: every model of the reference project at 10 M transactions, against the same models in DuckDB.
//!
//! The peer's SQL is what dbt compiles from the same folder for DuckDB; it runs without dbt's own time. The seeds,
//! the snapshot and the tests are left out on both sides of the comparison; a full `build` with them is shown beside.

use super::ingest::{input, transactions};
use super::measure::{compare, measure, median};
use super::scene::{RUNS, Scene};

/// Runs the bench.
pub fn run(scene: &Scene) -> Result<(), String> {
    let input = input(scene)?;
    let project = scene.project("build-project")?;
    for file in ["transactions_2025_06.csv", "user_registrations_2025_06.csv"] {
        std::fs::hard_link(input.join(file), project.join("data/incoming").join(file))
            .map_err(|error| error.to_string())?;
    }
    measure(scene, &project, &[&scene.binary, "ingest"])?;
    measure(scene, &project, &[&scene.binary, "seed"])?;
    let mut ours = Vec::new();
    for _ in 0..RUNS {
        ours.push(measure(scene, &project, &[&scene.binary, "run", "--full-refresh"])?);
    }
    let whole = measure(scene, &project, &[&scene.binary, "build", "--full-refresh"])?;

    let folder = scene.folder.join("build-peer");
    scene.dbt_peer(&project, &folder, &["--seeded"])?;
    let database = folder.join("base.duckdb").to_string_lossy().into_owned();
    let manifest = folder.join("project/target/manifest.json").to_string_lossy().into_owned();
    let command = scene.peer("duckdb_models.py", &[&database, &manifest, &scene.threads]);
    let command: Vec<&str> = command.iter().map(String::as_str).collect();
    let mut peer = Vec::new();
    for _ in 0..RUNS {
        peer.push(measure(scene, &folder, &command)?);
    }
    let rows = std::fs::metadata(transactions(&input)).map(|file| file.len()).unwrap_or(0);
    compare(
        &format!("run every model at 10 M transactions (CSV of {} MB)", rows / 1_000_000),
        median(ours),
        "the same models in DuckDB",
        median(peer),
    );
    println!(
        "  millstream build with seeds, snapshot and every test: {:.2} s, peak {:.0} MiB",
        whole.seconds, whole.peak_mib
    );
    Ok(())
}
