//! `overrides:` of a source: a project changes what a package says of its source
//! (<https://docs.getdbt.com/reference/resource-properties/overrides>).

use millstream_core::Diagnostic;

use super::Loading;
use super::properties::Entry;
use crate::names::did_you_mean;
use crate::yaml::{Entry as Key, Kind, Yaml};

/// Lays the overriding entries over those of the packages, and takes them out.
pub(crate) fn apply(loading: &Loading, entries: Vec<Entry>) -> Vec<Entry> {
    let (overriding, mut kept): (Vec<Entry>, Vec<Entry>) =
        entries.into_iter().partition(|entry| entry.section == "sources" && entry.yaml.get("overrides").is_some());
    for patch in overriding {
        let at = patch.yaml.get("overrides");
        let package = at.and_then(Yaml::scalar_text).unwrap_or_default();
        let place = at.unwrap_or(&patch.yaml).at.in_file(&patch.file);
        let base = kept.iter_mut().find(|entry| {
            entry.section == "sources" && entry.name == patch.name && loading.packages[entry.package].name == package
        });
        let Some(base) = base else {
            let known = loading.packages.iter().skip(1).map(|package| package.name.as_str());
            let hint = did_you_mean(&package, known, "name a package that declares a source of this name");
            let message = format!("package '{package}' has no source '{}' to override", patch.name);
            loading.report(Diagnostic::warning("unknown-name", message).at(place).hint(hint));
            continue;
        };
        for table in patch.yaml.get("tables").map(Yaml::items).unwrap_or_default() {
            let name = table.get("name").and_then(Yaml::scalar_text).unwrap_or_default();
            let tables = base.yaml.get("tables").map(Yaml::items).unwrap_or_default();
            if !tables.iter().any(|own| name_of(own).as_deref() == Some(&name)) {
                let known: Vec<String> = tables.iter().filter_map(name_of).collect();
                let hint = did_you_mean(&name, known.iter().map(String::as_str), "an override adds no tables");
                let message =
                    format!("source '{}' of package '{package}' has no table '{name}' to override", patch.name);
                loading
                    .report(Diagnostic::warning("unknown-name", message).at(table.at.in_file(&patch.file)).hint(hint));
            }
        }
        base.yaml = laid_over(&base.yaml, &patch.yaml);
        base.raw = laid_over(&base.raw, &patch.raw);
    }
    kept
}

fn name_of(item: &Yaml) -> Option<String> {
    item.get("name").and_then(Yaml::scalar_text)
}

/// Keys of the patch instead of the base's; tables and columns are matched by name, and none is added.
fn laid_over(base: &Yaml, patch: &Yaml) -> Yaml {
    let mut entries: Vec<Key> = base.entries().to_vec();
    for key in patch.entries().iter().filter(|key| key.key != "overrides" && key.key != "name") {
        let own = entries.iter_mut().find(|own| own.key == key.key);
        match own {
            Some(own) if matches!(key.key.as_str(), "tables" | "columns") => {
                let items = own.value.items().iter().map(|item| {
                    let change = key.value.items().iter().find(|change| name_of(change) == name_of(item));
                    change.map_or_else(|| item.clone(), |change| laid_over(item, change))
                });
                own.value = Yaml::new(own.value.at, Kind::List(items.collect()));
            }
            Some(own) => own.value = key.value.clone(),
            None => entries.push(key.clone()),
        }
    }
    Yaml::new(base.at, Kind::Map(entries))
}
