//! `materialized: dynamic_table`, dbt-snowflake's own: the table follows what its query reads, without any code of the
//! user's. The warehouse finds the way from the query's plan.
//!
//! Of the adapter's configuration, `refresh_mode` and `--full-refresh` count here; `target_lag` is kept by `up`;
//! `snowflake_warehouse`, `initialize` and `on_configuration_change` have no meaning on the embedded warehouse.
//! Source: <https://docs.getdbt.com/reference/resource-configs/snowflake-configs#dynamic-tables>.

use millstream_core::warehouse::{RefreshMode, Stage};
use millstream_core::{Error, Result};
use millstream_project::{Manifest, Node};

use super::{Decision, quoted};

pub(super) fn decide(manifest: &Manifest, node: &Node, sql: String, full_refresh: bool) -> Result<Decision> {
    let whole = node.config.full_refresh.unwrap_or(full_refresh);
    let mode = if whole { RefreshMode::Full } else { refresh_mode(node)? };
    let run_sql = format!("create or replace dynamic table {} as (\n{sql}\n)", quoted(node));
    Ok(Decision::whole(Stage::Refresh { sql, keys: known_keys(manifest, node), mode }, run_sql))
}

/// The model's `refresh_mode`.
///
/// # Errors
/// A user error for another value than Snowflake's.
pub(crate) fn refresh_mode(node: &Node) -> Result<RefreshMode> {
    let Some(value) = node.config.values.get("refresh_mode").filter(|value| !value.is_null()) else {
        return Ok(RefreshMode::Auto);
    };
    match value.as_str().unwrap_or_default().to_ascii_lowercase().as_str() {
        "auto" => Ok(RefreshMode::Auto),
        "incremental" => Ok(RefreshMode::Incremental),
        "full" => Ok(RefreshMode::Full),
        _ => Err(Error::user(format!("{} has the refresh_mode {value}", node.name))
            .why("it is AUTO, INCREMENTAL or FULL")
            .hint("leave it out for AUTO")),
    }
}

/// Columns that tell the model's rows apart, as far as the project says: its primary key, its `unique_key`, columns
/// with the test `unique`.
pub(crate) fn known_keys(manifest: &Manifest, node: &Node) -> Vec<Vec<String>> {
    let mut keys: Vec<Vec<String>> = vec![node.primary_key.clone(), node.config.unique_key.clone()];
    let tests = manifest.nodes.values().filter(|test| test.attached_node.as_deref() == Some(node.unique_id.as_str()));
    keys.extend(tests.filter_map(|test| {
        let metadata = test.test_metadata.as_ref().filter(|metadata| metadata.name == "unique")?;
        Some(vec![metadata.kwargs.get("column_name")?.as_str()?.to_owned()])
    }));
    keys.retain(|key| !key.is_empty());
    keys.dedup();
    keys
}
