//! dbt's manifest, schema v12.

/// The `metadata` of a written artifact that does not come from the project's files.
#[derive(Debug, Clone, Default)]
pub struct Metadata {
    /// When it was written, RFC 3339, UTC.
    pub generated_at: String,
    /// When the invocation started, RFC 3339, UTC.
    pub invocation_started_at: String,
    /// Id of the invocation.
    pub invocation_id: String,
    /// Name of the root project.
    pub project_name: String,
    /// Kind of warehouse (`millstream`, `snowflake`, …).
    pub adapter_type: String,
    /// Environment variables `DBT_ENV_CUSTOM_ENV_…`, without the prefix.
    pub env: std::collections::BTreeMap<String, String>,
}
