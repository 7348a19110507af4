//! Everything that runs during a torture, and the service manager of `up`.
//!
//! Guarantees: an `up` that ends by itself is started again after a pause, counted, and judged: it must have said why and
//! ended with exit code 3. What any process of it says is searched for bugs of ours.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::broker::{Broker, TOPIC};
use super::disk::Disk;
use super::producer::Producer;
use super::shell::until;
use super::site::Site;
use super::spoiler::Spoiler;
use super::up::{Ended, Up};

/// Between an end by itself and the next start, as service managers have it.
const RESTART_PAUSE: Duration = Duration::from_secs(1);
/// For `up` to recover from anything and catch up. Its own pauses grow to half a minute.
const RECOVERY: Duration = Duration::from_secs(120);
/// For a clean end: its own patience is half a minute.
const CLEAN_END: Duration = Duration::from_secs(60);
/// What `up` may be behind and still count as caught up, in seconds of messages.
const BEHIND_S: u64 = 3;
/// What the product says of an error that is its own fault.
const BUGS: [&str; 2] = ["this is a bug in Millstream", "panicked at"];
/// Code of an end that is the machine's or a service's fault.
const ENVIRONMENT: i32 = 3;

/// The scene. What is declared first is ended first.
pub struct Scene {
    pub up: Up,
    pub producer: Producer,
    pub spoiler: Spoiler,
    pub broker: Broker,
    pub disk: Option<Disk>,
    /// What makes a clock jump, where it could be compiled.
    pub clock: Option<PathBuf>,
    pub site: Site,
    pub rate: u64,
    /// Environment of each `up` that is started.
    pub environment: Vec<(String, String)>,
    /// What must not be: each makes the torture fail.
    pub troubles: Vec<String>,
    /// Times that `up` ended by itself, with what it said last.
    pub ends: Vec<String>,
}

impl Scene {
    pub fn trouble(&mut self, what: impl Into<String>) {
        let what = what.into();
        println!("  TROUBLE: {what}");
        self.troubles.push(what);
    }

    /// Starts `up` in the place of one that has ended or is killed by this.
    pub fn renew(&mut self) -> Result<(), String> {
        self.up.kill();
        let said = self.up.said();
        self.search(&said);
        self.up = Up::start(&self.site, &self.broker.address, &self.environment)?;
        Ok(())
    }

    /// Starts what has ended by itself.
    pub fn tend(&mut self) -> Result<(), String> {
        self.producer.tend(&self.site)?;
        let Some(ended) = self.up.ended()? else { return Ok(()) };
        self.judge(&ended);
        std::thread::sleep(RESTART_PAUSE);
        self.renew()
    }

    /// Lets time pass, with a service manager at work.
    pub fn rest(&mut self, span: Duration) -> Result<(), String> {
        let until = Instant::now() + span;
        loop {
            self.tend()?;
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            std::thread::sleep(left.min(Duration::from_millis(100)));
        }
    }

    /// Waits until `up` is ready and has caught up with the topic; that it does not is trouble. How long it took.
    pub fn settle(&mut self) -> Result<Duration, String> {
        self.within(i64::try_from(self.rate * BEHIND_S).unwrap_or(i64::MAX))
    }

    /// Waits until `up` is ready and at most so many messages behind. How long it took.
    pub fn within(&mut self, behind: i64) -> Result<Duration, String> {
        let began = Instant::now();
        loop {
            self.tend()?;
            if self.up.is_ready() && self.behind().is_ok_and(|found| found <= behind) {
                return Ok(began.elapsed());
            }
            if began.elapsed() > RECOVERY {
                let said = last_lines(&self.up.said(), 12);
                let behind = self.behind();
                self.trouble(format!(
                    "up did not recover within {} s (ready: {}, messages behind: {behind:?}). It said last:\n{said}",
                    RECOVERY.as_secs(),
                    self.up.is_ready()
                ));
                return Ok(began.elapsed());
            }
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    /// Messages of the topic that `up` has not loaded, by what the broker says of the topic.
    pub fn behind(&self) -> Result<i64, String> {
        let ends: i64 = self.broker.wire()?.ends(TOPIC)?.iter().map(|(_, end)| end).sum();
        Ok(ends - self.loaded()?)
    }

    /// Messages that `up` has loaded in all.
    pub fn loaded(&self) -> Result<i64, String> {
        let next = self.up.metric("millstream_next_offset")?;
        Ok(next.iter().map(|(_, offset)| *offset as i64).sum())
    }

    /// Asks `up` to end; that it does not end well is trouble.
    pub fn end_up(&mut self) -> Result<(), String> {
        self.tend()?;
        self.up.signal("TERM")?;
        let up = &mut self.up;
        let mut ended = None;
        until(CLEAN_END, || {
            ended = up.ended()?;
            Ok(ended.is_some())
        })?;
        match ended {
            Some(ended) if ended.code == Some(0) => self.search(&ended.said),
            Some(ended) => self.trouble(format!(
                "SIGTERM ended up with {:?}, not with 0. It said last:\n{}",
                ended.code,
                last_lines(&ended.said, 8)
            )),
            None => self.trouble(format!("SIGTERM did not end up within {} s", CLEAN_END.as_secs())),
        }
        self.up.kill();
        Ok(())
    }

    fn judge(&mut self, ended: &Ended) {
        let said = last_lines(&ended.said, 4);
        self.search(&ended.said);
        if ended.code != Some(ENVIRONMENT) || said.is_empty() {
            self.trouble(format!("up ended by itself with {:?}. It said last:\n{said}", ended.code));
        }
        let error = ended.said.lines().rev().find(|line| line.starts_with("error")).unwrap_or_default();
        self.ends.push(error.to_owned());
    }

    /// Looks for bugs of ours in what a process said.
    fn search(&mut self, said: &str) {
        let lines: Vec<&str> = said.lines().collect();
        let found: Vec<usize> = (0..lines.len()).filter(|at| BUGS.iter().any(|bug| lines[*at].contains(bug))).collect();
        for at in found {
            let around = &lines[at.saturating_sub(4)..lines.len().min(at + 3)];
            self.trouble(format!("up says that it has a bug:\n{}", around.join("\n")));
        }
    }
}

/// The last lines of a text, indented.
fn last_lines(text: &str, count: usize) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let lines = &lines[lines.len().saturating_sub(count)..];
    lines.iter().map(|line| format!("    {line}")).collect::<Vec<_>>().join("\n")
}
