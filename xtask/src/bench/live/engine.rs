//! Our side: `millstream up` in a project, and one of its tables.
//!
//! A version of the table is visible from the moment that its commit file is there; how many events it holds is asked of
//! each version afterwards, so that measuring costs the run nothing. The file's time is that of the kernel's clock tick
//! (some milliseconds).

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant, UNIX_EPOCH};

use super::curve::Point;
use super::history::query;
use super::processes::Running;
use super::side::Side;
use super::topic;
use crate::bench::scene::Scene;

/// How long `up` may take to be fresh at its start.
const START_MAX: Duration = Duration::from_secs(1_800);

/// The running engine.
pub struct Engine<'a> {
    scene: &'a Scene,
    project: PathBuf,
    up: Running,
    /// `schema/table` below the warehouse folder.
    table: &'static str,
    /// A query that gives the transactions in it.
    sql: &'static str,
    /// First version that was not told yet.
    next: u64,
}

impl<'a> Engine<'a> {
    /// Starts it on the topic's source and waits until it says that everything is fresh.
    pub fn start(
        scene: &'a Scene,
        project: &Path,
        brokers: &str,
        table: &'static str,
        sql: &'static str,
    ) -> Result<Self, String> {
        let mut command = Command::new(&scene.binary);
        command.args(["up", "transactions_streaming", "--brokers", brokers, "--listen", "off"]).current_dir(project);
        let mut up = Running::start(&mut command, &project.join("up.log"), None)?;
        let began = Instant::now();
        while !up.said().contains("fresh") {
            if up.is_done()? || began.elapsed() > START_MAX {
                return Err(format!("{} is not fresh, see {}", topic::NAME, project.join("up.log").display()));
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        Ok(Self { scene, project: project.to_path_buf(), up, table, sql, next: 0 })
    }

    fn log(&self) -> PathBuf {
        self.project.join("workspace/warehouse").join(self.table).join("_delta_log")
    }

    fn count(&self, options: &[&str]) -> Result<u64, String> {
        let rows = query(self.scene, &self.project, self.sql, options)?;
        let cell = rows.first().and_then(|row| row.first()).and_then(|cell| cell.parse().ok());
        cell.ok_or_else(|| format!("'{}' gave no number", self.sql))
    }

    /// Versions from `next` on with the times of their commits. Those that housekeeping has removed are not among them.
    fn versions(&self) -> Result<Vec<(u64, f64)>, String> {
        let entries = std::fs::read_dir(self.log()).map_err(|error| format!("{}: {error}", self.table))?;
        let mut versions = Vec::new();
        for entry in entries.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let version = name.strip_suffix(".json").and_then(|number| number.parse::<u64>().ok());
            let Some(version) = version.filter(|version| *version >= self.next) else { continue };
            let Ok(modified) = entry.metadata().and_then(|metadata| metadata.modified()) else { continue };
            let at = modified.duration_since(UNIX_EPOCH).map_err(|error| error.to_string())?;
            versions.push((version, at.as_secs_f64()));
        }
        versions.sort_by_key(|(version, _)| *version);
        Ok(versions)
    }
}

impl Side for Engine<'_> {
    fn name(&self) -> &str {
        "millstream"
    }

    fn visible(&mut self) -> Result<u64, String> {
        if self.up.is_done()? {
            return Err("up has ended".into());
        }
        // Before the first messages of an empty topic there is no table to ask.
        if self.log().exists() { self.count(&[]) } else { Ok(0) }
    }

    fn points(&mut self) -> Result<Vec<Point>, String> {
        let mut points = Vec::new();
        for (version, at) in self.versions()? {
            points.push(Point { at, count: self.count(&["--as-of", &version.to_string()])? });
            self.next = version + 1;
        }
        Ok(points)
    }

    fn peak_mib(&self) -> f64 {
        self.up.peak_mib()
    }

    fn end(self: Box<Self>) -> Result<(), String> {
        self.up.end()
    }
}
