//! `schedules.yml`: what runs when.
//!
//! The file stands in the project's folder, beside `dbt_project.yml`. dbt does not read it. Everything in it is
//! checked before anything runs, and all problems are told at once.
//!
//! Deliberately absent: Jinja. What differs between machines is paused, resumed, or left to the target.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use chrono_tz::Tz;
use millstream_core::{Diagnostic, Diagnostics, Error, Place, Result};
use serde::Deserialize;

use super::pattern::{self, Pattern};
use super::reading;
use crate::live::backoff::Backoff;
use crate::live::span;

/// The file's name.
pub const SCHEDULES_FILE: &str = "schedules.yml";

/// Schedules of one project. Each is looked at every second.
pub const SCHEDULES_MAX: usize = 500;

/// Attempts after the first that a schedule may ask for.
pub const RETRIES_MAX: u32 = 20;

/// Scheduled runs at a time, of one schedule and of all together.
pub const AT_ONCE_MAX: usize = 16;

/// Scheduled runs at a time of all schedules together, unless declared.
const AT_ONCE_DEFAULT: usize = 4;

/// Pause before the second attempt, unless declared.
const RETRY_DELAY_DEFAULT: Duration = Duration::from_secs(30);

/// Pauses between attempts grow up to this.
const RETRY_DELAY_MOST: Duration = Duration::from_secs(3600);

/// Time that one attempt may take, unless declared; waiting for the workspace is not part of it.
const TIMEOUT_DEFAULT: Duration = Duration::from_secs(24 * 3600);

/// What a schedule runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ScheduledCommand {
    /// Seeds, snapshots and models, each published only when its tests pass.
    Build,
    /// Models, published without tests.
    Run,
    /// Tests.
    Test,
    /// Snapshots.
    Snapshot,
    /// Seeds.
    Seed,
    /// Freshness of sources.
    #[serde(rename = "source freshness")]
    Freshness,
    /// Ingestion of sources.
    Ingest,
}

impl ScheduledCommand {
    /// As it is written.
    pub fn name(self) -> &'static str {
        match self {
            Self::Build => "build",
            Self::Run => "run",
            Self::Test => "test",
            Self::Snapshot => "snapshot",
            Self::Seed => "seed",
            Self::Freshness => "source freshness",
            Self::Ingest => "ingest",
        }
    }
}

/// What becomes of times that were missed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CatchUp {
    /// Each is run.
    All,
    /// The latest is run.
    #[default]
    Last,
    /// None is run.
    None,
}

/// One schedule.
#[derive(Debug, Clone)]
pub struct Schedule {
    /// Its name.
    pub name: String,
    /// When, as it was written.
    pub cron: String,
    /// In which time zone.
    pub zone: Tz,
    /// What is run.
    pub command: ScheduledCommand,
    /// Nodes (or sources) to work on, as `--select`.
    pub select: Vec<String>,
    /// Nodes to leave out, as `--exclude`.
    pub exclude: Vec<String>,
    /// A selection of `selectors.yml`.
    pub selector: Option<String>,
    /// As `--full-refresh`.
    pub full_refresh: bool,
    /// What becomes of times that were missed.
    pub catch_up: CatchUp,
    /// Attempts after the first.
    pub retries: u32,
    /// Time that one attempt may take once it has begun to work.
    pub timeout: Duration,
    /// Runs of this schedule at a time.
    pub at_once: usize,
    /// Whether it is paused, unless somebody has said otherwise.
    pub paused: bool,
    /// Where it stands.
    pub place: Place,
    pub(crate) backoff: Backoff,
    pub(crate) pattern: Pattern,
}

impl Schedule {
    /// Whether what it builds is left to it, and not kept fresh otherwise. One that builds whatever there is, as a nightly
    /// `build` does, chooses nothing.
    pub(crate) fn has_nodes_of_its_own(&self) -> bool {
        match self.command {
            ScheduledCommand::Build | ScheduledCommand::Run => !self.select.is_empty() || self.selector.is_some(),
            ScheduledCommand::Snapshot | ScheduledCommand::Seed => true,
            ScheduledCommand::Test | ScheduledCommand::Freshness | ScheduledCommand::Ingest => false,
        }
    }
}

