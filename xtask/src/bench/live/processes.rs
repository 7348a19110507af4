//! Processes that run beside the bench: the engine, the producer, peers. Each is killed when it is dropped.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::memory;

/// How long a process may take to end when it is asked to.
const END_MAX: Duration = Duration::from_secs(120);

/// A running process.
pub struct Running {
    child: Child,
    log: PathBuf,
}

impl Running {
    /// Starts a command; what it says on standard error goes to `log`, on standard output to `out`.
    pub fn start(command: &mut Command, log: &Path, out: Option<&Path>) -> Result<Self, String> {
        let create = |path: &Path| File::create(path).map_err(|error| format!("{}: {error}", path.display()));
        let out = match out {
            Some(path) => Stdio::from(create(path)?),
            None => Stdio::null(),
        };
        let child = command
            .stdin(Stdio::null())
            .stdout(out)
            .stderr(Stdio::from(create(log)?))
            .spawn()
            .map_err(|error| format!("{}: {error}", command.get_program().to_string_lossy()))?;
        Ok(Self { child, log: log.to_path_buf() })
    }

    /// What it has said on standard error.
    pub fn said(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Whether it has ended well; one that ended badly is an error with the end of what it said.
    pub fn is_done(&mut self) -> Result<bool, String> {
        match self.child.try_wait().map_err(|error| error.to_string())? {
            None => Ok(false),
            Some(status) if status.success() => Ok(true),
            Some(status) => {
                let said = self.said();
                let tail: Vec<&str> = said.lines().rev().take(2).collect();
                Err(format!("ended with {status}: {}", tail.into_iter().rev().collect::<Vec<_>>().join(" | ")))
            }
        }
    }

    /// Largest resident memory so far, in MiB, of it and of what it has started.
    pub fn peak_mib(&self) -> f64 {
        memory::peak_mib(self.child.id())
    }

    /// Asks it to end, and waits.
    pub fn end(mut self) -> Result<(), String> {
        let asked = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        asked.map_err(|error| format!("kill: {error}"))?;
        let began = Instant::now();
        while began.elapsed() < END_MAX {
            if self.is_done()? {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        Err(format!("it did not end within {} s, see {}", END_MAX.as_secs(), self.log.display()))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
