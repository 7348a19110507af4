//! Ingestion of the project's sources.
//!
//! Guarantees: every contract is checked before anything is loaded, and all problems are told at once; one source's
//! failure does not stop the others; topics are read at the same time, files one source after the other, since a
//! source's files already use every thread.
//!
//! Deliberately absent: contracts, decoding, positions. Those are the ingest crate's.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use millstream_core::{Diagnostic, Diagnostics, Error, Place, Result, TableName};
use millstream_ingest::contract::SourceKind;
use millstream_ingest::{
    ColumnDecl, Contract, FileOptions, KafkaOptions, OnGap, SourceDecl, StopFlag, UnitReport, UnitStatus, ingest_files,
    ingest_kafka,
};
use millstream_project::SourceNode;
use millstream_store::{Cause, NodeRecord, RunRecord, RunStatus};
use serde_json::{Map, Value};

use crate::{Cancel, Runner};

/// A request to load sources.
#[derive(Debug, Clone)]
pub struct IngestRequest {
    /// Sources by name (`transactions_batch`, `raw.transactions_batch` or a unique id); empty means all that have a
    /// connector.
    pub sources: Vec<String>,
    /// Only these files, instead of those that the sources' paths find.
    pub files: Option<Vec<PathBuf>>,
    /// Of these files, those that are gone when their turn comes are passed over; else that is an error.
    pub pass_over_gone: bool,
    /// Files whose name is known and whose content has changed replace their rows.
    pub replace: bool,
    /// Skip offsets that the broker no longer has, and record the gap.
    pub skip_gaps: bool,
    /// Do not stop at the end of the topics.
    pub follow: bool,
    /// The command's arguments as given, for the history.
    pub args: Map<String, Value>,
    /// Why it is carried out, for the history.
    pub cause: Cause,
    /// Which attempt at the same work it is, from 1, for the history.
    pub attempt: u32,
    /// How long to wait for another process that ingests; zero fails at once.
    pub lock_wait: Duration,
    /// Ends the work early: what is committed stays, the rest is left for the next run.
    pub cancel: Cancel,
}

impl Default for IngestRequest {
    fn default() -> Self {
        Self {
            sources: Vec::new(),
            files: None,
            pass_over_gone: false,
            replace: false,
            skip_gaps: false,
            follow: false,
            args: Map::new(),
            cause: Cause::Cli,
            attempt: 1,
            lock_wait: Duration::ZERO,
            cancel: Cancel::default(),
        }
    }
}

/// What came of one source.
#[derive(Debug, Clone)]
pub struct SourceResult {
    /// `source_name.table`, as the project says it.
    pub source: String,
    /// The raw table.
    pub table: TableName,
    /// `file` or `kafka`.
    pub connector: &'static str,
    /// What was done with each file or offset range, those that an earlier run had loaded among them.
    pub units: Vec<UnitReport>,
    /// Why the source could not be loaded; other sources are loaded all the same.
    pub error: Option<Error>,
    /// Seconds from start to end.
    pub elapsed_s: f64,
}

impl SourceResult {
    /// Whether everything that was offered is loaded or was before.
    pub fn is_success(&self) -> bool {
        self.error.is_none() && !self.units.iter().any(UnitReport::is_refused)
    }
}

/// What came of all sources.
#[derive(Debug, Clone)]
pub struct IngestSummary {
    /// Id of the run, a UUID.
    pub invocation_id: String,
    /// One for each source: files first, then topics, each in the order of name.
    pub sources: Vec<SourceResult>,
    /// Seconds from start to end.
    pub elapsed_s: f64,
    /// Whether it was cancelled.
    pub cancelled: bool,
}

impl IngestSummary {
    /// Whether every source was a success.
    pub fn is_success(&self) -> bool {
        self.sources.iter().all(SourceResult::is_success)
    }

    /// What happened, in one line for the history: the first failure, or how many rows came in.
    fn message(&self) -> String {
        if let Some((source, error)) = self.sources.iter().find_map(|one| Some((&one.source, one.error.as_ref()?))) {
            return format!("{source}: {}", error.what());
        }
        let units = || self.sources.iter().flat_map(|source| &source.units);
        if let Some(refused) = units().find(|unit| unit.is_refused()) {
            let why = refused.entry.reason.as_deref().and_then(|text| text.lines().next()).unwrap_or("refused");
            return format!("{}: {why}", refused.entry.unit);
        }
        let new = || units().filter(|unit| matches!(unit.status, UnitStatus::Loaded | UnitStatus::Replaced));
        let loaded: u64 = new().map(|unit| unit.entry.rows_loaded).sum();
        let quarantined: u64 = new().map(|unit| unit.entry.rows_quarantined).sum();
        format!("{loaded} loaded, {quarantined} in quarantine")
    }
}

