//! Made-up data that looks real: the generator of CSV and Parquet files and the Kafka producer.
//!
//! Guarantees: the same options give the same bytes, whatever the machine and the number of cores; every transaction
//! belongs to a registered user (but for faults that were asked for); amounts are integer cents, never floats; a file
//! appears under its name only when it is whole.
//!
//! Deliberately absent: contracts, loading, any notion of a warehouse. This crate knows the three source formats by
//! heart, so that it can also break them on purpose (see [`FaultKind`]).

mod catalog;
pub mod generate;
mod month;
pub mod produce;
mod rng;
mod spread;
mod text;
mod words;

pub use catalog::{BATCH_CATEGORIES, STREAM_CATEGORIES, STREAM_CURRENCIES};
pub use generate::{
    FaultCount, FaultKind, Faults, FileKind, Format, GenerateOptions, GenerateReport, GeneratedFile, generate,
};
pub use produce::{Pace, ProduceOptions, ProduceReport, UsersSource, produce};
