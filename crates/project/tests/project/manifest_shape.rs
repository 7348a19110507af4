//! The manifest has the keys, and kinds of values, that dbt-core writes.
//!
//! `manifest_shape.json` holds what dbt-core 1.11.16 (with dbt-snowflake) wrote for the project below: for each kind of
//! element its keys, and the JSON types that each had.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::sandbox::{Sandbox, manifest_json};

const FILES: &[(&str, &str)] = &[
    ("dbt_project.yml", "name: shop\nversion: '1.0'\nprofile: shop\non-run-start: select 1\n"),
    ("models/orders.sql", "select 1 as order_id, 2 as customer_id, current_timestamp as ordered_at, 3 as amount"),
    ("models/days.sql", "select current_date as d"),
    ("models/dim_v1.sql", "select * from {{ source('raw', 't') }}"),
    ("models/dim_v2.sql", "select * from {{ source('raw', 't') }}"),
    ("seeds/countries.csv", "id,name\n1,a\n"),
    (
        "snapshots/snap.sql",
        "{% snapshot snap %}{{ config(strategy='check', unique_key='order_id', check_cols='all', target_schema='s') }}\
         select * from {{ ref('orders') }}{% endsnapshot %}",
    ),
    ("tests/singular.sql", "select 1 from {{ ref('orders') }} where false"),
    ("analyses/an.sql", "select 1 from {{ ref('orders') }}"),
    ("macros/m.sql", "{% macro m(a) %}{{ a }}{% endmacro %}"),
    ("models/s.yml", include_str!("semantic_layer.yml")),
    (
        "models/more.yml",
        "groups: [{name: g, owner: {name: o}}]
macros: [{name: m, description: d, arguments: [{name: a, type: string, description: x}]}]
sources:
  - name: raw
    tables:
      - name: t
        columns: [{name: id, data_tests: [unique]}]
        freshness: {warn_after: {count: 1, period: day}}
        loaded_at_field: x
models:
  - name: dim
    latest_version: 2
    config: {contract: {enforced: true}, group: g, access: private}
    deprecation_date: 2030-01-01
    constraints:
      - {type: foreign_key, columns: [id], to: ref('orders'), to_columns: [order_id]}
      - {type: custom, expression: \"x\"}
    columns: [{name: id, data_type: int, constraints: [{type: not_null}], data_tests: [not_null]}]
    versions: [{v: 1}, {v: 2}]
unit_tests:
  - name: ut
    model: orders
    given: []
    expect: {rows: [{order_id: 1}]}
",
    ),
];

/// Keys that differ on purpose, with why.
const DIFFERENCES: &[(&str, &str)] = &[
    ("seed.root_path", "a path of the machine that wrote the manifest"),
    ("macros.supported_languages", "null here; dbt writes a list for Python materializations only"),
];

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

type Shapes = BTreeMap<String, BTreeMap<String, BTreeSet<String>>>;

fn add(shapes: &mut Shapes, name: &str, value: &Value) {
    let shape = shapes.entry(name.to_owned()).or_default();
    for (key, value) in value.as_object().into_iter().flatten() {
        shape.entry(key.clone()).or_default().insert(kind(value).to_owned());
    }
}

fn shapes(manifest: &Value) -> Shapes {
    let mut all = Shapes::new();
    let none = Map::new();
    let elements = |section: &str| manifest[section].as_object().unwrap_or(&none).values().collect::<Vec<_>>();
    for node in elements("nodes") {
        let name = node["resource_type"].as_str().unwrap();
        add(&mut all, name, node);
        add(&mut all, &format!("{name}.config"), &node["config"]);
        for column in node["columns"].as_object().unwrap_or(&none).values() {
            add(&mut all, "column", column);
            column["constraints"]
                .as_array()
                .unwrap()
                .iter()
                .for_each(|found| add(&mut all, "column.constraint", found));
        }
        node["constraints"].as_array().into_iter().flatten().for_each(|found| add(&mut all, "model.constraint", found));
        add(&mut all, "contract", &node["contract"]);
        if name == "test" && node["test_metadata"].is_object() {
            add(&mut all, "test_metadata", &node["test_metadata"]);
        }
    }
    for section in [
        "sources",
        "exposures",
        "metrics",
        "saved_queries",
        "semantic_models",
        "groups",
        "unit_tests",
        "docs",
        "macros",
    ] {
        for element in elements(section) {
            if element["package_name"] == "shop" || section == "docs" {
                add(&mut all, section, element);
                if section != "macros" && element["config"].is_object() {
                    add(&mut all, &format!("{section}.config"), &element["config"]);
                }
            }
        }
    }
    elements("metrics").iter().for_each(|metric| add(&mut all, "metrics.type_params", &metric["type_params"]));
    add(&mut all, "metadata", &manifest["metadata"]);
    add(&mut all, "manifest", manifest);
    all
}

#[test]
fn every_element_has_the_keys_and_types_that_dbt_writes() {
    let project = Sandbox::new(FILES.iter().copied()).load().unwrap_or_else(|error| panic!("{error}"));
    let ours = shapes(&manifest_json(&project));
    let theirs: BTreeMap<String, BTreeMap<String, String>> =
        serde_json::from_str(include_str!("manifest_shape.json")).unwrap();
    let mut wrong = Vec::new();
    for (name, keys) in &theirs {
        let Some(own) = ours.get(name) else {
            wrong.push(format!("{name}: there is none"));
            continue;
        };
        for (key, types) in keys {
            let path = format!("{name}.{key}");
            if DIFFERENCES.iter().any(|(known, _)| *known == path) {
                continue;
            }
            let types: BTreeSet<&str> = types.split('|').collect();
            match own.get(key) {
                None => wrong.push(format!("{path} is missing")),
                // Null says nothing of the type: what dbt left empty we may fill, and the other way round.
                Some(own) => {
                    let odd = own.iter().any(|own| {
                        own != "null" && !types.contains(own.as_str()) && types.iter().any(|t| *t != "null")
                    });
                    if odd {
                        wrong.push(format!("{path} is {own:?}, in dbt {types:?}"));
                    }
                }
            }
        }
        for key in own.keys().filter(|key| !keys.contains_key(*key)) {
            wrong.push(format!("{name}.{key} is not dbt's"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_semantic_layer_is_what_dbt_makes_of_it() {
    let project = Sandbox::new(FILES.iter().copied()).load().unwrap_or_else(|error| panic!("{error}"));
    let manifest = manifest_json(&project);
    // What dbt-core 1.11.16 wrote, without times and what the target decides.
    let expected: Value = serde_json::from_str(include_str!("semantic_layer.json")).unwrap();
    for (section, elements) in expected.as_object().unwrap() {
        let found: BTreeSet<&String> = manifest[section].as_object().unwrap().keys().collect();
        assert_eq!(found, elements.as_object().unwrap().keys().collect(), "{section}");
        for (id, wanted) in elements.as_object().unwrap() {
            let mut actual = manifest[section][id].clone();
            actual.as_object_mut().unwrap().remove("created_at");
            for (key, wanted) in wanted.as_object().unwrap() {
                assert_eq!(&actual[key], wanted, "{id}: {key}");
            }
        }
    }
    assert_eq!(
        manifest["parent_map"]["saved_query.shop.weekly"],
        serde_json::json!(["metric.shop.n_orders", "metric.shop.revenue"])
    );
    assert_eq!(manifest["exposures"]["exposure.shop.dash"]["metrics"], serde_json::json!([["revenue"]]));
}
