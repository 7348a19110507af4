//! Property files: the yml files beside models, seeds, snapshots, tests, analyses and macros.
//!
//! Their entries are collected here and given to the parts that know what they mean. Strings are rendered, except for
//! descriptions, test arguments and hooks, which are rendered later with more in sight.

use millstream_core::{Diagnostic, Place};
use millstream_jinja::ValueScope;

use super::Loading;
use crate::config::render::{Renderer, Templates};
use crate::names::did_you_mean;
use crate::yaml::{self, Kind, Yaml};

/// Sections that are read.
pub(crate) const SECTIONS: &[&str] = &[
    "models",
    "seeds",
    "snapshots",
    "sources",
    "macros",
    "analyses",
    "data_tests",
    "tests",
    "exposures",
    "groups",
    "unit_tests",
    "semantic_models",
    "metrics",
    "saved_queries",
];

/// Sections of dbt that mean nothing here.
const NOT_SUPPORTED: &[&str] = &["functions"];

/// One entry of a section.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    /// Index of the package.
    pub package: usize,
    /// Section: `models`, …; `tests` is called `data_tests`.
    pub section: &'static str,
    /// Path of the file, relative to the package.
    pub path: String,
    /// The same path relative to the folder that was searched.
    pub relative: String,
    /// The file as messages show it.
    pub file: String,
    /// `name:`.
    pub name: String,
    /// The entry, rendered.
    pub yaml: Yaml,
    /// The entry as it was written.
    pub raw: Yaml,
}

impl Entry {
    /// Where the entry's name stands.
    pub(crate) fn place(&self) -> Place {
        self.yaml.get("name").unwrap_or(&self.yaml).at.in_file(&self.file)
    }

    /// An error that a key has the wrong type.
    pub(crate) fn wrong(&self, what: &str, value: &Yaml, wanted: &str) -> Diagnostic {
        Diagnostic::error("wrong-type", format!("'{what}' must be {wanted}, not {}", value.describe()))
            .at(value.at.in_file(&self.file))
    }

    /// Warns of keys that nothing reads, with the place of each.
    pub(crate) fn warn_unknown(&self, loading: &Loading, mapping: &Yaml, what: &str, known: &[&str]) {
        for entry in mapping.entries() {
            if !known.contains(&entry.key.as_str()) {
                loading.report(
                    Diagnostic::warning("unknown-key", format!("'{}' is not a key of {what}", entry.key))
                        .at(entry.at.in_file(&self.file))
                        .hint(did_you_mean(
                            &entry.key,
                            known.iter().copied(),
                            "put your own keys under 'config: meta:'",
                        )),
                );
            }
        }
    }
}

/// All entries of all property files, by package, then file, then place.
pub(crate) fn read(loading: &Loading) -> Vec<Entry> {
    let mut entries = Vec::new();
    for (index, package) in loading.packages.iter().enumerate() {
        let project = &package.file;
        let mut folders: Vec<String> = Vec::new();
        for paths in [
            &project.model_paths,
            &project.seed_paths,
            &project.snapshot_paths,
            &project.analysis_paths,
            &project.macro_paths,
            &project.test_paths,
        ] {
            folders.extend(paths.iter().cloned());
        }
        let found = loading.collecting(|diagnostics| package.find(&folders, &["yml", "yaml"], diagnostics));
        let of_files = loading.each(&found, |found| {
            let file = package.label(&found.path);
            let yaml = loading.collecting(|diagnostics| {
                let text = package.read(found, diagnostics)?;
                yaml::parse(&text, &file, diagnostics)
            });
            let mut entries = Vec::new();
            if let Some(yaml) = yaml {
                read_file(loading, index, found, &file, &yaml, &mut entries);
            }
            entries
        });
        entries.extend(of_files.into_iter().flatten());
    }
    entries
}

fn read_file(
    loading: &Loading,
    package: usize,
    found: &crate::files::Found,
    file: &str,
    yaml: &Yaml,
    entries: &mut Vec<Entry>,
) {
    if !matches!(yaml.kind, Kind::Map(_) | Kind::Null) {
        loading.report(
            Diagnostic::error("wrong-type", format!("a property file must be a mapping, not {}", yaml.describe()))
                .at(yaml.at.in_file(file))
                .hint("start it with a section such as 'models:'"),
        );
        return;
    }
    let renderer = Renderer {
        templates: Templates::Ready(&loading.environment),
        scope: ValueScope::Project,
        package: &loading.packages[package].name,
        file,
    };
    for section in yaml.entries() {
        let key = section.key.as_str();
        if matches!(key, "version" | "anchors") {
            continue;
        }
        if NOT_SUPPORTED.contains(&key) {
            loading.report(
                Diagnostic::warning("not-supported", format!("section '{key}' is not supported and passed over"))
                    .at(section.at.in_file(file)),
            );
            continue;
        }
        let Some(known) = SECTIONS.iter().find(|known| **known == key) else {
            loading.report(
                Diagnostic::warning("unknown-key", format!("'{key}' is not a section of a property file"))
                    .at(section.at.in_file(file))
                    .hint(did_you_mean(key, SECTIONS.iter().copied(), "remove it")),
            );
            continue;
        };
        let known = if *known == "tests" { "data_tests" } else { known };
        match &section.value.kind {
            Kind::List(_) | Kind::Null => {}
            _ => loading.report(
                Diagnostic::error("wrong-type", format!("'{key}' must be a list, not {}", section.value.describe()))
                    .at(section.value.at.in_file(file))
                    .hint("start each entry with '- name:'"),
            ),
        }
        for raw in section.value.items() {
            let Some(name) = raw.get("name").and_then(Yaml::scalar_text) else {
                loading.report(
                    Diagnostic::error("missing-name", format!("an entry of '{key}' has no 'name'"))
                        .at(raw.at.in_file(file)),
                );
                continue;
            };
            let yaml =
                loading.collecting(|diagnostics| renderer.render(raw, &|path| is_late(known, path), diagnostics));
            entries.push(Entry {
                package,
                section: known,
                path: found.path.clone(),
                relative: found.relative.clone(),
                file: file.to_owned(),
                name,
                yaml,
                raw: raw.clone(),
            });
        }
    }
}

/// What is rendered later: descriptions, tests, hooks, the query that tells a source's age, and everything that
/// unit tests hold. Inside of `meta` everything is rendered, and so is what stands under names of columns.
fn is_late(section: &str, path: &[&str]) -> bool {
    let Some(last) = path.last() else { return false };
    if path.contains(&"meta") || path.contains(&"column_types") {
        return false;
    }
    match *last {
        "description" | "tests" | "data_tests" | "loaded_at_query" => true,
        "pre_hook" | "post_hook" | "pre-hook" | "post-hook" => path.len() >= 2 && path[path.len() - 2] == "config",
        // Their Jinja is the semantic layer's: it names dimensions and metrics.
        "filter" => matches!(section, "metrics" | "saved_queries" | "semantic_models"),
        "where" | "group_by" | "order_by" => section == "saved_queries",
        "given" | "expect" | "overrides" => section == "unit_tests",
        _ => false,
    }
}
