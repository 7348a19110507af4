//! Models, seeds, snapshots, tests, analyses and operations.

use std::sync::Arc;

use indexmap::IndexMap;
use serde_json::{Map, Value};

use millstream_core::{Place, TableName};

use super::{Column, Constraint, Naming, NodeConfig, ResourceType};

/// Who may `ref` a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Access {
    /// Only nodes of the same group.
    Private,
    /// Every node of the same project.
    #[default]
    Protected,
    /// Everyone.
    Public,
}

/// Fingerprint of a node's text.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Checksum {
    /// `sha256`, or `none` for elements without a file of their own.
    pub name: String,
    /// Lower-case hexadecimal.
    pub checksum: String,
}

/// What a node reads, as unique ids in the order of first use.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct DependsOn {
    /// Macros that its text calls.
    pub macros: Vec<String>,
    /// Nodes and sources.
    pub nodes: Vec<String>,
}

/// Arguments of one `ref()` call.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct RefArgs {
    /// Name of the node.
    pub name: String,
    /// Package, when the call names one.
    pub package: Option<String>,
    /// Version, when the call names one.
    pub version: Option<String>,
}

/// How documentation shows a node.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Docs {
    /// Whether it is shown.
    pub show: bool,
    /// Colour in the graph.
    pub node_color: Option<String>,
}

impl Default for Docs {
    fn default() -> Self {
        Self { show: true, node_color: None }
    }
}

/// What a generic test was made from.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct TestMetadata {
    /// Name of the generic test, for example `accepted_values`.
    pub name: String,
    /// Package named in front of it (`dbt_utils.…`).
    pub namespace: Option<String>,
    /// Arguments with `model` and `column_name`, as dbt writes them.
    pub kwargs: Map<String, Value>,
}

/// A model, seed, snapshot, test, analysis or operation.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct Node {
    /// `<type>.<package>.<name>`; generic tests end in ten characters of a hash.
    pub unique_id: String,
    /// What it is.
    pub resource_type: ResourceType,
    /// Its name.
    pub name: String,
    /// Package that declares it.
    pub package_name: String,
    /// Path relative to the folder of its type (`staging/stg_users.sql`).
    pub path: String,
    /// Path relative to the package (`models/staging/stg_users.sql`).
    pub original_file_path: String,
    /// Folder of the package, relative to the project folder; empty for the root project.
    pub package_dir: String,
    /// Name in the selector syntax: package, folders, name.
    pub fqn: Vec<String>,
    /// Name of the relation.
    pub alias: String,
    /// Schema of the relation.
    pub schema: String,
    /// Database of the relation, if the target or configuration names one.
    pub database: Option<String>,
    /// What SQL calls the relation; `None` for ephemeral models, analyses, operations and tests that store nothing.
    pub relation_name: Option<String>,
    /// How the relation's name is written.
    pub naming: Naming,
    /// sha256 of the text (dbt's rule: surrounding white space does not count; seeds: of the file).
    pub checksum: Checksum,
    /// Configuration after all merging and rendering.
    ///
    /// Nodes share it. It is kept apart from them, see `cache::stored`.
    #[serde(skip)]
    pub config: Arc<NodeConfig>,
    /// Configuration as it was written.
    pub unrendered_config: Map<String, Value>,
    /// Same as `config.tags`.
    pub tags: Vec<String>,
    /// Same as `config.meta`.
    pub meta: Map<String, Value>,
    /// What it is, from the yml file.
    pub description: String,
    /// Columns that the yml file describes, in its order.
    pub columns: IndexMap<String, Column>,
    /// Constraints of the whole model.
    pub constraints: Vec<Constraint>,
    /// Group that it belongs to.
    pub group: Option<String>,
    /// Who may `ref` it.
    pub access: Access,
    /// Version of a versioned model.
    pub version: Option<String>,
    /// Latest version of a versioned model.
    pub latest_version: Option<String>,
    /// From when on it should not be used.
    pub deprecation_date: Option<String>,
    /// `time_spine:` of a model, as the manifest has it.
    pub time_spine: Option<serde_json::Value>,
    /// Columns of the primary key, from constraints or from `unique` + `not_null` tests.
    pub primary_key: Vec<String>,
    /// How documentation shows it.
    pub docs: Docs,
    /// `{% docs %}` blocks that the description uses, as unique ids.
    pub doc_blocks: Vec<String>,
    /// yml file that describes it, `<package>://<path>`.
    pub patch_path: Option<String>,
    /// The text before rendering. Empty for seeds.
    pub raw_code: String,
    /// Line of its file on which [`Node::raw_code`] starts.
    pub raw_code_line: u32,
    /// `ref()` calls in the order of first use.
    pub refs: Vec<RefArgs>,
    /// `source()` calls in the order of first use.
    pub sources: Vec<[String; 2]>,
    /// What it reads, resolved.
    pub depends_on: DependsOn,
    /// Generic tests: column that the test is declared on.
    pub column_name: Option<String>,
    /// Generic tests: yml section and name that they are declared under (`models.fct_users`).
    pub file_key_name: Option<String>,
    /// Generic tests on models, seeds and snapshots: unique id of what they are declared on.
    pub attached_node: Option<String>,
    /// Generic tests: what they were made from.
    pub test_metadata: Option<TestMetadata>,
    /// Operations: position among the hooks of their kind, from 0.
    pub index: Option<usize>,
    /// Where it is defined: the first line of its text, or its entry in the yml file.
    pub place: Place,
    /// Where the yml file describes it.
    pub patch_place: Option<Place>,
}

impl Node {
    /// Schema and name of the relation in the warehouse.
    pub fn table_name(&self) -> TableName {
        self.naming.table_name(&self.schema, &self.alias)
    }

    /// Whether it is inlined instead of built.
    pub fn is_ephemeral(&self) -> bool {
        self.resource_type == ResourceType::Model && self.config.materialized == "ephemeral"
    }

    /// Whether it is a model in Python, which is known and not run.
    pub fn is_python(&self) -> bool {
        self.resource_type == ResourceType::Model && self.original_file_path.ends_with(".py")
    }

    /// Whether it is built batch by batch (`incremental_strategy: microbatch`).
    pub fn is_microbatch(&self) -> bool {
        self.resource_type == ResourceType::Model
            && self.config.materialized == "incremental"
            && self.config.incremental_strategy.as_deref() == Some("microbatch")
    }

    /// Whether building it makes a relation that others may read.
    pub fn is_relational(&self) -> bool {
        matches!(self.resource_type, ResourceType::Model | ResourceType::Seed | ResourceType::Snapshot)
            && !self.is_ephemeral()
    }

    /// Path of the seed's CSV file or of the node's text, relative to the project folder.
    pub fn file(&self) -> String {
        if self.package_dir.is_empty() {
            self.original_file_path.clone()
        } else {
            format!("{}/{}", self.package_dir, self.original_file_path)
        }
    }
}
