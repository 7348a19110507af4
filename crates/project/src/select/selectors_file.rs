//! `selectors.yml`: named selections.

use std::collections::BTreeMap;

use millstream_core::{Diagnostic, Diagnostics};
use serde_json::Value;

use super::IndirectSelection;
use super::criterion::{Criterion, split_method};
use super::spec::{Group, Spec};
use crate::config::render::diagnostic;
use crate::limits::SELECTOR_DEPTH_MAX;
use crate::yaml::{Kind, Yaml};

/// One named selection.
#[derive(Debug, Clone)]
pub(crate) struct Selector {
    /// What it selects.
    pub spec: Spec,
    /// Whether it is used when no flag says what to select.
    pub default: bool,
    /// The definition as the manifest shows it.
    pub json: Value,
}

/// The selectors of a rendered `selectors.yml`, by name. Those that cannot be read are diagnostics.
pub(crate) fn read(yaml: &Yaml, file: &str, diagnostics: &mut Diagnostics) -> BTreeMap<String, Selector> {
    let mut selectors: BTreeMap<String, Selector> = BTreeMap::new();
    let mut default: Option<String> = None;
    for item in yaml.get("selectors").map(Yaml::items).unwrap_or_default() {
        let Some(name) = item.get("name").and_then(Yaml::scalar_text) else {
            diagnostics.push(bad("a selector has no 'name'", item, file));
            continue;
        };
        let Some(definition) = item.get("definition") else {
            diagnostics.push(bad(&format!("selector '{name}' has no 'definition'"), item, file));
            continue;
        };
        let reader = Reader { file, known: &selectors };
        match reader.definition(definition, 0) {
            Ok(spec) => {
                let is_default = item.get("default").is_some_and(|value| value.kind == Kind::Bool(true));
                if let Some(other) = default.as_ref().filter(|_| is_default) {
                    diagnostics.push(bad(&format!("both '{other}' and '{name}' are the default selector"), item, file));
                }
                if is_default {
                    default = Some(name.clone());
                }
                selectors.insert(name, Selector { spec, default: is_default, json: item.to_json() });
            }
            Err(problem) => diagnostics.push(problem),
        }
    }
    selectors
}

fn bad(message: &str, at: &Yaml, file: &str) -> Diagnostic {
    Diagnostic::error("bad-selector", message).at(at.at.in_file(file))
}

struct Reader<'a> {
    file: &'a str,
    /// Selectors above this one, for `method: selector`.
    known: &'a BTreeMap<String, Selector>,
}

impl Reader<'_> {
    fn definition(&self, yaml: &Yaml, depth: usize) -> Result<Spec, Diagnostic> {
        if depth > SELECTOR_DEPTH_MAX {
            return Err(bad(&format!("a selector may be nested {SELECTOR_DEPTH_MAX} levels deep"), yaml, self.file));
        }
        match &yaml.kind {
            Kind::Text(text) => self.criterion(Criterion::parse(text), yaml).map(Spec::One),
            Kind::Map(_) if yaml.get("union").is_some() => self
                .combination(yaml.get("union"), depth)
                .map(|(group, without)| difference(Spec::Union(group), without)),
            Kind::Map(_) if yaml.get("intersection").is_some() => self
                .combination(yaml.get("intersection"), depth)
                .map(|(group, without)| difference(Spec::Intersection(group), without)),
            Kind::Map(_) => self.mapping(yaml, depth),
            _ => Err(bad("a definition is text or a mapping", yaml, self.file)),
        }
    }

    fn combination(&self, list: Option<&Yaml>, depth: usize) -> Result<(Group, Option<Spec>), Diagnostic> {
        let (mut parts, mut without) = (Vec::new(), None);
        for item in list.map(Yaml::items).unwrap_or_default() {
            match item.get("exclude") {
                Some(excluded) if item.entries().len() == 1 => {
                    if without.is_some() {
                        return Err(bad("only one 'exclude' may stand at a level", item, self.file));
                    }
                    without = self.exclusion(excluded, depth)?;
                }
                _ => parts.push(self.definition(item, depth + 1)?),
            }
        }
        Ok((Group::new(parts), without))
    }

    fn exclusion(&self, list: &Yaml, depth: usize) -> Result<Option<Spec>, Diagnostic> {
        if !matches!(list.kind, Kind::List(_)) {
            return Err(bad("'exclude' must be a list", list, self.file));
        }
        let parts: Result<Vec<Spec>, Diagnostic> =
            list.items().iter().map(|item| self.definition(item, depth + 1)).collect();
        Ok(Some(parts?).filter(|parts| !parts.is_empty()).map(|parts| Spec::Union(Group::new(parts))))
    }

    fn mapping(&self, yaml: &Yaml, depth: usize) -> Result<Spec, Diagnostic> {
        let entries = yaml.entries();
        if let [only] = entries {
            let criterion = method(&only.key, only.value.to_json());
            return self.criterion(criterion, yaml).map(Spec::One);
        }
        let (Some(name), Some(value)) = (yaml.get("method").and_then(Yaml::text), yaml.get("value")) else {
            return Err(bad("a definition needs 'method' and 'value'", yaml, self.file));
        };
        if name == "selector" {
            let wanted = value.scalar_text().unwrap_or_default();
            return match self.known.get(&wanted) {
                Some(selector) => Ok(selector.spec.clone()),
                None => Err(bad(&format!("there is no selector '{wanted}' above this one"), value, self.file)),
            };
        }
        let mut criterion = self.criterion(method(name, value.to_json()), yaml)?;
        let flag = |key: &str| yaml.get(key).is_some_and(|value| value.kind == Kind::Bool(true));
        let depth_of = |key: &str| match yaml.get(key).map(|value| &value.kind) {
            Some(Kind::Int(steps)) => usize::try_from(*steps).ok(),
            _ => None,
        };
        criterion.childrens_parents = flag("childrens_parents");
        criterion.parents = flag("parents").then(|| depth_of("parents_depth"));
        criterion.children = flag("children").then(|| depth_of("children_depth"));
        criterion.indirect = match yaml.get("indirect_selection").and_then(Yaml::text) {
            Some(mode) => Some(mode.parse::<IndirectSelection>().map_err(|error| self.problem(&error, yaml))?),
            None => None,
        };
        let without = match yaml.get("exclude") {
            Some(list) => self.exclusion(list, depth)?,
            None => None,
        };
        Ok(difference(Spec::One(criterion), without))
    }

    fn criterion(&self, criterion: millstream_core::Result<Criterion>, at: &Yaml) -> Result<Criterion, Diagnostic> {
        criterion.map_err(|error| self.problem(&error, at))
    }

    fn problem(&self, error: &millstream_core::Error, at: &Yaml) -> Diagnostic {
        diagnostic("bad-selector", error, at.at.in_file(self.file))
    }
}

fn method(name: &str, value: Value) -> millstream_core::Result<Criterion> {
    let (method, arguments) = split_method(name)?;
    Ok(Criterion { method, arguments, value, childrens_parents: false, parents: None, children: None, indirect: None })
}

fn difference(spec: Spec, without: Option<Spec>) -> Spec {
    match without {
        Some(without) => Spec::Difference(Group::new(vec![spec, without])),
        None => spec,
    }
}
