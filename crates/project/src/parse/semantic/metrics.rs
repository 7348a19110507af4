//! `metrics:`: simple, ratio, derived, cumulative and conversion metrics.

use serde_json::{Map, Value, json};

use super::shapes::{filter, measure, metric, text, window};
use super::{Common, Input, UnresolvedSemantic, extend};
use crate::manifest::ResourceType;
use crate::parse::properties::Entry;
use crate::parse::{Loading, columns, draft, nodes};
use crate::yaml::Yaml;

const KEYS: &[&str] = &[
    "name",
    "label",
    "description",
    "type",
    "type_params",
    "filter",
    "time_granularity",
    "config",
    "meta",
    "tags",
    "agg_time_dimension",
];
const TYPES: &[&str] = &["simple", "ratio", "derived", "cumulative", "conversion"];

/// One `metrics:` entry.
pub(super) fn read(loading: &Loading, entry: &Entry) -> Option<UnresolvedSemantic> {
    entry.warn_unknown(loading, &entry.yaml, "a metric", KEYS);
    let common = Common::new(loading, entry, ResourceType::Metric);
    let yaml = &entry.yaml;
    let label = common.required(yaml, "a metric", "label");
    let kind = common.one_of(yaml, "a metric", "type", TYPES);
    let Some(params) = yaml.get("type_params") else {
        common.report(format!("metric '{}' has no 'type_params'", entry.name), yaml, "add 'type_params: {measure: …}'");
        return None;
    };
    let mut inputs = Vec::new();
    let mut note = |input: fn(String) -> Input, value: &Value, at: &Yaml| {
        if let Some(name) = value["name"].as_str().filter(|name| !name.is_empty()) {
            inputs.push((input(name.to_owned()), at.at.in_file(&entry.file)));
        }
    };
    let mut own = params_without_inputs();
    match kind.as_str() {
        "simple" | "cumulative" => match params.get("measure") {
            Some(at) => {
                let made = measure(&common, at);
                note(Input::Measure, &made, at);
                own.insert("measure".into(), made);
            }
            None => common.report(format!("a {kind} metric needs a 'measure'"), params, "add 'measure: name'"),
        },
        "ratio" => {
            for key in ["numerator", "denominator"] {
                match params.get(key) {
                    Some(at) => {
                        let made = metric(&common, at);
                        note(Input::Metric, &made, at);
                        own.insert(key.into(), made);
                    }
                    None => common.report(format!("a ratio needs a '{key}'"), params, format!("add '{key}: metric'")),
                }
            }
        }
        "derived" => {
            let mut all = Vec::new();
            for at in params.get("metrics").map(Yaml::items).unwrap_or_default() {
                let made = metric(&common, at);
                note(Input::Metric, &made, at);
                all.push(made);
            }
            if all.is_empty() {
                common.report("a derived metric needs 'metrics'", params, "list the metrics that 'expr' reads");
            }
            if params.get("expr").is_none() {
                common.report("a derived metric needs an 'expr'", params, "say what is made of its metrics");
            }
            own.insert("metrics".into(), all.into());
        }
        "conversion" => {
            if let Some(conversion) = params.get("conversion_type_params") {
                let made = conversion_params(&common, conversion);
                for key in ["base_measure", "conversion_measure"] {
                    note(Input::Measure, &made[key], conversion.get(key).unwrap_or(conversion));
                }
                own.insert("conversion_type_params".into(), made);
            } else {
                common.report("a conversion needs 'conversion_type_params'", params, "say what is converted into what");
            }
        }
        _ => {}
    }
    if let Some(cumulative) = params.get("cumulative_type_params") {
        own.insert(
            "cumulative_type_params".into(),
            json!({
                "window": window(&common, cumulative.get("window")),
                "grain_to_date": text(cumulative, "grain_to_date"),
                "period_agg": cumulative.get("period_agg").and_then(Yaml::scalar_text).unwrap_or_else(|| "first".into()),
                "metric": cumulative.get("metric").map(|at| metric(&common, at)),
            }),
        );
    }
    own.insert("expr".into(), text(params, "expr"));
    own.insert("window".into(), window(&common, params.get("window")));
    own.insert("grain_to_date".into(), text(params, "grain_to_date"));

    let mut meta = common.config.meta.clone();
    meta.extend(columns::meta(entry, yaml, loading));
    let mut tags = common.config.tags.clone();
    tags.extend(columns::tags(entry, yaml, loading).into_iter().filter(|tag| !common.config.tags.contains(tag)));
    let mut details = common.details();
    extend(
        &mut details,
        json!({
            "description": common.description().unwrap_or_default(),
            "label": label,
            "type": kind,
            "type_params": own,
            "filter": filter(yaml.get("filter")),
            "metadata": null,
            "time_granularity": common.text("time_granularity"),
            "meta": meta,
            "tags": tags,
            "config": {"enabled": common.config.enabled, "group": common.config.group, "meta": meta},
            "unrendered_config": nodes::unrendered_of(&common.loading.packages[entry.package].file, "metrics", &common.fqn, &common.written),
            "sources": [],
            "depends_on": null,
            "refs": [],
            "metrics": [],
            "created_at": null,
            "group": common.config.group,
        }),
    );
    let mut element = common.element(details, Vec::new());
    element.tags = tags;
    Some(UnresolvedSemantic { element, inputs })
}

