//! Semantic models, metrics and saved queries, in the shapes of dbt's manifest
//! (<https://docs.getdbt.com/docs/build/semantic-models>).
//!
//! Guarantees: every name that one of them uses is resolved or told; nothing is left out of the manifest. Deliberately
//! absent: querying metrics, and dbt's newer way to declare them under `models:`.

mod metrics;
mod resolve;
mod saved_queries;
mod semantic_models;
mod shapes;

use millstream_core::{Diagnostic, Place};
use serde_json::{Map, Value, json};

use super::describe::describe;
use super::properties::Entry;
use super::{Loading, draft, nodes};
use crate::config::merge;
use crate::config::typed;
use crate::manifest::{DependsOn, NodeConfig, RefArgs, ResourceType, Semantic};
use crate::yaml::Yaml;

pub(crate) use resolve::add;

/// Something that an element reads, with where it is named.
#[derive(Debug, Clone)]
pub(super) enum Input {
    /// A model.
    Model(RefArgs),
    /// A measure of a semantic model.
    Measure(String),
    /// A metric.
    Metric(String),
}

/// An element whose names are not resolved yet.
#[derive(Debug, Clone)]
pub(crate) struct UnresolvedSemantic {
    pub element: Semantic,
    inputs: Vec<(Input, Place)>,
}

/// All elements of the entries; metrics that measures ask for are among them.
pub(crate) fn read(loading: &Loading, entries: &[Entry]) -> Vec<UnresolvedSemantic> {
    let mut all = Vec::new();
    for entry in entries {
        match entry.section {
            "semantic_models" => all.extend(semantic_models::read(loading, entry)),
            "metrics" => all.extend(metrics::read(loading, entry)),
            "saved_queries" => all.extend(saved_queries::read(loading, entry)),
            _ => {}
        }
    }
    all
}

/// What all three have in common.
struct Common<'a> {
    loading: &'a Loading,
    entry: &'a Entry,
    kind: ResourceType,
    config: NodeConfig,
    /// `config:` of the entry as it was written.
    written: Map<String, Value>,
    fqn: Vec<String>,
}

impl<'a> Common<'a> {
    fn new(loading: &'a Loading, entry: &'a Entry, kind: ResourceType) -> Self {
        let package = &loading.packages[entry.package];
        let mut fqn = draft::fqn_prefix(package, &entry.relative);
        fqn.push(entry.name.clone());
        let patch = entry.yaml.get("config").map(|config| merge::from_yaml(config, &entry.file)).unwrap_or_default();
        let section = nodes::section_of(kind);
        let mut settings = nodes::settings(loading, entry.package, section, &fqn, &patch, &[]);
        for own in ["cache", "export_as"] {
            // Settings of saved queries that no node has.
            settings.shift_remove(own);
        }
        let config = loading.collecting(|diagnostics| typed::node_config(kind, &settings, diagnostics));
        let written = patch.iter().map(|(name, setting)| (name.clone(), setting.value.clone())).collect();
        Self { loading, entry, kind, config, written, fqn }
    }

    fn text(&self, key: &str) -> Option<String> {
        self.entry.yaml.get(key).and_then(Yaml::scalar_text)
    }

    fn description(&self) -> Option<String> {
        let text = self.entry.yaml.get("description")?;
        let package = &self.loading.packages[self.entry.package].name;
        let place = text.at.in_file(&self.entry.file);
        Some(describe(self.loading, package, &text.scalar_text().unwrap_or_default(), &place).text)
    }

    fn report(&self, message: impl Into<String>, at: &Yaml, hint: impl Into<String>) {
        self.loading.report(Diagnostic::error("bad-semantic", message).at(at.at.in_file(&self.entry.file)).hint(hint));
    }

    /// The text under a key that must be there.
    fn required(&self, owner: &Yaml, what: &str, key: &str) -> String {
        match owner.get(key).and_then(Yaml::scalar_text) {
            Some(text) => text,
            None => {
                self.report(format!("{what} has no '{key}'"), owner, format!("add '{key}: …'"));
                String::new()
            }
        }
    }

    /// The same, one of several words.
    fn one_of(&self, owner: &Yaml, what: &str, key: &str, allowed: &[&str]) -> String {
        let text = self.required(owner, what, key);
        if !text.is_empty() && !allowed.contains(&text.as_str()) {
            let at = owner.get(key).unwrap_or(owner);
            self.report(
                format!("'{text}' is not a {key} of {what}"),
                at,
                format!("use one of: {}", allowed.join(", ")),
            );
        }
        text
    }

    /// The first keys of each of them, in dbt's order.
    fn details(&self) -> Map<String, Value> {
        let package = &self.loading.packages[self.entry.package];
        let made = json!({
            "name": self.entry.name,
            "resource_type": self.kind.as_str(),
            "package_name": package.name,
            "path": self.entry.relative,
            "original_file_path": self.entry.path,
            "unique_id": self.unique_id(),
            "fqn": self.fqn,
        });
        match made {
            Value::Object(map) => map,
            _ => Map::new(),
        }
    }

    fn unique_id(&self) -> String {
        format!("{}.{}.{}", self.kind, self.loading.packages[self.entry.package].name, self.entry.name)
    }

    fn element(&self, details: Map<String, Value>, measures: Vec<String>) -> Semantic {
        Semantic {
            unique_id: self.unique_id(),
            resource_type: self.kind,
            name: self.entry.name.clone(),
            package_name: self.loading.packages[self.entry.package].name.clone(),
            original_file_path: self.entry.path.clone(),
            fqn: self.fqn.clone(),
            tags: self.config.tags.clone(),
            group: self.config.group.clone(),
            enabled: self.config.enabled,
            depends_on: DependsOn::default(),
            measures,
            details,
            place: self.entry.place(),
        }
    }
}

/// Adds the entries of an object to a map.
fn extend(map: &mut Map<String, Value>, more: Value) {
    if let Value::Object(more) = more {
        map.extend(more);
    }
}
