//! What an ingestion tells about each file and offset range.
//!
//! A refusal is a report, not an error: the other files go on. The caller decides the exit code with
//! [`UnitReport::is_refused`].

use millstream_core::LedgerEntry;

/// How it went for one file or offset range.
#[derive(Debug, Clone, PartialEq)]
pub struct UnitReport {
    /// The ledger line. For a unit that was loaded before, the line that was written then; its `unit` is always the
    /// name that was offered now.
    pub entry: LedgerEntry,
    /// What this run did with the unit.
    pub status: UnitStatus,
    /// Broken rules, most frequent first; empty when every row kept the contract.
    pub broken: Vec<RuleCount>,
}

impl UnitReport {
    /// Whether nothing was loaded because the unit breaks its contract.
    pub fn is_refused(&self) -> bool {
        self.status == UnitStatus::Refused
    }
}

/// What this run did with a unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UnitStatus {
    /// Its rows are new in the table.
    Loaded,
    /// Its rows took the place of an earlier version's.
    Replaced,
    /// Nothing: the same file with the same content was loaded before.
    AlreadyLoaded,
    /// Nothing: the same content was loaded before under another name.
    SameContent {
        /// The unit under which it was loaded.
        loaded_as: String,
    },
    /// Only what an interrupted run had left undone (the quarantine of a file whose rows are in the table).
    Completed,
    /// Nothing: the unit breaks its contract; the reason is in the ledger line.
    Refused,
    /// Offsets that the broker no longer has were skipped.
    Gap,
}

/// How often one rule was broken in a unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleCount {
    /// The rule's name, for example `required`.
    pub rule: String,
    /// The column, for rules about one.
    pub column: Option<String>,
    /// Rows that broke it.
    pub rows: u64,
    /// The first places, as `line 7: message` or `offset 7: message`.
    pub examples: Vec<String>,
}
