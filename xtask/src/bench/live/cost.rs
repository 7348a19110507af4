//! What refreshing all dynamic tables from some new rows costs, on histories of different length.
//!
//! The rows come as a file of a new month, of users who are known; `run` refreshes every model and tests none. Beside the
//! whole process stands the run itself, without reading and checking the project, which cost the same on any history and
//! would make a ratio look better. The first refresh behind a build makes the indexes of keys and is not counted; what was
//! written before a run is on the disk before it begins.

use std::path::Path;
use std::process::Command;

use super::history::{MONTHS, built, generate, millstream};
use super::settings::{number, numbers};
use crate::bench::measure::{Figure, measure, median};
use crate::bench::scene::{RUNS, Scene, run as run_command};

/// Measures each history.
pub fn run(scene: &Scene) -> Result<(), String> {
    let (users, rows) = (number("USERS", 10_000)?, number("COST_ROWS", 10_000)?);
    println!("run of every model after {rows} new rows, {users} users");
    let mut first: Option<(Figure, Figure)> = None;
    for history in numbers("COST_HISTORIES", &[1_000_000, 10_000_000])? {
        let project = built(scene, "live-cost-project", history, users)?;
        let (mut processes, mut runs) = (Vec::new(), Vec::new());
        for month in 0..=RUNS as u64 {
            let next = MONTHS + 1 + month;
            generate(scene, &project, "2025", &next.to_string(), 1, rows, users)?;
            let registered = project.join(format!("data/incoming/user_registrations_2025_{next:02}.csv"));
            std::fs::remove_file(&registered).map_err(|error| format!("{}: {error}", registered.display()))?;
            millstream(scene, &project, &["ingest"])?;
            settled()?;
            let process = measure(scene, &project, &[&scene.binary, "--quiet", "run"])?;
            if month > 0 {
                processes.push(process);
                runs.push(Figure { seconds: elapsed(&project)?, ..process });
            }
        }
        let (process, run) = (median(processes), median(runs));
        let (short_process, short_run) = *first.get_or_insert((process, run));
        println!(
            "  {history:>11} rows: {:.2} s, the run in it {:.2} s, peak {:.0} MiB; ratio to the first: {:.2}, {:.2}",
            process.seconds,
            run.seconds,
            process.peak_mib,
            process.seconds / short_process.seconds,
            run.seconds / short_run.seconds
        );
    }
    Ok(())
}

/// Waits until the disk has what was written: tens of gigabytes of a long history would be measured with the first runs.
fn settled() -> Result<(), String> {
    run_command(&mut Command::new("sync"))
}

/// Seconds of the last run, as it says itself.
fn elapsed(project: &Path) -> Result<f64, String> {
    let text = std::fs::read_to_string(project.join("target/run_results.json")).map_err(|error| error.to_string())?;
    let results: serde_json::Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    let elapsed = results.get("elapsed_time").and_then(serde_json::Value::as_f64);
    elapsed.ok_or_else(|| "run_results.json has no elapsed_time".to_owned())
}
