//! One file after the other through hash, plan, decode and the two commits.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use millstream_core::warehouse::{Commit, Committed, Load};
use millstream_core::{Clock, Error, Ledger, LedgerEntry, Outcome, Progress, Result, TableName, UnitKind, Warehouse};

use super::FileOptions;
use super::decode::{self, Decoded, Job};
use super::discover::SourceFile;
use super::plan::{Holdings, Plan, Step, plan};
use crate::contract::{Contract, FileSource};
use crate::quarantine::quarantine_schema;
use crate::sink::Parts;
use crate::{RuleCount, UnitReport, UnitStatus};
use crate::{blocking, repair};

/// Rules that a refusal's reason tells; the rest is counted.
const REASON_RULES_MAX: usize = 5;

/// Ingests files of one source, and knows what the tables hold.
pub(crate) struct Loader<'a> {
    contract: &'a Contract,
    source: &'a FileSource,
    options: &'a FileOptions,
    warehouse: &'a dyn Warehouse,
    ledger: &'a dyn Ledger,
    clock: &'a dyn Clock,
    progress: &'a dyn Progress,
    quarantine_table: TableName,
    raw: Holdings,
    quarantine: Holdings,
    /// Ledger lines of the table as they were at the start, for units that are not loaded again.
    entries: Vec<LedgerEntry>,
    /// Bytes on disk of the files that are behind us.
    bytes_done: u64,
}

/// The two loads of a file, and what was written for them.
struct Loads {
    raw: Arc<dyn Load>,
    quarantine: Arc<dyn Load>,
    raw_parts: Parts,
    quarantine_parts: Parts,
}

impl<'a> Loader<'a> {
    /// Reads what the tables hold, and repairs the ledger.
    pub(crate) async fn new(
        contract: &'a Contract,
        source: &'a FileSource,
        options: &'a FileOptions,
        warehouse: &'a dyn Warehouse,
        ledger: &'a dyn Ledger,
        clock: &'a dyn Clock,
        progress: &'a dyn Progress,
    ) -> Result<Self> {
        let quarantine_table = contract.quarantine_table();
        let raw_state = warehouse.table_state(contract.table()).await?;
        let quarantine_state = warehouse.table_state(&quarantine_table).await?;
        let entries = repair::repaired_entries(contract.table(), raw_state.as_ref(), warehouse, ledger).await?;
        Ok(Self {
            contract,
            source,
            options,
            warehouse,
            ledger,
            clock,
            progress,
            quarantine_table,
            raw: Holdings::new(raw_state.as_ref()),
            quarantine: Holdings::new(quarantine_state.as_ref()),
            entries,
            bytes_done: 0,
        })
    }

    /// Ingests one file.
    pub(crate) async fn ingest(&mut self, file: &SourceFile) -> Result<UnitReport> {
        let report = self.ingest_one(file).await?;
        self.bytes_done += fingerprint(file).map_or(0, |(bytes, _)| bytes);
        self.progress.set(self.bytes_done);
        Ok(report)
    }

    async fn ingest_one(&mut self, file: &SourceFile) -> Result<UnitReport> {
        let started_at = self.clock.now();
        let before = fingerprint(file);
        // A unit that a table knows is most often unchanged: hashing it is much cheaper than decoding it.
        let known = !self.raw.content(&file.unit).is_empty() || !self.quarantine.content(&file.unit).is_empty();
        if known {
            let path = file.path.clone();
            let hashed =
                blocking::run(self.progress, self.bytes_done, move |work| Ok(decode::hash(&path, work))).await?;
            let hash = match hashed {
                Ok(hash) => hash,
                Err(reason) => return self.refuse(file, None, 0, reason, Vec::new(), started_at),
            };
            let plan = self.plan(file, &hash);
            if let Some(report) = self.without_loading(file, &hash, 0, &plan, Vec::new(), started_at)? {
                return Ok(report);
            }
        }
        let loads = Loads {
            raw: self.warehouse.begin_load(self.contract.table(), self.contract.raw_schema()).await?,
            quarantine: self.warehouse.begin_load(&self.quarantine_table, quarantine_schema()).await?,
            raw_parts: Parts::default(),
            quarantine_parts: Parts::default(),
        };
        let job = self.job(file, &loads);
        let decoded = blocking::run(self.progress, self.bytes_done, move |work| decode::decode(&job, work)).await;
        let decoded = match decoded {
            Ok(Ok(decoded)) => decoded,
            Ok(Err(refused)) => {
                loads.discard().await?;
                return self.refuse(file, refused.hash, 0, refused.reason, Vec::new(), started_at);
            }
            Err(error) => {
                // The first error is the one to tell.
                let _ = loads.discard().await;
                return Err(error);
            }
        };
        self.settle(file, loads, decoded, before, started_at).await
    }

