//! Which files belong to a source, and what they are called in positions, ledger and rows.

use std::path::{Component, Path, PathBuf};

use millstream_core::{Error, Result};

use super::FileOptions;
use crate::contract::FileSource;

/// Endings of compressed files that belong to a source without being named in its `path`.
const COMPRESSED_ENDINGS: [&str; 2] = [".gz", ".zst"];

/// Whether a file is a compressed one, by its name.
pub fn is_compressed(path: &Path) -> bool {
    let name = path.to_string_lossy().to_ascii_lowercase();
    COMPRESSED_ENDINGS.iter().any(|ending| name.ends_with(ending))
}

/// A file of a source.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct SourceFile {
    /// What positions and ledger call it: its path relative to the project with `/`, or its full path outside of it.
    pub(crate) unit: String,
    /// The value of `source_file`: the name without the folder.
    pub(crate) name: String,
    /// Where it is.
    pub(crate) path: PathBuf,
}

/// The files to ingest, sorted by unit. A file that was named explicitly and is not there is a usage error.
pub(crate) fn discover(source: &FileSource, options: &FileOptions) -> Result<Vec<SourceFile>> {
    let paths = match &options.files {
        Some(files) => named(files, options)?,
        None => globbed(source, &options.project_dir)?,
    };
    let mut files: Vec<SourceFile> = paths.into_iter().map(|path| source_file(path, &options.project_dir)).collect();
    files.sort();
    files.dedup_by(|a, b| a.unit == b.unit);
    Ok(files)
}

fn named(files: &[PathBuf], options: &FileOptions) -> Result<Vec<PathBuf>> {
    let mut found = Vec::with_capacity(files.len());
    for file in files {
        // As typed in the shell, or relative to the project when the command runs elsewhere.
        let candidates = [file.clone(), options.project_dir.join(file)];
        match candidates.into_iter().find(|path| path.is_file()) {
            Some(path) => found.push(path),
            None if options.pass_over_gone => {}
            None => {
                let what = format!("file '{}' is not there", file.display());
                return Err(Error::usage(what).hint("check the path"));
            }
        }
    }
    Ok(found)
}

/// The folder that all files of a source are in or under: its `path` up to the first part that is a pattern.
pub(crate) fn folder(source: &FileSource, project_dir: &Path) -> PathBuf {
    let fixed = source.path.find(['*', '?', '[']).map_or(source.path.as_str(), |at| &source.path[..at]);
    let folder = fixed.rfind('/').map_or("", |at| &fixed[..=at]);
    project_dir.join(folder)
}

fn globbed(source: &FileSource, project_dir: &Path) -> Result<Vec<PathBuf>> {
    let options = glob::MatchOptions { require_literal_leading_dot: true, ..glob::MatchOptions::new() };
    let base = glob::Pattern::escape(&project_dir.to_string_lossy());
    let mut found = Vec::new();
    for ending in std::iter::once("").chain(COMPRESSED_ENDINGS) {
        let path = format!("{}{ending}", source.path);
        let pattern = if Path::new(&path).is_absolute() || base.is_empty() { path } else { format!("{base}/{path}") };
        let paths = glob::glob_with(&pattern, options)
            .map_err(|e| Error::user(format!("path '{}' is not a pattern", source.path)).why(e))?;
        for path in paths {
            let path = path.map_err(|e| Error::environment("a folder of the source cannot be read").why(e))?;
            if path.is_file() {
                found.push(path);
            }
        }
    }
    Ok(found)
}

fn source_file(path: PathBuf, project_dir: &Path) -> SourceFile {
    let (full, base) = (lexical(&absolute(&path)), lexical(&absolute(project_dir)));
    let within = full.strip_prefix(&base).unwrap_or(&full);
    let unit = within.components().map(|part| part.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/");
    // A path outside of the project starts with the root, which would be doubled by the join.
    let unit = unit.strip_prefix("//").map_or(unit.clone(), |rest| format!("/{rest}"));
    let name = full.file_name().map_or_else(|| unit.clone(), |name| name.to_string_lossy().into_owned());
    SourceFile { unit, name, path }
}

fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf())
}

/// Takes `.` and `..` out without asking the disk, so that a file has one name however it was typed.
fn lexical(path: &Path) -> PathBuf {
    let mut clean = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                clean.pop();
            }
            other => clean.push(other),
        }
    }
    clean
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::contract::HeaderPolicy;

    fn source(path: &str) -> FileSource {
        FileSource { path: path.to_owned(), header: HeaderPolicy::Exact, max_error_share: 0.0, delimiter: b',' }
    }

    #[test]
    fn compressed_files_match_and_hidden_ones_do_not() {
        // Characters that mean something in a pattern, in the folder's own name.
        let dir = tempfile::Builder::new().prefix("a[1]*").tempdir().unwrap();
        let incoming = dir.path().join("data/incoming");
        std::fs::create_dir_all(incoming.join("orders_folder.csv")).unwrap();
        for name in
            ["orders_2.csv", "orders_1.csv.gz", "orders_3.csv.zst", ".orders_4.csv", "users_1.csv", "orders_5.csv.tmp"]
        {
            std::fs::write(incoming.join(name), "x").unwrap();
        }
        let mut options = FileOptions {
            project_dir: dir.path().to_path_buf(),
            files: None,
            pass_over_gone: false,
            replace: false,
            threads: 1,
        };
        let units = |options: &FileOptions| -> Vec<String> {
            let found = discover(&source("data/incoming/orders_*.csv"), options).unwrap();
            found.into_iter().map(|file| format!("{} {}", file.unit, file.name)).collect()
        };
        assert_eq!(
            units(&options),
            [
                "data/incoming/orders_1.csv.gz orders_1.csv.gz",
                "data/incoming/orders_2.csv orders_2.csv",
                "data/incoming/orders_3.csv.zst orders_3.csv.zst",
            ]
        );
        // The same file named twice in different ways is one unit.
        options.files = Some(vec![incoming.join("../incoming/orders_2.csv"), "data/incoming/./orders_2.csv".into()]);
        assert_eq!(units(&options), ["data/incoming/orders_2.csv orders_2.csv"]);
        // Outside of the project, the full path is the name.
        let outside = tempfile::tempdir().unwrap().keep().join("x.csv");
        std::fs::write(&outside, "x").unwrap();
        options.files = Some(vec![outside.clone()]);
        assert_eq!(units(&options), [format!("{} x.csv", outside.display())]);
        std::fs::remove_dir_all(outside.parent().unwrap()).unwrap();
        options.files = Some(vec!["nowhere.csv".into()]);
        let error = discover(&source("*"), &options).err().unwrap();
        assert_eq!(error.kind(), millstream_core::Kind::Usage);
        options.pass_over_gone = true;
        options.files = Some(vec!["nowhere.csv".into(), incoming.join("orders_2.csv")]);
        assert_eq!(units(&options), ["data/incoming/orders_2.csv orders_2.csv"]);
    }

    #[test]
    fn the_folder_is_what_stands_before_the_pattern() {
        let folder = |path: &str| folder(&source(path), Path::new("/p"));
        assert_eq!(folder("data/incoming/orders_*.csv"), Path::new("/p/data/incoming"));
        assert_eq!(folder("data/20[0-9]?/orders.csv"), Path::new("/p/data"));
        assert_eq!(folder("data/orders.csv"), Path::new("/p/data"));
        assert_eq!(folder("*.csv"), Path::new("/p"));
        assert_eq!(folder("/mnt/x/*.csv"), Path::new("/mnt/x"));
        assert_eq!(folder("/*.csv"), Path::new("/"));
    }
}
