//! Runs what is due.
//!
//! Guarantees: each time of a schedule is planned in the store before it is run, so that it is run or passed over
//! once, whatever is killed when; an attempt that died counts as one ([`recover`]); a failed attempt is made again after
//! a pause, as often as the schedule says; no more runs at a time than declared, and schedules take turns ([`turns`]);
//! no more times of one schedule wait than [`CATCH_UP_MAX`].
//!
//! Deliberately absent: schedules of several projects, and runs that wait for each other (that is what the graph of
//! the project is for).

mod attempt;
pub(crate) mod command;
mod declared;
mod pattern;
mod reading;
mod recover;
mod times;
mod turns;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use millstream_core::Result;
use millstream_store::{ScheduleState, Store, Tick, TickState};
use tokio::task::JoinSet;

use super::backoff::jitter;
use super::board::Board;
use super::event::{LiveEvent, LiveEvents};
use crate::{Cancel, Runner};
use attempt::{Done, attempt};
pub use command::LOCK_WAIT_MAX;
pub use declared::{
    AT_ONCE_MAX, CatchUp, RETRIES_MAX, SCHEDULES_FILE, SCHEDULES_MAX, Schedule, ScheduledCommand, Schedules,
};
pub use times::CATCH_UP_MAX;
use turns::{Turns, Waiting};

/// How often it is looked whether something is due.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Ended times of each schedule that the history keeps.
const TICKS_KEPT: usize = 1_000;

/// Runs schedules.
pub(crate) struct Scheduler {
    pub(crate) runner: Runner,
    pub(crate) schedules: Schedules,
    pub(crate) board: Arc<Board>,
    pub(crate) listener: Arc<dyn LiveEvents>,
    pub(crate) soft: Cancel,
    pub(crate) hard: Cancel,
}

/// A run that has ended.
struct Ended {
    schedule: String,
    is_success: bool,
}

impl Scheduler {
    /// Runs what is due until it is asked to end, and then waits for what is at work.
    pub(crate) async fn run(self: Arc<Self>) {
        let mut running: JoinSet<Ended> = JoinSet::new();
        let mut turns = Turns::default();
        while !self.soft.is_cancelled() {
            if let Err(error) = self.round(&mut running, &mut turns) {
                self.listener.on(&LiveEvent::RefreshFailed { error: &error });
            }
            tokio::select! {
                () = self.soft.cancelled() => {}
                () = tokio::time::sleep(LOOK_EVERY) => {}
                // A task that ended badly takes the process with it, so that there is always one.
                Some(Ok(ended)) = running.join_next() => turns.end(&ended.schedule),
            }
        }
        while running.join_next().await.is_some() {}
    }

    /// Runs what is due now, to its end. How many failed.
    pub(crate) async fn once(self: Arc<Self>) -> Result<usize> {
        let mut running: JoinSet<Ended> = JoinSet::new();
        let mut turns = Turns::default();
        let mut failed = 0;
        loop {
            if !self.soft.is_cancelled() {
                self.round(&mut running, &mut turns)?;
            }
            let Some(ended) = running.join_next().await else { return Ok(failed) };
            let ended = ended.ok();
            failed += usize::from(ended.as_ref().is_none_or(|ended| !ended.is_success));
            if let Some(ended) = ended {
                turns.end(&ended.schedule);
            }
        }
    }

    /// Plans what has become due, and begins what may begin.
    fn round(self: &Arc<Self>, running: &mut JoinSet<Ended>, turns: &mut Turns) -> Result<()> {
        let (store, now) = (&self.runner.store, self.runner.clock.now());
        self.plan(store, now)?;
        if running.len() >= self.schedules.at_once {
            return Ok(());
        }
        let mut waiting = self.waiting(store, now)?;
        let places = |name: &str| self.schedules.get(name).map_or(0, |schedule| schedule.at_once);
        while running.len() < self.schedules.at_once {
            let Some(mut tick) = turns.next(&mut waiting, places) else { break };
            let Some(schedule) = self.schedules.get(&tick.schedule) else { continue };
            tick.state = TickState::Running;
            tick.attempts += 1;
            // Whoever recovers it knows when it was begun.
            tick.next_try = now;
            tick.invocation_id = Some(self.runner.ids.invocation_id());
            // It has a place when this is written, not before: what cannot be written is tried again.
            store.update_tick(&tick)?;
            turns.begin(&tick.schedule);
            running.spawn(Arc::clone(self).attempt(schedule.clone(), tick));
        }
        Ok(())
    }

    /// What may be tried now. Times of schedules that were taken out of the file are passed over.
    fn waiting(&self, store: &Store, now: DateTime<Utc>) -> Result<Waiting> {
        let mut waiting = Waiting::new();
        for tick in store.due_ticks(now, AT_ONCE_MAX)? {
            if self.schedules.get(&tick.schedule).is_none() {
                store.skip_waiting(&tick.schedule)?;
                continue;
            }
            waiting.entry(tick.schedule.clone()).or_default().push_back(tick);
        }
        Ok(waiting)
    }

