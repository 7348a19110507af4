//! Schedules: what is planned, what it becomes, and what a killed process leaves.

use millstream_core::Kind;
use millstream_store::{ScheduleState, Tick, TickState};

use crate::{at, store};

#[test]
fn a_time_is_planned_once_and_moves_the_schedule() {
    let (_folder, store) = store();
    store.plan_ticks("nightly", at(0), &[]).unwrap();
    let seen = |paused, second| ScheduleState { name: "nightly".into(), paused, handled: Some(at(second)) };
    assert_eq!(store.schedules().unwrap(), [seen(None, 0)]);
    store.plan_ticks("nightly", at(20), &[(at(10), TickState::Skipped), (at(20), TickState::Waiting)]).unwrap();
    let mut tick = store.open_ticks().unwrap().remove(0);
    assert_eq!((tick.due, tick.attempts, tick.next_try), (at(20), 0, at(20)));
    tick.state = TickState::Success;
    tick.attempts = 1;
    tick.invocation_id = Some("a".into());
    store.update_tick(&tick).unwrap();
    // Planning it again (a crash between two steps of the caller) does not run it twice.
    store.plan_ticks("nightly", at(20), &[(at(20), TickState::Waiting)]).unwrap();
    assert!(store.open_ticks().unwrap().is_empty());
    assert_eq!(store.ticks("nightly", 1).unwrap(), [tick]);
    store.pause_schedule("nightly", true).unwrap();
    assert_eq!(store.schedules().unwrap(), [seen(Some(true), 20)]);
}

#[test]
fn what_was_at_work_waits_again_with_its_attempt_counted() {
    let (_folder, store) = store();
    store.plan_ticks("a", at(1), &[(at(1), TickState::Waiting)]).unwrap();
    let running = Tick { state: TickState::Running, attempts: 1, ..store.open_ticks().unwrap().remove(0) };
    store.update_tick(&running).unwrap();
    assert_eq!(store.recover_ticks().unwrap(), 1);
    let open = store.open_ticks().unwrap();
    assert_eq!((open[0].state, open[0].attempts), (TickState::Waiting, 1));
    let unknown = Tick { due: at(99), ..running };
    assert_eq!(store.update_tick(&unknown).unwrap_err().kind(), Kind::Ours);
}

#[test]
fn only_ended_times_are_forgotten() {
    let (_folder, store) = store();
    let ended: Vec<_> = (1..=5).map(|second| (at(second), TickState::Skipped)).collect();
    store.plan_ticks("a", at(5), &ended).unwrap();
    store.plan_ticks("b", at(1), &[(at(1), TickState::Waiting)]).unwrap();
    assert_eq!(store.prune_ticks(5).unwrap(), 0, "at the limit");
    assert_eq!(store.prune_ticks(4).unwrap(), 1, "one past it");
    assert_eq!(store.prune_ticks(0).unwrap(), 4);
    assert_eq!(store.open_ticks().unwrap().len(), 1);
}
