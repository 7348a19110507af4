//! The seam to where packages come from: each kind of source is made into a folder on this machine.

use std::path::{Path, PathBuf};

use millstream_core::{Error, Result};
use millstream_project::PackageSource;

use super::{describe, git, hub, tarball};

/// Bytes of one download. Packages are macros and models; anything larger is no package.
pub const DOWNLOAD_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Gets packages. Nothing is ever written outside of `scratch`.
pub struct Fetcher {
    /// Folder of the root project; relative paths start here.
    pub project: PathBuf,
    /// A folder for clones and downloads.
    pub scratch: PathBuf,
    /// Address of the hub, with a slash at its end.
    pub hub: String,
}

/// A package that was fetched.
#[derive(Debug, Clone)]
pub struct Fetched {
    /// Its folder.
    pub folder: PathBuf,
    /// The source with what fetching decided: the commit, the version.
    pub source: PackageSource,
}

impl Fetcher {
    /// Makes a package a folder. The same source is fetched once.
    ///
    /// Errors: a path that is not there, a revision or version that does not exist (user); a service or program that
    /// cannot be reached (environment).
    pub async fn fetch(&self, source: &PackageSource, from: &Path) -> Result<Fetched> {
        let fetched = match source {
            PackageSource::Local { path } => self.local(path, from)?,
            PackageSource::Git { .. } => git::fetch(self, source)?,
            PackageSource::Tarball { url, name } => {
                let folder = self.scratch.join(super::hash(&[format!("tarball {url} {name}").into()]));
                if !folder.is_dir() {
                    let bytes = self.download(url).await?;
                    tarball::unpack(&bytes, &folder).map_err(|error| error.context(describe(source)))?;
                }
                Fetched { folder: tarball::only_folder(&folder)?, source: source.clone() }
            }
            PackageSource::Hub { .. } => hub::fetch(self, source).await?,
        };
        if !fetched.folder.join("dbt_project.yml").is_file() {
            return Err(Error::user(format!("{} holds no dbt_project.yml", describe(source)))
                .hint("name the folder of the package: 'local: path', or 'subdirectory' of a git repository"));
        }
        Ok(fetched)
    }

    /// dbt takes paths from the root project's folder, wherever they are declared; one that is only right seen from
    /// the declaring package is found as well.
    fn local(&self, path: &str, from: &Path) -> Result<Fetched> {
        let found = [&self.project, &from.to_path_buf()]
            .into_iter()
            .map(|folder| folder.join(path))
            .find(|folder| folder.join("dbt_project.yml").is_file());
        let Some(folder) = found else {
            return Err(Error::user(format!("'{path}' holds no dbt_project.yml"))
                .hint("correct the path: it is taken from the project's folder"));
        };
        let folder =
            folder.canonicalize().map_err(|error| Error::environment(format!("'{path}' cannot be read")).why(error))?;
        Ok(Fetched { folder, source: PackageSource::Local { path: path.to_owned() } })
    }

    /// The bytes behind an address: `https://`, `http://`, `file://` or a path.
    pub async fn download(&self, url: &str) -> Result<Vec<u8>> {
        if !url.contains("://") || url.starts_with("file://") {
            let path = self.project.join(url.strip_prefix("file://").unwrap_or(url));
            return std::fs::read(&path)
                .map_err(|error| Error::user(format!("{} cannot be read", path.display())).why(error));
        }
        let shown = super::without_credentials(url);
        let unreachable = |error: reqwest::Error| {
            Error::environment(format!("{shown} cannot be reached"))
                .why(error.without_url())
                .hint("see that this machine has a network; or vendor the package: put its folder beside the project and declare it as 'local:'")
        };
        let client = reqwest::Client::builder()
            .timeout(std::time::Duration::from_secs(60))
            .user_agent(concat!("millstream/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(unreachable)?;
        let mut response = client.get(url).send().await.map_err(unreachable)?;
        if response.status() == reqwest::StatusCode::NOT_FOUND {
            return Err(Error::user(format!("there is nothing at {shown}")).hint("correct the name or the address"));
        }
        response = response.error_for_status().map_err(unreachable)?;
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
            bytes.extend_from_slice(&chunk);
            if bytes.len() as u64 > DOWNLOAD_BYTES_MAX {
                return Err(Error::user(format!("{shown} has more than {DOWNLOAD_BYTES_MAX} bytes"))
                    .hint("a package holds no data: give the address of a package"));
            }
        }
        Ok(bytes)
    }
}
