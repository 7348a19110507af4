//! `saved_queries:`: metrics with dimensions and filters, and the tables that they are exported to.

use serde_json::{Value, json};

use super::shapes::{filter, text};
use super::{Common, Input, UnresolvedSemantic, extend};
use crate::manifest::ResourceType;
use crate::parse::properties::Entry;
use crate::parse::{Loading, columns};
use crate::yaml::{Kind, Yaml};

const KEYS: &[&str] = &["name", "description", "label", "query_params", "exports", "config", "tags", "meta"];

/// One `saved_queries:` entry.
pub(super) fn read(loading: &Loading, entry: &Entry) -> Option<UnresolvedSemantic> {
    entry.warn_unknown(loading, &entry.yaml, "a saved query", KEYS);
    let common = Common::new(loading, entry, ResourceType::SavedQuery);
    let yaml = &entry.yaml;
    let Some(params) = yaml.get("query_params") else {
        common.report(
            format!("saved query '{}' has no 'query_params'", entry.name),
            yaml,
            "add 'query_params: {metrics: […]}'",
        );
        return None;
    };
    let list = |key: &str| -> Vec<String> {
        params.get(key).map(|value| columns::texts(entry, key, value, loading)).unwrap_or_default()
    };
    let mut inputs = Vec::new();
    for at in params.get("metrics").map(Yaml::items).unwrap_or_default() {
        if let Some(name) = at.scalar_text() {
            inputs.push((Input::Metric(name), at.at.in_file(&entry.file)));
        }
    }
    let exports: Vec<Value> =
        yaml.get("exports").map(Yaml::items).unwrap_or_default().iter().map(|item| export(&common, item)).collect();
    let cached = yaml.get("config").and_then(|config| config.get("cache")).and_then(|cache| cache.get("enabled"));
    let tags = {
        let mut tags = common.config.tags.clone();
        tags.extend(columns::tags(entry, yaml, loading).into_iter().filter(|tag| !common.config.tags.contains(tag)));
        tags
    };
    let config = yaml.get("config");
    let setting = |key: &str| config.map_or(Value::Null, |config| text(config, key));
    let mut details = common.details();
    extend(
        &mut details,
        json!({
            "query_params": {
                "metrics": list("metrics"),
                "group_by": list("group_by"),
                "where": filter(params.get("where")),
                "order_by": list("order_by"),
                "limit": params.get("limit").map_or(Value::Null, Yaml::to_json),
            },
            "exports": exports,
            "description": common.description(),
            "label": common.text("label"),
            "metadata": null,
            "config": {
                "enabled": common.config.enabled,
                "group": common.config.group,
                "meta": common.config.meta,
                "export_as": setting("export_as"),
                "schema": setting("schema"),
                "cache": {"enabled": matches!(cached.map(|value| &value.kind), Some(Kind::Bool(true)))},
            },
            "unrendered_config": common.written,
            "group": common.config.group,
            "depends_on": null,
            "created_at": null,
            "refs": [],
            "tags": tags,
        }),
    );
    let mut element = common.element(details, Vec::new());
    element.tags = tags;
    Some(UnresolvedSemantic { element, inputs })
}

fn export(common: &Common<'_>, item: &Yaml) -> Value {
    let name = common.required(item, "an export", "name");
    let config = item.get("config");
    let setting = |key: &str| config.and_then(|config| config.get(key)).and_then(Yaml::scalar_text);
    let target = &common.loading.target;
    json!({
        "name": name,
        "config": {
            "export_as": setting("export_as"),
            "schema_name": setting("schema").unwrap_or_else(|| target.schema.clone()),
            "alias": setting("alias").unwrap_or_else(|| name.clone()),
            "database": target.database,
        },
        "unrendered_config": config.map_or_else(|| json!({}), Yaml::to_json),
    })
}
