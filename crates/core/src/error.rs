//! The error that crosses crate boundaries: what happened, where, why, and how to fix it.
//!
//! Its [`Kind`] decides the exit code, so that a script can tell "your data failed" from "we failed".

use std::fmt;

use crate::Place;

/// Shorthand for results that carry an [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Whose problem an error is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The user's data or project: a broken contract, a failing test, a bad model. Exit code 1.
    User,
    /// The command line: an unknown flag value, contradicting options. Exit code 2.
    Usage,
    /// The machine: disk, permissions, memory, another process holds the workspace. Exit code 3.
    Environment,
    /// A service we talk to: a broker that is down or refuses us. Exit code 3.
    External,
    /// A bug in Millstream. Exit code 3.
    Ours,
}

impl Kind {
    /// The process exit code for an error of this kind.
    pub fn exit_code(self) -> u8 {
        match self {
            Kind::User => 1,
            Kind::Usage => 2,
            Kind::Environment | Kind::External | Kind::Ours => 3,
        }
    }
}

/// One error, told to a person: what, where, why, how to fix.
#[derive(Debug, Clone)]
pub struct Error {
    inner: Box<Inner>,
}

#[derive(Debug, Clone)]
struct Inner {
    kind: Kind,
    what: String,
    place: Option<Place>,
    why: Vec<String>,
    hint: Option<String>,
    retryable: bool,
    short_of_memory: bool,
}

impl Error {
    /// An error of `kind`; `what` is one sentence without a full stop.
    pub fn new(kind: Kind, what: impl Into<String>) -> Self {
        let inner = Inner {
            kind,
            what: what.into(),
            place: None,
            why: Vec::new(),
            hint: None,
            retryable: false,
            short_of_memory: false,
        };
        Self { inner: Box::new(inner) }
    }
    /// The user's data or project is wrong.
    pub fn user(what: impl Into<String>) -> Self {
        Self::new(Kind::User, what)
    }
    /// The command line is wrong.
    pub fn usage(what: impl Into<String>) -> Self {
        Self::new(Kind::Usage, what)
    }
    /// The machine is in the way.
    pub fn environment(what: impl Into<String>) -> Self {
        Self::new(Kind::Environment, what)
    }
    /// A service that we talk to is in the way.
    pub fn external(what: impl Into<String>) -> Self {
        Self::new(Kind::External, what)
    }
    /// Millstream itself is wrong.
    pub fn ours(what: impl Into<String>) -> Self {
        Self::new(Kind::Ours, what)
    }
    /// Adds where it happened.
    pub fn at(mut self, place: Place) -> Self {
        self.inner.place = Some(place);
        self
    }
    /// Adds a cause; causes are shown in the order in which they were added.
    pub fn why(mut self, cause: impl fmt::Display) -> Self {
        self.inner.why.push(cause.to_string());
        self
    }
    /// Adds how to fix it.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.inner.hint = Some(hint.into());
        self
    }
    /// Marks that the same call may succeed if it is made again.
    pub fn retryable(mut self) -> Self {
        self.inner.retryable = true;
        self
    }
    /// Marks that with more memory, or with less to do at once, the same call may succeed.
    pub fn short_of_memory(mut self) -> Self {
        self.inner.short_of_memory = true;
        self
    }
    /// Puts a wider sentence in front; the old one becomes the first cause.
    pub fn context(mut self, what: impl Into<String>) -> Self {
        let narrower = std::mem::replace(&mut self.inner.what, what.into());
        self.inner.why.insert(0, narrower);
        self
    }
    /// Whose problem it is.
    pub fn kind(&self) -> Kind {
        self.inner.kind
    }
    /// What happened, in one sentence.
    pub fn what(&self) -> &str {
        &self.inner.what
    }
    /// Where it happened.
    pub fn place(&self) -> Option<&Place> {
        self.inner.place.as_ref()
    }
    /// The causes, widest first.
    pub fn causes(&self) -> &[String] {
        &self.inner.why
    }
    /// How to fix it.
    pub fn fix(&self) -> Option<&str> {
        self.inner.hint.as_deref()
    }
    /// Whether the same call may succeed if it is made again.
    pub fn is_retryable(&self) -> bool {
        self.inner.retryable
    }
    /// Whether with more memory, or with less to do at once, the same call may succeed.
    pub fn is_short_of_memory(&self) -> bool {
        self.inner.short_of_memory
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.inner.what)?;
        if let Some(place) = &self.inner.place {
            write!(f, "\n  --> {place}")?;
        }
        for cause in &self.inner.why {
            write!(f, "\n  because: {}", cause.replace('\n', "\n           "))?;
        }
        if let Some(hint) = &self.inner.hint {
            write!(f, "\n  fix: {}", hint.replace('\n', "\n       "))?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}

impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Self {
        Error::environment("an I/O operation failed").why(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn display_has_what_where_why_and_fix() {
        let error = Error::user("the file breaks its contract")
            .at(Place::line("data/a.csv", 7))
            .why("column amount is missing")
            .hint("add the column");
        assert_eq!(
            error.to_string(),
            "the file breaks its contract\n  --> data/a.csv:7\n  because: column amount is missing\n  fix: add the column"
        );
        assert_eq!(error.kind().exit_code(), 1);
    }

    #[test]
    fn context_keeps_the_narrower_sentence_as_a_cause() {
        let error = Error::external("connection refused").context("the broker cannot be reached");
        assert_eq!(error.what(), "the broker cannot be reached");
        assert_eq!(error.causes(), ["connection refused"]);
        assert_eq!(error.kind().exit_code(), 3);
    }
}
