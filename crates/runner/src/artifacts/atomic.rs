//! Replaces a file whole.

use std::io::Write;
use std::path::Path;

use millstream_core::{Error, Result};

/// Writes beside the file and renames, so that the file is the old or the new one at every moment.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<()> {
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
        .and_then(|mut file| file.write_all(bytes))
        .and_then(|()| std::fs::rename(&beside, path));
    if written.is_err() {
        let _ = std::fs::remove_file(&beside);
    }
    written.map_err(failed)
}
