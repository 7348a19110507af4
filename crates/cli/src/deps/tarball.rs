//! Packages in gzipped tar files.

use std::io::Read;
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;
use millstream_core::{Error, Result};

/// Bytes that a tarball may unpack to.
pub const UNPACKED_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// Entries that a tarball may have.
pub const ENTRIES_MAX: usize = 20_000;

/// Unpacks files and folders into `folder`, which appears whole or not at all. Links are left out: a package needs none, and
/// one may lead anywhere.
pub fn unpack(bytes: &[u8], folder: &Path) -> Result<()> {
    let broken = |error: std::io::Error| Error::user("the tarball cannot be unpacked").why(error);
    let half = folder.with_extension("half");
    let _ = std::fs::remove_dir_all(&half);
    std::fs::create_dir_all(&half)?;
    let mut archive = tar::Archive::new(GzDecoder::new(bytes).take(UNPACKED_BYTES_MAX + 1));
    let mut unpacked = 0_u64;
    for (count, entry) in archive.entries().map_err(broken)?.enumerate() {
        let mut entry = entry.map_err(broken)?;
        unpacked = unpacked.saturating_add(entry.size());
        if count >= ENTRIES_MAX || unpacked > UNPACKED_BYTES_MAX {
            return Err(Error::user(format!(
                "the tarball holds more than {ENTRIES_MAX} entries or {UNPACKED_BYTES_MAX} bytes"
            ))
            .hint("a package holds no data: give the address of a package"));
        }
        let kind = entry.header().entry_type();
        if !kind.is_file() && !kind.is_dir() {
            continue;
        }
        if !entry.unpack_in(&half).map_err(broken)? {
            return Err(Error::user("the tarball holds a path that leads out of it"));
        }
    }
    std::fs::rename(&half, folder)?;
    Ok(())
}

/// The one folder that a package's tarball holds.
pub fn only_folder(folder: &Path) -> Result<PathBuf> {
    let mut folders: Vec<PathBuf> = std::fs::read_dir(folder)?.filter_map(|entry| Some(entry.ok()?.path())).collect();
    match (folders.pop(), folders.is_empty()) {
        (Some(only), true) if only.is_dir() => Ok(only),
        _ => Err(Error::user("the tarball does not hold one folder with a package in it")
            .hint("pack the folder of the package: tar -czf package.tgz package/")),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn packed(entries: &[(&str, &str)]) -> Vec<u8> {
        let mut builder = tar::Builder::new(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast()));
        for (path, text) in entries {
            let mut header = tar::Header::new_gnu();
            header.set_size(text.len() as u64);
            header.set_mode(0o644);
            // `set_path` refuses what leads out; a hostile file does not.
            header.as_old_mut().name[..path.len()].copy_from_slice(path.as_bytes());
            header.set_cksum();
            builder.append(&header, text.as_bytes()).unwrap();
        }
        builder.into_inner().unwrap().finish().unwrap()
    }

    #[test]
    fn files_are_unpacked_inside_of_the_folder_only() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("a");
        unpack(&packed(&[("p/dbt_project.yml", "name: p"), ("p/macros/m.sql", "x")]), &folder).unwrap();
        assert_eq!(std::fs::read_to_string(only_folder(&folder).unwrap().join("macros/m.sql")).unwrap(), "x");
        let out = unpack(&packed(&[("../evil", "x")]), &dir.path().join("b"));
        assert!(out.is_err() && !dir.path().join("evil").exists() && !dir.path().join("b").exists());
        assert!(unpack(b"not gzip", &dir.path().join("c")).is_err());
        unpack(&packed(&[("p/a", "1"), ("q/b", "2")]), &dir.path().join("d")).unwrap();
        assert!(only_folder(&dir.path().join("d")).is_err());
    }

    #[test]
    fn entries_end_at_their_limit() {
        let dir = tempfile::tempdir().unwrap();
        let names: Vec<String> = (0..=ENTRIES_MAX).map(|at| format!("p/{at}")).collect();
        let entries: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "")).collect();
        assert!(unpack(&packed(&entries[..ENTRIES_MAX]), &dir.path().join("a")).is_ok());
        assert!(unpack(&packed(&entries), &dir.path().join("b")).is_err());
    }
}
