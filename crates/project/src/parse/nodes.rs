//! Drafts into nodes: configuration of all levels, Jinja, yml properties, relation names.

use std::sync::Arc;

use millstream_core::{Diagnostic, Place};
use millstream_jinja::{ParseContext, Parsed, Template};
use serde_json::{Map, Value, json};

use super::describe::{Described, describe};
use super::draft::Draft;
use super::properties::Entry;
use super::{Loading, columns, python_model, relation_names};
use crate::config::merge::{self, Setting, Settings};
use crate::config::render::is_jinja;
use crate::manifest::{Access, DependsOn, Docs, Naming, Node, NodeConfig, RefArgs, ResourceType};
use crate::yaml::{Kind, Yaml};

/// A node whose names are not resolved yet, with the places of its calls.
#[derive(Debug, Clone)]
pub(crate) struct Unresolved {
    /// The node; `depends_on.nodes` is empty.
    pub node: Node,
    /// Places of [`Node::refs`], one each.
    pub ref_places: Vec<Place>,
    /// Places of [`Node::sources`], one each.
    pub source_places: Vec<Place>,
}

const MODEL_KEYS: &[&str] = &[
    "name",
    "description",
    "docs",
    "latest_version",
    "deprecation_date",
    "access",
    "config",
    "constraints",
    "tests",
    "data_tests",
    "columns",
    "time_spine",
    "versions",
    "meta",
    "group",
    "contract",
    "tags",
    "relation",
    "arguments",
    "semantic_model",
    "metrics",
    "doc_blocks",
];

/// The settings of an element at all levels, merged: own package's tree, yml properties, `config()` calls, and for
/// packages the root project's tree on top.
pub(crate) fn settings(
    loading: &Loading,
    package: usize,
    section: &str,
    fqn: &[String],
    patch: &Settings,
    calls: &[Settings],
) -> Settings {
    let mut all = Settings::new();
    let own = &loading.packages[package];
    if let Some(tree) = own.file.trees.get(section) {
        for level in tree.levels(fqn) {
            merge::lay_over(&mut all, &level);
        }
    }
    merge::lay_over(&mut all, patch);
    for call in calls {
        merge::lay_over(&mut all, call);
    }
    if package != 0
        && let Some(tree) = loading.root().file.trees.get(section)
    {
        for level in tree.levels(fqn) {
            merge::lay_over(&mut all, &level);
        }
    }
    all
}

/// The same before rendering, as plain values where the last level wins: dbt's `unrendered_config`.
pub(crate) fn unrendered(
    loading: &Loading,
    package: usize,
    section: &str,
    fqn: &[String],
    patch: &Settings,
    calls: &[Settings],
) -> Map<String, Value> {
    let mut all = Map::new();
    let mut lay = |level: &Settings| {
        for (name, setting) in level {
            all.insert(name.clone(), setting.value.clone());
        }
    };
    let own = &loading.packages[package];
    if let Some(tree) = own.file.unrendered_trees.get(section) {
        tree.levels(fqn).iter().for_each(&mut lay);
    }
    lay(patch);
    calls.iter().for_each(lay);
    all
}

/// The same for an element that knows only its package's file.
pub(crate) fn unrendered_of(
    file: &crate::config::ProjectFile,
    section: &str,
    fqn: &[String],
    written: &Map<String, Value>,
) -> Map<String, Value> {
    let mut all = Map::new();
    for level in file.unrendered_trees.get(section).map(|tree| tree.levels(fqn)).unwrap_or_default() {
        all.extend(level.into_iter().map(|(name, setting)| (name, setting.value)));
    }
    all.extend(written.clone());
    all
}

/// Settings that a property entry makes: `config:`, and what dbt also accepts beside it.
pub(crate) fn patch_settings(loading: &Loading, entry: &Entry, yaml: &Yaml) -> Settings {
    let mut all = Settings::new();
    if let Some(config) = yaml.get("config") {
        if !matches!(config.kind, Kind::Map(_)) {
            loading.report(entry.wrong("config", config, "a mapping"));
        }
        all = merge::from_yaml(config, &entry.file);
    }
    for key in ["meta", "docs", "group", "contract", "access"] {
        let Some(found) = yaml.entry(key) else { continue };
        if let Some(other) = all.get(key) {
            loading.report(
                Diagnostic::error("duplicate", format!("'{key}' stands beside 'config:' and in it ({})", other.place))
                    .at(found.at.in_file(&entry.file))
                    .hint(format!("keep the one under 'config: {key}:'")),
            );
        }
        let setting = Setting { value: found.value.to_json(), place: found.at.in_file(&entry.file) };
        all.insert(key.to_owned(), setting);
    }
    all
}

