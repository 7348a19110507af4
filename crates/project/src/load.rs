//! Loading, from the folder to the [`Project`].

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use millstream_core::{Diagnostic, Diagnostics, Error, Result};
use millstream_jinja::{Environment, EnvironmentOptions, ValueScope, Vars};
use serde_json::{Map, Value};

use crate::assemble::{Elements, assemble};
use crate::cache::{self, inputs::recorded};
use crate::config::render::{LazyEnvironment, Renderer, Templates};
use crate::config::{profiles, vars};
use crate::manifest::{Doc, Manifest, ResourceType};
use crate::package::{self, Package};
use crate::parse::draft::Draft;
use crate::parse::properties::Entry;
use crate::parse::{self, Loading, nodes::Unresolved};
use crate::project::ProjectConfig;
use crate::resolve::Lookup;
use crate::select::selectors_file;
use crate::workers::STACK_BYTES;
use crate::yaml::{self, Kind, Yaml};
use crate::{LoadOptions, Project, Target, files, graph};

/// Reads and checks a project.
///
/// Every file is read whatever is wrong with others; all problems are told in one error of kind user, each with
/// its place and how to fix it. Warnings alone do not fail: they are in [`Project::warnings`].
pub fn load(options: &LoadOptions) -> Result<Project> {
    let dir = project_folder(options)?;
    let work = || {
        if options.cache.is_none() {
            return load_fresh(options, dir);
        }
        if let Some(project) = restored(options, &dir) {
            return Ok(project);
        }
        let (loaded, inputs) = recorded(|| load_fresh(options, dir));
        if let Ok(project) = &loaded {
            cache::keep(project, inputs);
        }
        loaded
    };
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name("load".into()).stack_size(STACK_BYTES).spawn_scoped(scope, work);
        let thread = thread.map_err(|error| Error::environment("a thread cannot be started").why(error))?;
        thread.join().unwrap_or_else(|_| Err(Error::ours("reading the project broke off")))
    })
}

/// The project as an earlier load kept it, if nothing has changed since.
fn restored(options: &LoadOptions, dir: &Path) -> Option<Project> {
    let mut diagnostics = Diagnostics::new();
    let bare = LazyEnvironment::new(base_environment(options));
    let (name, named_at) = profile_name(options, dir, &bare, &mut diagnostics)?;
    let target = profiles::target(options, dir, &name, named_at, &bare, &mut diagnostics)?;
    let text = files::read_text(&dir.join("dbt_project.yml"), "dbt_project.yml", &mut diagnostics)?;
    let yaml = yaml::parse(&text, "dbt_project.yml", &mut diagnostics)?;
    let target_dir = yaml.get("target-path").and_then(Yaml::scalar_text).unwrap_or_else(|| "target".into());
    if !diagnostics.is_empty() {
        return None;
    }
    cache::restore(options, dir, &target_dir, &target)
}

fn load_fresh(options: &LoadOptions, dir: PathBuf) -> Result<Project> {
    let mut diagnostics = Diagnostics::new();
    let Some((loading, docs)) = prepare(options, &dir, &mut diagnostics) else {
        return Err(failed(diagnostics, &dir));
    };
    let (manifest, lookup) = parse_all(&loading, docs);
    let (packages, target, environment, diagnostics) = loading.into_parts();
    let config = ProjectConfig::new(&packages[0].file, &packages);
    let mut project = Project {
        order: graph::topological(&manifest.parent_map, &manifest.child_map),
        selectors: BTreeMap::new(),
        environment,
        lookup: Arc::new(lookup),
        warnings: Diagnostics::new(),
        options: options.clone(),
        manifest: Arc::new(manifest),
        dir,
        target,
        config,
    };
    let mut diagnostics = diagnostics;
    project.selectors = read_selectors(&project, &packages[0].dir, &packages[0].name, &mut diagnostics);
    Arc::make_mut(&mut project.manifest).selectors =
        project.selectors.iter().map(|(name, selector)| (name.clone(), selector.json.clone())).collect();
    if diagnostics.has_errors() {
        return Err(failed(diagnostics, &project.dir));
    }
    project.with_graph();
    project.warnings = diagnostics;
    Ok(project)
}

