//! What one rendering is given besides the environment.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use millstream_core::Result;
use serde_json::{Map, Value as Json};

use crate::{Adapter, NoAdapter, Relation};

/// A text to render and where it stands, so that errors name the user's file and line.
#[derive(Debug, Clone, Copy)]
pub struct Template<'a> {
    /// The package whose `var()`s and macros it sees.
    pub package: &'a str,
    /// Path as shown in errors.
    pub path: &'a str,
    /// The text.
    pub text: &'a str,
    /// Line of the file on which the text starts, from 1.
    pub line: u32,
}

impl<'a> Template<'a> {
    /// A whole file.
    pub fn file(package: &'a str, path: &'a str, text: &'a str) -> Self {
        Self { package, path, text, line: 1 }
    }
}

/// What parsing is given: the node as far as it is known before its own text was read.
#[derive(Debug, Clone, Default)]
pub struct ParseContext {
    /// `model`: at least `name`, and `config` as it stands from the project and property files (`config.get` reads it).
    pub node: Json,
    /// `this`.
    pub this: Option<Relation>,
    /// Further variables.
    pub extra: Map<String, Json>,
}

/// Turns `ref()` and `source()` into relations while rendering.
pub trait Resolver: Send + Sync {
    /// The relation of a model, seed or snapshot. Unknown or not allowed: a user error that names what is near.
    fn resolve_ref(&self, package: Option<&str>, name: &str, version: Option<&str>) -> Result<Relation>;
    /// The relation of a source table.
    fn resolve_source(&self, source: &str, table: &str) -> Result<Relation>;
}

/// What rendering is given.
#[derive(Clone)]
pub struct RenderContext {
    /// `model`: the node as in the manifest; its `config` is what `config.get` reads.
    pub node: Json,
    /// `this`.
    pub this: Option<Relation>,
    /// `ref()` and `source()`.
    pub resolver: Arc<dyn Resolver>,
    /// `adapter`, `run_query()`, `statement()`.
    pub adapter: Arc<dyn Adapter>,
    /// `execute`: true for running and compiling, false where no query may run.
    pub execute: bool,
    /// What `is_incremental()` says. `None`: decided as dbt does, by asking the adapter whether `this` is there as a table,
    /// and by `config.materialized`, `config.full_refresh` and `flags.FULL_REFRESH`.
    pub is_incremental: Option<bool>,
    /// `sql`, `compiled_code` and whatever else a caller wants to be visible.
    pub extra: Map<String, Json>,
    /// What a unit test says instead of macros, variables and the environment.
    pub overrides: Overrides,
    /// `selected_resources`: unique ids of what the command works on.
    pub selected: Arc<[String]>,
    /// Whether the text may be another one next time.
    pub varies: Varies,
}

/// Whether a rendering has looked at something that may be another in the next one of the same process: the clock, the
/// invocation, the warehouse, what is selected. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Varies(Arc<AtomicBool>);

impl Varies {
    /// Whether it has.
    pub fn get(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    pub(crate) fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Answers that stand in for macros, `var()` and `env_var()` (dbt: `overrides:` of a unit test).
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Overrides {
    /// What a macro gives whatever its arguments, by its name or `package.name`.
    pub macros: Map<String, Json>,
    /// Values of `var()`.
    pub vars: Map<String, Json>,
    /// Values of `env_var()`; what is no text is given as text.
    pub env_vars: Map<String, Json>,
}

impl RenderContext {
    /// For this node with this resolver; no warehouse.
    pub fn new(node: Json, resolver: Arc<dyn Resolver>) -> Self {
        Self {
            node,
            this: None,
            resolver,
            adapter: Arc::new(NoAdapter),
            execute: true,
            is_incremental: None,
            extra: Map::new(),
            overrides: Overrides::default(),
            selected: Arc::default(),
            varies: Varies::default(),
        }
    }
}

/// Whose YAML a value stands in; decides what it may see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ValueScope {
    /// `profiles.yml`: `env_var` (secrets too) and `var` from the command line.
    Profile,
    /// `dbt_project.yml`, property files: `env_var`, `var`, `target`.
    Project,
}
