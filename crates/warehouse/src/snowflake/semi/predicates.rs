//! What a VARIANT holds. Sources: Snowflake's pages "TYPEOF", "IS_<object_type>", "AS_<object_type>".
//!
//! A VARIANT here holds no dates, times, timestamps and binaries but their texts, so that functions that ask for them
//! are refused: `to_date(v)` reads such a text.

use std::sync::Arc;

use arrow::array::{ArrayRef, StringArray};
use arrow::datatypes::DataType;
use datafusion::error::Result;

use super::super::cast::{self, Target, convert};
use super::super::json::{self, Kind};
use super::super::scalar::{Call, Function, Types, boolean, float, function, text, variant};
use super::super::types::{user, user_hint};

pub(super) const FUNCTIONS: &[Function] = &[
    function(&["typeof"], 1, 1, text, type_of),
    function(&["is_array"], 1, 1, boolean, |call| is(call, |kind| kind == Kind::Array)),
    function(&["is_object"], 1, 1, boolean, |call| is(call, |kind| kind == Kind::Object)),
    function(&["is_boolean"], 1, 1, boolean, |call| is(call, |kind| kind == Kind::Boolean)),
    function(&["is_char", "is_varchar"], 1, 1, boolean, |call| is(call, |kind| kind == Kind::Text)),
    function(&["is_integer"], 1, 1, boolean, |call| is(call, |kind| kind == Kind::Integer)),
    function(&["is_decimal"], 1, 1, boolean, |call| is(call, |kind| matches!(kind, Kind::Integer | Kind::Decimal))),
    function(&["is_double", "is_real"], 1, 1, boolean, |call| is(call, Kind::is_number)),
    function(&["is_null_value"], 1, 1, boolean, |call| is(call, |kind| kind == Kind::Null)),
    function(&["as_array"], 1, 1, variant, |call| keep(call, Kind::Array)),
    function(&["as_object"], 1, 1, variant, |call| keep(call, Kind::Object)),
    function(&["as_boolean"], 1, 1, boolean, |call| take(call, |kind| kind == Kind::Boolean, Target::Boolean)),
    function(&["as_char", "as_varchar"], 1, 1, text, |call| {
        take(call, |kind| kind == Kind::Text, Target::Varchar(None))
    }),
    function(&["as_integer"], 1, 1, super::super::scalar::int, |call| {
        take(call, |kind| kind == Kind::Integer, Target::Int)
    }),
    function(&["as_double", "as_real"], 1, 1, float, |call| take(call, Kind::is_number, Target::Float)),
    function(&["as_decimal", "as_number"], 1, 3, decimal_type, as_decimal),
    function(
        &[
            "is_binary",
            "is_date",
            "is_date_value",
            "is_time",
            "is_timestamp_ltz",
            "is_timestamp_ntz",
            "is_timestamp_tz",
            "as_binary",
            "as_date",
            "as_time",
            "as_timestamp_ltz",
            "as_timestamp_ntz",
            "as_timestamp_tz",
        ],
        1,
        1,
        refused_type,
        super::super::scalar::never,
    ),
];

fn refused_type(types: &Types<'_>) -> Result<DataType> {
    Err(user_hint(
        format!("{} is not supported: a VARIANT holds dates, times and binaries as text", types.name),
        "to_date(v), to_timestamp_ntz(v) and their kin read such texts",
    ))
}

fn type_of(call: &Call<'_>) -> Result<ArrayRef> {
    let values = call.json(0)?;
    call.texts(|row, out| {
        let Some(value) = values.get(row) else { return Ok(false) };
        out.push_str(json::kind(value).name());
        Ok(true)
    })
}

fn is(call: &Call<'_>, holds: fn(Kind) -> bool) -> Result<ArrayRef> {
    let values = call.json(0)?;
    call.bools(|row| Ok(values.get(row).map(|value| holds(json::kind(value)))))
}

fn keep(call: &Call<'_>, wanted: Kind) -> Result<ArrayRef> {
    let values = call.json(0)?;
    call.variants(|row, out| {
        let found = values.get(row).filter(|value| json::kind(value) == wanted);
        out.push_str(found.unwrap_or_default());
        Ok(found.is_some())
    })
}

/// Values of the right kind converted, others null.
fn take(call: &Call<'_>, holds: fn(Kind) -> bool, target: Target) -> Result<ArrayRef> {
    let values = call.json(0)?;
    let kept: StringArray =
        (0..call.rows).map(|row| values.get(row).filter(|value| holds(json::kind(value)))).collect();
    let converted = convert(&cast::wrap_json(Arc::new(kept)), target, true)?;
    if converted.data_type() == call.return_type {
        return Ok(converted);
    }
    Ok(arrow::compute::cast(&converted, call.return_type)?)
}

fn decimal_type(types: &Types<'_>) -> Result<DataType> {
    let argument = |index: usize, default: i64| {
        if index >= types.len() {
            return Ok(default);
        }
        types.literal_int(index).ok_or_else(|| user(format!("{}: precision and scale must be constants", types.name)))
    };
    Ok(cast::target(&format!("number({},{})", argument(1, 38)?, argument(2, 0)?))?.arrow(&DataType::Null))
}

fn as_decimal(call: &Call<'_>) -> Result<ArrayRef> {
    match *call.return_type {
        DataType::Decimal128(precision, scale) => {
            take(call, |kind| matches!(kind, Kind::Integer | Kind::Decimal), Target::Number(precision, scale))
        }
        _ => Err(call.error("the result is no NUMBER")),
    }
}
