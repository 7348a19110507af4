//! Generic tests: entries of `data_tests:` under models, seeds, snapshots, sources and their columns.
//!
//! Names, aliases and unique ids follow dbt's rules to the character, so that artifacts can be compared.

mod arguments;
mod names;

use std::sync::Arc;

use millstream_core::{Diagnostic, Place};
use millstream_jinja::{ParseContext, Parsed, TestCall};
use serde_json::{Map, Value, json};

use super::nodes::{self, Unresolved};
use super::properties::Entry;
use super::{Loading, columns, draft};
use crate::config::merge::{self, Setting, Settings};
use crate::manifest::{Access, Checksum, DependsOn, Docs, Naming, Node, NodeConfig, ResourceType, TestMetadata};
use crate::names::did_you_mean;
use crate::yaml::{Kind, Yaml};
use arguments::Arguments;

/// Settings that dbt also accepts beside `config:` in a test, in dbt's order.
const CONFIG_KEYS: &[&str] = &[
    "severity",
    "tags",
    "enabled",
    "where",
    "limit",
    "warn_if",
    "error_if",
    "fail_calc",
    "store_failures",
    "store_failures_as",
    "meta",
    "database",
    "schema",
    "alias",
];

/// What a test is declared on.
#[derive(Debug, Clone)]
pub(crate) struct Target<'a> {
    /// The property entry that declares it.
    pub entry: &'a Entry,
    /// The mapping that holds `data_tests:` and `columns:`.
    pub owner: &'a Yaml,
    /// Name in the test's name: the model, or `source_table`.
    pub name: String,
    /// The call that gives its relation: `ref('x')`, `source('a', 'b')`.
    pub call: String,
    /// Whether it is a source table.
    pub is_source: bool,
    /// `models.fct_users`, `sources.raw`.
    pub file_key_name: String,
    /// The node, for models, seeds and snapshots.
    pub attached_node: Option<String>,
    /// Group that the tests inherit.
    pub group: Option<String>,
    /// Tags that the tests inherit.
    pub tags: Vec<String>,
}

/// All tests of a target: those of its columns, then its own.
pub(crate) fn read(loading: &Loading, target: &Target<'_>) -> Vec<Unresolved> {
    let mut tests = Vec::new();
    for column in target.owner.get("columns").map(Yaml::items).unwrap_or_default() {
        let Some(name) = column.get("name").and_then(Yaml::scalar_text) else { continue };
        let quoted = matches!(column.get("quote").map(|quote| &quote.kind), Some(Kind::Bool(true)));
        let name = if quoted { format!("\"{}\"", name.replace('"', "\"\"")) } else { name };
        let tags = columns::tags(target.entry, column, loading);
        for test in declared(loading, target.entry, column) {
            tests.extend(read_one(loading, target, Some((&name, &tags)), test));
        }
    }
    for test in declared(loading, target.entry, target.owner) {
        tests.extend(read_one(loading, target, None, test));
    }
    tests
}

/// Entries of `data_tests:` or, as it was called before, `tests:`.
fn declared<'y>(loading: &Loading, entry: &Entry, owner: &'y Yaml) -> &'y [Yaml] {
    let list = match (owner.get("data_tests"), owner.entry("tests")) {
        (Some(_), Some(both)) => {
            loading.report(
                Diagnostic::error("duplicate", "both 'tests' and 'data_tests' are given")
                    .at(both.at.in_file(&entry.file))
                    .hint("move all of them under 'data_tests'"),
            );
            return &[];
        }
        (Some(list), None) => list,
        (None, Some(older)) => &older.value,
        (None, None) => return &[],
    };
    if !matches!(list.kind, Kind::List(_) | Kind::Null) {
        loading.report(entry.wrong("data_tests", list, "a list").hint("start each test with '- '"));
    }
    list.items()
}

/// One test as a node. `column` is the column's name and tags.
fn read_one(
    loading: &Loading,
    target: &Target<'_>,
    column: Option<(&str, &[String])>,
    test: &Yaml,
) -> Option<Unresolved> {
    let entry = target.entry;
    let package = &loading.packages[entry.package].name;
    let mut arguments = Arguments::read(loading, entry, column.map(|(name, _)| name), test)?;
    let Some(found) = loading.environment.find_test(package, &arguments.call) else {
        let known: Vec<&str> = loading.macros.values().filter_map(|info| info.name.strip_prefix("test_")).collect();
        loading.report(
            Diagnostic::error("unknown-test", format!("there is no generic test '{}'", arguments.call))
                .at(arguments.place.clone())
                .hint(did_you_mean(&arguments.test, known, "define it with {% test … %} under tests/generic/")),
        );
        return None;
    };
    let names = names::of(target, &arguments);
    if names.alias != names.full && !arguments.config.contains_key("alias") {
        let alias = Setting { value: names.alias.clone().into(), place: arguments.place.clone() };
        arguments.config.insert("alias".into(), alias);
    }
    arguments.kwargs.insert("model".into(), format!("{{{{ get_where_subquery({}) }}}}", target.call).into());

    let fqn = fqn(loading, entry, &names.full);
    let parsed = parse(loading, target, &arguments, &names.full, &known_config(loading, entry, &fqn, &arguments))?;
    // The test's macro may call config(); what the entry says wins over it.
    let mut calls = macro_config(&parsed, &arguments.place);
    calls.push(arguments.config.clone());
    let settings = nodes::settings(loading, entry.package, "data_tests", &fqn, &Settings::new(), &calls);
    let config = loading.collecting(|diagnostics| loading.configs.of(ResourceType::Test, &settings, diagnostics));

    let mut tags: Vec<String> = target.tags.clone();
    tags.extend(column.map(|(_, tags)| tags.to_vec()).unwrap_or_default());
    tags.extend(config.tags.iter().cloned());
    tags.sort();
    tags.dedup();
    let mut node = node(loading, target, arguments, &names, config);
    node.unrendered_config = nodes::unrendered(loading, entry.package, "data_tests", &fqn, &Settings::new(), &calls);
    node.fqn = fqn;
    node.tags = tags;
    node.column_name = column.map(|(name, _)| name.to_owned());
    node.depends_on.macros.push(found.unique_id.clone());
    let (refs, sources) = nodes::add_calls(&mut node, &parsed);
    nodes::name_relation(loading, &mut node);
    // The calls stand in arguments, which have no lines of their own: the test's place is the nearest.
    let places = |count: usize| vec![node.place.clone(); count];
    Some(Unresolved { ref_places: places(refs.len()), source_places: places(sources.len()), node })
}

