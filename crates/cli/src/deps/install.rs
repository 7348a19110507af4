//! Putting packages where the project reads them: all at once.

use std::path::{Component, Path, PathBuf};

use millstream_core::{Error, Result};

use super::fetch::Fetcher;
use super::{Pinned, describe};
use millstream_project::PackageSource;

/// Replaces a file, whole or not at all.
pub fn replace(path: &Path, text: &str) -> Result<()> {
    let half = path.with_extension("yml.half");
    std::fs::write(&half, text)
        .and_then(|()| std::fs::rename(&half, path))
        .map_err(|error| Error::environment(format!("{} cannot be written", path.display())).why(error))
}

/// Makes `install_path` hold exactly these packages. A run that was cut short leaves the old folder, or none; the next
/// one puts everything right. `installed` hears of each.
pub async fn install(
    packages: &[Pinned],
    fetcher: &Fetcher,
    install_path: &str,
    installed: &dyn Fn(&Pinned),
) -> Result<()> {
    let target = target(&fetcher.project, install_path)?;
    let (next, old) = (beside(&target, "next"), beside(&target, "old"));
    // A run that died between the two renames left the old folder under its other name.
    if old.is_dir() && !target.exists() {
        std::fs::rename(&old, &target)?;
    }
    for rest in [&next, &old] {
        remove(rest)?;
    }
    std::fs::create_dir_all(&next)?;
    for package in packages {
        let fetched = fetcher.fetch(&package.source, &fetcher.project).await?;
        let place = next.join(&package.name);
        if !Path::new(&package.name).components().all(|part| matches!(part, Component::Normal(_)))
            || package.name.is_empty()
        {
            return Err(Error::user(format!("'{}' cannot be the name of a package", package.name)));
        }
        match &package.source {
            PackageSource::Local { .. } => link(&fetched.folder, &place)?,
            _ => copy(&fetched.folder, &place)
                .map_err(|error| error.context(format!("{} cannot be installed", describe(&package.source))))?,
        }
        installed(package);
    }
    if target.exists() {
        std::fs::rename(&target, &old)
            .map_err(|error| Error::environment(format!("{} cannot be replaced", target.display())).why(error))?;
    }
    std::fs::rename(&next, &target)
        .map_err(|error| Error::environment(format!("{} cannot be made", target.display())).why(error))?;
    remove(&old)
}

/// The folder of packages, which must not be one that holds anything else.
fn target(project: &Path, install_path: &str) -> Result<PathBuf> {
    let path = Path::new(install_path);
    let inside = path.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir))
        && path.components().any(|part| matches!(part, Component::Normal(_)));
    if !inside {
        return Err(Error::user(format!("packages-install-path '{install_path}' is not inside of the project"))
            .at(millstream_core::Place::file("dbt_project.yml"))
            .hint("name a folder below the project folder: what is in it is replaced"));
    }
    let target = project.join(path);
    let foreign = std::fs::read_dir(&target).into_iter().flatten().filter_map(std::result::Result::ok).find(|entry| {
        let hidden = entry.file_name().to_string_lossy().starts_with('.');
        !hidden && !entry.path().join("dbt_project.yml").is_file() && entry.path().is_file()
    });
    match foreign {
        Some(entry) => Err(Error::user(format!(
            "packages-install-path '{install_path}' holds '{}', which is no package",
            entry.file_name().to_string_lossy()
        ))
        .hint("what is in that folder is replaced: move the file away, or name another folder")),
        None => Ok(target),
    }
}

fn beside(target: &Path, what: &str) -> PathBuf {
    let name = target.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    target.with_file_name(format!(".{name}.{what}"))
}

fn remove(folder: &Path) -> Result<()> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(Error::environment(format!("{} cannot be removed", folder.display())).why(error))
        }
        _ => Ok(()),
    }
}

/// A local package is linked, as dbt does, so that changes to it count at once; where links are not to be had it is copied.
fn link(from: &Path, to: &Path) -> Result<()> {
    #[cfg(unix)]
    if std::os::unix::fs::symlink(from, to).is_ok() {
        return Ok(());
    }
    copy(from, to)
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if entry.file_name() == ".git" {
            continue;
        }
        if kind.is_dir() {
            copy(&entry.path(), &to.join(entry.file_name()))?;
        } else if kind.is_file() {
            std::fs::copy(entry.path(), to.join(entry.file_name()))?;
        }
    }
    Ok(())
}
