//! Runs and the results of their nodes.

use millstream_core::Kind;
use millstream_store::{Cause, NodeRecord, RunFilter, RunRecord, RunStatus};

use crate::{at, store};

fn run(id: &str, second: i64) -> RunRecord {
    RunRecord {
        invocation_id: id.into(),
        command: "build".into(),
        args: serde_json::json!({"select": ["+fct_transactions"]}),
        started_at: at(second),
        finished_at: None,
        status: RunStatus::Running,
        pid: 42,
        message: None,
        cause: Cause::Cli,
        attempt: 1,
    }
}

#[test]
fn runs_come_newest_first_and_carry_their_end() {
    let (_folder, store) = store();
    store.start_run(&run("a", 0)).unwrap();
    store.start_run(&run("b", 10)).unwrap();
    store.finish_run("a", RunStatus::Failed, at(3), Some("1 failed")).unwrap();
    let runs = store.runs(10).unwrap();
    assert_eq!(runs[0], run("b", 10));
    let ended = RunRecord {
        finished_at: Some(at(3)),
        status: RunStatus::Failed,
        message: Some("1 failed".into()),
        ..run("a", 0)
    };
    assert_eq!(runs[1], ended);
    assert_eq!(store.runs(1).unwrap().len(), 1);
}

#[test]
fn ending_a_run_that_never_started_is_our_error() {
    let (_folder, store) = store();
    let error = store.finish_run("x", RunStatus::Success, at(0), None).unwrap_err();
    assert_eq!(error.kind(), Kind::Ours);
}

#[test]
fn only_runs_that_still_run_are_marked_interrupted() {
    let (_folder, store) = store();
    store.start_run(&run("a", 0)).unwrap();
    store.start_run(&run("b", 1)).unwrap();
    store.finish_run("a", RunStatus::Success, at(2), None).unwrap();
    assert_eq!(store.mark_interrupted(&["ingest"]).unwrap(), 0);
    assert_eq!(store.mark_interrupted(&["build", "run"]).unwrap(), 1);
    let statuses: Vec<_> = store.runs(9).unwrap().into_iter().map(|run| (run.invocation_id, run.status)).collect();
    assert_eq!(statuses, [("b".into(), RunStatus::Interrupted), ("a".into(), RunStatus::Success)]);
}

#[test]
fn nodes_of_a_run_come_in_the_order_of_their_start() {
    let (_folder, store) = store();
    store.start_run(&run("a", 0)).unwrap();
    let node = |id: &str, second| NodeRecord {
        unique_id: id.into(),
        status: "success".into(),
        started_at: at(second),
        duration_us: 1_500,
        rows: Some(200),
        failures: None,
        relation: Some("marts.dim_users".into()),
        version: Some(3),
        message: None,
    };
    store.record_nodes("a", &[node("model.p.b", 2), node("model.p.a", 1)]).unwrap();
    store.record_nodes("a", &[NodeRecord { status: "error".into(), ..node("model.p.b", 2) }]).unwrap();
    let nodes = store.nodes("a").unwrap();
    assert_eq!(nodes, [node("model.p.a", 1), NodeRecord { status: "error".into(), ..node("model.p.b", 2) }]);
}

#[test]
fn runs_are_found_by_the_beginning_of_their_id_and_by_cause() {
    let (_folder, store) = store();
    store.start_run(&run("abc-1", 0)).unwrap();
    store.start_run(&RunRecord { cause: Cause::Schedule("nightly".into()), attempt: 2, ..run("abd-2", 1) }).unwrap();
    let ids = |runs: Vec<RunRecord>| runs.into_iter().map(|run| run.invocation_id).collect::<Vec<_>>();
    assert_eq!(ids(store.runs_like("ab").unwrap()), ["abd-2", "abc-1"]);
    assert_eq!(ids(store.runs_like("abc").unwrap()), ["abc-1"]);
    assert_eq!(ids(store.runs_like("%").unwrap()), [""; 0], "no pattern");
    let found = store.runs_because(&Cause::Schedule("nightly".into())).unwrap();
    assert_eq!((found.len(), found[0].attempt), (1, 2));
}

