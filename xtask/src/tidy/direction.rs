//! Dependency direction: a crate depends only on crates that stand above it in [`ORDER`].
//!
//! Test-only dependencies may point further down, because a test may use the real part where the product uses a seam.

use std::path::Path;

use super::{Finding, crates, dependencies};

/// Our crates, from the ground up. The order of `ARCHITECTURE.md`'s code map.
pub const ORDER: [&str; 13] = [
    "core",
    "tls",
    "jinja",
    "project",
    "sql",
    "synth",
    "broker",
    "ingest",
    "warehouse",
    "store",
    "runner",
    "server",
    "cli",
];

/// Finds dependencies that point the wrong way and crates that have no place in the order.
pub fn check(root: &Path) -> Result<Vec<Finding>, String> {
    let mut findings = Vec::new();
    for path in crates(root)? {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let manifest = format!("crates/{name}/Cargo.toml");
        let Some(place) = ORDER.iter().position(|known| *known == name) else {
            findings.push(Finding::new(
                &manifest,
                "a new crate needs a place in xtask/src/tidy/direction.rs and ARCHITECTURE.md",
            ));
            continue;
        };
        for (kind, dependency) in dependencies(&path.join("Cargo.toml"))? {
            let Some(ours) = dependency.strip_prefix("millstream-") else { continue };
            let above = ORDER.iter().position(|known| *known == ours).is_some_and(|other| other < place);
            if kind != "dev-dependencies" && !above {
                findings.push(Finding::new(
                    &manifest,
                    format!("{name} may not depend on {ours}: it does not stand above it in the order"),
                ));
            }
        }
    }
    Ok(findings)
}
