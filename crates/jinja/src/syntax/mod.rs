//! Text to a tree: a lexer and parser of our own, because dbt's templates are Python's Jinja2 to the character and no
//! library reads those (unparenthesised tuples, `do` with any expression, Python's escapes, newlines made `\n`,
//! `test` and `materialization` blocks, types of parameters). `tests/jinja2` compares them with Jinja2 itself.

pub(crate) mod ast;
pub(crate) mod fix;
mod lexer;
mod literal;
pub(crate) mod macros;
mod parser;
pub(crate) mod scan;
pub(crate) mod source;
mod token;

pub(crate) use parser::{SyntaxError, parse};
pub(crate) use source::Source;
