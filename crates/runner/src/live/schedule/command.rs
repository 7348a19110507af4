//! One attempt at a scheduled run.

use chrono::{DateTime, Utc};
use millstream_core::{Error, Result};
use millstream_project::{ResourceType, Selection};
use millstream_store::Cause;
use serde_json::{Map, Value};

use super::declared::{Schedule, ScheduledCommand};
use crate::{Cancel, FreshnessRequest, IngestRequest, Request, Runner, Verb};

/// What came of one attempt.
#[derive(Debug, Clone)]
pub(crate) struct Attempted {
    pub(crate) is_success: bool,
    /// One line.
    pub(crate) message: String,
    /// The run in the history; freshness leaves none.
    pub(crate) invocation_id: Option<String>,
}

/// Carries out one attempt, for as long as the schedule allows.
///
/// # Errors
/// It could not begin, or it took too long.
pub(crate) async fn attempt(
    runner: &Runner,
    schedule: &Schedule,
    due: DateTime<Utc>,
    attempt: u32,
    hard: &Cancel,
) -> Result<Attempted> {
    let cancel = Cancel::default();
    let work = carry_out(runner, schedule, due, attempt, &cancel);
    let mut work = std::pin::pin!(work);
    tokio::select! {
        biased;
        done = &mut work => return done,
        () = tokio::time::sleep(schedule.timeout) => {}
        () = hard.cancelled() => {}
    }
    // It discards what is staged, and ends by itself.
    cancel.cancel();
    let done = work.await;
    if hard.is_cancelled() {
        return done;
    }
    Err(Error::user(format!("it took longer than {:?}", schedule.timeout)).hint("give the schedule a longer timeout"))
}

async fn carry_out(
    runner: &Runner,
    schedule: &Schedule,
    due: DateTime<Utc>,
    attempt: u32,
    cancel: &Cancel,
) -> Result<Attempted> {
    let args = arguments(schedule, due);
    let cause = Cause::Schedule(schedule.name.clone());
    if schedule.command == ScheduledCommand::Ingest {
        let request = IngestRequest {
            sources: sources(runner, schedule),
            args,
            cause,
            attempt,
            lock_wait: schedule.timeout,
            cancel: cancel.clone(),
            ..IngestRequest::default()
        };
        let summary = runner.ingest(&request).await?;
        let failed: Vec<&str> =
            summary.sources.iter().filter(|it| !it.is_success()).map(|it| it.source.as_str()).collect();
        let message = match failed.as_slice() {
            [] => format!("{} loaded", plural(summary.sources.len(), "source")),
            failed => format!("not all could be loaded of {}", failed.join(", ")),
        };
        let is_success = summary.is_success() && !summary.cancelled;
        return Ok(Attempted { is_success, message, invocation_id: Some(summary.invocation_id) });
    }
    let selected = selected(runner, schedule)?;
    let threads = runner.project.target.threads.max(1);
    let verb = match schedule.command {
        ScheduledCommand::Freshness => {
            let is_source = |id: &String| runner.project.manifest.resource_type(id) == Some(ResourceType::Source);
            let selected = selected.into_iter().filter(is_source).collect();
            let request = FreshnessRequest { selected, threads, output: None, cancel: cancel.clone() };
            let summary = runner.freshness(&request).await?;
            let message = format!("{} asked", plural(summary.sources.len(), "source"));
            return Ok(Attempted { is_success: summary.is_success(), message, invocation_id: None });
        }
        ScheduledCommand::Run => Verb::Run,
        ScheduledCommand::Test => Verb::Test,
        ScheduledCommand::Snapshot => Verb::Snapshot,
        ScheduledCommand::Seed => Verb::Seed,
        ScheduledCommand::Build | ScheduledCommand::Ingest => Verb::Build,
    };
    let request = Request {
        full_refresh: schedule.full_refresh,
        threads,
        args,
        cause,
        attempt,
        check: true,
        lock_wait: schedule.timeout,
        cancel: cancel.clone(),
        ..Request::new(verb, selected)
    };
    let summary = runner.execute(&request).await?;
    let (is_success, message) = (summary.is_success(), summary.last_line());
    Ok(Attempted { is_success, message, invocation_id: Some(summary.invocation_id) })
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

/// Sources to ingest: those that are named, else all file sources. Topics are followed anyway.
fn sources(runner: &Runner, schedule: &Schedule) -> Vec<String> {
    if !schedule.select.is_empty() {
        return schedule.select.clone();
    }
    let connector = |meta: &Map<String, Value>| meta.get("millstream")?.get("connector")?.as_str().map(str::to_owned);
    let sources = runner.project.manifest.sources.values();
    let files = sources.filter(|source| connector(&source.meta).as_deref() == Some("file"));
    files.map(|source| source.unique_id.clone()).collect()
}

fn arguments(schedule: &Schedule, due: DateTime<Utc>) -> Map<String, Value> {
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

fn plural(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}
