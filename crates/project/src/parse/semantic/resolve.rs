//! Names of models, measures and metrics to unique ids, and what follows from them.

use std::collections::BTreeMap;

use millstream_core::{Diagnostic, Place};
use serde_json::{Value, json};

use super::{Input, UnresolvedSemantic};
use crate::manifest::{Manifest, ResourceType, Semantic};
use crate::names::did_you_mean;
use crate::parse::Loading;
use crate::resolve::{Found, Lookup};

/// Metrics that may read each other in a chain; longer ones are circles in all but name.
const METRIC_DEPTH_MAX: usize = 64;

/// Resolves the elements and puts the enabled ones into the manifest. Models must be there already.
pub(crate) fn add(loading: &Loading, elements: Vec<UnresolvedSemantic>, lookup: &Lookup, manifest: &mut Manifest) {
    let mut measures: BTreeMap<String, String> = BTreeMap::new();
    let mut metrics: BTreeMap<String, String> = BTreeMap::new();
    let mut places: BTreeMap<String, Place> = BTreeMap::new();
    let enabled: Vec<UnresolvedSemantic> = elements.into_iter().filter(|found| found.element.enabled).collect();
    for UnresolvedSemantic { element, .. } in &enabled {
        for measure in &element.measures {
            if let Some(other) = measures.insert(measure.clone(), element.unique_id.clone()) {
                loading.report(
                    Diagnostic::error(
                        "duplicate",
                        format!("measure '{measure}' is in '{}' and in '{other}'", element.unique_id),
                    )
                    .at(element.place.clone())
                    .hint("rename one of them: metrics name measures without their semantic model"),
                );
            }
        }
        if element.resource_type == ResourceType::Metric {
            metrics.insert(element.name.clone(), element.unique_id.clone());
        }
        if let Some(other) = places.insert(element.unique_id.clone(), element.place.clone()) {
            loading.report(
                Diagnostic::error(
                    "duplicate",
                    format!("'{}' occurs twice; the other one is at {other}", element.unique_id),
                )
                .at(element.place.clone())
                .hint("rename or remove one of them"),
            );
        }
    }
    for UnresolvedSemantic { mut element, inputs } in enabled {
        for (input, place) in inputs {
            let found = match &input {
                Input::Model(args) => match lookup.find_ref(&element.package_name, args) {
                    Found::Element(id) => Ok(id),
                    Found::Disabled(id) => Err((format!("'{id}' is disabled"), "set 'enabled: true' on it".to_owned())),
                    Found::Nothing(hint) => Err((format!("there is no model '{}'", args.name), hint)),
                },
                Input::Measure(name) => measures.get(name).cloned().ok_or_else(|| {
                    let known = measures.keys().map(String::as_str);
                    (
                        format!("there is no measure '{name}'"),
                        did_you_mean(name, known, "declare it under 'measures:' of a semantic model"),
                    )
                }),
                Input::Metric(name) => metrics.get(name).cloned().ok_or_else(|| {
                    let known = metrics.keys().map(String::as_str);
                    (format!("there is no metric '{name}'"), did_you_mean(name, known, "declare it under 'metrics:'"))
                }),
            };
            match found {
                Ok(id) if !element.depends_on.nodes.contains(&id) => element.depends_on.nodes.push(id),
                Ok(_) => {}
                Err((message, hint)) => {
                    loading.report(Diagnostic::error("unknown-name", message).at(place).hint(hint));
                }
            }
        }
        if element.resource_type == ResourceType::SemanticModel {
            set_relation(&mut element, manifest);
        }
        manifest.semantics.insert(element.unique_id.clone(), element);
    }
    set_input_measures(manifest, &metrics);
}

/// `node_relation`: where the model's rows are.
fn set_relation(element: &mut Semantic, manifest: &Manifest) {
    let Some(node) = element.depends_on.nodes.first().and_then(|id| manifest.nodes.get(id)) else { return };
    element.details.insert(
        "node_relation".into(),
        json!({
            "alias": node.alias,
            "schema_name": node.schema,
            "database": node.database,
            "relation_name": node.relation_name,
        }),
    );
}

/// `type_params.input_measures`: the measures that a metric reads, by other metrics too.
fn set_input_measures(manifest: &mut Manifest, metrics: &BTreeMap<String, String>) {
    let mut found: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for (id, element) in manifest.semantics.iter().filter(|(_, element)| element.resource_type == ResourceType::Metric)
    {
        let mut measures = Vec::new();
        collect(manifest, metrics, element, 0, &mut measures);
        found.insert(id.clone(), measures);
    }
    for (id, measures) in found {
        let params = manifest.semantics.get_mut(&id).and_then(|element| element.details.get_mut("type_params"));
        if let Some(Value::Object(params)) = params {
            params.insert("input_measures".into(), Value::Array(measures));
        }
    }
}

fn collect(
    manifest: &Manifest,
    metrics: &BTreeMap<String, String>,
    metric: &Semantic,
    depth: usize,
    measures: &mut Vec<Value>,
) {
    let Some(params) = metric.details.get("type_params") else { return };
    let own = ["/measure", "/conversion_type_params/base_measure", "/conversion_type_params/conversion_measure"];
    for measure in own.iter().filter_map(|path| params.pointer(path)).filter(|measure| measure.is_object()) {
        if !measures.contains(measure) {
            measures.push(measure.clone());
        }
    }
    if depth >= METRIC_DEPTH_MAX {
        return;
    }
    let listed = params.get("metrics").and_then(Value::as_array).into_iter().flatten();
    let inputs = params.get("numerator").into_iter().chain(params.get("denominator")).chain(listed);
    for name in inputs.filter_map(|input| input.get("name")?.as_str()) {
        if let Some(inner) = metrics.get(name).and_then(|id| manifest.semantics.get(id)) {
            collect(manifest, metrics, inner, depth + 1, measures);
        }
    }
}
