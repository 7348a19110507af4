//! What a run leaves in the target folder: `manifest.json`, `run_results.json`, `sources.json`, `catalog.json`, and the
//! SQL of each node.
//!
//! Guarantees: the JSON files are replaced whole, so that a reader never sees half of one; their schemas are
//! dbt's (manifest v12, run results v6, sources v3, catalog v1).

mod atomic;
mod catalog;
pub(crate) mod compiled;
mod manifest;
mod run_results;
mod sources;

use chrono::{DateTime, SecondsFormat, Utc};

pub(crate) use atomic::write as write_whole;
pub(crate) use catalog::{Entry as CatalogEntry, write as write_catalog};
pub(crate) use manifest::write as write_manifest;
pub(crate) use run_results::{to_json as results_json, write as write_run_results};
use serde_json::{Value, json};
pub(crate) use sources::write as write_sources;

use crate::Timing;

/// An instant as dbt writes it.
fn instant(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}

/// The `metadata` of an artefact.
fn metadata(schema: &str, invocation_id: &str, started_at: DateTime<Utc>, generated_at: DateTime<Utc>) -> Value {
    json!({
        "dbt_schema_version": schema,
        "dbt_version": manifest::DBT_VERSION,
        "generated_at": instant(generated_at),
        "invocation_id": invocation_id,
        "invocation_started_at": instant(started_at),
        "env": {},
    })
}

/// Parts of the work as dbt writes them.
fn timing(parts: &[Timing]) -> Vec<Value> {
    let one = |part: &Timing| {
        json!({
            "name": part.name,
            "started_at": instant(part.started_at),
            "completed_at": instant(part.completed_at),
        })
    };
    parts.iter().map(one).collect()
}
