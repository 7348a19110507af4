//! Exposures and groups.

use serde_json::{Map, Value};

use millstream_core::Place;

use super::{DependsOn, RefArgs};

/// Who owns something.
#[derive(Debug, Clone, PartialEq, Default, serde::Serialize, serde::Deserialize)]
pub struct Owner {
    /// A person or team.
    pub name: Option<String>,
    /// Address (one or several, comma separated).
    pub email: Option<String>,
    /// Any other key.
    pub extra: Map<String, Value>,
}

/// A use of the data outside of the project.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct Exposure {
    /// `exposure.<package>.<name>`.
    pub unique_id: String,
    /// Its name.
    pub name: String,
    /// Package that declares it.
    pub package_name: String,
    /// Path of the yml file, relative to the package.
    pub original_file_path: String,
    /// The same path relative to the models folder.
    pub path: String,
    /// Name in the selector syntax.
    pub fqn: Vec<String>,
    /// `dashboard`, `notebook`, `analysis`, `ml` or `application`.
    pub kind: String,
    /// Who owns it.
    pub owner: Owner,
    /// What it is.
    pub description: String,
    /// Title for people.
    pub label: Option<String>,
    /// `low`, `medium` or `high`.
    pub maturity: Option<String>,
    /// Where it can be seen.
    pub url: Option<String>,
    /// `meta`.
    pub meta: Map<String, Value>,
    /// Tags.
    pub tags: Vec<String>,
    /// Whether it is part of the project.
    pub enabled: bool,
    /// What it reads.
    pub depends_on: DependsOn,
    /// `ref()` calls in `depends_on:`.
    pub refs: Vec<RefArgs>,
    /// `source()` calls in `depends_on:`.
    pub sources: Vec<[String; 2]>,
    /// Metrics in `depends_on:`.
    pub metrics: Vec<String>,
    /// Configuration as it was written.
    pub unrendered_config: Map<String, Value>,
    /// Where it is declared.
    pub place: Place,
}

/// A group of nodes with an owner.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct Group {
    /// `group.<package>.<name>`.
    pub unique_id: String,
    /// Its name.
    pub name: String,
    /// Package that declares it.
    pub package_name: String,
    /// Path of the yml file, relative to the package.
    pub original_file_path: String,
    /// The same path relative to the models folder.
    pub path: String,
    /// Who owns it.
    pub owner: Owner,
    /// What it is.
    pub description: Option<String>,
    /// `config: meta:`.
    pub meta: Map<String, Value>,
    /// Where it is declared.
    pub place: Place,
}
