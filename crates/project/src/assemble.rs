//! The manifest from parsed elements: names resolved, duplicates and circles told, maps built.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use millstream_core::{Diagnostic, Place, TableName};
use serde_json::Value;

use crate::graph;
use crate::limits::NODES_MAX;
use crate::manifest::{Access, DependsOn, Manifest, Node, RefArgs, ResourceType, SourceNode, TestMetadata};
use crate::names::did_you_mean;
use crate::parse::Loading;
use crate::parse::exposures::UnresolvedExposure;
use crate::parse::nodes::Unresolved;
use crate::parse::semantic::{self, UnresolvedSemantic};
use crate::parse::unit_tests::{self, Input, UnresolvedUnitTest};
use crate::resolve::{Found, Lookup, is_refable};

/// Parsed elements.
#[derive(Debug, Default)]
pub(crate) struct Elements {
    pub nodes: Vec<Unresolved>,
    pub sources: Vec<SourceNode>,
    pub exposures: Vec<UnresolvedExposure>,
    pub unit_tests: Vec<UnresolvedUnitTest>,
    pub semantics: Vec<UnresolvedSemantic>,
}

/// Puts the elements into `manifest`, which already holds macros, docs and groups. Gives the names that it knows.
pub(crate) fn assemble(loading: &Loading, elements: Elements, manifest: &mut Manifest) -> Lookup {
    let count = elements.nodes.len() + elements.sources.len() + elements.exposures.len();
    if count > NODES_MAX {
        loading.report(Diagnostic::error(
            "too-large",
            format!("the project has {count} elements; it may have {NODES_MAX}"),
        ));
    }
    add_sources(loading, elements.sources, manifest);
    let nodes = unique_nodes(loading, elements.nodes, manifest);
    let lookup = Lookup::new(
        &loading.root().name,
        nodes
            .values()
            .map(|unresolved| (&unresolved.node, true))
            .chain(manifest.disabled.values().map(|node| (node, false))),
        manifest
            .sources
            .values()
            .map(|source| (source, true))
            .chain(manifest.disabled_sources.values().map(|s| (s, false))),
    );
    let mut places = Places::default();
    let resolver = Resolving { loading, lookup: &lookup };
    let access: BTreeMap<String, (Access, Option<String>, String)> = nodes
        .values()
        .map(|unresolved| &unresolved.node)
        .map(|node| (node.unique_id.clone(), (node.access, node.group.clone(), node.package_name.clone())))
        .collect();
    for (unique_id, mut unresolved) in nodes {
        let kept = resolver.node(&mut unresolved, &access, &mut places);
        check_group(loading, &unresolved.node, manifest);
        if kept {
            manifest.nodes.insert(unique_id, unresolved.node);
        } else {
            let config = Arc::make_mut(&mut unresolved.node.config);
            config.enabled = false;
            config.values.insert("enabled".into(), false.into());
            manifest.disabled.insert(unique_id, unresolved.node);
        }
    }
    semantic::add(loading, elements.semantics, &lookup, manifest);
    for unresolved in elements.exposures {
        resolver.exposure(unresolved, manifest);
    }
    for unresolved in elements.unit_tests {
        resolver.unit_test(unresolved, manifest);
    }
    warn_deprecated(loading, manifest, &places);
    build_maps(manifest);
    report_circles(loading, manifest, &places);
    report_same_relations(loading, manifest);
    primary_keys(manifest);
    lookup
}

/// The name, with the version if there is one.
fn shown(node: &Node) -> String {
    node.version.as_ref().map_or_else(|| node.name.clone(), |version| format!("{}.v{version}", node.name))
}

