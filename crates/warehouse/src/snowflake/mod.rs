//! Snowflake's functions, for queries in its dialect.
//!
//! Guarantees: a function here has the semantics of Snowflake's documentation page of its name (nulls, rounding, types
//! of results, errors), or refuses its arguments with a user error; it never gives a nearby answer of the engine's own
//! function. Where values of a kind differ on purpose (timestamps hold microseconds, VARIANTs hold no dates, hashes have
//! other values), COMPAT.md says so and the function's file as well.
//!
//! Names override the engine's own; of those, only the ones that [`is_native`] lists may be used beside them.
//! Deliberately absent: parsing and rewriting of the dialect, name resolution, operators.

mod aggregates;
mod cast;
mod conditional;
mod context;
mod dates;
pub(crate) mod json;
mod numbers;
mod order;
mod registry;
mod scalar;
mod semi;
mod strings;
mod time;
mod types;

pub(crate) use cast::constant_number;
pub(crate) use conditional::results_of;
pub(crate) use order::sort_variants;
pub(crate) use registry::{functions, is_native};
pub(crate) use types::{is_variant as is_variant_type, name as type_name, variant};

/// The JSON texts of a column of VARIANTs; a null variant is a null text.
///
/// # Errors
/// An engine error when the column cannot be read.
pub(crate) fn json_text(column: &arrow::array::ArrayRef) -> datafusion::error::Result<arrow::array::ArrayRef> {
    Ok(cast::json_text(column)?.into_array())
}

#[cfg(test)]
mod tests;
