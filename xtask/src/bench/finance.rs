//! `finance`: the whole `build` of the reference project on two real months and 500 Kafka messages, against dbt-core
//! with dbt-duckdb on the equivalent project (the same folder, target `duckdb`).

use std::process::Command;

use super::measure::{compare, measure, median};
use super::scene::{Scene, run as must};

/// Runs per side.
const RUNS: usize = 5;

/// Runs the bench.
pub fn run(scene: &Scene) -> Result<(), String> {
    let folder = scene.folder.join("finance");
    must(
        Command::new("bash")
            .arg(scene.root.join("tests/services/dbt/prepare.sh"))
            .arg(&folder)
            .env("MILLSTREAM_BIN", &scene.binary)
            .env("DBT_VENV", scene.folder.join("venv")),
    )?;
    let (project, peer_project) = (folder.join("millstream"), folder.join("dbt"));
    let dbt = scene.folder.join("venv/bin/dbt").to_string_lossy().into_owned();
    let database = peer_project.join("finance.duckdb");
    let raw_only = peer_project.join("raw-only.duckdb");
    let pristine = folder.join("workspace-raw-only");
    let (mut ours, mut peer) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        let _ = std::fs::remove_dir_all(project.join("workspace"));
        super::scene::copy(&pristine, &project.join("workspace"))?;
        ours.push(measure(scene, &project, &[&scene.binary, "build"])?);
        std::fs::copy(&raw_only, &database).map_err(|error| format!("{}: {error}", raw_only.display()))?;
        let _ = std::fs::remove_dir_all(peer_project.join("target"));
        peer.push(measure(
            scene,
            &peer_project,
            &[&dbt, "build", "--quiet", "--profiles-dir", ".", "--target", "duckdb", "--threads", &scene.threads],
        )?);
    }
    compare(
        "build examples/finance (models, seeds, snapshot, every test), two real months + 500 messages",
        median(ours),
        "dbt-core + dbt-duckdb",
        median(peer),
    );
    Ok(())
}