/// Models whose `deprecation_date` is past, and what still reads them.
fn warn_deprecated(loading: &Loading, manifest: &Manifest, places: &Places) {
    let now = loading.environment.options().now.date_naive();
    for node in manifest.nodes.values() {
        let Some(text) = &node.deprecation_date else { continue };
        let Some(date) = text.get(..10).and_then(|date| date.parse::<chrono::NaiveDate>().ok()) else {
            loading.report(
                Diagnostic::error("wrong-type", format!("'deprecation_date' must be a date, not '{text}'"))
                    .at(node.patch_place.clone().unwrap_or_else(|| node.place.clone()))
                    .hint("write it like 2026-01-31"),
            );
            continue;
        };
        if date > now {
            // The day will come on which the same files warn.
            crate::cache::inputs::note_incomparable();
            continue;
        }
        loading.report(
            Diagnostic::warning("deprecated", format!("model '{}' is deprecated since {date}", shown(node)))
                .at(node.patch_place.clone().unwrap_or_else(|| node.place.clone()))
                .hint("remove it, or give it another 'deprecation_date'"),
        );
        for reader in manifest.nodes.values().filter(|reader| reader.depends_on.nodes.contains(&node.unique_id)) {
            let place = places.get(&(reader.unique_id.clone(), node.unique_id.clone()));
            if let Some(place) = place.filter(|_| reader.resource_type != ResourceType::Test) {
                let hint = match (&node.version, &node.latest_version) {
                    (Some(version), Some(latest)) if version != latest => format!("read version {latest} instead"),
                    _ => "read another model instead".to_owned(),
                };
                let message = format!("'{}' reads '{}', which is deprecated since {date}", reader.name, shown(node));
                loading.report(Diagnostic::warning("deprecated", message).at(place.clone()).hint(hint));
            }
        }
    }
}

/// Where a node calls a parent.
type Places = BTreeMap<(String, String), Place>;

fn add_sources(loading: &Loading, sources: Vec<SourceNode>, manifest: &mut Manifest) {
    for source in sources {
        let other =
            manifest.sources.get(&source.unique_id).or_else(|| manifest.disabled_sources.get(&source.unique_id));
        if let Some(other) = other {
            let what = format!("source table '{}.{}'", source.source_name, source.name);
            loading.report(duplicate(&what, &source.place, &other.place));
            continue;
        }
        let map = if source.enabled { &mut manifest.sources } else { &mut manifest.disabled_sources };
        map.insert(source.unique_id.clone(), source);
    }
}

/// Enabled nodes by unique id; disabled ones go to the manifest. Names that are taken are errors with both places.
fn unique_nodes(loading: &Loading, nodes: Vec<Unresolved>, manifest: &mut Manifest) -> BTreeMap<String, Unresolved> {
    let mut unique: BTreeMap<String, Unresolved> = BTreeMap::new();
    let mut names: BTreeMap<(String, String, Option<String>), (Place, ResourceType)> = BTreeMap::new();
    for unresolved in nodes {
        let node = &unresolved.node;
        if !node.config.enabled {
            manifest.disabled.insert(node.unique_id.clone(), unresolved.node);
            continue;
        }
        if let Some(other) = unique.get(&node.unique_id) {
            let what = format!("{} '{}'", node.resource_type, node.name);
            loading.report(duplicate(&what, &node.place, &other.node.place));
            continue;
        }
        if is_refable(node.resource_type) {
            let key = (node.package_name.clone(), node.name.clone(), node.version.clone());
            if let Some((place, kind)) = names.get(&key) {
                let what = format!("'{}' (a {} and a {kind})", node.name, node.resource_type);
                loading.report(duplicate(&what, &node.place, place));
            } else {
                names.insert(key, (node.place.clone(), node.resource_type));
            }
        }
        unique.insert(node.unique_id.clone(), unresolved);
    }
    unique
}

fn duplicate(what: &str, place: &Place, other: &Place) -> Diagnostic {
    Diagnostic::error("duplicate", format!("{what} occurs twice; the other one is at {other}"))
        .at(place.clone())
        .hint("rename or remove one of them, or set 'enabled: false' on it")
}

struct Resolving<'a> {
    loading: &'a Loading,
    lookup: &'a Lookup,
}

