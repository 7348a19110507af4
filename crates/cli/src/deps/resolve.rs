//! From declarations to pinned packages: what packages use is added until nothing is left.

use std::path::Path;

use millstream_core::{Error, Result};
use millstream_project::{LoadOptions, PackageFolder, PackageSource, PackageSpec, read_package_folder};

use super::fetch::Fetcher;
use super::{Pinned, describe};

/// Packages that a project may use, directly or not: the limit of the reader.
const PACKAGES_MAX: usize = 256;

/// A package that is wanted, by everyone who wants it.
struct Wanted {
    source: PackageSource,
    written: Option<String>,
    /// Who declares it, for messages.
    declared: Vec<String>,
    /// The folder from which a relative path may be meant.
    from: std::path::PathBuf,
    done: bool,
}

/// Resolves the root project's packages. `say` hears what is worth a look.
///
/// Errors (user): a package wanted in versions, revisions or kinds that exclude each other, two packages of one name, a
/// package called like the root project; and whatever fetching tells.
pub async fn resolve(
    root: &PackageFolder,
    fetcher: &Fetcher,
    options: &LoadOptions,
    say: &dyn Fn(String),
) -> Result<Vec<Pinned>> {
    let mut wanted: Vec<Wanted> = Vec::new();
    for spec in &root.packages {
        add(&mut wanted, spec, &fetcher.project)?;
    }
    let mut pinned: Vec<(usize, Pinned)> = Vec::new();
    while let Some(at) = wanted.iter().position(|package| !package.done) {
        if pinned.len() >= PACKAGES_MAX {
            return Err(Error::user(format!("the project uses more than {PACKAGES_MAX} packages")));
        }
        let package = &mut wanted[at];
        package.done = true;
        let fetched = fetcher
            .fetch(&package.source, &package.from)
            .await
            .map_err(|error| error.why(format!("declared at {}", package.declared.join(" and "))))?;
        if let PackageSource::Git { url, revision, warn_unpinned: true, .. } = &package.source
            && matches!(revision.as_deref(), None | Some("HEAD" | "main" | "master"))
        {
            say(format!(
                "{} is not pinned: its newest commit is taken; give it a 'revision'",
                super::without_credentials(url)
            ));
        }
        let folder = read_package_folder(&fetched.folder, &fetcher.project, options)
            .map_err(|error| error.context(format!("{} cannot be used", describe(&package.source))))?;
        let name = match &fetched.source {
            PackageSource::Tarball { name, .. } => name.clone(),
            _ => folder.name.clone(),
        };
        let found = Pinned { name, source: fetched.source, written: package.written.clone() };
        pinned.retain(|(other, _)| *other != at);
        pinned.push((at, found));
        for spec in &folder.packages {
            add(&mut wanted, spec, &fetched.folder)?;
        }
    }
    let pinned: Vec<Pinned> = pinned.into_iter().map(|(_, package)| package).collect();
    check_names(root, &pinned)?;
    Ok(pinned)
}

/// Adds a declaration to what is wanted; the same package is wanted once, by all of its ranges.
fn add(wanted: &mut Vec<Wanted>, spec: &PackageSpec, from: &Path) -> Result<()> {
    let place = spec.place.to_string();
    let Some(known) = wanted.iter_mut().find(|known| key(&known.source) == key(&spec.source)) else {
        let address = ["git", "tarball"].iter().find_map(|name| spec.written.get(*name)?.as_str());
        wanted.push(Wanted {
            source: spec.source.clone(),
            written: address.map(str::to_owned),
            declared: vec![place],
            from: from.to_path_buf(),
            done: false,
        });
        return Ok(());
    };
    let conflict = |what: String| {
        Error::user(what)
            .at(spec.place.clone())
            .why(format!("also declared at {}", known.declared.join(" and ")))
            .hint("declare the package once, in the root project, so that one version serves all")
    };
    let merged = match (&known.source, &spec.source) {
        (
            PackageSource::Hub { name, versions: old, prerelease },
            PackageSource::Hub { versions: new, prerelease: also, .. },
        ) => {
            let mut versions = old.clone();
            versions.extend(new.iter().filter(|version| !old.contains(version)).cloned());
            PackageSource::Hub { name: name.clone(), versions, prerelease: *prerelease || *also }
        }
        (PackageSource::Git { revision: old, .. }, PackageSource::Git { revision: new, .. }) => match (old, new) {
            (Some(old), Some(new)) if old != new => {
                return Err(conflict(format!("{} is wanted at '{old}' and at '{new}'", describe(&known.source))));
            }
            (None, Some(_)) => spec.source.clone(),
            _ => known.source.clone(),
        },
        (same, _) => same.clone(),
    };
    if merged != known.source {
        known.source = merged;
        // Its version is decided again, by all ranges.
        known.done = false;
    }
    if !known.declared.contains(&place) {
        known.declared.push(place);
    }
    Ok(())
}

/// What makes two declarations one package.
fn key(source: &PackageSource) -> String {
    match source {
        PackageSource::Local { path } => format!("local {}", path.trim_end_matches('/')),
        PackageSource::Git { url, subdirectory, .. } => {
            format!("git {} {}", url.strip_suffix(".git").unwrap_or(url), subdirectory.as_deref().unwrap_or(""))
        }
        PackageSource::Tarball { url, .. } => format!("tarball {url}"),
        PackageSource::Hub { name, .. } => format!("hub {name}"),
    }
}

fn check_names(root: &PackageFolder, pinned: &[Pinned]) -> Result<()> {
    for (position, package) in pinned.iter().enumerate() {
        if package.name == root.name {
            return Err(Error::user(format!(
                "{} is called '{}', as the project itself",
                describe(&package.source),
                root.name
            ))
            .hint("rename one of them in its dbt_project.yml"));
        }
        if let Some(other) = pinned[..position].iter().find(|other| other.name == package.name) {
            return Err(Error::user(format!("two packages are called '{}'", package.name))
                .why(describe(&other.source))
                .why(describe(&package.source))
                .hint("declare it in one way only"));
        }
    }
    Ok(())
}
