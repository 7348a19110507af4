//! A cron pattern on a clock that is put forward and back.
//!
//! Guarantees, where the hour is anything but `*` or `*/n`: each time is there once. One that the clock leaves out is
//! where it goes on; several of these are one; of one that the clock has twice, the first is meant.
//!
//! Where the hour is `*` or `*/n`, the pattern stands for a rhythm, and real time goes on: both of two hours that the
//! clock calls the same count, and what the clock leaves out does not. (Vixie cron makes the same difference.)
//!
//! Croner has its own rules for this, for patterns of one minute and one hour only; so it is asked for times of a clock
//! that never changes, and what these mean in the zone is decided here.

use chrono::{DateTime, LocalResult, NaiveDate, NaiveDateTime, Offset, TimeDelta, TimeZone, Timelike, Utc};
use chrono_tz::Tz;
use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};

/// No clock is put back by more, and no two changes are closer to each other.
const CHANGE_MAX: TimeDelta = TimeDelta::days(1);

/// When something is due, by the clock of a zone.
#[derive(Debug, Clone)]
pub(crate) struct Pattern {
    cron: Cron,
    zone: Tz,
    /// Whether the hour is `*` or `*/n`.
    is_rhythm: bool,
}

/// A clock that is put back: for a while it has all times twice.
struct Back {
    /// When it is put back.
    at: DateTime<Utc>,
    /// When it is as late as it was before.
    until: DateTime<Utc>,
    /// What the clock is ahead of UTC by from then on.
    offset: TimeDelta,
}

/// The pattern of a text: five fields, or a name as `@daily`; no seconds, no years.
///
/// # Errors
/// In words, what is wrong with it.
pub(super) fn parse(text: &str) -> Result<Cron, String> {
    let parser = CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
    parser.parse(text).map_err(|error| error.to_string())
}

/// Whether any date matches the pattern; the thirtieth of February does not.
pub(super) fn ever_comes(cron: &Cron) -> bool {
    let start = NaiveDate::from_ymd_opt(2000, 1, 1).and_then(|date| date.and_hms_opt(0, 0, 0)).unwrap_or_default();
    cron.find_next_occurrence(&start, true).is_ok()
}

impl Pattern {
    /// The times of a parsed pattern in a zone.
    pub(super) fn new(text: &str, cron: Cron, zone: Tz) -> Self {
        let hour = text.split_whitespace().nth(1);
        let is_rhythm = match hour {
            Some(hour) => hour == "*" || (hour.starts_with("*/") && !hour.contains(',')),
            None => text.trim().eq_ignore_ascii_case("@hourly"),
        };
        Self { cron, zone, is_rhythm }
    }

    /// The first time after an instant.
    pub(super) fn after(&self, instant: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let first = self.first_after(instant);
        let again = self.back_near(instant).and_then(|back| self.again_after(&back, instant));
        match (first, again) {
            (Some(first), Some(again)) => Some(first.min(again)),
            (first, again) => first.or(again),
        }
    }

    /// The last time up to an instant, which may be this instant.
    pub(super) fn until(&self, instant: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let first = self.first_until(instant)?;
        // What is there a second time is there so soon after the first time that the change is near it.
        let again = self.back_near(first).and_then(|back| self.again_until(&back, instant));
        Some(again.map_or(first, |again| again.max(first)))
    }

    /// As [`Pattern::after`], without what the clock has a second time.
    fn first_after(&self, instant: DateTime<Utc>) -> Option<DateTime<Utc>> {
        // What the clock shows before this does not come after it for the first time.
        let (mut shown, mut is_inclusive) = (self.shown(instant), true);
        loop {
            shown = self.cron.find_next_occurrence(&shown, is_inclusive).ok()?;
            if let Some(at) = self.first(shown).filter(|at| *at > instant) {
                return Some(at);
            }
            is_inclusive = false;
        }
    }

    /// As [`Pattern::until`], without what the clock has a second time.
    fn first_until(&self, instant: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let local = self.shown(instant);
        let (mut shown, mut is_inclusive) = match self.zone.from_local_datetime(&local) {
            // Later times of the clock were there before it was put back.
            LocalResult::Ambiguous(one, other) => (local + (other - one).abs(), true),
            _ => (local, true),
        };
        loop {
            shown = self.cron.find_previous_occurrence(&shown, is_inclusive).ok()?;
            if let Some(at) = self.first(shown).filter(|at| *at <= instant) {
                return Some(at);
            }
            is_inclusive = false;
        }
    }

