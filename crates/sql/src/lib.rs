//! SQL text to the tree that the engine plans: parse, check, rewrite, and list what a statement reads.
//!
//! Guarantees: pure, no I/O, no engine. A text that cannot be parsed gives a user error with line and column
//! (in the place's file [`SQL_FILE`], which callers replace by the real one) and, where we know one, a hint.
//! What is rewritten is the tree, never the text, so places stay those of the user's text.
//!
//! The language is the generic superset of `sqlparser` (PostgreSQL's operators and `::` casts, `qualify`,
//! `group by all`, `exclude`, `filter (where …)`), with names folded as in PostgreSQL: unquoted to lower case.
//!
//! [`snowflake`] reads Snowflake's dialect instead and rewrites it into what the engine plans.
//!
//! Deliberately absent: type checks and look-ups of tables. Those need a warehouse; it gives what is asked of it
//! through [`snowflake::Schemas`].

mod blank;
mod check;
pub mod command;
mod duckdb;
mod lateral;
mod names;
mod order;
mod parse;
mod place;
mod precedence;
mod refs;
mod rewrite;
mod row_value;
mod series;
pub mod snowflake;
#[cfg(test)]
mod testing;
mod time_pattern;
mod tokens;
mod using;
mod volatile;
mod wildcard;

pub use blank::{ExpressionAt, blank_at, blank_number, expressions};
pub use check::{StatementKind, read_only};
pub use command::{Command, command};
pub use order::order_dependent;
pub use parse::{LENGTH_BYTES_MAX, parse, parse_in, parse_one, parse_one_in};
pub use place::{SQL_FILE, place_at};
pub use refs::{TableRef, table_refs};
pub use rewrite::{condition_for_engine, for_engine};
pub use sqlparser::ast::{Query, Statement};
pub use volatile::volatile;
