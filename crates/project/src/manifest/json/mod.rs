//! dbt's manifest, schema v12 (<https://schemas.getdbt.com/dbt/manifest/v12.json>), as dbt-core 1.11 writes it.
//!
//! Guarantees: every key that dbt writes is there, with dbt's names, types and defaults. Deliberately absent: what only
//! running tells (`compiled_code`); the runner adds it to the nodes that it compiled.

mod elements;
mod nodes;
mod parts;
mod secrets;
mod write;

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{Manifest, ResourceType};

pub(crate) use nodes::node;
pub(crate) use parts::reference;
pub use write::Compiled;

/// The schema that the artifact follows.
const SCHEMA: &str = "https://schemas.getdbt.com/dbt/manifest/v12.json";

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
    pub env: BTreeMap<String, String>,
}

impl Metadata {
    /// Seconds since 1970 for `created_at`; 0 when the instant is no date.
    fn created_at(&self) -> f64 {
        chrono::DateTime::parse_from_rfc3339(&self.invocation_started_at)
            .map_or(0.0, |at| at.timestamp_micros() as f64 / 1_000_000.0)
    }
}

/// The entries of a map, each made into a value.
fn all<'a, T: 'a>(
    entries: impl IntoIterator<Item = (&'a String, &'a T)>,
    make: impl Fn(&'a T) -> Value,
) -> Map<String, Value> {
    entries.into_iter().map(|(key, value)| (key.clone(), make(value))).collect()
}

/// The value with a creation time, which no element keeps: it is the invocation's.
fn stamped(mut value: Value, created_at: f64) -> Value {
    if let Value::Object(object) = &mut value {
        object.insert("created_at".into(), created_at.into());
    }
    value
}

impl Manifest {
    /// One element as the manifest shows it, without its time of creation.
    pub fn element_json(&self, unique_id: &str) -> Option<Value> {
        if let Some(found) = self.nodes.get(unique_id) {
            return Some(nodes::node(found));
        }
        if let Some(found) = self.sources.get(unique_id) {
            return Some(elements::source(found));
        }
        if let Some(found) = self.exposures.get(unique_id) {
            return Some(elements::exposure(found));
        }
        if let Some(found) = self.unit_tests.get(unique_id) {
            return Some(elements::unit_test(found));
        }
        self.semantics.get(unique_id).map(|found| Value::Object(semantic(found)))
    }

    /// Unique ids of all graph elements.
    pub fn element_ids(&self) -> impl Iterator<Item = &String> {
        let others = self.exposures.keys().chain(self.unit_tests.keys()).chain(self.semantics.keys());
        self.nodes.keys().chain(self.sources.keys()).chain(others)
    }

    /// What templates see as `graph`.
    pub(crate) fn graph_json(&self, metadata: &Metadata) -> Value {
        let at = metadata.created_at();
        json!({
            "nodes": all(&self.nodes, |found| stamped(nodes::node(found), at)),
            "sources": all(&self.sources, |found| stamped(elements::source(found), at)),
            "exposures": all(&self.exposures, |found| stamped(elements::exposure(found), at)),
            "groups": all(&self.groups, elements::group),
            "metrics": self.semantics_json(ResourceType::Metric, at),
            "semantic_models": self.semantics_json(ResourceType::SemanticModel, at),
            "saved_queries": self.semantics_json(ResourceType::SavedQuery, at),
        })
    }

    fn disabled_json(&self, at: f64) -> Value {
        let nodes = self.disabled.iter().map(|(id, found)| (id.clone(), json!([stamped(nodes::node(found), at)])));
        let sources =
            self.disabled_sources.iter().map(|(id, found)| (id.clone(), json!([stamped(elements::source(found), at)])));
        Value::Object(nodes.chain(sources).collect())
    }

    fn semantics_json(&self, kind: ResourceType, at: f64) -> Value {
        let of_kind = self.semantics.iter().filter(|(_, found)| found.resource_type == kind);
        Value::Object(all(of_kind, |found| stamped(Value::Object(semantic(found)), at)))
    }

    fn group_map(&self) -> Value {
        let mut map: BTreeMap<&str, Vec<&str>> =
            self.groups.values().map(|group| (group.name.as_str(), Vec::new())).collect();
        for node in self.nodes.values() {
            if let Some(members) = node.group.as_deref().and_then(|group| map.get_mut(group)) {
                members.push(&node.unique_id);
            }
        }
        json!(map)
    }
}

fn semantic(found: &super::Semantic) -> Map<String, Value> {
    let mut details = found.details.clone();
    details.insert("depends_on".into(), json!({"macros": [], "nodes": found.depends_on.nodes}));
    details
}
