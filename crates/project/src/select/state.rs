//! `state:`, `result:` and `source_status:`: what changed since another run.
//!
//! Follows dbt's rules of comparison (<https://docs.getdbt.com/reference/node-selection/state-comparison-caveats>):
//! text, configuration as it was written, name and place of the relation, persisted descriptions, contract, and the
//! macros that are called, also indirectly.

use std::collections::{BTreeMap, BTreeSet};

use millstream_core::{Error, Result};
use serde_json::{Map, Value};

use super::Ids;
use super::criterion::Criterion;
use crate::names::did_you_mean;
use crate::project::Project;
use crate::state::State;

const STATES: &[&str] = &[
    "modified",
    "new",
    "old",
    "unmodified",
    "modified.body",
    "modified.configs",
    "modified.persisted_descriptions",
    "modified.relation",
    "modified.macros",
    "modified.contract",
];

/// Statuses of `run_results.json`.
const STATUSES: &[&str] =
    &["success", "error", "skipped", "pass", "fail", "warn", "runtime error", "partial success", "no-op", "reused"];

/// Settings that say where a relation is, or are labels: no change of the configuration.
const NOT_COMPARED: &[&str] = &["alias", "schema", "database", "tags", "group"];

/// Unique ids that a criterion of these methods matches.
pub(super) fn search(project: &Project, state: Option<&State>, criterion: &Criterion) -> Result<Ids> {
    let state = state.ok_or_else(|| {
        Error::usage(format!("the selector method '{}' compares with another run", criterion.method))
            .hint("give the folder of its artifacts with --state DIR")
    })?;
    let value = criterion.text();
    match criterion.method.as_str() {
        "state" => {
            let wanted: Vec<&str> = criterion.arguments.iter().map(String::as_str).chain([value.as_str()]).collect();
            by_state(project, state, &wanted.join("."))
        }
        "result" => by_result(state, &value),
        _ => by_source_status(state, &value),
    }
}

fn by_state(project: &Project, state: &State, wanted: &str) -> Result<Ids> {
    if !STATES.contains(&wanted) {
        let all = format!("use one of: {}", STATES.join(", "));
        let hint = did_you_mean(wanted, STATES.iter().copied(), &all);
        return Err(Error::usage(format!("'{wanted}' is not a state")).hint(hint));
    }
    let macros = Macros::new(project, state.manifest()?);
    let manifest = &project.manifest;
    let is_wanted = |id: &&String| {
        let Some(new) = manifest.element_json(id) else { return false };
        let old = state.element(id);
        let changed_macros = || macros.are_modified_below(&new);
        match (wanted, old) {
            ("new", old) => old.is_none(),
            ("old", old) => old.is_some(),
            ("unmodified", None) => false,
            ("unmodified", Some(old)) => is_same(&new, old) && !changed_macros(),
            ("modified.macros", _) => changed_macros(),
            (_, None) => true,
            ("modified.body", Some(old)) => !same_body(&new, old),
            ("modified.configs", Some(old)) => !same_config(&new, old),
            ("modified.persisted_descriptions", Some(old)) => !same_persisted_descriptions(&new, old),
            ("modified.relation", Some(old)) => !same_relation(&new, old),
            ("modified.contract", Some(old)) => !same_contract(&new, old),
            (_, Some(old)) => !is_same(&new, old) || changed_macros(),
        }
    };
    Ok(manifest.element_ids().filter(is_wanted).cloned().collect())
}

fn by_result(state: &State, wanted: &str) -> Result<Ids> {
    if !STATUSES.contains(&wanted) {
        let all = format!("use one of: {}", STATUSES.join(", "));
        return Err(Error::usage(format!("'{wanted}' is not a result")).hint(did_you_mean(
            wanted,
            STATUSES.iter().copied(),
            &all,
        )));
    }
    let results = state.run_results()?["results"].as_array();
    let found = results.into_iter().flatten().filter(|result| result["status"] == wanted);
    Ok(found.filter_map(|result| result["unique_id"].as_str().map(str::to_owned)).collect())
}

/// Sources whose newest row is newer than it was then.
fn by_source_status(state: &State, wanted: &str) -> Result<Ids> {
    if wanted != "fresher" {
        return Err(Error::usage(format!("'{wanted}' is not a status of sources")).hint("use source_status:fresher"));
    }
    let loaded = |artifact: &Value| -> BTreeMap<String, chrono::DateTime<chrono::FixedOffset>> {
        let results = artifact["results"].as_array();
        results
            .into_iter()
            .flatten()
            .filter_map(|result| {
                let at = chrono::DateTime::parse_from_rfc3339(result["max_loaded_at"].as_str()?).ok()?;
                Some((result["unique_id"].as_str()?.to_owned(), at))
            })
            .collect()
    };
    let before = loaded(state.sources()?);
    let now = state.sources_now.as_ref().ok_or_else(|| {
        Error::usage("the present freshness of the sources is not known")
            .hint("run 'millstream source freshness' before, which writes target/sources.json")
    })?;
    let is_fresher =
        |(id, at): &(String, chrono::DateTime<chrono::FixedOffset>)| before.get(id).is_none_or(|before| at > before);
    Ok(loaded(now).into_iter().filter(is_fresher).map(|(id, _)| id).collect())
}