    /// Takes the rows of loads that were begun, never ended and not taken up again in this run out of quarantine.
    pub(crate) async fn withdraw_abandoned(&mut self) -> Result<()> {
        let abandoned: Vec<String> =
            self.quarantine.units().filter(|unit| self.raw.content(unit).is_empty()).map(str::to_owned).collect();
        for unit in abandoned {
            let load = self.warehouse.begin_load(&self.quarantine_table, quarantine_schema()).await?;
            let step = self.quarantine.withdrawal(&unit);
            let commit = quarantine_commit(&step, &unit);
            load.commit(Vec::new(), commit).await?;
            self.quarantine.apply(&step);
            self.progress.note(&format!("{unit}: took an unfinished load out of {}", self.quarantine_table));
        }
        Ok(())
    }

    /// Decides on a decoded file and commits it.
    async fn settle(
        &mut self,
        file: &SourceFile,
        loads: Loads,
        decoded: Decoded,
        before: Option<Fingerprint>,
        started_at: DateTime<Utc>,
    ) -> Result<UnitReport> {
        let names: Vec<&str> = self.contract.columns().iter().map(|column| column.name.as_str()).collect();
        let broken = decoded.broken.report(&names);
        if fingerprint(file) != before {
            loads.discard().await?;
            let reason = "the file changed while it was read: try again when it is complete".to_owned();
            return self.refuse(file, None, decoded.rows_in, reason, broken, started_at);
        }
        let plan = self.plan(file, &decoded.hash);
        if let Some(report) =
            self.without_loading(file, &decoded.hash, decoded.rows_in, &plan, broken.clone(), started_at)?
        {
            loads.discard().await?;
            return Ok(report);
        }
        if let Some(reason) = self.too_many_broken(&decoded, &broken)
            && plan == Plan::Load
        {
            loads.discard().await?;
            return self.refuse(file, Some(decoded.hash), decoded.rows_in, reason, broken, started_at);
        }
        let quarantine_version = self.commit_quarantine(file, &loads, &decoded).await?;
        if plan == Plan::QuarantineOnly {
            let discarded = loads.raw_parts.take();
            loads.raw.discard(discarded).await?;
            let mut entry = self.told(file, &decoded.hash).unwrap_or_else(|| self.entry(file, started_at));
            entry.quarantine_version = quarantine_version;
            self.ledger.record(&entry)?;
            return Ok(UnitReport { entry, status: UnitStatus::Completed, broken });
        }
        self.commit_raw(file, &loads, decoded, quarantine_version, broken, started_at).await
    }

    /// Commits the broken rows, when there are any or when rows of an earlier load are to be taken out.
    async fn commit_quarantine(&mut self, file: &SourceFile, loads: &Loads, decoded: &Decoded) -> Result<Option<u64>> {
        let step = self.quarantine.step(&file.unit, &decoded.hash, position(decoded.rows_in)?);
        if decoded.rows_quarantined == 0 && !step.replaces && self.quarantine.exists() {
            return Ok(None);
        }
        let parts = loads.quarantine_parts.take();
        let committed = loads.quarantine.commit(parts, quarantine_commit(&step, &file.unit)).await?;
        check_added(&self.quarantine_table, committed, decoded.rows_quarantined)?;
        self.quarantine.apply(&step);
        Ok(Some(committed.version))
    }

