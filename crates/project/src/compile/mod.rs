//! Rendering of a node's text into the SQL that the warehouse runs.

use std::collections::BTreeMap;
use std::sync::Arc;

use millstream_jinja::Adapter;

/// How to compile.
#[derive(Clone)]
pub struct CompileOptions {
    /// Answers what templates ask about the warehouse (`is_incremental()`, `adapter.get_relation`, `run_query`, …).
    pub adapter: Arc<dyn Adapter>,
    /// `--full-refresh`: makes `is_incremental()` false, unless the node's `full_refresh` config says otherwise.
    pub full_refresh: bool,
    /// `flags.WHICH`: name of the command that runs, for example `build`.
    pub command: String,
    /// Extra names for the template: `results`, `schemas`, `database_schemas` in `on-run-end` hooks.
    pub context: serde_json::Map<String, serde_json::Value>,
}

/// An ephemeral model that was inlined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cte {
    /// Unique id of the ephemeral model.
    pub unique_id: String,
    /// ` __dbt__cte__<name> as (…)`.
    pub sql: String,
}

/// A node whose text is rendered.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CompiledNode {
    /// The SQL to run, ephemeral models inlined as CTEs. For tests: a query whose rows are the failures (before
    /// `limit`, `fail_calc`, `warn_if` and `error_if`, which the runner applies).
    pub sql: String,
    /// Statements before the node, rendered, blank ones left out.
    pub pre_hooks: Vec<String>,
    /// Statements after the node, rendered, blank ones left out.
    pub post_hooks: Vec<String>,
    /// The inlined models, in the order in which they stand in the SQL.
    pub ctes: Vec<Cte>,
    /// `config()` values that only rendering with the warehouse told (rare: they depend on `execute`).
    pub runtime_config: BTreeMap<String, serde_json::Value>,
}
