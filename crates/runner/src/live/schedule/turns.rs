//! Whose turn it is.
//!
//! Guarantees: of the schedules that have a time that waits and a place of their own left, the one that was begun least
//! recently comes first, and of its times the oldest. So one that has a thousand times to catch up holds up none of
//! the others for longer than one run.

use std::collections::{BTreeMap, VecDeque};

use millstream_store::Tick;

/// Times that wait, by schedule, oldest first.
pub(super) type Waiting = BTreeMap<String, VecDeque<Tick>>;

/// Who is at work, and who was begun when.
#[derive(Debug, Default)]
pub(super) struct Turns {
    at_work: BTreeMap<String, usize>,
    /// The number of the last turn of each schedule.
    last: BTreeMap<String, u64>,
    turns: u64,
}

impl Turns {
    /// The time that is begun next, taken out of those that wait. `places` tells how many runs of a schedule there may
    /// be at a time.
    pub(super) fn next(&self, waiting: &mut Waiting, places: impl Fn(&str) -> usize) -> Option<Tick> {
        let has_place = |name: &str| self.at_work.get(name).copied().unwrap_or(0) < places(name);
        let candidates = waiting.iter().filter_map(|(name, ticks)| Some((name, ticks.front()?)));
        let next = candidates
            .filter(|(name, _)| has_place(name))
            .min_by_key(|(name, tick)| (self.last.get(*name).copied().unwrap_or(0), tick.due))
            .map(|(name, _)| name.clone())?;
        waiting.get_mut(&next)?.pop_front()
    }

    /// A run of a schedule has begun.
    pub(super) fn begin(&mut self, schedule: &str) {
        self.turns += 1;
        self.last.insert(schedule.to_owned(), self.turns);
        *self.at_work.entry(schedule.to_owned()).or_default() += 1;
    }

    /// A run of a schedule has ended.
    pub(super) fn end(&mut self, schedule: &str) {
        if let Some(count) = self.at_work.get_mut(schedule) {
            *count = count.saturating_sub(1);
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use chrono::{DateTime, Utc};
    use millstream_store::TickState;

    use super::*;

    fn tick(schedule: &str, second: i64) -> Tick {
        let due: DateTime<Utc> = DateTime::from_timestamp(second, 0).unwrap();
        Tick {
            schedule: schedule.into(),
            due,
            state: TickState::Waiting,
            attempts: 0,
            next_try: due,
            invocation_id: None,
        }
    }

    fn waiting(ticks: &[(&str, i64)]) -> Waiting {
        let mut waiting = Waiting::new();
        for (schedule, second) in ticks {
            waiting.entry((*schedule).to_owned()).or_default().push_back(tick(schedule, *second));
        }
        waiting
    }

    #[test]
    fn schedules_take_turns() {
        let mut turns = Turns::default();
        let mut waiting = waiting(&[("a", 1), ("a", 2), ("a", 3), ("b", 9), ("c", 8), ("c", 10)]);
        let mut told = Vec::new();
        while let Some(tick) = turns.next(&mut waiting, |_| 9) {
            turns.begin(&tick.schedule);
            told.push((tick.schedule, tick.due.timestamp()));
        }
        let wanted = [("a", 1), ("c", 8), ("b", 9), ("a", 2), ("c", 10), ("a", 3)];
        assert_eq!(told, wanted.map(|(name, second)| (name.to_owned(), second)));
    }

    #[test]
    fn a_schedule_has_so_many_places() {
        let mut turns = Turns::default();
        let mut waiting = waiting(&[("a", 1), ("a", 2), ("b", 3)]);
        turns.begin("a");
        assert_eq!(turns.next(&mut waiting, |_| 1).unwrap().schedule, "b");
        assert!(turns.next(&mut waiting, |_| 1).is_none());
        turns.end("a");
        assert_eq!(turns.next(&mut waiting, |_| 1).unwrap().schedule, "a");
    }
}
