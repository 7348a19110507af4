//! Replaces a file whole.

use std::io::{BufWriter, Write};
use std::path::Path;

use millstream_core::{Error, Result};

/// Bytes that are collected before they are written.
const BUFFER_BYTES: usize = 1 << 18;

/// Writes beside the file and renames, so that the file is the old or the new one at every moment.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    write_with(path, |file| file.write_all(bytes))
}

/// The same for a text that is made while it is written.
pub(crate) fn write_with(path: &Path, fill: impl FnOnce(&mut dyn Write) -> std::io::Result<()>) -> Result<()> {
    let failed = |error: std::io::Error| {
        Error::environment(format!("{} cannot be written", path.display()))
            .why(error)
            .hint("check the space on the disk and that the target folder belongs to you")
    };
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    // Of this process alone, so that two commands never write into one file.
    let beside = path.with_extension(format!("json.{}.tmp", std::process::id()));
    let written = std::fs::File::create(&beside)
        .map(|file| BufWriter::with_capacity(BUFFER_BYTES, file))
        .and_then(|mut file| fill(&mut file).and_then(|()| file.flush()))
        .and_then(|()| std::fs::rename(&beside, path));
    if written.is_err() {
        let _ = std::fs::remove_file(&beside);
    }
    written.map_err(failed)
}
