//! The libraries' own logs, for `--log-level`. Off by default: what a user needs to know is talk, not log.

use std::io::Write;
use std::sync::Arc;

use clap::ValueEnum;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use super::{LogFormat, Talk};

/// How much the libraries inside may log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum LogLevel {
    /// Nothing.
    #[default]
    Off,
    /// What failed.
    Error,
    /// What looks wrong.
    Warn,
    /// What happens.
    Info,
    /// What happens inside.
    Debug,
    /// Everything.
    Trace,
}

/// Writes log lines where talk goes, so that neither tears a progress bar.
struct ToTalk(Arc<Talk>);

impl<'a> MakeWriter<'a> for ToTalk {
    type Writer = Line<'a>;
    fn make_writer(&'a self) -> Self::Writer {
        Line(&self.0)
    }
}

struct Line<'a>(&'a Talk);

impl Write for Line<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.bars.suspend(|| std::io::stderr().write_all(bytes))?;
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Starts logging at this level. `RUST_LOG` filters more finely when it is set.
pub fn start_logs(talk: &Arc<Talk>, level: LogLevel, colour: bool) {
    let word = level.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default();
    let filter = match std::env::var("RUST_LOG") {
        Ok(rules) if !rules.is_empty() => EnvFilter::new(rules),
        _ => EnvFilter::new(word),
    };
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(ToTalk(talk.clone()));
    // A second subscriber in one process only happens in tests.
    let _ = match talk.format {
        LogFormat::Json => builder.json().try_init(),
        LogFormat::Text => builder.with_ansi(colour).try_init(),
    };
}
