//! Measures the generator: rows a second, and the largest resident memory of the process.
//!
//! `cargo run --release -p millstream-synth --example speed -- TRANSACTIONS FOLDER [csv|parquet]`

use std::error::Error;
use std::time::Instant;

use millstream_core::SilentProgress;
use millstream_synth::{Faults, Format, GenerateOptions, generate};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let transactions: u64 = arguments.next().ok_or("how many transactions?")?.parse()?;
    let out_dir = arguments.next().ok_or("into which folder?")?.into();
    let format = if arguments.next().as_deref() == Some("parquet") { Format::Parquet } else { Format::Csv };
    let faults = arguments.next().map(|rate| rate.parse()).transpose()?.map(|rate| Faults { rate });
    let options = GenerateOptions {
        year: 2025,
        month: 6,
        months: 1,
        users: (transactions / 10).max(1),
        transactions,
        out_dir,
        seed: 42,
        format,
        faults,
        changes: GenerateOptions::DEFAULT_CHANGES,
    };
    let started = Instant::now();
    let report = generate(&options, &SilentProgress)?;
    let seconds = started.elapsed().as_secs_f64();
    for file in &report.files {
        println!("{}: {} rows, {} bytes", file.path.display(), file.rows, file.bytes);
    }
    println!("{:.2} s, {:.0} transactions/s", seconds, transactions as f64 / seconds);
    let status = std::fs::read_to_string("/proc/self/status")?;
    println!("{}", status.lines().find(|line| line.starts_with("VmHWM")).ok_or("no VmHWM")?);
    Ok(())
}
