//! Sources, exposures, groups, macros, docs and unit tests as dbt writes them.

use serde_json::{Map, Value, json};

use super::nodes::extend;
use super::parts::{ColumnsText, reference, version};
use super::secrets::hide;
use crate::manifest::{
    Doc, Exposure, Freshness, FreshnessThreshold, Group, Macro, Owner, SourceNode, UnitTest, UnitTestRows,
};

pub(super) fn source(source: &SourceNode) -> Value {
    let quoting = |key: &str| source.quoting.get(key).cloned().unwrap_or(Value::Null);
    let freshness = source.freshness.as_ref().map_or(Value::Null, freshness);
    let mut config = Map::new();
    extend(
        &mut config,
        json!({
            "enabled": source.enabled,
            "event_time": source.event_time,
            "freshness": freshness,
            "loaded_at_field": source.loaded_at_field,
            "loaded_at_query": source.loaded_at_query,
            "meta": source.meta,
            "tags": source.tags,
            "static_analysis": null,
        }),
    );
    config.extend(source.config_extra.clone());
    let mut shown = json!({
        "database": source.database,
        "schema": source.schema,
        "name": source.name,
        "resource_type": "source",
        "package_name": source.package_name,
        "path": source.path,
        "original_file_path": source.original_file_path,
        "unique_id": source.unique_id,
        "fqn": source.fqn,
        "source_name": source.source_name,
        "source_description": source.source_description,
        "loader": source.loader,
        "identifier": source.identifier,
        "quoting": {
            "database": quoting("database"),
            "schema": quoting("schema"),
            "identifier": quoting("identifier"),
            "column": quoting("column"),
        },
        "loaded_at_field": source.loaded_at_field,
        "loaded_at_query": source.loaded_at_query,
        "freshness": freshness,
        "external": source.external,
        "description": source.description,
        "columns": ColumnsText(&source.columns),
        "meta": source.meta,
        "source_meta": source.source_meta,
        "tags": source.tags,
        "config": config,
        "patch_path": null,
        "unrendered_config": source.unrendered_config,
        "relation_name": source.relation_name,
        "created_at": 0.0,
        "unrendered_database": null,
        "unrendered_schema": source.schema,
        "doc_blocks": source.doc_blocks,
    });
    hide(&mut shown);
    shown
}

fn freshness(freshness: &Freshness) -> Value {
    let threshold = |found: &Option<FreshnessThreshold>| match found {
        Some(threshold) => json!({"count": threshold.count, "period": threshold.period}),
        None => json!({"count": null, "period": null}),
    };
    json!({
        "warn_after": threshold(&freshness.warn_after),
        "error_after": threshold(&freshness.error_after),
        "filter": freshness.filter,
    })
}

fn owner(owner: &Owner) -> Value {
    let mut object = Map::new();
    extend(&mut object, json!({"email": owner.email, "name": owner.name}));
    object.extend(owner.extra.clone());
    Value::Object(object)
}

pub(super) fn exposure(exposure: &Exposure) -> Value {
    json!({
        "name": exposure.name,
        "resource_type": "exposure",
        "package_name": exposure.package_name,
        "path": exposure.path,
        "original_file_path": exposure.original_file_path,
        "unique_id": exposure.unique_id,
        "fqn": exposure.fqn,
        "type": exposure.kind,
        "owner": owner(&exposure.owner),
        "description": exposure.description,
        "label": exposure.label,
        "maturity": exposure.maturity,
        "meta": exposure.meta,
        "tags": exposure.tags,
        "config": {"enabled": exposure.enabled, "tags": exposure.tags, "meta": exposure.meta},
        "unrendered_config": exposure.unrendered_config,
        "url": exposure.url,
        "depends_on": {"macros": exposure.depends_on.macros, "nodes": exposure.depends_on.nodes},
        "refs": exposure.refs.iter().map(reference).collect::<Vec<_>>(),
        "sources": exposure.sources,
        "metrics": exposure.metrics.iter().map(|name| [name]).collect::<Vec<_>>(),
        "created_at": 0.0,
    })
}

pub(super) fn group(group: &Group) -> Value {
    json!({
        "name": group.name,
        "resource_type": "group",
        "package_name": group.package_name,
        "path": group.path,
        "original_file_path": group.original_file_path,
        "unique_id": group.unique_id,
        "owner": owner(&group.owner),
        "description": group.description,
        "config": {"meta": group.meta},
    })
}

pub(super) fn macro_(found: &Macro) -> Value {
    let docs = json!({"show": found.show, "node_color": null});
    let arguments: Vec<Value> = found
        .arguments
        .iter()
        .map(|argument| json!({"name": argument.name, "type": argument.kind, "description": argument.description}))
        .collect();
    json!({
        "name": found.name,
        "resource_type": "macro",
        "package_name": found.package_name,
        "path": found.original_file_path,
        "original_file_path": found.original_file_path,
        "unique_id": found.unique_id,
        "macro_sql": found.macro_sql,
        "depends_on": {"macros": found.depends_on},
        "description": found.description,
        "meta": found.meta,
        "docs": docs,
        "config": {"meta": found.meta, "docs": docs},
        "patch_path": found.patch_path,
        "arguments": arguments,
        "created_at": 0.0,
        "supported_languages": null,
    })
}

pub(super) fn doc(doc: &Doc) -> Value {
    json!({
        "name": doc.name,
        "resource_type": "doc",
        "package_name": doc.package_name,
        "path": doc.path,
        "original_file_path": doc.original_file_path,
        "unique_id": doc.unique_id,
        "block_contents": doc.block_contents,
    })
}

pub(super) fn unit_test(test: &UnitTest) -> Value {
    let rows = |rows: &UnitTestRows, with_input: bool| {
        let mut object = Map::new();
        if with_input {
            object.insert("input".into(), json!(rows.input));
        }
        extend(&mut object, json!({"rows": rows.rows, "format": rows.format, "fixture": rows.fixture}));
        Value::Object(object)
    };
    let overrides = if test.overrides.is_empty() { Value::Null } else { json!(test.overrides) };
    let given: Vec<Value> = test.given.iter().map(|given| rows(given, true)).collect();
    let expect = rows(&test.expect, false);
    let text = json!([test.model, given, expect, overrides]).to_string();
    json!({
        "model": test.model,
        "given": given,
        "expect": expect,
        "name": test.name,
        "resource_type": "unit_test",
        "package_name": test.package_name,
        "path": test.path,
        "original_file_path": test.original_file_path,
        "unique_id": test.unique_id,
        "fqn": test.fqn,
        "description": test.description,
        "overrides": overrides,
        "depends_on": {"macros": test.depends_on.macros, "nodes": test.depends_on.nodes},
        "config": {"tags": test.tags, "meta": test.meta, "enabled": test.enabled, "static_analysis": null},
        "checksum": crate::files::sha256_hex(text.as_bytes()),
        "schema": null,
        "created_at": 0.0,
        "versions": test.versions,
        "version": version(test.version.as_deref()),
    })
}
