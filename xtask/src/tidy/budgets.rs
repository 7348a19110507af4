//! File budgets: no file above [`LINES_MAX`] without a reason in its header, and a median of [`MEDIAN_MAX`].

use super::{Finding, Source};

/// Lines above which a file must say why, in a header line that begins with `//! Long because`.
const LINES_MAX: usize = 600;

/// Lines that the median file of the product may have.
const MEDIAN_MAX: usize = 150;

/// Finds files over budget.
pub fn check(sources: &[Source]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut lengths: Vec<usize> = Vec::new();
    for source in sources {
        let lines = source.text.lines().count();
        lengths.push(lines);
        if lines > LINES_MAX && !source.text.contains("//! Long because") {
            let message = format!("{lines} lines: split it, or say why not in a header line '//! Long because …'");
            findings.push(Finding::new(&source.path, message));
        }
    }
    lengths.sort_unstable();
    let median = lengths.get(lengths.len() / 2).copied().unwrap_or(0);
    if median > MEDIAN_MAX {
        findings
            .push(Finding::new("crates", format!("the median file has {median} lines, the budget is {MEDIAN_MAX}")));
    }
    findings
}
