//! Puts the scaffolds (`examples/finance` and `templates/empty`) into the binary, so that `init` and `demo` need no
//! files beside it.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// Folders that runs leave behind in a project.
const LEFT_BEHIND: [&str; 5] = ["workspace", "target", "logs", "dbt_packages", ".user.yml"];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let here = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR")?);
    let mut code = String::new();
    for (name, folder) in [("FINANCE", here.join("../../examples/finance")), ("EMPTY", here.join("templates/empty"))] {
        println!("cargo::rerun-if-changed={}", folder.display());
        let mut files = Vec::new();
        collect(&folder, &folder, &mut files)?;
        files.sort();
        writeln!(code, "/// Path in the project and content of each file.")?;
        writeln!(code, "pub static {name}: &[(&str, &[u8])] = &[")?;
        for (relative, path) in files {
            writeln!(code, "    ({relative:?}, include_bytes!({:?})),", path.canonicalize()?)?;
        }
        writeln!(code, "];")?;
    }
    std::fs::write(PathBuf::from(std::env::var("OUT_DIR")?).join("scaffolds.rs"), code)?;
    Ok(())
}

fn collect(root: &Path, folder: &Path, files: &mut Vec<(String, PathBuf)>) -> Result<(), Box<dyn std::error::Error>> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let (name, path) = (entry.file_name().to_string_lossy().into_owned(), entry.path());
        let data = folder.ends_with("data/incoming") && name != ".gitkeep";
        if LEFT_BEHIND.contains(&name.as_str()) || name.contains(".duckdb") || name.ends_with(".lock") || data {
            continue;
        }
        if path.is_dir() {
            collect(root, &path, files)?;
        } else {
            files.push((path.strip_prefix(root)?.to_string_lossy().replace('\\', "/"), path));
        }
    }
    Ok(())
}
