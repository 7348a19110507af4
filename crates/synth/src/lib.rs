//! Made-up data that looks real: the CSV/Parquet [`generate()`]or and the Kafka [`produce()`]r.
//!
//! Guarantees: the same options give the same bytes, whatever the machine and the number of cores;
//! users come first and every transaction belongs to a user who is already registered; amounts are
//! integer cents, never floats; a file appears under its name only when it is whole.
//!
//! Deliberately absent: reading contracts, loading, any notion of a warehouse. The generator knows
//! the three source formats by heart, so that it can break them on purpose (see [`Faults`]).

pub mod generate;
pub mod produce;

pub use generate::{
    FaultCount, FaultKind, Faults, FileKind, Format, GenerateOptions, GenerateReport, GeneratedFile, generate,
};
pub use produce::{Pace, ProduceOptions, ProduceReport, UsersSource, produce};
