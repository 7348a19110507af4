//! The embedded warehouse: Delta tables and views in a local folder, queried with DataFusion.
//!
//! [`EmbeddedWarehouse`] implements `millstream_core::Warehouse`, whose contract it keeps:
//! - A commit is one Delta commit: rows, removals and positions together, or none of them.
//! - Staged versions are files that no commit names yet; queries that are given them read them like tables.
//! - What a killed process leaves is never read, and [`EmbeddedWarehouse::sweep`] removes it.
//!
//! Tables are plain Delta tables (protocol 1/2, or 3/7 with `timestampNtz` when a column needs it), so that Spark,
//! DuckDB and delta-rs read them in place. Columns are nullable; text is `string`, instants are `timestamp`.
//!
//! Keys of merges are compared null-safe: a null key matches a null key. (dbt compares with `=`, where null rows pile
//! up with each run; a table that equals its full rebuild matters more here.)
//!
//! Statements (`create`, `insert`, `update`, `delete`, `merge`, …) are one commit each; there are no transactions over
//! several of them.
//!
//! - Housekeeping puts small files together and removes what no version within the retention needs, beside readers and
//!   writers (see [`housekeeping`]).
//!
//! Deliberately absent: object stores, other warehouses, Jinja, dbt configuration.

mod catalog;
mod engine;
mod error;
mod housekeeping;
mod index;
mod lean;
mod load;
mod log;
mod options;
mod postgres;
mod refresh;
mod replace;
mod snowflake;
mod stage;
mod statement;
mod suggest;
mod sweep;
mod tables;
mod view;
mod warehouse;
mod wording;
mod write;

pub use options::{EmbeddedOptions, Ids, MEMORY_LIMIT_BYTES_DEFAULT, RandomIds};
pub use sweep::Swept;
pub use warehouse::EmbeddedWarehouse;
