//! `generate`: 10 M transactions to CSV on one machine; the figure to reach is rows per second and core.

use super::measure::{measure, median};
use super::scene::Scene;

/// Transactions written.
const ROWS: u64 = 10_000_000;

/// Runs the bench.
pub fn run(scene: &Scene) -> Result<(), String> {
    let out = scene.folder.join("generated");
    let out_text = out.to_string_lossy().into_owned();
    let rows = ROWS.to_string();
    let mut figures = Vec::new();
    for _ in 0..super::scene::RUNS {
        let _ = std::fs::remove_dir_all(&out);
        figures.push(measure(
            scene,
            &scene.folder,
            &[
                &scene.binary,
                "generate",
                "--year",
                "2025",
                "--month",
                "6",
                "--users",
                "100000",
                "--transactions",
                &rows,
                "--out-dir",
                &out_text,
                "--seed",
                "1",
            ],
        )?);
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