/// A source and its contract.
pub(crate) struct Job<'a> {
    pub(crate) source: &'a SourceNode,
    pub(crate) contract: Contract,
}

impl Runner {
    /// Loads what is new in the sources.
    ///
    /// # Errors
    /// Before anything is loaded: another process ingests; a name is not a source; a contract is wrong (all problems
    /// at once). Errors of single sources are in [`SourceResult::error`].
    pub async fn ingest(&self, request: &IngestRequest) -> Result<IngestSummary> {
        let jobs = self.jobs(&request.sources)?;
        let tables = jobs.iter().map(|job| job.contract.table());
        let _lock = self.enter_tables(tables, request.lock_wait, &request.cancel).await?;
        self.ingest_jobs(request, &jobs).await
    }

    /// As [`Runner::ingest`], of these sources, whose tables the caller has locked.
    pub(crate) async fn ingest_jobs(&self, request: &IngestRequest, jobs: &[Job<'_>]) -> Result<IngestSummary> {
        let began = Instant::now();
        let started_at = self.clock.now();
        let invocation_id = self.ids.invocation_id();
        self.store.start_run(&RunRecord {
            invocation_id: invocation_id.clone(),
            command: "ingest".into(),
            args: request.args.clone().into(),
            started_at,
            finished_at: None,
            status: RunStatus::Running,
            pid: std::process::id(),
            message: None,
            cause: request.cause.clone(),
            attempt: request.attempt,
        })?;
        let (files, topics): (Vec<&Job<'_>>, Vec<&Job<'_>>) =
            jobs.iter().partition(|job| connector(&job.contract) == "file");
        let mut sources = Vec::with_capacity(jobs.len());
        for job in files {
            sources.push(self.ingest_one(job, request).await);
        }
        sources.extend(futures::future::join_all(topics.iter().map(|job| self.ingest_one(job, request))).await);
        let records: Vec<NodeRecord> = sources.iter().map(|result| record(result, started_at)).collect();
        let summary = IngestSummary {
            invocation_id,
            sources,
            elapsed_s: began.elapsed().as_secs_f64(),
            cancelled: request.cancel.is_cancelled(),
        };
        self.store.record_nodes(&summary.invocation_id, &records)?;
        let status = match (summary.is_success(), summary.cancelled) {
            (true, false) => RunStatus::Success,
            (true, true) => RunStatus::Cancelled,
            _ => RunStatus::Failed,
        };
        self.store.finish_run(&summary.invocation_id, status, self.clock.now(), Some(&summary.message()))?;
        Ok(summary)
    }

    /// The sources of these names (all, when none is named), with their contracts, in the order of name.
    pub(crate) fn jobs(&self, names: &[String]) -> Result<Vec<Job<'_>>> {
        let declared: Vec<&SourceNode> =
            self.project.manifest.sources.values().filter(|source| source.meta.contains_key("millstream")).collect();
        let chosen = choose(&declared, names)?;
        let mut problems = Diagnostics::new();
        let mut jobs = Vec::with_capacity(chosen.len());
        for source in chosen {
            match Contract::parse(&declaration(source)) {
                Ok(contract) => jobs.push(Job { source, contract }),
                Err(found) => problems.extend(found),
            }
        }
        for (position, job) in jobs.iter().enumerate() {
            if let Some(other) = jobs[..position].iter().find(|other| other.contract.table() == job.contract.table()) {
                problems.push(
                    Diagnostic::error("source-table-twice", format!("two sources fill {}", job.contract.table()))
                        .at(job.source.place.clone())
                        .hint(format!("give this source or {} another schema or identifier", name(other.source))),
                );
            }
        }
        problems.into_result("the contracts of the sources are wrong")?;
        Ok(jobs)
    }

