//! `sf_cast(x, 'type')` and `sf_try_cast(x, 'type')`: what `::`, CAST and TRY_CAST are rewritten to.
//! Source: Snowflake's pages "CAST , ::" and "TRY_CAST".
//!
//! A cast to the type that a value has goes away, and one that the engine does in the same way is left to it: filters
//! on such columns can then be checked against the files' statistics.

use arrow::array::ArrayRef;
use arrow::datatypes::DataType;
use datafusion::error::Result;
use datafusion::logical_expr::simplify::SimplifyContext;
use datafusion::logical_expr::{Expr, cast as engine_cast};

use super::super::scalar::{Call, Function, Types, function};
use super::super::types::{self, user};
use super::{Target, convert, target};

pub(in crate::snowflake) const FUNCTIONS: &[Function] = &[
    function(&["sf_cast"], 2, 2, returns, |call| run(call, true)).shortened(shortcut),
    function(&["sf_try_cast"], 2, 2, returns, |call| run(call, false)).shortened(shortcut),
];

fn returns(types: &Types<'_>) -> Result<DataType> {
    let text = types.literal_text(1).ok_or_else(|| user(format!("{}: the type must be a constant", types.name)))?;
    Ok(target(text)?.arrow(types.of(0)))
}

fn run(call: &Call<'_>, strict: bool) -> Result<ArrayRef> {
    let text = call.constant_text(1, "type")?.unwrap_or_default();
    convert(&call.full(0)?, target(&text)?, strict)
}

fn shortcut(args: &[Expr], info: &SimplifyContext) -> Result<Option<Expr>> {
    let [value, Expr::Literal(named, _)] = args else { return Ok(None) };
    let Some(Some(text)) = named.try_as_str() else { return Ok(None) };
    let (target, from) = (target(text)?, info.get_data_type(value)?);
    let to = target.arrow(&from);
    let checks = matches!(target, Target::Varchar(Some(_)) | Target::Object | Target::Array);
    if from == to && !checks {
        return Ok(Some(value.clone()));
    }
    let same = match (&from, &to) {
        (from, DataType::Int64 | DataType::Float64) => types::is_integer(from) && *from != DataType::UInt64,
        (DataType::Date32, DataType::Timestamp(..)) => true,
        _ => false,
    };
    Ok(same.then(|| engine_cast(value.clone(), to)))
}
