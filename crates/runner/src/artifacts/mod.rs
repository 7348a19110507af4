//! What a run leaves in the target folder: `manifest.json`, `run_results.json`, and the SQL of each node.
//!
//! Guarantees: the two JSON files are replaced whole, so that a reader never sees half of one; their schemas are
//! dbt's (manifest v12, run results v6).

mod atomic;
pub(crate) mod compiled;
mod manifest;
mod run_results;

use chrono::{DateTime, SecondsFormat, Utc};

pub(crate) use atomic::write as write_whole;
pub(crate) use manifest::write as write_manifest;
pub(crate) use run_results::{to_json as results_json, write as write_run_results};

/// An instant as dbt writes it.
fn instant(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}
