//! Talk: everything a command says to a person, on standard error.
//!
//! Guarantees: standard output is never touched; lines never tear a progress bar; `--quiet` leaves errors only;
//! `--log-format json` makes one JSON object of each line; a closed standard error is ignored.
//! Deliberately absent: results. They are data and go through [`crate::output`].

mod bar;
mod ingest;
mod live;
mod logs;
mod nodes;
mod plural;
mod problem;
pub mod style;
mod summary;

use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};

use chrono::{Local, SecondsFormat, Utc};
use clap::ValueEnum;
use indicatif::{MultiProgress, ProgressDrawTarget};
use millstream_core::{Clock, Diagnostics, Error, Kind};
use serde_json::{Map, Value};

pub use bar::Bar;
pub use ingest::{Balance, tell_ingest, unit_name};
pub use live::LiveLines;
pub use logs::{LogLevel, start_logs};
pub use nodes::NodeLines;
pub use plural::{count, plural, seconds};
use style::{DIM, WARN, paint};
pub use summary::tell_summary;

/// Form of the lines on standard error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum LogFormat {
    /// Text for people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// Says lines on standard error. Shared by everything that runs.
#[derive(Debug)]
pub struct Talk {
    format: LogFormat,
    quiet: bool,
    bars: MultiProgress,
    bars_shown: bool,
}

impl Talk {
    /// Talk in this form; `quiet` leaves errors only.
    pub fn new(format: LogFormat, quiet: bool) -> Self {
        let bars_shown = !quiet && format == LogFormat::Text && std::io::stderr().is_terminal();
        let target = if bars_shown { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        Self { format, quiet, bars: MultiProgress::with_draw_target(target), bars_shown }
    }

    /// A line for the reader: `event` is a stable word for machines.
    pub fn say(&self, event: &str, text: &str) {
        self.say_with(event, text, Map::new());
    }

    /// The same, with facts that `--log-format json` shows as fields.
    pub fn say_with(&self, event: &str, text: &str, facts: Map<String, Value>) {
        if !self.quiet {
            self.line("info", event, text, text, facts);
        }
    }

    /// Something that is worth a look and stops nothing.
    pub fn warn(&self, event: &str, text: &str) {
        if !self.quiet {
            self.line("warn", event, &format!("{} {text}", paint(WARN, "warning:")), text, Map::new());
        }
    }

    /// The warnings of a reading, by place. A person is shown so many of each kind; machines get all.
    pub fn warnings(&self, warnings: &Diagnostics) {
        let mut shown: BTreeMap<&str, usize> = BTreeMap::new();
        for warning in warnings.sorted() {
            let count = shown.entry(warning.code).or_default();
            *count += 1;
            if *count <= problem::SHOWN_MAX || self.format == LogFormat::Json {
                let text = warning.to_string();
                // The line's own beginning tells the severity.
                let bare = text.strip_prefix(&format!("warning[{}]: ", warning.code)).unwrap_or(&text);
                self.warn(warning.code, bare);
            }
        }
        for (code, count) in shown.into_iter().filter(|(_, count)| *count > problem::SHOWN_MAX) {
            if self.format == LogFormat::Text {
                let more = count - problem::SHOWN_MAX;
                self.warn(code, &format!("[{code}] and {more} more; --log-format json shows all"));
            }
        }
    }

    /// An error, whole: what, where, why, how to fix.
    pub fn error(&self, error: &Error) {
        let mut facts = Map::new();
        facts.insert("kind".into(), kind_name(error.kind()).into());
        if let Some(place) = error.place() {
            facts.insert("place".into(), place.to_string().into());
        }
        facts.insert("causes".into(), error.causes().into());
        if let Some(fix) = error.fix() {
            facts.insert("fix".into(), fix.into());
        }
        let text = problem::text(error);
        self.line("error", "error", &text, error.what(), facts);
    }

    /// A failure of the user's that is part of a summary: shown even under `--quiet`.
    pub fn failure(&self, event: &str, text: &str) {
        self.failure_with(event, text, Map::new());
    }

    /// The same, with facts for machines.
    pub fn failure_with(&self, event: &str, text: &str, facts: Map<String, Value>) {
        self.line("error", event, text, text, facts);
    }

    /// A bar for one piece of long work.
    pub fn bar(self: &std::sync::Arc<Self>) -> Bar {
        Bar::new(self.clone())
    }

    /// Takes bars off the terminal.
    pub fn clear(&self) {
        let _ = self.bars.clear();
    }

    /// A line with its time in front; a log in JSON tells the time in a field of its own.
    fn timed(&self, clock: &dyn Clock, text: &str) -> String {
        match self.format {
            LogFormat::Text => {
                let time = clock.now().with_timezone(&Local).format("%H:%M:%S");
                format!("{}  {text}", paint(DIM, time))
            }
            LogFormat::Json => text.to_owned(),
        }
    }

    fn line(&self, level: &str, event: &str, text: &str, message: &str, facts: Map<String, Value>) {
        let line = match self.format {
            LogFormat::Text => text.to_owned(),
            LogFormat::Json => {
                let mut object = Map::new();
                object.insert("time".into(), Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true).into());
                object.insert("level".into(), level.into());
                object.insert("event".into(), event.into());
                object.insert("message".into(), console::strip_ansi_codes(message).into());
                object.extend(facts);
                Value::Object(object).to_string()
            }
        };
        // Nobody is left to be told when standard error is closed.
        self.bars.suspend(|| {
            let _ = writeln!(anstream::stderr().lock(), "{line}");
        });
    }
}

fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::User => "user",
        Kind::Usage => "usage",
        Kind::Environment => "environment",
        Kind::External => "external",
        Kind::Ours => "ours",
    }
}
