//! Where what was read of a project is kept: one file in the folder of artifacts.

use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use millstream_project::ParseCache;

/// Its own name: dbt keeps a `partial_parse.msgpack` of its own in the same folder.
const FILE: &str = "millstream_parse.bin";

/// Keeps it in `target/millstream_parse.bin`, replaced whole, for the user alone: values of `env_var` are in it.
#[derive(Debug, Default)]
pub struct FileCache {
    /// The folder of artifacts, where it is not the project's own.
    pub elsewhere: Option<PathBuf>,
}

impl FileCache {
    fn folder<'a>(&'a self, target_dir: &'a Path) -> &'a Path {
        self.elsewhere.as_deref().unwrap_or(target_dir)
    }
}

fn private(path: &Path) -> std::io::Result<fs::File> {
    fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)
}

impl ParseCache for FileCache {
    fn get(&self, target_dir: &Path) -> Option<Vec<u8>> {
        fs::read(self.folder(target_dir).join(FILE)).ok()
    }

    fn put(&self, target_dir: &Path, bytes: &[u8]) {
        let target_dir = self.folder(target_dir);
        // A cache that cannot be written costs time and nothing else.
        let beside: PathBuf = target_dir.join(format!(".{FILE}-{}", std::process::id()));
        let written = fs::create_dir_all(target_dir)
            .and_then(|()| private(&beside))
            .and_then(|mut file| file.write_all(bytes))
            .and_then(|()| fs::rename(&beside, target_dir.join(FILE)));
        if written.is_err() {
            let _ = fs::remove_file(&beside);
        }
    }

    /// The version, and which build of it: a developer's builds all have the same version.
    fn program(&self) -> String {
        let build = std::env::current_exe().and_then(fs::metadata).ok().map(|found| {
            let modified = found.modified().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok());
            format!("{}-{}", found.len(), modified.map_or(0, |at| at.as_nanos()))
        });
        format!("{} {}", env!("CARGO_PKG_VERSION"), build.unwrap_or_default())
    }
}
