//! Packages in git repositories, by the `git` program.

use std::path::{Component, Path};
use std::process::Command;

use millstream_core::{Error, Result};
use millstream_project::PackageSource;

use super::fetch::{Fetched, Fetcher};
use super::without_credentials;

/// Clones the repository and checks the revision out: a tag, else a branch, else a commit.
pub fn fetch(fetcher: &Fetcher, source: &PackageSource) -> Result<Fetched> {
    let PackageSource::Git { url, revision, subdirectory, warn_unpinned } = source else {
        return Err(Error::ours("not a git package"));
    };
    let wanted = revision.as_deref().unwrap_or("HEAD");
    let clone = fetcher.scratch.join(super::hash(&[format!("git {url} {wanted}").into()]));
    if !clone.is_dir() {
        let target = clone.display().to_string();
        let url = url.strip_prefix("file://").filter(|path| path.starts_with('/')).unwrap_or(url);
        run(&fetcher.project, &["clone", "--quiet", "--no-checkout", "--", url, &target]).map_err(
            |error| match error {
                Failure::Missing(error) => error,
                Failure::Refused(told) => {
                    Error::environment(format!("{} cannot be cloned", without_credentials(url))).why(told).hint(
                        "see that the address is right and this machine may read it; or vendor the package as 'local:'",
                    )
                }
            },
        )?;
        let found = [format!("refs/tags/{wanted}"), format!("refs/remotes/origin/{wanted}"), wanted.to_owned()]
            .into_iter()
            .find_map(|name| run(&clone, &["rev-parse", "--verify", "--quiet", &format!("{name}^{{commit}}")]).ok());
        let Some(commit) = found else {
            // The clone must not be taken for a good one the next time.
            let _ = std::fs::remove_dir_all(&clone);
            return Err(Error::user(format!("{} has no revision '{wanted}'", without_credentials(url)))
                .hint("give a tag, a branch or a commit that the repository has"));
        };
        run(&clone, &["checkout", "--quiet", "--detach", &commit]).map_err(Failure::into_error)?;
    }
    let commit = run(&clone, &["rev-parse", "HEAD"]).map_err(Failure::into_error)?;
    let folder = match subdirectory {
        Some(inner)
            if !Path::new(inner).components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir)) =>
        {
            return Err(Error::user(format!("subdirectory '{inner}' leads out of the repository"))
                .hint("give a folder inside of the repository"));
        }
        Some(inner) => clone.join(inner),
        None => clone,
    };
    let source = PackageSource::Git {
        url: url.clone(),
        revision: Some(commit),
        subdirectory: subdirectory.clone(),
        warn_unpinned: *warn_unpinned,
    };
    Ok(Fetched { folder, source })
}

enum Failure {
    /// There is no git.
    Missing(Error),
    /// What git said.
    Refused(String),
}

impl Failure {
    fn into_error(self) -> Error {
        match self {
            Failure::Missing(error) => error,
            Failure::Refused(told) => Error::environment("git failed").why(told),
        }
    }
}

/// Runs git without ever asking for a password; gives what it wrote, without the newline at its end.
fn run(folder: &Path, arguments: &[&str]) -> Result<String, Failure> {
    let output = Command::new("git")
        .args(arguments)
        .current_dir(folder)
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("GIT_SSH_COMMAND", "ssh -oBatchMode=yes")
        .env("LC_ALL", "C")
        .env_remove("GIT_DIR")
        .env_remove("GIT_WORK_TREE")
        .stdin(std::process::Stdio::null())
        .output()
        .map_err(|error| {
            Failure::Missing(
                Error::environment("the program git cannot be run; packages in git repositories need it")
                    .why(error)
                    .hint("install git, or declare the package as 'local:' or 'tarball:'"),
            )
        })?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned());
    }
    let told = String::from_utf8_lossy(&output.stderr);
    let shown = told.split_whitespace().map(without_credentials).collect::<Vec<_>>().join(" ");
    Err(Failure::Refused(shown))
}
