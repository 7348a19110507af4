//! Database, schema and alias of a node, as the `generate_…_name` macros decide.

use millstream_core::Diagnostic;
use millstream_jinja::{MacroCall, RenderContext};
use serde_json::{Map, Value, json};

use super::Loading;
use super::loading::NoResolver;
use crate::manifest::{Node, ResourceType};

/// What a node's relation is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RelationNames {
    pub database: Option<String>,
    pub schema: String,
    pub alias: String,
}

/// Asks the macros, or does as the built-in ones do where no others are.
pub(crate) fn names(loading: &Loading, node: &Node) -> RelationNames {
    let (package, config, place, name) = (&node.package_name, &node.config, &node.place, &node.name);
    let seen = std::cell::OnceCell::new();
    let call = |component: &str, custom: Option<&str>, default: Option<&str>| -> Option<String> {
        let macro_name = format!("generate_{component}_name");
        if !loading.own_name_macros.contains(component) {
            return built_in(loading, component, custom, node).or_else(|| default.map(str::to_owned));
        }
        // A package's own macro decides for its nodes; otherwise the root project's or the built-in one.
        let own = format!("macro.{package}.{macro_name}");
        let caller = if loading.macros.contains_key(&own) { package } else { &loading.root().name };
        let seen = seen.get_or_init(|| macro_node(node));
        let positional = [custom.map_or(Value::Null, Value::from), seen.clone()];
        let named = Map::new();
        let call = MacroCall { package: caller, name: &macro_name, positional: &positional, named: &named, place };
        let mut context = RenderContext::new(seen.clone(), NoResolver::shared());
        context.execute = false;
        match loading.environment.call_macro(&call, &context) {
            Ok(Value::String(text)) if !text.trim().is_empty() => Some(text.trim().to_owned()),
            Ok(Value::Number(number)) => Some(number.to_string()),
            Ok(_) => default.map(str::to_owned),
            Err(error) => {
                loading.report_error("jinja", &error, place.clone());
                default.map(str::to_owned)
            }
        }
    };
    let target = &loading.target;
    let database = match (&target.database, &config.database) {
        (None, None) => None,
        (default, custom) => call("database", custom.as_deref(), default.as_deref()),
    };
    let schema = call("schema", config.schema.as_deref(), Some(&target.schema)).unwrap_or_default();
    let alias = call("alias", config.alias.as_deref(), Some(name)).unwrap_or_default();
    for (what, value) in [("schema", &schema), ("alias", &alias)] {
        if value.contains(['/', '\\', '\0']) || value == "." || value == ".." {
            loading.report(
                Diagnostic::error("bad-name", format!("'{value}' cannot be the {what} of a relation"))
                    .at(place.clone())
                    .hint("use letters, digits and underscores"),
            );
        }
    }
    RelationNames { database, schema, alias }
}

/// What the built-in macros return (`macros/dbt/macros/naming.sql`), without rendering them for each node.
fn built_in(loading: &Loading, component: &str, custom: Option<&str>, node: &Node) -> Option<String> {
    let name = match (component, custom.map(str::trim)) {
        ("schema", None) => loading.target.schema.clone(),
        ("schema", Some(custom)) => format!("{}_{custom}", loading.target.schema),
        ("alias", Some(custom)) if !custom.is_empty() => custom.to_owned(),
        ("alias", _) => match node.version.as_deref() {
            Some(version) if !version.is_empty() => format!("{}_v{}", node.name, version.replace('.', "_")),
            _ => node.name.clone(),
        },
        (_, None) => loading.target.database.clone()?,
        (_, Some(custom)) => custom.to_owned(),
    };
    let name = name.trim();
    (!name.is_empty()).then(|| name.to_owned())
}

/// What the macros see of a node before its relation has a name.
fn macro_node(node: &Node) -> Value {
    json!({
        "name": node.name,
        "resource_type": node.resource_type.as_str(),
        "package_name": node.package_name,
        "path": node.path,
        "original_file_path": node.original_file_path,
        "unique_id": node.unique_id,
        "fqn": node.fqn,
        "alias": node.alias,
        "schema": node.schema,
        "database": node.database,
        "config": node.config.values,
        "tags": node.tags,
        "meta": node.meta,
        "version": node.version,
        "latest_version": node.latest_version,
        "description": node.description,
    })
}

/// What SQL calls the node's relation, if building it makes one.
pub(crate) fn relation_name(node: &Node) -> Option<String> {
    let has_one = match node.resource_type {
        ResourceType::Test => node.config.stores_failures_as().is_some(),
        _ => node.is_relational(),
    };
    has_one.then(|| node.naming.relation(node.database.as_deref(), &node.schema, &node.alias).to_string())
}