    async fn commit_raw(
        &mut self,
        file: &SourceFile,
        loads: &Loads,
        decoded: Decoded,
        quarantine_version: Option<u64>,
        broken: Vec<RuleCount>,
        started_at: DateTime<Utc>,
    ) -> Result<UnitReport> {
        let step = self.raw.step(&file.unit, &decoded.hash, position(decoded.rows_in)?);
        let (outcome, status) = match step.replaces {
            true => (Outcome::Replaced, UnitStatus::Replaced),
            false => (Outcome::Loaded, UnitStatus::Loaded),
        };
        let mut entry = LedgerEntry {
            content_hash: Some(decoded.hash),
            rows_in: decoded.rows_in,
            rows_loaded: decoded.rows_loaded,
            rows_quarantined: decoded.rows_quarantined,
            outcome,
            quarantine_version,
            ..self.entry(file, started_at)
        };
        let commit = Commit {
            operation: "INGEST".to_owned(),
            positions: step.positions.clone(),
            expected: step.expected.clone(),
            replace: step.replaces.then(|| ("source_file".to_owned(), file.name.clone())),
            note: repair::note(std::slice::from_ref(&entry))?,
        };
        let committed = loads.raw.commit(loads.raw_parts.take(), commit).await?;
        check_added(self.contract.table(), committed, decoded.rows_loaded)?;
        self.raw.apply(&step);
        entry.table_version = Some(committed.version);
        entry.duration_ms = self.since(started_at);
        self.ledger.record(&entry)?;
        Ok(UnitReport { entry, status, broken })
    }

    fn plan(&self, file: &SourceFile, hash: &str) -> Plan {
        plan(&self.raw, &self.quarantine, &file.unit, &file.name, hash, self.options.replace)
    }

    /// The report of a file that is not to be loaded; `None` when it is.
    fn without_loading(
        &self,
        file: &SourceFile,
        hash: &str,
        rows_in: u64,
        plan: &Plan,
        broken: Vec<RuleCount>,
        started_at: DateTime<Utc>,
    ) -> Result<Option<UnitReport>> {
        let (unit, status) = match plan {
            Plan::Load | Plan::QuarantineOnly => return Ok(None),
            Plan::Refuse { reason } => {
                let hash = Some(hash.to_owned());
                return self.refuse(file, hash, rows_in, reason.clone(), broken, started_at).map(Some);
            }
            Plan::Nothing => (&file.unit, UnitStatus::AlreadyLoaded),
            Plan::SameContent { loaded_as } => (loaded_as, UnitStatus::SameContent { loaded_as: loaded_as.clone() }),
        };
        let loaded_as = SourceFile { unit: unit.clone(), ..file.clone() };
        let told = self.told(&loaded_as, hash);
        let entry = told.unwrap_or_else(|| LedgerEntry {
            content_hash: Some(hash.to_owned()),
            rows_in: self.raw.rows_in(unit, hash).and_then(|rows| u64::try_from(rows).ok()).unwrap_or_default(),
            ..self.entry(&loaded_as, started_at)
        });
        // The line of the other name tells the rows; the file that was offered keeps its own name.
        let entry = LedgerEntry { unit: file.unit.clone(), ..entry };
        Ok(Some(UnitReport { entry, status, broken: Vec::new() }))
    }

    fn refuse(
        &self,
        file: &SourceFile,
        hash: Option<String>,
        rows_in: u64,
        reason: String,
        broken: Vec<RuleCount>,
        started_at: DateTime<Utc>,
    ) -> Result<UnitReport> {
        let entry = LedgerEntry {
            content_hash: hash,
            rows_in,
            outcome: Outcome::Refused,
            reason: Some(reason),
            ..self.entry(file, started_at)
        };
        self.ledger.record(&entry)?;
        Ok(UnitReport { entry, status: UnitStatus::Refused, broken })
    }

