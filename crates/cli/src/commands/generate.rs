//! `millstream generate`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use millstream_core::Error;
use millstream_synth::{FaultKind, Faults, Format, GenerateOptions, GenerateReport};

use crate::context::Context;
use crate::options::value;
use crate::output::{ListFormat, Listing};
use crate::stop::{Exit, Outcome};
use crate::talk::count;

const EXAMPLES: &str = "\
Examples:
  millstream generate --year 2025 --month 6 --users 50 --transactions 500 --seed 1
  millstream generate --year 2025 --month 1 --months 12 --users 1000 --transactions 100000
  millstream generate --year 2025 --month 6 --faults rate=0.01";

/// File formats of `generate`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum FileFormat {
    /// RFC 4180 with a header.
    #[default]
    Csv,
    /// Parquet, zstd.
    Parquet,
}

/// Make files of user registrations and transactions, month by month
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct GenerateArgs {
    /// Year of the first month
    #[arg(long, value_parser = clap::value_parser!(i32).range(1970..=9999))]
    year: i32,
    /// First month, 1 to 12
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=12))]
    month: u32,
    /// Number of months in a row
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    months: u32,
    /// Rows of each month's user file
    #[arg(long, default_value_t = 50, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    users: u64,
    /// Transactions in each month
    #[arg(long, default_value_t = 500, value_name = "N")]
    transactions: u64,
    /// Folder to write to
    #[arg(long, default_value = "data/incoming", value_name = "DIR")]
    out_dir: PathBuf,
    /// Same seed (and same other options), same bytes
    #[arg(long, default_value_t = 42)]
    seed: u64,
    /// Format of the files
    #[arg(long, value_enum, default_value_t)]
    format: FileFormat,
    /// Share of transactions to break, so that quality work has food: rate=0.01
    #[arg(long, value_name = "rate=SHARE", value_parser = value::faults)]
    faults: Option<f64>,
    /// Share of a later month's user file that are earlier users who register again with another tier and city
    #[arg(long, value_name = "SHARE", default_value_t = GenerateOptions::DEFAULT_CHANGES, value_parser = value::share)]
    changes: f64,
}

/// Runs it.
pub async fn run(args: GenerateArgs, context: &Context) -> Outcome {
    let options = GenerateOptions {
        year: args.year,
        month: args.month,
        months: args.months,
        users: args.users,
        transactions: args.transactions,
        out_dir: args.out_dir,
        seed: args.seed,
        format: match args.format {
            FileFormat::Csv => Format::Csv,
            FileFormat::Parquet => Format::Parquet,
        },
        faults: args.faults.map(|rate| Faults { rate }),
        changes: args.changes,
    };
    let bar = context.talk.bar();
    let report = tokio::task::spawn_blocking(move || millstream_synth::generate(&options, &bar))
        .await
        .map_err(|error| Error::ours("the generator ended badly").why(error))??;
    tell(&report, context);
    Listing::new()
        .text("file", report.files.iter().map(|file| Some(file.path.display().to_string())))
        .number("rows", report.files.iter().map(|file| i64::try_from(file.rows).ok()))
        .number("bytes", report.files.iter().map(|file| i64::try_from(file.bytes).ok()))
        .print(ListFormat::Table)?;
    Ok(Exit::Success)
}

fn tell(report: &GenerateReport, context: &Context) {
    if report.faults.is_empty() {
        return;
    }
    context.talk.say("faults", "Injected faults:");
    for fault in &report.faults {
        context.talk.say("fault", &format!("  {:>8}  {}", count(fault.rows), describe(fault.kind)));
    }
    let total = report.faults.iter().map(|fault| fault.rows).sum();
    context.talk.say("faults", &format!("  {:>8}  {}", count(total), if total == 1 { "fault" } else { "faults" }));
}

fn describe(kind: FaultKind) -> &'static str {
    match kind {
        FaultKind::Duplicate => "rows written twice (both load; deduplication keeps one)",
        FaultKind::Late => "rows dated in the month before (load as late-arriving)",
        FaultKind::BadAmount => "amounts that are no number (go to quarantine)",
        FaultKind::UnknownUser => "users that nobody registered (load; become inferred members)",
        FaultKind::BrokenQuoting => "records with broken quoting (go to quarantine)",
    }
}