/// Whether an element is what it was, its macros apart.
fn is_same(new: &Value, old: &Value) -> bool {
    let same = |keys: &[&str]| keys.iter().all(|key| new.get(key) == old.get(key));
    match new["resource_type"].as_str().unwrap_or_default() {
        "source" => same(&["fqn", "freshness", "loaded_at_field"]) && same_relation(new, old) && same_config(new, old),
        "exposure" => same(&["fqn", "owner", "maturity", "url", "description", "label", "depends_on", "type"]),
        "unit_test" => same(&["fqn", "model", "given", "expect", "overrides"]),
        "metric" | "semantic_model" | "saved_query" => {
            let text = |value: &Value| {
                let mut value = value.clone();
                if let Some(object) = value.as_object_mut() {
                    object.remove("created_at");
                }
                value
            };
            text(new) == text(old)
        }
        "test" if !new["test_metadata"].is_null() => same(&["fqn"]) && same_config(new, old),
        _ => {
            same(&["fqn"])
                && same_body(new, old)
                && same_config(new, old)
                && same_persisted_descriptions(new, old)
                && same_relation(new, old)
                && same_contract(new, old)
        }
    }
}

fn same_body(new: &Value, old: &Value) -> bool {
    match new["resource_type"].as_str() {
        Some("seed") => new["checksum"]["checksum"] == old["checksum"]["checksum"],
        Some("unit_test") => is_same(new, old),
        Some("test") if !new["test_metadata"].is_null() => true,
        _ => {
            let text = |node: &Value| node["raw_code"].as_str().unwrap_or_default().trim().to_owned();
            text(new) == text(old)
        }
    }
}

/// Settings as they were written, so that what only differs by target is the same.
fn same_config(new: &Value, old: &Value) -> bool {
    let settings = |node: &Value| -> Map<String, Value> {
        let written = node["unrendered_config"].as_object().cloned().unwrap_or_default();
        let is_set = |value: &Value| match value {
            Value::Null => false,
            Value::Object(map) => !map.is_empty(),
            Value::Array(items) => !items.is_empty(),
            _ => true,
        };
        let compared = |(key, value): &(String, Value)| !NOT_COMPARED.contains(&key.as_str()) && is_set(value);
        written.into_iter().map(|(key, value)| (key.replace('-', "_"), value)).filter(compared).collect()
    };
    settings(new) == settings(old)
}

/// Descriptions are a part of what is built only where they are kept in the warehouse.
fn same_persisted_descriptions(new: &Value, old: &Value) -> bool {
    let persists = |what: &str| new["config"]["persist_docs"][what] == true;
    let columns = |node: &Value| -> BTreeMap<String, Value> {
        let columns = node["columns"].as_object();
        columns.into_iter().flatten().map(|(name, column)| (name.clone(), column["description"].clone())).collect()
    };
    (!persists("relation") || new["description"] == old["description"])
        && (!persists("columns") || columns(new) == columns(old))
}

/// The name as it was written, so that another target's schema is no change.
fn same_relation(new: &Value, old: &Value) -> bool {
    if new["resource_type"] == "source" {
        return ["schema", "identifier"].iter().all(|key| new[*key] == old[*key]);
    }
    ["database", "schema", "alias"].iter().all(|key| new["unrendered_config"][*key] == old["unrendered_config"][*key])
}

fn same_contract(new: &Value, old: &Value) -> bool {
    let enforced =
        |node: &Value| node["contract"]["enforced"] == true || node["config"]["contract"]["enforced"] == true;
    if enforced(new) != enforced(old) {
        return false;
    }
    let columns = |node: &Value| -> BTreeMap<String, Value> {
        let columns = node["columns"].as_object();
        let part = |column: &Value| serde_json::json!([column["data_type"], column["constraints"]]);
        columns.into_iter().flatten().map(|(name, column)| (name.clone(), part(column))).collect()
    };
    !enforced(new) || (columns(new) == columns(old) && new["constraints"] == old["constraints"])
}

/// Which macros changed.
struct Macros<'p> {
    project: &'p Project,
    modified: BTreeSet<String>,
}

impl<'p> Macros<'p> {
    fn new(project: &'p Project, old: &Value) -> Self {
        let before = &old["macros"];
        let is_modified = |id: &&String| {
            let found = &project.manifest.macros[*id];
            // The built-in ones change with this program and not with the project.
            found.package_name != "dbt"
                && before.get(*id).and_then(|old| old["macro_sql"].as_str()).map(str::trim)
                    != Some(found.macro_sql.trim())
        };
        let modified = project.manifest.macros.keys().filter(is_modified).cloned().collect();
        Self { project, modified }
    }

    /// Whether a macro changed that the element calls, directly or through others.
    fn are_modified_below(&self, element: &Value) -> bool {
        if self.modified.is_empty() {
            return false;
        }
        let called = element["depends_on"]["macros"].as_array();
        let mut open: Vec<&str> = called.into_iter().flatten().filter_map(Value::as_str).collect();
        let mut seen: BTreeSet<&str> = BTreeSet::new();
        while let Some(id) = open.pop() {
            if !seen.insert(id) {
                continue;
            }
            if self.modified.contains(id) {
                return true;
            }
            if let Some(found) = self.project.manifest.macros.get(id) {
                open.extend(found.depends_on.iter().map(String::as_str));
            }
        }
        false
    }
}
