//! Reading of a project's files: the only IO of this crate.
//!
//! Guarantees: files come in the order of their paths; unreadable, oversized and non-UTF-8 files are diagnostics;
//! hidden files and editor backups are passed over, as with dbt. Deliberately absent: writing.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use md5::Md5;
use millstream_core::{Diagnostic, Diagnostics, Place};
use sha2::{Digest, Sha256};
use walkdir::WalkDir;

use crate::cache::inputs::{note_asked, note_file, note_hash, note_incomparable, note_listing, note_search};
use crate::ignore::IgnoreRules;
use crate::limits::{FILES_MAX, SEED_FILE_BYTES_MAX, TEXT_FILE_BYTES_MAX};

/// A file that was found under one of a package's folders.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    /// Absolute path.
    pub absolute: PathBuf,
    /// Path relative to the package, with `/`.
    pub path: String,
    /// Path relative to the folder that was searched, with `/`.
    pub relative: String,
}

impl Found {
    /// The file name without folder and last extension.
    pub(crate) fn stem(&self) -> &str {
        let name = self.relative.rsplit('/').next().unwrap_or(&self.relative);
        name.rsplit_once('.').map_or(name, |(stem, _)| stem)
    }
}

/// All files with one of the `extensions` under `folders` of a package, each once, sorted by path.
pub(crate) fn find(search: &Search<'_>, folders: &[String], diagnostics: &mut Diagnostics) -> Vec<Found> {
    find_at_most(FILES_MAX, search, folders, diagnostics)
}

/// Where and what to search.
pub(crate) struct Search<'a> {
    /// Folder of the package.
    pub package_dir: &'a Path,
    /// Makes paths of the package as messages show them.
    pub label: &'a dyn Fn(&str) -> String,
    /// Extensions of the files that are wanted.
    pub extensions: &'a [&'a str],
    /// Files that are not wanted.
    pub ignore: &'a IgnoreRules,
}

fn find_at_most(limit: usize, search: &Search<'_>, folders: &[String], diagnostics: &mut Diagnostics) -> Vec<Found> {
    let Search { package_dir, label, extensions, ignore } = search;
    let mut found: Vec<Found> = Vec::new();
    let mut seen: BTreeSet<String> = BTreeSet::new();
    for folder in folders {
        let root = package_dir.join(folder);
        if !root.is_dir() {
            note_search(&root, extensions, None);
            continue;
        }
        let mut all = Vec::new();
        for entry in WalkDir::new(&root).follow_links(true).sort_by_file_name() {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) if dangling(&error).is_some_and(|name| !is_wanted_name(name, extensions)) => continue,
                Err(error) => {
                    note_incomparable();
                    diagnostics.push(
                        Diagnostic::error("unreadable", format!("a folder cannot be read: {error}"))
                            .at(Place::file(label(folder))),
                    );
                    continue;
                }
            };
            if !entry.file_type().is_file() || !is_wanted_name(entry.file_name(), extensions) {
                continue;
            }
            let Ok(path) = entry.path().strip_prefix(package_dir) else { continue };
            let Ok(relative) = entry.path().strip_prefix(&root) else { continue };
            let path = with_slashes(path);
            all.push(with_slashes(relative));
            if ignore.ignores(&path) || !seen.insert(path.clone()) {
                continue;
            }
            if found.len() >= limit {
                note_incomparable();
                diagnostics.push(
                    Diagnostic::error("too-large", format!("a package has more than {limit} files in '{folder}'"))
                        .at(Place::file(label(folder))),
                );
                return found;
            }
            found.push(Found { absolute: entry.path().to_path_buf(), path, relative: with_slashes(relative) });
        }
        all.sort();
        note_search(&root, extensions, Some(all));
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

/// The files under a folder that a search could find, sorted; `None` when there is no such folder or it cannot be read.
pub(crate) fn walk(root: &Path) -> Option<Vec<String>> {
    if !root.is_dir() {
        return None;
    }
    let mut all = Vec::new();
    for entry in WalkDir::new(root).follow_links(true) {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) if dangling(&error).is_some() => continue,
            Err(_) => return None,
        };
        if entry.file_type().is_file() {
            all.push(with_slashes(entry.path().strip_prefix(root).ok()?));
        }
    }
    all.sort();
    Some(all)
}

