//! Everything that a project declares, typed, with where it stands in the user's files.
//!
//! Guarantees: maps are sorted by unique id, so that the same files give the same manifest; each element knows its
//! [`millstream_core::Place`]. Deliberately absent: anything that running adds (compiled SQL, timings, row counts).

mod column;
mod exposure;
pub(crate) mod json;
mod macros;
mod naming;
mod node;
mod node_config;
mod resource_type;
mod semantic;
mod source;
mod unit_test;

use std::collections::{BTreeMap, BTreeSet};

pub use column::{Column, Constraint};
pub use exposure::{Exposure, Group, Owner};
pub use json::{Compiled, Metadata};
pub use macros::{Doc, Macro, MacroArgument};
pub use naming::Naming;
pub use node::{Access, Checksum, DependsOn, Docs, Node, RefArgs, TestMetadata};
pub use node_config::{Contract, Hook, NodeConfig, OnSchemaChange, SnapshotColumnNames, TestSeverity};
pub use resource_type::ResourceType;
pub use semantic::Semantic;
pub use source::{Freshness, FreshnessThreshold, SourceNode};
pub use unit_test::{UnitTest, UnitTestRows};

/// Everything that a project and its packages declare. Keys are unique ids (`model.finance.fct_transactions`).
#[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize)]
pub struct Manifest {
    /// Models, seeds, snapshots, tests, analyses and operations that are enabled.
    ///
    /// Kept apart from the rest, see `cache::stored`.
    #[serde(skip)]
    pub nodes: BTreeMap<String, Node>,
    /// Source tables that are enabled.
    pub sources: BTreeMap<String, SourceNode>,
    /// Exposures that are enabled.
    pub exposures: BTreeMap<String, Exposure>,
    /// Groups.
    pub groups: BTreeMap<String, Group>,
    /// Unit tests that are enabled.
    pub unit_tests: BTreeMap<String, UnitTest>,
    /// Semantic models, metrics and saved queries that are enabled.
    pub semantics: BTreeMap<String, Semantic>,
    /// Macros of the project, its packages and the built-in ones.
    pub macros: BTreeMap<String, Macro>,
    /// `{% docs %}` blocks.
    pub docs: BTreeMap<String, Doc>,
    /// Nodes that `enabled: false` takes out, by unique id. Kept as [`Manifest::nodes`].
    #[serde(skip)]
    pub disabled: BTreeMap<String, Node>,
    /// Sources that `enabled: false` takes out, by unique id.
    pub disabled_sources: BTreeMap<String, SourceNode>,
    /// Rendered `selectors.yml` definitions, by name.
    pub selectors: BTreeMap<String, serde_json::Value>,
    /// For each graph element, what it reads.
    pub parent_map: BTreeMap<String, BTreeSet<String>>,
    /// For each graph element, what reads it.
    pub child_map: BTreeMap<String, BTreeSet<String>>,
}

impl Manifest {
    /// The node with this unique id.
    pub fn node(&self, unique_id: &str) -> Option<&Node> {
        self.nodes.get(unique_id)
    }

    /// The source table `source_name.table_name`, in whichever package declares it (the root project first).
    pub fn source(&self, source_name: &str, table_name: &str) -> Option<&SourceNode> {
        self.sources.values().find(|source| source.source_name == source_name && source.name == table_name)
    }

    /// The tests whose attached node is `unique_id` or that read it, in the order of unique ids.
    pub fn tests_of<'a>(&'a self, unique_id: &'a str) -> impl Iterator<Item = &'a Node> + 'a {
        self.child_map
            .get(unique_id)
            .into_iter()
            .flatten()
            .filter_map(|child| self.nodes.get(child))
            .filter(|node| node.resource_type == ResourceType::Test)
    }

    /// What kind of element a unique id names; `None` when it is not in the graph.
    pub fn resource_type(&self, unique_id: &str) -> Option<ResourceType> {
        if let Some(node) = self.nodes.get(unique_id) {
            return Some(node.resource_type);
        }
        if self.sources.contains_key(unique_id) {
            return Some(ResourceType::Source);
        }
        if self.exposures.contains_key(unique_id) {
            return Some(ResourceType::Exposure);
        }
        if let Some(element) = self.semantics.get(unique_id) {
            return Some(element.resource_type);
        }
        self.unit_tests.contains_key(unique_id).then_some(ResourceType::UnitTest)
    }
}
