//! Columns and constraints of property files.

use indexmap::IndexMap;
use millstream_core::Diagnostic;
use serde_json::{Map, Value};

use super::Loading;
use super::describe::describe;
use super::properties::Entry;
use crate::manifest::{Column, Constraint};
use crate::yaml::{Kind, Yaml};

const COLUMN_KEYS: &[&str] = &[
    "name",
    "description",
    "data_type",
    "meta",
    "tags",
    "tests",
    "data_tests",
    "constraints",
    "quote",
    "config",
    "granularity",
    "policy_tags",
    "dimension",
    "entity",
    "doc_blocks",
    "codec",
    "ttl",
];

const CONSTRAINTS: &[&str] = &["not_null", "unique", "primary_key", "foreign_key", "check", "custom"];

/// `meta:` and `config: meta:` of an entry, the latter wins.
pub(crate) fn meta(entry: &Entry, yaml: &Yaml, loading: &Loading) -> Map<String, Value> {
    let mut all = Map::new();
    for value in [yaml.get("meta"), yaml.get("config").and_then(|config| config.get("meta"))].into_iter().flatten() {
        if !matches!(value.kind, Kind::Map(_)) {
            loading.report(entry.wrong("meta", value, "a mapping"));
        }
        all.extend(value.to_json_map());
    }
    all
}

/// `tags:` and `config: tags:` of an entry, each once.
pub(crate) fn tags(entry: &Entry, yaml: &Yaml, loading: &Loading) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for value in [yaml.get("tags"), yaml.get("config").and_then(|config| config.get("tags"))].into_iter().flatten() {
        for tag in texts(entry, "tags", value, loading) {
            if !all.contains(&tag) {
                all.push(tag);
            }
        }
    }
    all
}

/// Text or a list of texts.
pub(crate) fn texts(entry: &Entry, key: &str, value: &Yaml, loading: &Loading) -> Vec<String> {
    let items = match &value.kind {
        Kind::List(items) => items.as_slice(),
        _ => std::slice::from_ref(value),
    };
    let mut all = Vec::new();
    for item in items {
        match item.scalar_text() {
            Some(text) => all.push(text),
            None => loading.report(entry.wrong(key, item, "text or a list of texts")),
        }
    }
    all
}

/// The columns of an entry (`columns:` of a model, source table, …), in order.
pub(crate) fn read(loading: &Loading, entry: &Entry, owner: &Yaml) -> IndexMap<String, Column> {
    let mut columns = IndexMap::new();
    let Some(list) = owner.get("columns") else { return columns };
    if !matches!(list.kind, Kind::List(_)) {
        loading.report(entry.wrong("columns", list, "a list").hint("start each column with '- name:'"));
    }
    for yaml in list.items() {
        if yaml.get("include").is_some() || yaml.get("exclude").is_some() {
            continue;
        }
        let Some(name) = yaml.get("name").and_then(Yaml::scalar_text) else {
            loading
                .report(Diagnostic::error("missing-name", "a column has no 'name'").at(yaml.at.in_file(&entry.file)));
            continue;
        };
        let column = read_one(loading, entry, yaml, name);
        if let Some(other) = columns.get(&column.name) {
            let other: &Column = other;
            loading.report(
                Diagnostic::warning(
                    "duplicate",
                    format!("column '{}' is described twice; the first is at {}", column.name, other.place),
                )
                .at(column.place.clone())
                .hint("remove one of them: only the last one counts"),
            );
        }
        columns.insert(column.name.clone(), column);
    }
    columns
}

fn read_one(loading: &Loading, entry: &Entry, yaml: &Yaml, name: String) -> Column {
    entry.warn_unknown(loading, yaml, "a column", COLUMN_KEYS);
    let package = &loading.packages[entry.package].name;
    let described = match yaml.get("description") {
        Some(text) => {
            describe(loading, package, &text.scalar_text().unwrap_or_default(), &text.at.in_file(&entry.file))
        }
        None => super::describe::Described::default(),
    };
    let tests = yaml.get("data_tests").or_else(|| yaml.get("tests")).map(Yaml::items).unwrap_or_default();
    Column {
        description: described.text,
        doc_blocks: described.doc_blocks,
        data_type: yaml.get("data_type").and_then(Yaml::scalar_text),
        meta: meta(entry, yaml, loading),
        tags: tags(entry, yaml, loading),
        constraints: constraints(loading, entry, yaml),
        quote: match yaml.get("quote").map(|value| &value.kind) {
            Some(Kind::Bool(quote)) => Some(*quote),
            _ => None,
        },
        granularity: yaml.get("granularity").and_then(Yaml::scalar_text),
        tests: tests.iter().filter_map(test_name).collect(),
        place: yaml.get("name").unwrap_or(yaml).at.in_file(&entry.file),
        name,
    }
}

/// The name of a generic test in an entry of `data_tests:`.
pub(crate) fn test_name(test: &Yaml) -> Option<String> {
    match &test.kind {
        Kind::Text(name) => Some(name.clone()),
        Kind::Map(entries) => match test.get("test_name") {
            Some(name) => name.scalar_text(),
            None => entries.first().map(|entry| entry.key.clone()),
        },
        _ => None,
    }
}

/// The constraints of a model or column.
pub(crate) fn constraints(loading: &Loading, entry: &Entry, owner: &Yaml) -> Vec<Constraint> {
    let mut all = Vec::new();
    for yaml in owner.get("constraints").map(Yaml::items).unwrap_or_default() {
        let text = |key: &str| yaml.get(key).and_then(Yaml::scalar_text);
        let list = |key: &str| yaml.get(key).map(|value| texts(entry, key, value, loading)).unwrap_or_default();
        let flag = |key: &str| !matches!(yaml.get(key).map(|value| &value.kind), Some(Kind::Bool(false)));
        let Some(kind) = text("type").filter(|kind| CONSTRAINTS.contains(&kind.as_str())) else {
            loading.report(
                Diagnostic::error("bad-constraint", "a constraint needs a 'type'")
                    .at(yaml.at.in_file(&entry.file))
                    .hint(format!("use one of: {}", CONSTRAINTS.join(", "))),
            );
            continue;
        };
        all.push(Constraint {
            kind,
            name: text("name"),
            expression: text("expression"),
            columns: list("columns"),
            to: text("to"),
            to_columns: list("to_columns"),
            warn_unenforced: flag("warn_unenforced"),
            warn_unsupported: flag("warn_unsupported"),
        });
    }
    all
}
