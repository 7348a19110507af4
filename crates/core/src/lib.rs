//! The words that every Millstream crate shares, and the seams between them.
//!
//! Guarantees: no I/O and no engine here. What crosses a crate boundary is declared in this crate:
//! the one [`Error`] whose [`Kind`] says whose problem it is, [`Diagnostic`]s with their place,
//! and three seams, [`Warehouse`], [`Ledger`] and [`Clock`], that are implemented elsewhere.
//!
//! Deliberately absent: SQL, Kafka, files, Delta. A crate that needs one of these names it itself.

pub mod clock;
pub mod diagnostic;
pub mod error;
pub mod housekeeping;
pub mod ledger;
pub mod limits;
pub mod memory;
pub mod name;
pub mod place;
pub mod progress;
pub mod warehouse;

pub use clock::{Clock, FixedClock, SystemClock};
pub use diagnostic::{Diagnostic, Diagnostics, Severity};
pub use error::{Error, Kind, Result};
pub use ledger::{Ledger, LedgerEntry, Outcome, UnitKind};
pub use name::TableName;
pub use place::Place;
pub use progress::{Progress, SilentProgress};
pub use warehouse::Warehouse;