#[test]
fn pruning_keeps_the_latest_and_never_one_that_runs() {
    let (_folder, store) = store();
    for second in 0..5 {
        let id = format!("change-{second}");
        store.start_run(&RunRecord { cause: Cause::Change, ..run(&id, second) }).unwrap();
        let node = NodeRecord {
            unique_id: "model.p.a".into(),
            status: "success".into(),
            started_at: at(second),
            duration_us: 1,
            rows: None,
            failures: None,
            relation: None,
            version: None,
            message: None,
        };
        store.record_nodes(&id, &[node]).unwrap();
        if second > 0 {
            store.finish_run(&id, RunStatus::Success, at(second + 1), None).unwrap();
        }
    }
    store.start_run(&run("by-hand", -1)).unwrap();
    store.finish_run("by-hand", RunStatus::Success, at(0), None).unwrap();
    assert_eq!(store.prune_runs(&[Cause::Change, Cause::Start], 2).unwrap(), 2);
    let left: Vec<_> = store.runs(9).unwrap().into_iter().map(|run| run.invocation_id).collect();
    assert_eq!(left, ["change-4", "change-3", "change-0", "by-hand"]);
    assert!(store.nodes("change-2").unwrap().is_empty());
    assert_eq!(store.nodes("change-3").unwrap().len(), 1);
    assert_eq!(store.prune_runs(&[Cause::Change], 2).unwrap(), 0, "at the limit");
}

#[test]
fn runs_are_filtered_by_cause_its_kind_and_status() {
    let (_folder, store) = store();
    let schedule = |name: &str| Cause::Schedule(name.into());
    store.start_run(&run("by-hand", 0)).unwrap();
    store.start_run(&RunRecord { cause: schedule("nightly"), ..run("nightly-1", 1) }).unwrap();
    store.start_run(&RunRecord { cause: schedule("nightly one"), ..run("other", 2) }).unwrap();
    store.start_run(&RunRecord { cause: schedule("nightly"), ..run("nightly-2", 3) }).unwrap();
    store.finish_run("nightly-1", RunStatus::Failed, at(4), None).unwrap();
    let ids = |cause: Option<&str>, status, limit| {
        let filter = RunFilter { cause: cause.map(str::to_owned), status };
        store.runs_where(&filter, limit).unwrap().into_iter().map(|run| run.invocation_id).collect::<Vec<_>>()
    };
    assert_eq!(ids(Some("schedule"), None, 9), ["nightly-2", "other", "nightly-1"]);
    assert_eq!(ids(Some("schedule nightly"), None, 9), ["nightly-2", "nightly-1"], "another name is no kind of it");
    assert_eq!(ids(Some("schedule"), Some(RunStatus::Failed), 9), ["nightly-1"]);
    assert_eq!(ids(Some("schedule"), None, 1), ["nightly-2"]);
    assert_eq!(ids(None, Some(RunStatus::Running), 9), ["nightly-2", "other", "by-hand"]);
    assert_eq!(ids(Some("sched"), None, 9), [""; 0], "no part of a word");
    assert_eq!(store.run("other").unwrap().map(|run| run.cause), Some(schedule("nightly one")));
    assert_eq!(store.run("oth").unwrap(), None);
}

#[test]
fn a_kind_of_cause_is_pruned_in_steps_and_done_backfills_stay() {
    let (_folder, store) = store();
    for second in 0..6 {
        let id = format!("s-{second}");
        store.start_run(&RunRecord { cause: Cause::Schedule(format!("s{}", second % 2)), ..run(&id, second) }).unwrap();
        if second > 0 {
            store.finish_run(&id, RunStatus::Success, at(second), None).unwrap();
        }
    }
    for (id, status) in [("done", RunStatus::Success), ("broken", RunStatus::Failed)] {
        store.start_run(&RunRecord { cause: Cause::Backfill, ..run(id, 0) }).unwrap();
        store.finish_run(id, status, at(9), None).unwrap();
    }
    assert_eq!(store.prune_kind("schedule", 6, 9).unwrap(), 0, "at the limit");
    assert_eq!(store.prune_kind("schedule", 2, 2).unwrap(), 2, "so many at a time");
    assert_eq!(store.prune_kind("schedule", 2, 9).unwrap(), 1);
    assert_eq!(store.prune_kind("schedule", 2, 9).unwrap(), 0, "one that runs is never forgotten");
    assert_eq!(store.prune_kind("backfill", 0, 9).unwrap(), 1);
    let mut left: Vec<_> = store.runs(9).unwrap().into_iter().map(|run| run.invocation_id).collect();
    left.sort();
    assert_eq!(left, ["done", "s-0", "s-4", "s-5"]);
}
