//! Which batches a run of a microbatch model builds.
//!
//! dbt's rules (<https://docs.getdbt.com/docs/build/incremental-microbatch>): batches begin at whole hours, days,
//! months or years, in UTC. The first build begins at `begin`; later ones go back `lookback` batches before the one
//! that is going on. `--event-time-start` and `--event-time-end` say otherwise.

use std::str::FromStr;

use chrono::{DateTime, Datelike, Months, NaiveDate, NaiveDateTime, TimeDelta, Timelike, Utc};
use millstream_core::{Error, Result};
use millstream_project::{Node, Window};

/// Batches that one run may build: a year of hours, and room.
pub(crate) const BATCHES_MAX: usize = 20_000;

/// How long a batch is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Size {
    Hour,
    Day,
    Month,
    Year,
}

impl FromStr for Size {
    type Err = ();
    fn from_str(text: &str) -> std::result::Result<Self, ()> {
        match text.to_ascii_lowercase().as_str() {
            "hour" => Ok(Self::Hour),
            "day" => Ok(Self::Day),
            "month" => Ok(Self::Month),
            "year" => Ok(Self::Year),
            _ => Err(()),
        }
    }
}

impl Size {
    /// dbt's word.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Month => "month",
            Self::Year => "year",
        }
    }

    /// The start of the batch that the instant is in.
    pub(crate) fn start_of(self, at: DateTime<Utc>) -> DateTime<Utc> {
        let (month, day, hour) = match self {
            Self::Hour => (at.month(), at.day(), at.hour()),
            Self::Day => (at.month(), at.day(), 0),
            Self::Month => (at.month(), 1, 0),
            Self::Year => (1, 1, 0),
        };
        // Parts of a valid instant are valid together.
        NaiveDate::from_ymd_opt(at.year(), month, day)
            .and_then(|date| date.and_hms_opt(hour, 0, 0))
            .map_or(at, |start| start.and_utc())
    }

    /// The start of the next batch after the start of one.
    pub(crate) fn after(self, start: DateTime<Utc>) -> Result<DateTime<Utc>> {
        self.moved(start, 1)
    }

    fn moved(self, start: DateTime<Utc>, batches: i64) -> Result<DateTime<Utc>> {
        let months = |count: i64| {
            let months = u32::try_from(count.unsigned_abs()).map(Months::new).ok()?;
            if count < 0 { start.checked_sub_months(months) } else { start.checked_add_months(months) }
        };
        let moved = match self {
            Self::Hour => TimeDelta::try_hours(batches).and_then(|by| start.checked_add_signed(by)),
            Self::Day => TimeDelta::try_days(batches).and_then(|by| start.checked_add_signed(by)),
            Self::Month => months(batches),
            Self::Year => batches.checked_mul(12).and_then(months),
        };
        moved.ok_or_else(|| Error::user(format!("{batches} batches from {start} is no date")))
    }

    /// How the batch that starts then is called: `2024-01-01`, with the hour `2024-01-01T05`.
    pub(crate) fn label(self, start: DateTime<Utc>) -> String {
        start.format(if self == Self::Hour { "%Y-%m-%dT%H" } else { "%Y-%m-%d" }).to_string()
    }

    /// The same without dashes: dbt's `batch.id`.
    pub(crate) fn id(self, start: DateTime<Utc>) -> String {
        self.label(start).replace('-', "")
    }
}

/// What a microbatch model's configuration says.
#[derive(Debug)]
pub(crate) struct Config<'a> {
    pub(crate) event_time: &'a str,
    pub(crate) size: Size,
    begin: DateTime<Utc>,
    lookback: u64,
}

impl<'a> Config<'a> {
    pub(crate) fn of(node: &'a Node) -> Result<Self> {
        let config = &node.config;
        let wrong =
            |what: &str, hint: &str| Error::user(format!("the microbatch model {} {what}", node.name)).hint(hint);
        let event_time = config
            .event_time
            .as_deref()
            .ok_or_else(|| wrong("has no event_time", "add event_time: the column that tells when a row happened"))?;
        let size = config.batch_size.as_deref().unwrap_or_default();
        let size = size.parse().map_err(|()| {
            let what =
                if size.is_empty() { "has no batch_size".to_owned() } else { format!("has the batch_size '{size}'") };
            wrong(&what, "use hour, day, month or year")
        })?;
        let begin = config
            .begin
            .as_deref()
            .ok_or_else(|| wrong("has no begin", "add begin: the time of the first batch, for example '2024-01-01'"))?;
        let begin = instant(begin).ok_or_else(|| {
            wrong(
                &format!("has the begin '{begin}', which is no time"),
                "write it as '2024-01-01' or '2024-01-01T12:00:00'",
            )
        })?;
        Ok(Self { event_time, size, begin, lookback: config.lookback })
    }

