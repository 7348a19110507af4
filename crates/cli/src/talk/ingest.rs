//! What an ingestion did: a line for each file and offset range, and the balance.

use std::time::Duration;

use millstream_core::{LedgerEntry, UnitKind};
use millstream_ingest::{UnitReport, UnitStatus};
use millstream_runner::{IngestSummary, SourceResult};
use serde_json::{Map, Value};

use super::style::{BAD, DIM, GOOD, WARN, paint};
use super::{Talk, count, plural, seconds};

/// Broken rules shown of one file or offset range.
const RULES_SHOWN: usize = 5;

/// Sums of a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Balance {
    /// Units whose rows are new.
    pub units: u64,
    /// Units that an earlier run had loaded.
    pub unchanged: u64,
    /// Units that were refused.
    pub refused: u64,
    /// Records read.
    pub rows_in: u64,
    /// Records in tables.
    pub rows_loaded: u64,
    /// Records in quarantine.
    pub rows_quarantined: u64,
}

impl Balance {
    /// Sums up what a run did.
    pub fn of(summary: &IngestSummary) -> Self {
        let mut balance = Self::default();
        for unit in summary.sources.iter().flat_map(|source| &source.units) {
            match &unit.status {
                UnitStatus::AlreadyLoaded | UnitStatus::SameContent { .. } => balance.unchanged += 1,
                UnitStatus::Refused => balance.refused += 1,
                UnitStatus::Gap => {}
                UnitStatus::Loaded | UnitStatus::Replaced | UnitStatus::Completed => {
                    balance.units += 1;
                    balance.rows_in += unit.entry.rows_in;
                    balance.rows_loaded += unit.entry.rows_loaded;
                    balance.rows_quarantined += unit.entry.rows_quarantined;
                }
            }
        }
        balance
    }

    /// `1,000 in = 998 loaded + 2 quarantined`.
    pub fn equation(&self) -> String {
        format!(
            "{} in = {} loaded + {} quarantined",
            count(self.rows_in),
            count(self.rows_loaded),
            count(self.rows_quarantined)
        )
    }
}

/// Tells what an ingestion did.
pub fn tell_ingest(talk: &Talk, summary: &IngestSummary) {
    for source in &summary.sources {
        tell_source(talk, source);
    }
    let balance = Balance::of(summary);
    let elapsed = seconds(Duration::from_secs_f64(summary.elapsed_s.max(0.0)));
    let text = match balance {
        Balance { units: 0, refused: 0, unchanged: 0, .. } => format!("Done. Nothing to load ({elapsed})."),
        Balance { units: 0, refused: 0, .. } => {
            format!("Done. Nothing new: {} loaded before ({elapsed}).", plural(balance.unchanged, "unit"))
        }
        Balance { units: 0, .. } => format!("Done. Nothing loaded; {} refused ({elapsed}).", count(balance.refused)),
        _ => {
            let mut text = format!("Done. {}: {}", plural(balance.units, "unit"), balance.equation());
            if balance.unchanged > 0 {
                text.push_str(&format!("; {} loaded before", count(balance.unchanged)));
            }
            if balance.refused > 0 {
                text.push_str(&format!("; {} refused", count(balance.refused)));
            }
            format!("{text} ({elapsed}).")
        }
    };
    talk.say_with("ingested", &text, facts(&balance));
}

pub(super) fn tell_source(talk: &Talk, source: &SourceResult) {
    let mut unchanged = 0;
    for unit in &source.units {
        match &unit.status {
            UnitStatus::AlreadyLoaded => unchanged += 1,
            UnitStatus::Refused => talk.failure("unit-refused", &refused(unit)),
            _ => talk.say_with("unit", &unit_line(unit), entry_facts(&unit.entry)),
        }
    }
    if unchanged > 0 {
        let what = if unchanged == 1 { "1 file was" } else { &format!("{} files were", count(unchanged)) };
        talk.say("unchanged", &format!("{}: {what} loaded before; nothing to do", source.source));
    }
    if let Some(error) = &source.error {
        talk.error(&error.clone().context(format!("{} could not be loaded", source.source)));
    } else if source.units.is_empty() {
        let nothing = if source.connector == "kafka" { "no new messages" } else { "no files match its path" };
        talk.say("empty", &format!("{}: {nothing}", source.source));
    }
}