impl Resolving<'_> {
    /// Fills `depends_on.nodes`. False: the node (a test) reads something that is not there, and is taken out.
    fn node(
        &self,
        unresolved: &mut Unresolved,
        access: &BTreeMap<String, (Access, Option<String>, String)>,
        places: &mut Places,
    ) -> bool {
        let node = &mut unresolved.node;
        let is_test = node.resource_type == ResourceType::Test;
        let mut kept = true;
        for (args, place) in node.refs.clone().iter().zip(&unresolved.ref_places) {
            match self.lookup.find_ref(&node.package_name, args) {
                Found::Element(unique_id) => {
                    self.check_access(node, &unique_id, access, place);
                    add(&mut node.depends_on, &unique_id, place, &node.unique_id, places);
                }
                Found::Disabled(unique_id) => {
                    kept = !is_test;
                    if !is_test {
                        self.loading.report(disabled(&unique_id, place));
                    }
                }
                Found::Nothing(hint) => {
                    kept = !is_test;
                    self.loading.report(unknown_ref(args, place, &hint, is_test));
                }
            }
        }
        for ([source, table], place) in node.sources.clone().iter().zip(&unresolved.source_places) {
            match self.lookup.find_source(&node.package_name, source, table) {
                Found::Element(unique_id) => {
                    add(&mut node.depends_on, &unique_id, place, &node.unique_id, places);
                }
                Found::Disabled(unique_id) => {
                    kept = !is_test;
                    if !is_test {
                        self.loading.report(disabled(&unique_id, place));
                    }
                }
                Found::Nothing(hint) => {
                    kept = !is_test;
                    self.loading.report(unknown_source(source, table, place, &hint, is_test));
                }
            }
        }
        kept
    }

    fn check_access(
        &self,
        node: &Node,
        parent: &str,
        access: &BTreeMap<String, (Access, Option<String>, String)>,
        place: &Place,
    ) {
        let Some((level, group, package)) = access.get(parent) else { return };
        let is_hook = node.resource_type == ResourceType::Operation;
        let restricted = self.loading.packages.iter().any(|p| p.name == *package && p.file.restrict_access);
        let message = match level {
            Access::Private if !is_hook && (node.group != *group || (node.package_name != *package && restricted)) => {
                format!("'{parent}' is private to group '{}'", group.as_deref().unwrap_or(""))
            }
            Access::Protected if node.package_name != *package && restricted => {
                format!("'{parent}' is protected in package '{package}'")
            }
            _ => return,
        };
        self.loading.report(
            Diagnostic::error("no-access", format!("{message} and '{}' may not read it", node.unique_id))
                .at(place.clone())
                .hint("put both into the same group, or widen 'access' of the model that is read"),
        );
    }

    fn exposure(&self, unresolved: UnresolvedExposure, manifest: &mut Manifest) {
        let UnresolvedExposure { mut exposure, ref_places, source_places, metrics } = unresolved;
        if !exposure.enabled {
            return;
        }
        let mut ids = Vec::new();
        for (args, place) in exposure.refs.iter().zip(&ref_places) {
            match self.lookup.find_ref(&exposure.package_name, args) {
                Found::Element(unique_id) => ids.push(unique_id),
                Found::Disabled(unique_id) => self.loading.report(disabled(&unique_id, place)),
                Found::Nothing(hint) => self.loading.report(unknown_ref(args, place, &hint, false)),
            }
        }
        for ([source, table], place) in exposure.sources.iter().zip(&source_places) {
            match self.lookup.find_source(&exposure.package_name, source, table) {
                Found::Element(unique_id) => ids.push(unique_id),
                Found::Disabled(unique_id) => self.loading.report(disabled(&unique_id, place)),
                Found::Nothing(hint) => self.loading.report(unknown_source(source, table, place, &hint, false)),
            }
        }
        for (name, place) in &metrics {
            match manifest
                .semantics
                .values()
                .find(|found| found.resource_type == ResourceType::Metric && found.name == *name)
            {
                Some(metric) => ids.push(metric.unique_id.clone()),
                None => {
                    let known = manifest.semantics.values().filter(|found| found.resource_type == ResourceType::Metric);
                    let hint =
                        did_you_mean(name, known.map(|found| found.name.as_str()), "declare it under 'metrics:'");
                    let message = format!("there is no metric '{name}'");
                    self.loading.report(Diagnostic::error("unknown-name", message).at(place.clone()).hint(hint));
                }
            }
        }
        for unique_id in ids {
            if !exposure.depends_on.nodes.contains(&unique_id) {
                exposure.depends_on.nodes.push(unique_id);
            }
        }
        if let Some(other) = manifest.exposures.get(&exposure.unique_id) {
            self.loading.report(duplicate(&format!("exposure '{}'", exposure.name), &exposure.place, &other.place));
            return;
        }
        manifest.exposures.insert(exposure.unique_id.clone(), exposure);
    }

    fn unit_test(&self, unresolved: UnresolvedUnitTest, manifest: &mut Manifest) {
        let UnresolvedUnitTest { mut test, inputs, model_place } = unresolved;
        let args = RefArgs { name: test.model.clone(), package: None, version: None };
        match self.lookup.find_ref(&test.package_name, &args) {
            Found::Element(unique_id) if unique_id.starts_with("model.") => test.tested_node = unique_id,
            Found::Element(unique_id) => {
                self.loading.report(
                    Diagnostic::error("bad-unit-test", format!("'{unique_id}' is not a model"))
                        .at(model_place)
                        .hint("unit tests test models"),
                );
                return;
            }
            Found::Disabled(_) => return,
            Found::Nothing(hint) => {
                self.loading.report(unknown_ref(&args, &model_place, &hint, false));
                return;
            }
        }
        for (rows, (input, place)) in test.given.iter_mut().zip(inputs) {
            let found = match &input {
                Input::None => continue,
                Input::Ref(args) => self.lookup.find_ref(&test.package_name, args),
                Input::Source([source, table]) => self.lookup.find_source(&test.package_name, source, table),
            };
            match (found, &input) {
                (Found::Element(unique_id), _) => rows.input_unique_id = Some(unique_id),
                (Found::Disabled(unique_id), _) => self.loading.report(disabled(&unique_id, &place)),
                (Found::Nothing(hint), Input::Source([source, table])) => {
                    self.loading.report(unknown_source(source, table, &place, &hint, false));
                }
                (Found::Nothing(hint), Input::Ref(args)) => {
                    self.loading.report(unknown_ref(args, &place, &hint, false));
                }
                (Found::Nothing(_), Input::None) => {}
            }
        }
        if !test.enabled {
            return;
        }
        for test in unit_tests::of_versions(test, manifest) {
            if let Some(other) = manifest.unit_tests.get(&test.unique_id) {
                self.loading.report(duplicate(&format!("unit test '{}'", test.name), &test.place, &other.place));
                return;
            }
            if let Some(problem) = unit_tests::problem(&test, manifest) {
                self.loading.report(problem);
                return;
            }
            manifest.unit_tests.insert(test.unique_id.clone(), test);
        }
    }
}

