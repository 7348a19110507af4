//! The embedded broker as a process of its own, as long as a bench needs it.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use super::scene::Scene;

/// A running broker; stopped when dropped.
pub struct Broker {
    child: Child,
    /// Where it listens, as clients want it.
    pub address: String,
}

impl Broker {
    /// Starts it on a free port with topic `transactions` of three partitions, and waits until it says where it listens.
    pub fn start(scene: &Scene) -> Result<Self, String> {
        let child = Command::new(&scene.binary)
            .args(["broker", "--listen", "127.0.0.1:0", "--topic", "transactions:3"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("millstream broker: {error}"))?;
        let mut broker = Self { child, address: String::new() };
        let mut line = String::new();
        if let Some(out) = broker.child.stdout.take() {
            BufReader::new(out).read_line(&mut line).map_err(|error| error.to_string())?;
        }
        broker.address =
            line.split_whitespace().find(|word| word.starts_with("127.0.0.1:")).unwrap_or_default().to_owned();
        if broker.address.is_empty() {
            return Err(format!("millstream broker did not say on stdout where it listens, it said: {line}"));
        }
        Ok(broker)
    }

    /// Its process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
