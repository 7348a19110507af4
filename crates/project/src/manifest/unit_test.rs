//! Unit tests of models on given rows.

use serde_json::{Map, Value};

use millstream_core::Place;

use super::DependsOn;

/// Given or expected rows.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct UnitTestRows {
    /// `ref('x')`, `source('a','b')` or `this` for given rows; empty for expected ones.
    pub input: String,
    /// Unique id of what `input` names; `None` for expected rows and for `this`.
    pub input_unique_id: Option<String>,
    /// `dict`, `csv` or `sql`.
    pub format: String,
    /// List of objects (`dict`; `csv` is already read into text values) or SQL text (`sql`).
    pub rows: Value,
    /// Whether rows are given at all, here or in a fixture. Without any a seed stands for itself.
    pub is_given: bool,
    /// Name of the fixture that holds the rows.
    pub fixture: Option<String>,
}

/// A test of a model on given rows.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct UnitTest {
    /// `unit_test.<package>.<model>.<name>`, and `.v<version>` behind it where the model has versions.
    pub unique_id: String,
    /// Its name.
    pub name: String,
    /// Model that it tests, by name.
    pub model: String,
    /// Unique id of the model.
    pub tested_node: String,
    /// Package that declares it.
    pub package_name: String,
    /// Path of the yml file, relative to the package.
    pub original_file_path: String,
    /// The same path relative to the models folder.
    pub path: String,
    /// Name in the selector syntax.
    pub fqn: Vec<String>,
    /// What it proves.
    pub description: String,
    /// Rows of the model's inputs.
    pub given: Vec<UnitTestRows>,
    /// Rows that the model must return.
    pub expect: UnitTestRows,
    /// `overrides:` as written: `macros`, `vars`, `env_vars`.
    pub overrides: Map<String, Value>,
    /// Tags.
    pub tags: Vec<String>,
    /// Meta.
    pub meta: Map<String, Value>,
    /// Version of the model that it tests; a test of a versioned model is there once for each of its versions.
    pub version: Option<String>,
    /// `versions:` as written: which versions it is for.
    pub versions: Option<Value>,
    /// Whether it is part of the project.
    pub enabled: bool,
    /// The tested model.
    pub depends_on: DependsOn,
    /// Where it is declared.
    pub place: Place,
}