/// Section of the configuration trees for a kind of node.
pub(crate) fn section_of(kind: ResourceType) -> &'static str {
    match kind {
        ResourceType::Seed => "seeds",
        ResourceType::Snapshot => "snapshots",
        ResourceType::Test => "data_tests",
        ResourceType::Source => "sources",
        ResourceType::Exposure => "exposures",
        ResourceType::UnitTest => "unit_tests",
        ResourceType::SemanticModel => "semantic_models",
        ResourceType::Metric => "metrics",
        ResourceType::SavedQuery => "saved_queries",
        ResourceType::Model | ResourceType::Analysis | ResourceType::Operation => "models",
    }
}

/// Makes a node of a draft and of what property files say of it.
pub(crate) fn finish(loading: &Loading, draft: &Draft, patch: Option<&Entry>) -> Unresolved {
    let package = &loading.packages[draft.package];
    let section = section_of(draft.kind);
    let patched = patch.map(|entry| patch_settings(loading, entry, &entry.yaml)).unwrap_or_default();
    let known = settings(loading, draft.package, section, &draft.fqn, &patched, &[]);
    let parsed = parse(loading, draft, &known);
    let calls = config_calls(draft, &parsed);
    let mut merged = settings(loading, draft.package, section, &draft.fqn, &patched, &calls);
    if draft.is_python() {
        let table = Setting { value: "table".into(), place: draft.place.clone() };
        merged.entry("materialized".to_owned()).or_insert(table);
    }
    let mut config = loading.collecting(|diagnostics| loading.configs.of(draft.kind, &merged, diagnostics));
    for tag in draft.tags.iter().rev() {
        Arc::make_mut(&mut config).tags.insert(0, tag.clone());
    }
    let raw = patch.map(patch_settings_raw).unwrap_or_default();
    let mut node = node(draft, &package.name, &package.prefix, config);
    node.unrendered_config = unrendered(loading, draft.package, section, &draft.fqn, &raw, &calls);
    if draft.kind == ResourceType::Operation {
        node.tags = draft.tags.clone();
    }
    if let Some(entry) = patch {
        describe_node(loading, entry, &mut node);
    }
    let (mut ref_places, mut source_places) = add_calls(&mut node, &parsed);
    for parsed in parse_hooks(loading, draft, &node) {
        let (refs, sources) = add_calls(&mut node, &parsed);
        ref_places.extend(refs);
        source_places.extend(sources);
    }
    name_relation(loading, &mut node);
    Unresolved { node, ref_places, source_places }
}

/// What the node's hooks read: it has to be there before the node runs.
fn parse_hooks(loading: &Loading, draft: &Draft, node: &Node) -> Vec<Parsed> {
    if matches!(node.resource_type, ResourceType::Operation | ResourceType::Analysis) {
        return Vec::new();
    }
    let mut hooks =
        node.config.pre_hook.iter().chain(&node.config.post_hook).filter(|hook| is_jinja(&hook.sql)).peekable();
    if hooks.peek().is_none() {
        return Vec::new();
    }
    let config = Value::Object(node.config.values.clone());
    hooks.map(|hook| parse_text(loading, draft, (&hook.sql, draft.line), &config)).collect()
}

/// The raw `config:` of an entry, for `unrendered_config`.
fn patch_settings_raw(entry: &Entry) -> Settings {
    let mut all = entry.raw.get("config").map(|config| merge::from_yaml(config, &entry.file)).unwrap_or_default();
    for key in ["meta", "docs", "group", "contract", "access"] {
        if let Some(found) = entry.raw.entry(key) {
            let setting = Setting { value: found.value.to_json(), place: found.at.in_file(&entry.file) };
            all.insert(key.to_owned(), setting);
        }
    }
    all
}

fn parse(loading: &Loading, draft: &Draft, known: &Settings) -> Parsed {
    if draft.is_python() {
        return python_model::parse(draft);
    }
    if !is_jinja(&draft.text) {
        return Parsed { text: draft.text.clone(), ..Parsed::default() };
    }
    let config = known.iter().map(|(name, setting)| (name.clone(), setting.value.clone()));
    parse_text(loading, draft, (&draft.text, draft.line), &Value::Object(config.collect()))
}

