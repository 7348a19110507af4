//! Module headers: every file begins with `//!` lines that say what it is for.

use super::{Finding, Source};

/// Finds files without a header.
pub fn check(sources: &[Source]) -> Vec<Finding> {
    sources
        .iter()
        .filter(|source| !source.text.starts_with("//!"))
        .map(|source| {
            Finding::new(
                &source.path,
                "begins without a module header ('//! …': what it guarantees, what it does not do)",
            )
        })
        .collect()
}
