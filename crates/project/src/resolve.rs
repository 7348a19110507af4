//! Names to unique ids: `ref()`, `source()`, groups and tested models.
//!
//! Guarantees: a name is looked for as dbt does (named package only; otherwise root project, own package, any other);
//! a name that leads nowhere is told with what is near. Deliberately absent: reading files.

use std::collections::BTreeMap;

use crate::manifest::{Node, RefArgs, ResourceType, SourceNode};
use crate::names::did_you_mean;

/// A `ref` target.
#[derive(Debug, Clone)]
struct Target {
    package: String,
    version: Option<String>,
    latest: Option<String>,
    unique_id: String,
    enabled: bool,
}

/// What a name leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Found {
    /// An enabled element.
    Element(String),
    /// Only a disabled one.
    Disabled(String),
    /// Nothing; how to fix it.
    Nothing(String),
}

/// All names of a project.
#[derive(Debug, Clone, Default)]
pub(crate) struct Lookup {
    root: String,
    refs: BTreeMap<String, Vec<Target>>,
    sources: BTreeMap<(String, String), Vec<Target>>,
}

impl Lookup {
    /// The names of these elements; `root` is the root project.
    pub(crate) fn new<'a>(
        root: &str,
        nodes: impl IntoIterator<Item = (&'a Node, bool)>,
        sources: impl IntoIterator<Item = (&'a SourceNode, bool)>,
    ) -> Self {
        let mut lookup = Self { root: root.to_owned(), ..Self::default() };
        for (node, enabled) in nodes {
            if is_refable(node.resource_type) {
                lookup.refs.entry(node.name.clone()).or_default().push(Target {
                    package: node.package_name.clone(),
                    version: node.version.clone(),
                    latest: node.latest_version.clone(),
                    unique_id: node.unique_id.clone(),
                    enabled,
                });
            }
        }
        for (source, enabled) in sources {
            let key = (source.source_name.clone(), source.name.clone());
            lookup.sources.entry(key).or_default().push(Target {
                package: source.package_name.clone(),
                version: None,
                latest: None,
                unique_id: source.unique_id.clone(),
                enabled,
            });
        }
        lookup
    }

    fn packages<'a>(&'a self, from: &'a str, named: Option<&'a str>) -> Vec<Option<&'a str>> {
        match named {
            Some(named) => vec![Some(named)],
            None => vec![Some(&self.root), Some(from), None],
        }
    }

    /// What `ref()` in a node of package `from` leads to.
    pub(crate) fn find_ref(&self, from: &str, args: &RefArgs) -> Found {
        let targets = self.refs.get(&args.name).map(Vec::as_slice).unwrap_or_default();
        let mut disabled = None;
        for package in self.packages(from, args.package.as_deref()) {
            let here = targets.iter().filter(|target| package.is_none_or(|package| package == target.package));
            for target in here {
                let fits = match (&args.version, &target.version) {
                    (Some(wanted), Some(version)) => wanted == version,
                    (Some(_), None) => false,
                    (None, Some(version)) => target.latest.as_ref() == Some(version),
                    (None, None) => true,
                };
                if fits && target.enabled {
                    return Found::Element(target.unique_id.clone());
                }
                if fits {
                    disabled.get_or_insert_with(|| target.unique_id.clone());
                }
            }
        }
        match disabled {
            Some(unique_id) => Found::Disabled(unique_id),
            None => Found::Nothing(self.ref_hint(args, targets)),
        }
    }

    fn ref_hint(&self, args: &RefArgs, targets: &[Target]) -> String {
        if args.version.is_some() {
            let versions: Vec<&str> = targets.iter().filter_map(|target| target.version.as_deref()).collect();
            if !versions.is_empty() {
                return format!("versions that it has: {}", versions.join(", "));
            }
            if !targets.is_empty() {
                return format!("'{}' has no versions: leave the version out", args.name);
            }
        }
        if let (Some(package), Some(target)) = (&args.package, targets.first()) {
            return format!("it is in package '{}', not in '{package}'", target.package);
        }
        let known = self.refs.iter().filter(|(_, targets)| targets.iter().any(|target| target.enabled));
        did_you_mean(
            &args.name,
            known.map(|(name, _)| name.as_str()),
            "create the model, or use source() for a table that something else loads",
        )
    }

    /// What `source()` in a node of package `from` leads to.
    pub(crate) fn find_source(&self, from: &str, source: &str, table: &str) -> Found {
        let key = (source.to_owned(), table.to_owned());
        let targets = self.sources.get(&key).map(Vec::as_slice).unwrap_or_default();
        for package in self.packages(from, None) {
            let mut here = targets.iter().filter(|target| package.is_none_or(|package| package == target.package));
            if let Some(target) = here.find(|target| target.enabled) {
                return Found::Element(target.unique_id.clone());
            }
        }
        if let Some(target) = targets.first() {
            return Found::Disabled(target.unique_id.clone());
        }
        let tables: Vec<&str> =
            self.sources.keys().filter(|(name, _)| name == source).map(|(_, table)| table.as_str()).collect();
        Found::Nothing(if tables.is_empty() {
            let known = self.sources.keys().map(|(name, _)| name.as_str());
            did_you_mean(source, known, "declare it under 'sources:' in a yml file")
        } else {
            let fallback = format!("tables that '{source}' has: {}", tables.join(", "));
            did_you_mean(table, tables.iter().copied(), &fallback)
        })
    }
}

/// Whether `ref()` can name it.
pub(crate) fn is_refable(kind: ResourceType) -> bool {
    matches!(kind, ResourceType::Model | ResourceType::Seed | ResourceType::Snapshot)
}
