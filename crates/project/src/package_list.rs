//! The packages that a folder declares in `packages.yml` or `dependencies.yml`, for whoever installs them
//! (<https://docs.getdbt.com/docs/build/packages>).
//!
//! Guarantees: every problem of the declarations is told at once, with its place. Deliberately absent: fetching and
//! installing, which is the command line's.

use std::path::Path;

use millstream_core::{Diagnostic, Diagnostics, Place, Result};
use millstream_jinja::{EnvironmentOptions, ValueScope, Vars};
use serde_json::{Map, Value};

use crate::config::render::{LazyEnvironment, Renderer, Templates};
use crate::yaml::{self, Kind, Yaml};
use crate::{LoadOptions, files, package};

/// Files that may declare packages, in the order in which they are looked at.
const FILES: [&str; 2] = ["packages.yml", "dependencies.yml"];

/// Where a package comes from.
#[derive(Debug, Clone, PartialEq)]
pub enum PackageSource {
    /// A folder, relative to the project.
    Local {
        /// The folder as written.
        path: String,
    },
    /// A git repository.
    Git {
        /// Address or path.
        url: String,
        /// Branch, tag or commit; none: the default branch.
        revision: Option<String>,
        /// Folder of the package inside of the repository.
        subdirectory: Option<String>,
        /// Whether to warn when no revision is pinned.
        warn_unpinned: bool,
    },
    /// A gzipped tar file.
    Tarball {
        /// Address or path.
        url: String,
        /// Name that the package is to have.
        name: String,
    },
    /// A package of a hub.
    Hub {
        /// `organisation/package`.
        name: String,
        /// Ranges, all of which the version must be in.
        versions: Vec<String>,
        /// Whether pre-releases may be chosen.
        prerelease: bool,
    },
}

/// One declared package.
#[derive(Debug, Clone)]
pub struct PackageSpec {
    /// Where it comes from, rendered.
    pub source: PackageSource,
    /// The entry as dbt hashes it for its lock file: rendered, with every key that dbt knows.
    pub hashed: Value,
    /// The entry as it was written.
    pub written: Map<String, Value>,
    /// Where it is declared.
    pub place: Place,
    /// Lines of the entry in its file, from 1: first, and last or none when it is the file's last.
    pub lines: (u32, Option<u32>),
}

/// What a folder says of itself and of the packages that it uses.
#[derive(Debug, Clone)]
pub struct PackageFolder {
    /// Name of the project or package.
    pub name: String,
    /// Where it has packages installed, relative to the folder.
    pub install_path: String,
    /// The packages that it declares.
    pub packages: Vec<PackageSpec>,
    /// The file that declares them; none when there is none.
    pub file: Option<&'static str>,
}

/// Reads a project's or package's folder. `root` is the root project's, for places in messages.
///
/// Errors (user): every problem of `dbt_project.yml` and of the declarations.
pub fn read_package_folder(dir: &Path, root: &Path, options: &LoadOptions) -> Result<PackageFolder> {
    let mut diagnostics = Diagnostics::new();
    let environment = LazyEnvironment::new(EnvironmentOptions {
        vars: Vars { overrides: options.vars.clone(), ..Vars::default() },
        env: options.env.clone(),
        now: options.now,
        invocation_id: options.invocation_id.clone(),
        ..EnvironmentOptions::default()
    });
    let found = package::read(dir, root, &environment, &mut diagnostics);
    let label = |name: &str| found.as_ref().map_or_else(|| name.to_owned(), |package| package.label(name));
    let mut packages = Vec::new();
    let mut declaring: Option<&'static str> = None;
    for name in FILES {
        let path = dir.join(name);
        if !path.is_file() {
            continue;
        }
        let file = label(name);
        let Some(text) = files::read_text(&path, &file, &mut diagnostics) else { continue };
        let Some(raw) = yaml::parse(&text, &file, &mut diagnostics) else { continue };
        let Some(list) = raw.get("packages") else { continue };
        if let Some(other) = declaring {
            diagnostics.push(
                Diagnostic::error("bad-package", format!("both {other} and {name} declare packages"))
                    .at(list.at.in_file(&file))
                    .hint(format!("move all of them into {other}")),
            );
            continue;
        }
        declaring = Some(name);
        packages = read_list(list, &file, &environment, &mut diagnostics);
    }
    let name = found.as_ref().map(|package| package.name.clone()).unwrap_or_default();
    let install_path = found.map(|package| package.file.packages_install_path).unwrap_or_default();
    diagnostics.into_result(&format!("the packages of {} cannot be read", dir.display()))?;
    Ok(PackageFolder { name, install_path, packages, file: declaring })
}

/// The entries of a `packages:` list, of a lock file too.
///
/// Errors (user): every entry that is none, with its place.
pub fn read_package_list(text: &str, file: &str, options: &LoadOptions) -> Result<(Vec<PackageSpec>, Option<String>)> {
    let mut diagnostics = Diagnostics::new();
    let environment = LazyEnvironment::new(EnvironmentOptions {
        vars: Vars { overrides: options.vars.clone(), ..Vars::default() },
        env: options.env.clone(),
        ..EnvironmentOptions::default()
    });
    let yaml = yaml::parse(text, file, &mut diagnostics);
    let list = yaml.as_ref().and_then(|yaml| yaml.get("packages"));
    let packages = list.map(|list| read_list(list, file, &environment, &mut diagnostics)).unwrap_or_default();
    let hash = yaml.as_ref().and_then(|yaml| yaml.get("sha1_hash")).and_then(Yaml::scalar_text);
    diagnostics.into_result(&format!("{file} cannot be read"))?;
    Ok((packages, hash))
}