    /// The first time after an instant among those that the clock has a second time.
    fn again_after(&self, back: &Back, instant: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let from = if instant >= back.at { instant + TimeDelta::seconds(1) } else { back.at };
        let shown = from.naive_utc() + back.offset;
        let shown = shown.with_nanosecond(0)?;
        let at = (self.cron.find_next_occurrence(&shown, true).ok()? - back.offset).and_utc();
        Some(at).filter(|at| *at > instant && *at < back.until)
    }

    /// The last time up to an instant among those that the clock has a second time.
    fn again_until(&self, back: &Back, instant: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let shown = instant.min(back.until - TimeDelta::seconds(1)).naive_utc() + back.offset;
        let at = (self.cron.find_previous_occurrence(&shown, true).ok()? - back.offset).and_utc();
        Some(at).filter(|at| *at >= back.at)
    }

    /// When the clock shows this, the first time; where it never does, when it goes on, or nothing in a rhythm.
    fn first(&self, shown: NaiveDateTime) -> Option<DateTime<Utc>> {
        match self.zone.from_local_datetime(&shown) {
            LocalResult::Single(at) => Some(at.with_timezone(&Utc)),
            LocalResult::Ambiguous(one, other) => Some(one.min(other).with_timezone(&Utc)),
            LocalResult::None if self.is_rhythm => None,
            LocalResult::None => {
                let near = shown.and_utc();
                Some(earliest(near - CHANGE_MAX, near + CHANGE_MAX, |at| self.shown(at) > shown))
            }
        }
    }

    /// The change of the clock near an instant, if it is put back there and what it has twice counts twice.
    fn back_near(&self, instant: DateTime<Utc>) -> Option<Back> {
        if !self.is_rhythm {
            return None;
        }
        let (from, to) = (instant - CHANGE_MAX, instant + CHANGE_MAX);
        let (before, offset) = (self.offset(from), self.offset(to));
        if offset >= before {
            return None;
        }
        let at = earliest(from, to, |at| self.offset(at) != before);
        Some(Back { at, until: at + (before - offset), offset })
    }

    /// What the clock shows.
    fn shown(&self, at: DateTime<Utc>) -> NaiveDateTime {
        let shown = at.with_timezone(&self.zone).naive_local();
        shown.with_nanosecond(0).unwrap_or(shown)
    }

    fn offset(&self, at: DateTime<Utc>) -> TimeDelta {
        let offset = self.zone.offset_from_utc_datetime(&at.naive_utc()).fix();
        TimeDelta::seconds(offset.local_minus_utc().into())
    }
}

