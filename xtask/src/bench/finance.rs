//! `finance`: the whole `build` of the reference project on two real months and 500 Kafka messages, against dbt-core
//! with dbt-duckdb on the equivalent project (the same folder, target `duckdb`).
//!
//! Both sides start from the raw tables and nothing else. dbt has its partial-parse cache from a run before, which is
//! to its advantage; we have none.

use std::process::Command;

use super::broker::Broker;
use super::measure::{compare, measure, median};
use super::scene::{Scene, copy, run as must};

/// Runs per side.
const RUNS: usize = 5;

/// Runs the bench.
pub fn run(scene: &Scene) -> Result<(), String> {
    let project = scene.project("finance")?;
    copy(&scene.root.join("tests/fixtures/incoming"), &project.join("data/incoming"))?;
    let broker = Broker::start(scene)?;
    let messages = scene.root.join("tests/fixtures/kafka_500.jsonl");
    must(
        Command::new(&scene.python)
            .arg(scene.root.join("tests/services/dbt/produce.py"))
            .args([broker.address.as_str(), "transactions"])
            .arg(messages),
    )?;
    measure(scene, &project, &[&scene.binary, "ingest", "--brokers", &broker.address])?;
    drop(broker);
    let pristine = scene.folder.join("finance-raw-only");
    let _ = std::fs::remove_dir_all(&pristine);
    copy(&project.join("workspace"), &pristine)?;

    let folder = scene.folder.join("finance-peer");
    scene.dbt_peer(&project, &folder, &[])?;
    let database = folder.join("finance.duckdb");
    let dbt = scene.folder.join("venv/bin/dbt").to_string_lossy().into_owned();
    let setting = format!("FINANCE_DUCKDB_PATH={}", database.display());
    let theirs = [
        "env",
        &setting,
        &dbt,
        "--quiet",
        "build",
        "--profiles-dir",
        ".",
        "--target",
        "duckdb",
        "--threads",
        &scene.threads,
    ];
    let (mut ours, mut peer) = (Vec::new(), Vec::new());
    for round in 0..=RUNS {
        let _ = std::fs::remove_dir_all(project.join("workspace"));
        copy(&pristine, &project.join("workspace"))?;
        let own = measure(scene, &project, &[&scene.binary, "build"])?;
        std::fs::copy(folder.join("base.duckdb"), &database).map_err(|error| format!("base.duckdb: {error}"))?;
        let other = measure(scene, &folder.join("project"), &theirs)?;
        if round > 0 {
            ours.push(own);
            peer.push(other);
        }
    }
    let what = "build examples/finance (seeds, models, snapshot, every test): two real months + 500 messages";
    compare(what, median(ours), "dbt-core + dbt-duckdb", median(peer));
    Ok(())
}
