//! `dbt_project.yml`, rendered and typed.

use std::collections::BTreeMap;

use millstream_core::{Diagnostic, Diagnostics, Place};
use serde_json::{Map, Value};

use super::render::Renderer;
use super::tree::ConfigTree;
use super::version;
use crate::names::did_you_mean;
use crate::yaml::{Entry, Kind, Yaml};

/// Keys that `dbt_project.yml` may have, for "did you mean".
const KEYS: &[&str] = &[
    "name",
    "version",
    "config-version",
    "profile",
    "model-paths",
    "seed-paths",
    "test-paths",
    "analysis-paths",
    "macro-paths",
    "snapshot-paths",
    "docs-paths",
    "asset-paths",
    "function-paths",
    "target-path",
    "log-path",
    "packages-install-path",
    "clean-targets",
    "require-dbt-version",
    "flags",
    "vars",
    "dispatch",
    "quoting",
    "query-comment",
    "on-run-start",
    "on-run-end",
    "models",
    "seeds",
    "snapshots",
    "tests",
    "data_tests",
    "unit_tests",
    "sources",
    "exposures",
    "metrics",
    "semantic-models",
    "saved-queries",
    "functions",
    "restrict-access",
    "dbt-cloud",
    "profile-name",
    "packages",
    "analyses",
    "anchors",
];

/// Names that folders had before dbt 1.0, which dbt still takes with a warning: the old one and today's.
const OLDER_PATHS: [(&str, &str); 2] = [("source-paths", "model-paths"), ("data-paths", "seed-paths")];

/// A hook of the whole run (`on-run-start`, `on-run-end`), not rendered.
#[derive(Debug, Clone)]
pub(crate) struct RunHook {
    /// The text.
    pub sql: String,
    /// Where it stands.
    pub place: Place,
}

/// A `dbt_project.yml`.
#[derive(Debug, Default)]
pub(crate) struct ProjectFile {
    /// Name of the project or package.
    pub name: String,
    /// Where the name stands.
    pub name_place: Option<Place>,
    /// Its own version.
    pub version: Option<String>,
    /// Folders of models.
    pub model_paths: Vec<String>,
    /// Folders of seeds.
    pub seed_paths: Vec<String>,
    /// Folders of singular tests and, under `generic/`, generic ones.
    pub test_paths: Vec<String>,
    /// Folders of analyses.
    pub analysis_paths: Vec<String>,
    /// Folders of macros.
    pub macro_paths: Vec<String>,
    /// Folders of snapshots.
    pub snapshot_paths: Vec<String>,
    /// Folders of documentation; none: all of the others.
    pub docs_paths: Vec<String>,
    /// Where artifacts go.
    pub target_path: String,
    /// Where packages are installed.
    pub packages_install_path: String,
    /// Folders that `clean` removes.
    pub clean_targets: Vec<String>,
    /// `flags:` as written.
    pub flags: Map<String, Value>,
    /// `vars:` as written.
    pub vars: Map<String, Value>,
    /// `dispatch:`: macro namespace to packages.
    pub dispatch: BTreeMap<String, Vec<String>>,
    /// `quoting:` as written.
    pub quoting: Map<String, Value>,
    /// `query-comment:` as written.
    pub query_comment: Option<Value>,
    /// Hooks before the run.
    pub on_run_start: Vec<RunHook>,
    /// Hooks after the run.
    pub on_run_end: Vec<RunHook>,
    /// Configuration trees by section.
    pub trees: BTreeMap<&'static str, ConfigTree>,
    /// The same, not rendered.
    pub unrendered_trees: BTreeMap<&'static str, ConfigTree>,
    /// Whether refs from other packages need public access.
    pub restrict_access: bool,
}

/// Sections with configuration trees; the second name is an older spelling.
const SECTIONS: [(&str, &str); 10] = [
    ("models", "models"),
    ("seeds", "seeds"),
    ("snapshots", "snapshots"),
    ("data_tests", "tests"),
    ("sources", "sources"),
    ("exposures", "exposures"),
    ("unit_tests", "unit_tests"),
    ("semantic_models", "semantic-models"),
    ("metrics", "metrics"),
    ("saved_queries", "saved-queries"),
];