/// The name of a link that leads nowhere: editors leave some behind, and checkouts hold links to what was not fetched.
fn dangling(error: &walkdir::Error) -> Option<&OsStr> {
    let is_missing = error.io_error()?.kind() == std::io::ErrorKind::NotFound;
    error.path().filter(|path| is_missing && path.is_symlink())?.file_name()
}

/// Whether a search for these extensions wants a file of this path.
pub(crate) fn is_wanted(path: &str, extensions: &[&str]) -> bool {
    is_wanted_name(OsStr::new(path.rsplit('/').next().unwrap_or(path)), extensions)
}

fn is_wanted_name(name: &OsStr, extensions: &[&str]) -> bool {
    let name = name.to_string_lossy();
    !name.starts_with(['.', '#', '~']) && extensions.iter().any(|extension| has_extension(&name, extension))
}

/// Whether a file is there.
pub(crate) fn is_file(path: &Path) -> bool {
    let is_file = path.is_file();
    note_asked(path, is_file);
    is_file
}

/// Names of the entries of a folder, sorted; `None` when it cannot be read.
pub(crate) fn list(folder: &Path) -> Option<Vec<String>> {
    let names = entry_names(folder);
    note_listing(folder, names.clone());
    names
}

pub(crate) fn entry_names(folder: &Path) -> Option<Vec<String>> {
    let entries = std::fs::read_dir(folder).ok()?;
    let mut names: Vec<String> =
        entries.filter_map(|entry| Some(entry.ok()?.file_name().to_string_lossy().into_owned())).collect();
    names.sort();
    Some(names)
}

/// The text of a file that need not be there and of which nobody is told when it cannot be read.
pub(crate) fn read_if_there(path: &Path) -> Option<String> {
    let text = std::fs::read_to_string(path).ok();
    note_file(path, std::fs::read(path).ok().as_deref());
    text
}

fn has_extension(name: &str, extension: &str) -> bool {
    name.len() > extension.len() + 1
        && name.rsplit_once('.').is_some_and(|(_, found)| found.eq_ignore_ascii_case(extension))
}

/// A path with `/` between its parts.
pub(crate) fn with_slashes(path: &Path) -> String {
    path.components().map(|part| part.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/")
}

/// The text of a file. `None` and a diagnostic when it cannot be read as UTF-8 text of a sensible size.
/// A byte order mark is taken off.
pub(crate) fn read_text(absolute: &Path, label: &str, diagnostics: &mut Diagnostics) -> Option<String> {
    let size = std::fs::metadata(absolute).map(|meta| meta.len());
    let bytes = match size {
        Ok(size) if size > TEXT_FILE_BYTES_MAX => {
            note_incomparable();
            diagnostics.push(
                Diagnostic::error(
                    "too-large",
                    format!("the file has {size} bytes; a project file may have {TEXT_FILE_BYTES_MAX}"),
                )
                .at(Place::file(label)),
            );
            return None;
        }
        Ok(_) => std::fs::read(absolute),
        Err(error) => Err(error),
    };
    note_file(absolute, bytes.as_deref().ok());
    let bytes = match bytes {
        Ok(bytes) => bytes,
        Err(error) => {
            diagnostics.push(
                Diagnostic::error("unreadable", format!("the file cannot be read: {error}")).at(Place::file(label)),
            );
            return None;
        }
    };
    match String::from_utf8(bytes) {
        Ok(text) => Some(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text)),
        Err(error) => {
            let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
            let line = 1 + good.iter().filter(|byte| **byte == b'\n').count();
            diagnostics.push(
                Diagnostic::error("not-utf8", "the file is not UTF-8 text")
                    .at(Place::line(label, u32::try_from(line).unwrap_or(u32::MAX)))
                    .hint("save it with the encoding UTF-8"),
            );
            None
        }
    }
}

/// sha256 of a text without surrounding white space: dbt's rule for the checksum of a node.
pub(crate) fn text_checksum(text: &str) -> String {
    sha256_hex(text.trim().as_bytes())
}

/// Bytes of a seed up to which its checksum follows dbt's rule (without surrounding white space). For larger ones
/// dbt hashes only the path; the whole file is better.
const SEED_TRIMMED_BYTES_MAX: u64 = 1024 * 1024;