fn add(depends_on: &mut DependsOn, unique_id: &str, place: &Place, child: &str, places: &mut Places) {
    if !depends_on.nodes.iter().any(|other| other == unique_id) {
        depends_on.nodes.push(unique_id.to_owned());
        places.insert((child.to_owned(), unique_id.to_owned()), place.clone());
    }
}

fn disabled(unique_id: &str, place: &Place) -> Diagnostic {
    Diagnostic::error("disabled-ref", format!("'{unique_id}' is disabled"))
        .at(place.clone())
        .hint("set 'enabled: true' on it, or do not read it")
}

/// A test of something that is not there only warns, as with dbt: the test is left out.
fn graded(code: &'static str, message: String, is_test: bool) -> Diagnostic {
    if is_test {
        Diagnostic::warning(code, format!("{message}; the test is left out"))
    } else {
        Diagnostic::error(code, message)
    }
}

fn unknown_ref(args: &RefArgs, place: &Place, hint: &str, is_test: bool) -> Diagnostic {
    let version = args.version.as_ref().map(|version| format!(", version {version}")).unwrap_or_default();
    let package = args.package.as_ref().map(|package| format!(" in package '{package}'")).unwrap_or_default();
    let message = format!("there is no model, seed or snapshot '{}'{version}{package}", args.name);
    graded("unknown-ref", message, is_test).at(place.clone()).hint(hint)
}

