//! The text inside a VARIANT: canonical JSON.
//!
//! Canonical means: no space; object keys sorted, each once; text escaped only where JSON must; whole and decimal
//! numbers with exactly their digits (no exponent, no zeros at either end), floats with an exponent (`1.5e0`), which
//! tells the two apart; absent elements of an array as `undefined`. Two equal values have the same text, so grouping and
//! joining compare text; only a float that equals a decimal differs.
//!
//! [`parse`] makes canonical text; [`scan`](self::scan) reads parts of it without building a tree.

mod compare;
mod parse;
mod path;
mod scan;
mod write;

pub(crate) use compare::compare;
pub(crate) use parse::parse;
pub(crate) use path::{Path, Step};
pub(crate) use scan::{Kind, decode, element, elements, kind, member, member_ignore_case, members, text_of};
pub(crate) use write::{array, float, object, string};
