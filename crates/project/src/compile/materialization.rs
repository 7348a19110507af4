//! Materializations written in Jinja: which one builds a model, and running it.
//!
//! Guarantees: the root project's come first, then those of its packages; in each, one for the target's adapter comes
//! before one for all (dbt's order). As in dbt since 1.8, a package does not replace a built-in materialization by
//! itself: the project would have to call it in one of its own.
//!
//! `view`, `table` and `incremental` are built without Jinja, staged and audited before they are shown. Where a project
//! replaces a macro that they consist of in dbt (`create_table_as`, `get_merge_sql`, a strategy of its own), their
//! counterparts in Jinja run instead, so that the replacement takes part.

use millstream_core::Result;
use millstream_jinja::{MacroCall, Response};
use serde_json::{Map, Value};

use super::resolver::NodeResolver;
use super::{CompileOptions, context_of, find};
use crate::manifest::{Node, ResourceType};
use crate::project::Project;

/// Materializations that dbt has itself; a package does not replace them.
const BUILT_IN: &[&str] = &["view", "table", "incremental", "ephemeral", "seed", "snapshot", "test", "unit", "clone"];

/// Those of them that have a counterpart in Jinja.
const IN_JINJA: &[&str] = &["view", "table", "incremental"];

/// Macros of which the built-in materializations consist. A project that has one of its own means it to be used.
const PARTS: &[&str] = &[
    "alter_column_type",
    "alter_relation_add_remove_columns",
    "apply_grants",
    "check_for_schema_changes",
    "create_indexes",
    "create_table_as",
    "create_view_as",
    "diff_column_data_types",
    "get_create_index_sql",
    "get_create_table_as_sql",
    "get_create_view_as_sql",
    "get_delete_insert_merge_sql",
    "get_grant_sql",
    "get_incremental_append_sql",
    "get_incremental_default_sql",
    "get_incremental_delete_insert_sql",
    "get_incremental_merge_sql",
    "get_insert_into_sql",
    "get_insert_overwrite_merge_sql",
    "get_merge_sql",
    "get_merge_update_columns",
    "get_revoke_sql",
    "incremental_validate_on_schema_change",
    "make_backup_relation",
    "make_intermediate_relation",
    "make_temp_relation",
    "persist_docs",
    "process_schema_changes",
    "run_hooks",
    "sync_column_schemas",
];

/// A materialization in Jinja.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Materialization {
    /// The package that it is in.
    pub package: String,
    /// The macro's name: `materialization_<name>_<adapter>`.
    pub name: String,
    /// The project's macro because of which a built-in one runs in Jinja.
    pub because_of: Option<String>,
}

/// The materialization in Jinja that builds a model; `None` when none has to.
pub(crate) fn choose(project: &Project, node: &Node) -> Option<Materialization> {
    if node.resource_type != ResourceType::Model {
        return None;
    }
    let kind = node.config.materialized.as_str();
    let root = project.config.name.as_str();
    let adapters = [project.target.kind.as_str(), "default"];
    let names = adapters.map(|adapter| format!("materialization_{kind}_{adapter}"));
    let is_there = |package: &str, name: &str| project.manifest.macros.contains_key(&format!("macro.{package}.{name}"));
    let found = |package: &str, name: &str| Materialization {
        package: package.to_owned(),
        name: name.to_owned(),
        because_of: None,
    };
    if let Some(name) = names.iter().find(|name| is_there(root, name)) {
        return Some(found(root, name));
    }
    if !BUILT_IN.contains(&kind) {
        let packages = || project.config.packages.keys().filter(|package| *package != root && *package != "dbt");
        return names
            .iter()
            .find_map(|name| packages().find(|package| is_there(package, name)).map(|it| found(it, name)));
    }
    if !IN_JINJA.contains(&kind) {
        return None;
    }
    let because_of = own_part(project).or_else(|| own_strategy(project, node))?;
    Some(Materialization { because_of: Some(because_of), ..found("dbt", &format!("materialization_{kind}_default")) })
}

/// The first part of the built-in materializations that the project has replaced.
fn own_part(project: &Project) -> Option<String> {
    let root = project.config.name.as_str();
    let prefixes = ["".to_owned(), "default__".to_owned(), format!("{}__", project.target.kind)];
    PARTS.iter().find_map(|part| {
        let mut names = prefixes.iter().map(|prefix| format!("{prefix}{part}"));
        names.find(|name| project.manifest.macros.contains_key(&format!("macro.{root}.{name}")))
    })
}

/// The macro of a strategy that the project has made up.
fn own_strategy(project: &Project, node: &Node) -> Option<String> {
    let strategy = node.config.incremental_strategy.as_deref()?;
    let name = format!("get_incremental_{}_sql", strategy.replace('+', "_"));
    let root = project.config.name.as_str();
    let is_own = node.config.materialized == "incremental"
        && !project.manifest.macros.contains_key(&format!("macro.dbt.{name}"))
        && project.manifest.macros.contains_key(&format!("macro.{root}.{name}"));
    is_own.then_some(name)
}

/// Runs a materialization for a model whose SQL is rendered; gives what its statement `main` did.
pub(crate) fn run(
    project: &Project,
    unique_id: &str,
    materialization: &Materialization,
    sql: &str,
    options: &CompileOptions,
) -> Result<Option<Response>> {
    let node = find(project, unique_id)?;
    let resolver = NodeResolver::new(project, &node.package_name, Some(node), options);
    let mut context = context_of(node, resolver, options);
    if let Some(model) = context.node.as_object_mut() {
        model.insert("compiled".into(), true.into());
        model.insert("compiled_code".into(), sql.into());
    }
    let hooks = |hooks: &[crate::manifest::Hook]| -> Value {
        let hook = |(index, hook): (usize, &crate::manifest::Hook)| serde_json::json!({"sql": hook.sql, "transaction": hook.transaction, "index": index});
        hooks.iter().enumerate().map(hook).collect()
    };
    for name in ["sql", "compiled_code", "compiled_sql"] {
        context.extra.insert(name.into(), sql.into());
    }
    context.extra.insert("pre_hooks".into(), hooks(&node.config.pre_hook));
    context.extra.insert("post_hooks".into(), hooks(&node.config.post_hook));
    let none = Map::new();
    let name = format!("{}.{}", materialization.package, materialization.name);
    let call =
        MacroCall { package: &node.package_name, name: &name, positional: &[], named: &none, place: &node.place };
    project.environment.materialize(&call, &context)
}
