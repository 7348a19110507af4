//! The environment: macros loaded once, templates parsed and rendered against them.

use std::collections::BTreeSet;
use std::sync::Arc;

use millstream_core::{Diagnostics, Error, Place, Result};
use serde_json::{Map, Value as Json};

use crate::{EnvironmentOptions, ParseContext, Parsed, RenderContext, Template, ValueScope};

/// What kind of macro a [`MacroInfo`] tells of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MacroKind {
    /// A plain macro.
    Macro,
    /// A generic test; its macro name is `test_<name>`.
    Test,
    /// A materialization for one adapter (`default` for all); its macro name is `materialization_<name>_<adapter>`.
    Materialization {
        /// The adapter type.
        adapter: String,
    },
}

/// One macro, as the manifest lists it.
#[derive(Debug, Clone)]
pub struct MacroInfo {
    /// `macro.package.name`.
    pub unique_id: String,
    /// Its package.
    pub package: String,
    /// Its name as a function: `test_unique` for the test `unique`.
    pub name: String,
    /// What it is.
    pub kind: MacroKind,
    /// Path of its file from the package root.
    pub path: String,
    /// Line of its opening tag, from 1.
    pub line: u32,
    /// Its whole text with tags.
    pub sql: String,
    /// Its argument names, in order.
    pub arguments: Vec<String>,
    /// Unique ids of the macros that its text names.
    pub depends_on: BTreeSet<String>,
}

/// Macros loaded once; templates are parsed and rendered against them. Cheap to clone, safe to share between threads.
#[derive(Clone)]
pub struct Environment {
    _options: Arc<EnvironmentOptions>,
}

impl Environment {
    /// Loads all macros, the built-in ones too.
    ///
    /// Errors: every syntax error of every file, every macro that is there twice in a package, with its place.
    pub fn new(options: EnvironmentOptions) -> std::result::Result<Self, Diagnostics> {
        Ok(Self { _options: Arc::new(options) })
    }
    /// The same macros with another `graph` variable (known only after parsing).
    pub fn with_graph(&self, graph: Json) -> Self {
        let mut options = (*self._options).clone();
        options.graph = graph;
        Self { _options: Arc::new(options) }
    }
    /// Every macro, by package and name.
    pub fn macros(&self) -> Vec<MacroInfo> {
        Vec::new()
    }
    /// The generic test of that name as a template of `package` sees it; a name may carry its package (`dbt_utils.star`).
    pub fn find_test(&self, package: &str, name: &str) -> Option<MacroInfo> {
        let _ = (package, name);
        None
    }
    /// Renders with `execute = false` and notes every `ref`, `source`, `config`, `var`, …
    pub fn parse(&self, template: &Template<'_>, context: &ParseContext) -> Result<Parsed> {
        let _ = (template, context);
        Err(Error::ours("not written yet"))
    }
    /// Renders to text.
    pub fn render(&self, template: &Template<'_>, context: &RenderContext) -> Result<String> {
        let _ = (template, context);
        Err(Error::ours("not written yet"))
    }
    /// As [`parse`](Self::parse), for a generic test called with these arguments (`model`, `column_name`, …).
    /// Text arguments are themselves templates (`model` normally is `{{ get_where_subquery(ref('x')) }}`).
    pub fn parse_test(&self, test: &TestCall<'_>, context: &ParseContext) -> Result<Parsed> {
        let _ = (test, context);
        Err(Error::ours("not written yet"))
    }
    /// The SQL of a generic test.
    pub fn render_test(&self, test: &TestCall<'_>, context: &RenderContext) -> Result<String> {
        let _ = (test, context);
        Err(Error::ours("not written yet"))
    }
    /// Calls a macro (`generate_schema_name`, a hook, `run-operation`) with JSON arguments; gives what it returned,
    /// which is text unless it used `return()`.
    pub fn call_macro(&self, call: &MacroCall<'_>, context: &RenderContext) -> Result<Json> {
        let _ = (call, context);
        Err(Error::ours("not written yet"))
    }
    /// Renders one YAML text. A text that is one expression keeps its type (`{{ 1 + 1 }}` is the number 2;
    /// `{{ env_var('N') | as_number }}` too), as in dbt; anything else is text.
    pub fn render_value(&self, text: &str, place: &Place, package: &str, scope: ValueScope) -> Result<Json> {
        let _ = (text, place, package, scope);
        Err(Error::ours("not written yet"))
    }
}

/// A generic test and its arguments.
#[derive(Debug, Clone, Copy)]
pub struct TestCall<'a> {
    /// The package whose names the arguments see.
    pub package: &'a str,
    /// The test, with its package if the YAML says so: `unique`, `dbt_utils.accepted_range`.
    pub name: &'a str,
    /// Its arguments.
    pub arguments: &'a Map<String, Json>,
    /// Where the test is declared, for errors.
    pub place: &'a Place,
}

/// A macro and its arguments.
#[derive(Debug, Clone, Copy)]
pub struct MacroCall<'a> {
    /// The package whose names are searched first.
    pub package: &'a str,
    /// The macro, with its package if it has one.
    pub name: &'a str,
    /// Arguments by position.
    pub positional: &'a [Json],
    /// Arguments by name.
    pub named: &'a Map<String, Json>,
    /// Where the call comes from, for errors.
    pub place: &'a Place,
}