/// `data/incoming/a.csv`, or `transactions/0 offsets 5..9`.
pub fn unit_name(entry: &LedgerEntry) -> String {
    match (entry.kind, entry.offset_start, entry.offset_end) {
        (UnitKind::Offsets, Some(start), Some(end)) => format!("{} offsets {start}..{end}", entry.unit),
        _ => entry.unit.clone(),
    }
}

fn unit_line(unit: &UnitReport) -> String {
    let entry = &unit.entry;
    let name = unit_name(entry);
    let took = seconds(Duration::from_millis(entry.duration_ms));
    match &unit.status {
        UnitStatus::SameContent { loaded_as } => {
            format!("{} {name}: same content as {loaded_as}, which was loaded before", paint(WARN, "SKIP"))
        }
        UnitStatus::Gap => {
            let why = entry.reason.as_deref().unwrap_or("the broker no longer has these offsets");
            format!("{} {name}: {why}", paint(WARN, "GAP"))
        }
        status => {
            let word = match status {
                UnitStatus::Replaced => "REPLACED",
                UnitStatus::Completed => "COMPLETED",
                _ => "OK",
            };
            let balance = format!(
                "{} in = {} loaded + {} quarantined",
                count(entry.rows_in),
                count(entry.rows_loaded),
                count(entry.rows_quarantined)
            );
            let version = entry.table_version.map(|version| format!("version {version}, ")).unwrap_or_default();
            let mut line = format!(
                "{} {name} -> {}: {balance} {}",
                paint(GOOD, word),
                entry.table,
                paint(DIM, format!("[{version}{took}]"))
            );
            if entry.rows_quarantined > 0 {
                line.push_str(&rules(unit));
                line.push_str(&format!(
                    "\n     see them: millstream query \"select * from quarantine.{}\"",
                    entry.table.name
                ));
            }
            line
        }
    }
}

/// The reason tells the broken rules as well.
fn refused(unit: &UnitReport) -> String {
    let why = unit.entry.reason.as_deref().unwrap_or("it breaks its contract");
    let why = why.replace('\n', "\n     ");
    format!("{} {} -> {}: {why}", paint(BAD, "REFUSED"), unit_name(&unit.entry), unit.entry.table)
}

fn rules(unit: &UnitReport) -> String {
    let mut text = String::new();
    for broken in unit.broken.iter().take(RULES_SHOWN) {
        let column = broken.column.as_deref().map(|column| format!(" of {column}")).unwrap_or_default();
        text.push_str(&format!("\n     {}{column}: {}", broken.rule, plural(broken.rows, "row")));
        if let Some(example) = broken.examples.first() {
            text.push_str(&format!(", first {example}"));
        }
    }
    if unit.broken.len() > RULES_SHOWN {
        let more = (unit.broken.len() - RULES_SHOWN) as u64;
        text.push_str(&format!("\n     and {}", plural(more, "more broken rule")));
    }
    text
}

fn entry_facts(entry: &LedgerEntry) -> Map<String, Value> {
    let mut facts = Map::new();
    if let Ok(value) = serde_json::to_value(entry) {
        facts.insert("entry".into(), value);
    }
    facts
}

fn facts(balance: &Balance) -> Map<String, Value> {
    let mut facts = Map::new();
    facts.insert("units".into(), balance.units.into());
    facts.insert("unchanged".into(), balance.unchanged.into());
    facts.insert("refused".into(), balance.refused.into());
    facts.insert("rows_in".into(), balance.rows_in.into());
    facts.insert("rows_loaded".into(), balance.rows_loaded.into());
    facts.insert("rows_quarantined".into(), balance.rows_quarantined.into());
    facts
}