/// Types and renders a `dbt_project.yml`. `file` is its path as messages show it.
pub(crate) fn read(raw: &Yaml, file: &str, renderer: &Renderer<'_>, diagnostics: &mut Diagnostics) -> ProjectFile {
    let yaml = renderer.render(raw, &is_late, diagnostics);
    let reader = Reader { yaml: &yaml, file };
    if !matches!(yaml.kind, Kind::Map(_)) {
        diagnostics.push(
            Diagnostic::error("bad-project", "dbt_project.yml must be a mapping of settings")
                .at(Place::file(file))
                .hint("start it with 'name: my_project'"),
        );
    }
    for entry in yaml.entries() {
        if let Some((_, newer)) = OLDER_PATHS.iter().find(|(older, _)| *older == entry.key) {
            diagnostics.push(reader.older_path(entry, newer));
        } else if !KEYS.contains(&entry.key.as_str()) {
            diagnostics.push(
                Diagnostic::warning("unknown-key", format!("'{}' is not a key of dbt_project.yml", entry.key))
                    .at(entry.at.in_file(file))
                    .hint(did_you_mean(&entry.key, KEYS.iter().copied(), "remove it")),
            );
        }
    }
    let mut project = ProjectFile {
        name: reader.name(diagnostics),
        name_place: yaml.get("name").map(|name| name.at.in_file(file)),
        version: yaml.get("version").and_then(Yaml::scalar_text),
        model_paths: reader.paths("model-paths", &["models"], diagnostics),
        seed_paths: reader.paths("seed-paths", &["seeds"], diagnostics),
        test_paths: reader.paths("test-paths", &["tests"], diagnostics),
        analysis_paths: reader.paths("analysis-paths", &["analyses"], diagnostics),
        macro_paths: reader.paths("macro-paths", &["macros"], diagnostics),
        snapshot_paths: reader.paths("snapshot-paths", &["snapshots"], diagnostics),
        docs_paths: reader.paths("docs-paths", &[], diagnostics),
        target_path: reader.text("target-path", diagnostics).unwrap_or_else(|| "target".into()),
        packages_install_path: reader
            .text("packages-install-path", diagnostics)
            .unwrap_or_else(|| "dbt_packages".into()),
        clean_targets: reader.paths("clean-targets", &["target"], diagnostics),
        flags: reader.map("flags", diagnostics),
        vars: reader.map("vars", diagnostics),
        dispatch: reader.dispatch(diagnostics),
        quoting: reader.map("quoting", diagnostics),
        query_comment: yaml.get("query-comment").map(Yaml::to_json),
        on_run_start: reader.run_hooks("on-run-start", diagnostics),
        on_run_end: reader.run_hooks("on-run-end", diagnostics),
        restrict_access: yaml.get("restrict-access").is_some_and(|value| value.kind == Kind::Bool(true)),
        ..ProjectFile::default()
    };
    version::check(yaml.get("require-dbt-version"), &project.name, file, diagnostics);
    for (section, older) in SECTIONS {
        project.trees.insert(section, reader.tree(section, older, diagnostics));
        let unrendered = Reader { yaml: raw, file }.tree(section, older, &mut Diagnostics::new());
        project.unrendered_trees.insert(section, unrendered);
    }
    project
}

/// What is rendered later or never: hooks, comments and variables.
fn is_late(path: &[&str]) -> bool {
    match path {
        [first, ..] if matches!(*first, "on-run-start" | "on-run-end" | "query-comment" | "vars") => true,
        [first, rest @ ..] if SECTIONS.iter().any(|(name, older)| first == name || first == older) => {
            rest.iter().any(|key| {
                matches!(key.trim_start_matches(['+', ' ']), "pre-hook" | "post-hook" | "pre_hook" | "post_hook")
            })
        }
        _ => false,
    }
}

struct Reader<'a> {
    yaml: &'a Yaml,
    file: &'a str,
}

