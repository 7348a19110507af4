//! Where each schedule is: whether it is paused, up to which instant its times were dealt with, and what became of
//! each of them.
//!
//! Guarantees: a time is planned in the same transaction that moves the schedule behind it, so that it is planned
//! once, whatever is killed when; pausing a schedule closes what waits of it in the same transaction.
//!
//! Deliberately absent: what a schedule says, which is in the project's file (of its pattern a copy is kept, to see
//! that it has changed); and what becomes of a time that was at work when its process died, which whoever runs
//! schedules decides.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use millstream_core::{Error, Result};
use rusqlite::{Row, params};

use crate::Store;
use crate::value::{instant, uninstant};

/// Closes what waits of a schedule.
const SKIP_WAITING: &str = "update ticks set state = 'skipped' where schedule = ?1 and state = 'waiting'";

/// How a planned time stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum TickState {
    /// It is to be run, now or after a pause between attempts.
    Waiting,
    /// At work.
    Running,
    /// Done.
    Success,
    /// Failed, and no attempt is left.
    Failed,
    /// Missed, overtaken or paused, and by the schedule's own word not to be caught up.
    Skipped,
}

impl TickState {
    const ALL: [Self; 5] = [Self::Waiting, Self::Running, Self::Success, Self::Failed, Self::Skipped];

    /// The word that the file and listings use.
    pub fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Success => "success",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
        }
    }
}

/// One planned time of a schedule.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Tick {
    /// The schedule.
    pub schedule: String,
    /// The time, UTC.
    pub due: DateTime<Utc>,
    /// How it stands.
    pub state: TickState,
    /// Attempts that were begun.
    pub attempts: u32,
    /// Not to be tried before, UTC.
    pub next_try: DateTime<Utc>,
    /// The run of the last attempt.
    pub invocation_id: Option<String>,
}

/// What is kept of a schedule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScheduleState {
    /// Its name.
    pub name: String,
    /// Whether somebody paused it. None when nobody has said anything, and the project's file decides.
    pub paused: Option<bool>,
    /// Its times up to this one were planned or passed over; none before it was seen first.
    pub handled: Option<DateTime<Utc>>,
    /// The pattern (and time zone) of which these times were; none in files of an earlier version.
    pub pattern: Option<String>,
}

impl Store {
    /// What is kept of every schedule that was ever seen, by name.
    pub fn schedules(&self) -> Result<Vec<ScheduleState>> {
        let connection = self.connection();
        let mut statement = connection
            .prepare_cached("select name, paused, handled_us, pattern from schedules order by name")
            .map_err(|error| self.error(error))?;
        let rows = statement
            .query_map([], |row| {
                Ok(ScheduleState {
                    name: row.get(0)?,
                    paused: row.get(1)?,
                    handled: row.get::<_, Option<i64>>(2)?.map(uninstant),
                    pattern: row.get(3)?,
                })
            })
            .map_err(|error| self.error(error))?;
        rows.collect::<rusqlite::Result<_>>().map_err(|error| self.error(error))
    }

    /// Pauses a schedule, which closes what waits of it (attempts that are to be made again among it), or lets it go on.
    pub fn pause_schedule(&self, name: &str, paused: bool) -> Result<()> {
        let mut connection = self.connection();
        let write = |connection: &mut rusqlite::Connection| -> rusqlite::Result<()> {
            let transaction = connection.transaction()?;
            transaction.execute(
                "insert into schedules (name, paused) values (?1, ?2)
                 on conflict (name) do update set paused = excluded.paused",
                params![name, paused],
            )?;
            if paused {
                transaction.execute(SKIP_WAITING, [name])?;
            }
            transaction.commit()
        };
        write(&mut connection).map_err(|error| self.error(error))
    }

    /// Begins a schedule, or begins it anew: only its times after `from` count, and they are those of this pattern.
    /// What was passed over after `from` (the clock was ahead for a while) is forgotten, so that it can be run.
    pub fn begin_schedule(&self, name: &str, pattern: &str, from: DateTime<Utc>) -> Result<()> {
        let mut connection = self.connection();
        let write = |connection: &mut rusqlite::Connection| -> rusqlite::Result<()> {
            let transaction = connection.transaction()?;
            transaction.execute(
                "insert into schedules (name, handled_us, pattern) values (?1, ?2, ?3)
                 on conflict (name) do update set handled_us = excluded.handled_us, pattern = excluded.pattern",
                params![name, instant(from), pattern],
            )?;
            transaction.execute(
                "delete from ticks where schedule = ?1 and due_us > ?2 and state = 'skipped'",
                params![name, instant(from)],
            )?;
            transaction.commit()
        };
        write(&mut connection).map_err(|error| self.error(error))
    }

    /// Notes the pattern of a schedule that a file of an earlier version has without one.
    pub fn note_pattern(&self, name: &str, pattern: &str) -> Result<()> {
        self.connection()
            .execute("update schedules set pattern = ?2 where name = ?1", params![name, pattern])
            .map_err(|error| self.error(error))?;
        Ok(())
    }

    /// Plans times of a schedule, and moves it behind `handled`. A time that is planned already stays as it is.
    pub fn plan_ticks(&self, name: &str, handled: DateTime<Utc>, ticks: &[(DateTime<Utc>, TickState)]) -> Result<()> {
        let mut connection = self.connection();
        let write = |connection: &mut rusqlite::Connection| -> rusqlite::Result<()> {
            let transaction = connection.transaction()?;
            transaction.execute(
                "insert into schedules (name, handled_us) values (?1, ?2)
                 on conflict (name) do update set handled_us = excluded.handled_us",
                params![name, instant(handled)],
            )?;
            for (due, state) in ticks {
                transaction.execute(
                    "insert into ticks (schedule, due_us, state, attempts, next_try_us) values (?1, ?2, ?3, 0, ?2)
                     on conflict do nothing",
                    params![name, instant(*due), state.name()],
                )?;
            }
            transaction.commit()
        };
        write(&mut connection).map_err(|error| self.error(error))
    }