/// The first whole second at which something is so that stays so. It is so at the end.
fn earliest(from: DateTime<Utc>, to: DateTime<Utc>, is_so: impl Fn(DateTime<Utc>) -> bool) -> DateTime<Utc> {
    let (mut before, mut after) = (from.timestamp(), to.timestamp());
    let at = |second| DateTime::from_timestamp(second, 0).unwrap_or_default();
    while after - before > 1 {
        let middle = before + (after - before) / 2;
        if is_so(at(middle)) {
            after = middle;
        } else {
            before = middle;
        }
    }
    at(after)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn pattern(text: &str, zone: &str) -> Pattern {
        Pattern::new(text, parse(text).unwrap(), zone.parse().unwrap())
    }

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    /// All times after one instant up to another, as UTC; both ways must find the same.
    fn times(pattern: &Pattern, from: &str, to: &str) -> Vec<String> {
        let (from, to) = (at(from), at(to));
        let forward: Vec<_> = std::iter::successors(pattern.after(from), |time| pattern.after(*time))
            .take_while(|time| *time <= to)
            .collect();
        let back = |time: &DateTime<Utc>| pattern.until(*time - TimeDelta::seconds(1));
        let mut backward: Vec<_> =
            std::iter::successors(pattern.until(to), back).take_while(|time| *time > from).collect();
        backward.reverse();
        assert_eq!(forward, backward);
        forward.iter().map(|time| time.format("%dT%H:%M").to_string()).collect()
    }

    /// Berlin's 30th of March 2025: 2:00 is 3:00 (1:00 UTC). Its 26th of October: 3:00 is 2:00 (1:00 UTC).
    const MARCH: (&str, &str) = ("2025-03-29T22:59:59Z", "2025-03-30T05:00:00Z");
    const OCTOBER: (&str, &str) = ("2025-10-25T21:59:59Z", "2025-10-26T04:00:00Z");

    #[test]
    fn a_fixed_hour_is_there_once() {
        for (text, march, october) in [
            ("30 2 * * *", &["30T01:00"][..], &["26T00:30"][..]),
            ("30 2,14 * * *", &["30T01:00"], &["26T00:30"]),
            ("30 1-3 * * *", &["30T00:30", "30T01:00", "30T01:30"], &["25T23:30", "26T00:30", "26T02:30"]),
            ("*/30 2 * * *", &["30T01:00"], &["26T00:00", "26T00:30"]),
            ("0 2,3 * * *", &["30T01:00"], &["26T00:00", "26T02:00"]),
            (
                "0 */2,3 * * *",
                &["29T23:00", "30T01:00", "30T02:00", "30T04:00"],
                &["25T22:00", "26T00:00", "26T02:00", "26T03:00"],
            ),
            ("@daily", &["29T23:00"], &["25T22:00"]),
        ] {
            let berlin = pattern(text, "Europe/Berlin");
            assert_eq!(times(&berlin, MARCH.0, MARCH.1), march, "{text} in March");
            assert_eq!(times(&berlin, OCTOBER.0, OCTOBER.1), october, "{text} in October");
        }
    }

    #[test]
    fn a_rhythm_goes_on_in_real_time() {
        let half = ["25T22:30", "25T23:30", "26T00:30", "26T01:30", "26T02:30", "26T03:30"];
        let march = ["29T23:30", "30T00:30", "30T01:30", "30T02:30", "30T03:30", "30T04:30"];
        for text in ["30 * * * *", "30 */1 * * *"] {
            let berlin = pattern(text, "Europe/Berlin");
            assert_eq!(times(&berlin, MARCH.0, MARCH.1), march, "{text}");
            assert_eq!(times(&berlin, OCTOBER.0, OCTOBER.1), half, "{text}");
        }
        let quarters = pattern("*/15 * * * *", "Europe/Berlin");
        assert_eq!(times(&quarters, MARCH.0, MARCH.1).len(), 6 * 4 + 1);
        assert_eq!(times(&quarters, OCTOBER.0, OCTOBER.1).len(), 6 * 4 + 1);
        let even = pattern("0 */2 * * *", "Europe/Berlin");
        assert_eq!(times(&even, MARCH.0, MARCH.1), ["29T23:00", "30T02:00", "30T04:00"], "there is no two o'clock");
        assert_eq!(times(&even, OCTOBER.0, OCTOBER.1), ["25T22:00", "26T00:00", "26T01:00", "26T03:00"]);
        assert_eq!(times(&pattern("@hourly", "Europe/Berlin"), OCTOBER.0, OCTOBER.1).len(), 7);
    }

    #[test]
    fn what_is_there_twice_is_found_from_afar() {
        // The day ends with the hour that is there twice: nothing matches behind it for a year.
        let sao_paulo = pattern("30 * 17 2 *", "America/Sao_Paulo");
        // On the 17th of February 2018 midnight was 23:00 again (2:00 UTC).
        let (from, to) = ("2018-02-18T01:00:00Z", "2019-02-17T02:00:00Z");
        assert_eq!(times(&sao_paulo, from, to), ["18T01:30", "18T02:30"]);
    }

    #[test]
    fn a_zone_may_leave_out_a_whole_day() {
        // Samoa had no 30th of December 2011.
        let noon = pattern("0 12 * * *", "Pacific/Apia");
        let found = times(&noon, "2011-12-29T00:00:00Z", "2011-12-31T20:00:00Z");
        assert_eq!(found, ["29T22:00", "30T10:00", "30T22:00"]);
    }

    #[test]
    fn some_dates_never_come() {
        let comes = |text| ever_comes(&parse(text).unwrap());
        assert!(!comes("0 0 30 2 *") && !comes("0 0 31 4,6,9,11 *"));
        assert!(comes("0 0 29 2 *") && comes("0 0 31 * *") && comes("0 0 30 2 1"), "the last one comes on Mondays");
    }
}
