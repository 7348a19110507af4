//! Removing what killed processes left: unfinished files, files that no commit names, folders of dropped tables.

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use millstream_core::{Error, Result};

use crate::catalog::Catalog;
use crate::log;
use crate::write::is_temporary;

/// What names of dropped tables' folders start with.
pub(crate) const DROPPED: &str = ".dropped-";

/// What a sweep removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Swept {
    /// Files, those in dropped folders not counted.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// Sweeps every schema's folder.
pub(crate) fn sweep(catalog: &Catalog, older_than: Duration) -> Result<Swept> {
    let mut swept = Swept::default();
    let limit = SystemTime::now().checked_sub(older_than).unwrap_or(SystemTime::UNIX_EPOCH);
    for entry in list(catalog.root())? {
        if entry.file_name().to_string_lossy().starts_with(DROPPED) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
    for schema in catalog.schemas()? {
        let folder = catalog.root().join(&schema);
        for entry in list(&folder)? {
            let name = entry.file_name().to_string_lossy().into_owned();
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            if name.starts_with(DROPPED) && is_folder {
                let _ = fs::remove_dir_all(entry.path());
            } else if is_temporary(&name) {
                remove(&entry, limit, &mut swept);
            } else if is_folder {
                sweep_table(&entry.path(), limit, &mut swept)?;
            }
        }
    }
    Ok(swept)
}

fn sweep_table(folder: &Path, limit: SystemTime, swept: &mut Swept) -> Result<()> {
    let entries = data_files(folder)?;
    // Every version counts, not only the latest: past versions can be asked for.
    let names = entries.iter().map(|(name, _)| name.clone()).collect();
    let unnamed = log::unnamed(folder, names)?;
    for (name, entry) in &entries {
        if unnamed.contains(name) {
            remove(entry, limit, swept);
        }
    }
    for entry in list(&folder.join(log::LOG_FOLDER))? {
        if entry.file_name().to_string_lossy().ends_with(".tmp") {
            remove(&entry, limit, swept);
        }
    }
    // Only an empty folder is removed: this fails for all others, as it should.
    let _ = fs::remove_dir(folder.join(log::LOG_FOLDER));
    let _ = fs::remove_dir(folder);
    Ok(())
}

/// Files of a table's folder that are data files by their names, finished or not. Those of other programs that have
/// other names are never touched.
pub(crate) fn data_files(folder: &Path) -> Result<Vec<(String, fs::DirEntry)>> {
    let mut all = Vec::new();
    for entry in list(folder)? {
        let name = entry.file_name().to_string_lossy().into_owned();
        if is_temporary(&name) || (name.starts_with("part-") && name.ends_with(".parquet")) {
            all.push((name, entry));
        }
    }
    Ok(all)
}

fn remove(entry: &fs::DirEntry, limit: SystemTime, swept: &mut Swept) {
    let Ok(meta) = entry.metadata() else { return };
    if meta.is_file() && meta.modified().is_ok_and(|at| at <= limit) && fs::remove_file(entry.path()).is_ok() {
        swept.files += 1;
        swept.bytes += meta.len();
    }
}

fn list(folder: &Path) -> Result<Vec<fs::DirEntry>> {
    let failed = |error: std::io::Error| {
        Error::environment("the warehouse's folder cannot be read").why(format!("{}: {error}", folder.display()))
    };
    match fs::read_dir(folder) {
        Ok(entries) => entries.collect::<std::io::Result<_>>().map_err(failed),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(failed(error)),
    }
}
