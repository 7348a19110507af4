//! Installing packages, as `dbt deps` does it (<https://docs.getdbt.com/reference/commands/deps>).
//!
//! Guarantees: the folder of packages changes all at once and only when every package is there; `package-lock.yml` has
//! dbt's form and hash, so that both tools take each other's lock; the same lock gives the same packages.
//! Deliberately absent: git's own protocol (the `git` program is run), and a cache.

mod declare;
mod fetch;
mod git;
mod hub;
mod install;
mod lock;
mod resolve;
mod tarball;
mod version;

pub use declare::{AddSource, add_package};
pub use fetch::Fetcher;
pub use hub::DEFAULT as HUB;
pub use install::install;
pub use lock::{FILE as LOCK_FILE, Lock, hash};
pub use resolve::resolve;

use millstream_project::PackageSource;

/// A package whose version is decided.
#[derive(Debug, Clone, PartialEq)]
pub struct Pinned {
    /// Name of the package, as its `dbt_project.yml` has it.
    pub name: String,
    /// Where it comes from; for git with the commit, for a hub with one version.
    pub source: PackageSource,
    /// The address as it was written, for the lock file: it may name a secret instead of holding it.
    pub written: Option<String>,
}

/// A source in words, without what may be secret in an address.
pub fn describe(source: &PackageSource) -> String {
    match source {
        PackageSource::Local { path } => format!("local folder {path}"),
        PackageSource::Git { url, revision, .. } => {
            let revision = revision.as_ref().map(|revision| format!(" at {revision}")).unwrap_or_default();
            format!("git repository {}{revision}", without_credentials(url))
        }
        PackageSource::Tarball { url, .. } => format!("tarball {}", without_credentials(url)),
        PackageSource::Hub { name, versions, .. } => format!("{name} {}", versions.join(",")),
    }
}

/// An address without `user:password@`.
pub fn without_credentials(url: &str) -> String {
    match (url.split_once("://"), url.rsplit_once('@')) {
        (Some((scheme, rest)), Some(_)) if rest.split('/').next().is_some_and(|host| host.contains('@')) => {
            format!("{scheme}://{}", rest.split_once('@').map_or(rest, |(_, rest)| rest))
        }
        _ => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_of_an_address_are_not_shown() {
        assert_eq!(without_credentials("https://user:token@host/a.git"), "https://host/a.git");
        assert_eq!(without_credentials("https://host/a@b.git"), "https://host/a@b.git");
        assert_eq!(without_credentials("git@host:a/b.git"), "git@host:a/b.git");
    }
}
