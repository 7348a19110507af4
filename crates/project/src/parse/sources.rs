//! Sources.

use millstream_core::Diagnostic;
use serde_json::{Map, Value};

use super::describe::describe;
use super::nodes::Unresolved;
use super::properties::Entry;
use super::{Loading, columns, draft, generic_tests, nodes};
use crate::config::merge::{self, Settings};
use crate::config::typed;
use crate::manifest::{Freshness, FreshnessThreshold, ResourceType, SourceNode};
use crate::yaml::{Kind, Yaml};

const SOURCE_KEYS: &[&str] = &[
    "name",
    "description",
    "source_description",
    "database",
    "schema",
    "loader",
    "loaded_at_field",
    "loaded_at_query",
    "freshness",
    "meta",
    "tags",
    "quoting",
    "config",
    "tables",
    "overrides",
    "catalog",
];

const TABLE_KEYS: &[&str] = &[
    "name",
    "description",
    "identifier",
    "loader",
    "loaded_at_field",
    "loaded_at_query",
    "freshness",
    "meta",
    "tags",
    "quoting",
    "config",
    "external",
    "columns",
    "tests",
    "data_tests",
];

/// The tables of one `sources:` entry, and their tests.
pub(crate) fn read(loading: &Loading, entry: &Entry) -> (Vec<SourceNode>, Vec<Unresolved>) {
    let source = &entry.yaml;
    entry.warn_unknown(loading, source, "a source", SOURCE_KEYS);
    let (mut tables, mut tests) = (Vec::new(), Vec::new());
    let list = source.get("tables");
    if let Some(list) = list.filter(|list| !matches!(list.kind, Kind::List(_))) {
        loading.report(entry.wrong("tables", list, "a list").hint("start each table with '- name:'"));
    }
    for table in list.map(Yaml::items).unwrap_or_default() {
        let Some(name) = table.get("name").and_then(Yaml::scalar_text) else {
            loading.report(
                Diagnostic::error("missing-name", format!("a table of source '{}' has no 'name'", entry.name))
                    .at(table.at.in_file(&entry.file)),
            );
            continue;
        };
        entry.warn_unknown(loading, table, "a source table", TABLE_KEYS);
        let node = read_table(loading, entry, table, name);
        tests.extend(read_tests(loading, entry, table, &node));
        tables.push(node);
    }
    (tables, tests)
}

fn read_tests(loading: &Loading, entry: &Entry, table: &Yaml, node: &SourceNode) -> Vec<Unresolved> {
    // Tests are declared in the entry as it was written; their arguments are rendered later.
    let target = generic_tests::Target {
        entry,
        owner: table,
        name: format!("{}_{}", node.source_name, node.name),
        call: format!("source('{}', '{}')", node.source_name, node.name),
        is_source: true,
        file_key_name: format!("sources.{}", node.source_name),
        attached_node: None,
        group: None,
        tags: columns::tags(entry, &entry.yaml, loading)
            .into_iter()
            .chain(columns::tags(entry, table, loading))
            .collect(),
    };
    generic_tests::read(loading, &target)
}

fn read_table(loading: &Loading, entry: &Entry, table: &Yaml, name: String) -> SourceNode {
    let source = &entry.yaml;
    let package = &loading.packages[entry.package];
    let mut fqn = draft::fqn_prefix(package, &entry.relative);
    fqn.extend([entry.name.clone(), name.clone()]);

    let levels = settings(loading, entry, table, &fqn);
    let config = loading.collecting(|diagnostics| typed::node_config(ResourceType::Source, &levels, diagnostics));
    let schema = text(source, "schema").unwrap_or_else(|| entry.name.clone());
    let identifier = text(table, "identifier").unwrap_or_else(|| name.clone());
    let database = text(source, "database").or_else(|| loading.target.database.clone());
    let described = |owner: &Yaml| {
        owner.get("description").map(|text| {
            let place = text.at.in_file(&entry.file);
            describe(loading, &package.name, &text.scalar_text().unwrap_or_default(), &place)
        })
    };
    let table_description = described(table).unwrap_or_default();
    let source_description = described(source).unwrap_or_default();
    let mut meta = columns::meta(entry, source, loading);
    let source_meta = meta.clone();
    meta.extend(columns::meta(entry, table, loading));
    let mut all_meta = config.meta.clone();
    all_meta.extend(meta);
    let setting = |key: &str| -> Option<Yaml> { nearest(source, table, key).cloned() };
    let mut extra = config.extra.clone();
    extra.remove("loaded_at_field");
    let quoting = quoting(source, table);
    let naming = loading.naming().with(&quoting);
    SourceNode {
        unique_id: format!("source.{}.{}.{name}", package.name, entry.name),
        source_name: entry.name.clone(),
        package_name: package.name.clone(),
        relation_name: naming.relation(database.as_deref(), &schema, &identifier).to_string(),
        naming,
        database,
        schema,
        identifier,
        original_file_path: entry.path.clone(),
        path: entry.path.clone(),
        fqn,
        doc_blocks: table_description.doc_blocks,
        description: table_description.text,
        source_description: source_description.text,
        loader: text(table, "loader").or_else(|| text(source, "loader")).unwrap_or_default(),
        meta: all_meta.clone(),
        source_meta,
        tags: config.tags.clone(),
        columns: columns::read(loading, entry, table),
        enabled: config.enabled,
        freshness: freshness(loading, entry, source, table),
        loaded_at_field: setting("loaded_at_field").and_then(|value| value.scalar_text()),
        loaded_at_query: setting("loaded_at_query").and_then(|value| value.scalar_text()),
        event_time: config.event_time.clone(),
        quoting,
        external: table.get("external").map(Yaml::to_json),
        unrendered_config: unrendered(&levels, &all_meta, &config.tags),
        config_extra: extra,
        place: table.get("name").unwrap_or(table).at.in_file(&entry.file),
        name,
    }
}

