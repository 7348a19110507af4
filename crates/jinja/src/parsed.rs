//! What parsing a template finds out: the inputs of the manifest.

use std::collections::{BTreeMap, BTreeSet};

use indexmap::IndexMap;
use serde_json::{Map, Value as Json};

/// One `ref()`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RefCall {
    /// The package, if it was named.
    pub package: Option<String>,
    /// The model, seed or snapshot.
    pub name: String,
    /// `version=` or `v=`, as text.
    pub version: Option<String>,
    /// Line of the call, from 1, in the file that [`file`](Self::file) names.
    pub line: u32,
    /// Column of the call in characters, from 1.
    pub column: u32,
    /// The file of the call: the template's own, or that of a macro.
    pub file: String,
}

/// One `source()`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SourceCall {
    /// The source.
    pub source: String,
    /// Its table.
    pub table: String,
    /// Line of the call, from 1.
    pub line: u32,
    /// Column of the call in characters, from 1.
    pub column: u32,
    /// The file of the call.
    pub file: String,
}

/// What parsing a template found out. Calls are listed once each, in the order of the first call.
#[derive(Debug, Clone, Default)]
pub struct Parsed {
    /// Every `ref()`.
    pub refs: Vec<RefCall>,
    /// Every `source()`.
    pub sources: Vec<SourceCall>,
    /// The arguments of every `config()`, in the order of the calls; later calls win except where a setting adds up
    /// (`tags`, `pre_hook`, `post_hook`, `meta`, `grants`): that merging is the project's.
    pub configs: Vec<IndexMap<String, Json>>,
    /// Names given to `var()`.
    pub vars: BTreeSet<String>,
    /// Names given to `env_var()`, with the default that was given.
    pub env_vars: BTreeMap<String, Option<Json>>,
    /// Names given to `doc()`, with the package where one was given.
    pub docs: BTreeSet<(Option<String>, String)>,
    /// Unique ids (`macro.package.name`) of the macros that the template itself called.
    pub macros: Vec<String>,
    /// Names given to `metric()`.
    pub metrics: BTreeSet<String>,
    /// Whether `this` was used.
    pub uses_this: bool,
    /// Whether `is_incremental()` was called.
    pub uses_is_incremental: bool,
    /// The text that came out with `execute = false`.
    pub text: String,
}

impl Parsed {
    /// All `config()` calls laid over each other, later ones winning.
    pub fn config(&self) -> Map<String, Json> {
        let mut all = Map::new();
        for call in &self.configs {
            for (key, value) in call {
                all.insert(key.clone(), value.clone());
            }
        }
        all
    }
}
