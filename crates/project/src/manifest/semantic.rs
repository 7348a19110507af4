//! Semantic models, metrics and saved queries: what the semantic layer reads. Nothing here runs them.

use serde_json::{Map, Value};

use millstream_core::Place;

use super::{DependsOn, ResourceType};

/// A semantic model, metric or saved query.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct Semantic {
    /// `metric.<package>.<name>`, and the like.
    pub unique_id: String,
    /// Which of the three it is.
    pub resource_type: ResourceType,
    /// Its name.
    pub name: String,
    /// Package that declares it.
    pub package_name: String,
    /// Path of the yml file, relative to the package.
    pub original_file_path: String,
    /// Name in the selector syntax.
    pub fqn: Vec<String>,
    /// Tags.
    pub tags: Vec<String>,
    /// Group.
    pub group: Option<String>,
    /// Whether it is part of the project.
    pub enabled: bool,
    /// What it reads: models, semantic models or metrics.
    pub depends_on: DependsOn,
    /// Names of the measures of a semantic model.
    pub measures: Vec<String>,
    /// The element as dbt's manifest has it, without `depends_on` and the time of its creation.
    pub details: Map<String, Value>,
    /// Where it is declared.
    pub place: Place,
}
