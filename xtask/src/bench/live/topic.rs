//! What was sent, as the topic itself tells it: read after a run by `xtask/peers/live/topic.py`, alike for every side.

use std::process::Command;

use super::curve::Point;
use crate::bench::scene::Scene;

/// The topic of every run.
pub const NAME: &str = "transactions";

/// How far the topic has been read.
#[derive(Default)]
pub struct Topic {
    offsets: String,
    /// Different messages so far.
    pub count: u64,
}

impl Topic {
    /// Reads what is new: different messages by their producer's time, to the millisecond, behind those before.
    pub fn read(&mut self, scene: &Scene, brokers: &str) -> Result<Vec<Point>, String> {
        let output = Command::new(&scene.python)
            .arg(scene.peers.join("live/topic.py"))
            .args([brokers, NAME, &self.offsets])
            .output()
            .map_err(|error| format!("topic.py: {error}"))?;
        if !output.status.success() {
            return Err(format!("topic.py: {}", String::from_utf8_lossy(&output.stderr)));
        }
        let mut points = Vec::new();
        for line in String::from_utf8_lossy(&output.stdout).lines() {
            let odd = || format!("topic.py said '{line}'");
            let mut words = line.split_whitespace();
            match (words.next(), words.next()) {
                (Some("end"), Some(offsets)) => offsets.clone_into(&mut self.offsets),
                (Some(millis), Some(count)) => {
                    let millis: f64 = millis.parse().map_err(|_| odd())?;
                    self.count += count.parse::<u64>().map_err(|_| odd())?;
                    points.push(Point { at: millis / 1000.0, count: self.count });
                }
                _ => return Err(odd()),
            }
        }
        Ok(points)
    }
}