/// Reads only where a project is built, from `dbt_project.yml` and `profiles.yml`. For commands that ask the warehouse:
/// they must work while the models are being edited.
///
/// Every problem on the way is told in one error of kind user.
pub fn load_target(options: &LoadOptions) -> Result<Target> {
    let dir = project_folder(options)?;
    let mut diagnostics = Diagnostics::new();
    let bare = LazyEnvironment::new(base_environment(options));
    let target = profile_name(options, &dir, &bare, &mut diagnostics)
        .and_then(|(name, named_at)| profiles::target(options, &dir, &name, named_at, &bare, &mut diagnostics));
    match target {
        Some(target) if !diagnostics.has_errors() => Ok(target),
        _ => Err(failed(diagnostics, &dir)),
    }
}

/// The absolute path of a folder that holds a `dbt_project.yml`.
fn project_folder(options: &LoadOptions) -> Result<PathBuf> {
    let dir = options.project_dir.canonicalize().map_err(|error| {
        Error::user(format!("the project folder '{}' cannot be opened", options.project_dir.display()))
            .why(error)
            .hint("give the folder that holds dbt_project.yml with --project-dir")
    })?;
    if !dir.join("dbt_project.yml").is_file() {
        return Err(Error::user(format!("'{}' holds no dbt_project.yml", dir.display()))
            .hint("run the command inside of a project, give its folder with --project-dir, or make one with 'millstream init'"));
    }
    Ok(dir)
}

/// What templates see before anything of the project is known.
pub(crate) fn base_environment(options: &LoadOptions) -> EnvironmentOptions {
    EnvironmentOptions {
        vars: Vars { overrides: options.vars.clone(), by_package: BTreeMap::new() },
        env: options.env.clone(),
        now: options.now,
        invocation_id: options.invocation_id.clone(),
        flags: flags(false, "parse"),
        ..EnvironmentOptions::default()
    }
}

fn failed(diagnostics: Diagnostics, dir: &Path) -> Error {
    let what = format!("the project in {} has problems", dir.display());
    match diagnostics.into_result(&what) {
        Err(error) => error,
        Ok(_) => Error::ours("loading failed without telling why"),
    }
}

/// Target, packages, macros and docs. `None` when there is not enough to go on.
fn prepare(
    options: &LoadOptions,
    dir: &Path,
    diagnostics: &mut Diagnostics,
) -> Option<(Loading, BTreeMap<String, Doc>)> {
    let base = base_environment(options);
    let bare = LazyEnvironment::new(base.clone());
    let (name, named_at) = profile_name(options, dir, &bare, diagnostics)?;
    let found = profiles::target(options, dir, &name, named_at, &bare, diagnostics);
    // Without a target the rest is still worth reading, so that all problems are told at once.
    let target = found.unwrap_or_else(|| placeholder(&name, dir));
    let base = EnvironmentOptions { target: Value::Object(target.context()), ..base };
    let with_target = LazyEnvironment::new(base.clone());
    let root = package::read(dir, dir, &with_target, diagnostics)?;
    let dependencies = package::read_dependencies(&root, &with_target, diagnostics);
    let packages: Vec<Package> = std::iter::once(root).chain(dependencies).collect();

    let mut docs = BTreeMap::new();
    let mut macros = Vec::new();
    for package in &packages {
        parse::docs::read(package, &mut docs, diagnostics);
        macros.extend(parse::macros::files(package, diagnostics));
    }
    docs.insert(OVERVIEW.to_owned(), overview());
    let root = &packages[0];
    let others: Vec<(&str, &Map<String, Value>)> =
        packages[1..].iter().map(|package| (package.name.as_str(), &package.file.vars)).collect();
    let full = EnvironmentOptions {
        project_name: root.name.clone(),
        macros,
        vars: Vars {
            overrides: options.vars.clone(),
            by_package: vars::by_package(&root.name, &root.file.vars, &others),
        },
        versions: packages
            .iter()
            .filter_map(|package| Some((package.name.clone(), package.file.version.clone()?)))
            .collect(),
        dispatch: root.file.dispatch.clone(),
        docs: docs
            .values()
            .map(|doc: &Doc| ((doc.package_name.clone(), doc.name.clone()), doc.block_contents.clone()))
            .collect(),
        ..base
    };
    match Environment::new(full) {
        Ok(environment) => {
            let found = std::mem::take(diagnostics);
            let names = docs.keys().cloned().collect();
            Some((Loading::new(packages, target, environment, names, found), docs))
        }
        // Without macros every template would fail for the same reason.
        Err(problems) => {
            diagnostics.extend(problems);
            None
        }
    }
}

