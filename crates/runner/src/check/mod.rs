//! Checking before running: every query of a request is planned against the columns that its parents will have.
//!
//! Guarantees: nothing is run or written; all problems of all nodes are told at once, each with its place in the
//! user's files; a problem is certain, and a node below one that has problems is not blamed for it. What cannot be
//! known before running (a source that nobody has loaded, SQL that depends on rows, a materialization of the project's
//! own) is *unknown*: it is counted and told, and so is what is below it.
//!
//! Deliberately absent: errors that only values can cause, and what hooks do, which nobody can know.

mod adapter;
mod cache;
mod columns;
mod contract;
mod expected;
mod hooks;
mod inlined;
mod node;
mod place;
mod report;
mod waves;

use std::sync::Arc;

use millstream_core::{Error, Result};

use crate::{Request, Runner};
pub use report::{CheckReport, CheckState, NodeCheck};

/// What a check does besides planning.
#[derive(Debug, Clone, Copy, Default)]
pub struct CheckOptions {
    /// Templates may run the queries that they ask for (`run_query`), where all that these read exists and is not
    /// rebuilt by the request. Otherwise such templates are unknown.
    pub queries: bool,
    /// Analyses too, which no request carries out.
    pub analyses: bool,
}

impl Runner {
    /// Checks the nodes of a request; those that are not selected are taken as they exist.
    ///
    /// # Errors
    /// The warehouse cannot be read, or cannot check.
    pub async fn check(&self, request: &Request, options: CheckOptions) -> Result<CheckReport> {
        let check = Arc::new(node::Check::new(self, request, options).await?);
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let work = tokio::task::spawn_blocking(move || waves::carry_out(&check, threads));
        work.await.map_err(|error| Error::ours("a check broke off").why(error))?
    }
}
