//! A peer's side: its script says on standard output, with the time, how many transactions its output holds whenever that
//! has changed. The script's own clock counts, and what it says is visible to it alone: nothing has been stored or sent.

use std::fs;
use std::path::PathBuf;

use super::curve::Point;
use super::installed::Kind;
use super::processes::Running;
use super::side::Side;
use super::topic;
use crate::bench::scene::Scene;

/// A running peer.
pub struct Peer {
    name: String,
    process: Running,
    out: PathBuf,
    /// Lines that were told.
    told: usize,
}

impl Peer {
    /// Installs it and starts it on an empty topic.
    pub fn start(scene: &Scene, kind: Kind, brokers: &str) -> Result<Self, String> {
        let scratch = scene.folder.join(format!("live-{}", kind.name));
        let _ = fs::remove_dir_all(&scratch);
        fs::create_dir_all(&scratch).map_err(|error| format!("{}: {error}", scratch.display()))?;
        let out = scratch.join("visible.txt");
        let mut command = kind.command(scene, brokers, topic::NAME, &scratch)?;
        let process = Running::start(&mut command, &scratch.join("peer.log"), Some(&out))?;
        Ok(Self { name: kind.label(), process, out, told: 0 })
    }

    /// Whole lines that it has said.
    fn lines(&self) -> Result<Vec<Point>, String> {
        let text = fs::read_to_string(&self.out).map_err(|error| format!("{}: {error}", self.out.display()))?;
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        let point = |line: &str| {
            let (millis, count) = line.split_once(' ')?;
            Some(Point { at: millis.parse::<f64>().ok()? / 1000.0, count: count.trim().parse().ok()? })
        };
        whole.lines().map(|line| point(line).ok_or_else(|| format!("{} said '{line}'", self.name))).collect()
    }
}

impl Side for Peer {
    fn name(&self) -> &str {
        &self.name
    }

    fn visible(&mut self) -> Result<u64, String> {
        if self.process.is_done()? {
            return Err("it has ended".into());
        }
        Ok(self.lines()?.last().map_or(0, |point| point.count))
    }

    fn points(&mut self) -> Result<Vec<Point>, String> {
        let mut lines = self.lines()?;
        let new = lines.split_off(self.told.min(lines.len()));
        self.told += new.len();
        Ok(new)
    }

    fn peak_mib(&self) -> f64 {
        self.process.peak_mib()
    }

    fn end(self: Box<Self>) -> Result<(), String> {
        // Killed when dropped: how a peer ends is not measured.
        Ok(())
    }
}
