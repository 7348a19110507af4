//! A project with an `up` that goes round by round, by a clock that is set.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, Utc};
use millstream_core::Clock;
use millstream_runner::live::{Board, LiveEvent, LiveEvents, RoundSummary, Schedules, UpRequest};
use millstream_runner::{Cancel, Runner};
use millstream_store::{Cause, RunRecord, RunStatus};

use crate::world::World;

/// A clock that is set while the runner holds it.
pub struct SetClock(pub Mutex<DateTime<Utc>>);

impl Clock for SetClock {
    fn now(&self) -> DateTime<Utc> {
        *self.0.lock().unwrap()
    }
}

/// Keeps what schedules did, which models were held and which sources were away.
#[derive(Default)]
pub struct Lines(pub Mutex<Vec<String>>);

impl LiveEvents for Lines {
    fn on(&self, event: &LiveEvent<'_>) {
        let line = match event {
            LiveEvent::ScheduleEnded { schedule, due, attempt, result, retry_at, .. } => format!(
                "{schedule} {} attempt {attempt} {}{}",
                due.format("%dT%H:%M"),
                if result.is_ok() { "ok" } else { "failed" },
                if retry_at.is_some() { ", again later" } else { "" }
            ),
            LiveEvent::ScheduleSkipped { schedule, times } => format!("{schedule} passed over {times}"),
            LiveEvent::Held { model, .. } => format!("held {}", model.unique_id),
            LiveEvent::SourceDown { source, .. } => format!("down {source}"),
            LiveEvent::RefreshFailed { error } => error.to_string(),
            _ => return,
        };
        self.0.lock().unwrap().push(line);
    }
}

/// A runner and what `up` is given.
pub struct Scene {
    pub world: World,
    pub runner: Runner,
    pub clock: Arc<SetClock>,
    pub lines: Arc<Lines>,
    pub request: UpRequest,
}

impl Scene {
    pub fn new(world: World, schedules: &str) -> Self {
        let clock = Arc::new(SetClock(Mutex::new("2025-06-01T00:00:00Z".parse().unwrap())));
        let runner = Runner {
            clock: Arc::clone(&clock) as _,
            ids: Arc::new(millstream_runner::RandomIds),
            ..world.runner().unwrap()
        };
        let lines = Arc::new(Lines::default());
        let request = UpRequest {
            sources: Vec::new(),
            skip_gaps: false,
            flush: Duration::from_millis(50),
            poll: Duration::from_millis(50),
            drain: Duration::from_secs(20),
            retention: millstream_core::housekeeping::RETENTION_DEFAULT,
            memory_limit_bytes: u64::MAX,
            schedules: Schedules::parse(schedules).unwrap(),
            board: Arc::new(Board::default()),
            listener: Arc::clone(&lines) as _,
            cancel: Cancel::default(),
        };
        Self { world, runner, clock, lines, request }
    }

    /// A round at a time of the day, and what was told in it.
    pub fn round(&self, time: &str) -> Vec<String> {
        self.summary(time);
        std::mem::take(&mut *self.lines.0.lock().unwrap())
    }

    pub fn summary(&self, time: &str) -> RoundSummary {
        *self.clock.0.lock().unwrap() = format!("2025-06-{time}Z").parse().unwrap();
        self.world.runtime.block_on(self.runner.up_once(&self.request)).unwrap()
    }

    /// The latest run of a schedule.
    pub fn run(&self, schedule: &str) -> RunRecord {
        self.runner.store.runs_because(&Cause::Schedule(schedule.into())).unwrap().remove(0)
    }

    pub fn runs(&self, schedule: &str) -> Vec<(u32, RunStatus)> {
        let runs = self.runner.store.runs_because(&Cause::Schedule(schedule.into())).unwrap();
        runs.into_iter().rev().map(|run| (run.attempt, run.status)).collect()
    }
}

pub fn one_model() -> World {
    let world = World::new();
    world.write("models/a.sql", "{{ config(materialized='table') }} select 1 as id");
    world
}
