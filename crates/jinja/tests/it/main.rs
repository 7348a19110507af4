//! What templates see, through the public API.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod bundled;
mod dbt;
mod errors;
mod jinja2;
mod limits;
mod parse;
mod python;
mod support;
mod values;
