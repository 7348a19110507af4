//! `packages.yml` and `dependencies.yml`: which packages a project uses, and where they are.

use std::path::{Path, PathBuf};

use millstream_core::{Diagnostic, Diagnostics, Place};

use crate::files;
use crate::yaml::{self, Yaml};

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
pub(crate) fn declared(
    dir: &Path,
    root: &Path,
    label: &dyn Fn(&str) -> String,
    diagnostics: &mut Diagnostics,
) -> Vec<Declared> {
    let mut all = Vec::new();
    for name in ["packages.yml", "dependencies.yml"] {
        let path = dir.join(name);
        if !files::is_file(&path) {
            continue;
        }
        let file = label(name);
        let Some(text) = files::read_text(&path, &file, diagnostics) else { continue };
        let Some(yaml) = yaml::parse(&text, &file, diagnostics) else { continue };
        for item in yaml.get("packages").map(Yaml::items).unwrap_or_default() {
            let place = item.at.in_file(&file);
            let text = |key: &str| item.get(key).and_then(Yaml::text);
            let (local, source) = match (text("local"), text("package"), text("git"), text("tarball")) {
                // As for dbt, paths start at the root project; one that is only right seen from its own package is
                // found as well.
                (Some(local), ..) => {
                    let from_root = root.join(local);
                    let there = files::is_file(&from_root.join("dbt_project.yml"));
                    (Some(if there { from_root } else { dir.join(local) }), local)
                }
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
    let folder = dir.join(install_path);
    let names = files::list(&folder).unwrap_or_default();
    let folders = names.into_iter().map(|name| folder.join(name));
    folders.filter(|path| files::is_file(&path.join("dbt_project.yml"))).collect()
}

/// An error for each declared package that is neither local, installed nor built in.
///
/// A folder of git may be called otherwise than the package in it: the lock file knows, and without one as many packages
/// as are declared are enough, as for dbt.
pub(crate) fn check_installed(
    dir: &Path,
    declared: &[Declared],
    loaded: &[&str],
    install_path: &str,
    diagnostics: &mut Diagnostics,
) {
    let is_there = |name: &str| {
        loaded.iter().any(|known| *known == name || name.strip_prefix("dbt_") == Some(known))
            || millstream_jinja::bundled::REPLACEABLE.contains(&name)
    };
    let wanted: Vec<&Declared> = declared.iter().filter(|package| package.local.is_none()).collect();
    let missing: Vec<&&Declared> = wanted.iter().filter(|package| !is_there(&package.name)).collect();
    if missing.is_empty() || locked_names(dir).is_some_and(|names| names.iter().all(|name| is_there(name))) {
        return;
    }
    let renamed = loaded.iter().filter(|known| {
        !declared.iter().any(|package| package.name == **known || package.name.strip_prefix("dbt_") == Some(known))
    });
    if renamed.count() >= missing.len() {
        return;
    }
    for package in missing {
        diagnostics.push(
            Diagnostic::error("missing-package", format!("package '{}' is not installed", package.name))
                .at(package.place.clone())
                .hint(format!("run 'millstream deps', or put the package's folder into '{install_path}/'")),
        );
    }
}

/// Names of the packages that `package-lock.yml` lists.
fn locked_names(dir: &Path) -> Option<Vec<String>> {
    let text = files::read_if_there(&dir.join("package-lock.yml"))?;
    let yaml = yaml::parse(&text, "package-lock.yml", &mut Diagnostics::new())?;
    let names: Vec<String> =
        yaml.get("packages")?.items().iter().filter_map(|item| item.get("name")?.scalar_text()).collect();
    (!names.is_empty()).then_some(names)
}
