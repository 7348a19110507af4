//! Levels of settings laid over each other, by dbt's rules: tags, hooks and packages add up; meta, column types,
//! docs, quoting and contract are merged key by key; grants with a `+` add up; everything else is replaced.

use indexmap::IndexMap;
use millstream_core::Place;
use serde_json::{Map, Value};

use crate::yaml::Yaml;

/// One setting and where it was made.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Setting {
    /// The value; for settings that add up, of all levels so far.
    pub value: Value,
    /// Where the level that spoke last stands.
    pub place: Place,
}

/// Settings by name. Hooks are called `pre-hook` and `post-hook`, however they were written.
pub(crate) type Settings = IndexMap<String, Setting>;

/// The name that a setting goes by.
pub(crate) fn canonical(name: &str) -> &str {
    match name {
        "pre_hook" => "pre-hook",
        "post_hook" => "post-hook",
        "data_tests" => "tests",
        other => other,
    }
}

/// Settings of a yml mapping.
pub(crate) fn from_yaml(mapping: &Yaml, file: &str) -> Settings {
    mapping
        .entries()
        .iter()
        .map(|entry| {
            let setting = Setting { value: entry.value.to_json(), place: entry.at.in_file(file) };
            (canonical(&entry.key).to_owned(), setting)
        })
        .collect()
}

/// Lays `over` on top of `settings`.
pub(crate) fn lay_over(settings: &mut Settings, over: &Settings) {
    for (name, setting) in over {
        let value = match settings.get(name) {
            Some(below) => merged(name, &below.value, &setting.value),
            None if adds_up(name) => Value::Array(listed(&setting.value)),
            None if name == "grants" => merged(name, &Value::Object(Map::new()), &setting.value),
            None => setting.value.clone(),
        };
        settings.insert(name.clone(), Setting { value, place: setting.place.clone() });
    }
}

fn adds_up(name: &str) -> bool {
    matches!(name, "tags" | "pre-hook" | "post-hook" | "packages")
}

fn merged(name: &str, below: &Value, above: &Value) -> Value {
    if adds_up(name) {
        return Value::Array(listed(below).into_iter().chain(listed(above)).collect());
    }
    let (Value::Object(below), Value::Object(above)) = (below, above) else { return above.clone() };
    match name {
        "meta" | "quoting" | "column_types" | "docs" | "contract" | "snapshot_meta_column_names" | "persist_docs" => {
            let mut all = below.clone();
            all.extend(above.clone());
            Value::Object(all)
        }
        "grants" => Value::Object(merged_grants(below, above)),
        _ => Value::Object(above.clone()),
    }
}

/// Grants: a privilege with `+` in front adds grantees, one without replaces them.
fn merged_grants(below: &Map<String, Value>, above: &Map<String, Value>) -> Map<String, Value> {
    let mut all: Map<String, Value> =
        below.iter().map(|(privilege, who)| (privilege.clone(), Value::Array(listed(who)))).collect();
    for (privilege, who) in above {
        let (name, adds) = privilege.strip_prefix('+').map_or((privilege.as_str(), false), |rest| (rest, true));
        let mut grantees = if adds { all.get(name).map(listed).unwrap_or_default() } else { Vec::new() };
        grantees.extend(listed(who));
        all.insert(name.to_owned(), Value::Array(grantees));
    }
    all
}

/// A value as a list: a scalar is a list of one, null an empty one.
pub(crate) fn listed(value: &Value) -> Vec<Value> {
    match value {
        Value::Null => Vec::new(),
        Value::Array(items) => items.clone(),
        other => vec![other.clone()],
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn settings(value: Value) -> Settings {
        let place = Place::file("a.yml");
        let object = value.as_object().cloned().unwrap_or_default();
        object.into_iter().map(|(name, value)| (name, Setting { value, place: place.clone() })).collect()
    }

    fn plain(settings: &Settings) -> Value {
        settings.iter().map(|(name, setting)| (name.clone(), setting.value.clone())).collect::<Map<_, _>>().into()
    }

    #[test]
    fn levels_merge_by_dbts_rules() {
        let mut all = Settings::new();
        let wide = json!({
            "tags": "a", "meta": {"x": 1, "y": {"deep": 1}}, "materialized": "view",
            "pre-hook": "one", "grants": {"select": "anna"}, "persist_docs": {"relation": true},
        });
        let narrow = json!({
            "tags": ["b"], "meta": {"y": 2}, "materialized": "table",
            "pre-hook": ["two"], "grants": {"+select": ["bob"], "insert": "carl"},
        });
        lay_over(&mut all, &settings(wide));
        lay_over(&mut all, &settings(narrow));
        assert_eq!(
            plain(&all),
            json!({
                "tags": ["a", "b"], "meta": {"x": 1, "y": 2}, "materialized": "table",
                "pre-hook": ["one", "two"], "grants": {"select": ["anna", "bob"], "insert": ["carl"]},
                "persist_docs": {"relation": true},
            })
        );
    }
}