/// Settings of source and table; tags and meta that stand beside `config:` count as well.
fn settings(loading: &Loading, entry: &Entry, table: &Yaml, fqn: &[String]) -> Settings {
    let mut patch = Settings::new();
    for owner in [&entry.yaml, table] {
        let mut level = owner.get("config").map(|config| merge::from_yaml(config, &entry.file)).unwrap_or_default();
        for key in ["tags", "meta"] {
            // Read apart, because both spellings of both levels add up.
            level.shift_remove(key);
        }
        if let Some(tags) = owner.get("tags").or_else(|| owner.get("config").and_then(|config| config.get("tags"))) {
            let value: Vec<Value> = columns::tags(entry, owner, loading).into_iter().map(Value::from).collect();
            level.insert(
                "tags".into(),
                merge::Setting { value: Value::Array(value), place: tags.at.in_file(&entry.file) },
            );
        }
        merge::lay_over(&mut patch, &level);
    }
    nodes::settings(loading, entry.package, "sources", fqn, &patch, &[])
}

/// The settings as dbt writes them: with meta and tags of all spellings.
fn unrendered(levels: &Settings, meta: &Map<String, Value>, tags: &[String]) -> Map<String, Value> {
    let mut all: Map<String, Value> =
        levels.iter().map(|(name, setting)| (name.clone(), setting.value.clone())).collect();
    all.insert("meta".into(), Value::Object(meta.clone()));
    all.insert("tags".into(), tags.iter().cloned().map(Value::from).collect());
    all
}

fn text(owner: &Yaml, key: &str) -> Option<String> {
    owner.get(key).and_then(Yaml::scalar_text)
}

/// The narrowest of the four places that may hold a setting: table, table config, source, source config.
fn nearest<'y>(source: &'y Yaml, table: &'y Yaml, key: &str) -> Option<&'y Yaml> {
    let config = |owner: &'y Yaml| owner.get("config").and_then(|config| config.entry(key));
    let entries = [config(table), table.entry(key), config(source), source.entry(key)];
    // An explicit null at a narrower level takes the setting away.
    entries.into_iter().flatten().next().map(|entry| &entry.value).filter(|value| !value.is_null())
}

fn freshness(loading: &Loading, entry: &Entry, source: &Yaml, table: &Yaml) -> Option<Freshness> {
    let value = nearest(source, table, "freshness")?;
    // A table's freshness refines the source's: what it does not say is inherited.
    let wider = source.get("freshness").or_else(|| source.get("config").and_then(|config| config.get("freshness")));
    let part = |key: &str| -> Option<&Yaml> {
        match value.entry(key) {
            Some(found) => Some(&found.value).filter(|value| !value.is_null()),
            None => wider.and_then(|wider| wider.get(key)),
        }
    };
    let threshold = |key: &str| -> Option<FreshnessThreshold> {
        let found = part(key)?;
        let count = match found.get("count").map(|count| &count.kind) {
            Some(Kind::Int(count)) => u64::try_from(*count).ok(),
            Some(Kind::Text(text)) => text.parse().ok(),
            _ => None,
        };
        let period = found.get("period").and_then(Yaml::scalar_text);
        match (count, period) {
            (Some(count), Some(period)) if matches!(period.as_str(), "minute" | "hour" | "day") => {
                Some(FreshnessThreshold { count, period })
            }
            _ => {
                loading.report(
                    Diagnostic::error("bad-freshness", format!("'{key}' needs a count and a period"))
                        .at(found.at.in_file(&entry.file))
                        .hint("write {count: 12, period: hour}; periods are minute, hour and day"),
                );
                None
            }
        }
    };
    let freshness = Freshness {
        warn_after: threshold("warn_after"),
        error_after: threshold("error_after"),
        filter: part("filter").and_then(Yaml::scalar_text),
    };
    (freshness.warn_after.is_some() || freshness.error_after.is_some()).then_some(freshness)
}

fn quoting(source: &Yaml, table: &Yaml) -> Map<String, Value> {
    let mut all = source.get("quoting").map(Yaml::to_json_map).unwrap_or_default();
    all.extend(table.get("quoting").map(Yaml::to_json_map).unwrap_or_default());
    all
}
