//! An embedded broker that speaks the real Kafka protocol, for the demo, tests and benches.
//!
//! Guarantees: offsets are dense; nothing that was acknowledged is dropped (up to a named limit, at which producers are
//! refused); offsets, watermarks and look-ups by time are exact; idempotent producers, consumer groups, adding partitions
//! and deleting records work as with Kafka. With a data folder all of that survives `kill -9`.
//!
//! Deliberately absent: replication, transactions, access control, TLS, retention, compaction, syncing each batch to disk.
//!
//! # Why a broker of our own
//! Chosen by measuring, with 1 M messages of 350 bytes (lz4, idempotent, 4 partitions) from one librdkafka client to
//! another, everything on two busy cores; `examples/throughput.rs` measures the same:
//!
//! | | produced/s | kept | consumed/s | memory of the broker |
//! |---|---|---|---|---|
//! | librdkafka's mock cluster | 215,000 | 190,847 of 1,000,000 (it trims partitions by size) | 119,000 | in the client |
//! | this broker, in memory | 171,000 | all | 149,000 | 138 MB |
//! | this broker, on disk | 154,000 | all | 149,000 | 140 MB, 104 MB on disk |
//!
//! The client is the limit in all rows: the broker itself used 0.5 s of processor time for the million in and out, and
//! `produce --rate 200000` is kept up with.
//!
//! The `tansu` crates (0.6, memory storage) keep everything as well, but answer wrongly where ingestion depends on it:
//! after 1,000 messages in one batch the watermarks are (0, 1) instead of (0, 1000); a read from offset 500 returns
//! nothing; partitions cannot be added and deleting records panics; every fetch sleeps for 250 ms. They also bring some
//! 400 crates. So the codec is the `kafka-protocol` crate, generated from Kafka's own message definitions, and the log
//! and the groups on top of it are here. Tried with librdkafka (Rust, Python) and kafka-python 3.0, each with all codecs
//! it has.

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