/// Renders a text of a node once, to find out what it reads. `text` comes with the line on which it starts.
fn parse_text(loading: &Loading, draft: &Draft, text: (&str, u32), config: &Value) -> Parsed {
    let package = &loading.packages[draft.package].name;
    let template = Template { package, path: &draft.file, text: text.0, line: text.1 };
    let context = ParseContext {
        node: json!({
            "name": draft.name,
            "alias": draft.name,
            "resource_type": draft.kind.as_str(),
            "package_name": package,
            "path": draft.path,
            "original_file_path": draft.original_file_path,
            "unique_id": draft.unique_id,
            "fqn": draft.fqn,
            "schema": loading.target.schema,
            "database": loading.target.database,
            "config": config,
            "version": draft.version.as_ref().map(|(version, _)| version),
        }),
        this: Some(loading.naming().relation(loading.target.database.as_deref(), &loading.target.schema, &draft.name)),
        extra: Map::new(),
    };
    match loading.environment.parse(&template, &context) {
        Ok(parsed) => parsed,
        Err(error) => {
            loading.report_error("jinja", &error, draft.place.clone());
            Parsed::default()
        }
    }
}

/// The `config()` calls as settings; each is placed where its name stands in the text.
fn config_calls(draft: &Draft, parsed: &Parsed) -> Vec<Settings> {
    let calls = parsed.configs.iter();
    calls
        .map(|call| {
            call.iter()
                .map(|(name, value)| {
                    let place = place_of_argument(draft, name);
                    (merge::canonical(name).to_owned(), Setting { value: value.clone(), place })
                })
                .collect()
        })
        .collect()
}

/// Where `name=` stands in a text; the first line of the element when it does not (settings from a macro).
fn place_of_argument(draft: &Draft, name: &str) -> Place {
    for (offset, _) in draft.text.match_indices(name) {
        let before = draft.text[..offset].chars().next_back();
        let after = draft.text[offset + name.len()..].trim_start_matches(['"', '\'']).trim_start();
        let is_whole = !before.is_some_and(|c| c.is_alphanumeric() || c == '_');
        if is_whole && (after.starts_with('=') && !after.starts_with("==") || after.starts_with(':')) {
            let text = &draft.text[..offset];
            let line = draft.line + u32::try_from(text.matches('\n').count()).unwrap_or(0);
            let column = 1 + text.rsplit('\n').next().unwrap_or("").chars().count();
            return Place::column(&draft.file, line, u32::try_from(column).unwrap_or(u32::MAX));
        }
    }
    Place::line(&draft.file, draft.line)
}

fn node(draft: &Draft, package_name: &str, package_dir: &str, config: Arc<NodeConfig>) -> Node {
    Node {
        unique_id: draft.unique_id.clone(),
        resource_type: draft.kind,
        name: draft.name.clone(),
        package_name: package_name.to_owned(),
        path: draft.path.clone(),
        original_file_path: draft.original_file_path.clone(),
        package_dir: package_dir.to_owned(),
        fqn: draft.fqn.clone(),
        alias: draft.name.clone(),
        schema: String::new(),
        database: None,
        relation_name: None,
        naming: Naming::default(),
        checksum: draft.checksum.clone(),
        unrendered_config: Map::new(),
        tags: config.tags.clone(),
        meta: config.meta.clone(),
        description: String::new(),
        columns: indexmap::IndexMap::new(),
        constraints: Vec::new(),
        group: config.group.clone(),
        access: match config.access.as_deref() {
            Some("private") => Access::Private,
            Some("public") => Access::Public,
            _ => Access::Protected,
        },
        version: draft.version.as_ref().map(|(version, _)| version.clone()),
        latest_version: draft.version.as_ref().map(|(_, latest)| latest.clone()),
        deprecation_date: None,
        time_spine: None,
        primary_key: Vec::new(),
        docs: config.docs.clone(),
        doc_blocks: Vec::new(),
        patch_path: None,
        raw_code: draft.text.clone(),
        raw_code_line: draft.line,
        refs: Vec::new(),
        sources: Vec::new(),
        depends_on: DependsOn::default(),
        column_name: None,
        file_key_name: None,
        attached_node: None,
        test_metadata: None,
        index: draft.index,
        place: draft.place.clone(),
        patch_place: None,
        config,
    }
}

