//! The methods of Python's `str`, `list`, `dict`, `set` and `tuple`.
//!
//! One function per type gives `None` for a method that the type does not have, so that the caller can go on looking.

use super::{Kind, Value, kind_of, native, type_name};
use crate::vm::Args;

mod containers;
mod format;
mod text;
pub(crate) use containers::{from_keys, pairs_of, sorted};
pub(crate) use format::percent_format;

use containers::{dicts, lists, sequences, sets};
use text::strings;

/// What a method gave, or Python's sentence about why it cannot.
pub(crate) type Outcome = Result<Value, String>;

/// Calls a method that [`names`] lists for the value's type.
pub(crate) fn call(value: &Value, name: &str, args: Args) -> Outcome {
    match kind_of(value) {
        Kind::Str(text) => strings(text, name, args),
        Kind::List(_) => lists(value, name, args),
        Kind::Dict(_) | Kind::Map => dicts(value, name, args),
        Kind::Set(_) => sets(value, name, args),
        Kind::Tuple | Kind::Seq => sequences(value, name, args),
        Kind::Float(number) => args.none(name).map(|()| Value::from(number.fract() == 0.0)),
        _ => unknown(value, name),
    }
}

fn unknown(value: &Value, name: &str) -> Outcome {
    Err(format!("'{}' object has no attribute '{name}'", type_name(value)))
}

/// The names of the methods of a built-in type, for hints.
pub(crate) fn names(value: &Value) -> &'static [&'static str] {
    match kind_of(value) {
        Kind::Str(_) => &[
            "upper",
            "lower",
            "strip",
            "lstrip",
            "rstrip",
            "split",
            "rsplit",
            "splitlines",
            "join",
            "replace",
            "startswith",
            "endswith",
            "format",
            "title",
            "capitalize",
            "find",
            "rfind",
            "index",
            "count",
            "isdigit",
            "isnumeric",
            "isalpha",
            "isalnum",
            "isspace",
            "isupper",
            "islower",
            "zfill",
            "ljust",
            "rjust",
            "center",
            "partition",
            "rpartition",
            "removeprefix",
            "removesuffix",
            "swapcase",
            "casefold",
            "encode",
            "isdecimal",
            "istitle",
            "isidentifier",
            "isascii",
            "isprintable",
            "rindex",
            "expandtabs",
            "maketrans",
            "translate",
            "format_map",
        ],
        Kind::List(_) => {
            &["append", "extend", "insert", "pop", "remove", "index", "count", "sort", "reverse", "copy", "clear"]
        }
        Kind::Dict(_) | Kind::Map => &[
            "items",
            "keys",
            "values",
            "get",
            "update",
            "pop",
            "popitem",
            "setdefault",
            "copy",
            "clear",
            "fromkeys",
            // dbt's results and nodes are objects with this method; here they are dicts.
            "to_dict",
        ],
        Kind::Set(_) => &[
            "add",
            "discard",
            "remove",
            "update",
            "union",
            "intersection",
            "difference",
            "issubset",
            "issuperset",
            "copy",
            "clear",
            "pop",
        ],
        Kind::Tuple | Kind::Seq => &["index", "count"],
        Kind::Float(_) => &["is_integer"],
        _ => &[],
    }
}

/// A bound method taken as a value (`{% set add = items.append %}`).
#[derive(Debug)]
pub(crate) struct Bound {
    pub(crate) owner: Value,
    pub(crate) name: String,
}

impl native::Native for Bound {
    fn type_name(&self) -> &'static str {
        "method"
    }
    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
    fn callable(&self) -> bool {
        true
    }
    fn call(&self, vm: &mut crate::vm::Vm<'_>, args: Args) -> crate::vm::Eval<Value> {
        vm.call_method(&self.owner, &self.name, args)
    }
}
