//! A package: the root project or one that it uses.

use std::path::{Component, Path, PathBuf};

use millstream_core::{Diagnostic, Diagnostics, Place};
use millstream_jinja::ValueScope;

use crate::config::packages::{self, Declared};
use crate::config::render::{LazyEnvironment, Renderer, Templates};
use crate::config::{ProjectFile, project_file};
use crate::ignore::IgnoreRules;
use crate::limits::PACKAGES_MAX;
use crate::{files, yaml};

/// A package whose `dbt_project.yml` is read.
#[derive(Debug)]
pub(crate) struct Package {
    /// Its name.
    pub name: String,
    /// Its folder, absolute.
    pub dir: PathBuf,
    /// Its folder as messages show it, relative to the root project; empty for the root project.
    pub prefix: String,
    /// Its `dbt_project.yml`.
    pub file: ProjectFile,
    /// Files that are not part of it.
    pub ignore: IgnoreRules,
}

impl Package {
    /// A path of the package as messages show it.
    pub(crate) fn label(&self, path: &str) -> String {
        if self.prefix.is_empty() { path.to_owned() } else { format!("{}/{path}", self.prefix) }
    }

    /// All files with one of the extensions under the folders.
    pub(crate) fn find(
        &self,
        folders: &[String],
        extensions: &[&str],
        diagnostics: &mut Diagnostics,
    ) -> Vec<files::Found> {
        let label = |path: &str| self.label(path);
        let search = files::Search { package_dir: &self.dir, label: &label, extensions, ignore: &self.ignore };
        files::find(&search, folders, diagnostics)
    }

    /// The text of one of its files.
    pub(crate) fn read(&self, found: &files::Found, diagnostics: &mut Diagnostics) -> Option<String> {
        files::read_text(&found.absolute, &self.label(&found.path), diagnostics)
    }
}

/// Reads the `dbt_project.yml` in `dir`. `None` and diagnostics when there is none that can be read.
pub(crate) fn read(
    dir: &Path,
    root: &Path,
    environment: &LazyEnvironment,
    diagnostics: &mut Diagnostics,
) -> Option<Package> {
    let prefix = prefix_of(dir, root);
    let file = join(&prefix, "dbt_project.yml");
    let text = files::read_text(&dir.join("dbt_project.yml"), &file, diagnostics)?;
    let raw = yaml::parse(&text, &file, diagnostics)?;
    let renderer =
        Renderer { templates: Templates::Lazy(environment), scope: ValueScope::Project, package: "", file: &file };
    let project = project_file::read(&raw, &file, &renderer, diagnostics);
    Some(Package {
        name: project.name.clone(),
        dir: dir.to_path_buf(),
        prefix,
        file: project,
        ignore: IgnoreRules::of_package(dir),
    })
}

/// The packages that `root` uses, directly or not: installed ones, then `local:` ones, sorted by name.
pub(crate) fn read_dependencies(
    root: &Package,
    environment: &LazyEnvironment,
    diagnostics: &mut Diagnostics,
) -> Vec<Package> {
    let mut found: Vec<Package> = Vec::new();
    let mut declared: Vec<Declared> = packages::declared(&root.dir, &root.dir, &|path| root.label(path), diagnostics);
    let mut waiting: Vec<(PathBuf, Option<Place>)> =
        packages::installed(&root.dir, &root.file.packages_install_path).into_iter().map(|dir| (dir, None)).collect();
    let local = |declared: &[Declared]| -> Vec<(PathBuf, Option<Place>)> {
        declared.iter().filter_map(|package| Some((package.local.clone()?, Some(package.place.clone())))).collect()
    };
    waiting.extend(local(&declared));
    while !waiting.is_empty() {
        let (dir, place) = waiting.remove(0);
        let dir = dir.canonicalize().unwrap_or(dir);
        if found.iter().any(|package| package.dir == dir) {
            continue;
        }
        if !files::is_file(&dir.join("dbt_project.yml")) {
            let mut diagnostic =
                Diagnostic::error("missing-package", format!("'{}' holds no dbt_project.yml", dir.display()))
                    .hint("correct the path of the local package");
            diagnostic.place = place;
            diagnostics.push(diagnostic);
            continue;
        }
        let Some(package) = read(&dir, &root.dir, environment, diagnostics) else { continue };
        if let Some(other) = found.iter().find(|other| other.name == package.name) {
            // An installed copy of a local package is the same package.
            if place.is_none() {
                diagnostics.push(duplicate(&package, &other.prefix));
            }
            continue;
        }
        if package.name == root.name {
            diagnostics.push(duplicate(&package, "dbt_project.yml"));
            continue;
        }
        if found.len() >= PACKAGES_MAX {
            diagnostics
                .push(Diagnostic::error("too-large", format!("the project uses more than {PACKAGES_MAX} packages")));
            break;
        }
        let below = packages::declared(&package.dir, &root.dir, &|path| package.label(path), diagnostics);
        waiting.extend(local(&below));
        declared.extend(below);
        found.push(package);
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    let loaded: Vec<&str> = found.iter().map(|package| package.name.as_str()).collect();
    packages::check_installed(&root.dir, &declared, &loaded, &root.file.packages_install_path, diagnostics);
    found
}

fn duplicate(package: &Package, other: &str) -> Diagnostic {
    let place = package.file.name_place.clone().unwrap_or_else(|| Place::file(package.label("dbt_project.yml")));
    Diagnostic::error("duplicate", format!("two packages are called '{}'; the other one is {other}", package.name))
        .at(place)
        .hint("rename or remove one of them")
}

/// The folder of a package as the user would type it from the project folder.
fn prefix_of(dir: &Path, root: &Path) -> String {
    let shared = dir.components().zip(root.components()).take_while(|(a, b)| a == b).count();
    let up = root.components().skip(shared).map(|_| Component::ParentDir);
    files::with_slashes(&up.chain(dir.components().skip(shared)).collect::<PathBuf>())
}

fn join(prefix: &str, path: &str) -> String {
    if prefix.is_empty() { path.to_owned() } else { format!("{prefix}/{path}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_are_shown_as_seen_from_the_project() {
        let prefix = |dir: &str| prefix_of(Path::new(dir), Path::new("/a/b"));
        assert_eq!(prefix("/a/b"), "");
        assert_eq!(prefix("/a/b/dbt_packages/x"), "dbt_packages/x");
        assert_eq!(prefix("/a/c"), "../c");
        assert_eq!(prefix("/x"), "../../x");
    }
}
