//! Nodes as dbt writes them.

use serde_json::{Map, Value, json};

use crate::manifest::{Column, Constraint, Node, RefArgs, ResourceType};

/// One node. `created_at` is the caller's to add.
pub(crate) fn node(node: &Node) -> Value {
    let mut object = base(node);
    if node.resource_type == ResourceType::Seed {
        object.insert("root_path".into(), Value::Null);
        object.insert("depends_on".into(), json!({"macros": node.depends_on.macros}));
        return Value::Object(object);
    }
    let contract = node.config.contract;
    extend(
        &mut object,
        json!({
            "language": if node.is_python() { "python" } else { "sql" },
            "refs": node.refs.iter().map(reference).collect::<Vec<_>>(),
            "sources": node.sources,
            "metrics": [],
            "functions": [],
            "depends_on": {"macros": node.depends_on.macros, "nodes": node.depends_on.nodes},
            "compiled_path": null,
            "contract": {"enforced": contract.enforced, "alias_types": contract.alias_types, "checksum": null},
        }),
    );
    match node.resource_type {
        ResourceType::Model => extend(
            &mut object,
            json!({
                "access": node.access,
                "constraints": node.constraints.iter().map(|found| constraint(found, true)).collect::<Vec<_>>(),
                "version": version(node.version.as_deref()),
                "latest_version": version(node.latest_version.as_deref()),
                "deprecation_date": node.deprecation_date,
                "primary_key": node.primary_key,
                "time_spine": node.time_spine,
            }),
        ),
        ResourceType::Operation => extend(&mut object, json!({"index": node.index})),
        ResourceType::Test => {
            if let Some(test) = &node.test_metadata {
                extend(
                    &mut object,
                    json!({
                        "column_name": node.column_name,
                        "file_key_name": node.file_key_name,
                        "attached_node": node.attached_node,
                        "test_metadata": {"name": test.name, "kwargs": test.kwargs, "namespace": test.namespace},
                    }),
                );
            }
        }
        _ => {}
    }
    Value::Object(object)
}

fn base(node: &Node) -> Map<String, Value> {
    let mut object = Map::new();
    extend(
        &mut object,
        json!({
            "database": node.database,
            "schema": node.schema,
            "name": node.name,
            "resource_type": node.resource_type.as_str(),
            "package_name": node.package_name,
            "path": node.path,
            "original_file_path": node.original_file_path,
            "unique_id": node.unique_id,
            "fqn": node.fqn,
            "alias": node.alias,
            "checksum": {"name": node.checksum.name, "checksum": node.checksum.checksum},
            "config": node.config.values,
            "tags": node.tags,
            "description": node.description,
            "columns": columns(&node.columns),
            "meta": node.meta,
            "group": node.group,
            "docs": {"show": node.docs.show, "node_color": node.docs.node_color},
            "patch_path": node.patch_path,
            "build_path": null,
            "unrendered_config": node.unrendered_config,
            "created_at": 0.0,
            "relation_name": node.relation_name,
            "raw_code": node.raw_code,
            "doc_blocks": node.doc_blocks,
        }),
    );
    object
}

/// Adds the entries of an object.
pub(super) fn extend(object: &mut Map<String, Value>, more: Value) {
    if let Value::Object(more) = more {
        object.extend(more);
    }
}

/// Columns by name.
pub(super) fn columns(columns: &indexmap::IndexMap<String, Column>) -> Value {
    let one = |column: &Column| {
        json!({
            "name": column.name,
            "description": column.description,
            "meta": column.meta,
            "data_type": column.data_type,
            "constraints": column.constraints.iter().map(|found| constraint(found, false)).collect::<Vec<_>>(),
            "quote": column.quote,
            "config": {"meta": column.meta, "tags": column.tags},
            "tags": column.tags,
            "granularity": column.granularity,
            "doc_blocks": column.doc_blocks,
        })
    };
    Value::Object(columns.iter().map(|(name, column)| (name.clone(), one(column))).collect())
}

fn constraint(found: &Constraint, of_model: bool) -> Value {
    let mut object = Map::new();
    extend(
        &mut object,
        json!({
            "type": found.kind,
            "name": found.name,
            "expression": found.expression,
            "warn_unenforced": found.warn_unenforced,
            "warn_unsupported": found.warn_unsupported,
            "to": found.to,
            "to_columns": found.to_columns,
        }),
    );
    if of_model {
        object.insert("columns".into(), json!(found.columns));
    }
    Value::Object(object)
}

/// Arguments of a `ref()`.
pub(crate) fn reference(args: &RefArgs) -> Value {
    json!({"name": args.name, "package": args.package, "version": version(args.version.as_deref())})
}

/// A version as dbt writes it: a number where it is one.
pub(super) fn version(version: Option<&str>) -> Value {
    let Some(version) = version else { return Value::Null };
    match (version.parse::<i64>(), version.parse::<f64>()) {
        (Ok(whole), _) => json!(whole),
        (_, Ok(number)) => json!(number),
        _ => json!(version),
    }
}
