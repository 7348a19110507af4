//! The lines of `millstream up`.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};
use millstream_core::{Clock, Kind};
use millstream_runner::live::{LiveEvent, LiveEvents, Refreshed};
use serde_json::{Map, Value, json};

use super::ingest::tell_source;
use super::style::{BAD, GOOD, WARN, paint};
use super::{Talk, count, plural, seconds};

/// Names shown in a line; of more the number is told.
const NAMES_SHOWN: usize = 8;

/// Tells what `up` does.
pub struct LiveLines {
    talk: Arc<Talk>,
    clock: Arc<dyn Clock>,
}

impl LiveLines {
    /// Lines for one `up`.
    pub fn new(talk: Arc<Talk>, clock: Arc<dyn Clock>) -> Self {
        Self { talk, clock }
    }

    /// A line with its time.
    pub fn say(&self, event: &str, text: &str, facts: Value) {
        self.talk.say_with(event, &self.timed(text), object(facts));
    }

    fn fail(&self, event: &str, text: &str, facts: Value) {
        self.talk.failure_with(event, &self.timed(text), object(facts));
    }

    fn timed(&self, text: &str) -> String {
        self.talk.timed(self.clock.as_ref(), text)
    }

    fn held(&self, model: &Refreshed, retry_in: Duration) {
        // Behind kind and package; of a model with versions that is its name and version.
        let name = model.unique_id.splitn(3, '.').nth(2).unwrap_or(&model.unique_id);
        let why = model.message.as_deref().unwrap_or("it was not built").replace('\n', "\n          ");
        let text = format!(
            "{} {name} keeps its last good version; tried again in {}\n          {why}",
            paint(BAD, "HELD"),
            span(retry_in)
        );
        let facts = json!({
            "model": name, "status": model.status.name(), "retry_in_s": retry_in.as_secs_f64(), "why": model.message,
        });
        self.fail("held", &text, facts);
    }

    fn schedule_ended(&self, event: &LiveEvent<'_>) {
        let LiveEvent::ScheduleEnded { schedule, due, attempt, result, invocation_id, retry_at } = event else {
            return;
        };
        let facts = json!({
            "schedule": schedule, "due": instant(*due), "attempt": attempt, "success": result.is_ok(),
            "invocation_id": invocation_id, "retry_at": retry_at.map(instant),
        });
        match result {
            Ok(message) => {
                self.say("schedule-ended", &format!("{} schedule {schedule}: {message}", paint(GOOD, "OK")), facts);
            }
            Err(message) => {
                let mut text = format!("{} schedule {schedule}: {message}", paint(BAD, "FAILED"));
                if let Some(id) = invocation_id {
                    text.push_str(&format!("\n          see: millstream runs show {id}"));
                }
                match retry_at {
                    Some(at) => text.push_str(&format!("\n          attempt {} at {}", attempt + 1, instant(*at))),
                    None => text.push_str("\n          no attempt is left"),
                }
                self.fail("schedule-failed", &text, facts);
            }
        }
    }
}