/// All schedules of a project.
#[derive(Debug, Clone)]
pub struct Schedules {
    /// In the order of the file.
    pub all: Vec<Schedule>,
    /// Scheduled runs at a time.
    pub at_once: usize,
}

impl Default for Schedules {
    fn default() -> Self {
        Self { all: Vec::new(), at_once: AT_ONCE_DEFAULT }
    }
}

/// A schedule as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Shape {
    name: String,
    cron: String,
    #[serde(default)]
    timezone: Option<String>,
    command: ScheduledCommand,
    #[serde(default)]
    select: Words,
    #[serde(default)]
    exclude: Words,
    #[serde(default)]
    selector: Option<String>,
    #[serde(default)]
    full_refresh: bool,
    #[serde(default)]
    catch_up: CatchUp,
    #[serde(default)]
    retries: u32,
    #[serde(default)]
    retry_delay: Option<String>,
    #[serde(default)]
    timeout: Option<String>,
    #[serde(default)]
    at_once: Option<usize>,
    #[serde(default)]
    paused: bool,
}

/// One text or several.
#[derive(Default, Deserialize)]
#[serde(untagged)]
enum Words {
    #[default]
    None,
    One(String),
    Many(Vec<String>),
}

impl Words {
    fn list(self) -> Vec<String> {
        match self {
            Self::None => Vec::new(),
            Self::One(word) => vec![word],
            Self::Many(words) => words,
        }
    }
}

impl Schedules {
    /// Reads the schedules of a project folder; none when the file is not there.
    ///
    /// # Errors
    /// The file cannot be read, or something in it is wrong; all of it is told.
    pub fn read(project_dir: &Path) -> Result<Self> {
        let path = project_dir.join(SCHEDULES_FILE);
        match std::fs::read_to_string(&path) {
            Ok(text) => Self::parse(&text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(Error::environment(format!("{SCHEDULES_FILE} cannot be read"))
                .at(Place::file(SCHEDULES_FILE))
                .why(error)),
        }
    }

    /// Reads the text of the file.
    ///
    /// # Errors
    /// Something in it is wrong; all of it is told.
    pub fn parse(text: &str) -> Result<Self> {
        if text.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#')) {
            return Ok(Self::default());
        }
        let mut problems = Diagnostics::new();
        let shape = reading::read(text, &mut problems)?;
        let mut wrong_at = |place: Place, code, message: String, hint: &str| {
            problems.push(Diagnostic::error(code, message).at(place).hint(hint));
        };
        let mut wrong = |code, message, hint: &str| wrong_at(Place::file(SCHEDULES_FILE), code, message, hint);
        if shape.version.is_some_and(|version| version != 1) {
            wrong("schedules-version", "the version is not 1".into(), "write version: 1, or leave it out");
        }
        if shape.schedules.len() > SCHEDULES_MAX {
            let message = format!("there are {} schedules, and at most {SCHEDULES_MAX} can be", shape.schedules.len());
            wrong("too-many-schedules", message, "put nodes that run at the same time into one schedule");
        }
        let at_once = shape.at_once.unwrap_or(AT_ONCE_DEFAULT);
        if !(1..=AT_ONCE_MAX).contains(&at_once) {
            let message = format!("at_once is {at_once}");
            wrong("schedule-at-once", message, &format!("use 1 to {AT_ONCE_MAX}"));
        }
        let mut names = BTreeSet::new();
        let mut all = Vec::with_capacity(shape.schedules.len());
        for (place, one) in shape.schedules {
            let name = one.name.clone();
            let mut wrong = |code, message, hint: &str| wrong_at(place.clone(), code, message, hint);
            if name.trim().is_empty() || name.chars().any(char::is_control) {
                wrong("schedule-name", "a schedule has no name".into(), "give it a name of one line");
            }
            // What has none is told already.
            if name != reading::NAMELESS && !names.insert(name.clone()) {
                wrong("schedule-twice", format!("two schedules are called '{name}'"), "give one another name");
            }
            let told = &mut |code, message, hint: &str| wrong(code, format!("schedule '{name}': {message}"), hint);
            all.extend(one.check(place.clone(), told));
        }
        problems.into_result(&format!("{SCHEDULES_FILE} is wrong"))?;
        Ok(Self { all, at_once })
    }

