//! New project folders from the scaffolds inside the binary.
//!
//! Guarantees: a new folder appears whole or not at all, and nothing that is there is ever overwritten.

use std::path::{Path, PathBuf};

use millstream_core::{Error, Result};

include!(concat!(env!("OUT_DIR"), "/scaffolds.rs"));

/// Name of project and profile in the scaffolds, which a new project's name replaces.
const SCAFFOLD_NAME: &str = "finance";

/// Which scaffold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scaffold {
    /// The finance project, whole.
    Finance,
    /// The bare layout.
    Empty,
}

impl Scaffold {
    fn files(self) -> &'static [(&'static str, &'static [u8])] {
        match self {
            Self::Finance => FINANCE,
            Self::Empty => EMPTY,
        }
    }
}

/// The project's name for a folder: its last part, with `-` and spaces as `_`.
///
/// # Errors
/// Kind `usage` when dbt would not take the name.
pub fn project_name(folder: &Path) -> Result<String> {
    let last = folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let name = last.replace(['-', ' ', '.'], "_");
    let mut characters = name.chars();
    let begins_well = characters.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_');
    if begins_well && characters.all(|character| character.is_ascii_alphanumeric() || character == '_') {
        return Ok(name);
    }
    Err(Error::usage(format!("'{last}' cannot be a project's name"))
        .hint("use letters, digits and _, beginning with a letter: millstream init my_project"))
}

/// Writes a new project folder; returns the number of files.
///
/// # Errors
/// Kind `usage` when the folder exists and is not empty, `environment` when it cannot be written.
pub fn write(scaffold: Scaffold, folder: &Path) -> Result<usize> {
    let name = project_name(folder)?;
    if std::fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some()) || folder.is_file() {
        return Err(Error::usage(format!("{} exists already and is not empty", folder.display()))
            .hint("choose another name; nothing was changed"));
    }
    let failed =
        |error: std::io::Error| Error::environment(format!("{} cannot be written", folder.display())).why(error);
    let partial = partial_name(folder);
    let written = fill(scaffold, &name, &partial).and_then(|()| std::fs::rename(&partial, folder));
    if written.is_err() {
        // What was begun is of no use to anyone.
        let _ = std::fs::remove_dir_all(&partial);
    }
    written.map_err(failed)?;
    Ok(scaffold.files().len())
}

fn fill(scaffold: Scaffold, name: &str, folder: &Path) -> std::io::Result<()> {
    for (path, content) in scaffold.files() {
        let path = folder.join(path);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)?;
        }
        std::fs::write(&path, named(&path, content, name))?;
    }
    Ok(())
}

/// Whether a folder holds exactly what [`write`] made of it.
pub fn is_untouched(scaffold: Scaffold, folder: &Path) -> bool {
    let Ok(name) = project_name(folder) else { return false };
    !folder.join("workspace").exists()
        && scaffold.files().iter().all(|(path, content)| {
            let path = folder.join(path);
            std::fs::read(&path).is_ok_and(|found| found == named(&path, content, &name))
        })
}

/// The two files that hold the project's name, with the new one.
fn named(path: &Path, content: &[u8], name: &str) -> Vec<u8> {
    let holds_name = ["dbt_project.yml", "profiles.yml"].iter().any(|file| path.ends_with(file));
    let (true, Ok(text)) = (holds_name, std::str::from_utf8(content)) else { return content.to_vec() };
    let lines = text.split_inclusive('\n').map(|line| {
        let is_name =
            [format!("name: {SCAFFOLD_NAME}"), format!("profile: {SCAFFOLD_NAME}"), format!("{SCAFFOLD_NAME}:")];
        if is_name.iter().any(|form| line.trim() == form) { line.replace(SCAFFOLD_NAME, name) } else { line.to_owned() }
    });
    lines.collect::<String>().into_bytes()
}

fn partial_name(folder: &Path) -> PathBuf {
    let name = folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    folder.with_file_name(format!(".{name}.{}.partial", std::process::id()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn names_are_made_fit_or_refused() {
        assert_eq!(project_name(Path::new("a/my-shop")).unwrap(), "my_shop");
        for bad in ["1shop", "shöp", "..", "a;b"] {
            assert!(project_name(Path::new(bad)).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_scaffold_is_whole_renamed_and_never_overwrites() {
        let folder = tempfile::tempdir().unwrap();
        for scaffold in [Scaffold::Finance, Scaffold::Empty] {
            let project = folder.path().join(format!("shop_{scaffold:?}"));
            let files = write(scaffold, &project).unwrap();
            assert!(files > 5);
            let text = std::fs::read_to_string(project.join("dbt_project.yml")).unwrap();
            let name = project_name(&project).unwrap();
            assert!(text.contains(&format!("name: {name}\n")));
            assert_eq!(text.contains(&format!("\n  {name}:\n")), scaffold == Scaffold::Finance);
            assert!(!text.contains("profile: finance\n"));
            assert!(std::fs::read_to_string(project.join("profiles.yml")).unwrap().starts_with(&format!("{name}:\n")));
            assert!(project.join("data/incoming").is_dir());
            assert!(write(scaffold, &project).is_err());
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
    }
}
