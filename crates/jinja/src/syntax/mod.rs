//! Text to a tree of our own. minijinja's lexer and parser read the text; the tree is then copied so that it owns its
//! names, lives as long as the environment, and knows a byte offset for every node.

pub(crate) mod ast;
mod lower;
pub(crate) mod macros;
pub(crate) mod scan;
pub(crate) mod source;

pub(crate) use lower::{SyntaxError, parse};
pub(crate) use source::Source;
