//! `run_results.json`, dbt's schema v6 (<https://schemas.getdbt.com/dbt/run-results/v6.json>).

use std::path::Path;

use chrono::{DateTime, Utc};
use millstream_core::Result;
use millstream_project::Manifest;
use serde_json::{Map, Value, json};

use super::atomic;
use crate::{NodeResult, Status, Summary};

const SCHEMA: &str = "https://schemas.getdbt.com/dbt/run-results/v6.json";

/// Writes the file.
pub(crate) fn write(
    target_dir: &Path,
    manifest: &Manifest,
    summary: &Summary,
    args: &Map<String, Value>,
    started_at: DateTime<Utc>,
    generated_at: DateTime<Utc>,
) -> Result<()> {
    let document = json!({
        "metadata": super::metadata(SCHEMA, &summary.invocation_id, started_at, generated_at),
        "results": to_json(manifest, &summary.results),
        "elapsed_time": summary.elapsed_s,
        "args": args,
    });
    atomic::write(&target_dir.join("run_results.json"), document.to_string().as_bytes())
}

/// The `results` array; `on-run-end` hooks see it as well.
pub(crate) fn to_json(manifest: &Manifest, results: &[NodeResult]) -> Vec<Value> {
    results.iter().map(|result| one(manifest, result)).collect()
}

fn one(manifest: &Manifest, result: &NodeResult) -> Value {
    let relation_name = manifest.node(&result.unique_id).and_then(|node| node.relation_name.clone());
    json!({
        "status": result.status.name(),
        "timing": super::timing(&result.timing),
        "thread_id": result.thread_id,
        "execution_time": result.execution_time_s,
        "adapter_response": response(result),
        "message": result.message.clone().or_else(|| default_message(result)),
        "failures": result.failures,
        "unique_id": result.unique_id,
        "compiled": result.compiled_code.is_some(),
        "compiled_code": result.compiled_code,
        "relation_name": relation_name,
        "batch_results": result.batches,
    })
}

fn response(result: &NodeResult) -> Value {
    if !matches!(result.status, Status::Success | Status::PartialSuccess | Status::Pass | Status::Warn | Status::Fail) {
        return json!({});
    }
    match result.rows {
        Some(rows) => json!({"_message": format!("OK {rows}"), "code": "OK", "rows_affected": rows}),
        None => json!({"_message": "OK", "code": "OK"}),
    }
}

fn default_message(result: &NodeResult) -> Option<String> {
    match (result.status, result.rows) {
        (Status::Success, Some(rows)) => Some(format!("OK {rows}")),
        (Status::Success, None) => Some("OK".into()),
        _ => None,
    }
}