fn read_list(
    list: &Yaml,
    file: &str,
    environment: &LazyEnvironment,
    diagnostics: &mut Diagnostics,
) -> Vec<PackageSpec> {
    if !matches!(list.kind, Kind::List(_)) {
        diagnostics.push(
            Diagnostic::error("wrong-type", format!("'packages' must be a list, not {}", list.describe()))
                .at(list.at.in_file(file))
                .hint("start each package with '- '"),
        );
    }
    // Addresses may hold tokens: secrets of the environment are allowed here, as in profiles.yml.
    let renderer = Renderer { templates: Templates::Lazy(environment), scope: ValueScope::Profile, package: "", file };
    let mut packages = Vec::new();
    let items = list.items();
    for (position, raw) in items.iter().enumerate() {
        let item = renderer.render_all(raw, diagnostics);
        let next = items.get(position + 1).map(|next| next.at.line.saturating_sub(1));
        match read_one(&item, raw, file) {
            Ok((source, hashed)) => packages.push(PackageSpec {
                source,
                hashed,
                written: raw.to_json_map(),
                place: raw.at.in_file(file),
                lines: (raw.at.line, next),
            }),
            Err(diagnostic) => diagnostics.push(diagnostic),
        }
    }
    packages
}

fn read_one(item: &Yaml, raw: &Yaml, file: &str) -> Result<(PackageSource, Value), Diagnostic> {
    let wrong =
        |message: String, hint: &str| Diagnostic::error("bad-package", message).at(item.at.in_file(file)).hint(hint);
    let text = |key: &str| item.get(key).and_then(Yaml::scalar_text).filter(|text| !text.is_empty());
    let known: &[&str] = if item.get("local").is_some() {
        &["local", "name"]
    } else if item.get("git").is_some() {
        &["git", "revision", "subdirectory", "warn-unpinned", "name"]
    } else if item.get("tarball").is_some() {
        &["tarball", "name"]
    } else if item.get("package").is_some() {
        &["package", "version", "install_prerelease", "install-prerelease", "name"]
    } else if item.get("private").is_some() {
        return Err(wrong("'private' packages are dbt platform's own".into(), "give the repository with 'git'"));
    } else {
        return Err(wrong(
            "a package needs 'local', 'package', 'git' or 'tarball'".into(),
            "write for example '- local: ../shared'",
        ));
    };
    if let Some(entry) = item.entries().iter().find(|entry| !known.contains(&entry.key.as_str())) {
        return Err(wrong(format!("'{}' is not a key of this kind of package", entry.key), &known.join(", ")));
    }
    let json = |key: &str| item.get(key).map_or(Value::Null, Yaml::to_json);
    let mut hashed = Map::new();
    let source = match known[0] {
        "local" => {
            let path = text("local").ok_or_else(|| wrong("'local' has no path".into(), "give a folder"))?;
            hashed.insert("local".into(), path.clone().into());
            PackageSource::Local { path }
        }
        "git" => {
            let url = text("git").ok_or_else(|| wrong("'git' has no address".into(), "give an address or a path"))?;
            hashed.insert("git".into(), url.clone().into());
            for key in ["revision", "subdirectory", "warn-unpinned"] {
                hashed.insert(key.into(), json(key));
            }
            let unpinned = item.get("warn-unpinned").map(|value| &value.kind);
            PackageSource::Git {
                url,
                revision: text("revision"),
                subdirectory: text("subdirectory"),
                warn_unpinned: !matches!(unpinned, Some(Kind::Bool(false))),
            }
        }
        "tarball" => {
            let url =
                text("tarball").ok_or_else(|| wrong("'tarball' has no address".into(), "give an address or a path"))?;
            let name =
                text("name").ok_or_else(|| wrong("a tarball needs a 'name'".into(), "add 'name: package_name'"))?;
            hashed.insert("tarball".into(), url.clone().into());
            PackageSource::Tarball { url, name }
        }
        _ => {
            let name =
                text("package").ok_or_else(|| wrong("'package' has no name".into(), "write organisation/package"))?;
            if name.split('/').filter(|part| !part.is_empty()).count() != 2 {
                return Err(wrong(format!("'{name}' is not the name of a package"), "write organisation/package"));
            }
            let versions: Vec<String> = match item.get("version") {
                Some(list) if matches!(list.kind, Kind::List(_)) => {
                    list.items().iter().filter_map(Yaml::scalar_text).collect()
                }
                Some(one) => one.scalar_text().into_iter().collect(),
                None => Vec::new(),
            };
            if versions.is_empty() {
                return Err(wrong(
                    format!("package '{name}' has no 'version'"),
                    "write it like 'version: [\">=1.1.0\", \"<2.0.0\"]'",
                ));
            }
            hashed.insert("package".into(), name.clone().into());
            hashed.insert("version".into(), json("version"));
            let flag = item.get("install_prerelease").or_else(|| item.get("install-prerelease"));
            let prerelease = matches!(flag.map(|value| &value.kind), Some(Kind::Bool(true)));
            hashed.insert("install_prerelease".into(), prerelease.into());
            let versions =
                versions.iter().flat_map(|version| version.split(',')).map(|version| version.trim().to_owned());
            PackageSource::Hub { name, versions: versions.filter(|version| !version.is_empty()).collect(), prerelease }
        }
    };
    if let Some(name) = text("name") {
        hashed.insert("name".into(), name.into());
    }
    hashed.insert("unrendered".into(), raw.to_json());
    Ok((source, Value::Object(hashed)))
}
