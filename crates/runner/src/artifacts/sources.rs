//! `sources.json`, dbt's schema v3 (<https://schemas.getdbt.com/dbt/sources/v3.json>).

use std::path::Path;

use chrono::{DateTime, Utc};
use millstream_core::Result;
use millstream_project::FreshnessThreshold;
use serde_json::{Value, json};

use super::{atomic, instant};
use crate::{FreshnessSummary, SourceFreshness};

const SCHEMA: &str = "https://schemas.getdbt.com/dbt/sources/v3.json";

/// Writes the file.
pub(crate) fn write(
    path: &Path,
    summary: &FreshnessSummary,
    started_at: DateTime<Utc>,
    generated_at: DateTime<Utc>,
) -> Result<()> {
    let document = json!({
        "metadata": super::metadata(SCHEMA, &summary.invocation_id, started_at, generated_at),
        "results": summary.sources.iter().map(one).collect::<Vec<_>>(),
        "elapsed_time": summary.elapsed_s,
    });
    atomic::write(path, document.to_string().as_bytes())
}

fn one(source: &SourceFreshness) -> Value {
    let (Some(at), Some(age)) = (source.max_loaded_at, source.age()) else {
        let error = source.error.as_ref().map(ToString::to_string);
        return json!({"unique_id": source.unique_id, "error": error, "status": source.status});
    };
    let threshold = |found: &Option<FreshnessThreshold>| match found {
        Some(found) => json!({"count": found.count, "period": found.period}),
        None => json!({"count": null, "period": null}),
    };
    json!({
        "unique_id": source.unique_id,
        "max_loaded_at": instant(at),
        "snapshotted_at": instant(source.snapshotted_at),
        "max_loaded_at_time_ago_in_s": age.num_milliseconds() as f64 / 1000.0,
        "status": source.status,
        "criteria": {
            "warn_after": threshold(&source.criteria.warn_after),
            "error_after": threshold(&source.criteria.error_after),
            "filter": source.criteria.filter,
        },
        "adapter_response": {},
        "timing": super::timing(&source.timing),
        "thread_id": "MainThread",
        "execution_time": source.execution_time_s,
    })
}
