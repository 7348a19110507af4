//! Runs what is due.
//!
//! Guarantees: each time of a schedule is planned in the store before it is run, so that it is run or passed over
//! once, whatever is killed when; an attempt that died counts as one; a failed attempt is made again after a pause, as
//! often as the schedule says; no more runs at a time than declared.
//!
//! Deliberately absent: schedules of several projects, and runs that wait for each other (that is what the graph of
//! the project is for).

pub(crate) mod command;
mod declared;
mod times;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use millstream_core::Result;
use millstream_store::{Store, Tick, TickState};
use tokio::task::JoinSet;

use super::backoff::jitter;
use super::board::Board;
use super::event::{LiveEvent, LiveEvents};
use crate::{Cancel, Runner};
use command::{Attempted, attempt};
pub use declared::{
    AT_ONCE_MAX, CatchUp, RETRIES_MAX, SCHEDULES_FILE, SCHEDULES_MAX, Schedule, ScheduledCommand, Schedules,
};
pub use times::CATCH_UP_MAX;

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
    tick: Tick,
    is_success: bool,
}

impl Scheduler {
    /// Runs what is due until it is asked to end, and then waits for what is at work.
    pub(crate) async fn run(self: Arc<Self>) {
        let mut running: JoinSet<Ended> = JoinSet::new();
        let mut at_work: BTreeMap<String, usize> = BTreeMap::new();
        while !self.soft.is_cancelled() {
            if let Err(error) = self.round(&mut running, &mut at_work) {
                self.listener.on(&LiveEvent::RefreshFailed { error: &error });
            }
            tokio::select! {
                () = self.soft.cancelled() => {}
                () = tokio::time::sleep(LOOK_EVERY) => {}
                Some(ended) = running.join_next() => note_end(ended.ok().as_ref(), &mut at_work),
            }
        }
        while running.join_next().await.is_some() {}
    }

    /// Runs what is due now, to its end. How many failed.
    pub(crate) async fn once(self: Arc<Self>) -> Result<usize> {
        let mut running: JoinSet<Ended> = JoinSet::new();
        let mut at_work: BTreeMap<String, usize> = BTreeMap::new();
        let mut failed = 0;
        loop {
            if !self.soft.is_cancelled() {
                self.round(&mut running, &mut at_work)?;
            }
            let Some(ended) = running.join_next().await else { return Ok(failed) };
            let ended = ended.ok();
            failed += usize::from(ended.as_ref().is_none_or(|ended| !ended.is_success));
            note_end(ended.as_ref(), &mut at_work);
        }
    }

    /// Plans what has become due, and begins what may begin.
    fn round(self: &Arc<Self>, running: &mut JoinSet<Ended>, at_work: &mut BTreeMap<String, usize>) -> Result<()> {
        let (store, now) = (&self.runner.store, self.runner.clock.now());
        let paused = self.plan(store, now)?;
        for mut tick in store.open_ticks()? {
            if tick.state != TickState::Waiting || tick.next_try > now || paused.contains(&tick.schedule) {
                continue;
            }
            let Some(schedule) = self.schedules.get(&tick.schedule) else {
                // The schedule was taken out of the file.
                store.update_tick(&Tick { state: TickState::Skipped, ..tick })?;
                continue;
            };
            let of_it = at_work.entry(tick.schedule.clone()).or_default();
            if running.len() >= self.schedules.at_once || *of_it >= schedule.at_once {
                continue;
            }
            *of_it += 1;
            tick.state = TickState::Running;
            tick.attempts += 1;
            store.update_tick(&tick)?;
            running.spawn(Arc::clone(self).attempt(schedule.clone(), tick));
        }
        Ok(())
    }

    /// Plans times that have passed. Gives the schedules that are paused.
    fn plan(&self, store: &Store, now: DateTime<Utc>) -> Result<BTreeSet<String>> {
        let known: BTreeMap<String, _> =
            store.schedules()?.into_iter().map(|state| (state.name.clone(), state)).collect();
        let mut paused = BTreeSet::new();
        for schedule in &self.schedules.all {
            let state = known.get(&schedule.name);
            let is_paused = state.and_then(|state| state.paused).unwrap_or(schedule.paused);
            self.board.schedule(&schedule.name, |board| {
                board.paused = is_paused;
                board.next = schedule.next(now).filter(|_| !is_paused);
            });
            if is_paused {
                paused.insert(schedule.name.clone());
            }
            let Some(handled) = state.and_then(|state| state.handled) else {
                // What was before it was seen first was not missed.
                store.plan_ticks(&schedule.name, now, &[])?;
                continue;
            };
            let (times, more) = schedule.passed(handled, now);
            let Some(last) = times.last() else { continue };
            if is_paused {
                store.plan_ticks(&schedule.name, *last, &[])?;
                continue;
            }
            let planned = schedule.plan(&times, now);
            let skipped = planned.iter().filter(|(_, state)| *state == TickState::Skipped).count() + usize::from(more);
            if skipped > 0 {
                self.listener.on(&LiveEvent::ScheduleSkipped { schedule: &schedule.name, times: skipped });
            }
            self.overtake(store, schedule, &planned)?;
            store.plan_ticks(&schedule.name, *last, &planned)?;
            store.prune_ticks(TICKS_KEPT)?;
        }
        Ok(paused)
    }

    /// A time that was not begun when the next one came is passed over, unless the schedule wants all of them.
    fn overtake(&self, store: &Store, schedule: &Schedule, planned: &[(DateTime<Utc>, TickState)]) -> Result<()> {
        let is_new = planned.iter().any(|(_, state)| *state == TickState::Waiting);
        if schedule.catch_up == CatchUp::All || !is_new {
            return Ok(());
        }
        let is_overtaken =
            |tick: &Tick| tick.schedule == schedule.name && tick.state == TickState::Waiting && tick.attempts == 0;
        for tick in store.open_ticks()?.into_iter().filter(is_overtaken) {
            store.update_tick(&Tick { state: TickState::Skipped, ..tick })?;
        }
        Ok(())
    }

    /// Makes one attempt and writes what came of it.
    async fn attempt(self: Arc<Self>, schedule: Schedule, mut tick: Tick) -> Ended {
        let (due, number) = (tick.due, tick.attempts);
        self.listener.on(&LiveEvent::ScheduleStarted { schedule: &schedule.name, due, attempt: number });
        let done = attempt(&self.runner, &schedule, due, number, &self.hard).await;
        let now = self.runner.clock.now();
        let (is_success, message) = match done {
            Ok(Attempted { is_success, message, invocation_id }) => {
                tick.invocation_id = invocation_id;
                (is_success, message)
            }
            Err(error) => (false, error.to_string()),
        };
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
        Ended { tick, is_success }
    }
}

/// Gives the place of an ended run back. A task that ended badly takes the process with it, so that there is always one.
fn note_end(ended: Option<&Ended>, at_work: &mut BTreeMap<String, usize>) {
    if let Some(count) = ended.and_then(|ended| at_work.get_mut(&ended.tick.schedule)) {
        *count = count.saturating_sub(1);
    }
}