/// The page that documentation starts with, unless a project has one of its own.
const OVERVIEW: &str = "doc.dbt.__overview__";

fn overview() -> Doc {
    Doc {
        unique_id: OVERVIEW.to_owned(),
        name: "__overview__".into(),
        package_name: "dbt".into(),
        path: "overview.md".into(),
        original_file_path: "docs/overview.md".into(),
        block_contents: "# Documentation\n\nModels, sources and tests of this project, by folder and by database. \
                         Write a docs block called `__overview__` to say here what they are for."
            .into(),
    }
}

/// `flags` as templates see it.
pub(crate) fn flags(full_refresh: bool, command: &str) -> Map<String, Value> {
    let mut flags = Map::new();
    flags.insert("FULL_REFRESH".into(), full_refresh.into());
    flags.insert("WHICH".into(), command.into());
    flags.insert("STORE_FAILURES".into(), false.into());
    flags.insert("EMPTY".into(), false.into());
    flags
}

/// Name of the profile and where it is named. `None` when `dbt_project.yml` cannot be read.
fn profile_name(
    options: &LoadOptions,
    dir: &Path,
    environment: &LazyEnvironment,
    diagnostics: &mut Diagnostics,
) -> Option<(String, Option<millstream_core::Place>)> {
    const FILE: &str = "dbt_project.yml";
    let text = files::read_text(&dir.join(FILE), FILE, diagnostics)?;
    // What YAML has to say of the file is told once, when the file is read again with the target in sight.
    let mut problems = Diagnostics::new();
    let Some(yaml) = yaml::parse(&text, FILE, &mut problems) else {
        diagnostics.extend(problems);
        return None;
    };
    if let Some(profile) = &options.profile {
        return Some((profile.clone(), None));
    }
    let value = yaml.get("profile").or_else(|| yaml.get("name"));
    let renderer =
        Renderer { templates: Templates::Lazy(environment), scope: ValueScope::Profile, package: "", file: FILE };
    let rendered = value.map(|value| renderer.render_all(value, diagnostics));
    let name = rendered.as_ref().and_then(Yaml::scalar_text).unwrap_or_else(|| "default".into());
    Some((name, value.map(|value| value.at.in_file(FILE))))
}

fn placeholder(profile: &str, dir: &Path) -> Target {
    Target {
        profile_name: profile.to_owned(),
        name: "default".into(),
        kind: "millstream".into(),
        path: dir.join("workspace"),
        schema: "analytics".into(),
        database: None,
        threads: 1,
        raw: Map::new(),
    }
}

