//! `cargo xtask bench NAME`: our figure, the peer's figure on the same input in the same run, and the ratio.
//!
//! Guarantees: both sides read the same bytes, run on the same machine one after the other, and each figure is the
//! median of several runs with the peak resident memory of the measured process. A side that fails fails the bench.
//! Deliberately absent: thresholds. A bench prints what is; `docs/benchmarks.md` keeps what was.

mod broker;
mod build;
mod dbt;
mod finance;
mod generate;
mod ingest;
mod kafka;
mod live;
mod measure;
mod scene;

use std::path::Path;

use scene::Scene;

/// One bench: measures both sides and prints them.
type Bench = fn(&Scene) -> Result<(), String>;

/// Runs one bench, or all.
pub fn run(root: &Path, name: &str) -> Result<(), String> {
    let benches: [(&str, Bench); 7] = [
        ("finance", finance::run),
        ("generate", generate::run),
        ("ingest", ingest::run),
        ("kafka", kafka::run),
        ("build", build::run),
        ("dbt", dbt::run),
        ("live", live::run),
    ];
    let wanted: Vec<_> = benches.iter().filter(|(known, _)| *known == name || name == "all").collect();
    if wanted.is_empty() {
        return Err(format!(
            "there is no bench '{name}'; there are: finance, generate, ingest, kafka, build, dbt, live, all"
        ));
    }
    let scene = Scene::set(root)?;
    for (known, bench) in wanted {
        println!("\n## {known}");
        bench(&scene)?;
    }
    Ok(())
}
