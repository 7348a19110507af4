//! `profiles.yml`: which target a project is built in.

use std::path::{Path, PathBuf};

use millstream_core::warehouse::EMBEDDED_DATABASE;
use millstream_core::{Diagnostic, Diagnostics, Place};
use millstream_jinja::ValueScope;

use super::render::{LazyEnvironment, Renderer, Templates};
use crate::limits::THREADS_MAX;
use crate::names::did_you_mean;
use crate::yaml::{self, Kind, Yaml};
use crate::{LoadOptions, Target, files};

/// What to write into `profiles.yml`, for hints.
const EXAMPLE: &str = "{ target: dev, outputs: { dev: { type: millstream, path: workspace, schema: analytics } } }";

/// Finds, reads and renders the target of the profile `name`, which `named_at` names.
/// `None` and diagnostics when there is none.
pub(crate) fn target(
    options: &LoadOptions,
    project_dir: &Path,
    name: &str,
    named_at: Option<Place>,
    environment: &LazyEnvironment,
    diagnostics: &mut Diagnostics,
) -> Option<Target> {
    let searched = search_path(options, project_dir);
    let Some(path) = searched.iter().map(|dir| dir.join("profiles.yml")).find(|path| files::is_file(path)) else {
        let places: Vec<String> = searched.iter().map(|dir| dir.display().to_string()).collect();
        let mut diagnostic = Diagnostic::error(
            "missing-profile",
            format!("there is no profiles.yml for profile '{name}'; searched in: {}", places.join(", ")),
        )
        .hint(format!("write one into the project folder: {name}: {EXAMPLE}"));
        diagnostic.place = named_at;
        diagnostics.push(diagnostic);
        return None;
    };
    let label = label(&path, project_dir);
    let text = files::read_text(&path, &label, diagnostics)?;
    let profiles = yaml::parse(&text, &label, diagnostics)?;
    let Some(profile) = profiles.get(name) else {
        let known = profiles.entries().iter().map(|entry| entry.key.as_str()).filter(|key| *key != "config");
        let known: Vec<&str> = known.collect();
        let fallback = format!("profiles that it has: {}", known.join(", "));
        diagnostics.push(
            Diagnostic::error("missing-profile", format!("{label} has no profile '{name}'"))
                .at(named_at.unwrap_or_else(|| Place::file(&label)))
                .hint(did_you_mean(name, known.iter().copied(), &fallback)),
        );
        return None;
    };
    let renderer =
        Renderer { templates: Templates::Lazy(environment), scope: ValueScope::Profile, package: "", file: &label };
    // Only the chosen output is rendered: others may use variables that are not set here.
    let target_name = match (&options.target, profile.get("target")) {
        (Some(target), _) => target.clone(),
        (None, Some(target)) => renderer.render_all(target, diagnostics).scalar_text().unwrap_or_default(),
        (None, None) => "default".into(),
    };
    let outputs = profile.get("outputs");
    let Some(output) = outputs.and_then(|outputs| outputs.get(&target_name)) else {
        let known = outputs.map(Yaml::entries).unwrap_or_default();
        let known: Vec<&str> = known.iter().map(|entry| entry.key.as_str()).collect();
        let fallback = format!("targets that it has: {}", known.join(", "));
        diagnostics.push(
            Diagnostic::error("missing-target", format!("profile '{name}' has no target '{target_name}'"))
                .at(profile.get("target").unwrap_or(profile).at.in_file(&label))
                .hint(did_you_mean(&target_name, known.iter().copied(), &fallback)),
        );
        return None;
    };
    let rendered = renderer.render_all(output, diagnostics);
    read(&rendered, name, target_name, options, project_dir, &label, diagnostics)
}

fn read(
    output: &Yaml,
    profile_name: &str,
    name: String,
    options: &LoadOptions,
    project_dir: &Path,
    file: &str,
    diagnostics: &mut Diagnostics,
) -> Option<Target> {
    let text = |key: &str| output.get(key).and_then(Yaml::scalar_text);
    let missing = |key: &str, example: &str| {
        Diagnostic::error("bad-profile", format!("target '{name}' of profile '{profile_name}' has no '{key}'"))
            .at(output.at.in_file(file))
            .hint(format!("add '{key}: {example}'"))
    };
    let Some(kind) = text("type") else {
        diagnostics.push(missing("type", "millstream"));
        return None;
    };
    let schema = match text("schema").or_else(|| text("dataset")) {
        Some(schema) => schema,
        None if kind == "millstream" => "analytics".into(),
        None if kind == "duckdb" => "main".into(),
        None => {
            diagnostics.push(missing("schema", "analytics"));
            return None;
        }
    };
    let path = match kind.as_str() {
        "millstream" => text("path"),
        _ => text("workspace")
            .or_else(|| options.env.get("MILLSTREAM_WORKSPACE").filter(|path| !path.is_empty()).cloned()),
    };
    let path = project_dir.join(path.unwrap_or_else(|| "workspace".into()));
    let database = match kind.as_str() {
        "millstream" => Some(EMBEDDED_DATABASE.to_owned()),
        _ => text("database").or_else(|| text("dbname")).or_else(|| text("project")),
    };
    Some(Target {
        profile_name: profile_name.to_owned(),
        kind,
        path,
        schema,
        database,
        threads: threads(output, options, file, diagnostics),
        raw: output.to_json_map(),
        name,
    })
}

fn threads(output: &Yaml, options: &LoadOptions, file: &str, diagnostics: &mut Diagnostics) -> usize {
    if let Some(threads) = options.threads {
        if (1..=THREADS_MAX).contains(&threads) {
            return threads;
        }
        diagnostics.push(
            Diagnostic::error("bad-threads", format!("{threads} is not a number of threads"))
                .hint(format!("give --threads a number from 1 to {THREADS_MAX}")),
        );
        return 1;
    }
    let Some(value) = output.get("threads") else { return 1 };
    let given = match &value.kind {
        Kind::Int(threads) => usize::try_from(*threads).ok(),
        Kind::Text(text) => text.parse().ok(),
        _ => None,
    };
    match given {
        Some(threads) if (1..=THREADS_MAX).contains(&threads) => threads,
        _ => {
            diagnostics.push(
                Diagnostic::error("bad-threads", "'threads' is not a number of threads")
                    .at(value.at.in_file(file))
                    .hint(format!("write a number from 1 to {THREADS_MAX}")),
            );
            1
        }
    }
}

/// Folders that may hold `profiles.yml`, in the order in which they are tried.
fn search_path(options: &LoadOptions, project_dir: &Path) -> Vec<PathBuf> {
    if let Some(dir) = &options.profiles_dir {
        return vec![dir.clone()];
    }
    if let Some(dir) = options.env.get("DBT_PROFILES_DIR").filter(|dir| !dir.is_empty()) {
        return vec![PathBuf::from(dir)];
    }
    let mut dirs = vec![project_dir.to_path_buf()];
    if let Some(home) = options.env.get("HOME").or_else(|| options.env.get("USERPROFILE")) {
        dirs.push(Path::new(home).join(".dbt"));
    }
    dirs
}

fn label(path: &Path, project_dir: &Path) -> String {
    path.strip_prefix(project_dir).map_or_else(|_| path.display().to_string(), files::with_slashes)
}
