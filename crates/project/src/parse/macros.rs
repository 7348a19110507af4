//! Macro files, and macros as the manifest lists them.

use std::collections::BTreeMap;

use millstream_core::{Diagnostic, Diagnostics, Place};
use millstream_jinja::MacroFile;

use super::describe::describe;
use super::properties::Entry;
use super::{Loading, columns};
use crate::manifest::{Macro, MacroArgument};
use crate::package::Package;
use crate::yaml::{Kind, Yaml};

const KEYS: &[&str] = &["name", "description", "docs", "meta", "arguments", "config"];

/// The macro files of a package: `macros/` and `tests/generic/`.
pub(crate) fn files(package: &Package, diagnostics: &mut Diagnostics) -> Vec<MacroFile> {
    let mut folders = package.file.macro_paths.clone();
    folders.extend(package.file.test_paths.iter().map(|path| format!("{path}/generic")));
    let found = package.find(&folders, &["sql"], diagnostics);
    found
        .into_iter()
        .filter_map(|found| {
            let text = package.read(&found, diagnostics)?;
            Some(MacroFile { package: package.name.clone(), path: found.path, text })
        })
        .collect()
}

/// All macros by unique id, with what property files say of them.
pub(crate) fn manifest(loading: &Loading, entries: &[Entry]) -> BTreeMap<String, Macro> {
    let mut macros: BTreeMap<String, Macro> = loading
        .macros
        .values()
        .map(|info| {
            let package = loading.packages.iter().find(|package| package.name == info.package);
            let file = package.map_or_else(|| info.path.clone(), |package| package.label(&info.path));
            let found = Macro {
                unique_id: info.unique_id.clone(),
                name: info.name.clone(),
                package_name: info.package.clone(),
                original_file_path: info.path.clone(),
                macro_sql: info.sql.clone(),
                depends_on: info.depends_on.iter().cloned().collect(),
                description: String::new(),
                meta: serde_json::Map::new(),
                show: true,
                patch_path: None,
                arguments: Vec::new(),
                place: Place::line(file, info.line),
            };
            (info.unique_id.clone(), found)
        })
        .collect();
    for entry in entries.iter().filter(|entry| entry.section == "macros") {
        entry.warn_unknown(loading, &entry.yaml, "a macro", KEYS);
        let package = &loading.packages[entry.package].name;
        let unique_id = format!("macro.{package}.{}", entry.name);
        let Some(found) = macros.get_mut(&unique_id) else {
            loading.report(
                Diagnostic::warning("unknown-name", format!("there is no macro '{}' to describe", entry.name))
                    .at(entry.place())
                    .hint("correct the name, or remove the entry"),
            );
            continue;
        };
        let text = entry.yaml.get("description");
        found.description = text
            .map(|text| {
                let place = text.at.in_file(&entry.file);
                describe(loading, package, &text.scalar_text().unwrap_or_default(), &place).text
            })
            .unwrap_or_default();
        found.meta = columns::meta(entry, &entry.yaml, loading);
        found.show = !matches!(
            entry.yaml.get("docs").and_then(|docs| docs.get("show")).map(|show| &show.kind),
            Some(Kind::Bool(false))
        );
        found.patch_path = Some(format!("{package}://{}", entry.path));
        let arguments = entry.yaml.get("arguments").map(Yaml::items).unwrap_or_default();
        found.arguments = arguments
            .iter()
            .filter_map(|argument| {
                Some(MacroArgument {
                    name: argument.get("name")?.scalar_text()?,
                    kind: argument.get("type").and_then(Yaml::scalar_text),
                    description: argument.get("description").and_then(Yaml::scalar_text).unwrap_or_default(),
                })
            })
            .collect();
    }
    macros
}