    /// Times that wait or are at work, oldest first.
    pub fn open_ticks(&self) -> Result<Vec<Tick>> {
        self.select_ticks("where state in ('waiting', 'running') order by due_us, schedule", params![])
    }

    /// Times that wait and may be tried now: of each schedule the oldest `most`, in this order.
    pub fn due_ticks(&self, now: DateTime<Utc>, most: usize) -> Result<Vec<Tick>> {
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        self.select_ticks(
            "where (schedule, due_us) in (
                select schedule, due_us from (
                    select schedule, due_us, row_number() over (partition by schedule order by due_us) as n
                    from ticks where state = 'waiting' and next_try_us <= ?1)
                where n <= ?2)
             order by schedule, due_us",
            params![instant(now), most],
        )
    }

    /// How many times of each schedule wait; schedules of which none does are not among them.
    pub fn waiting_ticks(&self) -> Result<BTreeMap<String, usize>> {
        let connection = self.connection();
        let mut statement = connection
            .prepare_cached("select schedule, count(*) from ticks where state = 'waiting' group by schedule")
            .map_err(|error| self.error(error))?;
        let rows = statement
            .query_map([], |row| Ok((row.get(0)?, usize::try_from(row.get::<_, i64>(1)?).unwrap_or(0))))
            .map_err(|error| self.error(error))?;
        rows.collect::<rusqlite::Result<_>>().map_err(|error| self.error(error))
    }

    /// The latest times of a schedule, newest first.
    pub fn ticks(&self, schedule: &str, limit: usize) -> Result<Vec<Tick>> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.select_ticks("where schedule = ?1 order by due_us desc limit ?2", params![schedule, limit])
    }

    /// Puts a time in a new state. `invocation_id` stays as it was when none is given.
    pub fn update_tick(&self, tick: &Tick) -> Result<()> {
        let changed = self
            .connection()
            .execute(
                "update ticks set state = ?3, attempts = ?4, next_try_us = ?5,
                    invocation_id = coalesce(?6, invocation_id)
                 where schedule = ?1 and due_us = ?2",
                params![
                    tick.schedule,
                    instant(tick.due),
                    tick.state.name(),
                    tick.attempts,
                    instant(tick.next_try),
                    tick.invocation_id,
                ],
            )
            .map_err(|error| self.error(error))?;
        if changed == 1 {
            return Ok(());
        }
        Err(Error::ours(format!("the time {} of schedule {} was never planned", tick.due, tick.schedule)))
    }

    /// Passes over all that waits of a schedule. How many there were.
    pub fn skip_waiting(&self, schedule: &str) -> Result<usize> {
        self.connection().execute(SKIP_WAITING, [schedule]).map_err(|error| self.error(error))
    }

    /// Passes over what waits of a schedule, was never tried, and was due before this. How many there were.
    pub fn skip_overtaken(&self, schedule: &str, before: DateTime<Utc>) -> Result<usize> {
        self.connection()
            .execute(
                "update ticks set state = 'skipped'
                 where schedule = ?1 and state = 'waiting' and attempts = 0 and due_us < ?2",
                params![schedule, instant(before)],
            )
            .map_err(|error| self.error(error))
    }

    /// Passes over the oldest that wait of a schedule and were never tried, where more than `keep` wait. How many.
    pub fn skip_all_but(&self, schedule: &str, keep: usize) -> Result<usize> {
        let keep = i64::try_from(keep).unwrap_or(i64::MAX);
        self.connection()
            .execute(
                "update ticks set state = 'skipped'
                 where schedule = ?1 and state = 'waiting' and attempts = 0 and due_us not in (
                    select due_us from ticks where schedule = ?1 and state = 'waiting' order by due_us desc limit ?2)",
                params![schedule, keep],
            )
            .map_err(|error| self.error(error))
    }

    /// Forgets ended times of each schedule but the latest `keep`.
    pub fn prune_ticks(&self, keep: usize) -> Result<usize> {
        let keep = i64::try_from(keep).unwrap_or(i64::MAX);
        self.connection()
            .execute(
                "delete from ticks where state in ('success', 'failed', 'skipped') and (schedule, due_us) not in (
                    select schedule, due_us from (
                        select schedule, due_us, row_number() over (partition by schedule order by due_us desc) as n
                        from ticks)
                    where n <= ?1)",
                [keep],
            )
            .map_err(|error| self.error(error))
    }

    fn select_ticks(&self, rest: &str, values: &[&dyn rusqlite::ToSql]) -> Result<Vec<Tick>> {
        let connection = self.connection();
        let sql = format!("select schedule, due_us, state, attempts, next_try_us, invocation_id from ticks {rest}");
        let mut statement = connection.prepare_cached(&sql).map_err(|error| self.error(error))?;
        let rows = statement.query_map(values, read_tick).map_err(|error| self.error(error))?;
        rows.collect::<rusqlite::Result<_>>().map_err(|error| self.error(error))
    }
}

fn read_tick(row: &Row<'_>) -> rusqlite::Result<Tick> {
    let state: String = row.get(2)?;
    Ok(Tick {
        schedule: row.get(0)?,
        due: uninstant(row.get(1)?),
        // The table's own check keeps other words out.
        state: TickState::ALL.into_iter().find(|known| known.name() == state).unwrap_or(TickState::Failed),
        attempts: row.get(3)?,
        next_try: uninstant(row.get(4)?),
        invocation_id: row.get(5)?,
    })
}
