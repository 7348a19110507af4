//! The workspace's memory, in one SQLite file (`state.db`): which runs there were, what each node of a run did, where
//! each schedule is, and the ledger of everything that was ever offered to the warehouse.
//!
//! Guarantees: every write is one transaction, so that `kill -9` leaves the file as it was before or after it;
//! readers in other processes never block the writer (write-ahead log) and two writers wait for each other up to
//! [`BUSY_TIMEOUT_MS`]; a file made by a newer Millstream, by another program, or damaged on disk is refused with
//! an error that says which of these it is.
//!
//! Deliberately absent: positions. "What is loaded" is in the tables' own commits; losing this file loses history
//! of runs, never data, and the next ingest writes the ledger again from those commits.

mod cause;
mod ledger;
mod migrate;
mod open;
mod runs;
mod schedules;
mod value;

pub use cause::Cause;
pub use migrate::SCHEMA_VERSION;
pub use open::{BUSY_TIMEOUT_MS, Store};
pub use runs::{DIED, NodeRecord, RunFilter, RunRecord, RunStatus};
pub use schedules::{ScheduleState, Tick, TickState};
