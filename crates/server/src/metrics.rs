//! Metrics in Prometheus' text format, version 0.0.4.
//!
//! Guarantees: one family's lines stand together, in the order of their labels; label values are escaped; a number
//! that is not known is left out, never shown as nothing.

use std::fmt::Write;

use chrono::{DateTime, TimeDelta, Utc};
use millstream_runner::live::{DURATION_CLASSES, Histogram, Snapshot};

use millstream_core::memory::resident_bytes;

/// The content type of [`metrics`].
pub(crate) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// All metrics of a snapshot at this instant.
pub fn metrics(snapshot: &Snapshot, now: DateTime<Utc>) -> String {
    let mut text = Text::default();
    sources(&mut text, snapshot, now);
    partitions(&mut text, snapshot, now);
    models(&mut text, snapshot, now);
    schedules(&mut text, snapshot);
    text.family("millstream_ready", "gauge", "Whether every source can be read and models were refreshed once.");
    text.line("millstream_ready", &[], f64::from(u8::from(snapshot.obstacles().is_empty())));
    if let Some(bytes) = resident_bytes() {
        text.family("process_resident_memory_bytes", "gauge", "Resident memory of this process.");
        text.line("process_resident_memory_bytes", &[], bytes as f64);
    }
    text.0
}

fn sources(text: &mut Text, snapshot: &Snapshot, now: DateTime<Utc>) {
    let sources = &snapshot.sources;
    let labels =
        |name: &'_ str, connector: &'static str| [("source", name.to_owned()), ("connector", connector.to_owned())];
    text.family("millstream_source_up", "gauge", "Whether the source can be read.");
    for (name, source) in sources {
        text.line("millstream_source_up", &labels(name, source.connector), f64::from(u8::from(source.is_up)));
    }
    text.family("millstream_source_failures_total", "counter", "Times that the source could not be read.");
    for (name, source) in sources {
        text.line("millstream_source_failures_total", &labels(name, source.connector), source.failures as f64);
    }
    text.family("millstream_source_held", "gauge", "Whether the topic waits for refreshes, its partitions paused.");
    for (name, source) in sources.iter().filter(|(_, source)| source.connector == "kafka") {
        text.line("millstream_source_held", &[("source", name.clone())], f64::from(u8::from(source.is_held)));
    }
    text.family("millstream_source_holds_total", "counter", "Times that the topic had to wait for refreshes.");
    for (name, source) in sources.iter().filter(|(_, source)| source.connector == "kafka") {
        text.line("millstream_source_holds_total", &[("source", name.clone())], source.holds as f64);
    }
    text.family("millstream_source_rows_total", "counter", "Rows that this process has loaded or put into quarantine.");
    for (name, source) in sources {
        for (outcome, rows) in [("loaded", source.rows_loaded), ("quarantined", source.rows_quarantined)] {
            let labels = [("source", name.clone()), ("outcome", outcome.to_owned())];
            text.line("millstream_source_rows_total", &labels, rows as f64);
        }
    }
    text.family("millstream_source_rows_per_second", "gauge", "Rows per second over the last ten seconds.");
    for (name, source) in sources {
        text.line("millstream_source_rows_per_second", &[("source", name.clone())], source.rate(now));
    }
    text.family("millstream_source_files_refused_total", "counter", "Files that break their contract as a whole.");
    for (name, source) in sources.iter().filter(|(_, source)| source.connector == "file") {
        text.line("millstream_source_files_refused_total", &[("source", name.clone())], source.files_refused as f64);
    }
    text.family("millstream_source_last_commit_timestamp_seconds", "gauge", "When rows were committed last.");
    for (name, at) in sources.iter().filter_map(|(name, source)| Some((name, source.last_commit?))) {
        text.line("millstream_source_last_commit_timestamp_seconds", &[("source", name.clone())], instant(at));
    }
    text.family("millstream_source_commit_seconds", "histogram", "How long commits took (of files: the whole load).");
    for (name, source) in sources {
        text.histogram("millstream_source_commit_seconds", &[("source", name.clone())], &source.commits);
    }
}