impl LiveEvents for LiveLines {
    fn on(&self, event: &LiveEvent<'_>) {
        match event {
            LiveEvent::Started { sources, models, schedules } => {
                let part = |what: &str, all: &[String]| match all {
                    [] => format!("no {what}s"),
                    all => format!("{}: {}", plural(all.len() as u64, what), names(all)),
                };
                let text = format!(
                    "up with {}\n          {}\n          {}",
                    part("source", sources),
                    part("model", models),
                    part("schedule", schedules)
                );
                self.say("up", &text, json!({"sources": sources, "models": models, "schedules": schedules}));
            }
            LiveEvent::SourceUp { source } => {
                self.say("source-up", &format!("{} {source} is read", paint(GOOD, "OK")), json!({"source": source}));
            }
            LiveEvent::Dropped { source } => {
                let text = format!("{} {source} was dropped: all of its files are loaded again", paint(WARN, "GONE"));
                self.say("source-dropped", &text, json!({"source": source}));
            }
            LiveEvent::Unfinished { source, unit, left_alone } => {
                let text = format!(
                    "{} {unit} does not end in a line's end: it may be half of a file, and is loaded when it does, or was left \
                     alone for {}",
                    paint(WARN, "WAITS"),
                    span(*left_alone)
                );
                self.say("file-unfinished", &text, json!({"source": source, "unit": unit}));
            }
            LiveEvent::SourceDown { source, error, retry_in } => {
                // Whose trouble it is: a full disk of ours is not a source that is away.
                let (label, what) = match error.kind() {
                    Kind::External => ("AWAY", "read"),
                    _ => ("STUCK", "loaded"),
                };
                let mut text =
                    format!("{} {source} cannot be {what}; tried again in {}", paint(WARN, label), span(*retry_in));
                for line in error.to_string().lines() {
                    text.push_str(&format!("\n          {line}"));
                }
                self.say("source-down", &text, json!({"source": source, "retry_in_ms": retry_in.as_millis() as u64}));
            }
            LiveEvent::Ingested { summary } => {
                for source in summary.sources.iter().filter(|source| !source.units.is_empty() || source.error.is_some())
                {
                    tell_source(&self.talk, source);
                }
            }
            LiveEvent::Loaded { source, rows, quarantined, lag, over } => {
                let text = format!(
                    "{source}: {} loaded and {} quarantined in {}; {} behind",
                    count(*rows),
                    count(*quarantined),
                    seconds(*over),
                    count(*lag)
                );
                let facts = json!({"source": source, "rows_loaded": rows, "rows_quarantined": quarantined, "lag": lag});
                self.say("loaded", &text, facts);
            }
            LiveEvent::Refreshed { times, models, slowest, over } => {
                let text = format!(
                    "{} of {} in {}; the slowest took {}",
                    plural(*times, "refresh").replace("refreshs", "refreshes"),
                    plural(*models, "model"),
                    seconds(*over),
                    seconds(*slowest)
                );
                let facts = json!({"refreshes": times, "models": models, "slowest_s": slowest.as_secs_f64()});
                self.say("refreshed", &text, facts);
            }
            LiveEvent::Held { model, retry_in } => self.held(model, *retry_in),
            LiveEvent::RefreshFailed { error } => self.talk.error(error),
            LiveEvent::Fresh { elapsed, held } => {
                let but = match held {
                    0 => String::new(),
                    held => format!(", but for {} held back", plural(*held as u64, "model")),
                };
                let text = format!("models are as fresh as their sources{but} ({})", seconds(*elapsed));
                self.say("fresh", &text, json!({"elapsed_s": elapsed.as_secs_f64(), "held": held}));
            }
            LiveEvent::ScheduleStarted { schedule, due, attempt } => {
                let text = format!("schedule {schedule}: attempt {attempt} at the run of {}", instant(*due));
                self.say("schedule-started", &text, json!({"schedule": schedule, "due": instant(*due)}));
            }
            LiveEvent::ScheduleEnded { .. } => self.schedule_ended(event),
            LiveEvent::ScheduleSkipped { schedule, times } => {
                let text = format!("schedule {schedule}: {} passed over", plural(*times as u64, "missed time"));
                self.say("schedule-skipped", &text, json!({"schedule": schedule, "times": times}));
            }
            LiveEvent::Note { message } => self.say("note", message, json!({})),
            LiveEvent::Draining { at_most } => {
                let text = format!("ending: what was read is committed, and what is at work has {}", span(*at_most));
                self.say("draining", &text, json!({}));
            }
        }
    }
}

fn names(all: &[String]) -> String {
    let mut text = all.iter().take(NAMES_SHOWN).cloned().collect::<Vec<_>>().join(", ");
    if all.len() > NAMES_SHOWN {
        text.push_str(&format!(", and {} more", all.len() - NAMES_SHOWN));
    }
    text
}

fn span(span: Duration) -> String {
    humantime::format_duration(Duration::from_millis(u64::try_from(span.as_millis()).unwrap_or(u64::MAX))).to_string()
}

fn instant(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}
