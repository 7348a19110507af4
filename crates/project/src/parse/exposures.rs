//! Exposures.

use millstream_core::{Diagnostic, Place};
use millstream_jinja::{ParseContext, Parsed, Template};

use super::describe::describe;
use super::properties::Entry;
use super::{Loading, columns, draft, groups, nodes};
use crate::config::merge;
use crate::config::typed;
use crate::manifest::{DependsOn, Exposure, RefArgs, ResourceType};
use crate::yaml::{Kind, Yaml};

const KEYS: &[&str] = &[
    "name",
    "type",
    "owner",
    "depends_on",
    "description",
    "label",
    "maturity",
    "url",
    "meta",
    "tags",
    "config",
    "enabled",
];

/// `type:` of an exposure.
const TYPES: &[&str] = &["dashboard", "notebook", "analysis", "ml", "application"];

/// An exposure whose names are not resolved yet.
#[derive(Debug, Clone)]
pub(crate) struct UnresolvedExposure {
    pub exposure: Exposure,
    pub ref_places: Vec<Place>,
    pub source_places: Vec<Place>,
    /// Metrics that it names, with where.
    pub metrics: Vec<(String, Place)>,
}

/// One `exposures:` entry.
pub(crate) fn read(loading: &Loading, entry: &Entry) -> UnresolvedExposure {
    entry.warn_unknown(loading, &entry.yaml, "an exposure", KEYS);
    let package = &loading.packages[entry.package];
    let yaml = &entry.yaml;
    let text = |key: &str| yaml.get(key).and_then(Yaml::scalar_text);
    let mut fqn = draft::fqn_prefix(package, &entry.relative);
    fqn.push(entry.name.clone());
    let patch = yaml.get("config").map(|config| merge::from_yaml(config, &entry.file)).unwrap_or_default();
    let settings = nodes::settings(loading, entry.package, "exposures", &fqn, &patch, &[]);
    let config = loading.collecting(|diagnostics| typed::node_config(ResourceType::Exposure, &settings, diagnostics));
    let kind = match text("type") {
        Some(kind) if TYPES.contains(&kind.as_str()) => kind,
        other => {
            let message = match other {
                Some(other) => format!("'{other}' is not a type of exposures"),
                None => format!("exposure '{}' has no 'type'", entry.name),
            };
            loading.report(
                Diagnostic::error("bad-exposure", message)
                    .at(yaml.get("type").map_or_else(|| entry.place(), |kind| kind.at.in_file(&entry.file)))
                    .hint(format!("use one of: {}", TYPES.join(", "))),
            );
            String::new()
        }
    };
    let mut meta = config.meta.clone();
    meta.extend(columns::meta(entry, yaml, loading));
    let mut tags = config.tags.clone();
    for tag in columns::tags(entry, yaml, loading) {
        if !tags.contains(&tag) {
            tags.push(tag);
        }
    }
    let described = yaml.get("description").map(|text| {
        let place = text.at.in_file(&entry.file);
        describe(loading, &package.name, &text.scalar_text().unwrap_or_default(), &place)
    });
    let mut unresolved = UnresolvedExposure {
        exposure: Exposure {
            unique_id: format!("exposure.{}.{}", package.name, entry.name),
            name: entry.name.clone(),
            package_name: package.name.clone(),
            original_file_path: entry.path.clone(),
            path: entry.relative.clone(),
            fqn,
            kind,
            owner: groups::owner(loading, entry, "exposure"),
            description: described.unwrap_or_default().text,
            label: text("label"),
            maturity: text("maturity"),
            url: text("url"),
            meta,
            tags,
            enabled: config.enabled,
            depends_on: DependsOn::default(),
            refs: Vec::new(),
            sources: Vec::new(),
            metrics: Vec::new(),
            unrendered_config: patch.iter().map(|(name, setting)| (name.clone(), setting.value.clone())).collect(),
            place: entry.place(),
        },
        ref_places: Vec::new(),
        source_places: Vec::new(),
        metrics: Vec::new(),
    };
    if let Some(list) = yaml.get("depends_on").filter(|list| !matches!(list.kind, Kind::List(_))) {
        loading.report(entry.wrong("depends_on", list, "a list of ref() and source() calls"));
    }
    for item in yaml.get("depends_on").map(Yaml::items).unwrap_or_default() {
        add_dependency(loading, entry, item, &mut unresolved);
    }
    unresolved
}

fn add_dependency(loading: &Loading, entry: &Entry, item: &Yaml, unresolved: &mut UnresolvedExposure) {
    let place = item.at.in_file(&entry.file);
    let parsed = item.text().map(|text| calls_in(loading, entry.package, text, &place));
    let Some(parsed) =
        parsed.filter(|parsed| !parsed.refs.is_empty() || !parsed.sources.is_empty() || !parsed.metrics.is_empty())
    else {
        loading.report(
            Diagnostic::error("bad-exposure", "an element of 'depends_on' is no ref(), source() or metric() call")
                .at(place)
                .hint("write \"ref('model')\" or \"source('source', 'table')\""),
        );
        return;
    };
    for call in parsed.refs {
        unresolved.exposure.refs.push(RefArgs { name: call.name, package: call.package, version: call.version });
        unresolved.ref_places.push(place.clone());
    }
    for name in parsed.metrics {
        unresolved.exposure.metrics.push(name.clone());
        unresolved.metrics.push((name, place.clone()));
    }
    for call in parsed.sources {
        unresolved.exposure.sources.push([call.source, call.table]);
        unresolved.source_places.push(place.clone());
    }
}

/// The calls in a text that is one Jinja expression without braces, such as `ref('x')`.
pub(crate) fn calls_in(loading: &Loading, package: usize, text: &str, place: &Place) -> Parsed {
    let trimmed = text.trim();
    let braced = if trimmed.starts_with("{{") { trimmed.to_owned() } else { format!("{{{{ {trimmed} }}}}") };
    let package = &loading.packages[package].name;
    let template = Template { package, path: &place.file, text: &braced, line: place.line.unwrap_or(1) };
    match loading.environment.parse(&template, &ParseContext::default()) {
        Ok(parsed) => parsed,
        Err(error) => {
            loading.report_error("jinja", &error, place.clone());
            Parsed::default()
        }
    }
}
