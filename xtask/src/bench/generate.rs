//! `generate`: 10 M transactions to CSV on one machine; the figure to reach is rows per second and core.

use std::path::Path;

use super::measure::{Figure, measure, median};
use super::scene::Scene;

/// Transactions written.
const ROWS: u64 = 10_000_000;

/// Runs the bench.
pub fn run(scene: &Scene) -> Result<(), String> {
    let out = scene.folder.join("generated");
    let mut figures = Vec::new();
    for _ in 0..super::scene::RUNS {
        let _ = std::fs::remove_dir_all(&out);
        figures.push(transactions(scene, &out, ROWS, "1")?);
    }
    let ours = median(figures);
    let _ = std::fs::remove_dir_all(&out);
    println!("generate {ROWS} transactions of 100,000 users to CSV");
    println!(
        "  millstream: {:.2} s, {:.0} rows/s, peak {:.0} MiB",
        ours.seconds,
        ROWS as f64 / ours.seconds,
        ours.peak_mib
    );
    Ok(())
}

/// Generates June 2025 with 100,000 users into `out`, measured.
pub fn transactions(scene: &Scene, out: &Path, rows: u64, seed: &str) -> Result<Figure, String> {
    let (out, rows) = (out.to_string_lossy(), rows.to_string());
    let mut command = vec![scene.binary.as_str(), "generate", "--year", "2025", "--month", "6", "--users", "100000"];
    command.extend(["--transactions", &rows, "--out-dir", &out, "--seed", seed]);
    measure(scene, &scene.folder, &command)
}
