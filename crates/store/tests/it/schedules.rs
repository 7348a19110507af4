//! Schedules: what is planned, and what it becomes.

use millstream_core::Kind;
use millstream_store::{ScheduleState, Store, Tick, TickState};

use crate::{at, store};

#[test]
fn a_time_is_planned_once_and_moves_the_schedule() {
    let (_folder, store) = store();
    store.plan_ticks("nightly", at(0), &[]).unwrap();
    let seen =
        |paused, second| ScheduleState { name: "nightly".into(), paused, handled: Some(at(second)), pattern: None };
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
fn a_time_that_was_never_planned_has_no_state() {
    let (_folder, store) = store();
    store.plan_ticks("a", at(1), &[(at(1), TickState::Waiting)]).unwrap();
    let unknown = Tick { due: at(99), ..store.open_ticks().unwrap().remove(0) };
    assert_eq!(store.update_tick(&unknown).unwrap_err().kind(), Kind::Ours);
}

/// Plans times of a schedule that wait.
fn wait(store: &Store, schedule: &str, seconds: std::ops::RangeInclusive<i64>) {
    let ticks: Vec<_> = seconds.clone().map(|second| (at(second), TickState::Waiting)).collect();
    store.plan_ticks(schedule, at(*seconds.end()), &ticks).unwrap();
}

fn waiting(store: &Store, schedule: &str) -> Vec<i64> {
    let ticks = store.open_ticks().unwrap().into_iter();
    ticks.filter(|tick| tick.schedule == schedule).map(|tick| (tick.due - at(0)).num_seconds()).collect()
}

#[test]
fn of_each_schedule_the_oldest_that_may_be_tried_come() {
    let (_folder, store) = store();
    wait(&store, "a", 1..=5);
    wait(&store, "b", 3..=4);
    let later = Tick { attempts: 1, next_try: at(9), ..store.open_ticks().unwrap().remove(0) };
    store.update_tick(&later).unwrap();
    let due: Vec<_> = store
        .due_ticks(at(4), 2)
        .unwrap()
        .into_iter()
        .map(|tick| (tick.schedule, (tick.due - at(0)).num_seconds()))
        .collect();
    let wanted = [("a", 2), ("a", 3), ("b", 3), ("b", 4)].map(|(name, second)| (name.to_owned(), second));
    assert_eq!(due, wanted);
    assert_eq!(store.waiting_ticks().unwrap(), [("a".to_owned(), 5), ("b".to_owned(), 2)].into());
}

#[test]
fn what_waits_is_passed_over_as_it_is_asked() {
    let (_folder, store) = store();
    wait(&store, "a", 1..=6);
    wait(&store, "b", 1..=1);
    let tried = Tick { attempts: 1, ..store.open_ticks().unwrap().remove(0) };
    assert_eq!((tried.schedule.as_str(), tried.due), ("a", at(1)));
    store.update_tick(&tried).unwrap();
    assert_eq!(store.skip_overtaken("a", at(3)).unwrap(), 1);
    assert_eq!(waiting(&store, "a"), [1, 3, 4, 5, 6], "what was tried is tried again");
    assert_eq!(store.skip_all_but("a", 5).unwrap(), 0, "at the limit");
    assert_eq!(store.skip_all_but("a", 2).unwrap(), 2);
    assert_eq!(waiting(&store, "a"), [1, 5, 6]);
    assert_eq!(store.skip_waiting("a").unwrap(), 3);
    assert_eq!(waiting(&store, "b"), [1]);
}

#[test]
fn pausing_closes_what_waits() {
    let (_folder, store) = store();
    wait(&store, "a", 1..=2);
    store.pause_schedule("a", true).unwrap();
    assert!(store.open_ticks().unwrap().is_empty());
    store.pause_schedule("a", false).unwrap();
    assert!(store.open_ticks().unwrap().is_empty());
}

#[test]
fn a_schedule_that_begins_anew_forgets_what_was_passed_over_ahead_of_it() {
    let (_folder, store) = store();
    store.begin_schedule("a", "0 3 * * * UTC", at(0)).unwrap();
    let planned = [(at(5), TickState::Skipped), (at(15), TickState::Skipped), (at(20), TickState::Waiting)];
    store.plan_ticks("a", at(20), &planned).unwrap();
    store.begin_schedule("a", "0 4 * * * UTC", at(10)).unwrap();
    let state = store.schedules().unwrap().remove(0);
    assert_eq!((state.handled, state.pattern.as_deref()), (Some(at(10)), Some("0 4 * * * UTC")));
    let left: Vec<_> = store.ticks("a", 9).unwrap().into_iter().map(|tick| tick.due).collect();
    assert_eq!(left, [at(20), at(5)]);
    store.note_pattern("a", "0 5 * * * UTC").unwrap();
    assert_eq!(store.schedules().unwrap()[0].pattern.as_deref(), Some("0 5 * * * UTC"));
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
