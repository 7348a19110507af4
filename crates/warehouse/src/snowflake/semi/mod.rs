//! Functions of VARIANT, OBJECT and ARRAY, one file a group. They work on canonical JSON text (see `json`), most of them
//! without building a tree.

mod access;
mod array;
mod array_edit;
mod array_sets;
mod flatten;
mod object;
mod parse;
mod predicates;
mod url;

use super::json;
use super::scalar::{Call, Function};

/// All functions of semi-structured values.
pub(super) fn families() -> [&'static [Function]; 9] {
    [
        access::FUNCTIONS,
        array::FUNCTIONS,
        array_edit::FUNCTIONS,
        array_sets::FUNCTIONS,
        flatten::FUNCTIONS,
        object::FUNCTIONS,
        parse::FUNCTIONS,
        predicates::FUNCTIONS,
        url::FUNCTIONS,
    ]
}

/// A value that must be an array; nothing for nulls.
fn array_of<'a>(call: &Call<'_>, value: Option<&'a str>) -> datafusion::error::Result<Option<&'a str>> {
    of_kind(call, value, json::Kind::Array, "array")
}

/// A value that must be an object; nothing for nulls.
fn object_of<'a>(call: &Call<'_>, value: Option<&'a str>) -> datafusion::error::Result<Option<&'a str>> {
    of_kind(call, value, json::Kind::Object, "object")
}

fn of_kind<'a>(
    call: &Call<'_>,
    value: Option<&'a str>,
    wanted: json::Kind,
    what: &str,
) -> datafusion::error::Result<Option<&'a str>> {
    match value.map(|value| (value, json::kind(value))) {
        None | Some((_, json::Kind::Null | json::Kind::Undefined)) => Ok(None),
        Some((value, kind)) if kind == wanted => Ok(Some(value)),
        Some((value, _)) => Err(call.error(format!("the value {value} is no {what}"))),
    }
}

/// Whether a value is missing or a JSON null.
fn is_null(value: &str) -> bool {
    matches!(json::kind(value), json::Kind::Null | json::Kind::Undefined)
}
