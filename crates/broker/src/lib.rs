//! An embedded broker that speaks the real Kafka protocol, for the demo, tests and benches.
//!
//! Guarantees: offsets are dense; nothing that was acknowledged is dropped (up to a named limit, at which producers are
//! refused); offsets, watermarks and look-ups by time are exact; idempotent producers, consumer groups, adding partitions
//! and deleting records work as with Kafka. With a data folder all of that survives `kill -9`.
//!
//! Deliberately absent: replication, transactions, access control, TLS, retention, compaction, syncing each batch to disk.
mod api;
mod cluster;
mod connection;
mod group;
mod lock;
mod log;
mod options;
mod running;
mod wire;

pub use options::{BrokerOptions, DEFAULT_PARTITIONS, MAX_BYTES, MAX_PARTITIONS, MAX_REQUEST_BYTES, MAX_TOPICS, Topic};
pub use running::{Broker, RunningBroker};
