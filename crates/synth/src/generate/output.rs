//! A file that appears under its name only when it is whole.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use millstream_core::{Error, Place, Result};

/// Written under a hidden name in the same folder, then renamed. Dropped unfinished, it leaves nothing behind; after
/// `kill -9` a hidden `.NAME.PID.partial` stays, which no source pattern matches.
#[derive(Debug)]
pub(super) struct AtomicFile {
    target: PathBuf,
    partial: PathBuf,
    file: File,
    bytes: u64,
    published: bool,
}

impl AtomicFile {
    /// Starts the file that will be called `name` in `folder`.
    pub(super) fn create(folder: &Path, name: &str) -> Result<Self> {
        let partial = folder.join(format!(".{name}.{}.partial", std::process::id()));
        let file = File::create(&partial).map_err(|error| failed(&partial, error))?;
        Ok(Self { target: folder.join(name), partial, file, bytes: 0, published: false })
    }

    /// Where the file will be.
    pub(super) fn target(&self) -> &Path {
        &self.target
    }

    /// Gives the file its name, replacing an older one.
    pub(super) fn publish(mut self) -> Result<Published> {
        // Synced first, or a power cut could leave the name on an empty file.
        self.file.sync_data().map_err(|error| failed(&self.partial, error))?;
        let replaced = self.target.exists() && differ(&self.partial, &self.target).unwrap_or(true);
        fs::rename(&self.partial, &self.target).map_err(|error| failed(&self.target, error))?;
        self.published = true;
        Ok(Published { path: self.target.clone(), bytes: self.bytes, replaced })
    }
}

/// A file that has its name.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Published {
    pub(super) path: PathBuf,
    pub(super) bytes: u64,
    /// Whether a file of that name was there, with other content.
    pub(super) replaced: bool,
}

/// Whether two files differ.
fn differ(one: &Path, other: &Path) -> io::Result<bool> {
    if fs::metadata(one)?.len() != fs::metadata(other)?.len() {
        return Ok(true);
    }
    let (mut one, mut other) = (BufReader::new(File::open(one)?), BufReader::new(File::open(other)?));
    loop {
        let (left, right) = (one.fill_buf()?, other.fill_buf()?);
        let length = left.len().min(right.len());
        if length == 0 || left[..length] != right[..length] {
            return Ok(length > 0);
        }
        one.consume(length);
        other.consume(length);
    }
}

impl Write for AtomicFile {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let written = self.file.write(buffer)?;
        self.bytes += written as u64;
        Ok(written)
    }
    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for AtomicFile {
    fn drop(&mut self) {
        if !self.published {
            // Nobody is left to tell; a leftover is hidden and harmless.
            let _ = fs::remove_file(&self.partial);
        }
    }
}

/// The error for a file or folder that cannot be written.
pub(super) fn failed(path: &Path, error: impl std::fmt::Display) -> Error {
    Error::environment("a generated file cannot be written")
        .at(Place::file(path.display().to_string()))
        .why(error)
        .hint("check that the folder exists, is writable and has room, or give another --out-dir")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_file_appears_whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let listed = || fs::read_dir(folder.path()).unwrap().count();
        let mut file = AtomicFile::create(folder.path(), "a.csv").unwrap();
        file.write_all(b"half").unwrap();
        assert!(!folder.path().join("a.csv").exists());
        drop(file);
        assert_eq!(listed(), 0);
        let mut file = AtomicFile::create(folder.path(), "a.csv").unwrap();
        file.write_all(b"whole").unwrap();
        let path = folder.path().join("a.csv");
        assert_eq!(file.publish().unwrap(), Published { path, bytes: 5, replaced: false });
        assert_eq!(listed(), 1);
        for (content, replaced) in [("whole", false), ("other", true), ("longer", true)] {
            let mut file = AtomicFile::create(folder.path(), "a.csv").unwrap();
            file.write_all(content.as_bytes()).unwrap();
            assert_eq!(file.publish().unwrap().replaced, replaced, "{content}");
        }
    }

    #[test]
    fn a_missing_folder_is_the_machines_problem() {
        let error = AtomicFile::create(Path::new("/nowhere/at/all"), "a.csv").unwrap_err();
        assert_eq!(error.kind(), millstream_core::Kind::Environment);
    }
}
