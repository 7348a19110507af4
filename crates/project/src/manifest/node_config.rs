//! Configuration of a node after merging `dbt_project.yml`, yml properties and `config()`.

use std::fmt;

use indexmap::IndexMap;
use serde_json::{Map, Value};

use super::Docs;

/// A statement to run before or after a node.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Hook {
    /// The text before rendering.
    pub sql: String,
    /// Whether it belongs to the node's transaction.
    pub transaction: bool,
    /// Order among hooks, as written.
    pub index: Option<i64>,
}

/// How bad a failing test is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub enum TestSeverity {
    /// Failing rows fail the build.
    #[default]
    Error,
    /// Failing rows are a warning.
    Warn,
}

impl fmt::Display for TestSeverity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "ERROR",
            Self::Warn => "WARN",
        })
    }
}

/// What an incremental model does when its columns differ from the table's.
pub use millstream_core::warehouse::OnSchemaChange;

/// `contract:`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Contract {
    /// Whether columns and types of the query must be those of the yml file.
    pub enforced: bool,
    /// Whether type names are translated to the warehouse's.
    pub alias_types: bool,
}

impl Default for Contract {
    fn default() -> Self {
        Self { enforced: false, alias_types: true }
    }
}

/// Names of a snapshot's own columns (`snapshot_meta_column_names`).
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct SnapshotColumnNames {
    /// Hash that identifies a version of a row.
    pub dbt_scd_id: String,
    /// When the version was last seen changed.
    pub dbt_updated_at: String,
    /// From when it is valid.
    pub dbt_valid_from: String,
    /// Until when; null (or `dbt_valid_to_current`) for the current version.
    pub dbt_valid_to: String,
    /// Whether the row was deleted (`hard_deletes: new_record`).
    pub dbt_is_deleted: String,
}

impl Default for SnapshotColumnNames {
    fn default() -> Self {
        Self {
            dbt_scd_id: "dbt_scd_id".into(),
            dbt_updated_at: "dbt_updated_at".into(),
            dbt_valid_from: "dbt_valid_from".into(),
            dbt_valid_to: "dbt_valid_to".into(),
            dbt_is_deleted: "dbt_is_deleted".into(),
        }
    }
}

