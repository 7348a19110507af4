//! One measured process: wall time and peak memory, told by the kernel to `xtask/peers/measure.py`.

use std::path::Path;
use std::process::Command;

use super::scene::Scene;

/// What a process took.
#[derive(Debug, Clone, Copy)]
pub struct Figure {
    /// Wall time in seconds.
    pub seconds: f64,
    /// Peak resident memory in MiB.
    pub peak_mib: f64,
}

/// Runs a command in `cwd` and measures it; a command that fails fails the bench with the end of its output.
pub fn measure(scene: &Scene, cwd: &Path, command: &[&str]) -> Result<Figure, String> {
    let log = scene.folder.join("measured.log");
    let output = Command::new(&scene.python)
        .arg(scene.peers.join("measure.py"))
        .arg(&log)
        .arg(cwd)
        .args(command)
        .output()
        .map_err(|error| format!("measure.py: {error}"))?;
    let line = String::from_utf8_lossy(&output.stdout);
    let value: serde_json::Value = serde_json::from_str(line.trim())
        .map_err(|error| format!("measure.py said '{line}': {error}\n{}", String::from_utf8_lossy(&output.stderr)))?;
    let number = |key: &str| value.get(key).and_then(serde_json::Value::as_f64).unwrap_or(f64::NAN);
    if number("exit") != 0.0 {
        let said = std::fs::read_to_string(&log).unwrap_or_default();
        let tail: Vec<&str> = said.lines().rev().take(15).collect();
        let tail: Vec<&str> = tail.into_iter().rev().collect();
        return Err(format!("'{}' ended with exit code {}:\n{}", command.join(" "), number("exit"), tail.join("\n")));
    }
    Ok(Figure { seconds: number("seconds"), peak_mib: number("peak_mib") })
}

/// The run with the median time, and the largest memory of all runs.
pub fn median(mut figures: Vec<Figure>) -> Figure {
    figures.sort_by(|a, b| a.seconds.total_cmp(&b.seconds));
    let peak_mib = figures.iter().map(|figure| figure.peak_mib).fold(0.0, f64::max);
    Figure { seconds: figures.get(figures.len() / 2).map_or(f64::NAN, |figure| figure.seconds), peak_mib }
}

/// Prints both sides and how many times faster ours is.
pub fn compare(what: &str, ours: Figure, peer_name: &str, peer: Figure) {
    println!("{what}");
    println!("  millstream: {:.2} s, peak {:.0} MiB", ours.seconds, ours.peak_mib);
    println!("  {peer_name}: {:.2} s, peak {:.0} MiB", peer.seconds, peer.peak_mib);
    println!("  ratio: {:.2}x as fast", peer.seconds / ours.seconds);
}
