//! `dbt`: what a tool adds to the queries: parsing, and staging, publishing and testing of each node, on generated
//! projects of 10 to 5,000 models over tiny seeds, against dbt-core with dbt-duckdb.
//!
//! Each size: `parse` from nothing and of an unchanged project, the first `build`, a second one with nothing changed,
//! and a `build` of one model. dbt keeps its partial-parse cache between builds, as it does for its users. The
//! overhead of a node is the second build less the parsing of an unchanged project, by the number of nodes.
//!
//! `MILLSTREAM_BENCH_SIZES` (for example `10,100`) measures other sizes; `MILLSTREAM_BENCH_PEER_MAX` (default 1000)
//! is the largest size at which the peer builds: at 5,000 models it takes most of an hour.

mod project;

use std::fs;
use std::path::Path;

use super::measure::{Figure, measure, median};
use super::scene::Scene;

const SIZES: [usize; 4] = [10, 100, 1_000, 5_000];

/// Largest size at which everything is measured several times.
const REPEATED_MAX: usize = 1_000;

/// Runs of each step: the peer's large ones once.
const RUNS: usize = 3;

/// Runs the bench.
pub fn run(scene: &Scene) -> Result<(), String> {
    let sizes = match std::env::var("MILLSTREAM_BENCH_SIZES") {
        Ok(text) => text
            .split(',')
            .map(|size| size.trim().parse().map_err(|error| format!("MILLSTREAM_BENCH_SIZES: {size}: {error}")))
            .collect::<Result<Vec<usize>, _>>()?,
        Err(_) => SIZES.to_vec(),
    };
    let peer_max = match std::env::var("MILLSTREAM_BENCH_PEER_MAX") {
        Ok(text) => text.parse().map_err(|error| format!("MILLSTREAM_BENCH_PEER_MAX: {error}"))?,
        Err(_) => REPEATED_MAX,
    };
    for size in sizes {
        one(scene, size, size <= peer_max)?;
    }
    Ok(())
}

/// What both tools do at one size.
struct Steps {
    parse: Figure,
    parse_again: Figure,
    build: Option<Figure>,
    build_again: Option<Figure>,
    one_model: Option<Figure>,
}

fn one(scene: &Scene, models: usize, peer_builds: bool) -> Result<(), String> {
    let folder = scene.folder.join(format!("dbt-{models}"));
    let _ = fs::remove_dir_all(&folder);
    let last = project::write(&folder, models)?;
    let dbt = scene.folder.join("venv/bin/dbt").to_string_lossy().into_owned();
    let binary = scene.binary.clone();
    let ours = |arguments: &[&str]| -> Vec<String> {
        std::iter::once(binary.as_str())
            .chain(["--quiet"])
            .chain(arguments.iter().copied())
            .map(str::to_owned)
            .collect()
    };
    let theirs = |arguments: &[&str]| -> Vec<String> {
        let options = ["--profiles-dir", ".", "--target", "peer"];
        let quiet = [dbt.as_str(), "--quiet"];
        quiet.into_iter().chain(arguments.iter().copied()).chain(options).map(str::to_owned).collect()
    };
    let runs = if models > REPEATED_MAX { 1 } else { RUNS };
    let mine = steps(scene, &folder, &ours, &["target", "workspace"], &last, true, RUNS)?;
    let peer = steps(scene, &folder, &theirs, &["target", "peer.duckdb"], &last, peer_builds, runs)?;
    let nodes = nodes(&folder)?;
    let check = {
        clean(&folder, &["target"]);
        let cold = measure(scene, &folder, &words(&ours(&["check"])))?;
        (cold, repeated(scene, &folder, &ours(&["check"]), RUNS)?)
    };
    println!("{models} models ({nodes} nodes: seeds, models, tests)");
    row("parse, from nothing", mine.parse, Some(peer.parse));
    row("parse, nothing changed", mine.parse_again, Some(peer.parse_again));
    row("parse and check, from nothing", check.0, None);
    row("parse and check, nothing changed", check.1, None);
    for (what, mine, peer) in [
        ("build, first", mine.build, peer.build),
        ("build again, nothing changed", mine.build_again, peer.build_again),
        ("build of one model and its tests", mine.one_model, peer.one_model),
    ] {
        if let Some(mine) = mine {
            row(what, mine, peer);
        }
    }
    let overhead = |steps: &Steps| {
        let again = steps.build_again?.seconds - steps.parse_again.seconds;
        Some(again * 1000.0 / nodes as f64)
    };
    if let (Some(mine), peer) = (overhead(&mine), overhead(&peer)) {
        let theirs = peer.map_or_else(String::new, |peer| format!("  peer {peer:8.2} ms  ratio {:6.1}", peer / mine));
        println!("  {:36} ours {mine:8.2} ms{theirs}", "overhead of a node");
    }
    Ok(())
}

fn steps(
    scene: &Scene,
    folder: &Path,
    tool: &dyn Fn(&[&str]) -> Vec<String>,
    leftovers: &[&str],
    last: &str,
    builds: bool,
    runs: usize,
) -> Result<Steps, String> {
    clean(folder, leftovers);
    let mut parse = Vec::new();
    for _ in 0..runs {
        clean(folder, &["target"]);
        parse.push(measure(scene, folder, &words(&tool(&["parse"])))?);
    }
    let parse = median(parse);
    let parse_again = repeated(scene, folder, &tool(&["parse"]), runs)?;
    if !builds {
        return Ok(Steps { parse, parse_again, build: None, build_again: None, one_model: None });
    }
    let build = measure(scene, folder, &words(&tool(&["build"])))?;
    let build_again = repeated(scene, folder, &tool(&["build"]), runs)?;
    let one_model = repeated(scene, folder, &tool(&["build", "--select", last]), runs)?;
    Ok(Steps { parse, parse_again, build: Some(build), build_again: Some(build_again), one_model: Some(one_model) })
}

fn repeated(scene: &Scene, folder: &Path, command: &[String], runs: usize) -> Result<Figure, String> {
    let figures = (0..runs).map(|_| measure(scene, folder, &words(command)));
    figures.collect::<Result<Vec<_>, _>>().map(median)
}

fn words(command: &[String]) -> Vec<&str> {
    command.iter().map(String::as_str).collect()
}

fn clean(folder: &Path, names: &[&str]) {
    for name in names {
        let path = folder.join(name);
        let _ = fs::remove_dir_all(&path);
        let _ = fs::remove_file(&path);
    }
}

/// Seeds, models and tests, as the manifest has them.
fn nodes(folder: &Path) -> Result<usize, String> {
    let text = fs::read_to_string(folder.join("target/manifest.json")).map_err(|error| error.to_string())?;
    let manifest: serde_json::Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    Ok(manifest.get("nodes").and_then(serde_json::Value::as_object).map_or(0, serde_json::Map::len))
}

fn row(what: &str, ours: Figure, peer: Option<Figure>) {
    let theirs = peer.map_or_else(String::new, |peer| {
        format!("  peer {:8.2} s {:5.0} MiB  ratio {:6.1}", peer.seconds, peer.peak_mib, peer.seconds / ours.seconds)
    });
    println!("  {what:36} ours {:8.3} s {:5.0} MiB{theirs}", ours.seconds, ours.peak_mib);
}
