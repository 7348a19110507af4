//! The times of a schedule, and what becomes of those that have passed.
//!
//! Guarantees: times are those of the schedule's own zone. A time with a fixed hour (anything but `*` or `*/n`) is run
//! once a day, whatever the clock does: where it is put forward past it, when the clock goes on, and where it is put
//! back, the first time. Where the hour is `*` or `*/n` real time goes on: both of the hours that the clock has twice
//! are run, and what it leaves out is not (see [`super::pattern`]).

use chrono::{DateTime, TimeDelta, Utc};
use millstream_store::TickState;

use super::declared::{CatchUp, Schedule};

/// Times of one schedule that are caught up. Older ones are passed over and told.
pub const CATCH_UP_MAX: usize = 1_000;

/// A time that is this much behind was missed; until then it is only late.
const MISSED_AFTER: TimeDelta = TimeDelta::seconds(60);

impl Schedule {
    /// The next time after this instant, if there ever is one.
    pub fn next(&self, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.pattern.after(after)
    }

    /// Times after `handled` up to `now`, oldest first, and whether there are older ones than these.
    pub(crate) fn passed(&self, handled: DateTime<Utc>, now: DateTime<Utc>) -> (Vec<DateTime<Utc>>, bool) {
        let mut times = Vec::new();
        let mut until = now;
        let more = loop {
            let Some(time) = self.pattern.until(until).filter(|time| *time > handled) else { break false };
            if times.len() == CATCH_UP_MAX {
                break true;
            }
            times.push(time);
            // They are whole seconds.
            until = time - TimeDelta::seconds(1);
        };
        times.reverse();
        (times, more)
    }

    /// What becomes of times that have passed.
    pub(crate) fn plan(&self, times: &[DateTime<Utc>], now: DateTime<Utc>) -> Vec<(DateTime<Utc>, TickState)> {
        let is_missed = |at: &DateTime<Utc>| now - *at > MISSED_AFTER;
        let runs = |number: usize, at: &DateTime<Utc>| match self.catch_up {
            CatchUp::All => true,
            CatchUp::Last => number + 1 == times.len(),
            CatchUp::None => !is_missed(at),
        };
        let state = |runs| if runs { TickState::Waiting } else { TickState::Skipped };
        times.iter().enumerate().map(|(number, at)| (*at, state(runs(number, at)))).collect()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::declared::Schedules;
    use super::*;

    fn schedule(rest: &str) -> Schedule {
        Schedules::parse(&format!("schedules: [{{name: s, command: run, {rest}}}]")).unwrap().all.remove(0)
    }

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn passed(schedule: &Schedule, handled: &str, now: &str) -> Vec<String> {
        let (times, _) = schedule.passed(at(handled), at(now));
        times.iter().map(|time| time.format("%dT%H:%M").to_string()).collect()
    }

    #[test]
    fn times_are_after_the_last_and_up_to_now() {
        let hourly = schedule("cron: '30 * * * *'");
        assert_eq!(hourly.next(at("2025-06-01T10:30:00Z")), Some(at("2025-06-01T11:30:00Z")));
        assert_eq!(passed(&hourly, "2025-06-01T10:30:00Z", "2025-06-01T12:29:59Z"), ["01T11:30"]);
        assert_eq!(passed(&hourly, "2025-06-01T10:29:59Z", "2025-06-01T11:30:00Z"), ["01T10:30", "01T11:30"]);
        assert_eq!(passed(&hourly, "2025-06-01T10:30:00Z", "2025-06-01T11:29:00Z"), [""; 0]);
    }

    #[test]
    fn the_clock_is_the_zones_own_also_when_it_is_put_forward_and_back() {
        let berlin = schedule("cron: '30 2,14 * * *', timezone: Europe/Berlin");
        assert_eq!(passed(&berlin, "2025-07-01T00:00:00Z", "2025-07-01T20:00:00Z"), ["01T00:30", "01T12:30"]);
        // On the 30th of March 2025 two o'clock was three o'clock: half past two did not exist.
        assert_eq!(passed(&berlin, "2025-03-29T14:00:00Z", "2025-03-30T12:00:00Z"), ["30T01:00"]);
        assert_eq!(berlin.next(at("2025-03-29T14:00:00Z")), Some(at("2025-03-30T01:00:00Z")));
        // On the 26th of October 2025 it was there twice.
        assert_eq!(passed(&berlin, "2025-10-25T14:00:00Z", "2025-10-26T12:00:00Z"), ["26T00:30"]);
        let hourly = schedule("cron: '30 * * * *', timezone: Europe/Berlin");
        let october = passed(&hourly, "2025-10-26T00:00:00Z", "2025-10-26T03:00:00Z");
        assert_eq!(october, ["26T00:30", "26T01:30", "26T02:30"], "an hour is an hour");
    }

    #[test]
    fn missed_times_are_caught_up_as_the_schedule_says() {
        let (handled, now) = (at("2025-06-01T00:00:00Z"), at("2025-06-01T03:00:30Z"));
        let states = |catch_up: &str, now: DateTime<Utc>| -> Vec<&'static str> {
            let hourly = schedule(&format!("cron: '0 * * * *', catch_up: {catch_up}"));
            let (times, more) = hourly.passed(handled, now);
            assert!(!more);
            hourly.plan(&times, now).into_iter().map(|(_, state)| state.name()).collect()
        };
        assert_eq!(states("all", now), ["waiting", "waiting", "waiting"]);
        assert_eq!(states("last", now), ["skipped", "skipped", "waiting"]);
        assert_eq!(states("none", now), ["skipped", "skipped", "waiting"], "the last is only late");
        assert_eq!(states("none", now + TimeDelta::minutes(1)), ["skipped", "skipped", "skipped"]);
    }

    #[test]
    fn so_many_are_caught_up_and_no_more() {
        let minutely = schedule("cron: '* * * * *', catch_up: all");
        let handled = at("2025-06-01T00:00:00Z");
        let (times, more) = minutely.passed(handled, handled + TimeDelta::minutes(CATCH_UP_MAX as i64));
        assert_eq!((times.len(), more), (CATCH_UP_MAX, false));
        let (times, more) = minutely.passed(handled, handled + TimeDelta::minutes(CATCH_UP_MAX as i64 + 1));
        assert_eq!((times.len(), more), (CATCH_UP_MAX, true));
        assert_eq!(times[0], handled + TimeDelta::minutes(2), "the oldest is passed over");
    }
}
