//! Source tables: what something else loads, among them the ingest contract under `meta: millstream:`.

use indexmap::IndexMap;
use serde_json::{Map, Value};

use millstream_core::{Place, TableName};

use super::{Column, Naming, ResourceType};

/// A limit of freshness: so many periods.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct FreshnessThreshold {
    /// How many.
    pub count: u64,
    /// `minute`, `hour` or `day`.
    pub period: String,
}

/// How old the newest row of a source may be.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct Freshness {
    /// Older than this is a warning.
    pub warn_after: Option<FreshnessThreshold>,
    /// Older than this is an error.
    pub error_after: Option<FreshnessThreshold>,
    /// SQL that limits which rows are looked at.
    pub filter: Option<String>,
}

/// One table of a source.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct SourceNode {
    /// `source.<package>.<source>.<table>`.
    pub unique_id: String,
    /// Name of the source.
    pub source_name: String,
    /// Name of the table in the project.
    pub name: String,
    /// Package that declares it.
    pub package_name: String,
    /// Database, if the source or target names one.
    pub database: Option<String>,
    /// Schema it is in; the source's name when none is given.
    pub schema: String,
    /// Name of the relation; the table's name when none is given.
    pub identifier: String,
    /// What SQL calls it, see [`crate::Project::compile`].
    pub relation_name: String,
    /// How the relation's name is written.
    pub naming: Naming,
    /// Path of the yml file, relative to its package.
    pub original_file_path: String,
    /// The same path relative to the models folder.
    pub path: String,
    /// Name in the selector syntax: package, folders, source, table.
    pub fqn: Vec<String>,
    /// `{% docs %}` blocks that the descriptions use, as unique ids.
    pub doc_blocks: Vec<String>,
    /// What the table holds.
    pub description: String,
    /// What the source is.
    pub source_description: String,
    /// Tool that loads it.
    pub loader: String,
    /// `meta` of source and table, both `meta:` and `config: meta:`, the narrower and the latter win.
    /// Jinja in strings is rendered. The ingest contract is under `millstream`.
    pub meta: Map<String, Value>,
    /// `meta` of the source alone.
    pub source_meta: Map<String, Value>,
    /// Tags of source and table.
    pub tags: Vec<String>,
    /// Columns in the order in which they are declared.
    pub columns: IndexMap<String, Column>,
    /// Whether the table is part of the project.
    pub enabled: bool,
    /// Freshness; `None` when it is not checked.
    pub freshness: Option<Freshness>,
    /// Column or expression that tells when a row was loaded.
    pub loaded_at_field: Option<String>,
    /// Query that tells when the table was last loaded.
    pub loaded_at_query: Option<String>,
    /// Event time column (`config: event_time:`).
    pub event_time: Option<String>,
    /// Quoting as declared: `database`, `schema`, `identifier`.
    pub quoting: Map<String, Value>,
    /// `external:` as written.
    pub external: Option<Value>,
    /// Configuration as it was written, before rendering.
    pub unrendered_config: Map<String, Value>,
    /// Any other key under `config:`.
    pub config_extra: Map<String, Value>,
    /// Where the table is declared.
    pub place: Place,
}

impl SourceNode {
    /// Always [`ResourceType::Source`].
    pub fn resource_type(&self) -> ResourceType {
        ResourceType::Source
    }

    /// Schema and name of the table in the warehouse.
    pub fn table_name(&self) -> TableName {
        self.naming.table_name(&self.schema, &self.identifier)
    }
}
