//! What one attempt at a scheduled run does: it gets what it needs to itself, and then it works.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use millstream_core::{Error, Result};
use millstream_ingest::contract::SourceKind;
use millstream_project::{ResourceType, Selection};
use millstream_store::{Cause, NodeRecord};
use serde_json::{Map, Value};

use super::declared::{Schedule, ScheduledCommand};
use crate::enter::IngestLock;
use crate::history::Scope;
use crate::ingest::Job;
use crate::lock::WorkspaceLock;
use crate::{Cancel, FreshnessRequest, IngestRequest, Request, Runner, SourceFreshness, Verb};

/// How long an attempt waits for the workspace, or for the tables of its sources, which others hold. Then it has
/// failed: whoever holds them for so long should be looked at.
pub const LOCK_WAIT_MAX: Duration = Duration::from_secs(6 * 3600);

/// What came of one attempt.
#[derive(Debug, Clone)]
pub(super) struct Attempted {
    pub(super) is_success: bool,
    /// One line.
    pub(super) message: String,
    /// What nodes did, where the work leaves no run of its own.
    pub(super) nodes: Vec<NodeRecord>,
}

impl Attempted {
    fn new(is_success: bool, message: String) -> Self {
        Self { is_success, message, nodes: Vec::new() }
    }
}

/// An attempt that may begin to work.
pub(super) enum Ready<'a> {
    /// There is nothing to do.
    Nothing,
    /// The freshness of these sources is asked.
    Freshness(BTreeSet<String>),
    /// These sources are loaded.
    Ingest(Vec<Job<'a>>, IngestLock),
    /// These nodes are carried out.
    Nodes(Verb, Vec<String>, Option<Arc<WorkspaceLock>>),
}

/// Waits for what the attempt needs to itself.
///
/// # Errors
/// The selection is wrong, or others hold the workspace for longer than [`LOCK_WAIT_MAX`].
pub(super) async fn get_ready<'a>(runner: &'a Runner, schedule: &Schedule, cancel: &Cancel) -> Result<Ready<'a>> {
    let verb = match schedule.command {
        ScheduledCommand::Ingest => {
            let jobs = file_jobs(runner, schedule)?;
            if jobs.is_empty() {
                return Ok(Ready::Nothing);
            }
            let tables = jobs.iter().map(|job| job.contract.table());
            let lock = runner.enter_tables(tables, LOCK_WAIT_MAX, cancel).await?;
            return Ok(Ready::Ingest(jobs, lock));
        }
        ScheduledCommand::Freshness => {
            let is_source = |id: &String| runner.project.manifest.resource_type(id) == Some(ResourceType::Source);
            return Ok(Ready::Freshness(selected(runner, schedule)?.into_iter().filter(is_source).collect()));
        }
        ScheduledCommand::Run => Verb::Run,
        ScheduledCommand::Test => Verb::Test,
        ScheduledCommand::Snapshot => Verb::Snapshot,
        ScheduledCommand::Seed => Verb::Seed,
        ScheduledCommand::Build => Verb::Build,
    };
    let selected = selected(runner, schedule)?;
    let lock = runner.enter(Scope::Build, LOCK_WAIT_MAX, cancel).await?;
    Ok(Ready::Nodes(verb, selected, lock.map(Arc::new)))
}

