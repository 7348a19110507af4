//! Versioned models: one yml entry, one file for each version.

use std::collections::BTreeMap;

use millstream_core::Diagnostic;

use super::Loading;
use super::draft::Draft;
use super::properties::Entry;
use crate::manifest::ResourceType;
use crate::yaml::{Entry as Key, Kind, Mark, Yaml};

/// Gives each version of the entry's model its file, name and unique id. Returns, by unique id, an entry of its own
/// for each version.
pub(crate) fn assign(loading: &Loading, entry: &Entry, drafts: &mut [Draft]) -> BTreeMap<String, Entry> {
    let mut assigned = BTreeMap::new();
    let Some(versions) = entry.yaml.get("versions") else { return assigned };
    let numbered: Vec<(String, &Yaml)> = versions
        .items()
        .iter()
        .filter_map(|version| {
            let number = version.get("v").and_then(Yaml::scalar_text);
            if number.is_none() {
                loading.report(
                    Diagnostic::error("bad-version", format!("a version of model '{}' has no 'v'", entry.name))
                        .at(version.at.in_file(&entry.file))
                        .hint("write '- v: 1'"),
                );
            }
            Some((number?, version))
        })
        .collect();
    let latest = entry.yaml.get("latest_version").and_then(Yaml::scalar_text);
    let Some(latest) =
        latest.or_else(|| numbered.iter().map(|(number, _)| number.clone()).max_by(|a, b| compare(a, b)))
    else {
        return assigned;
    };
    for (number, version) in numbered {
        let place = version.at.in_file(&entry.file);
        let file_name = version.get("defined_in").and_then(Yaml::scalar_text);
        let file_name = file_name.unwrap_or_else(|| format!("{}_v{number}", entry.name));
        let find = |name: &str, drafts: &[Draft]| {
            drafts.iter().position(|draft| {
                draft.kind == ResourceType::Model
                    && draft.package == entry.package
                    && draft.version.is_none()
                    && draft.name == name
            })
        };
        let at = find(&file_name, drafts).or_else(|| if number == latest { find(&entry.name, drafts) } else { None });
        let Some(at) = at else {
            loading.report(
                Diagnostic::warning(
                    "unknown-name",
                    format!("there is no file for version {number} of model '{}'", entry.name),
                )
                .at(place)
                .hint(format!("name it {file_name}.sql, or say 'defined_in'")),
            );
            continue;
        };
        let draft = &mut drafts[at];
        let package = &loading.packages[entry.package].name;
        draft.unique_id = format!("model.{package}.{}.v{number}", entry.name);
        draft.name = entry.name.clone();
        draft.fqn.pop();
        draft.fqn.extend([entry.name.clone(), format!("v{number}")]);
        draft.version = Some((number, latest.clone()));
        let own = Entry { yaml: flatten(&entry.yaml, version), raw: flatten(&entry.raw, version), ..entry.clone() };
        assigned.insert(draft.unique_id.clone(), own);
    }
    assigned
}

/// Numbers by value, then anything else by text.
fn compare(a: &str, b: &str) -> std::cmp::Ordering {
    match (a.parse::<f64>(), b.parse::<f64>()) {
        (Ok(a), Ok(b)) => a.total_cmp(&b),
        (Ok(_), Err(_)) => std::cmp::Ordering::Less,
        (Err(_), Ok(_)) => std::cmp::Ordering::Greater,
        (Err(_), Err(_)) => a.cmp(b),
    }
}

/// The model's entry with what the version says laid over it.
fn flatten(model: &Yaml, version: &Yaml) -> Yaml {
    let mut entries: Vec<Key> = model.entries().iter().filter(|key| key.key != "versions").cloned().collect();
    let mut set = |name: &str, value: Yaml, at: Mark| match entries.iter_mut().find(|key| key.key == name) {
        Some(found) => found.value = value,
        None => entries.push(Key { key: name.to_owned(), at, value }),
    };
    for key in version.entries() {
        match key.key.as_str() {
            "v" | "defined_in" => {}
            "columns" => set("columns", columns(model, &key.value), key.at),
            "config" => {
                let mut config = model.get("config").map(|config| config.entries().to_vec()).unwrap_or_default();
                for setting in key.value.entries() {
                    config.retain(|other| other.key != setting.key);
                    config.push(setting.clone());
                }
                set("config", Yaml::new(key.value.at, Kind::Map(config)), key.at);
            }
            name => set(name, key.value.clone(), key.at),
        }
    }
    Yaml::new(model.at, Kind::Map(entries))
}

/// The model's columns as `include:` and `exclude:` choose, then the version's own.
fn columns(model: &Yaml, own: &Yaml) -> Yaml {
    let name = |column: &Yaml| column.get("name").and_then(Yaml::scalar_text);
    let mut include: Option<Vec<String>> = None;
    let mut exclude: Vec<String> = Vec::new();
    let mut chosen_by_rule = false;
    for item in own.items() {
        if let Some(rule) = item.get("include") {
            chosen_by_rule = true;
            include = match rule.text() {
                Some("*" | "all") => None,
                _ => Some(rule.items().iter().filter_map(Yaml::scalar_text).collect()),
            };
        }
        if let Some(rule) = item.get("exclude") {
            exclude.extend(rule.items().iter().filter_map(Yaml::scalar_text));
        }
    }
    let extra: Vec<Yaml> = own.items().iter().filter(|item| name(item).is_some()).cloned().collect();
    let base = model.get("columns").map(Yaml::items).unwrap_or_default();
    let mut all: Vec<Yaml> = base
        .iter()
        .filter(|column| {
            let Some(column) = name(column) else { return false };
            let included = include.as_ref().is_none_or(|names| names.contains(&column));
            let replaced = extra.iter().any(|own| name(own).as_deref() == Some(&column));
            (included || !chosen_by_rule) && !exclude.contains(&column) && !replaced
        })
        .cloned()
        .collect();
    all.extend(extra);
    Yaml::new(own.at, Kind::List(all))
}
