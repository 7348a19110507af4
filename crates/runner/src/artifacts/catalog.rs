//! `catalog.json`, dbt's schema v1 (<https://schemas.getdbt.com/dbt/catalog/v1.json>): what is in the warehouse of
//! what the project declares.

use std::path::Path;

use chrono::{DateTime, Utc};
use millstream_core::Result;
use millstream_core::warehouse::{CommitInfo, Relation, RelationKind};
use serde_json::{Map, Value, json};

use super::{atomic, instant};
use crate::sqltype::sql_type;

const SCHEMA: &str = "https://schemas.getdbt.com/dbt/catalog/v1.json";

/// What the catalog shows of one element.
pub(crate) struct Entry {
    pub(crate) unique_id: String,
    pub(crate) is_source: bool,
    pub(crate) database: Option<String>,
    pub(crate) relation: Relation,
    /// The latest commit, of a table.
    pub(crate) commit: Option<CommitInfo>,
}

/// Writes the file.
pub(crate) fn write(
    target_dir: &Path,
    entries: &[Entry],
    invocation_id: &str,
    started_at: DateTime<Utc>,
    generated_at: DateTime<Utc>,
) -> Result<()> {
    let part = |is_source: bool| -> Map<String, Value> {
        let entries = entries.iter().filter(|entry| entry.is_source == is_source);
        entries.map(|entry| (entry.unique_id.clone(), one(entry))).collect()
    };
    let document = json!({
        "metadata": super::metadata(SCHEMA, invocation_id, started_at, generated_at),
        "nodes": part(false),
        "sources": part(true),
        "errors": null,
    });
    atomic::write(&target_dir.join("catalog.json"), document.to_string().as_bytes())
}

fn one(entry: &Entry) -> Value {
    let relation = &entry.relation;
    let kind = match relation.kind {
        RelationKind::Table => "BASE TABLE",
        RelationKind::View => "VIEW",
    };
    let columns: Map<String, Value> = relation
        .schema
        .fields()
        .iter()
        .enumerate()
        .map(|(at, field)| {
            let column = json!({
                "type": sql_type(field.data_type()).to_uppercase(),
                "index": at + 1,
                "name": field.name(),
                "comment": null,
            });
            (field.name().clone(), column)
        })
        .collect();
    json!({
        "metadata": {
            "type": kind,
            "schema": relation.name.schema,
            "name": relation.name.name,
            "database": entry.database,
            "comment": null,
            "owner": null,
        },
        "columns": columns,
        "stats": stats(entry),
        "unique_id": entry.unique_id,
    })
}

fn stats(entry: &Entry) -> Value {
    let stat = |id: &str, label: &str, value: Value, description: &str| json!({"id": id, "label": label, "value": value, "include": true, "description": description});
    let mut stats = Map::new();
    if let Some(rows) = entry.relation.rows {
        stats.insert("row_count".into(), stat("row_count", "Row Count", rows.into(), "Rows in the latest version"));
    }
    if let Some(version) = entry.relation.version {
        stats.insert("version".into(), stat("version", "Version", version.into(), "Latest version of the table"));
    }
    if let Some(commit) = &entry.commit {
        let at = instant(commit.at).into();
        stats.insert(
            "last_modified".into(),
            stat("last_modified", "Last Modified", at, "Time of the latest version, UTC"),
        );
    }
    let has_stats = !stats.is_empty();
    let known = json!({
        "id": "has_stats",
        "label": "Has Stats?",
        "value": has_stats,
        "include": false,
        "description": "Whether the warehouse tells anything about this relation",
    });
    stats.insert("has_stats".into(), known);
    Value::Object(stats)
}
