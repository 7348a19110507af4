//! `round(number, places)` whose type is known from the start.
//!
//! The type of a rounded decimal depends on `places`. The engine converts them to its own width first, so that a plain
//! `2` is no constant any more when types are first computed, and is one again later: the two types differ, and
//! `round(a, 2) = b` failed. Here the constant stays as it is written.

use std::sync::Arc;

use arrow::datatypes::{DataType, FieldRef};
use datafusion::common::plan_err;
use datafusion::error::Result;
use datafusion::functions::math::round;
use datafusion::logical_expr::sort_properties::{ExprProperties, SortProperties};
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

/// The function.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Round {
    engine: Arc<ScalarUDF>,
    signature: Signature,
}

impl Round {
    pub(super) fn udf() -> ScalarUDF {
        ScalarUDF::from(Self { engine: round(), signature: Signature::user_defined(Volatility::Immutable) })
    }
}

impl ScalarUDFImpl for Round {
    fn name(&self) -> &str {
        self.engine.name()
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        let (number, places) = match types {
            [number] => (number, None),
            [number, places] => (number, Some(places)),
            _ => return plan_err!("round takes a number and how many places, not {} arguments", types.len()),
        };
        let number = match number {
            DataType::Null | DataType::Float16 => DataType::Float64,
            number if number.is_numeric() => number.clone(),
            other => return plan_err!("round takes a number, not {other}"),
        };
        let places = match places {
            None => return Ok(vec![number]),
            Some(DataType::Null) => DataType::Int32,
            Some(places) if places.is_integer() => places.clone(),
            Some(other) => return plan_err!("round takes a whole number of places, not {other}"),
        };
        Ok(vec![number, places])
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        self.engine.return_type(types)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        self.engine.return_field_from_args(args)
    }

    fn invoke_with_args(&self, mut args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        if let Some(places) = args.args.get_mut(1) {
            *places = places.cast_to(&DataType::Int32, None)?;
        }
        self.engine.invoke_with_args(args)
    }

    fn output_ordering(&self, input: &[ExprProperties]) -> Result<SortProperties> {
        self.engine.output_ordering(input)
    }
}
