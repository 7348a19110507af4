//! Runs and the results of their nodes.

use millstream_core::Kind;
use millstream_store::{NodeRecord, RunRecord, RunStatus};

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
