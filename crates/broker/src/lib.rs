//! An embedded broker that speaks the real Kafka protocol, for the demo, tests and benches.

use std::net::SocketAddr;
use std::path::PathBuf;

use millstream_core::{Error, Result};

/// A topic to create at the start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topic {
    /// Its name.
    pub name: String,
    /// Number of partitions, at least 1.
    pub partitions: u32,
}

/// How to start a broker.
#[derive(Debug, Clone)]
pub struct BrokerOptions {
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// `host:port` that clients are told to connect to; by default the address that is listened on.
    pub advertised: Option<String>,
    /// Topics to create; others appear on first use.
    pub topics: Vec<Topic>,
    /// Folder to keep messages in; `None` keeps them in memory and loses them at the end.
    pub data_dir: Option<PathBuf>,
}

/// Starts brokers.
#[derive(Debug)]
pub struct Broker;

impl Broker {
    /// Starts a broker on threads of its own and returns once it takes connections. May be called from async code.
    ///
    /// # Errors
    /// Kind `environment` when the address cannot be listened on, `usage` for options out of range.
    pub fn start(_options: BrokerOptions) -> Result<RunningBroker> {
        Err(Error::ours("not built yet"))
    }
}

/// A broker that runs until it is shut down or dropped.
#[derive(Debug)]
pub struct RunningBroker {
    address: SocketAddr,
}

impl RunningBroker {
    /// The address that is listened on, with the real port.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
    /// `host:port` for `bootstrap.servers`.
    pub fn bootstrap(&self) -> String {
        self.address.to_string()
    }
    /// Stops listening, closes connections and waits for the threads to end.
    ///
    /// # Errors
    /// Kind `ours` when the broker had ended badly before.
    pub fn shutdown(self) -> Result<()> {
        Ok(())
    }
}