/// Every key of `type_params`, in dbt's order.
fn params_without_inputs() -> Map<String, Value> {
    let mut params = Map::new();
    for key in [
        "measure",
        "input_measures",
        "numerator",
        "denominator",
        "expr",
        "window",
        "grain_to_date",
        "metrics",
        "conversion_type_params",
        "cumulative_type_params",
        "metric_aggregation_params",
    ] {
        params.insert(key.into(), if matches!(key, "input_measures" | "metrics") { json!([]) } else { Value::Null });
    }
    params
}

fn conversion_params(common: &Common<'_>, conversion: &Yaml) -> Value {
    let input = |key: &str| match conversion.get(key) {
        Some(at) => measure(common, at),
        None => {
            common.report(format!("a conversion needs a '{key}'"), conversion, format!("add '{key}: measure'"));
            Value::Null
        }
    };
    json!({
        "base_measure": input("base_measure"),
        "conversion_measure": input("conversion_measure"),
        "entity": common.required(conversion, "a conversion", "entity"),
        "calculation": conversion.get("calculation").and_then(Yaml::scalar_text).unwrap_or_else(|| "conversion_rate".into()),
        "window": window(common, conversion.get("window")),
        "constant_properties": conversion.get("constant_properties").map_or(Value::Null, Yaml::to_json),
    })
}

/// The metric that a measure with `create_metric: true` asks for.
pub(super) fn from_measure(common: &Common<'_>, measure: &Value) -> UnresolvedSemantic {
    let name = measure["name"].as_str().unwrap_or_default().to_owned();
    let entry = Entry { name: name.clone(), ..common.entry.clone() };
    let package = &common.loading.packages[entry.package];
    let mut fqn = draft::fqn_prefix(package, &entry.relative);
    fqn.push(name.clone());
    let mut meta = Map::new();
    for level in package.file.trees.get("metrics").map(|tree| tree.levels(&fqn)).unwrap_or_default() {
        if let Some(Value::Object(own)) = level.get("meta").map(|setting| &setting.value) {
            meta.extend(own.clone());
        }
    }
    let own_meta = measure.pointer("/config/meta").and_then(Value::as_object).cloned().unwrap_or_default();
    meta.extend(own_meta.clone());
    let input =
        json!({"name": name, "filter": null, "alias": null, "join_to_timespine": false, "fill_nulls_with": null});
    let mut params = params_without_inputs();
    params.insert("measure".into(), input);
    params.insert("expr".into(), measure["expr"].clone());
    let metric = Common {
        entry: &entry,
        kind: ResourceType::Metric,
        fqn,
        written: Map::new(),
        config: common.config.clone(),
        loading: common.loading,
    };
    let mut details = metric.details();
    let label = measure["label"].as_str().unwrap_or(&name);
    let enabled = metric.config.enabled;
    let group = metric.config.group.clone();
    extend(
        &mut details,
        json!({
            "description": format!("Metric created from measure {name}"),
            "label": label,
            "type": "simple",
            "type_params": params,
            "filter": null,
            "metadata": null,
            "time_granularity": null,
            "meta": meta,
            "tags": [],
            "config": {"enabled": enabled, "group": group, "meta": meta},
            "unrendered_config": {"meta": own_meta, "enabled": enabled},
            "sources": [],
            "depends_on": null,
            "refs": [],
            "metrics": [],
            "created_at": null,
            "group": group,
        }),
    );
    let place = common.entry.place();
    let element = metric.element(details, Vec::new());
    UnresolvedSemantic { element, inputs: vec![(Input::Measure(name), place)] }
}
