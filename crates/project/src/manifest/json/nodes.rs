//! Nodes as dbt writes them, written without making a tree of values of each.

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Map, Value};

use super::parts::{ColumnsText, ConstraintText, ContractText, DependsOnText, DocsText, RefText, TestText, version};
use super::write::Compiled;
use crate::manifest::{Node, ResourceType};

/// One node as a value. `created_at` is the caller's to add.
pub(crate) fn node(node: &Node) -> Value {
    // Maps with text for keys always fit into a value.
    serde_json::to_value(NodeText { node, at: 0.0, compiled: None }).unwrap_or_default()
}

/// A node as the manifest shows it.
pub(super) struct NodeText<'a> {
    pub node: &'a Node,
    /// `created_at`, seconds since 1970.
    pub at: f64,
    /// What the run has rendered of it.
    pub compiled: Option<&'a Compiled<'a>>,
}

impl Serialize for NodeText<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        self.base(&mut map)?;
        if self.node.resource_type == ResourceType::Seed {
            map.serialize_entry("root_path", &())?;
            map.serialize_entry("depends_on", &DependsOnText { macros: &self.node.depends_on.macros, nodes: None })?;
        } else {
            self.query(&mut map)?;
            self.of_kind(&mut map)?;
        }
        if let Some(done) = self.compiled {
            map.serialize_entry("compiled", &true)?;
            map.serialize_entry("compiled_code", done.code)?;
        }
        map.end()
    }
}

impl NodeText<'_> {
    fn base<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        let node = self.node;
        map.serialize_entry("database", &node.database)?;
        map.serialize_entry("schema", &node.schema)?;
        map.serialize_entry("name", &node.name)?;
        map.serialize_entry("resource_type", node.resource_type.as_str())?;
        map.serialize_entry("package_name", &node.package_name)?;
        map.serialize_entry("path", &node.path)?;
        map.serialize_entry("original_file_path", &node.original_file_path)?;
        map.serialize_entry("unique_id", &node.unique_id)?;
        map.serialize_entry("fqn", &node.fqn)?;
        map.serialize_entry("alias", &node.alias)?;
        map.serialize_entry("checksum", &node.checksum)?;
        map.serialize_entry("config", &node.config.values)?;
        map.serialize_entry("tags", &node.tags)?;
        map.serialize_entry("description", &node.description)?;
        map.serialize_entry("columns", &ColumnsText(&node.columns))?;
        map.serialize_entry("meta", &node.meta)?;
        map.serialize_entry("group", &node.group)?;
        map.serialize_entry("docs", &DocsText { show: node.docs.show, node_color: node.docs.node_color.as_deref() })?;
        map.serialize_entry("patch_path", &node.patch_path)?;
        map.serialize_entry("build_path", &())?;
        map.serialize_entry("unrendered_config", &node.unrendered_config)?;
        map.serialize_entry("created_at", &self.at)?;
        map.serialize_entry("relation_name", &node.relation_name)?;
        map.serialize_entry("raw_code", &node.raw_code)?;
        map.serialize_entry("doc_blocks", &node.doc_blocks)
    }

    /// What every node but a seed has.
    fn query<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        let node = self.node;
        let depends_on = DependsOnText { macros: &node.depends_on.macros, nodes: Some(&node.depends_on.nodes) };
        map.serialize_entry("language", if node.is_python() { "python" } else { "sql" })?;
        map.serialize_entry("refs", &node.refs.iter().map(RefText::of).collect::<Vec<_>>())?;
        map.serialize_entry("sources", &node.sources)?;
        map.serialize_entry("metrics", &[(); 0])?;
        map.serialize_entry("functions", &[(); 0])?;
        map.serialize_entry("depends_on", &depends_on)?;
        map.serialize_entry("compiled_path", &self.compiled.and_then(|done| done.path))?;
        map.serialize_entry("contract", &ContractText::of(node.config.contract))
    }

    fn of_kind<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        let node = self.node;
        match node.resource_type {
            ResourceType::Model => {
                let constraints: Vec<_> =
                    node.constraints.iter().map(|found| ConstraintText::of(found, true)).collect();
                map.serialize_entry("access", &node.access)?;
                map.serialize_entry("constraints", &constraints)?;
                map.serialize_entry("version", &version(node.version.as_deref()))?;
                map.serialize_entry("latest_version", &version(node.latest_version.as_deref()))?;
                map.serialize_entry("deprecation_date", &node.deprecation_date)?;
                map.serialize_entry("primary_key", &node.primary_key)?;
                map.serialize_entry("time_spine", &node.time_spine)
            }
            ResourceType::Operation => map.serialize_entry("index", &node.index),
            ResourceType::Test => {
                let Some(test) = &node.test_metadata else { return Ok(()) };
                map.serialize_entry("column_name", &node.column_name)?;
                map.serialize_entry("file_key_name", &node.file_key_name)?;
                map.serialize_entry("attached_node", &node.attached_node)?;
                map.serialize_entry("test_metadata", &TestText::of(test))
            }
            _ => Ok(()),
        }
    }
}

/// Adds the entries of an object.
pub(super) fn extend(object: &mut Map<String, Value>, more: Value) {
    if let Value::Object(more) = more {
        object.extend(more);
    }
}
