//! Runs as a reader is told of them: those whose process died are not at work, whatever the store still says.
//!
//! Guarantees: nothing is written, and nobody at work is kept from it; a run that is at work, or has just ended, is never
//! told as interrupted. Whoever does a run holds a lock from before its record until after its end, and the system gives
//! the lock back when the process dies: a run that is there before and after a look at the lock, which nobody held, has
//! nobody who does it.
//!
//! Deliberately absent: marking them in the store. The next writer of the workspace does, and tidies up after them.

use std::collections::BTreeSet;
use std::path::Path;

use millstream_core::Result;
use millstream_store::{DIED, RunFilter, RunRecord, RunStatus, Store};

use crate::history::{BUILD_COMMANDS, INGEST_COMMANDS, WITHOUT_LOCK};
use crate::lock;

/// The latest runs that a filter lets through, newest first.
///
/// # Errors
/// The store, or a lock of the workspace, cannot be read.
pub fn runs(store: &Store, workspace: &Path, filter: &RunFilter, limit: usize) -> Result<Vec<RunRecord>> {
    let died = died(store, workspace)?;
    let most = limit.saturating_add(died.len());
    let mut runs = store.runs_where(filter, most)?;
    match filter.status {
        Some(RunStatus::Running) => runs.retain(|run| !died.contains(&run.invocation_id)),
        Some(RunStatus::Interrupted) => {
            let open = RunFilter { status: Some(RunStatus::Running), ..filter.clone() };
            let open = store.runs_where(&open, usize::MAX)?;
            runs.extend(open.into_iter().filter(|run| died.contains(&run.invocation_id)));
            runs.sort_by(|a, b| (b.started_at, &a.invocation_id).cmp(&(a.started_at, &b.invocation_id)));
        }
        _ => {}
    }
    runs.truncate(limit);
    Ok(runs.into_iter().map(|run| as_it_is(run, &died)).collect())
}

/// Runs whose id begins so, newest first, at most two: enough to tell one from several.
///
/// # Errors
/// As [`runs`].
pub fn runs_like(store: &Store, workspace: &Path, beginning: &str) -> Result<Vec<RunRecord>> {
    let died = died(store, workspace)?;
    Ok(store.runs_like(beginning)?.into_iter().map(|run| as_it_is(run, &died)).collect())
}

fn as_it_is(run: RunRecord, died: &BTreeSet<String>) -> RunRecord {
    if run.status != RunStatus::Running || !died.contains(&run.invocation_id) {
        return run;
    }
    RunRecord { status: RunStatus::Interrupted, message: Some(DIED.to_owned()), ..run }
}

/// Ids of runs that say `running` and have nobody who does them.
fn died(store: &Store, workspace: &Path) -> Result<BTreeSet<String>> {
    let open = || store.runs_where(&RunFilter { status: Some(RunStatus::Running), ..RunFilter::default() }, usize::MAX);
    let before: BTreeSet<String> = open()?.into_iter().map(|run| run.invocation_id).collect();
    // An `up` writes the ends of scheduled runs that took too long after they have given their lock back.
    if before.is_empty() || lock::is_up(workspace)? {
        return Ok(BTreeSet::new());
    }
    let mut free = Vec::new();
    let locks =
        [(lock::BUILD, &BUILD_COMMANDS[..]), (lock::INGEST, &INGEST_COMMANDS), (lock::FILES_LOCK, WITHOUT_LOCK)];
    for (file, commands) in locks {
        if !lock::is_held(workspace, file)? {
            free.extend(commands);
        }
    }
    let after = open()?.into_iter().filter(|run| free.contains(&run.command.as_str()));
    Ok(after.map(|run| run.invocation_id).filter(|id| before.contains(id)).collect())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::time::Duration;

    use millstream_store::Cause;

    use super::*;
    use crate::lock::WorkspaceLock;
    use crate::{Cancel, SilentEvents};

    fn started(store: &Store, id: &str, command: &str, status: RunStatus) {
        let record = RunRecord {
            invocation_id: id.into(),
            command: command.into(),
            args: serde_json::json!({}),
            started_at: format!("2025-01-0{}T00:00:00Z", store.runs(9).unwrap().len() + 1).parse().unwrap(),
            finished_at: None,
            status,
            pid: 1,
            message: None,
            cause: Cause::Cli,
            attempt: 1,
        };
        store.start_run(&record).unwrap();
    }

    #[test]
    fn a_run_is_at_work_as_long_as_somebody_holds_its_lock() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        let store = Store::open(&path.join("state.db")).unwrap();
        started(&store, "done", "build", RunStatus::Success);
        started(&store, "gone", "build", RunStatus::Interrupted);
        started(&store, "verify", "verify", RunStatus::Running);
        started(&store, "build", "build", RunStatus::Running);
        started(&store, "ingest", "ingest", RunStatus::Running);
        let told = |status: Option<RunStatus>, limit: usize| -> Vec<String> {
            let runs = runs(&store, path, &RunFilter { cause: None, status }, limit).unwrap();
            runs.iter().map(|run| format!("{} {}", run.invocation_id, run.status.name())).collect()
        };
        let all = |build: &str, ingest: &str, verify: &str| {
            let open = [("ingest", ingest), ("build", build), ("verify", verify)];
            let ended = [("gone", "interrupted"), ("done", "success")];
            open.into_iter().chain(ended).map(|(id, status)| format!("{id} {status}")).collect::<Vec<_>>()
        };
        assert_eq!(told(None, 9), all("interrupted", "interrupted", "interrupted"));
        assert_eq!(told(Some(RunStatus::Interrupted), 2), ["ingest interrupted", "build interrupted"]);
        assert!(told(Some(RunStatus::Running), 9).is_empty());
        assert_eq!(runs_like(&store, path, "bu").unwrap()[0].message.as_deref(), Some(DIED));

        let building = WorkspaceLock::try_take(path, lock::BUILD).unwrap();
        assert_eq!(told(None, 9), all("running", "interrupted", "interrupted"));
        assert_eq!(told(Some(RunStatus::Running), 9), ["build running"]);
        assert_eq!(
            told(Some(RunStatus::Interrupted), 9),
            ["ingest interrupted", "verify interrupted", "gone interrupted"]
        );
        drop(building);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let share = |file| runtime.block_on(WorkspaceLock::share(path, file, &Cancel::default())).unwrap();
        let loading = share(lock::INGEST);
        assert_eq!(told(None, 9), all("interrupted", "running", "interrupted"));
        drop(loading);
        let verifying = share(lock::FILES_LOCK);
        assert_eq!(told(None, 9), all("interrupted", "interrupted", "running"));
        drop(verifying);
        let up = WorkspaceLock::try_take(path, lock::UP).unwrap();
        assert_eq!(told(None, 9), all("running", "running", "running"));
        drop(up);
        assert_eq!(store.runs(9).unwrap()[1].status, RunStatus::Running, "nothing is written");
    }

    #[test]
    fn who_looks_at_a_lock_keeps_nobody_from_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        let looking = std::fs::File::create(path.join(lock::BUILD)).unwrap();
        looking.lock_shared().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let cancel = Cancel::default();
        let take = WorkspaceLock::take(path, lock::BUILD, Duration::ZERO, &cancel, &SilentEvents);
        let look = async {
            tokio::time::sleep(Duration::from_millis(5)).await;
            drop(looking);
        };
        let (taken, ()) = runtime.block_on(async { tokio::join!(take, look) });
        taken.unwrap();
    }
}