/// Adds description, columns and constraints from a property entry.
fn describe_node(loading: &Loading, entry: &Entry, node: &mut Node) {
    entry.warn_unknown(loading, &entry.yaml, &format!("a {}", node.resource_type), MODEL_KEYS);
    let described = entry.yaml.get("description").map_or_else(Described::default, |text| {
        let place = text.at.in_file(&entry.file);
        let package = &loading.packages[entry.package].name;
        describe(loading, package, &text.scalar_text().unwrap_or_default(), &place)
    });
    node.description = described.text;
    node.doc_blocks = described.doc_blocks;
    node.columns = columns::read(loading, entry, &entry.yaml);
    node.constraints = columns::constraints(loading, entry, &entry.yaml);
    node.deprecation_date = entry.yaml.get("deprecation_date").and_then(Yaml::scalar_text);
    node.time_spine = time_spine(loading, entry, node);
    node.patch_path = Some(format!("{}://{}", loading.packages[entry.package].name, entry.path));
    node.patch_place = Some(entry.place());
    if node.docs == Docs::default() {
        node.docs = node.config.docs.clone();
    }
}

/// What `time_spine:` says of a model: the columns that it names must be described.
fn time_spine(loading: &Loading, entry: &Entry, node: &Node) -> Option<Value> {
    let spine = entry.yaml.get("time_spine")?;
    let wrong = |message: String, at: &Yaml, hint: String| {
        loading.report(Diagnostic::error("bad-time-spine", message).at(at.at.in_file(&entry.file)).hint(hint));
    };
    let Some(column) = spine.get("standard_granularity_column").and_then(Yaml::scalar_text) else {
        wrong("a time spine has no 'standard_granularity_column'".into(), spine, "name its date column".into());
        return None;
    };
    let mut named = vec![(column.clone(), spine)];
    let mut custom = Vec::new();
    for item in spine.get("custom_granularities").map(Yaml::items).unwrap_or_default() {
        let text = |key: &str| item.get(key).and_then(Yaml::scalar_text);
        let Some(name) = text("name") else {
            wrong("a custom granularity has no 'name'".into(), item, "add 'name: …'".into());
            continue;
        };
        named.push((text("column_name").unwrap_or_else(|| name.clone()), item));
        custom.push(json!({"name": name, "column_name": text("column_name")}));
    }
    for (name, at) in named {
        if !node.columns.contains_key(&name) {
            let known: Vec<&str> = node.columns.keys().map(String::as_str).collect();
            let message = format!("the time spine names column '{name}', which is not among the model's columns");
            wrong(message, at, format!("describe it under 'columns:'; described are: {}", known.join(", ")));
        } else if name == column && node.columns[&name].granularity.is_none() {
            let message = format!("column '{name}' of the time spine has no 'granularity'");
            wrong(message, at, "add 'granularity: day' to the column".into());
        }
    }
    Some(json!({"standard_granularity_column": column, "custom_granularities": custom}))
}

/// Adds what parsing found. Gives the places of refs and sources.
pub(crate) fn add_calls(node: &mut Node, parsed: &Parsed) -> (Vec<Place>, Vec<Place>) {
    let mut ref_places = Vec::new();
    for call in &parsed.refs {
        let args = RefArgs { name: call.name.clone(), package: call.package.clone(), version: call.version.clone() };
        if !node.refs.contains(&args) {
            node.refs.push(args);
            ref_places.push(Place::column(&call.file, call.line, call.column));
        }
    }
    let mut source_places = Vec::new();
    for call in &parsed.sources {
        let args = [call.source.clone(), call.table.clone()];
        if !node.sources.contains(&args) {
            node.sources.push(args);
            source_places.push(Place::column(&call.file, call.line, call.column));
        }
    }
    for unique_id in &parsed.macros {
        if !node.depends_on.macros.contains(unique_id) {
            node.depends_on.macros.push(unique_id.clone());
        }
    }
    (ref_places, source_places)
}

/// Sets database, schema, alias and relation name.
pub(crate) fn name_relation(loading: &Loading, node: &mut Node) {
    if node.resource_type == ResourceType::Operation || node.resource_type == ResourceType::Analysis {
        node.schema = loading.target.schema.clone();
        node.database = loading.target.database.clone();
        return;
    }
    node.naming = loading.naming();
    node.schema = loading.target.schema.clone();
    node.database = loading.target.database.clone();
    let named = relation_names::names(loading, node);
    node.database = named.database;
    node.schema = named.schema;
    node.alias = named.alias;
    if node.resource_type == ResourceType::Snapshot {
        if let Some(schema) = &node.config.target_schema {
            node.schema = schema.clone();
        }
        if let Some(database) = &node.config.target_database {
            node.database = Some(database.clone());
        }
    }
    node.relation_name = relation_names::relation_name(node);
}
