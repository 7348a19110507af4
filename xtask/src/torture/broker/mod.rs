//! The broker of a torture: started, killed, stopped, and started again on the same data and address.

mod embedded;
mod real;

use std::fs::File;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::options::Kafka;
use super::shell::{end, signal, until};
use super::site::Site;
use super::wire::Wire;

/// The topic, as the finance project names it.
pub const TOPIC: &str = "transactions";
/// Its partitions at the start.
pub const PARTITIONS: i32 = 3;

/// Apache Kafka takes its time to start on a busy machine.
const START: Duration = Duration::from_secs(120);
/// For one answer.
const ANSWER: Duration = Duration::from_secs(10);

/// A broker and how it is started.
pub struct Broker {
    command: Command,
    child: Child,
    log: PathBuf,
    /// Where it listens, as clients want it.
    pub address: String,
}

impl Broker {
    /// Starts it on fresh data, with the topic.
    pub fn start(site: &Site, kafka: Kafka) -> Result<Self, String> {
        let (mut command, address) = match kafka {
            Kafka::Embedded => embedded::command(site)?,
            Kafka::Real => real::command(site)?,
        };
        let log = site.dir.join("broker.log");
        let child = spawn(&mut command, &log)?;
        let mut broker = Self { command, child, log, address };
        broker.wait()?;
        broker.wire()?.create_topic(TOPIC, PARTITIONS)?;
        Ok(broker)
    }

    /// Kills it, as a power cut would.
    pub fn kill(&mut self) {
        end(&mut self.child);
    }

    /// Starts it again after [`Self::kill`].
    pub fn restart(&mut self) -> Result<(), String> {
        self.child = spawn(&mut self.command, &self.log)?;
        self.wait()
    }

    /// Stops it or lets it go on: it keeps its connections and answers nothing.
    pub fn signal(&self, name: &str) -> Result<(), String> {
        signal(&self.child, name)
    }

    /// A connection of our own.
    pub fn wire(&self) -> Result<Wire, String> {
        Wire::connect(&self.address, ANSWER)
    }

    fn wait(&mut self) -> Result<(), String> {
        let child = &mut self.child;
        let address = &self.address;
        let is_there = until(START, || {
            if let Ok(Some(status)) = child.try_wait() {
                return Err(format!("the broker ended with {status}; see {}", self.log.display()));
            }
            Ok(Wire::connect(address, ANSWER).and_then(|mut wire| wire.partitions(TOPIC).or(Ok(Vec::new()))).is_ok())
        })?;
        if is_there { Ok(()) } else { Err(format!("the broker did not start; see {}", self.log.display())) }
    }
}

fn spawn(command: &mut Command, log: &PathBuf) -> Result<Child, String> {
    let told = |error: std::io::Error| format!("{}: {error}", log.display());
    let file = File::options().create(true).append(true).open(log).map_err(told)?;
    let copy = file.try_clone().map_err(told)?;
    command.stdin(Stdio::null()).stdout(file).stderr(copy);
    command.spawn().map_err(|error| format!("{command:?}: {error}"))
}

impl Drop for Broker {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}
