//! A project as it is kept.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use millstream_core::{Diagnostic, Diagnostics, Place, Severity};
use millstream_jinja::{Environment, EnvironmentOptions, MacroFile, Vars};
use serde_json::{Map, Value};

use crate::load::{base_environment, read_selectors};
use crate::manifest::Manifest;
use crate::resolve::Lookup;
use crate::{LoadOptions, Project, ProjectConfig, Target};

/// What is kept of a project; the rest is made from it.
#[derive(serde::Serialize, serde::Deserialize)]
struct Body<M> {
    manifest: M,
    config: ProjectConfig,
    order: Vec<String>,
    warnings: Vec<Warning>,
    /// Package, path and text of each macro file.
    macros: Vec<(String, String, String)>,
    vars: BTreeMap<String, Map<String, Value>>,
    versions: BTreeMap<String, String>,
    dispatch: BTreeMap<String, Vec<String>>,
}

#[derive(serde::Serialize, serde::Deserialize)]
struct Warning {
    code: String,
    message: String,
    place: Option<Place>,
    hint: Option<String>,
}

pub(super) fn body(project: &Project) -> Option<Vec<u8>> {
    let environment = project.environment.options();
    let warning = |found: Diagnostic| Warning {
        code: found.code.to_owned(),
        message: found.message,
        place: found.place,
        hint: found.hint,
    };
    let body = Body {
        manifest: project.manifest.as_ref(),
        config: project.config.clone(),
        order: project.order.clone(),
        warnings: project.warnings.clone().into_iter().map(warning).collect(),
        macros: environment
            .macros
            .iter()
            .map(|file| (file.package.clone(), file.path.clone(), file.text.clone()))
            .collect(),
        vars: environment.vars.by_package.clone(),
        versions: environment.versions.clone(),
        dispatch: environment.dispatch.clone(),
    };
    rmp_serde::to_vec(&body).ok()
}

pub(super) fn restore(options: &LoadOptions, dir: &Path, target: &Target, body: &[u8]) -> Option<Project> {
    let body: Body<Manifest> = rmp_serde::from_slice(body).ok()?;
    let docs = body.manifest.docs.values();
    let environment = Environment::new(EnvironmentOptions {
        project_name: body.config.name.clone(),
        macros: body.macros.into_iter().map(|(package, path, text)| MacroFile { package, path, text }).collect(),
        target: Value::Object(target.context()),
        vars: Vars { overrides: options.vars.clone(), by_package: body.vars },
        versions: body.versions,
        dispatch: body.dispatch,
        docs: docs.map(|doc| ((doc.package_name.clone(), doc.name.clone()), doc.block_contents.clone())).collect(),
        ..base_environment(options)
    });
    let lookup = Lookup::new(
        &body.config.name,
        body.manifest
            .nodes
            .values()
            .map(|node| (node, true))
            .chain(body.manifest.disabled.values().map(|n| (n, false))),
        body.manifest
            .sources
            .values()
            .map(|source| (source, true))
            .chain(body.manifest.disabled_sources.values().map(|source| (source, false))),
    );
    let mut warnings = Diagnostics::new();
    for warning in body.warnings {
        warnings.push(Diagnostic {
            severity: Severity::Warning,
            code: interned(warning.code),
            message: warning.message,
            place: warning.place,
            hint: warning.hint,
        });
    }
    let mut project = Project {
        dir: dir.to_path_buf(),
        config: body.config,
        target: target.clone(),
        manifest: Arc::new(body.manifest),
        warnings,
        options: options.clone(),
        order: body.order,
        selectors: BTreeMap::new(),
        environment: environment.ok()?,
        lookup: Arc::new(lookup),
    };
    let mut problems = Diagnostics::new();
    project.selectors = read_selectors(&project, dir, &project.config.name.clone(), &mut problems);
    if problems.has_errors() {
        return None;
    }
    project.with_graph();
    Some(project)
}

/// Codes live as long as the program; there are few, each is made once.
fn interned(code: String) -> &'static str {
    static KNOWN: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(found) = known.get(code.as_str()) {
        return found;
    }
    let kept: &'static str = Box::leak(code.into_boxed_str());
    known.insert(kept);
    kept
}
