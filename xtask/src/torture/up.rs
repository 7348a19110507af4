//! `millstream up`: the process that is tortured.
//!
//! Guarantees: what it says is kept in one log, and each process's part of it can be told from the others'; a process is
//! never left behind.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::Duration;

use super::shell::{bound, end, signal};
use super::site::Site;

/// For one answer over HTTP.
const ANSWER: Duration = Duration::from_secs(5);

/// How a process ended: its exit code, or none after a signal, and what it had said.
pub struct Ended {
    pub code: Option<i32>,
    pub said: String,
}

/// A running process.
pub struct Up {
    child: Child,
    log: PathBuf,
    /// Where its part of the log begins.
    from: u64,
}

impl Up {
    /// Starts it; `clock` is the environment of a clock that can jump.
    pub fn start(site: &Site, brokers: &str, clock: &[(String, String)]) -> Result<Self, String> {
        let log = site.dir.join("up.log");
        let told = |error: std::io::Error| format!("{}: {error}", log.display());
        let file = File::options().create(true).append(true).open(&log).map_err(told)?;
        let from = file.metadata().map_err(told)?.len();
        let copy = file.try_clone().map_err(told)?;
        let child = bound(&site.binary)
            .args(["up", "--listen", "127.0.0.1:0", "--brokers", brokers, "--poll-ms", "500"])
            .current_dir(&site.project)
            .envs(clock.iter().cloned())
            .stdin(Stdio::null())
            .stdout(file)
            .stderr(copy)
            .spawn()
            .map_err(|error| format!("millstream up: {error}"))?;
        Ok(Self { child, log, from })
    }

    pub fn kill(&mut self) {
        end(&mut self.child);
    }

    pub fn signal(&self, name: &str) -> Result<(), String> {
        signal(&self.child, name)
    }

    /// How it ended, if it has.
    pub fn ended(&mut self) -> Result<Option<Ended>, String> {
        let status = self.child.try_wait().map_err(|error| format!("millstream up: {error}"))?;
        Ok(status.map(|status| Ended { code: status.code(), said: self.said() }))
    }

    /// What this process has said so far.
    pub fn said(&self) -> String {
        tail(&self.log, self.from).unwrap_or_default()
    }

    /// Whether every source is read and models were refreshed once.
    pub fn is_ready(&self) -> bool {
        self.get("/readyz").is_ok_and(|answer| answer.starts_with("HTTP/1.1 200"))
    }

    /// The values of a metric, with their labels.
    pub fn metric(&self, name: &str) -> Result<Vec<(String, f64)>, String> {
        let answer = self.get("/metrics")?;
        let lines = answer.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix('{')?.rsplit_once(' '));
        Ok(lines.filter_map(|(labels, value)| Some((labels.to_owned(), value.trim().parse().ok()?))).collect())
    }

    fn get(&self, path: &str) -> Result<String, String> {
        let said = self.said();
        let address = said.split_once("listening on http://").and_then(|(_, rest)| rest.lines().next());
        let address = address.and_then(|address| address.trim().parse().ok()).ok_or("up does not listen yet")?;
        let ask = || -> std::io::Result<String> {
            let mut stream = TcpStream::connect_timeout(&address, ANSWER)?;
            stream.set_read_timeout(Some(ANSWER))?;
            stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: torture\r\n\r\n").as_bytes())?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer)?;
            Ok(answer)
        };
        ask().map_err(|error| format!("up: {path}: {error}"))
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

/// The text of a file from a place on.
pub fn tail(path: &Path, from: u64) -> std::io::Result<String> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(from))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
