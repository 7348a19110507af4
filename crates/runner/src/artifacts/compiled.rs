//! `target/compiled` and `target/run`: the SQL of each node, in dbt's folders.

use std::path::{Path, PathBuf};

use millstream_core::{Error, Result};
use millstream_project::Node;

/// Writes the SQL of a node below `target/<kind>/<package>/` and returns the file.
///
/// The folder is the node's own file; when several nodes stand in one file (tests of a yml file, snapshot blocks),
/// the file becomes a folder with one file for each node, as in dbt.
pub(crate) fn write(target_dir: &Path, kind: &str, node: &Node, sql: &str) -> Result<PathBuf> {
    write_file(file(target_dir, kind, node), sql)
}

/// As [`write`], for one batch of a microbatch model: `models/events/events_2024-01-01.sql`.
pub(crate) fn write_batch(target_dir: &Path, kind: &str, node: &Node, label: &str, sql: &str) -> Result<PathBuf> {
    let folder = file(target_dir, kind, node).with_extension("");
    let name = format!("{}_{label}.sql", folder.file_name().unwrap_or_default().to_string_lossy());
    write_file(folder.join(name), sql)
}

fn write_file(path: PathBuf, sql: &str) -> Result<PathBuf> {
    let failed = |error: std::io::Error| {
        Error::environment(format!("{} cannot be written", path.display()))
            .why(error)
            .hint("check the space on the disk and that the target folder belongs to you")
    };
    // The folder is there in all but the first runs.
    if std::fs::write(&path, sql).is_ok() {
        return Ok(path);
    }
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    std::fs::write(&path, sql).map_err(failed)?;
    Ok(path)
}

fn file(target_dir: &Path, kind: &str, node: &Node) -> PathBuf {
    let own = Path::new(&node.original_file_path);
    let name = Path::new(&node.path);
    let folder = target_dir.join(kind).join(&node.package_name);
    if own.file_name() == name.file_name() && own.extension().is_some_and(|extension| extension == "sql") {
        folder.join(own)
    } else {
        let named = name.file_name().map_or_else(|| PathBuf::from(&node.name), PathBuf::from);
        folder.join(own).join(named.with_extension("sql"))
    }
}
