//! Who names which library: each heavy or replaceable library is known to one crate only.

use std::path::Path;

use regex::Regex;

use super::{Finding, Source, crates, dependencies};

/// Library → crates that may name it. `cli` may name rdkafka in its manifest only, to switch on TLS.
const OWNERS: [(&str, &[&str]); 9] = [
    ("datafusion", &["warehouse"]),
    ("deltalake", &["warehouse"]),
    ("rdkafka", &["ingest", "synth"]),
    ("rusqlite", &["store"]),
    ("minijinja", &["jinja"]),
    ("kafka_protocol", &["broker"]),
    ("sqlparser", &["sql", "warehouse"]),
    ("httparse", &["server"]),
    ("clap", &["cli"]),
];

/// Finds libraries named by a crate that does not own them, in code and in manifests.
pub fn check(root: &Path, sources: &[Source]) -> Result<Vec<Finding>, String> {
    let mut findings = Vec::new();
    for (library, owners) in OWNERS {
        let package = library.replace('_', "-");
        let named = Regex::new(&format!(r"\b(use|extern crate)\s+{library}\b|\b{library}::"))
            .map_err(|error| error.to_string())?;
        for source in sources {
            let Some(owner) = source.path.strip_prefix("crates/").and_then(|rest| rest.split('/').next()) else {
                continue;
            };
            let in_test = source.path.contains("/tests/")
                || source.path.contains("/examples/")
                || source.path.contains("/benches/");
            if owners.contains(&owner) || in_test {
                continue;
            }
            for (number, line) in source.text.lines().enumerate() {
                if !line.trim_start().starts_with("//") && named.is_match(line) {
                    let message = format!("line {}: only {} may name {library}", number + 1, owners.join(" and "));
                    findings.push(Finding::new(&source.path, message));
                }
            }
        }
        for path in crates(root)? {
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            if owners.contains(&name.as_str()) || (name == "cli" && library == "rdkafka") {
                continue;
            }
            for (kind, dependency) in dependencies(&path.join("Cargo.toml"))? {
                if dependency == package && kind != "dev-dependencies" {
                    let message = format!("only {} may depend on {package}", owners.join(" and "));
                    findings.push(Finding::new(&format!("crates/{name}/Cargo.toml"), message));
                }
            }
        }
    }
    Ok(findings)
}
