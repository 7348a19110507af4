//! How topics are read.

use clap::{Args, ValueEnum};

use super::{Property, value};

/// Options of `ingest` and `up`.
#[derive(Debug, Clone, Args)]
pub struct KafkaOptions {
    /// What to do with offsets that the broker no longer has
    #[arg(long, value_enum, default_value_t)]
    pub on_gap: OnGap,
    /// Bootstrap servers instead of the project's, HOST:PORT[,HOST:PORT...]
    #[arg(long, value_name = "SERVERS", value_parser = value::brokers)]
    pub brokers: Option<String>,
    /// Any librdkafka setting; repeatable; wins over the project's
    #[arg(short = 'X', long = "property", value_name = "KEY=VALUE")]
    pub properties: Vec<Property>,
}

/// What to do with offsets that the broker no longer has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum OnGap {
    /// Stop with an error that tells the range.
    #[default]
    Fail,
    /// Go on behind it, and record the gap in the ledger.
    Skip,
}
