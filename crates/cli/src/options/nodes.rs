//! Options of the commands that carry out nodes.

use std::time::Duration;

use clap::Args;

use super::{SelectionOptions, value};

/// Options of `build`, `run`, `test`, `seed` and `snapshot`.
#[derive(Debug, Clone, Args)]
pub struct NodeOptions {
    /// Which nodes.
    #[command(flatten)]
    pub selection: SelectionOptions,

    /// Build incremental models and seeds from the start
    #[arg(short, long, help_heading = "Options")]
    pub full_refresh: bool,

    /// Start nothing more after the first failure
    #[arg(short = 'x', long, help_heading = "Options")]
    pub fail_fast: bool,

    /// Tests that warn count as failed
    #[arg(long, help_heading = "Options")]
    pub warn_error: bool,

    /// Keep the rows that tests find
    #[arg(long, help_heading = "Options", overrides_with = "no_store_failures")]
    pub store_failures: bool,

    /// Do not keep them, whatever the project says
    #[arg(long, help_heading = "Options", hide = true, overrides_with = "store_failures")]
    pub no_store_failures: bool,

    /// Plan every query first, and run nothing when one would fail
    #[arg(long, hide = true, help_heading = "Options", overrides_with = "no_check")]
    pub check: bool,

    /// Start without planning every query first
    #[arg(long, hide = true, help_heading = "Options", overrides_with = "check")]
    pub no_check: bool,

    /// How long to wait for another command that holds the workspace
    #[arg(long, value_name = "TIME", default_value = "0s", value_parser = value::duration, help_heading = "Options")]
    pub wait: Duration,
}

impl NodeOptions {
    /// Whether rows of tests are kept; `None` leaves it to each test.
    pub fn keeps_failures(&self) -> Option<bool> {
        match (self.store_failures, self.no_store_failures) {
            (true, _) => Some(true),
            (_, true) => Some(false),
            _ => None,
        }
    }
}