    /// The batches of a run, oldest first.
    pub(crate) fn batches(
        &self,
        now: DateTime<Utc>,
        is_incremental: bool,
        asked: (Option<DateTime<Utc>>, Option<DateTime<Utc>>),
    ) -> Result<Vec<Window>> {
        let size = self.size;
        let until = asked.1.unwrap_or(now);
        let end = match size.start_of(until) {
            start if start == until => start,
            start => size.after(start)?,
        };
        let first = match asked.0 {
            Some(start) => size.start_of(start),
            None if !is_incremental => size.start_of(self.begin),
            None => {
                let back = i64::try_from(self.lookback).unwrap_or(i64::MAX).saturating_add(1);
                // Never before the model's own beginning.
                size.moved(end, -back)?.max(size.start_of(self.begin))
            }
        };
        let mut batches = Vec::new();
        let mut start = first;
        while start < end {
            if batches.len() == BATCHES_MAX {
                return Err(Error::user(format!("a run builds at most {BATCHES_MAX} batches"))
                    .why(format!("from {first} to {end} there are more of one {}", size.name()))
                    .hint(
                        "choose a larger batch_size, or build it in parts with --event-time-start and --event-time-end",
                    ));
            }
            let next = size.after(start)?;
            batches.push(Window { start, end: next });
            start = next;
        }
        Ok(batches)
    }
}

/// An instant as people write it; without a zone it is UTC, a day is its first instant.
pub(crate) fn instant(text: &str) -> Option<DateTime<Utc>> {
    let text = text.trim();
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return Some(at.with_timezone(&Utc));
    }
    let formats = ["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M"];
    let at = formats.iter().find_map(|format| NaiveDateTime::parse_from_str(text, format).ok());
    at.or_else(|| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?.and_hms_opt(0, 0, 0)).map(|at| at.and_utc())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        instant(text).unwrap()
    }

    fn starts(config: &Config<'_>, now: &str, is_incremental: bool) -> Vec<String> {
        let batches = config.batches(at(now), is_incremental, (None, None)).unwrap();
        batches.iter().map(|batch| config.size.label(batch.start)).collect()
    }

    fn config(size: Size, lookback: u64) -> Config<'static> {
        Config { event_time: "t", size, begin: at("2024-01-30"), lookback }
    }

    #[test]
    fn the_first_build_begins_at_begin_and_later_ones_look_back() {
        let days = config(Size::Day, 1);
        assert_eq!(starts(&days, "2024-02-01T10:00:00", false), ["2024-01-30", "2024-01-31", "2024-02-01"]);
        assert_eq!(starts(&days, "2024-02-01T00:00:00", false), ["2024-01-30", "2024-01-31"], "no batch of no time");
        assert_eq!(starts(&days, "2024-02-05T10:00:00", true), ["2024-02-04", "2024-02-05"]);
        assert_eq!(starts(&config(Size::Day, 0), "2024-02-05T10:00:00", true), ["2024-02-05"]);
        assert_eq!(starts(&config(Size::Day, 9), "2024-01-31T10:00:00", true), ["2024-01-30", "2024-01-31"]);
        assert_eq!(
            starts(&config(Size::Hour, 2), "2024-02-05T01:30:00", true),
            ["2024-02-04T23", "2024-02-05T00", "2024-02-05T01"]
        );
        assert_eq!(starts(&config(Size::Month, 1), "2024-03-31T01:30:00", true), ["2024-02-01", "2024-03-01"]);
        assert_eq!(starts(&config(Size::Year, 0), "2026-03-31", false), ["2024-01-01", "2025-01-01", "2026-01-01"]);
    }

    #[test]
    fn what_is_asked_for_is_widened_to_whole_batches() {
        let days = config(Size::Day, 1);
        let asked = (Some(at("2024-02-01T05:00:00")), Some(at("2024-02-02T00:00:01")));
        let batches = days.batches(at("2024-06-01"), true, asked).unwrap();
        assert_eq!(batches.len(), 2);
        assert_eq!((batches[0].start, batches[1].end), (at("2024-02-01"), at("2024-02-03")));
    }

    #[test]
    fn there_is_a_limit() {
        let hours = Config { begin: at("2024-01-01"), ..config(Size::Hour, 0) };
        let most = at("2024-01-01") + TimeDelta::hours(BATCHES_MAX as i64);
        assert_eq!(hours.batches(most, false, (None, None)).unwrap().len(), BATCHES_MAX);
        let error = hours.batches(most + TimeDelta::seconds(1), false, (None, None)).unwrap_err();
        assert!(error.to_string().contains("at most 20000 batches"), "{error}");
    }
}