fn unknown_source(source: &str, table: &str, place: &Place, hint: &str, is_test: bool) -> Diagnostic {
    graded("unknown-source", format!("there is no source table '{source}.{table}'"), is_test)
        .at(place.clone())
        .hint(hint)
}

fn check_group(loading: &Loading, node: &Node, manifest: &Manifest) {
    let Some(group) = &node.group else { return };
    if manifest.groups.values().any(|known| known.name == *group) || node.attached_node.is_some() {
        return;
    }
    let known = manifest.groups.values().map(|group| group.name.as_str());
    loading.report(
        Diagnostic::error("unknown-group", format!("there is no group '{group}'"))
            .at(node.patch_place.clone().unwrap_or_else(|| node.place.clone()))
            .hint(did_you_mean(group, known, "declare it under 'groups:' in a yml file")),
    );
}

fn build_maps(manifest: &mut Manifest) {
    let nodes = manifest.nodes.values().map(|node| (&node.unique_id, node.depends_on.nodes.as_slice()));
    let exposures = manifest.exposures.values().map(|found| (&found.unique_id, found.depends_on.nodes.as_slice()));
    let unit_tests = manifest.unit_tests.values().map(|test| (&test.unique_id, test.depends_on.nodes.as_slice()));
    let semantics = manifest.semantics.values().map(|found| (&found.unique_id, found.depends_on.nodes.as_slice()));
    let (mut parent_map, mut child_map) = (graph::Edges::new(), graph::Edges::new());
    for unique_id in manifest.sources.keys() {
        parent_map.entry(unique_id.clone()).or_default();
        child_map.entry(unique_id.clone()).or_default();
    }
    for (unique_id, parents) in nodes.chain(exposures).chain(unit_tests).chain(semantics) {
        parent_map.entry(unique_id.clone()).or_default().extend(parents.iter().cloned());
        child_map.entry(unique_id.clone()).or_default();
        for parent in parents {
            child_map.entry(parent.clone()).or_default().insert(unique_id.clone());
        }
    }
    manifest.parent_map = parent_map;
    manifest.child_map = child_map;
}

fn report_circles(loading: &Loading, manifest: &Manifest, places: &Places) {
    for circle in graph::circles(&manifest.parent_map, &manifest.child_map) {
        let (Some(first), Some(last)) = (circle.first(), circle.last()) else { continue };
        let path = circle.iter().chain([first]).map(String::as_str).collect::<Vec<_>>().join(" -> ");
        let mut diagnostic = Diagnostic::error("cycle", format!("models read each other in a circle: {path}"))
            .hint("take out one of the ref() calls along the path");
        // The path goes from what is read to who reads it, so the first one reads the last one.
        diagnostic.place = places
            .get(&(first.clone(), last.clone()))
            .cloned()
            .or_else(|| manifest.nodes.get(first).map(|node| node.place.clone()));
        loading.report(diagnostic);
    }
}

/// Two nodes that would build the same relation.
fn report_same_relations(loading: &Loading, manifest: &Manifest) {
    let mut seen: BTreeMap<(Option<String>, String, String), &Node> = BTreeMap::new();
    for node in manifest.nodes.values() {
        let Some(relation_name) = &node.relation_name else { continue };
        // Names are compared without case: SQL folds them.
        let fold = |name: &str| name.to_lowercase();
        // The embedded warehouse has one database: others of a Snowflake project share it.
        let database = if node.naming.writes_database { None } else { node.database.as_deref().map(fold) };
        let key = (database, fold(&node.schema), fold(&node.alias));
        if let Some(other) = seen.get(&key) {
            loading.report(
                Diagnostic::error(
                    "same-relation",
                    format!(
                        "'{}' and '{}' (at {}) both build {relation_name}",
                        node.unique_id, other.unique_id, other.place
                    ),
                )
                .at(node.place.clone())
                .hint("give one of them another 'alias' or 'schema'"),
            );
        } else {
            seen.insert(key, node);
        }
    }
    report_shared_databases(loading, manifest);
}

