//! How a broker is started, and its limits.

use std::net::SocketAddr;
use std::path::PathBuf;

use millstream_core::{Error, Result};

use crate::log::check_name;

/// Most topics.
pub const MAX_TOPICS: usize = 10_000;
/// Most partitions of a topic.
pub const MAX_PARTITIONS: usize = 1_000;
/// Most bytes of record batches, as the producers compressed them, that a broker holds over all topics. A producer that
/// asks for more is refused (`KAFKA_STORAGE_ERROR`, which clients retry); nothing is dropped to make room.
pub const MAX_BYTES: u64 = 4 * 1024 * 1024 * 1024;
/// Largest request; Kafka's own default.
pub const MAX_REQUEST_BYTES: usize = 100 * 1024 * 1024;
/// Partitions of a topic that appears on first use, as with Kafka.
pub const DEFAULT_PARTITIONS: usize = 1;

/// A topic to create at the start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topic {
    /// Its name: letters, digits, `.`, `_` and `-`, at most 249.
    pub name: String,
    /// Number of partitions, 1 to [`MAX_PARTITIONS`]. A topic that is already there with fewer gets more.
    pub partitions: u32,
}

/// How to start a broker.
#[derive(Debug, Clone)]
pub struct BrokerOptions {
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// `host:port` that clients are told to connect to; by default the address that is listened on (this machine's
    /// loopback address when that is "any").
    pub advertised: Option<String>,
    /// Topics to create; others appear on first use with [`DEFAULT_PARTITIONS`], when the client asks for that.
    pub topics: Vec<Topic>,
    /// Folder to keep messages and group offsets in; `None` keeps them in memory and loses them at the end.
    pub data_dir: Option<PathBuf>,
}

impl BrokerOptions {
    /// Host and port to advertise for the address that is really listened on.
    pub(crate) fn endpoint(&self, listening: SocketAddr) -> Result<(String, u16)> {
        let Some(advertised) = &self.advertised else {
            let host = match listening.ip() {
                ip if !ip.is_unspecified() => ip.to_string(),
                ip if ip.is_ipv4() => "127.0.0.1".to_owned(),
                _ => "::1".to_owned(),
            };
            return Ok((host, listening.port()));
        };
        let split = advertised.rsplit_once(':').and_then(|(host, port)| Some((host, port.parse::<u16>().ok()?)));
        match split {
            Some((host, port)) if !host.is_empty() && port > 0 => {
                Ok((host.trim_start_matches('[').trim_end_matches(']').to_owned(), port))
            }
            _ => Err(Error::usage(format!("the advertised address {advertised} is not HOST:PORT"))
                .hint("give what clients can reach, for example localhost:9092")),
        }
    }

    /// Checks what can be checked before anything is opened.
    pub(crate) fn check(&self) -> Result<()> {
        for topic in &self.topics {
            check_name(&topic.name).map_err(|_| {
                Error::usage(format!("{:?} is no name for a topic", topic.name))
                    .hint("use letters, digits, '.', '_' and '-', at most 249 of them")
            })?;
            if !(1..=MAX_PARTITIONS).contains(&(topic.partitions as usize)) {
                return Err(Error::usage(format!("topic {} cannot have {} partitions", topic.name, topic.partitions))
                    .hint(format!("give 1 to {MAX_PARTITIONS}")));
            }
        }
        Ok(())
    }
}