/// Configuration of a node. Fields that do not apply to its type keep their default.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct NodeConfig {
    /// Whether it is part of the project.
    pub enabled: bool,
    /// Custom name of the relation.
    pub alias: Option<String>,
    /// Custom schema, before `generate_schema_name`.
    pub schema: Option<String>,
    /// Custom database.
    pub database: Option<String>,
    /// Tags of all levels, each once, in the order from the widest level to the narrowest.
    pub tags: Vec<String>,
    /// Meta of all levels.
    pub meta: Map<String, Value>,
    /// Group.
    pub group: Option<String>,
    /// `view`, `table`, `incremental`, `ephemeral`, `seed`, `snapshot`, `test`, …
    pub materialized: String,
    /// `append`, `merge`, `delete+insert`, …
    pub incremental_strategy: Option<String>,
    /// Microbatch: size of a batch.
    pub batch_size: Option<String>,
    /// Microbatch: batches that are always recomputed.
    pub lookback: u64,
    /// Microbatch: first batch.
    pub begin: Option<String>,
    /// Column that tells when a row happened.
    pub event_time: Option<String>,
    /// Which descriptions the warehouse keeps.
    pub persist_docs: Map<String, Value>,
    /// Statements before the node.
    pub pre_hook: Vec<Hook>,
    /// Statements after the node.
    pub post_hook: Vec<Hook>,
    /// Quoting as declared.
    pub quoting: Map<String, Value>,
    /// Types of columns, for seeds.
    pub column_types: IndexMap<String, String>,
    /// Overrides `--full-refresh` for this node.
    pub full_refresh: Option<bool>,
    /// Columns (or expressions) that identify a row.
    pub unique_key: Vec<String>,
    /// See [`OnSchemaChange`].
    pub on_schema_change: OnSchemaChange,
    /// `apply`, `continue` or `fail`.
    pub on_configuration_change: String,
    /// Columns that a merge updates.
    pub merge_update_columns: Vec<String>,
    /// Columns that a merge leaves alone.
    pub merge_exclude_columns: Vec<String>,
    /// Conditions on the rows of the target that an incremental statement looks at.
    pub incremental_predicates: Vec<String>,
    /// Privileges to grant.
    pub grants: Map<String, Value>,
    /// Packages to install for Python models.
    pub packages: Vec<String>,
    /// How documentation shows it.
    pub docs: Docs,
    /// `contract:`.
    pub contract: Contract,
    /// `access:` from the configuration.
    pub access: Option<String>,
    /// Whether batches may run at once.
    pub concurrent_batches: Option<bool>,
    /// `freshness:` as written.
    pub freshness: Option<Value>,
    /// SQL in front of the statement.
    pub sql_header: Option<String>,
    /// Seeds: quote column names.
    pub quote_columns: Option<bool>,
    /// Seeds: separator of the CSV file.
    pub delimiter: String,
    /// Snapshots: `timestamp` or `check`.
    pub strategy: Option<String>,
    /// Snapshots: schema (older spelling of `schema`).
    pub target_schema: Option<String>,
    /// Snapshots: database (older spelling of `database`).
    pub target_database: Option<String>,
    /// Snapshots: column of the `timestamp` strategy.
    pub updated_at: Option<String>,
    /// Snapshots: columns of the `check` strategy; `["all"]` for all.
    pub check_cols: Vec<String>,
    /// Snapshots: names of its own columns.
    pub snapshot_column_names: SnapshotColumnNames,
    /// Snapshots: `ignore`, `invalidate` or `new_record`.
    pub hard_deletes: String,
    /// Snapshots: SQL for `dbt_valid_to` of current rows instead of null.
    pub dbt_valid_to_current: Option<String>,
    /// Tests: how bad a failure is.
    pub severity: TestSeverity,
    /// Tests: condition on the rows that are tested.
    pub where_clause: Option<String>,
    /// Tests: at most so many failing rows are looked at.
    pub limit: Option<u64>,
    /// Tests: aggregate that counts failures, default `count(*)`.
    pub fail_calc: String,
    /// Tests: condition on the count that warns, default `!= 0`.
    pub warn_if: String,
    /// Tests: condition on the count that fails, default `!= 0`.
    pub error_if: String,
    /// Tests: keep failing rows in a table.
    pub store_failures: Option<bool>,
    /// Tests: `table`, `view` or `ephemeral`.
    pub store_failures_as: Option<String>,
    /// Every other key: adapter settings and the user's own.
    pub extra: Map<String, Value>,
    /// The whole configuration as values, with dbt's names, order and defaults: what the manifest and `config.get()` show.
    pub values: Map<String, Value>,
}

impl Default for NodeConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            alias: None,
            schema: None,
            database: None,
            tags: Vec::new(),
            meta: Map::new(),
            group: None,
            materialized: "view".into(),
            incremental_strategy: None,
            batch_size: None,
            lookback: 1,
            begin: None,
            event_time: None,
            persist_docs: Map::new(),
            pre_hook: Vec::new(),
            post_hook: Vec::new(),
            quoting: Map::new(),
            column_types: IndexMap::new(),
            full_refresh: None,
            unique_key: Vec::new(),
            on_schema_change: OnSchemaChange::Ignore,
            on_configuration_change: "apply".into(),
            merge_update_columns: Vec::new(),
            merge_exclude_columns: Vec::new(),
            incremental_predicates: Vec::new(),
            grants: Map::new(),
            packages: Vec::new(),
            docs: Docs::default(),
            contract: Contract::default(),
            access: None,
            concurrent_batches: None,
            freshness: None,
            sql_header: None,
            quote_columns: None,
            delimiter: ",".into(),
            strategy: None,
            target_schema: None,
            target_database: None,
            updated_at: None,
            check_cols: Vec::new(),
            snapshot_column_names: SnapshotColumnNames::default(),
            hard_deletes: "ignore".into(),
            dbt_valid_to_current: None,
            severity: TestSeverity::Error,
            where_clause: None,
            limit: None,
            fail_calc: "count(*)".into(),
            warn_if: "!= 0".into(),
            error_if: "!= 0".into(),
            store_failures: None,
            store_failures_as: None,
            extra: Map::new(),
            values: Map::new(),
        }
    }
}

impl NodeConfig {
    /// Whether a failing test's rows are kept, and as what; `None` when they are not (dbt: `store_failures_as` wins).
    pub fn stores_failures_as(&self) -> Option<&str> {
        match (self.store_failures_as.as_deref(), self.store_failures) {
            (Some("ephemeral"), _) => None,
            (Some(kind), _) => Some(kind),
            (None, Some(true)) => Some("table"),
            (None, _) => None,
        }
    }
}
