//! The seam through which long work tells how far it is. The binary shows it; libraries never print.

/// Told how far one piece of long work is. Methods may be called from several threads.
pub trait Progress: Send + Sync {
    /// Work starts: what it is, and how many units it has when that is known.
    fn start(&self, what: &str, total: Option<u64>, unit: &str);
    /// `done` units are behind us (a running total, not a difference).
    fn set(&self, done: u64);
    /// A line for the user (a warning, a milestone).
    fn note(&self, line: &str);
    /// Work has ended.
    fn finish(&self);
}

/// Says nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct SilentProgress;

impl Progress for SilentProgress {
    fn start(&self, _what: &str, _total: Option<u64>, _unit: &str) {}
    fn set(&self, _done: u64) {}
    fn note(&self, _line: &str) {}
    fn finish(&self) {}
}
