//! `cargo xtask docs`: reference pages written from the code, so that they cannot disagree with it.

use std::path::Path;
use std::process::Command;

/// Page → hidden command of the binary that prints it.
const PAGES: [(&str, &str); 1] = [("docs/reference/cli.md", "docs-cli")];

/// `MILLSTREAM_BIN` where it is set, because a build of one package alone may compile the dependencies once more.
fn binary(command: &str) -> Command {
    let mut call = match std::env::var_os("MILLSTREAM_BIN") {
        Some(path) => Command::new(path),
        None => {
            let mut cargo = Command::new(env!("CARGO"));
            cargo.args(["run", "--quiet", "--package", "millstream", "--"]);
            cargo
        }
    };
    call.arg(command);
    call
}

/// Writes the pages, or with `check` fails when one on disk differs.
pub fn run(root: &Path, check: bool) -> Result<(), String> {
    let mut stale = Vec::new();
    for (page, command) in PAGES {
        let output = binary(command).current_dir(root).output().map_err(|error| format!("cargo run: {error}"))?;
        if !output.status.success() {
            return Err(format!("millstream {command} failed:\n{}", String::from_utf8_lossy(&output.stderr)));
        }
        let path = root.join(page);
        if check {
            let on_disk = std::fs::read(&path).unwrap_or_default();
            if on_disk != output.stdout {
                stale.push(page);
            }
        } else {
            if let Some(folder) = path.parent() {
                std::fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
            }
            std::fs::write(&path, &output.stdout).map_err(|error| format!("{page}: {error}"))?;
            println!("wrote {page}");
        }
    }
    if stale.is_empty() { Ok(()) } else { Err(format!("out of date: {}; run 'cargo xtask docs'", stale.join(", "))) }
}
