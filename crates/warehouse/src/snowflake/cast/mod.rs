//! Conversions between types, by Snowflake's rules. Every kernel reads its arguments through these.
//!
//! `strict` tells a conversion that fails for one value whether that is an error (CAST) or a null (TRY_CAST).

mod boolean;
mod functions;
mod number;
mod number_format;
mod sf_cast;
mod text;
mod to;
mod variant;

pub(super) use boolean::to_boolean;
pub(super) use functions::FUNCTIONS;
pub(crate) use number::constant_number;
pub(super) use number::{parse_decimal, rescale, to_decimal, to_float, to_int, to_int_or_null};
pub(super) use number_format::NumberFormat;
pub(super) use sf_cast::FUNCTIONS as CASTS;
pub(super) use text::{float_text, to_text, write_decimal, write_value};
pub(super) use to::{Target, convert, target};
pub(super) use variant::{json_text, to_json, wrap_json};