/// Does the work.
///
/// # Errors
/// It could not be carried out at all.
pub(super) async fn carry_out(
    runner: &Runner,
    schedule: &Schedule,
    due: DateTime<Utc>,
    attempt: u32,
    ready: Ready<'_>,
    cancel: &Cancel,
) -> Result<Attempted> {
    let args = arguments(schedule, due);
    let cause = Cause::Schedule(schedule.name.clone());
    let threads = runner.project.target.threads.max(1);
    match ready {
        Ready::Nothing => {
            Ok(Attempted::new(true, "there is no file source to load; topics are followed anyway".into()))
        }
        Ready::Freshness(selected) => {
            let request = FreshnessRequest { selected, threads, output: None, cancel: cancel.clone() };
            let summary = runner.freshness(&request).await?;
            let message = format!("{} asked", plural(summary.sources.len(), "source"));
            let nodes = summary.sources.iter().map(record).collect();
            Ok(Attempted { nodes, ..Attempted::new(summary.is_success(), message) })
        }
        Ready::Ingest(jobs, _lock) => {
            let request = IngestRequest { args, cause, attempt, cancel: cancel.clone(), ..IngestRequest::default() };
            let summary = runner.ingest_jobs(&request, &jobs).await?;
            let failed: Vec<&str> =
                summary.sources.iter().filter(|it| !it.is_success()).map(|it| it.source.as_str()).collect();
            let message = match failed.as_slice() {
                [] => format!("{} loaded", plural(summary.sources.len(), "source")),
                failed => format!("not all could be loaded of {}", failed.join(", ")),
            };
            Ok(Attempted::new(summary.is_success() && !summary.cancelled, message))
        }
        Ready::Nodes(verb, selected, lock) => {
            let request = Request {
                full_refresh: schedule.full_refresh,
                threads,
                args,
                cause,
                attempt,
                check: true,
                lock,
                cancel: cancel.clone(),
                ..Request::new(verb, selected)
            };
            let summary = runner.execute(&request).await?;
            Ok(Attempted::new(summary.is_success(), summary.last_line()))
        }
    }
}

/// The nodes that a schedule works on.
///
/// # Errors
/// Its selection cannot be understood, or matches nothing.
pub(crate) fn selected(runner: &Runner, schedule: &Schedule) -> Result<Vec<String>> {
    let selection = Selection {
        select: schedule.select.clone(),
        exclude: schedule.exclude.clone(),
        selector: schedule.selector.clone(),
        ..Selection::default()
    };
    let of_schedule = |error: Error| error.context(format!("the selection of schedule '{}' is wrong", schedule.name));
    let selected = runner.project.select(&selection).map_err(of_schedule)?;
    if selected.ids.is_empty() {
        return Err(Error::user(format!("the selection of schedule '{}' matches nothing", schedule.name)));
    }
    Ok(selected.ids)
}

/// The file sources among those that are named, or all of them. Topics are followed anyway, by whoever holds their
/// tables as long as `up` lives.
///
/// # Errors
/// A name is no source, or a contract is wrong.
pub(crate) fn file_jobs<'a>(runner: &'a Runner, schedule: &Schedule) -> Result<Vec<Job<'a>>> {
    let jobs = runner.jobs_or_none(&schedule.select)?;
    Ok(jobs.into_iter().filter(|job| matches!(job.contract.source(), SourceKind::File(..))).collect())
}

/// Whether the sources that an ingest names can be loaded by it.
///
/// # Errors
/// As of [`file_jobs`]; or they are topics.
pub(crate) fn files_named(runner: &Runner, schedule: &Schedule) -> Result<()> {
    if file_jobs(runner, schedule)?.is_empty() && !schedule.select.is_empty() {
        return Err(Error::user(format!("schedule '{}' names topics only", schedule.name))
            .why("topics are followed as long as up lives, and an ingest loads files")
            .hint("name file sources in its select, or take the schedule out"));
    }
    Ok(())
}

/// What the run of a schedule is recorded with.
pub(super) fn arguments(schedule: &Schedule, due: DateTime<Utc>) -> Map<String, Value> {
    Map::from_iter([
        ("which".to_owned(), schedule.command.name().into()),
        ("schedule".to_owned(), schedule.name.clone().into()),
        ("due".to_owned(), due.to_rfc3339().into()),
        ("select".to_owned(), schedule.select.clone().into()),
        ("exclude".to_owned(), schedule.exclude.clone().into()),
        ("selector".to_owned(), schedule.selector.clone().into()),
        ("full_refresh".to_owned(), schedule.full_refresh.into()),
    ])
}

/// A source's freshness as the store keeps it.
fn record(source: &SourceFreshness) -> NodeRecord {
    let message = match (&source.error, source.age()) {
        (Some(error), _) => Some(error.to_string()),
        (None, age) => age.map(|age| format!("the newest row is {} s old", age.num_seconds())),
    };
    NodeRecord {
        unique_id: source.unique_id.clone(),
        status: source.status.name().to_owned(),
        started_at: source.timing.first().map_or(source.snapshotted_at, |part| part.started_at),
        duration_us: (source.execution_time_s * 1e6) as u64,
        rows: None,
        failures: None,
        relation: None,
        version: None,
        message,
    }
}

fn plural(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}
