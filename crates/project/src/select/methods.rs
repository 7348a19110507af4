//! Selector methods: what `tag:x`, `path:y`, … match.

use glob::{MatchOptions, Pattern};
use millstream_core::{Error, Result};
use serde_json::Value;

use super::Ids;
use super::criterion::Criterion;
use crate::manifest::{Access, Exposure, Manifest, Node, ResourceType, Semantic, SourceNode, UnitTest};
use crate::project::Project;

/// One element of the graph.
#[derive(Clone, Copy)]
enum Element<'m> {
    Node(&'m Node),
    Source(&'m SourceNode),
    Exposure(&'m Exposure),
    UnitTest(&'m UnitTest),
    Semantic(&'m Semantic),
}

/// Unique ids that the criterion itself matches, without relatives.
pub(super) fn search(project: &Project, criterion: &Criterion) -> Result<Ids> {
    let manifest = &project.manifest;
    let value = criterion.text();
    let matcher: Box<dyn Fn(Element<'_>) -> bool> = match criterion.method.as_str() {
        "fqn" => Box::new(move |element| element.matches_fqn(&value)),
        "tag" => Box::new(move |element| element.tags().iter().any(|tag| matches(&value, tag))),
        // The group that tests inherit does not select them, as with dbt.
        "group" => Box::new(move |element| {
            let Element::Node(node) = element else { return false };
            node.config.group.as_ref().is_some_and(|group| matches(&value, group))
        }),
        "access" => {
            let wanted = match value.as_str() {
                "private" => Access::Private,
                "protected" => Access::Protected,
                "public" => Access::Public,
                _ => return bad(criterion, "access is private, protected or public"),
            };
            Box::new(move |element| {
                matches!(element, Element::Node(node)
                    if node.resource_type == ResourceType::Model && node.access == wanted)
            })
        }
        "source" => source(criterion, &value)?,
        "exposure" => {
            let (package, name) = packaged(criterion, &value)?;
            Box::new(move |element| match element {
                Element::Exposure(found) => matches(&package, &found.package_name) && matches(&name, &found.name),
                _ => false,
            })
        }
        "unit_test" => {
            let (package, name) = packaged(criterion, &value)?;
            Box::new(move |element| match element {
                Element::UnitTest(test) => matches(&package, &test.package_name) && matches(&name, &test.name),
                _ => false,
            })
        }
        "semantic_model" | "metric" | "saved_query" => {
            let (package, name) = packaged(criterion, &value)?;
            let wanted: ResourceType = criterion.method.parse()?;
            Box::new(move |element| match element {
                Element::Semantic(found) => {
                    found.resource_type == wanted
                        && matches(&package, &found.package_name)
                        && matches(&name, &found.name)
                }
                _ => false,
            })
        }
        "path" => path(criterion, &value)?,
        "file" => Box::new(move |element| {
            let path = element.path();
            let name = path.rsplit('/').next().unwrap_or(path);
            let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
            matches(&value, name) || matches(&value, stem)
        }),
        "package" => {
            let value = if value == "this" { project.config.name.clone() } else { value };
            Box::new(move |element| matches(&value, element.package()))
        }
        "config" => config(criterion)?,
        "resource_type" => {
            let kind: ResourceType = value.parse()?;
            Box::new(move |element| element.kind() == kind)
        }
        "test_name" => Box::new(move |element| match element {
            Element::Node(node) => node.test_metadata.as_ref().is_some_and(|test| matches(&value, &test.name)),
            Element::UnitTest(test) => matches(&value, &test.name),
            _ => false,
        }),
        "test_type" => test_type(criterion, &value)?,
        "version" => version(criterion, &value)?,
        // Known to dbt; a project has none of them here.
        _ => Box::new(|_| false),
    };
    Ok(elements(manifest).filter(|(_, element)| matcher(*element)).map(|(id, _)| id.clone()).collect())
}

fn elements(manifest: &Manifest) -> impl Iterator<Item = (&String, Element<'_>)> {
    let nodes = manifest.nodes.iter().map(|(id, node)| (id, Element::Node(node)));
    let sources = manifest.sources.iter().map(|(id, source)| (id, Element::Source(source)));
    let exposures = manifest.exposures.iter().map(|(id, exposure)| (id, Element::Exposure(exposure)));
    let unit_tests = manifest.unit_tests.iter().map(|(id, test)| (id, Element::UnitTest(test)));
    let semantics = manifest.semantics.iter().map(|(id, found)| (id, Element::Semantic(found)));
    nodes.chain(sources).chain(exposures).chain(unit_tests).chain(semantics)
}

fn bad<T>(criterion: &Criterion, why: &str) -> Result<T> {
    Err(Error::usage(format!("'{}:{}' is not a selector: {why}", criterion.method, criterion.text())))
}

type Matcher = Box<dyn Fn(Element<'_>) -> bool>;

fn source(criterion: &Criterion, value: &str) -> Result<Matcher> {
    let parts: Vec<String> = value.split('.').map(str::to_owned).collect();
    let any = || "*".to_owned();
    let (package, source, table) = match parts.as_slice() {
        [source] => (any(), source.clone(), any()),
        [source, table] => (any(), source.clone(), table.clone()),
        [package, source, table] => (package.clone(), source.clone(), table.clone()),
        _ => return bad(criterion, "write source, source.table or package.source.table"),
    };
    Ok(Box::new(move |element| match element {
        Element::Source(found) => {
            matches(&package, &found.package_name)
                && matches(&source, &found.source_name)
                && matches(&table, &found.name)
        }
        _ => false,
    }))
}

fn packaged(criterion: &Criterion, value: &str) -> Result<(String, String)> {
    match value.split('.').collect::<Vec<_>>().as_slice() {
        [name] => Ok(("*".into(), (*name).to_owned())),
        [package, name] => Ok(((*package).to_owned(), (*name).to_owned())),
        _ => bad(criterion, "write the name, or the package and the name"),
    }
}

/// Files and folders that the pattern names; `*` stays within a folder, `**` does not.
fn path(criterion: &Criterion, value: &str) -> Result<Matcher> {
    let cleaned = value.trim_start_matches("./").trim_end_matches('/').to_owned();
    let Ok(pattern) = Pattern::new(&cleaned) else { return bad(criterion, "the pattern cannot be read") };
    let options = MatchOptions { require_literal_separator: true, ..MatchOptions::new() };
    Ok(Box::new(move |element| {
        let hit = |path: &str| pattern.matches_with(path, options);
        let file = element.file();
        let patch = element.patch_file();
        hit(&file)
            || patch.is_some_and(|patch| hit(&patch))
            || file.match_indices('/').any(|(end, _)| hit(&file[..end]))
    }))
}

fn config(criterion: &Criterion) -> Result<Matcher> {
    if criterion.arguments.is_empty() {
        return bad(criterion, "name the setting: config.materialized:table");
    }
    let path = criterion.arguments.clone();
    let wanted = criterion.value.clone();
    let ignore_case = path == ["severity"];
    let same = move |value: &Value| match (value, &wanted) {
        (Value::String(value), Value::String(wanted)) if ignore_case => value.eq_ignore_ascii_case(wanted),
        (Value::String(value), Value::String(wanted)) => value == wanted,
        (Value::Bool(value), Value::String(wanted)) => wanted.eq_ignore_ascii_case(&value.to_string()),
        (Value::Number(value), Value::String(wanted)) => value.to_string() == *wanted,
        (value, wanted) => value == wanted,
    };
    Ok(Box::new(move |element| {
        let Some(config) = element.config() else { return false };
        let mut value = &config;
        for part in &path {
            match value.get(part) {
                Some(inner) => value = inner,
                None => return false,
            }
        }
        match value {
            Value::Array(items) => items.iter().any(&same),
            other => same(other),
        }
    }))
}

fn test_type(criterion: &Criterion, value: &str) -> Result<Matcher> {
    let (generic, singular, unit) = match value {
        "generic" | "schema" => (true, false, false),
        "singular" => (false, true, false),
        "data" => (true, true, false),
        "unit" => (false, false, true),
        _ => return bad(criterion, "test types are generic, singular, data and unit"),
    };
    Ok(Box::new(move |element| match element {
        Element::Node(node) if node.resource_type == ResourceType::Test => {
            if node.test_metadata.is_some() {
                generic
            } else {
                singular
            }
        }
        Element::UnitTest(_) => unit,
        _ => false,
    }))
}

fn version(criterion: &Criterion, value: &str) -> Result<Matcher> {
    if !matches!(value, "latest" | "prerelease" | "old" | "none") {
        return bad(criterion, "versions are latest, prerelease, old and none");
    }
    let value = value.to_owned();
    Ok(Box::new(move |element| {
        let Element::Node(node) = element else { return false };
        if node.resource_type != ResourceType::Model {
            return false;
        }
        let (Some(version), Some(latest)) = (&node.version, &node.latest_version) else { return value == "none" };
        let order = match (version.parse::<f64>(), latest.parse::<f64>()) {
            (Ok(version), Ok(latest)) => version.total_cmp(&latest),
            _ => version.cmp(latest),
        };
        match value.as_str() {
            "latest" => order.is_eq(),
            "prerelease" => order.is_gt(),
            "old" => order.is_lt(),
            _ => false,
        }
    }))
}

/// Shell wildcards over the whole text: `*`, `?`, `[…]`. Unlike in paths, `*` matches everything.
fn matches(pattern: &str, text: &str) -> bool {
    if !pattern.contains(['*', '?', '[']) {
        return pattern == text;
    }
    let mut single = pattern.to_owned();
    while single.contains("**") {
        single = single.replace("**", "*");
    }
    Pattern::new(&single).is_ok_and(|pattern| pattern.matches(text))
}

/// Whether a dotted name selects an fqn: the last part alone, or parts from the start, or wildcards.
fn selects(fqn: &[String], wanted: &str, is_versioned: bool) -> bool {
    let parts: Vec<&str> = wanted.split('.').collect();
    let Some(last) = fqn.last() else { return false };
    let leaf = if is_versioned && fqn.len() >= 2 { &fqn[fqn.len() - 2] } else { last };
    if leaf == wanted {
        return true;
    }
    if is_versioned && fqn.len() >= 2 {
        let own = format!("{leaf}_{last}");
        let given = parts[parts.len().saturating_sub(2)..].join("_");
        if own == given {
            return true;
        }
    }
    let flat: Vec<&str> = fqn.iter().flat_map(|segment| segment.split('.')).collect();
    if flat.len() < parts.len() {
        return false;
    }
    for (at, part) in parts.iter().enumerate() {
        if part.contains(['*', '?', '[', ']']) {
            // From the first wildcard on, the rest is matched as one text.
            return matches(&parts[at..].join("."), &flat[at..].join("."))
                || (parts.len() == 1 && matches(wanted, leaf));
        }
        if flat[at] != *part {
            return false;
        }
    }
    true
}

impl Element<'_> {
    fn matches_fqn(&self, wanted: &str) -> bool {
        let (fqn, is_versioned) = match self {
            Self::Node(node) => (&node.fqn, node.version.is_some()),
            Self::Exposure(exposure) => (&exposure.fqn, false),
            Self::UnitTest(test) => (&test.fqn, false),
            Self::Semantic(found) => (&found.fqn, false),
            Self::Source(_) => return false,
        };
        selects(fqn, wanted, is_versioned) || fqn.get(1..).is_some_and(|rest| selects(rest, wanted, is_versioned))
    }

    fn tags(&self) -> &[String] {
        match self {
            Self::Node(node) => &node.tags,
            Self::Source(source) => &source.tags,
            Self::Exposure(exposure) => &exposure.tags,
            Self::UnitTest(test) => &test.tags,
            Self::Semantic(found) => &found.tags,
        }
    }

    fn package(&self) -> &str {
        match self {
            Self::Node(node) => &node.package_name,
            Self::Source(source) => &source.package_name,
            Self::Exposure(exposure) => &exposure.package_name,
            Self::UnitTest(test) => &test.package_name,
            Self::Semantic(found) => &found.package_name,
        }
    }

    fn kind(&self) -> ResourceType {
        match self {
            Self::Node(node) => node.resource_type,
            Self::Source(_) => ResourceType::Source,
            Self::Exposure(_) => ResourceType::Exposure,
            Self::UnitTest(_) => ResourceType::UnitTest,
            Self::Semantic(found) => found.resource_type,
        }
    }

    fn path(&self) -> &str {
        match self {
            Self::Node(node) => &node.original_file_path,
            Self::Source(source) => &source.original_file_path,
            Self::Exposure(exposure) => &exposure.original_file_path,
            Self::UnitTest(test) => &test.original_file_path,
            Self::Semantic(found) => &found.original_file_path,
        }
    }

    /// Path from the project folder; elements of packages are under the package's folder.
    fn file(&self) -> String {
        match self {
            Self::Node(node) => node.file(),
            _ => self.path().to_owned(),
        }
    }

    fn patch_file(&self) -> Option<String> {
        let Self::Node(node) = self else { return None };
        let (_, path) = node.patch_path.as_deref()?.split_once("://")?;
        Some(if node.package_dir.is_empty() { path.to_owned() } else { format!("{}/{path}", node.package_dir) })
    }

    fn config(&self) -> Option<Value> {
        match self {
            Self::Node(node) => Some(Value::Object(node.config.values.clone())),
            Self::Source(source) => Some(serde_json::json!({
                "enabled": source.enabled,
                "meta": source.meta,
                "tags": source.tags,
                "event_time": source.event_time,
                "loaded_at_field": source.loaded_at_field,
            })),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_select_by_leaf_by_prefix_and_by_wildcard() {
        let fqn: Vec<String> = ["shop", "staging", "erp", "stg_users"].map(str::to_owned).into();
        for yes in [
            "stg_users",
            "shop",
            "shop.staging",
            "shop.staging.erp.stg_users",
            "shop.*",
            "stg_*",
            "*users",
            "shop.staging.*_users",
        ] {
            assert!(selects(&fqn, yes, false), "{yes}");
        }
        for no in ["stg", "staging.stg_users", "shop.erp", "shop.staging.erp.stg_users.x", "stg_?"] {
            assert!(!selects(&fqn, no, false), "{no}");
        }
        let versioned: Vec<String> = ["shop", "dim", "v2"].map(str::to_owned).into();
        for yes in ["dim", "dim.v2", "dim_v2", "shop.dim"] {
            assert!(selects(&versioned, yes, true), "{yes}");
        }
        assert!(!selects(&versioned, "dim_v1", true));
    }

    #[test]
    fn double_stars_outside_of_paths_are_single_ones() {
        assert!(matches("a**z", "abcz"));
        assert!(!matches("a[", "a["));
    }
}
