//! Ingestion: files and Kafka topics into `raw.*`, under a contract.
//!
//! Guarantees:
//! - Rows that keep the contract are in the raw table, the others in `quarantine.<table>` with their raw bytes,
//!   their position and every rule they broke; `rows in = rows loaded + rows quarantined` is checked on every unit.
//! - Exactly once: what is loaded is read from the tables' own commits, and each commit carries its positions.
//!   A run that is killed anywhere leaves a state from which the next run ends in the same tables.
//! - Decimals never pass through floats.
//!
//! Deliberately absent: reading `sources.yml` (the project crate does it and hands over a [`SourceDecl`]), any
//! knowledge of how tables are stored, and printing.

pub(crate) mod blocking;
pub(crate) mod broken;
pub mod contract;
pub mod decl;
pub(crate) mod decode;
pub mod file;
pub mod kafka;
pub(crate) mod nearest;
pub mod quarantine;
pub(crate) mod repair;
pub mod report;
pub(crate) mod sink;
#[cfg(test)]
pub(crate) mod testing;

pub use contract::Contract;
pub use decl::{ColumnDecl, SourceDecl};
pub use file::{FileOptions, FoundFile, find_files, ingest_files, is_compressed};
pub use kafka::{
    FlushFlag, HoldFlag, KafkaCommit, KafkaOptions, OnGap, PartitionAt, PartitionMoved, StopFlag, Watch, ingest_kafka,
    newest_message,
};
pub use report::{RuleCount, UnitReport, UnitStatus};
