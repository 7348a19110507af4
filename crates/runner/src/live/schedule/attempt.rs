//! One attempt at a scheduled run, from its beginning to what stands of it in the history.
//!
//! Guarantees: every attempt leaves a run, under the id that its time of the schedule had before it began, however it
//! ends; its time-out counts from when it begins to work, not from when it begins to wait for others. It works on threads
//! of its own, so that a query that does not let go of them holds up neither its time-out nor anybody else.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use millstream_core::{Error, Result};
use millstream_store::{Cause, RunRecord, RunStatus, Tick};
use tokio::sync::oneshot;

use super::command::{Attempted, arguments, carry_out, get_ready};
use super::declared::Schedule;
use crate::live::apart::Apart;
use crate::{Cancel, Ids, Runner};

/// How long what is cancelled may take to discard what it has staged. What takes longer is left to end by itself.
const DISCARD_MAX: Duration = Duration::from_secs(10);

/// Threads of one attempt.
const WORKERS_MAX: usize = 64;

/// How an attempt ended.
pub(super) struct Done {
    pub(super) is_success: bool,
    /// One line or more.
    pub(super) message: String,
    /// Why the history does not tell of it, if it does not.
    pub(super) unrecorded: Option<Error>,
}

/// The one id that a run is to have.
struct OneId(String);

impl Ids for OneId {
    fn invocation_id(&self) -> String {
        self.0.clone()
    }
}

/// Makes the attempt, and sees to it that the history has it.
pub(super) async fn attempt(runner: &Runner, schedule: &Schedule, tick: &Tick, hard: &Cancel) -> Done {
    let started_at = runner.clock.now();
    let id = tick.invocation_id.clone().unwrap_or_else(|| runner.ids.invocation_id());
    let own = Runner { ids: Arc::new(OneId(id.clone())), ..runner.clone() };
    let mut is_late = false;
    let done = work(&own, schedule, tick, hard, &mut is_late).await;
    let (is_success, message, line) = match &done {
        Ok(done) => (done.is_success, done.message.clone(), done.message.clone()),
        Err(error) => (false, error.to_string(), one_line(error)),
    };
    let status = match (is_success, hard.is_cancelled()) {
        (true, _) => RunStatus::Success,
        (false, true) => RunStatus::Cancelled,
        (false, false) => RunStatus::Failed,
    };
    let ended = Ended { id: &id, started_at, status, message: &line, is_late };
    let nodes = done.map(|done| done.nodes).unwrap_or_default();
    let recorded = record(runner, schedule, tick, &ended).and_then(|()| runner.store.record_nodes(&id, &nodes));
    Done { is_success, message, unrecorded: recorded.err() }
}

async fn work(
    runner: &Runner,
    schedule: &Schedule,
    tick: &Tick,
    hard: &Cancel,
    is_late: &mut bool,
) -> Result<Attempted> {
    let cancel = Cancel::default();
    let (began, is_begun) = oneshot::channel();
    let apart = Apart::new("scheduled", workers(runner.project.target.threads), None);
    let task = apart.spawn({
        let (runner, schedule, cancel) = (runner.clone(), schedule.clone(), cancel.clone());
        let (due, attempts) = (tick.due, tick.attempts);
        async move {
            let ready = get_ready(&runner, &schedule, &cancel).await?;
            // Nobody waits for it any more when `up` ends.
            let _ = began.send(());
            carry_out(&runner, &schedule, due, attempts, ready, &cancel).await
        }
    });
    let work = async { task.await.unwrap_or_else(|error| Err(Error::ours("a scheduled run ended badly").why(error))) };
    tokio::select! {
        // What cannot begin has ended.
        _ = is_begun => {}
        () = hard.cancelled() => {}
    }
    let done = bounded(work, schedule.timeout, &cancel, hard).await?;
    *is_late = done.is_none();
    done.ok_or_else(|| {
        Error::user(format!("it took longer than {:?}", schedule.timeout)).hint("give the schedule a longer timeout")
    })
}

/// Threads for an attempt that works on so many nodes at a time: one for each part of each of their queries, so that one
/// is left to look at the time when none of them lets go of its own. Those that have nothing to do cost nothing.
fn workers(threads: usize) -> usize {
    threads.saturating_mul(threads).saturating_add(1).min(WORKERS_MAX)
}

/// Does the work for as long as it may take, nothing when that was too short. When `up` must end, or after that time,
/// it is cancelled, discards what is staged, and ends by itself.
async fn bounded<T>(
    work: impl Future<Output = Result<T>>,
    most: Duration,
    cancel: &Cancel,
    hard: &Cancel,
) -> Result<Option<T>> {
    let mut work = std::pin::pin!(work);
    tokio::select! {
        biased;
        done = &mut work => return done.map(Some),
        () = tokio::time::sleep(most) => {}
        () = hard.cancelled() => {}
    }
    cancel.cancel();
    let done = tokio::time::timeout(DISCARD_MAX, work).await;
    match done {
        Ok(done) if hard.is_cancelled() => done.map(Some),
        _ => Ok(None),
    }
}

/// What the history is told.
struct Ended<'a> {
    id: &'a str,
    started_at: DateTime<Utc>,
    status: RunStatus,
    message: &'a str,
    /// Whether its time was over, for which the run itself was only cancelled.
    is_late: bool,
}

/// Writes the run of an attempt that has left none, or not how it ended.
fn record(runner: &Runner, schedule: &Schedule, tick: &Tick, ended: &Ended<'_>) -> Result<()> {
    let now = runner.clock.now();
    match runner.store.run(ended.id)? {
        Some(run) if ended.is_late || run.status == RunStatus::Running => {
            runner.store.finish_run(ended.id, ended.status, now, Some(ended.message))
        }
        Some(_) => Ok(()),
        None => runner.store.start_run(&RunRecord {
            finished_at: Some(now),
            status: ended.status,
            message: Some(ended.message.to_owned()),
            ..run_of(schedule, tick, ended.id, ended.started_at)
        }),
    }
}

/// The run of an attempt, as it begins.
pub(super) fn run_of(schedule: &Schedule, tick: &Tick, id: &str, started_at: DateTime<Utc>) -> RunRecord {
    RunRecord {
        invocation_id: id.to_owned(),
        command: schedule.command.name().to_owned(),
        args: arguments(schedule, tick.due).into(),
        started_at,
        finished_at: None,
        status: RunStatus::Running,
        pid: std::process::id(),
        message: None,
        cause: Cause::Schedule(schedule.name.clone()),
        attempt: tick.attempts,
    }
}

/// What happened and why, in one line.
fn one_line(error: &Error) -> String {
    let parts = std::iter::once(error.what()).chain(error.causes().iter().map(String::as_str));
    parts.collect::<Vec<&str>>().join(": ").replace('\n', " ")
}
