//! `cargo xtask tidy`: the rules of the code base that the compiler does not know.
//!
//! Every rule is one file here; all findings of all rules are printed, then the chore fails if there is any.

mod budgets;
mod direction;
mod headers;
mod names;
mod words;

use std::path::{Path, PathBuf};

/// One broken rule: where and what.
pub struct Finding {
    /// Path from the workspace folder.
    pub file: String,
    /// What is wrong and how to mend it.
    pub message: String,
}

impl Finding {
    /// A finding in a file.
    pub fn new(file: &str, message: impl Into<String>) -> Self {
        Self { file: file.to_owned(), message: message.into() }
    }
}

/// A Rust file of the workspace with its text.
pub struct Source {
    /// Path from the workspace folder, with forward slashes.
    pub path: String,
    /// Its text.
    pub text: String,
}

/// Runs every rule.
pub fn run(root: &Path) -> Result<(), String> {
    let sources = sources(root)?;
    let mut findings = Vec::new();
    findings.extend(direction::check(root)?);
    findings.extend(names::check(root, &sources)?);
    findings.extend(budgets::check(&sources));
    findings.extend(headers::check(&sources));
    findings.extend(words::check(root)?);
    if findings.is_empty() {
        println!("tidy: {} Rust files, every rule holds", sources.len());
        return Ok(());
    }
    for finding in &findings {
        println!("{}: {}", finding.file, finding.message);
    }
    Err(format!("tidy: {} finding{}", findings.len(), if findings.len() == 1 { "" } else { "s" }))
}

/// Every `.rs` file below `crates/` and `xtask/`.
fn sources(root: &Path) -> Result<Vec<Source>, String> {
    let mut found = Vec::new();
    for top in ["crates", "xtask"] {
        for entry in walkdir::WalkDir::new(root.join(top)).sort_by_file_name() {
            let entry = entry.map_err(|error| error.to_string())?;
            let path = entry.path();
            if path.extension().is_some_and(|extension| extension == "rs")
                && !path.components().any(|part| part.as_os_str() == "target")
            {
                found.push(Source { path: relative(root, path), text: read(path)? });
            }
        }
    }
    Ok(found)
}

/// A path from the workspace folder, with forward slashes.
fn relative(root: &Path, path: &Path) -> String {
    path.strip_prefix(root).unwrap_or(path).to_string_lossy().replace('\\', "/")
}

/// A file's text.
fn read(path: &Path) -> Result<String, String> {
    std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}

/// `[dependencies]`, `[dev-dependencies]` and `[build-dependencies]` of a crate: (kind, dependency).
fn dependencies(manifest: &Path) -> Result<Vec<(String, String)>, String> {
    let table: toml::Table = read(manifest)?.parse().map_err(|error| format!("{}: {error}", manifest.display()))?;
    let mut found = Vec::new();
    for kind in ["dependencies", "dev-dependencies", "build-dependencies"] {
        if let Some(entries) = table.get(kind).and_then(toml::Value::as_table) {
            found.extend(entries.keys().map(|name| (kind.to_owned(), name.clone())));
        }
    }
    Ok(found)
}

/// Folders below `crates/`, sorted.
fn crates(root: &Path) -> Result<Vec<PathBuf>, String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(root.join("crates")).map_err(|error| error.to_string())? {
        let path = entry.map_err(|error| error.to_string())?.path();
        if path.join("Cargo.toml").exists() {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}
