//! Words that may not stand in the repository: unfinished work, debugging left-overs, paths of a machine.

use std::path::Path;
use std::process::Command;

use regex::Regex;

use super::{Finding, read};

/// Finds forbidden words in every text file that git tracks, this file apart.
pub fn check(root: &Path) -> Result<Vec<Finding>, String> {
    let unfinished =
        Regex::new(r"\b(TODO|FIXME|XXX)\b|\b(todo|unimplemented|dbg)!\s*\(").map_err(|error| error.to_string())?;
    let machine = Regex::new(r"(^|[^A-Za-z0-9_.$}])/(work|root|home/[a-z]+)/").map_err(|error| error.to_string())?;
    let mut findings = Vec::new();
    for path in tracked(root)? {
        if path == "xtask/src/tidy/words.rs" || path == "Cargo.lock" {
            continue;
        }
        let Ok(text) = read(&root.join(&path)) else { continue };
        for (number, line) in text.lines().enumerate() {
            if path.ends_with(".rs") && unfinished.is_match(line) {
                findings.push(Finding::new(
                    &path,
                    format!("line {}: unfinished work or a debugging left-over", number + 1),
                ));
            }
            if machine.is_match(line) {
                findings.push(Finding::new(&path, format!("line {}: a path of somebody's machine", number + 1)));
            }
        }
    }
    Ok(findings)
}

/// Files that git tracks.
fn tracked(root: &Path) -> Result<Vec<String>, String> {
    let output =
        Command::new("git").arg("-C").arg(root).arg("ls-files").output().map_err(|error| format!("git: {error}"))?;
    if !output.status.success() {
        return Err("git ls-files failed: tidy runs in a checkout".to_owned());
    }
    Ok(String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect())
}
