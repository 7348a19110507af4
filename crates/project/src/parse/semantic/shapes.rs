//! The parts that metrics and saved queries are made of, in dbt's shapes.

use serde_json::{Value, json};

use super::Common;
use crate::yaml::{Kind, Yaml};

/// `filter:` and `where:`: one condition or several.
pub(super) fn filter(value: Option<&Yaml>) -> Value {
    let Some(value) = value else { return Value::Null };
    let items = match &value.kind {
        Kind::List(items) => items.as_slice(),
        _ => std::slice::from_ref(value),
    };
    let filters: Vec<Value> =
        items.iter().filter_map(Yaml::scalar_text).map(|text| json!({"where_sql_template": text.trim()})).collect();
    json!({"where_filters": filters})
}

/// A window such as `7 days`.
pub(super) fn window(common: &Common<'_>, value: Option<&Yaml>) -> Value {
    let Some(value) = value else { return Value::Null };
    let text = value.scalar_text().unwrap_or_default();
    let parts: Vec<&str> = text.split_whitespace().collect();
    match (parts.as_slice(), parts.first().and_then(|count| count.parse::<i64>().ok())) {
        ([_, granularity], Some(count)) => {
            let granularity = granularity.to_lowercase();
            json!({"count": count, "granularity": granularity.strip_suffix('s').unwrap_or(&granularity)})
        }
        _ => {
            common.report(format!("'{text}' is not a window"), value, "write a number and a period: '7 days'");
            Value::Null
        }
    }
}

/// A measure that a metric reads: its name, or a mapping.
pub(super) fn measure(common: &Common<'_>, value: &Yaml) -> Value {
    let name = match value.scalar_text() {
        Some(name) => name,
        None => common.required(value, "a measure", "name"),
    };
    let flag = |key: &str| matches!(value.get(key).map(|value| &value.kind), Some(Kind::Bool(true)));
    json!({
        "name": name,
        "filter": filter(value.get("filter")),
        "alias": value.get("alias").and_then(Yaml::scalar_text),
        "join_to_timespine": flag("join_to_timespine"),
        "fill_nulls_with": value.get("fill_nulls_with").map_or(Value::Null, Yaml::to_json),
    })
}

/// A metric that a metric reads: its name, or a mapping.
pub(super) fn metric(common: &Common<'_>, value: &Yaml) -> Value {
    let name = match value.scalar_text() {
        Some(name) => name,
        None => common.required(value, "a metric", "name"),
    };
    json!({
        "name": name,
        "filter": filter(value.get("filter")),
        "alias": value.get("alias").and_then(Yaml::scalar_text),
        "offset_window": window(common, value.get("offset_window")),
        "offset_to_grain": value.get("offset_to_grain").and_then(Yaml::scalar_text),
    })
}

/// Text under a key, or null.
pub(super) fn text(owner: &Yaml, key: &str) -> Value {
    owner.get(key).and_then(Yaml::scalar_text).map_or(Value::Null, Value::from)
}
