//! The `models:`, `seeds:`, `snapshots:`, `data_tests:`, `sources:`, … trees of `dbt_project.yml`.

use std::collections::BTreeSet;

use millstream_core::{Diagnostic, Diagnostics};

use super::merge::{Setting, Settings, canonical};
use crate::yaml::{Kind, Yaml};

/// One tree, rendered, and which of its folders applied to something.
#[derive(Debug, Default)]
pub(crate) struct ConfigTree {
    /// Key in `dbt_project.yml`: `models`, …
    pub section: &'static str,
    root: Option<Yaml>,
    file: String,
    used: std::sync::Mutex<BTreeSet<Vec<String>>>,
}

impl ConfigTree {
    /// The tree of a section. `file` is where it stands, for messages.
    pub(crate) fn new(section: &'static str, root: Option<Yaml>, file: &str) -> Self {
        Self { section, root, file: file.to_owned(), used: std::sync::Mutex::default() }
    }

    /// Settings for the element with this fqn, from the widest folder to the narrowest.
    pub(crate) fn levels(&self, fqn: &[String]) -> Vec<Settings> {
        let mut levels = Vec::new();
        let Some(mut node) = self.root.as_ref() else { return levels };
        levels.push(self.level(node));
        let mut path = Vec::new();
        for part in fqn {
            match node.entry(part).map(|entry| &entry.value) {
                Some(value) if matches!(value.kind, Kind::Map(_)) => {
                    path.push(part.clone());
                    if let Ok(mut used) = self.used.lock() {
                        used.insert(path.clone());
                    }
                    levels.push(self.level(value));
                    node = value;
                }
                _ => break,
            }
        }
        levels
    }

    /// A key is a setting when it starts with `+` or is not a mapping; anything else is a folder.
    fn level(&self, node: &Yaml) -> Settings {
        node.entries()
            .iter()
            .filter_map(|entry| {
                let name = match entry.key.strip_prefix('+') {
                    Some(name) => name.trim(),
                    None if matches!(entry.value.kind, Kind::Map(_)) => return None,
                    None => entry.key.as_str(),
                };
                let setting = Setting { value: entry.value.to_json(), place: entry.at.in_file(&self.file) };
                Some((canonical(name).to_owned(), setting))
            })
            .collect()
    }

    /// A warning for each folder in the tree that applies to nothing: most often a misspelt name or a missing `+`.
    pub(crate) fn warn_unused(&self, diagnostics: &mut Diagnostics) {
        let Some(root) = &self.root else { return };
        let Ok(used) = self.used.lock() else { return };
        self.unused_below(root, &mut Vec::new(), &used, diagnostics);
    }

    fn unused_below(
        &self,
        node: &Yaml,
        path: &mut Vec<String>,
        used: &BTreeSet<Vec<String>>,
        diagnostics: &mut Diagnostics,
    ) {
        for entry in node.entries() {
            if entry.key.starts_with('+') || !matches!(entry.value.kind, Kind::Map(_)) {
                continue;
            }
            path.push(entry.key.clone());
            if used.contains(path) {
                self.unused_below(&entry.value, path, used, diagnostics);
            } else {
                let shown = format!("{}.{}", self.section, path.join("."));
                let hint = if super::known::is_known(&entry.key) {
                    format!("'{}' is a setting: write '+{}'", entry.key, entry.key)
                } else {
                    "the first key is the project's name, the next ones are folders under the path of the section"
                        .into()
                };
                diagnostics.push(
                    Diagnostic::warning("unused-config-path", format!("configuration '{shown}' applies to nothing"))
                        .at(entry.at.in_file(&self.file))
                        .hint(hint),
                );
            }
            path.pop();
        }
    }
}