    /// Plans times that have passed.
    fn plan(&self, store: &Store, now: DateTime<Utc>) -> Result<()> {
        let known: BTreeMap<String, ScheduleState> =
            store.schedules()?.into_iter().map(|state| (state.name.clone(), state)).collect();
        let waiting = store.waiting_ticks()?;
        for schedule in &self.schedules.all {
            let state = known.get(&schedule.name);
            let is_paused = state.and_then(|state| state.paused).unwrap_or(schedule.paused);
            self.board.schedule(&schedule.name, |board| {
                board.paused = is_paused;
                board.next = schedule.next(now).filter(|_| !is_paused);
            });
            let waits = waiting.get(&schedule.name).copied().unwrap_or(0);
            if is_paused && waits > 0 {
                // Paused by the file, or what failed after it was paused.
                self.tell_skipped(schedule, store.skip_waiting(&schedule.name)?);
            }
            let Some(handled) = begin(store, schedule, state, now)? else { continue };
            let (times, more) = schedule.passed(handled, now);
            let Some(last) = times.last() else { continue };
            if is_paused {
                store.plan_ticks(&schedule.name, *last, &[])?;
                continue;
            }
            let planned = schedule.plan(&times, now);
            let skipped = planned.iter().filter(|(_, state)| *state == TickState::Skipped).count() + usize::from(more);
            self.tell_skipped(schedule, skipped);
            self.overtake(store, schedule, &planned)?;
            store.plan_ticks(&schedule.name, *last, &planned)?;
            if waits + planned.len() > CATCH_UP_MAX {
                self.tell_skipped(schedule, store.skip_all_but(&schedule.name, CATCH_UP_MAX)?);
            }
            store.prune_ticks(TICKS_KEPT)?;
        }
        Ok(())
    }

    fn tell_skipped(&self, schedule: &Schedule, times: usize) {
        if times > 0 {
            self.listener.on(&LiveEvent::ScheduleSkipped { schedule: &schedule.name, times });
        }
    }

    /// A time that was not begun when the next one came is passed over, unless the schedule wants all of them.
    fn overtake(&self, store: &Store, schedule: &Schedule, planned: &[(DateTime<Utc>, TickState)]) -> Result<()> {
        let first = planned.iter().find(|(_, state)| *state == TickState::Waiting);
        let Some((first, _)) = first.filter(|_| schedule.catch_up != CatchUp::All) else { return Ok(()) };
        store.skip_overtaken(&schedule.name, *first)?;
        Ok(())
    }

    /// Makes one attempt and writes what came of it.
    async fn attempt(self: Arc<Self>, schedule: Schedule, mut tick: Tick) -> Ended {
        let (due, number) = (tick.due, tick.attempts);
        self.listener.on(&LiveEvent::ScheduleStarted { schedule: &schedule.name, due, attempt: number });
        let Done { is_success, message, unrecorded } = attempt(&self.runner, &schedule, &tick, &self.hard).await;
        if let Some(error) = unrecorded {
            self.listener.on(&LiveEvent::RefreshFailed { error: &error });
        }
        let now = self.runner.clock.now();
        let mut retry_at = None;
        tick.state = if is_success {
            TickState::Success
        } else if self.hard.is_cancelled() {
            // Cut short by the end of `up`: the next one makes the attempt anew.
            tick.attempts -= 1;
            TickState::Waiting
        } else if tick.attempts > schedule.retries {
            TickState::Failed
        } else {
            let pause = schedule.backoff.pause(tick.attempts, jitter(self.runner.ids.as_ref()));
            tick.next_try = now + TimeDelta::from_std(pause).unwrap_or(TimeDelta::MAX);
            retry_at = Some(tick.next_try);
            TickState::Waiting
        };
        self.board.schedule(&schedule.name, |board| {
            board.last = Some((now, is_success));
            board.successes += u64::from(is_success);
            board.failures += u64::from(!is_success);
        });
        let result = if is_success { Ok(message.as_str()) } else { Err(message.as_str()) };
        self.listener.on(&LiveEvent::ScheduleEnded {
            schedule: &schedule.name,
            due,
            attempt: number,
            result,
            invocation_id: tick.invocation_id.as_deref(),
            retry_at,
        });
        if let Err(error) = self.runner.store.update_tick(&tick) {
            // It stays at work in the store, and waits again when `up` begins anew.
            self.listener.on(&LiveEvent::RefreshFailed { error: &error });
        }
        Ended { schedule: schedule.name, is_success }
    }
}

/// The instant after which times of a schedule count; nothing when that is now, because it is seen for the first time,
/// its pattern is another one than when it was seen last, or the clock was put back.
fn begin(
    store: &Store,
    schedule: &Schedule,
    state: Option<&ScheduleState>,
    now: DateTime<Utc>,
) -> Result<Option<DateTime<Utc>>> {
    let pattern = schedule.pattern_text();
    let handled = state.and_then(|state| state.handled);
    let known = state.and_then(|state| state.pattern.as_ref());
    match (handled.filter(|handled| *handled <= now), known) {
        (Some(handled), Some(known)) if *known == pattern => return Ok(Some(handled)),
        (Some(handled), None) => {
            store.note_pattern(&schedule.name, &pattern)?;
            return Ok(Some(handled));
        }
        _ => {}
    }
    store.begin_schedule(&schedule.name, &pattern, now)?;
    Ok(None)
}
