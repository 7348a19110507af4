//! Progress of long work: a bar on a terminal, otherwise a plain line now and then.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use millstream_core::Progress;

use super::{Talk, count, plural, seconds};

/// Without a terminal, a line about work that goes on is said this often.
const PLAIN_LINE_EVERY: Duration = Duration::from_secs(10);

/// Work shorter than this gets no closing line without a terminal: it would only be noise.
const PLAIN_LINE_FROM: Duration = Duration::from_secs(2);

/// One piece of long work.
pub struct Bar {
    talk: Arc<Talk>,
    work: Mutex<Option<Work>>,
}

struct Work {
    what: String,
    unit: String,
    total: Option<u64>,
    done: u64,
    started: Instant,
    last_line: Instant,
    bar: Option<ProgressBar>,
}

impl Bar {
    pub(super) fn new(talk: Arc<Talk>) -> Self {
        Self { talk, work: Mutex::new(None) }
    }

    /// A panic elsewhere leaves numbers behind that are good enough for a bar.
    fn work(&self) -> MutexGuard<'_, Option<Work>> {
        self.work.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn shown(&self, what: &str, total: Option<u64>, unit: &str) -> ProgressBar {
        let bar = match total {
            Some(total) => ProgressBar::new(total),
            None => ProgressBar::no_length(),
        };
        let template = if total.is_some() {
            "{msg} [{bar:30}] {human_pos}/{human_len} {prefix} ({per_sec}, {eta} left)"
        } else {
            "{msg} {spinner} {human_pos} {prefix} ({per_sec})"
        };
        // The templates are constants; a test renders both.
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.set_message(what.to_owned());
        bar.set_prefix(format!("{unit}s"));
        self.talk.bars.add(bar)
    }
}

impl Progress for Bar {
    fn start(&self, what: &str, total: Option<u64>, unit: &str) {
        self.finish();
        let now = Instant::now();
        let bar = self.talk.bars_shown.then(|| self.shown(what, total, unit));
        let (what, unit) = (what.to_owned(), unit.trim_end_matches('s').to_owned());
        *self.work() = Some(Work { what, unit, total, done: 0, started: now, last_line: now, bar });
    }

    fn set(&self, done: u64) {
        let mut guard = self.work();
        let Some(work) = guard.as_mut() else { return };
        work.done = done;
        if let Some(bar) = &work.bar {
            bar.set_position(done);
        } else if work.last_line.elapsed() >= PLAIN_LINE_EVERY {
            work.last_line = Instant::now();
            let of = work.total.map(|total| format!(" of {}", count(total))).unwrap_or_default();
            self.talk.say("progress", &format!("{}: {}{of} {}s", work.what, count(done), work.unit));
        }
    }

    fn note(&self, line: &str) {
        self.talk.say("note", line);
    }

    fn finish(&self) {
        let Some(work) = self.work().take() else { return };
        if let Some(bar) = &work.bar {
            bar.finish_and_clear();
            self.talk.bars.remove(bar);
        } else if work.started.elapsed() >= PLAIN_LINE_FROM {
            let line =
                format!("{}: {} in {}", work.what, plural(work.done, &work.unit), seconds(work.started.elapsed()));
            self.talk.say("progress", &line);
        }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.finish();
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::talk::LogFormat;

    #[test]
    fn both_templates_are_valid_and_a_bar_ends_once() {
        let talk = Arc::new(Talk::new(LogFormat::Text, true));
        let bar = talk.bar();
        for total in [Some(10), None] {
            let shown = bar.shown("reading", total, "row");
            shown.set_position(3);
            assert_eq!(shown.position(), 3);
        }
        bar.start("reading", Some(10), "rows");
        bar.set(4);
        assert_eq!(bar.work().as_ref().unwrap().unit, "row");
        bar.finish();
        bar.finish();
        assert!(bar.work().is_none());
    }
}
