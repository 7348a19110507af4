//! What unit tests of rewrites have in common.
#![allow(clippy::unwrap_used)]

use crate::{for_engine, parse_one};

/// The text of a statement as the engine takes it.
pub(crate) fn rewritten(sql: &str) -> String {
    let mut statement = parse_one(sql).unwrap();
    for_engine(&mut statement);
    statement.to_string()
}
