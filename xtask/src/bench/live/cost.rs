//! What refreshing all dynamic tables from 10,000 new rows costs, on histories of different length.

use super::history::{MONTHS, built, generate, millstream};
use super::settings::{number, numbers};
use crate::bench::measure::{Figure, measure, median};
use crate::bench::scene::{RUNS, Scene};

/// New rows.
const ROWS: u64 = 10_000;

/// Measures each history. The first refresh behind a build makes the indexes of keys and is not counted.
pub fn run(scene: &Scene) -> Result<(), String> {
    let users = number("USERS", 10_000)?;
    println!("run of every model after {ROWS} new rows, {users} users");
    let mut first: Option<Figure> = None;
    for history in numbers("COST_HISTORIES", &[1_000_000, 10_000_000])? {
        let project = built(scene, "live-cost-project", history, users)?;
        let mut figures = Vec::new();
        for month in 0..=RUNS as u64 {
            let next = (MONTHS + 1 + month).to_string();
            generate(scene, &project, "2025", &next, 1, ROWS, users)?;
            let users_file =
                project.join(format!("data/incoming/user_registrations_2025_{:02}.csv", MONTHS + 1 + month));
            std::fs::remove_file(&users_file).map_err(|error| format!("{}: {error}", users_file.display()))?;
            millstream(scene, &project, &["ingest"])?;
            let figure = measure(scene, &project, &[&scene.binary, "--quiet", "run"])?;
            if month > 0 {
                figures.push(figure);
            }
        }
        let figure = median(figures);
        let ratio = first.map_or(1.0, |first| figure.seconds / first.seconds);
        first.get_or_insert(figure);
        println!(
            "  {history:>11} rows: {:.2} s, peak {:.0} MiB, {ratio:.2}x the first",
            figure.seconds, figure.peak_mib
        );
    }
    Ok(())
}
