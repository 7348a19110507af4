//! Artifacts of another run, which `state:`, `result:`, `source_status:` and `--defer` compare with.
//!
//! Guarantees: artifacts that dbt itself wrote (manifest v10 to v12, run results v4 to v6, sources v3) can be compared
//! with; a part that is not there is told by whoever needs it. Deliberately absent: reading files.

use std::collections::BTreeMap;

use millstream_core::{Error, Result};
use millstream_jinja::Relation;
use serde_json::Value;

use crate::project::Project;

/// Artifacts of another run, each as it was written.
#[derive(Debug, Clone, Default)]
pub struct State {
    /// Where they were found, for messages.
    pub folder: String,
    /// `manifest.json`.
    pub manifest: Option<Value>,
    /// `run_results.json`.
    pub run_results: Option<Value>,
    /// `sources.json`.
    pub sources: Option<Value>,
    /// This project's own, newer `sources.json`, for `source_status:`.
    pub sources_now: Option<Value>,
}

impl State {
    /// The other manifest.
    ///
    /// # Errors
    /// Usage: there is none.
    pub fn manifest(&self) -> Result<&Value> {
        self.manifest.as_ref().ok_or_else(|| self.missing("manifest.json", "run 'millstream parse' or a build there"))
    }

    /// The results of the other run.
    ///
    /// # Errors
    /// Usage: there are none.
    pub fn run_results(&self) -> Result<&Value> {
        self.run_results.as_ref().ok_or_else(|| self.missing("run_results.json", "build there first"))
    }

    /// The other run's freshness of sources.
    ///
    /// # Errors
    /// Usage: there is none.
    pub fn sources(&self) -> Result<&Value> {
        self.sources.as_ref().ok_or_else(|| self.missing("sources.json", "run 'millstream source freshness' there"))
    }

    fn missing(&self, file: &str, hint: &str) -> Error {
        Error::usage(format!("there is no {file} in {}", self.folder)).hint(hint)
    }

    /// The element of the other manifest, in whichever part it is.
    pub(crate) fn element(&self, unique_id: &str) -> Option<&Value> {
        let manifest = self.manifest.as_ref()?;
        let parts = ["nodes", "sources", "exposures", "unit_tests", "metrics", "semantic_models", "saved_queries"];
        parts.iter().find_map(|part| manifest.get(part)?.get(unique_id))
    }

    /// Where the other run built its models, seeds and snapshots, by unique id.
    ///
    /// # Errors
    /// Usage: there is no manifest.
    pub fn relations(&self, project: &Project) -> Result<BTreeMap<String, Relation>> {
        let naming = project.naming();
        let nodes = self.manifest()?.get("nodes").and_then(Value::as_object);
        let text = |node: &Value, key: &str| node.get(key).and_then(Value::as_str).map(str::to_owned);
        Ok(nodes
            .into_iter()
            .flatten()
            .filter(|(_, node)| {
                matches!(node["resource_type"].as_str(), Some("model" | "seed" | "snapshot"))
                    && node["config"]["materialized"] != "ephemeral"
            })
            .filter_map(|(id, node)| {
                let (schema, alias) = (text(node, "schema")?, text(node, "alias").or_else(|| text(node, "name"))?);
                Some((id.clone(), naming.relation(text(node, "database").as_deref(), &schema, &alias)))
            })
            .collect())
    }
}