/// Parses every file and puts the elements together.
fn parse_all(loading: &Loading, docs: BTreeMap<String, Doc>) -> (Manifest, Lookup) {
    let entries = parse::overrides::apply(loading, parse::properties::read(loading));
    let mut drafts = parse::draft::read(loading);
    drafts.extend(parse::operations::read(loading));
    drafts.extend(entries.iter().filter_map(|entry| snapshot_of(loading, entry)));
    let Patches { own: patches, foreign } = match_patches(loading, &entries, &mut drafts);

    let mut of_name: HashMap<&str, usize> = HashMap::new();
    drafts.iter().for_each(|draft| *of_name.entry(&draft.unique_id).or_default() += 1);
    let mut elements = Elements::default();
    let finished = loading.each(&drafts, |draft| {
        let patch = patches.get(&draft.unique_id).map(Cow::as_ref);
        let unresolved = parse::nodes::finish(loading, draft, patch);
        // Packages have a model of one name for each warehouse, and settings enable one of them: that one is tested.
        let is_the_one = unresolved.node.config.enabled || of_name.get(draft.unique_id.as_str()) == Some(&1);
        let foreign = foreign.get(&draft.unique_id).into_iter().flatten().map(Cow::as_ref);
        let mut nodes = Vec::new();
        for entry in patch.into_iter().chain(foreign).filter(|_| is_the_one) {
            nodes.extend(tests_of(loading, entry, &unresolved));
        }
        nodes.push(unresolved);
        nodes
    });
    elements.nodes.extend(finished.into_iter().flatten());
    for entry in &entries {
        match entry.section {
            "sources" => {
                let (tables, tests) = parse::sources::read(loading, entry);
                elements.sources.extend(tables);
                elements.nodes.extend(tests);
            }
            "exposures" => elements.exposures.push(parse::exposures::read(loading, entry)),
            "unit_tests" => elements.unit_tests.extend(parse::unit_tests::read(loading, entry)),
            _ => {}
        }
    }
    elements.semantics = parse::semantic::read(loading, &entries);
    let mut manifest = Manifest {
        macros: parse::macros::manifest(loading, &entries),
        groups: parse::groups::read(loading, &entries),
        docs,
        ..Manifest::default()
    };
    let lookup = assemble(loading, elements, &mut manifest);
    for tree in loading.root().file.trees.values() {
        loading.collecting(|diagnostics| tree.warn_unused(diagnostics));
    }
    (manifest, lookup)
}

/// A snapshot that a yml file defines (`relation:`), as a draft.
fn snapshot_of(loading: &Loading, entry: &Entry) -> Option<Draft> {
    if entry.section != "snapshots" {
        return None;
    }
    let relation = entry.yaml.get("relation")?;
    let Some(relation) = relation.text() else {
        loading.report(entry.wrong("relation", relation, "a ref() or source() call"));
        return None;
    };
    let package = &loading.packages[entry.package];
    let mut fqn = parse::draft::fqn_prefix(package, &entry.relative);
    fqn.push(entry.name.clone());
    let text = format!("select * from {{{{ {relation} }}}}");
    let place = entry.place();
    Some(Draft {
        kind: ResourceType::Snapshot,
        package: entry.package,
        unique_id: format!("snapshot.{}.{}", package.name, entry.name),
        name: entry.name.clone(),
        path: format!("{}/{}.sql", entry.relative, entry.name),
        original_file_path: entry.path.clone(),
        file: entry.file.clone(),
        fqn,
        checksum: parse::draft::sha256(files::text_checksum(&text)),
        text,
        line: place.line.unwrap_or(1),
        place,
        version: None,
        tags: Vec::new(),
        index: None,
    })
}

/// Which property entries belong to which draft, by unique id.
struct Patches<'e> {
    /// What describes it.
    own: BTreeMap<String, Cow<'e, Entry>>,
    /// What another package says of it beside that: tests.
    foreign: BTreeMap<String, Vec<Cow<'e, Entry>>>,
}

