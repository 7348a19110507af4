//! Chores of the workspace: `cargo xtask tidy`, `cargo xtask docs [--check]`, `cargo xtask bench NAME`,
//! `cargo xtask torture`.
//!
//! Guarantees: every chore ends with exit code 0 only when all of its checks passed or all of its figures were
//! measured. Deliberately absent: anything a user of Millstream needs; that belongs to the binary.

mod bench;
mod docs;
mod tidy;
mod torture;

use std::path::PathBuf;
use std::process::ExitCode;

const USAGE: &str = "usage: cargo xtask <chore>

chores:
  tidy              dependency direction, who names which library, file budgets, module headers, forbidden words
  docs [--check]    write docs/reference from the code (or fail when it is out of date)
  bench NAME        measure ours beside the peer; NAME: finance, ingest, kafka, build, generate, dbt, live, all
  torture [options] disturb a running `up` in every way and prove its tables; 'torture --help' tells the options
";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let root = root();
    let outcome = match words.as_slice() {
        ["tidy"] => tidy::run(&root),
        ["docs"] => docs::run(&root, false),
        ["docs", "--check"] => docs::run(&root, true),
        ["bench", name] => bench::run(&root, name),
        ["torture", "--help"] => {
            print!("{}", torture::USAGE);
            Ok(())
        }
        ["torture", options @ ..] => torture::run(&root, options),
        _ => {
            eprint!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

/// The workspace folder: the parent of this crate's.
fn root() -> PathBuf {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    here.parent().map(PathBuf::from).unwrap_or(here)
}
