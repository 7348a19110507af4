//! `up` and `produce` as processes of their own.

use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::bench::scene::Scene;

/// How long `up` may take to be fresh at its start.
const START_MAX: Duration = Duration::from_secs(600);

/// How long it may take to end.
const END_MAX: Duration = Duration::from_secs(120);

/// A running process, killed when it is dropped.
pub struct Running(Child);

impl Running {
    /// Starts our binary in a project; what it says goes to a file there.
    pub fn start(scene: &Scene, project: &Path, log: &str, words: &[&str]) -> Result<Self, String> {
        let log = File::create(project.join(log)).map_err(|error| format!("{log}: {error}"))?;
        let child = Command::new(&scene.binary)
            .args(words)
            .current_dir(project)
            .stdout(Stdio::null())
            .stderr(Stdio::from(log))
            .spawn()
            .map_err(|error| format!("millstream {}: {error}", words.join(" ")))?;
        Ok(Self(child))
    }

    /// Waits for its end.
    pub fn wait(&mut self) -> Result<(), String> {
        let status = self.0.wait().map_err(|error| error.to_string())?;
        if status.success() { Ok(()) } else { Err(format!("a process ended with {status}")) }
    }

    /// Largest resident memory so far, in MiB, as the kernel tells.
    pub fn peak_mib(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.0.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.and_then(|line| line.split_whitespace().next()).and_then(|word| word.parse::<f64>().ok());
        kib.map_or(f64::NAN, |kib| kib / 1024.0)
    }

    /// Asks it to end, and waits.
    pub fn end(mut self) -> Result<(), String> {
        let asked = Command::new("kill").args(["-TERM", &self.0.id().to_string()]).status();
        asked.map_err(|error| format!("kill: {error}"))?;
        let began = Instant::now();
        while began.elapsed() < END_MAX {
            if let Some(status) = self.0.try_wait().map_err(|error| error.to_string())? {
                return if status.success() { Ok(()) } else { Err(format!("up ended with {status}")) };
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        Err("up did not end when it was asked to".into())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts `up` and waits until it says that everything is fresh.
pub fn up(scene: &Scene, project: &Path, brokers: &str) -> Result<Running, String> {
    let words = ["up", "--brokers", brokers, "--listen", "off"];
    let running = Running::start(scene, project, "up.log", &words)?;
    let began = Instant::now();
    while began.elapsed() < START_MAX {
        let said = std::fs::read_to_string(project.join("up.log")).unwrap_or_default();
        if said.contains("fresh") {
            return Ok(running);
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    Err(format!("up was not fresh within {} s, see {}", START_MAX.as_secs(), project.join("up.log").display()))
}