fn match_patches<'e>(loading: &Loading, entries: &'e [Entry], drafts: &mut [Draft]) -> Patches<'e> {
    let mut patches: BTreeMap<String, Cow<'e, Entry>> = BTreeMap::new();
    let mut foreign: BTreeMap<String, Vec<Cow<'e, Entry>>> = BTreeMap::new();
    let mut by_name: HashMap<(ResourceType, String), Vec<usize>> = HashMap::new();
    for (number, draft) in drafts.iter().enumerate() {
        by_name.entry((draft.kind, draft.name.clone())).or_default().push(number);
    }
    for entry in entries {
        let kind = match entry.section {
            "models" => ResourceType::Model,
            "seeds" => ResourceType::Seed,
            "snapshots" => ResourceType::Snapshot,
            "analyses" => ResourceType::Analysis,
            "data_tests" => ResourceType::Test,
            _ => continue,
        };
        if kind == ResourceType::Model && entry.yaml.get("versions").is_some() {
            let versions = parse::versions::assign(loading, entry, drafts).into_iter();
            patches.extend(versions.map(|(unique_id, entry)| (unique_id, Cow::Owned(entry))));
            continue;
        }
        // A draft that became a version has another name since.
        let of_name = by_name.get(&(kind, entry.name.clone())).map(Vec::as_slice).unwrap_or_default();
        let of_kind = |number: &usize| {
            let draft = &drafts[*number];
            (draft.name == entry.name && draft.version.is_none()).then_some(draft)
        };
        let found = of_name
            .iter()
            .filter_map(of_kind)
            .find(|draft| draft.package == entry.package)
            .or_else(|| of_name.iter().find_map(of_kind));
        let Some(draft) = found else {
            report_unmatched(loading, entry, kind, drafts);
            continue;
        };
        let unique_id = draft.unique_id.clone();
        if let Some(other) = patches.get(&unique_id) {
            // As for dbt: a package describes its own nodes, others may test them.
            if entry.package != draft.package {
                foreign.entry(unique_id).or_default().push(Cow::Borrowed(entry));
                continue;
            }
            if other.package != draft.package {
                let other = patches.insert(unique_id.clone(), Cow::Borrowed(entry));
                foreign.entry(unique_id).or_default().extend(other);
                continue;
            }
            loading.report(
                Diagnostic::error(
                    "duplicate",
                    format!("{kind} '{}' is described twice; the other one is at {}", entry.name, other.place()),
                )
                .at(entry.place())
                .hint("merge the two entries"),
            );
            continue;
        }
        patches.insert(unique_id, Cow::Borrowed(entry));
    }
    Patches { own: patches, foreign }
}

fn report_unmatched(loading: &Loading, entry: &Entry, kind: ResourceType, drafts: &[Draft]) {
    let other = drafts.iter().find(|draft| draft.name == entry.name && draft.version.is_none());
    let hint = match other {
        Some(draft) => format!("it is a {}: describe it in that section", draft.kind),
        None => {
            let known = drafts.iter().filter(|draft| draft.kind == kind).map(|draft| draft.name.as_str());
            crate::names::did_you_mean(&entry.name, known, "correct the name, or remove the entry")
        }
    };
    loading.report(
        Diagnostic::warning("unknown-name", format!("there is no {kind} '{}' to describe", entry.name))
            .at(entry.place())
            .hint(hint),
    );
}

/// The generic tests that an entry declares on a node.
fn tests_of(loading: &Loading, entry: &Entry, owner: &Unresolved) -> Vec<Unresolved> {
    let node = &owner.node;
    if matches!(node.resource_type, ResourceType::Analysis | ResourceType::Test | ResourceType::Operation) {
        return Vec::new();
    }
    let (name, call) = match &node.version {
        Some(version) => (format!("{}_v{version}", node.name), format!("ref('{}', version='{version}')", node.name)),
        None => (node.name.clone(), format!("ref('{}')", node.name)),
    };
    let target = parse::generic_tests::Target {
        entry,
        owner: &entry.yaml,
        name,
        call,
        is_source: false,
        file_key_name: format!("{}.{}", entry.section, node.name),
        attached_node: Some(node.unique_id.clone()),
        group: node.group.clone(),
        tags: Vec::new(),
    };
    parse::generic_tests::read(loading, &target)
}

pub(crate) fn read_selectors(
    project: &Project,
    root_dir: &Path,
    root_name: &str,
    diagnostics: &mut Diagnostics,
) -> BTreeMap<String, selectors_file::Selector> {
    const FILE: &str = "selectors.yml";
    let path = root_dir.join(FILE);
    if !files::is_file(&path) {
        return BTreeMap::new();
    }
    let Some(yaml) = files::read_text(&path, FILE, diagnostics).and_then(|text| yaml::parse(&text, FILE, diagnostics))
    else {
        return BTreeMap::new();
    };
    if matches!(yaml.kind, Kind::Null) {
        return BTreeMap::new();
    }
    let renderer = Renderer {
        templates: Templates::Ready(&project.environment),
        scope: ValueScope::Project,
        package: root_name,
        file: FILE,
    };
    let rendered = renderer.render_all(&yaml, diagnostics);
    selectors_file::read(&rendered, FILE, diagnostics)
}
