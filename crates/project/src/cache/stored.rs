//! A project as it is kept: one part for the whole, then its nodes in batches, each part with its length in front.
//!
//! Guarantees: batches are written and read on every core; a configuration that nodes share is kept once.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use millstream_core::{Diagnostic, Diagnostics, Place, Severity};
use millstream_jinja::{Environment, EnvironmentOptions, MacroFile, Vars};
use serde_json::{Map, Value};

use crate::load::{base_environment, read_selectors};
use crate::manifest::{Manifest, Node, NodeConfig};
use crate::resolve::Lookup;
use crate::{LoadOptions, Project, ProjectConfig, Target, workers};

/// Nodes of one batch.
const BATCH_NODES: usize = 128;

/// What is kept of a project beside its nodes; the rest is made from it.
#[derive(serde::Serialize, serde::Deserialize)]
struct Body<M, C> {
    manifest: M,
    /// Configurations; nodes know theirs by its number.
    configs: Vec<C>,
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

/// One node: whether it is enabled, and the number of its configuration.
type Kept<N> = (bool, usize, N);

/// Appends the project to `out`; `None` when it cannot be written.
pub(super) fn write(project: &Project, out: &mut Vec<u8>) -> Option<()> {
    let environment = project.environment.options();
    let manifest = project.manifest.as_ref();
    let warning = |found: Diagnostic| Warning {
        code: found.code.to_owned(),
        message: found.message,
        place: found.place,
        hint: found.hint,
    };
    let enabled = manifest.nodes.values().map(|node| (true, node));
    let disabled = manifest.disabled.values().map(|node| (false, node));
    let mut configs: Vec<&NodeConfig> = Vec::new();
    let mut numbers: HashMap<*const NodeConfig, usize> = HashMap::new();
    let nodes: Vec<Kept<&Node>> = enabled
        .chain(disabled)
        .map(|(enabled, node)| {
            let number = *numbers.entry(Arc::as_ptr(&node.config)).or_insert_with(|| {
                configs.push(&node.config);
                configs.len() - 1
            });
            (enabled, number, node)
        })
        .collect();
    let body = Body {
        manifest,
        configs,
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
    let mut part = |bytes: Vec<u8>| {
        out.extend((bytes.len() as u64).to_le_bytes());
        out.extend(bytes);
    };
    part(rmp_serde::to_vec(&body).ok()?);
    for batch in workers::in_batches(&nodes, BATCH_NODES, |batch| rmp_serde::to_vec(batch).ok()) {
        part(batch?);
    }
    Some(())
}

/// The parts, in order; `None` when a length does not fit.
fn parts(mut bytes: &[u8]) -> Option<Vec<&[u8]>> {
    let mut parts = Vec::new();
    while !bytes.is_empty() {
        let (length, rest) = bytes.split_first_chunk::<8>()?;
        let (part, rest) = rest.split_at_checked(usize::try_from(u64::from_le_bytes(*length)).ok()?)?;
        parts.push(part);
        bytes = rest;
    }
    Some(parts)
}

/// What is kept beside the nodes, and the macros read anew.
type Whole = (Body<Manifest, NodeConfig>, Environment);

fn read_whole(options: &LoadOptions, target: &Target, part: &[u8]) -> Option<Whole> {
    let mut body: Body<Manifest, NodeConfig> = rmp_serde::from_slice(part).ok()?;
    let macros = std::mem::take(&mut body.macros).into_iter();
    let docs = body.manifest.docs.values();
    let environment = Environment::new(EnvironmentOptions {
        project_name: body.config.name.clone(),
        macros: macros.map(|(package, path, text)| MacroFile { package, path, text }).collect(),
        target: Value::Object(target.context()),
        vars: Vars { overrides: options.vars.clone(), by_package: std::mem::take(&mut body.vars) },
        versions: std::mem::take(&mut body.versions),
        dispatch: std::mem::take(&mut body.dispatch),
        docs: docs.map(|doc| ((doc.package_name.clone(), doc.name.clone()), doc.block_contents.clone())).collect(),
        ..base_environment(options)
    });
    Some((body, environment.ok()?))
}

pub(super) fn restore(options: &LoadOptions, dir: &Path, target: &Target, bytes: &[u8]) -> Option<Project> {
    let parts = parts(bytes)?;
    let (whole, batches) = parts.split_first()?;
    let read_batch = |batch: &[&[u8]]| -> Option<Vec<Kept<Node>>> { rmp_serde::from_slice(batch.first()?).ok() };
    let (whole, batches) = std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name("load".into()).stack_size(workers::STACK_BYTES);
        let whole = thread.spawn_scoped(scope, || read_whole(options, target, whole)).ok()?;
        let batches = workers::in_batches(batches, 1, read_batch);
        Some((whole.join().ok()??, batches))
    })?;
    let (Body { mut manifest, configs, config, order, warnings: kept_warnings, .. }, environment) = whole;
    let configs: Vec<Arc<NodeConfig>> = configs.into_iter().map(Arc::new).collect();
    let (mut nodes, mut disabled) = (Vec::new(), Vec::new());
    for batch in batches {
        for (enabled, number, mut node) in batch? {
            node.config = configs.get(number)?.clone();
            let list = if enabled { &mut nodes } else { &mut disabled };
            list.push((node.unique_id.clone(), node));
        }
    }
    manifest.nodes = nodes.into_iter().collect();
    manifest.disabled = disabled.into_iter().collect();
    let lookup = Lookup::new(
        &config.name,
        manifest.nodes.values().map(|node| (node, true)).chain(manifest.disabled.values().map(|node| (node, false))),
        manifest
            .sources
            .values()
            .map(|source| (source, true))
            .chain(manifest.disabled_sources.values().map(|source| (source, false))),
    );
    let mut warnings = Diagnostics::new();
    for warning in kept_warnings {
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
        config,
        target: target.clone(),
        manifest: Arc::new(manifest),
        warnings,
        options: options.clone(),
        order,
        selectors: BTreeMap::new(),
        environment,
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
