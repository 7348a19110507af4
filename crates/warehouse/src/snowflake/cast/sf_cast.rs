//! `sf_cast(x, 'type')` and `sf_try_cast(x, 'type')`: what `::`, CAST and TRY_CAST are rewritten to.
//! Source: Snowflake's pages "CAST , ::" and "TRY_CAST".

use arrow::array::ArrayRef;
use arrow::datatypes::DataType;
use datafusion::error::Result;

use super::super::scalar::{Call, Function, Types, function};
use super::super::types::user;
use super::{convert, target};

pub(in crate::snowflake) const FUNCTIONS: &[Function] =
    &[function(&["sf_cast"], 2, 2, returns, cast), function(&["sf_try_cast"], 2, 2, returns, try_cast)];

fn returns(types: &Types<'_>) -> Result<DataType> {
    let text = types.literal_text(1).ok_or_else(|| user(format!("{}: the type must be a constant", types.name)))?;
    Ok(target(text)?.arrow(types.of(0)))
}

fn cast(call: &Call<'_>) -> Result<ArrayRef> {
    run(call, true)
}

fn try_cast(call: &Call<'_>) -> Result<ArrayRef> {
    run(call, false)
}

fn run(call: &Call<'_>, strict: bool) -> Result<ArrayRef> {
    let text = call.constant_text(1, "type")?.unwrap_or_default();
    convert(&call.full(0)?, target(&text)?, strict)
}
