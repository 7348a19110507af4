//! `millstream ledger`.

use std::time::Duration;

use clap::{Args, ValueEnum};
use millstream_core::{Ledger, LedgerEntry, Outcome as LedgerOutcome, UnitKind};
use millstream_store::Store;

use crate::context::Context;
use crate::output::{ListFormat, Listing};
use crate::stop::{Exit, Outcome};
use crate::talk::{count, plural, seconds, unit_name};

const EXAMPLES: &str = "\
Examples:
  millstream ledger
  millstream ledger --table raw.users --outcome refused
  millstream ledger --limit 20 --format json";

/// List every file and offset range that was offered: rows in, loaded, quarantined
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct LedgerArgs {
    /// Only units of this table, for example transactions_batch or raw.users
    #[arg(long, value_name = "TABLE")]
    table: Option<String>,
    /// Only units that ended so
    #[arg(long, value_enum)]
    outcome: Option<UnitOutcome>,
    /// Only the latest lines
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// Format of the listing
    #[arg(long, value_enum, default_value_t)]
    format: ListFormat,
}

/// How a unit ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum UnitOutcome {
    /// Rows are in the table, the broken ones in quarantine.
    Loaded,
    /// The same, in the place of an earlier version of the file.
    Replaced,
    /// Nothing was loaded.
    Refused,
    /// Offsets that the broker no longer had.
    Gap,
}

impl UnitOutcome {
    fn matches(self, outcome: LedgerOutcome) -> bool {
        matches!(
            (self, outcome),
            (Self::Loaded, LedgerOutcome::Loaded)
                | (Self::Replaced, LedgerOutcome::Replaced)
                | (Self::Refused, LedgerOutcome::Refused)
                | (Self::Gap, LedgerOutcome::Gap)
        )
    }
}

/// Runs it.
pub fn run(args: LedgerArgs, context: &Context) -> Outcome {
    let store = Store::open(&context.load_target()?.path.join("state.db"))?;
    let mut entries = store.entries()?;
    entries.retain(|entry| {
        args.table.as_ref().is_none_or(|table| entry.table.name == *table || entry.table.to_string() == *table)
            && args.outcome.is_none_or(|outcome| outcome.matches(entry.outcome))
    });
    if let Some(limit) = args.limit {
        entries.drain(..entries.len().saturating_sub(limit));
    }
    listing(&entries, args.format).print(args.format)?;
    if args.format == ListFormat::Table {
        context.talk.say("balance", &balance(&entries));
    }
    Ok(Exit::Success)
}

/// The balance of lines that loaded something.
pub fn balance(entries: &[LedgerEntry]) -> String {
    let mut sums = (0, 0, 0);
    for entry in entries.iter().filter(|entry| is_load(entry)) {
        sums = (sums.0 + entry.rows_in, sums.1 + entry.rows_loaded, sums.2 + entry.rows_quarantined);
    }
    let (rows_in, loaded, quarantined) = sums;
    let balances = rows_in == loaded + quarantined;
    format!(
        "{}: {} in {} {} loaded + {} quarantined",
        plural(entries.len() as u64, "line"),
        count(rows_in),
        if balances { "=" } else { "DOES NOT EQUAL" },
        count(loaded),
        count(quarantined)
    )
}

/// Whether rows of the line are in tables.
pub fn is_load(entry: &LedgerEntry) -> bool {
    matches!(entry.outcome, LedgerOutcome::Loaded | LedgerOutcome::Replaced)
}

/// Ledger lines as rows; the table for people leaves out what only programs need.
pub fn listing(entries: &[LedgerEntry], format: ListFormat) -> Listing {
    let number = |value: u64| i64::try_from(value).ok();
    if format == ListFormat::Table {
        return Listing::new()
            .text("table", entries.iter().map(|entry| Some(entry.table.to_string())))
            .text("unit", entries.iter().map(|entry| Some(unit_name(entry))))
            .text("outcome", entries.iter().map(|entry| Some(outcome_name(entry.outcome))))
            .number("rows_in", entries.iter().map(|entry| number(entry.rows_in)))
            .number("loaded", entries.iter().map(|entry| number(entry.rows_loaded)))
            .number("quarantined", entries.iter().map(|entry| number(entry.rows_quarantined)))
            .number("version", entries.iter().map(|entry| entry.table_version.and_then(number)))
            .text("took", entries.iter().map(|entry| Some(seconds(Duration::from_millis(entry.duration_ms)))));
    }
    Listing::new()
        .text("table", entries.iter().map(|entry| Some(entry.table.to_string())))
        .text("unit", entries.iter().map(|entry| Some(entry.unit.clone())))
        .text("kind", entries.iter().map(|entry| Some(kind_name(entry.kind))))
        .text("outcome", entries.iter().map(|entry| Some(outcome_name(entry.outcome))))
        .number("rows_in", entries.iter().map(|entry| number(entry.rows_in)))
        .number("rows_loaded", entries.iter().map(|entry| number(entry.rows_loaded)))
        .number("rows_quarantined", entries.iter().map(|entry| number(entry.rows_quarantined)))
        .number("offset_start", entries.iter().map(|entry| entry.offset_start))
        .number("offset_end", entries.iter().map(|entry| entry.offset_end))
        .number("table_version", entries.iter().map(|entry| entry.table_version.and_then(number)))
        .number("quarantine_version", entries.iter().map(|entry| entry.quarantine_version.and_then(number)))
        .instant("started_at", entries.iter().map(|entry| Some(entry.started_at)))
        .number("duration_ms", entries.iter().map(|entry| number(entry.duration_ms)))
        .text("content_hash", entries.iter().map(|entry| entry.content_hash.clone()))
        .text("reason", entries.iter().map(|entry| entry.reason.clone()))
}

fn kind_name(kind: UnitKind) -> &'static str {
    match kind {
        UnitKind::File => "file",
        UnitKind::Offsets => "offsets",
    }
}

fn outcome_name(outcome: LedgerOutcome) -> &'static str {
    match outcome {
        LedgerOutcome::Loaded => "loaded",
        LedgerOutcome::Replaced => "replaced",
        LedgerOutcome::Refused => "refused",
        LedgerOutcome::Gap => "gap",
    }
}
