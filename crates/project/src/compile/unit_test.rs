//! The query of a unit test: the tested model over given rows.

use std::collections::BTreeMap;

use millstream_core::{Error, Result};
use millstream_jinja::{Overrides, Relation, Template, TextMap};
use serde_json::{Map, Value};

use super::{
    CompileOptions, CompiledNode, Cte, NodeResolver, Rendered, Rendering, add_ctes, context_of, find, with_ctes,
};
use crate::manifest::UnitTest;
use crate::project::Project;

/// Rows of one input, as SQL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GivenRows {
    /// Unique id of what they stand for; the tested model for `this`.
    pub unique_id: String,
    /// Whether they stand for `this`.
    pub is_this: bool,
    /// A query that gives them.
    pub sql: String,
}

/// Renders the tested model with the given rows in place of what it reads. Ephemeral models without given rows are
/// inlined, with given rows in place of what *they* read; anything else that is not given is an error.
pub(crate) fn compile(
    project: &Project,
    test: &UnitTest,
    given: &[GivenRows],
    options: &CompileOptions,
) -> Result<CompiledNode> {
    let node = find(project, &test.tested_node)?;
    let mut options = options.clone();
    let mut ctes = Vec::new();
    let mut instead = BTreeMap::new();
    let mut this = None;
    for rows in given {
        let name = if rows.is_this { "this".to_owned() } else { input_name(project, &rows.unique_id) };
        let name = format!("__dbt__cte__{name}");
        let cte = Cte { unique_id: rows.unique_id.clone(), sql: format!(" {name} as (\n{}\n)", rows.sql.trim()) };
        ctes.push((cte, TextMap::default()));
        let relation = Relation::cte(name);
        if rows.is_this {
            this = Some(relation);
        } else {
            instead.insert(rows.unique_id.clone(), relation);
        }
    }
    options.reading.instead = instead;
    options.reading.is_closed = true;
    let overrides = overrides(&test.overrides);
    let decided = overrides.macros.get("is_incremental").and_then(Value::as_bool);
    options.overrides = overrides;
    let resolver = NodeResolver::new(project, &node.package_name, Some(node), &options);
    let mut context = context_of(node, resolver.clone(), &options);
    context.is_incremental = Some(decided.unwrap_or(false));
    if let Some(this) = this {
        context.this = Some(this);
    }
    let file = node.file();
    let template =
        Template { package: &node.package_name, path: &file, text: &node.raw_code, line: node.raw_code_line };
    let sql = project.environment.render(&template, &context)?;
    // What ephemeral models read must stand in front of them, which the given rows do.
    let rendering = Rendering { project, options: &options, mapped: false };
    add_ctes(rendering, &resolver.ephemerals(), &mut ctes, 0)?;
    let rendered = Rendered { sql, map: TextMap::default() };
    Ok(with_ctes(rendered.trimmed(), ctes).0)
}

/// A name that no other input has: `orders`, and for sources `raw__orders`.
fn input_name(project: &Project, unique_id: &str) -> String {
    let manifest = &project.manifest;
    if let Some(node) = manifest.nodes.get(unique_id) {
        return match &node.version {
            Some(version) => format!("{}_v{}", node.name, version.replace('.', "_")),
            None => node.name.clone(),
        };
    }
    manifest
        .sources
        .get(unique_id)
        .map_or_else(|| unique_id.replace('.', "__"), |source| format!("{}__{}", source.source_name, source.name))
}

fn overrides(written: &Map<String, Value>) -> Overrides {
    let part = |key: &str| written.get(key).and_then(Value::as_object).cloned().unwrap_or_default();
    Overrides { macros: part("macros"), vars: part("vars"), env_vars: part("env_vars") }
}

/// What a rendering without an input for this says.
pub(super) fn not_given(unique_id: &str, call: &str) -> Error {
    Error::user(format!("the model reads {call}, for which the unit test gives no rows"))
        .why(format!("'{unique_id}' would be read from the warehouse"))
        .hint(format!("add it to 'given': {{input: {call}, rows: []}}"))
}
