//! Problems found while reading a project. All of them are collected; none ends the reading.

use std::fmt;

use crate::{Error, Place};

/// How bad a [`Diagnostic`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Nothing may run.
    Error,
    /// Worth knowing; everything runs.
    Warning,
}

/// One problem, with its place and how to fix it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// Stable short name, for example `unknown-ref`.
    pub code: &'static str,
    /// What is wrong, in one sentence.
    pub message: String,
    /// Where.
    pub place: Option<Place>,
    /// How to fix it.
    pub hint: Option<String>,
}

impl Diagnostic {
    /// An error with this code and message.
    pub fn error(code: &'static str, message: impl Into<String>) -> Self {
        Self { severity: Severity::Error, code, message: message.into(), place: None, hint: None }
    }
    /// A warning with this code and message.
    pub fn warning(code: &'static str, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, message) }
    }
    /// Adds the place.
    pub fn at(mut self, place: Place) -> Self {
        self.place = Some(place);
        self
    }
    /// Adds how to fix it.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        write!(f, "{severity}[{}]: {}", self.code, self.message)?;
        if let Some(place) = &self.place {
            write!(f, "\n  --> {place}")?;
        }
        if let Some(hint) = &self.hint {
            write!(f, "\n  fix: {hint}")?;
        }
        Ok(())
    }
}

/// Every problem of one reading, in the order of place.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Diagnostics(Vec<Diagnostic>);

impl Diagnostics {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }
    /// Adds one.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.0.push(diagnostic);
    }
    /// Adds all of another reading's.
    pub fn extend(&mut self, others: Diagnostics) {
        self.0.extend(others.0);
    }
    /// Whether anything of severity error is among them.
    pub fn has_errors(&self) -> bool {
        self.0.iter().any(|diagnostic| diagnostic.severity == Severity::Error)
    }
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
    /// All of them, sorted by place; those without a place come first.
    pub fn sorted(&self) -> Vec<&Diagnostic> {
        let mut all: Vec<&Diagnostic> = self.0.iter().collect();
        all.sort_by(|a, b| (&a.place, a.severity).cmp(&(&b.place, b.severity)));
        all
    }
    /// One user error that tells all of them, or `Ok` when none is an error.
    pub fn into_result(self, what: &str) -> Result<Self, Error> {
        if !self.has_errors() {
            return Ok(self);
        }
        let errors = self.0.iter().filter(|diagnostic| diagnostic.severity == Severity::Error).count();
        let mut error = Error::user(format!("{what}: {errors} error{}", if errors == 1 { "" } else { "s" }));
        for diagnostic in self.sorted() {
            error = error.why(diagnostic);
        }
        Err(error)
    }
}

impl IntoIterator for Diagnostics {
    type Item = Diagnostic;
    type IntoIter = std::vec::IntoIter<Diagnostic>;
    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn into_result_tells_every_diagnostic_and_counts_errors_only() {
        let mut all = Diagnostics::new();
        all.push(Diagnostic::warning("unused", "model a is unused").at(Place::file("b.yml")));
        all.push(Diagnostic::error("unknown-ref", "model b is not known").at(Place::column("a.sql", 3, 4)));
        let Err(error) = all.into_result("the project cannot be read") else {
            unreachable!("one diagnostic is an error")
        };
        assert_eq!(error.what(), "the project cannot be read: 1 error");
        assert_eq!(error.causes().len(), 2);
        assert!(error.causes()[0].starts_with("error[unknown-ref]"));
    }
}