/// Package, folders below the searched one, name.
fn fqn(loading: &Loading, entry: &Entry, name: &str) -> Vec<String> {
    let (_, below_root) = entry.path.split_once('/').unwrap_or(("", &entry.path));
    let mut fqn = draft::fqn_prefix(&loading.packages[entry.package], below_root);
    fqn.push(name.to_owned());
    fqn
}

/// The configuration as far as it is known before the test's macro was rendered.
fn known_config(loading: &Loading, entry: &Entry, fqn: &[String], arguments: &Arguments) -> Value {
    let calls = [arguments.config.clone()];
    let settings = nodes::settings(loading, entry.package, "data_tests", fqn, &Settings::new(), &calls);
    settings.into_iter().map(|(name, setting)| (name, setting.value)).collect::<Map<_, _>>().into()
}

/// The `config()` calls of the test's macro.
fn macro_config(parsed: &Parsed, place: &Place) -> Vec<Settings> {
    let setting = |value: &Value| Setting { value: value.clone(), place: place.clone() };
    let calls = parsed.configs.iter();
    calls
        .map(|call| call.iter().map(|(name, value)| (merge::canonical(name).to_owned(), setting(value))).collect())
        .collect()
}

/// Renders the test once, to find out what it reads and how its macro configures it.
fn parse(loading: &Loading, target: &Target<'_>, arguments: &Arguments, name: &str, config: &Value) -> Option<Parsed> {
    let package = &loading.packages[target.entry.package].name;
    let test = TestCall { package, name: &arguments.call, arguments: &arguments.kwargs, place: &arguments.place };
    let context = ParseContext {
        node: json!({
            "name": name,
            "alias": name,
            "resource_type": "test",
            "package_name": package,
            "config": config,
            "column_name": arguments.kwargs.get("column_name"),
            "original_file_path": target.entry.path,
        }),
        this: None,
        extra: Map::new(),
    };
    match loading.environment.parse_test(&test, &context) {
        Ok(parsed) => Some(parsed),
        Err(error) => {
            loading.report_error("bad-test", &error, arguments.place.clone());
            None
        }
    }
}

/// The node without what it reads.
fn node(
    loading: &Loading,
    target: &Target<'_>,
    arguments: Arguments,
    names: &names::TestNames,
    config: Arc<NodeConfig>,
) -> Node {
    let package = &loading.packages[target.entry.package];
    let raw_code = names::raw_code(&arguments);
    let metadata = TestMetadata { name: arguments.test, namespace: arguments.namespace, kwargs: arguments.kwargs };
    Node {
        unique_id: format!("test.{}.{}.{}", package.name, names.full, names::hash(&names.full, &metadata)),
        resource_type: ResourceType::Test,
        path: format!("{}.sql", names.alias),
        name: names.full.clone(),
        package_name: package.name.clone(),
        original_file_path: target.entry.path.clone(),
        package_dir: package.prefix.clone(),
        fqn: Vec::new(),
        alias: names.full.clone(),
        schema: String::new(),
        database: None,
        relation_name: None,
        naming: Naming::default(),
        checksum: Checksum { name: "none".into(), checksum: String::new() },
        unrendered_config: Map::new(),
        tags: Vec::new(),
        meta: config.meta.clone(),
        description: arguments.description,
        columns: indexmap::IndexMap::new(),
        constraints: Vec::new(),
        group: target.group.clone(),
        access: Access::default(),
        version: None,
        latest_version: None,
        deprecation_date: None,
        time_spine: None,
        primary_key: Vec::new(),
        docs: Docs::default(),
        doc_blocks: Vec::new(),
        patch_path: None,
        raw_code,
        raw_code_line: arguments.place.line.unwrap_or(1),
        refs: Vec::new(),
        sources: Vec::new(),
        depends_on: DependsOn::default(),
        column_name: None,
        file_key_name: Some(target.file_key_name.clone()),
        attached_node: target.attached_node.clone(),
        test_metadata: Some(metadata),
        index: None,
        place: arguments.place,
        patch_place: None,
        config,
    }
}
