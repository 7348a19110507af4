//! Stored views: the query as it was written, in a small JSON file that appears whole or not at all.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::ErrorKind;
use std::path::Path;

use millstream_core::warehouse::Dialect;
use millstream_core::{Error, Result};
use serde::{Deserialize, Serialize};

/// What names of view files end with.
pub(crate) const VIEW_SUFFIX: &str = ".view.json";

/// A view's query and what is needed to read it as its writer meant it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ViewText {
    /// The query.
    pub sql: String,
    /// Schema for unqualified names in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_schema: Option<String>,
    /// The language that it is written in.
    #[serde(default, skip_serializing_if = "Dialect::is_native")]
    pub dialect: Dialect,
}

impl ViewText {
    /// What identifies it.
    pub(crate) fn content(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        (&self.sql, &self.default_schema, self.dialect.is_native()).hash(&mut hasher);
        hasher.finish()
    }
}

/// One stored view.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct StoredView {
    /// The query.
    #[serde(flatten)]
    pub text: ViewText,
    /// When it was published, milliseconds since 1970.
    pub made_at_ms: i64,
    /// What the publisher noted.
    #[serde(default)]
    pub note: serde_json::Map<String, serde_json::Value>,
}

impl StoredView {
    /// Reads a view; `None` when the file does not exist.
    pub(crate) fn read(path: &Path) -> Result<Option<Self>> {
        let bytes = match fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return Ok(None),
            Err(error) => return Err(failed(path, "read", &error)),
        };
        serde_json::from_slice(&bytes).map(Some).map_err(|error| failed(path, "read", &error))
    }

    /// Reads a view that is about to be replaced. One that was lost in a power cut is none.
    pub(crate) fn read_if_whole(path: &Path) -> Result<Option<Self>> {
        match Self::read(path) {
            Err(_) if path.is_file() => Ok(None),
            read => read,
        }
    }

    /// Writes it under a temporary name and renames: readers see the old view or the new one.
    pub(crate) fn write(&self, path: &Path, id: &str) -> Result<()> {
        let write = || -> std::io::Result<()> {
            let folder = path.parent().unwrap_or_else(|| Path::new("."));
            fs::create_dir_all(folder)?;
            let temporary = folder.join(format!(".tmp-{id}.json"));
            // Not forced to the disk, as a table that is replaced whole is not: the next build makes it again.
            fs::write(&temporary, serde_json::to_vec_pretty(self)?)?;
            fs::rename(&temporary, path)
        };
        write().map_err(|error| failed(path, "write", &error))
    }

    /// Takes a view away; nothing happens when it is not there.
    pub(crate) fn remove(path: &Path) -> Result<()> {
        match fs::remove_file(path) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(failed(path, "remove", &error)),
            _ => Ok(()),
        }
    }
}

fn failed(path: &Path, verb: &str, error: &dyn std::fmt::Display) -> Error {
    Error::environment(format!("cannot {verb} the view file {}", path.display())).why(error)
}
