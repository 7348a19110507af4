//! What a node promises of its columns: its contract, and the columns that its rows are told apart by.

use arrow::datatypes::Schema;
use millstream_core::warehouse::Dialect;
use millstream_core::{Diagnostic, Place};
use millstream_project::{Node, ResourceType};

use crate::materialize::contract_differences;

/// Everything that the query does not keep.
pub(super) fn problems(node: &Node, schema: &Schema, dialect: Dialect) -> Vec<Diagnostic> {
    let mut found = contract(node, schema, dialect);
    found.extend(unique_key(node, schema));
    found
}

fn contract(node: &Node, schema: &Schema, dialect: Dialect) -> Vec<Diagnostic> {
    if !node.config.contract.enforced || node.resource_type != ResourceType::Model {
        return Vec::new();
    }
    let differences = contract_differences(node, schema, dialect).into_iter();
    differences
        .map(|(column, difference)| {
            let place = column.map(|column| column.place.clone()).or_else(|| node.patch_place.clone());
            Diagnostic::error("contract", format!("{} breaks its contract: {difference}", node.name))
                .at(place.unwrap_or_else(|| node.place.clone()))
                .hint("change the query or the columns in the yml file until they agree")
        })
        .collect()
}

fn unique_key(node: &Node, schema: &Schema) -> Vec<Diagnostic> {
    let config = &node.config;
    let matches_rows = node.resource_type == ResourceType::Model
        && config.materialized == "incremental"
        && config.incremental_strategy.as_deref() != Some("append");
    if !matches_rows {
        return Vec::new();
    }
    let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    let is_name = |key: &&String| key.chars().all(|c| c.is_alphanumeric() || c == '_') && !key.is_empty();
    let is_missing = |key: &&String| !names.iter().any(|name| name.eq_ignore_ascii_case(key));
    let missing = config.unique_key.iter().filter(is_name).filter(is_missing);
    missing
        .map(|key| {
            let message = format!("the unique_key '{key}' is no column of the query");
            Diagnostic::error("unknown-column", message)
                .at(place_of("unique_key", node))
                .hint(format!("there are: {}", names.join(", ")))
        })
        .collect()
}

/// Where a setting stands in the node's text; otherwise where the yml file describes the node.
fn place_of(setting: &str, node: &Node) -> Place {
    match node.raw_code.find(setting) {
        Some(at) => {
            let before = &node.raw_code[..at];
            let line = node.raw_code_line + u32::try_from(before.matches('\n').count()).unwrap_or(0);
            let column = 1 + before.rsplit('\n').next().unwrap_or_default().chars().count();
            Place::column(node.file(), line, u32::try_from(column).unwrap_or(u32::MAX))
        }
        None => node.patch_place.clone().unwrap_or_else(|| node.place.clone()),
    }
}