    /// Why a file has more broken rows than its contract allows, if it has.
    fn too_many_broken(&self, decoded: &Decoded, broken: &[RuleCount]) -> Option<String> {
        let (rows, limit) = (decoded.rows_in, self.source.max_error_share);
        let share = decoded.rows_quarantined as f64 / rows.max(1) as f64;
        if share <= limit {
            return None;
        }
        let mut reason = format!(
            "{} of {rows} rows ({:.1} %) break the contract, max_error_share allows {:.1} %",
            decoded.rows_quarantined,
            share * 100.0,
            limit * 100.0
        );
        for count in broken.iter().take(REASON_RULES_MAX) {
            let example = count.examples.first().map(|text| format!(", first {text}")).unwrap_or_default();
            reason.push_str(&format!("\n{}: {} rows{example}", count.rule, count.rows));
        }
        if broken.len() > REASON_RULES_MAX {
            reason.push_str(&format!("\nand {} more rules", broken.len() - REASON_RULES_MAX));
        }
        if broken.first().is_some_and(|count| count.rule == "encoding") {
            reason.push_str(
                "\nthe file may be in another encoding: convert it, for example with iconv -f WINDOWS-1252 -t UTF-8",
            );
        }
        Some(reason)
    }

    /// The ledger line that was written when this content was loaded.
    fn told(&self, file: &SourceFile, hash: &str) -> Option<LedgerEntry> {
        let told = |entry: &&LedgerEntry| {
            entry.unit == file.unit
                && entry.content_hash.as_deref() == Some(hash)
                && matches!(entry.outcome, Outcome::Loaded | Outcome::Replaced)
        };
        self.entries.iter().rev().find(told).cloned()
    }

    fn entry(&self, file: &SourceFile, started_at: DateTime<Utc>) -> LedgerEntry {
        LedgerEntry {
            table: self.contract.table().clone(),
            kind: UnitKind::File,
            unit: file.unit.clone(),
            content_hash: None,
            offset_start: None,
            offset_end: None,
            rows_in: 0,
            rows_loaded: 0,
            rows_quarantined: 0,
            outcome: Outcome::Loaded,
            reason: None,
            table_version: None,
            quarantine_version: None,
            started_at,
            duration_ms: self.since(started_at),
        }
    }

    fn since(&self, started_at: DateTime<Utc>) -> u64 {
        u64::try_from((self.clock.now() - started_at).num_milliseconds()).unwrap_or_default()
    }

    fn job(&self, file: &SourceFile, loads: &Loads) -> Job {
        Job {
            contract: self.contract.clone(),
            source: self.source.clone(),
            path: file.path.clone(),
            unit: file.unit.clone(),
            name: file.name.clone(),
            load_id: load_id(&file.unit),
            raw: loads.raw.clone(),
            quarantine: loads.quarantine.clone(),
            raw_parts: loads.raw_parts.clone(),
            quarantine_parts: loads.quarantine_parts.clone(),
            threads: self.options.threads,
        }
    }
}

impl Loads {
    /// Removes everything that was written.
    async fn discard(&self) -> Result<()> {
        self.raw.discard(self.raw_parts.take()).await?;
        self.quarantine.discard(self.quarantine_parts.take()).await
    }
}

/// The id under which quarantine knows a file's rows.
fn load_id(unit: &str) -> String {
    format!("file:{unit}")
}

fn quarantine_commit(step: &Step, unit: &str) -> Commit {
    Commit {
        operation: "INGEST".to_owned(),
        positions: step.positions.clone(),
        expected: step.expected.clone(),
        replace: step.replaces.then(|| ("load_id".to_owned(), load_id(unit))),
        note: serde_json::Map::new(),
    }
}

/// The commit must have added what was counted.
fn check_added(table: &TableName, committed: Committed, rows: u64) -> Result<()> {
    if committed.rows_added == rows {
        return Ok(());
    }
    let message =
        format!("{rows} rows were written for {table}, its version {} has {}", committed.version, committed.rows_added);
    Err(Error::ours(message).hint("please report this"))
}

fn position(rows: u64) -> Result<i64> {
    i64::try_from(rows).map_err(|_| Error::ours("more rows in one file than can be counted"))
}

/// What tells that a file changed: its size and time of change.
type Fingerprint = (u64, std::time::SystemTime);

fn fingerprint(file: &SourceFile) -> Option<Fingerprint> {
    let meta = std::fs::metadata(&file.path).ok()?;
    Some((meta.len(), meta.modified().ok()?))
}