fn partitions(text: &mut Text, snapshot: &Snapshot, now: DateTime<Utc>) {
    let all = || {
        let sources = snapshot.sources.iter();
        sources.flat_map(|(name, source)| {
            source.partitions.iter().map(move |(number, partition)| {
                ([("source", name.clone()), ("partition", number.to_string())], partition)
            })
        })
    };
    text.family("millstream_lag_messages", "gauge", "Messages at the broker that are not in the raw table.");
    for (labels, partition) in all() {
        text.line("millstream_lag_messages", &labels, partition.lag() as f64);
    }
    text.family(
        "millstream_lag_seconds",
        "gauge",
        "How long the oldest message that is not loaded has been waiting at the broker, at most; 0 when none is.",
    );
    for (labels, partition) in all() {
        text.line("millstream_lag_seconds", &labels, seconds(partition.lag_time(now)));
    }
    text.family("millstream_next_offset", "gauge", "The next offset to load.");
    for (labels, partition) in all() {
        text.line("millstream_next_offset", &labels, partition.next as f64);
    }
}

fn models(text: &mut Text, snapshot: &Snapshot, now: DateTime<Utc>) {
    let models = &snapshot.models;
    let label = |name: &String| [("model", name.clone())];
    text.family("millstream_model_freshness_seconds", "gauge", "Age of the newest event that is in the model.");
    for (name, newest) in models.iter().filter_map(|(name, model)| Some((name, model.newest?))) {
        text.line("millstream_model_freshness_seconds", &label(name), seconds(now - newest));
    }
    text.family(
        "millstream_model_staleness_seconds",
        "gauge",
        "How long the oldest change has been waiting that is not in the model; 0 when none is.",
    );
    for (name, model) in models {
        let waited = model.pending_since.map_or(TimeDelta::zero(), |since| now - since);
        text.line("millstream_model_staleness_seconds", &label(name), seconds(waited));
    }
    text.family("millstream_model_failing", "gauge", "Whether the last refresh published nothing.");
    for (name, model) in models {
        text.line("millstream_model_failing", &label(name), f64::from(u8::from(model.failing.is_some())));
    }
    text.family("millstream_model_failures_total", "counter", "Refreshes that published nothing.");
    for (name, model) in models {
        text.line("millstream_model_failures_total", &label(name), model.failures as f64);
    }
    text.family("millstream_model_last_refresh_timestamp_seconds", "gauge", "When the model was refreshed last.");
    for (name, at) in models.iter().filter_map(|(name, model)| Some((name, model.last_refresh?))) {
        text.line("millstream_model_last_refresh_timestamp_seconds", &label(name), instant(at));
    }
    text.family("millstream_model_refresh_seconds", "histogram", "How long refreshes took that published a version.");
    for (name, model) in models {
        text.histogram("millstream_model_refresh_seconds", &label(name), &model.refreshes);
    }
}

fn schedules(text: &mut Text, snapshot: &Snapshot) {
    let schedules = &snapshot.schedules;
    let label = |name: &String| [("schedule", name.clone())];
    text.family("millstream_schedule_runs_total", "counter", "Attempts at scheduled runs that have ended.");
    for (name, schedule) in schedules {
        for (status, count) in [("success", schedule.successes), ("failed", schedule.failures)] {
            let labels = [("schedule", name.clone()), ("status", status.to_owned())];
            text.line("millstream_schedule_runs_total", &labels, count as f64);
        }
    }
    text.family("millstream_schedule_last_success", "gauge", "Whether the last attempt ended well.");
    for (name, (_, is_good)) in schedules.iter().filter_map(|(name, schedule)| Some((name, schedule.last?))) {
        text.line("millstream_schedule_last_success", &label(name), f64::from(u8::from(is_good)));
    }
    text.family("millstream_schedule_next_timestamp_seconds", "gauge", "The schedule's next time.");
    for (name, at) in schedules.iter().filter_map(|(name, schedule)| Some((name, schedule.next?))) {
        text.line("millstream_schedule_next_timestamp_seconds", &label(name), instant(at));
    }
    text.family("millstream_schedule_paused", "gauge", "Whether the schedule is paused.");
    for (name, schedule) in schedules {
        text.line("millstream_schedule_paused", &label(name), f64::from(u8::from(schedule.paused)));
    }
}

fn seconds(span: TimeDelta) -> f64 {
    span.num_milliseconds() as f64 / 1e3
}

fn instant(at: DateTime<Utc>) -> f64 {
    at.timestamp_millis() as f64 / 1e3
}

/// Text under construction. Writing to a string does not fail.
#[derive(Default)]
struct Text(String);