/// sha256 of a seed file. `None` and a diagnostic when it cannot be read or is too large.
pub(crate) fn seed_checksum(absolute: &Path, label: &str, diagnostics: &mut Diagnostics) -> Option<String> {
    let result = std::fs::metadata(absolute).and_then(|meta| {
        if meta.len() > SEED_FILE_BYTES_MAX {
            note_incomparable();
            return Ok(Err(meta.len()));
        }
        if meta.len() <= SEED_TRIMMED_BYTES_MAX {
            let bytes = std::fs::read(absolute)?;
            note_file(absolute, Some(&bytes));
            return Ok(Ok(sha256_hex(bytes.trim_ascii())));
        }
        let mut hasher = Sha256::new();
        std::io::copy(&mut std::fs::File::open(absolute)?, &mut hasher)?;
        let hash = hasher.finalize();
        note_hash(absolute, hash.into());
        Ok(Ok(hex(&hash)))
    });
    match result {
        Ok(Ok(checksum)) => Some(checksum),
        Ok(Err(size)) => {
            diagnostics.push(
                Diagnostic::error(
                    "too-large",
                    format!("the seed has {size} bytes; a seed may have {SEED_FILE_BYTES_MAX}"),
                )
                .at(Place::file(label))
                .hint("load large files as a source"),
            );
            None
        }
        Err(error) => {
            diagnostics.push(
                Diagnostic::error("unreadable", format!("the file cannot be read: {error}")).at(Place::file(label)),
            );
            None
        }
    }
}

/// sha256 in lower-case hexadecimal.
pub(crate) fn sha256_hex(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// md5 in lower-case hexadecimal; for dbt's names only, never for integrity.
pub(crate) fn md5_hex(bytes: &[u8]) -> String {
    hex(&Md5::digest(bytes))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn files_are_found_up_to_the_limit_and_hidden_ones_never() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("models/x")).unwrap();
        for name in ["models/b.sql", "models/x/a.SQL", "models/.hidden.sql", "models/~a.sql", "models/a.txt"] {
            std::fs::write(dir.path().join(name), "").unwrap();
        }
        let ignore = IgnoreRules::default();
        let label = |path: &str| path.to_owned();
        let search = Search { package_dir: dir.path(), label: &label, extensions: &["sql"], ignore: &ignore };
        let folders = ["models".to_owned(), "models/x".to_owned(), "nowhere".to_owned()];
        let mut diagnostics = Diagnostics::new();
        let found = find_at_most(2, &search, &folders, &mut diagnostics);
        let paths: Vec<&str> = found.iter().map(|found| found.path.as_str()).collect();
        assert_eq!(paths, ["models/b.sql", "models/x/a.SQL"], "each file once, sorted");
        assert!(diagnostics.is_empty());
        assert_eq!(find_at_most(1, &search, &folders, &mut diagnostics).len(), 1);
        assert!(diagnostics.has_errors());
    }

    /// As for dbt: only one that a search would have found is a problem.
    #[cfg(unix)]
    #[test]
    fn links_to_nowhere_that_nobody_looks_for_are_passed_over() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("models")).unwrap();
        std::fs::write(dir.path().join("models/a.sql"), "").unwrap();
        let link = |name: &str| std::os::unix::fs::symlink("/nowhere/at/all", dir.path().join("models").join(name));
        link("customers").unwrap();
        link(".#a.sql").unwrap();
        let ignore = IgnoreRules::default();
        let label = |path: &str| path.to_owned();
        let search = Search { package_dir: dir.path(), label: &label, extensions: &["sql"], ignore: &ignore };
        let mut diagnostics = Diagnostics::new();
        assert_eq!(find(&search, &["models".to_owned()], &mut diagnostics).len(), 1);
        assert!(diagnostics.is_empty());
        assert_eq!(walk(&dir.path().join("models")), Some(vec!["a.sql".to_owned()]));
        link("b.sql").unwrap();
        find(&search, &["models".to_owned()], &mut diagnostics);
        assert!(diagnostics.has_errors());
    }

    #[test]
    fn a_seed_past_its_limit_is_refused_unread() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.csv");
        std::fs::File::create(&path).unwrap().set_len(SEED_FILE_BYTES_MAX + 1).unwrap();
        let mut diagnostics = Diagnostics::new();
        assert_eq!(seed_checksum(&path, "seeds/a.csv", &mut diagnostics), None);
        assert!(diagnostics.has_errors());
    }
}