    async fn ingest_one(&self, job: &Job<'_>, request: &IngestRequest) -> SourceResult {
        let began = Instant::now();
        let (warehouse, ledger) = (self.warehouse.as_ref(), self.store.as_ref());
        let (clock, progress) = (self.clock.as_ref(), self.progress.as_ref());
        let connector = connector(&job.contract);
        let threads = self.project.target.threads.max(1);
        let done = if connector == "file" {
            let (project_dir, files) = (self.project.dir.clone(), request.files.clone());
            let (replace, pass_over_gone) = (request.replace, request.pass_over_gone);
            let options = FileOptions { project_dir, files, pass_over_gone, replace, threads };
            request.cancel.race(ingest_files(&job.contract, &options, warehouse, ledger, clock, progress)).await
        } else {
            let stop = StopFlag::default();
            let options = KafkaOptions {
                follow: request.follow,
                on_gap: if request.skip_gaps { OnGap::Skip } else { OnGap::Fail },
                threads,
                stop: stop.clone(),
                ..KafkaOptions::default()
            };
            let work = ingest_kafka(&job.contract, &options, warehouse, ledger, clock, progress);
            let mut work = std::pin::pin!(work);
            // Not dropped on cancel: it commits what it has read and ends by itself.
            tokio::select! {
                biased;
                done = &mut work => done,
                () = request.cancel.cancelled() => {
                    stop.stop();
                    work.await
                }
            }
        };
        let (units, error) = match done {
            Ok(units) => (units, None),
            Err(error) => (Vec::new(), Some(error)),
        };
        SourceResult {
            source: name(job.source),
            table: job.contract.table().clone(),
            connector,
            units,
            error,
            elapsed_s: began.elapsed().as_secs_f64(),
        }
    }
}

fn choose<'a>(declared: &[&'a SourceNode], names: &[String]) -> Result<Vec<&'a SourceNode>> {
    let known = || declared.iter().map(|source| name(source)).collect::<Vec<_>>().join(", ");
    if declared.is_empty() {
        return Err(Error::user("no source of the project has a connector")
            .hint("declare one under config: meta: millstream: of a source table, see `millstream init`"));
    }
    let mut chosen: Vec<&SourceNode> = Vec::new();
    for wanted in names {
        let is_wanted = |source: &&&SourceNode| {
            source.name == *wanted
                || name(source) == *wanted
                || source.unique_id == *wanted
                || source.table_name().to_string() == *wanted
        };
        let found: Vec<&SourceNode> = declared.iter().filter(is_wanted).copied().collect();
        match found.as_slice() {
            [] => {
                return Err(Error::usage(format!("'{wanted}' is not a source with a connector"))
                    .hint(format!("the project has: {}", known())));
            }
            [one] => {
                if !chosen.iter().any(|source| source.unique_id == one.unique_id) {
                    chosen.push(one);
                }
            }
            _ => {
                let all = found.iter().map(|source| name(source)).collect::<Vec<_>>().join(", ");
                return Err(Error::usage(format!("'{wanted}' could be any of {all}")).hint("write it with its source"));
            }
        }
    }
    if names.is_empty() {
        chosen = declared.to_vec();
    }
    chosen.sort_by_key(|source| name(source));
    Ok(chosen)
}

pub(crate) fn name(source: &SourceNode) -> String {
    format!("{}.{}", source.source_name, source.name)
}

fn connector(contract: &Contract) -> &'static str {
    match contract.source() {
        SourceKind::File(..) => "file",
        SourceKind::Kafka(..) => "kafka",
    }
}

/// What the project says about a source, in the ingest crate's words.
pub(crate) fn declaration(source: &SourceNode) -> SourceDecl {
    let own = |meta: &Map<String, Value>| meta.get("millstream").cloned().unwrap_or(Value::Null);
    let place = |place: &Place| Some(place.clone());
    SourceDecl {
        table: source.table_name(),
        meta: own(&source.meta),
        columns: source
            .columns
            .values()
            .map(|column| ColumnDecl {
                name: column.name.clone(),
                data_type: column.data_type.clone(),
                meta: own(&column.meta),
                place: place(&column.place),
            })
            .collect(),
        place: source.place.clone(),
    }
}

fn record(result: &SourceResult, started_at: chrono::DateTime<chrono::Utc>) -> NodeRecord {
    let status = if result.is_success() { "success" } else { "error" };
    NodeRecord {
        unique_id: format!("source.{}", result.source),
        status: status.into(),
        started_at,
        duration_us: (result.elapsed_s * 1e6) as u64,
        rows: Some(new_rows(&result.units)),
        failures: Some(result.units.iter().map(|unit| unit.entry.rows_quarantined).sum()),
        relation: Some(result.table.to_string()),
        version: result.units.iter().filter_map(|unit| unit.entry.table_version).max(),
        message: result.error.as_ref().map(ToString::to_string),
    }
}

fn new_rows(units: &[UnitReport]) -> u64 {
    use millstream_ingest::UnitStatus::{Loaded, Replaced};
    units.iter().filter(|unit| matches!(unit.status, Loaded | Replaced)).map(|unit| unit.entry.rows_loaded).sum()
}
