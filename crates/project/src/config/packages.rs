//! `packages.yml` and `dependencies.yml`: which packages a project uses, and where they are.

use std::path::{Path, PathBuf};

use millstream_core::{Diagnostic, Diagnostics, Place};

use crate::files;
use crate::yaml::{self, Yaml};

/// Packages whose macros ship with us, as the hub and as git addresses name them.
const BUILT_IN: &[&str] = &["dbt_utils"];

/// A package that a project declares.
#[derive(Debug)]
pub(crate) struct Declared {
    /// Folder of a `local:` package, absolute.
    pub local: Option<PathBuf>,
    /// Name of the folder under `dbt_packages/` that an installed package has, as far as the declaration tells.
    pub name: String,
    /// Where it is declared.
    pub place: Place,
}

/// Packages that the folder's `packages.yml` or `dependencies.yml` declare. `label` makes paths for messages.
pub(crate) fn declared(dir: &Path, label: &dyn Fn(&str) -> String, diagnostics: &mut Diagnostics) -> Vec<Declared> {
    let mut all = Vec::new();
    for name in ["packages.yml", "dependencies.yml"] {
        let path = dir.join(name);
        if !path.is_file() {
            continue;
        }
        let file = label(name);
        let Some(text) = files::read_text(&path, &file, diagnostics) else { continue };
        let Some(yaml) = yaml::parse(&text, &file, diagnostics) else { continue };
        for item in yaml.get("packages").map(Yaml::items).unwrap_or_default() {
            let place = item.at.in_file(&file);
            let text = |key: &str| item.get(key).and_then(Yaml::text);
            let (local, source) = match (text("local"), text("package"), text("git"), text("tarball")) {
                (Some(local), ..) => (Some(dir.join(local)), local),
                (None, Some(package), ..) => (None, package),
                (None, None, Some(git), _) => (None, git),
                (None, None, None, Some(tarball)) => (None, text("name").unwrap_or(tarball)),
                _ => {
                    diagnostics.push(
                        Diagnostic::error("bad-package", "a package needs 'local', 'package', 'git' or 'tarball'")
                            .at(place),
                    );
                    continue;
                }
            };
            let name = source.trim_end_matches('/').rsplit('/').next().unwrap_or(source);
            let name = name.strip_suffix(".git").unwrap_or(name).replace('-', "_");
            all.push(Declared { local, name, place });
        }
    }
    all
}

/// Installed packages: folders under `dbt_packages/` that hold a `dbt_project.yml`, sorted by name.
pub(crate) fn installed(dir: &Path, install_path: &str) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(dir.join(install_path)) else { return Vec::new() };
    let mut found: Vec<PathBuf> = entries
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.join("dbt_project.yml").is_file())
        .collect();
    found.sort();
    found
}

/// An error for each declared package that is neither local, installed nor built in.
pub(crate) fn check_installed(
    declared: &[Declared],
    loaded: &[&str],
    install_path: &str,
    diagnostics: &mut Diagnostics,
) {
    for package in declared.iter().filter(|package| package.local.is_none()) {
        let name = package.name.as_str();
        let is_there = |known: &&&str| **known == name || name.strip_prefix("dbt_") == Some(**known);
        if BUILT_IN.contains(&name) || loaded.iter().find(is_there).is_some() {
            continue;
        }
        diagnostics.push(
            Diagnostic::warning("missing-package", format!("package '{name}' is not installed"))
                .at(package.place.clone())
                .hint(format!("run 'dbt deps', or put the package's folder into '{install_path}/'")),
        );
    }
}
