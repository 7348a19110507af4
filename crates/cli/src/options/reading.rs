//! Which rows are read: none, a sample, or those of batches.

use chrono::{DateTime, Months, NaiveDateTime, TimeDelta, Utc};
use clap::Args;
use millstream_core::{Error, Result};
use millstream_project::Window;
use serde_json::Value;

use super::value;

/// Options of `build` and `run` (the others take and pass over them).
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Rows")]
pub struct ReadingOptions {
    /// Read no rows: checks that every model builds
    #[arg(long, overrides_with = "no_empty")]
    pub empty: bool,

    /// Read rows
    #[arg(long, hide = true, overrides_with = "empty")]
    pub no_empty: bool,

    /// Read only rows of this time where there is an event_time: "3 days", or '{start: 2024-07-01, end: 2024-07-08}'
    #[arg(long, value_name = "TIME", env = "DBT_SAMPLE", hide_env = true)]
    pub sample: Option<String>,

    /// Build microbatch models from the batch of this instant
    #[arg(long, value_name = "TIME", value_parser = value::instant, requires = "event_time_end")]
    pub event_time_start: Option<DateTime<Utc>>,

    /// Build microbatch models up to this instant
    #[arg(long, value_name = "TIME", value_parser = value::instant, requires = "event_time_start")]
    pub event_time_end: Option<DateTime<Utc>>,
}

impl ReadingOptions {
    /// The sample's time.
    pub fn window(&self, now: DateTime<Utc>) -> Result<Option<Window>> {
        if let (Some(start), Some(end)) = (self.event_time_start, self.event_time_end)
            && start >= end
        {
            return Err(Error::usage("--event-time-start is not before --event-time-end"));
        }
        self.sample.as_deref().map(|text| window(text, now)).transpose()
    }
}

fn window(text: &str, now: DateTime<Utc>) -> Result<Window> {
    let refused = || {
        Error::usage(format!("'{text}' is not a sample"))
            .hint("write --sample \"3 days\" (hours, days, months or years), or --sample '{start: 2024-07-01, end: 2024-07-08}'")
    };
    let window = if text.trim_start().starts_with('{') {
        let value: Value = serde_saphyr::from_str(text).map_err(|error| refused().why(error))?;
        let at = |key: &str| -> Option<DateTime<Utc>> { value::instant(value.get(key)?.as_str()?).ok() };
        Window { start: at("start").ok_or_else(refused)?, end: at("end").ok_or_else(refused)? }
    } else {
        let (count, unit) = text.trim().split_once(' ').ok_or_else(refused)?;
        let count: u32 = count.parse().map_err(|_| refused())?;
        let months = |months: u32| now.checked_sub_months(Months::new(months));
        let start = match unit.trim().to_lowercase().trim_end_matches('s') {
            "hour" => now.checked_sub_signed(TimeDelta::hours(count.into())),
            "day" => now.checked_sub_signed(TimeDelta::days(count.into())),
            "week" => now.checked_sub_signed(TimeDelta::weeks(count.into())),
            "month" => months(count),
            "year" => count.checked_mul(12).and_then(months),
            _ => None,
        };
        Window { start: start.ok_or_else(refused)?, end: now }
    };
    if window.start >= window.end { Err(refused().why("it ends before it starts")) } else { Ok(window) }
}

/// A window as `retry` keeps it in `run_results.json`.
pub fn of_pair(pair: &Value) -> Option<Window> {
    let at = |text: &Value| -> Option<DateTime<Utc>> {
        let text = text.as_str()?;
        DateTime::parse_from_rfc3339(text)
            .map(|at| at.with_timezone(&Utc))
            .or_else(|_| NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S").map(|at| at.and_utc()))
            .ok()
    };
    Some(Window { start: at(pair.get(0)?)?, end: at(pair.get(1)?)? })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_spans_before_now_or_between_two_instants() {
        let now: DateTime<Utc> = "2024-03-31T12:00:00Z".parse().unwrap();
        let start = |text: &str| window(text, now).unwrap().start.to_rfc3339();
        assert_eq!(start("3 days"), "2024-03-28T12:00:00+00:00");
        assert_eq!(start("1 month"), "2024-02-29T12:00:00+00:00");
        assert_eq!(start("1 hour"), "2024-03-31T11:00:00+00:00");
        let between = window("{'start': '2024-07-01', 'end': '2024-07-08 18:00:00'}", now).unwrap();
        assert_eq!(between.end.to_rfc3339(), "2024-07-08T18:00:00+00:00");
        for wrong in ["3", "days", "3 parsecs", "-1 day", "{start: 2024-07-02, end: 2024-07-01}", "{start: x}"] {
            assert!(window(wrong, now).is_err(), "{wrong}");
        }
    }
}
