//! The commands, one file each: its options, and what it does with the parts that [`crate::context`] opens.

pub mod backfill;
pub mod broker;
pub mod build;
pub mod check;
pub mod clean;
pub mod clone;
pub mod compile;
pub mod debug;
pub mod demo;
pub mod deps;
pub mod docs;
pub mod explain;
pub mod generate;
pub mod ingest;
pub mod init;
pub mod ledger;
pub mod list;
pub mod maintain;
pub mod parse;
pub mod produce;
pub mod query;
pub mod report;
pub mod retry;
pub mod run;
pub mod run_operation;
pub mod runs;
pub mod schedules;
pub mod seed;
pub mod show;
pub mod snapshot;
pub mod source;
pub mod test;
pub mod up;
pub mod verify;

mod nodes;