    /// The schedule of a name.
    pub fn get(&self, name: &str) -> Option<&Schedule> {
        self.all.iter().find(|schedule| schedule.name == name)
    }
}

impl Schedule {
    /// What its times depend on, as text: the pattern and the zone.
    pub(crate) fn pattern_text(&self) -> String {
        format!("{} {}", self.cron, self.zone.name())
    }
}

impl Shape {
    /// The schedule, unless something about it is wrong.
    fn check(self, place: Place, wrong: &mut dyn FnMut(&'static str, String, &str)) -> Option<Schedule> {
        let cron = pattern::parse(&self.cron)
            .map_err(|error| {
                let message = format!("'{}' is no cron pattern: {error}", self.cron);
                wrong("schedule-cron", message, reading::hint("cron").unwrap_or_default());
            })
            .ok();
        if cron.as_ref().is_some_and(|cron| !pattern::ever_comes(cron)) {
            let message = format!("'{}' never comes: there is no such date", self.cron);
            wrong("schedule-never", message, "mend the day of the month or the month, or set paused: true instead");
        }
        let zone = self.timezone.as_deref().unwrap_or("UTC");
        let parsed_zone = zone
            .parse::<Tz>()
            .map_err(|_| {
                let hint = reading::hint("timezone").unwrap_or_default();
                wrong("schedule-zone", format!("'{zone}' is no time zone"), hint);
            })
            .ok();
        let mut time = |name: &str, text: Option<&str>, default: Duration| match text.map(span::parse) {
            None => default,
            Some(Some(span)) if !span.is_zero() => span,
            Some(Some(_)) => {
                wrong("schedule-time", format!("{name} is no time at all"), "write 1s or more");
                default
            }
            Some(None) => {
                let message = format!("{name} '{}' is no span of time", text.unwrap_or_default());
                wrong("schedule-time", message, reading::hint(name).unwrap_or_default());
                default
            }
        };
        let first = time("retry_delay", self.retry_delay.as_deref(), RETRY_DELAY_DEFAULT);
        let timeout = time("timeout", self.timeout.as_deref(), TIMEOUT_DEFAULT);
        if self.retries > RETRIES_MAX {
            wrong("schedule-retries", format!("retries is {}", self.retries), &format!("use 0 to {RETRIES_MAX}"));
        }
        let at_once = self.at_once.unwrap_or(1);
        if !(1..=AT_ONCE_MAX).contains(&at_once) {
            wrong("schedule-at-once", format!("at_once is {at_once}"), &format!("use 1 to {AT_ONCE_MAX}"));
        }
        let (select, exclude) = (self.select.list(), self.exclude.list());
        if self.selector.is_some() && !(select.is_empty() && exclude.is_empty()) {
            wrong("schedule-selection", "it has a selector beside select or exclude".into(), "leave one of them out");
        }
        if self.command == ScheduledCommand::Ingest && !(exclude.is_empty() && self.selector.is_none()) {
            wrong("schedule-selection", "an ingest names its sources in select".into(), "leave the others out");
        }
        let (cron, zone) = (cron?, parsed_zone?);
        Some(Schedule {
            place,
            name: self.name,
            pattern: Pattern::new(&self.cron, cron, zone),
            cron: self.cron,
            zone,
            command: self.command,
            select,
            exclude,
            selector: self.selector,
            full_refresh: self.full_refresh,
            catch_up: self.catch_up,
            retries: self.retries,
            timeout,
            at_once,
            paused: self.paused,
            backoff: Backoff { first, most: RETRY_DELAY_MOST.max(first) },
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_schedule_has_defaults() {
        let text = "schedules: [{name: nightly, cron: '0 3 * * *', command: source freshness, select: 'tag:a'}]";
        let schedules = Schedules::parse(text).unwrap();
        let nightly = schedules.get("nightly").unwrap();
        assert_eq!((nightly.zone, nightly.catch_up, nightly.retries, nightly.at_once), (Tz::UTC, CatchUp::Last, 0, 1));
        assert_eq!(
            (nightly.command.name(), nightly.select.as_slice()),
            ("source freshness", &["tag:a".to_owned()][..])
        );
        assert_eq!(schedules.at_once, AT_ONCE_DEFAULT);
        assert!(Schedules::parse("# nothing yet\n").unwrap().all.is_empty());
        assert!(Schedules::parse("schedules: []").unwrap().all.is_empty());
    }

    #[test]
    fn everything_wrong_is_told_at_once() {
        let text = "\
at_once: 17
schedules:
  - {name: a, cron: '61 * * * *', command: build}
  - {name: a, cron: '* * * * * *', command: run, timezone: Mars/Base, timeout: soon, retries: 21, at_once: 0}
  - {name: b, cron: '@daily', command: ingest, exclude: [x], selector: y}
  - {name: c, cron: '0 0 30 2 *', command: build}
";
        let error = Schedules::parse(text).unwrap_err().to_string();
        for expected in [
            "at_once is 17",
            "schedule 'a': '61 * * * *' is no cron pattern",
            "two schedules are called 'a'",
            "schedule 'a': '* * * * * *' is no cron pattern",
            "'Mars/Base' is no time zone",
            "timeout 'soon' is no span of time",
            "retries is 21",
            "schedule 'a': at_once is 0",
            "schedule 'b': it has a selector beside",
            "an ingest names its sources in select",
            "schedule 'c': '0 0 30 2 *' never comes",
        ] {
            assert!(error.contains(expected), "{expected} is missing in {error}");
        }
    }

    #[test]
    fn a_key_that_is_wrong_hides_no_other() {
        let text = "\
foo: 1
version: x
schedules:
  - {name: a, cron: '61 * * * *', command: destroy, bogus: 1, retries: 21, exclude: 5, at_once: 2.5}
  - cron: '@daily'
    timeout: 0s
  - nothing
  - {name: [a], cron: '@daily', command: run, paused: perhaps, timeout: 5}
";
        let error = Schedules::parse(text).unwrap_err().to_string();
        for expected in [
            "'foo' is no key of the file",
            "version is \"x\"",
            "schedule 'a': '61 * * * *' is no cron pattern",
            "schedule 'a': command is \"destroy\"",
            "write build, run, test",
            "schedule 'a': 'bogus' is no key of a schedule",
            "schedule 'a': retries is 21",
            "schedule 'a': exclude is 5",
            "schedule 'a': at_once is 2.5",
            "a schedule has no name",
            "a schedule has no command",
            "timeout is no time at all",
            "a schedule is no mapping",
            "a schedule: name is [\"a\"]",
            "a schedule: paused is \"perhaps\"",
            "timeout '5' is no span of time",
            "schedules.yml:4",
            "schedules.yml:5",
            "schedules.yml:7",
            "schedules.yml:8",
        ] {
            assert!(error.contains(expected), "{expected} is missing in {error}");
        }
        assert!(!error.contains("two schedules"), "{error}");
        let error = Schedules::parse("schedules: {a: 1}").unwrap_err().to_string();
        assert!(error.contains("below it a list"), "{error}");
        assert!(Schedules::parse("schedules:\n").unwrap().all.is_empty());
        // Words are what their key makes of them.
        let text = "schedules: [{name: on, cron: '@daily', command: run, select: no, paused: Yes}, {name: 7, cron: '@daily', command: test, full_refresh: off}]";
        let read = Schedules::parse(text).unwrap();
        let (first, second) = (&read.all[0], &read.all[1]);
        assert_eq!((first.name.as_str(), &first.select[..], first.paused), ("on", &["no".to_owned()][..], true));
        assert_eq!((second.name.as_str(), second.full_refresh), ("7", false));
    }

    #[test]
    fn there_are_limits() {
        let schedules = |count: usize| {
            let one = |n| format!("  - {{name: n{n}, cron: '@daily', command: run, retries: {RETRIES_MAX}}}\n");
            Schedules::parse(&format!("schedules:\n{}", (0..count).map(one).collect::<String>()))
        };
        assert_eq!(schedules(SCHEDULES_MAX).unwrap().all.len(), SCHEDULES_MAX);
        assert!(schedules(SCHEDULES_MAX + 1).unwrap_err().to_string().contains("at most 500"));
        assert!(Schedules::parse(&format!("at_once: {AT_ONCE_MAX}\nschedules: []")).is_ok());
    }
}
