//! `target_lag` of a dynamic table, as Snowflake has it.

use std::time::Duration;

use millstream_core::{Error, Result};
use millstream_project::Node;
use serde_json::Value;

use super::span;

/// How old a dynamic table may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lag {
    /// A change must be in it after at most this long.
    Within(Duration),
    /// It is refreshed when a dynamic table that reads it is.
    Downstream,
}

/// The lag of a node. One that declares none follows those that read it.
pub(crate) fn of(node: &Node) -> Result<Lag> {
    let declared = match node.config.extra.get("target_lag") {
        None | Some(Value::Null) => return Ok(Lag::Downstream),
        Some(Value::String(text)) => text.as_str(),
        Some(_) => "",
    };
    if declared.trim().eq_ignore_ascii_case("downstream") {
        return Ok(Lag::Downstream);
    }
    span::parse(declared).map(Lag::Within).ok_or_else(|| {
        Error::user(format!("the target_lag of {} is not one", node.name))
            .at(node.place.clone())
            .hint("write target_lag='1 second', '5 minutes', '2 hours', '1 day' or 'downstream'")
    })
}
