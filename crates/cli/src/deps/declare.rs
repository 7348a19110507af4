//! `--add-package`: an entry more in `packages.yml`, everything else in the file left as it is.

use std::path::Path;

use clap::ValueEnum;
use millstream_core::{Error, Result};
use millstream_project::{LoadOptions, PackageFolder, read_package_list};

use super::install::replace;
use super::lock::scalar;

/// Where a package that is added comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum AddSource {
    /// A package of the hub.
    Hub,
    /// A git repository.
    Git,
    /// A folder.
    Local,
}

/// Adds `NAME@VERSION` to the file that declares packages (`packages.yml` if there is none); an entry of the same package
/// gives way. Gives the file's name.
pub fn add_package(
    project: &Path,
    folder: &PackageFolder,
    wanted: &str,
    source: AddSource,
    options: &LoadOptions,
) -> Result<&'static str> {
    let (name, version) = split(wanted, source);
    if source == AddSource::Hub && version.is_none() {
        return Err(Error::usage(format!("--add-package {wanted} names no version"))
            .hint("write NAME@VERSION, for example dbt-labs/dbt_utils@1.3.0"));
    }
    let file = folder.file.unwrap_or("packages.yml");
    let path = project.join(file);
    let text = if path.is_file() { std::fs::read_to_string(&path)? } else { String::new() };
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let mut place = None;
    // From the last to the first, so that the numbers of the lines before stay right.
    for spec in folder.packages.iter().rev() {
        let address = ["package", "git", "local", "tarball"].iter().find_map(|key| spec.written.get(*key)?.as_str());
        if address.is_some_and(|address| same_package(address, name)) {
            let first = spec.lines.0.saturating_sub(1) as usize;
            let last = match spec.lines.1 {
                Some(last) => last as usize,
                None => end_of_entry(&lines, first),
            };
            let first = first.min(lines.len());
            let dash = lines.get(first).map_or(2, |line| line.len() - line.trim_start().len());
            lines.drain(first..last.min(lines.len()));
            place = Some((first, dash));
        }
    }
    let entry = entry(name, version, source);
    let start = lines.iter().position(|line| line.starts_with("packages:"));
    match (place, start) {
        // In the place of the entry that it replaces.
        (Some((at, blanks)), _) => insert(&mut lines, at, &entry, blanks),
        (None, Some(at)) => {
            let dash = lines[at + 1..].iter().find(|line| line.trim_start().starts_with("- "));
            let blanks = dash.map_or(2, |line| line.len() - line.trim_start().len());
            let end = end_of_list(&lines, at);
            // `packages: []` becomes a list that can be added to.
            if lines[at].trim_end() != "packages:" && end == at + 1 {
                lines[at] = "packages:".to_owned();
            }
            insert(&mut lines, end, &entry, blanks);
        }
        (None, None) => {
            lines.push("packages:".to_owned());
            lines.extend(entry.iter().map(|line| format!("  {line}")));
        }
    }
    let made = lines.join("\n") + "\n";
    read_package_list(&made, file, options)
        .map_err(|error| error.context(format!("{wanted} cannot be added to {file}")).hint("add it by hand"))?;
    replace(&path, &made)?;
    Ok(file)
}

fn insert(lines: &mut Vec<String>, at: usize, entry: &[String], blanks: usize) {
    let new: Vec<String> = entry.iter().map(|line| format!("{}{line}", " ".repeat(blanks))).collect();
    drop(lines.splice(at..at, new));
}

/// Name and version of `NAME@VERSION`. In an address of git the `@` of `git@host` parts nothing.
fn split(wanted: &str, source: AddSource) -> (&str, Option<&str>) {
    match wanted.rsplit_once('@') {
        Some((name, version)) if source != AddSource::Local && !version.contains([':', '/']) && !name.is_empty() => {
            (name, Some(version))
        }
        _ => (wanted, None),
    }
}

fn entry(name: &str, version: Option<&str>, source: AddSource) -> Vec<String> {
    let (key, version_key) = match source {
        AddSource::Hub => ("package", "version"),
        AddSource::Git => ("git", "revision"),
        AddSource::Local => ("local", ""),
    };
    let mut lines = vec![format!("- {key}: {}", scalar(name))];
    if let Some(version) = version {
        let ranges: Vec<String> = version.split(',').map(|one| format!("\"{}\"", one.trim())).collect();
        let value = if ranges.len() > 1 { format!("[{}]", ranges.join(", ")) } else { scalar(version) };
        lines.push(format!("  {version_key}: {value}"));
    }
    lines
}

/// Whether an address names the package: the last parts agree, hyphens or underscores.
fn same_package(address: &str, name: &str) -> bool {
    let last = |text: &str| {
        let text = text.trim_end_matches('/');
        let text = text.strip_suffix(".git").unwrap_or(text);
        text.rsplit(['/', ':']).next().unwrap_or(text).replace('-', "_")
    };
    last(address) == last(name)
}

/// Where the entry that starts at a line ends: at the next line that is not indented more than its dash.
fn end_of_entry(lines: &[String], first: usize) -> usize {
    let indent = |line: &str| line.len() - line.trim_start().len();
    let dash = lines.get(first).map_or(0, |line| indent(line));
    let mut end = first + 1;
    while lines.get(end).is_some_and(|line| !line.trim().is_empty() && indent(line) > dash) {
        end += 1;
    }
    end
}

/// Where the list under `packages:` ends: behind its last line that belongs to an entry.
fn end_of_list(lines: &[String], at: usize) -> usize {
    let mut end = at + 1;
    for (position, line) in lines.iter().enumerate().skip(at + 1) {
        let is_key = !line.starts_with([' ', '-', '#', '\t']) && !line.trim().is_empty();
        if is_key {
            break;
        }
        if !line.trim().is_empty() && !line.trim_start().starts_with('#') {
            end = position + 1;
        }
    }
    end
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_versions_are_parted() {
        assert_eq!(split("a/b@1.0.0", AddSource::Hub), ("a/b", Some("1.0.0")));
        assert_eq!(split("git@host:a/b.git", AddSource::Git), ("git@host:a/b.git", None));
        assert_eq!(split("https://h/b.git@v1", AddSource::Git), ("https://h/b.git", Some("v1")));
        assert_eq!(split("../x@y", AddSource::Local), ("../x@y", None));
    }

    #[test]
    fn the_same_package_is_known_by_its_last_part() {
        assert!(same_package("https://github.com/dbt-labs/dbt-utils.git", "dbt-labs/dbt_utils"));
        assert!(!same_package("dbt-labs/dbt_utils_more", "dbt-labs/dbt_utils"));
    }
}
