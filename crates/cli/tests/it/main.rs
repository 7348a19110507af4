//! Tests of the whole program, as a user runs it: a process, its exit code, its two outputs, its files.
//!
//! One binary, because linking it is what takes the time. No network and no services: where Kafka is needed, the
//! embedded broker runs as a process of its own.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod build;
mod check;
mod demo;
mod deps;
mod errors;
mod help;
mod ingest;
mod init;
mod kafka;
mod kill;
mod marts;
mod operation;
mod other_runs;
mod query;
mod report;
mod retail;
mod slt;
mod snowflake;
mod support;
mod up;
mod verify;
