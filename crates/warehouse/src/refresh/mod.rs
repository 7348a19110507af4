//! Refreshing a table from what has changed in the tables that its query reads.
//!
//! Guarantees: whatever way is taken, the table ends with the rows that the query gives. What it was made from is in
//! the same commit as the rows, so that a refresh happens once, whatever is killed when.
//!
//! The way, in the order of the files:
//! 1. [`normal`]: the plan in normal form.
//! 2. [`sources`]: the versions that were consumed, and which files came and went since.
//! 3. [`settle`]: of rewritten files, the rows that really differ ([`difference`], or as [`recent`] remembers them).
//! 4. [`append`]: plans that are linear in what changed add the query of the new rows.
//! 5. [`key`], [`touched`]: otherwise, columns of the result by which it can be split, and their values in all rows
//!    that may differ; from the changed rows upwards.
//! 6. [`restrict`]: the query of the rows with these values, as near to the tables as they can be restricted.
//!    Groups that only gained rows are added up instead, see [`fold`], and [`fresh`] for distinct counts.
//! 7. [`apply`]: the rows with these values are taken out, the new ones put in, in one commit. Where they are the same,
//!    the commit only says how far the tables are consumed, and nothing downstream has anything to do.
//!
//! The relation between 5 and 6 is the whole proof: a row of the result that differs has its key among the touched
//! ones; and of the touched keys every row is computed from the tables as they are. Touching too much is only slow.
//!
//! Known keys are looked up in the index of keys ([`lookup`]), so that only files which hold one are read.
//!
//! Tests of a model are asked in the same way ([`failing`], [`direct`]): what gave no failing row before can only fail
//! where something has changed.
//!
//! Deliberately absent: state of its own. Everything is in the tables.

mod append;
mod apply;
mod collect;
mod cost;
mod derive;
mod difference;
mod direct;
mod expr;
mod failing;
mod fold;
mod fresh;
mod join;
mod kept;
mod key;
mod lookup;
mod normal;
mod reason;
mod recent;
mod restrict;
mod same_rows;
mod settle;
mod sources;
mod split;
mod touched;

pub(crate) use apply::{explain, refresh};
pub(crate) use failing::{SeenQueries, count_failing};
pub(crate) use recent::RecentChanges;
pub(crate) use sources::OWN as OWN_VERSION;
