//! `semantic_models:`: entities, dimensions and measures over a model.

use serde_json::{Map, Value, json};

use super::metrics::from_measure;
use super::shapes::text;
use super::{Common, Input, UnresolvedSemantic, extend};
use crate::manifest::{RefArgs, ResourceType};
use crate::parse::Loading;
use crate::parse::exposures::calls_in;
use crate::parse::properties::Entry;
use crate::yaml::{Kind, Yaml};

const KEYS: &[&str] = &[
    "name",
    "description",
    "label",
    "model",
    "defaults",
    "entities",
    "measures",
    "dimensions",
    "primary_entity",
    "config",
    "meta",
];
const ENTITY_TYPES: &[&str] = &["primary", "unique", "foreign", "natural"];
const DIMENSION_TYPES: &[&str] = &["categorical", "time"];
const AGGREGATIONS: &[&str] =
    &["sum", "min", "max", "average", "sum_boolean", "count_distinct", "count", "median", "percentile"];

/// One entry: the semantic model, and a metric for each measure that asks for one.
pub(super) fn read(loading: &Loading, entry: &Entry) -> Vec<UnresolvedSemantic> {
    entry.warn_unknown(loading, &entry.yaml, "a semantic model", KEYS);
    let common = Common::new(loading, entry, ResourceType::SemanticModel);
    let yaml = &entry.yaml;
    let written = common.required(yaml, "a semantic model", "model");
    let at = yaml.get("model").unwrap_or(yaml);
    let mut inputs = Vec::new();
    if !written.is_empty() {
        let place = at.at.in_file(&entry.file);
        match calls_in(loading, entry.package, &written, &place).refs.into_iter().next() {
            Some(call) => {
                inputs.push((
                    Input::Model(RefArgs { name: call.name, package: call.package, version: call.version }),
                    place,
                ));
            }
            None => {
                common.report("'model' of a semantic model is not a ref() call", at, "write \"model: ref('orders')\"")
            }
        }
    }
    let all = |key: &str| yaml.get(key).map(Yaml::items).unwrap_or_default();
    let entities: Vec<Value> = all("entities").iter().map(|item| entity(&common, item)).collect();
    let dimensions: Vec<Value> = all("dimensions").iter().map(|item| dimension(&common, item)).collect();
    let measures: Vec<Value> = all("measures").iter().map(|item| measure(&common, item)).collect();
    let refs: Vec<Value> = inputs
        .iter()
        .filter_map(|(input, _)| match input {
            Input::Model(args) => Some(crate::manifest::json::reference(args)),
            _ => None,
        })
        .collect();
    let mut details = common.details();
    extend(
        &mut details,
        json!({
            "model": written,
            "node_relation": null,
            "description": common.description(),
            "label": common.text("label"),
            "defaults": yaml.get("defaults").map(|defaults| json!({"agg_time_dimension": text(defaults, "agg_time_dimension")})),
            "entities": entities,
            "measures": measures,
            "dimensions": dimensions,
            "metadata": null,
            "depends_on": null,
            "refs": refs,
            "created_at": null,
            "config": {"enabled": common.config.enabled, "group": common.config.group, "meta": common.config.meta},
            "unrendered_config": common.written,
            "primary_entity": common.text("primary_entity"),
            "group": common.config.group,
        }),
    );
    let names = measures.iter().filter_map(|measure| measure["name"].as_str().map(str::to_owned)).collect();
    let mut made = vec![UnresolvedSemantic { element: common.element(details, names), inputs }];
    for (measure, _) in measures.iter().zip(all("measures")).filter(|(_, item)| flag(item, "create_metric")) {
        made.push(from_measure(&common, measure));
    }
    made
}

/// The element's own settings on top of the semantic model's meta.
fn config(common: &Common<'_>, item: &Yaml) -> Value {
    let mut meta: Map<String, Value> = common.config.meta.clone();
    if let Some(own) = item.get("config").and_then(|config| config.get("meta")) {
        meta.extend(own.to_json_map());
    }
    json!({"meta": meta})
}

fn entity(common: &Common<'_>, item: &Yaml) -> Value {
    json!({
        "name": common.required(item, "an entity", "name"),
        "type": common.one_of(item, "an entity", "type", ENTITY_TYPES),
        "description": text(item, "description"),
        "label": text(item, "label"),
        "role": text(item, "role"),
        "expr": text(item, "expr"),
        "config": config(common, item),
    })
}

fn dimension(common: &Common<'_>, item: &Yaml) -> Value {
    let kind = common.one_of(item, "a dimension", "type", DIMENSION_TYPES);
    let type_params = item.get("type_params").map(|params| {
        let validity = params.get("validity_params").map(|validity| {
            let flag = |key: &str| matches!(validity.get(key).map(|value| &value.kind), Some(Kind::Bool(true)));
            json!({"is_start": flag("is_start"), "is_end": flag("is_end")})
        });
        json!({"time_granularity": text(params, "time_granularity"), "validity_params": validity})
    });
    if kind == "time" && type_params.is_none() {
        common.report(
            "a dimension of type 'time' has no 'type_params'",
            item,
            "add 'type_params: {time_granularity: day}'",
        );
    }
    json!({
        "name": common.required(item, "a dimension", "name"),
        "type": kind,
        "description": text(item, "description"),
        "label": text(item, "label"),
        "is_partition": matches!(item.get("is_partition").map(|value| &value.kind), Some(Kind::Bool(true))),
        "type_params": type_params,
        "expr": text(item, "expr"),
        "metadata": null,
        "config": config(common, item),
    })
}

fn flag(owner: &Yaml, key: &str) -> bool {
    matches!(owner.get(key).map(|value| &value.kind), Some(Kind::Bool(true)))
}

fn measure(common: &Common<'_>, item: &Yaml) -> Value {
    let agg_params = item.get("agg_params").map(|params| {
        json!({
            "percentile": params.get("percentile").map_or(Value::Null, Yaml::to_json),
            "use_discrete_percentile": flag(params, "use_discrete_percentile"),
            "use_approximate_percentile": flag(params, "use_approximate_percentile"),
        })
    });
    let non_additive = item.get("non_additive_dimension").map(|dimension| {
        let groupings = dimension.get("window_groupings").map_or_else(|| json!([]), Yaml::to_json);
        json!({
            "name": common.required(dimension, "a non-additive dimension", "name"),
            "window_choice": dimension.get("window_choice").and_then(Yaml::scalar_text).unwrap_or_else(|| "min".into()),
            "window_groupings": groupings,
        })
    });
    json!({
        "name": common.required(item, "a measure", "name"),
        "agg": common.one_of(item, "a measure", "agg", AGGREGATIONS),
        "description": text(item, "description"),
        "label": text(item, "label"),
        // dbt has made the metric, and says so no more.
        "create_metric": false,
        "expr": text(item, "expr"),
        "agg_params": agg_params,
        "non_additive_dimension": non_additive,
        "agg_time_dimension": text(item, "agg_time_dimension"),
        "config": config(common, item),
    })
}
