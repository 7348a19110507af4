//! Macros and documentation blocks.

use serde_json::{Map, Value};

use millstream_core::Place;

/// A described argument of a macro.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct MacroArgument {
    /// Its name.
    pub name: String,
    /// Its type as written.
    pub kind: Option<String>,
    /// What it is for.
    pub description: String,
}

/// A macro, including the ones that `{% test %}` and `{% materialization %}` define.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct Macro {
    /// `macro.<package>.<name>`.
    pub unique_id: String,
    /// Its name; `test_<name>` for generic tests.
    pub name: String,
    /// Package that defines it.
    pub package_name: String,
    /// Path of its file, relative to the package.
    pub original_file_path: String,
    /// Its source text.
    pub macro_sql: String,
    /// Macros that it calls, unique ids.
    pub depends_on: Vec<String>,
    /// What it does.
    pub description: String,
    /// `meta:`.
    pub meta: Map<String, Value>,
    /// Whether documentation shows it.
    pub show: bool,
    /// yml file that describes it, `<package>://<path>`.
    pub patch_path: Option<String>,
    /// Arguments as described.
    pub arguments: Vec<MacroArgument>,
    /// Where it is defined.
    pub place: Place,
}

/// A `{% docs %}` block.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct Doc {
    /// `doc.<package>.<name>`.
    pub unique_id: String,
    /// Its name.
    pub name: String,
    /// Package that defines it.
    pub package_name: String,
    /// Path relative to its folder.
    pub path: String,
    /// Path relative to the package.
    pub original_file_path: String,
    /// The text.
    pub block_contents: String,
}