/// Relations that Snowflake keeps apart by their database, which the embedded warehouse has one of: a source could
/// read what a model builds, or another source's rows, without a word.
fn report_shared_databases(loading: &Loading, manifest: &Manifest) {
    let database = |name: Option<&String>| name.map(|name| name.to_lowercase());
    let nodes = manifest.nodes.values().filter(|node| node.is_relational());
    let built = nodes.map(|node| (node.table_name(), database(node.database.as_ref()), node.unique_id.as_str()));
    let mut seen: BTreeMap<TableName, (Option<String>, &str)> =
        built.map(|(name, database, unique_id)| (name, (database, unique_id))).collect();
    for source in manifest.sources.values().filter(|source| source.naming.writes_database) {
        let own = database(source.database.as_ref());
        match seen.get(&source.table_name()) {
            Some((other, unique_id)) if *other != own => loading.report(
                Diagnostic::error(
                    "same-relation",
                    format!("'{}' and '{unique_id}' are in different databases under one name", source.unique_id),
                )
                .at(source.place.clone())
                .hint("the embedded warehouse has one database: give the source another 'schema' for this target"),
            ),
            _ => {
                seen.entry(source.table_name()).or_insert((own, &source.unique_id));
            }
        }
    }
}

/// dbt's rule: constraints first, then columns with both `unique` and `not_null`, then `unique` alone.
fn primary_keys(manifest: &mut Manifest) {
    let mut tests: BTreeMap<&str, KeyTests> = BTreeMap::new();
    for test in manifest.nodes.values().chain(manifest.disabled.values()) {
        if let (Some(attached), Some(metadata)) = (&test.attached_node, &test.test_metadata) {
            tests.entry(attached).or_default().add(metadata, test.config.enabled);
        }
    }
    let mut keys: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for node in manifest.nodes.values().filter(|node| node.resource_type == ResourceType::Model) {
        let of_model = node.constraints.iter().find(|constraint| constraint.kind == "primary_key");
        let of_column = node.columns.values().find(|column| column.constraints.iter().any(|c| c.kind == "primary_key"));
        let key = match (of_model, of_column) {
            (Some(constraint), _) => constraint.columns.clone(),
            (None, Some(column)) => vec![column.name.clone()],
            (None, None) => tests.get(node.unique_id.as_str()).map(KeyTests::key).unwrap_or_default(),
        };
        keys.insert(node.unique_id.clone(), key);
    }
    for (unique_id, key) in keys {
        if let Some(node) = manifest.nodes.get_mut(&unique_id) {
            node.primary_key = key;
        }
    }
}

/// Columns that tests of one model tell something about.
#[derive(Debug, Default)]
struct KeyTests {
    unique: BTreeSet<String>,
    unique_disabled: BTreeSet<String>,
    not_null: BTreeSet<String>,
}

impl KeyTests {
    fn add(&mut self, test: &TestMetadata, enabled: bool) {
        let set = match test.name.as_str() {
            "unique" | "unique_combination_of_columns" if enabled => &mut self.unique,
            "unique" | "unique_combination_of_columns" => &mut self.unique_disabled,
            "not_null" => &mut self.not_null,
            _ => return,
        };
        match (test.kwargs.get("column_name"), test.kwargs.get("combination_of_columns")) {
            (Some(Value::String(column)), _) => {
                set.insert(column.clone());
            }
            (_, Some(Value::Array(columns))) => {
                set.extend(columns.iter().filter_map(|column| column.as_str().map(str::to_owned)));
            }
            _ => {}
        }
    }

    fn key(&self) -> Vec<String> {
        let is_unique = |column: &&String| self.unique.contains(*column) || self.unique_disabled.contains(*column);
        let both: Vec<String> = self.not_null.iter().filter(is_unique).cloned().collect();
        if !both.is_empty() {
            return both;
        }
        let alone = if self.unique.is_empty() { &self.unique_disabled } else { &self.unique };
        alone.iter().cloned().collect()
    }
}
