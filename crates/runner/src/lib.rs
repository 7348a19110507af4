//! Carries out work on a project: ingests sources, and builds, tests, seeds, snapshots and compiles nodes.
//!
//! Guarantees: this is the only way by which a command, a schedule or a service changes a warehouse; one writer at
//! a time holds the workspace; a model is staged, audited by its tests and only then published; nothing downstream
//! of a failure runs; nodes that are ready at once start in the order of their names, so that two runs tell the
//! same story; every run that writes leaves its record in the store, and its artefacts in the target folder.
//!
//! Deliberately absent: printing, command-line words, SQL dialects, and any knowledge of how tables are kept.

mod adapter;
mod artifacts;
mod backfill;
mod catalog;
mod cells;
mod check;
mod enter;
mod event;
mod execute;
mod explain;
mod freshness;
mod history;
mod ids;
mod ingest;
pub mod live;
mod lock;
mod maintain;
mod materialize;
mod operation;
mod plan;
mod preview;
mod raw_tables;
mod request;
mod result;
mod runner;
mod runs;
mod sqltype;
mod test;
mod unit_test;
mod verify;

pub use backfill::{BackfillRequest, INTERVALS_MAX, Interval, IntervalSize};
pub use check::{CheckOptions, CheckReport, CheckState, NodeCheck};
pub use event::{Event, Events, SilentEvents};
pub use execute::known::Known;
pub use explain::{Explained, is_refreshed};
pub use freshness::{FreshnessRequest, FreshnessStatus, FreshnessSummary, SourceFreshness};
pub use history::RUNS_KEPT;
pub use ids::{Ids, RandomIds};
pub use ingest::{IngestRequest, IngestSummary, SourceResult};
pub use lock::WorkspaceLock;
pub use maintain::{MaintainRequest, MaintainSummary};
pub use operation::OperationRequest;
pub use preview::Preview;
pub use request::{Cancel, Request, Verb};
pub use result::{BatchResults, NodeResult, Status, Summary, Timing};
pub use runner::Runner;
pub use runs::{runs, runs_like};
pub use unit_test::UNIT_TEST_ROWS_MAX;
pub use verify::{
    DifferentRow, FoundIn, VERIFY_ROWS_SHOWN_DEFAULT, Verified, VerifyRequest, VerifyStatus, VerifySummary,
};
