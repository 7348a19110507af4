//! What becomes of attempts that died with their process.
//!
//! Guarantees: an attempt that died counts. It is made again after a pause, even when none was left, so that a kill or
//! a restart does not lose a scheduled run; but once only beyond the schedule's `retries`, so that work that takes the
//! process with it (memory, for one) ends.

use chrono::TimeDelta;
use millstream_core::Result;
use millstream_store::{DIED, RunRecord, RunStatus, Tick, TickState};

use super::attempt::run_of;
use super::{Schedule, Scheduler};
use crate::live::backoff::jitter;
use crate::live::event::LiveEvent;

impl Scheduler {
    /// Lets the times wait again that a dead process left at work, as far as they may. Only for the one process that
    /// runs schedules, before it does. Where something else decides when rounds are made, there is no pause.
    ///
    /// # Errors
    /// The store cannot be read or written.
    pub(crate) fn recover(&self, has_pauses: bool) -> Result<()> {
        for tick in self.runner.store.open_ticks()? {
            if tick.state != TickState::Running {
                continue;
            }
            match self.schedules.get(&tick.schedule) {
                Some(schedule) => self.died(schedule, tick, has_pauses)?,
                // It was taken out of the file.
                None => self.runner.store.update_tick(&Tick { state: TickState::Skipped, ..tick })?,
            }
        }
        Ok(())
    }

    fn died(&self, schedule: &Schedule, mut tick: Tick, has_pauses: bool) -> Result<()> {
        let (store, now) = (&self.runner.store, self.runner.clock.now());
        if let Some(id) = tick.invocation_id.as_deref().filter(|id| store.run(id).is_ok_and(|run| run.is_none())) {
            store.start_run(&RunRecord {
                status: RunStatus::Interrupted,
                message: Some(DIED.to_owned()),
                ..run_of(schedule, &tick, id, tick.next_try)
            })?;
        }
        let mut retry_at = None;
        if tick.attempts > schedule.retries.saturating_add(1) {
            tick.state = TickState::Failed;
        } else {
            tick.state = TickState::Waiting;
            if has_pauses {
                let pause = schedule.backoff.pause(tick.attempts, jitter(self.runner.ids.as_ref()));
                tick.next_try = now + TimeDelta::from_std(pause).unwrap_or(TimeDelta::MAX);
            }
            retry_at = Some(tick.next_try);
        }
        store.update_tick(&tick)?;
        self.board.schedule(&schedule.name, |board| {
            board.last = Some((now, false));
            board.failures += 1;
        });
        self.listener.on(&LiveEvent::ScheduleEnded {
            schedule: &schedule.name,
            due: tick.due,
            attempt: tick.attempts,
            result: Err(DIED),
            invocation_id: tick.invocation_id.as_deref(),
            retry_at,
        });
        Ok(())
    }
}