impl Text {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn line(&mut self, name: &str, labels: &[(&str, String)], value: f64) {
        self.0.push_str(name);
        for (number, (label, of)) in labels.iter().enumerate() {
            let before = if number == 0 { '{' } else { ',' };
            let escaped = of.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
            let _ = write!(self.0, "{before}{label}=\"{escaped}\"");
        }
        let after = if labels.is_empty() { "" } else { "}" };
        let _ = writeln!(self.0, "{after} {value}");
    }

    fn histogram(&mut self, name: &str, labels: &[(&str, String)], histogram: &Histogram) {
        let of = |end: String| labels.iter().cloned().chain([("le", end)]).collect::<Vec<_>>();
        for (class, count) in DURATION_CLASSES.iter().zip(histogram.counts) {
            self.line(&format!("{name}_bucket"), &of(class.to_string()), count as f64);
        }
        self.line(&format!("{name}_bucket"), &of("+Inf".to_owned()), histogram.count as f64);
        self.line(&format!("{name}_sum"), labels, histogram.sum);
        self.line(&format!("{name}_count"), labels, histogram.count as f64);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use millstream_runner::live::{ModelBoard, PartitionBoard, ScheduleBoard, SourceBoard};

    use super::*;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::seconds(second)
    }

    fn snapshot() -> Snapshot {
        let partition =
            PartitionBoard { next: 7, end: 10, newest: Some(at(90)), behind_since: Some(at(98)), caught_up: None };
        let mut commits = Histogram::default();
        commits.add(Duration::from_millis(20));
        let source = SourceBoard {
            connector: "kafka",
            rows_loaded: 5,
            rows_quarantined: 2,
            partitions: BTreeMap::from([(3, partition)]),
            commits,
            ..SourceBoard::default()
        };
        let model = ModelBoard {
            newest: Some(at(90)),
            pending_since: Some(at(97)),
            failing: Some("a test failed".into()),
            ..ModelBoard::default()
        };
        let schedule = ScheduleBoard { last: Some((at(1), false)), next: Some(at(200)), ..ScheduleBoard::default() };
        Snapshot {
            sources: BTreeMap::from([("raw.\"t\"".to_owned(), source)]),
            models: BTreeMap::from([("fct".to_owned(), model)]),
            schedules: BTreeMap::from([("nightly".to_owned(), schedule)]),
            ..Snapshot::default()
        }
    }

    #[test]
    fn numbers_are_there_with_their_labels() {
        let text = metrics(&snapshot(), at(100));
        for line in [
            "millstream_source_up{source=\"raw.\\\"t\\\"\",connector=\"kafka\"} 0",
            "millstream_source_rows_total{source=\"raw.\\\"t\\\"\",outcome=\"quarantined\"} 2",
            "millstream_lag_messages{source=\"raw.\\\"t\\\"\",partition=\"3\"} 3",
            "millstream_lag_seconds{source=\"raw.\\\"t\\\"\",partition=\"3\"} 2",
            "millstream_source_commit_seconds_bucket{source=\"raw.\\\"t\\\"\",le=\"0.025\"} 1",
            "millstream_source_commit_seconds_bucket{source=\"raw.\\\"t\\\"\",le=\"+Inf\"} 1",
            "millstream_source_commit_seconds_sum{source=\"raw.\\\"t\\\"\"} 0.02",
            "millstream_model_freshness_seconds{model=\"fct\"} 10",
            "millstream_model_staleness_seconds{model=\"fct\"} 3",
            "millstream_model_failing{model=\"fct\"} 1",
            "millstream_schedule_last_success{schedule=\"nightly\"} 0",
            "millstream_schedule_next_timestamp_seconds{schedule=\"nightly\"} 200",
            "millstream_ready 0",
        ] {
            assert!(text.lines().any(|it| it == line), "{line} is missing in\n{text}");
        }
    }

    #[test]
    fn every_line_belongs_to_the_family_above_it() {
        let text = metrics(&snapshot(), at(100));
        let mut family = "";
        for line in text.lines() {
            if let Some(rest) = line.strip_prefix("# HELP ") {
                family = rest.split(' ').next().unwrap();
            } else if !line.starts_with('#') {
                let name = line.split(['{', ' ']).next().unwrap();
                let rest = name.strip_prefix(family).unwrap_or_else(|| unreachable!("{line} under {family}"));
                assert!(["", "_bucket", "_sum", "_count"].contains(&rest), "{line}");
                assert!(line.rsplit(' ').next().unwrap().parse::<f64>().is_ok(), "{line}");
            }
        }
    }
}