impl Reader<'_> {
    fn wrong(&self, key: &str, value: &Yaml, wanted: &str) -> Diagnostic {
        Diagnostic::error("wrong-type", format!("'{key}' must be {wanted}, not {}", value.describe()))
            .at(value.at.in_file(self.file))
    }

    fn name(&self, diagnostics: &mut Diagnostics) -> String {
        let Some(value) = self.yaml.get("name") else {
            diagnostics.push(
                Diagnostic::error("bad-project", "dbt_project.yml has no 'name'")
                    .at(Place::file(self.file))
                    .hint("add 'name: my_project'"),
            );
            return String::from("project");
        };
        let name = value.scalar_text().unwrap_or_default();
        let starts_well = name.starts_with(|c: char| c.is_alphabetic() || c == '_');
        if !starts_well || !name.chars().all(|c| c.is_alphanumeric() || c == '_') {
            diagnostics.push(
                Diagnostic::error("bad-project", format!("'{name}' is not a project name"))
                    .at(value.at.in_file(self.file))
                    .hint("use letters, digits and underscores, not starting with a digit"),
            );
        }
        name
    }

    fn text(&self, key: &str, diagnostics: &mut Diagnostics) -> Option<String> {
        let value = self.yaml.get(key)?;
        let text = value.scalar_text();
        if text.is_none() {
            diagnostics.push(self.wrong(key, value, "text"));
        }
        text
    }

    fn paths(&self, key: &str, default: &[&str], diagnostics: &mut Diagnostics) -> Vec<String> {
        let older = OLDER_PATHS.iter().find(|(_, newer)| *newer == key).and_then(|(older, _)| self.yaml.get(older));
        let Some(value) = self.yaml.get(key).or(older) else {
            return default.iter().map(|path| (*path).to_owned()).collect();
        };
        let items = match &value.kind {
            Kind::List(items) => items.as_slice(),
            _ => std::slice::from_ref(value),
        };
        let mut paths = Vec::new();
        for item in items {
            match item.text() {
                Some(path) if path.starts_with('/') => diagnostics.push(
                    Diagnostic::error("bad-path", format!("'{key}' must be relative to the project, not '{path}'"))
                        .at(item.at.in_file(self.file)),
                ),
                Some(path) => paths.push(path.trim_end_matches('/').to_owned()),
                None => diagnostics.push(self.wrong(key, item, "a list of folders")),
            }
        }
        paths
    }

    /// What to say of a key with the name of before dbt 1.0: it is read, unless today's name stands beside it.
    fn older_path(&self, entry: &Entry, newer: &str) -> Diagnostic {
        let older = &entry.key;
        let diagnostic = if self.yaml.get(newer).is_some() {
            Diagnostic::error("bad-project", format!("'{older}' and '{newer}' are two names of the same setting"))
                .hint(format!("remove '{older}'"))
        } else {
            Diagnostic::warning("deprecated", format!("'{older}' is the old name of '{newer}'"))
                .hint(format!("rename it to '{newer}'"))
        };
        diagnostic.at(entry.at.in_file(self.file))
    }

    fn map(&self, key: &str, diagnostics: &mut Diagnostics) -> Map<String, Value> {
        match self.yaml.get(key) {
            Some(value) if !matches!(value.kind, Kind::Map(_)) => {
                diagnostics.push(self.wrong(key, value, "a mapping"));
                Map::new()
            }
            Some(value) => value.to_json_map(),
            None => Map::new(),
        }
    }

    fn dispatch(&self, diagnostics: &mut Diagnostics) -> BTreeMap<String, Vec<String>> {
        let mut all = BTreeMap::new();
        for item in self.yaml.get("dispatch").map(Yaml::items).unwrap_or_default() {
            let namespace = item.get("macro_namespace").and_then(Yaml::text);
            let order = item.get("search_order").map(Yaml::items);
            match (namespace, order) {
                (Some(namespace), Some(order)) => {
                    all.insert(namespace.to_owned(), order.iter().filter_map(Yaml::scalar_text).collect());
                }
                _ => diagnostics.push(
                    Diagnostic::error(
                        "bad-project",
                        "an entry of 'dispatch' lacks 'macro_namespace' or 'search_order'",
                    )
                    .at(item.at.in_file(self.file)),
                ),
            }
        }
        all
    }

    fn run_hooks(&self, key: &str, diagnostics: &mut Diagnostics) -> Vec<RunHook> {
        let Some(value) = self.yaml.get(key) else { return Vec::new() };
        let items = match &value.kind {
            Kind::List(items) => items.as_slice(),
            _ => std::slice::from_ref(value),
        };
        let mut hooks = Vec::new();
        for item in items {
            match item.text().or_else(|| item.get("sql").and_then(Yaml::text)) {
                Some(sql) => hooks.push(RunHook { sql: sql.to_owned(), place: item.at.in_file(self.file) }),
                None => diagnostics.push(self.wrong(key, item, "SQL text or a list of it")),
            }
        }
        hooks
    }

    fn tree(&self, section: &'static str, older: &str, diagnostics: &mut Diagnostics) -> ConfigTree {
        let value = self.yaml.get(section).or_else(|| self.yaml.get(older));
        let root = value.filter(|value| {
            let is_map = matches!(value.kind, Kind::Map(_));
            if !is_map {
                diagnostics.push(self.wrong(section, value, "a mapping"));
            }
            is_map
        });
        ConfigTree::new(section, root.cloned(), self.file)
    }
}
