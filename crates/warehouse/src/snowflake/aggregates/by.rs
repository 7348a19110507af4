//! MIN_BY and MAX_BY. Sources: Snowflake's pages of these names: rows whose key is null do not count. The form that gives
//! an array of several rows is refused.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, make_comparator};
use arrow::compute::SortOptions;
use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::ScalarValue;
use datafusion::error::Result;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::AggregateOrderSensitivity;
use datafusion::logical_expr::{Accumulator, AggregateUDF, AggregateUDFImpl, Signature, Volatility};

use super::super::types::{is_variant, user, user_hint};

pub(super) fn functions() -> Vec<(&'static str, Arc<AggregateUDF>)> {
    [("min_by", false), ("max_by", true)]
        .into_iter()
        .map(|(name, greatest)| {
            let signature = Signature::user_defined(Volatility::Immutable);
            (name, Arc::new(AggregateUDF::new_from_impl(By { greatest, signature })))
        })
        .collect()
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct By {
    greatest: bool,
    signature: Signature,
}

impl By {
    fn check(&self, types: &[DataType]) -> Result<()> {
        match types {
            [_, key] if is_variant(key) => Err(user_hint(
                format!("{}: the key is a VARIANT", self.name()),
                "cast it to the type it has: key::number",
            )),
            [_, _] => Ok(()),
            [_, _, _] => Err(user(format!("{} with a number of rows is not supported", self.name()))),
            _ => Err(user(format!("{} takes a value and a key", self.name()))),
        }
    }
}

impl AggregateUDFImpl for By {
    fn name(&self) -> &str {
        if self.greatest { "max_by" } else { "min_by" }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        self.check(arg_types)?;
        Ok(arg_types.to_vec())
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        self.check(arg_types)?;
        Ok(arg_types[0].clone())
    }

    fn state_fields(&self, args: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        let field = |name: &str, index: usize| {
            Arc::new(Field::new(format!("{}[{name}]", args.name), args.input_fields[index].data_type().clone(), true))
        };
        Ok(vec![field("value", 0), field("key", 1)])
    }

    fn accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        Ok(Box::new(Best {
            greatest: self.greatest,
            value: ScalarValue::try_from(args.expr_fields[0].data_type())?,
            key: ScalarValue::try_from(args.expr_fields[1].data_type())?,
        }))
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        AggregateOrderSensitivity::Insensitive
    }
}

#[derive(Debug)]
struct Best {
    greatest: bool,
    value: ScalarValue,
    /// Null until there is a row.
    key: ScalarValue,
}

impl Accumulator for Best {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let keys = &values[1];
        let options = SortOptions { descending: self.greatest, nulls_first: false };
        let compare = make_comparator(keys.as_ref(), keys.as_ref(), options)?;
        let best = (0..keys.len())
            .filter(|row| keys.is_valid(*row))
            .reduce(|best, row| if compare(row, best).is_lt() { row } else { best });
        let Some(row) = best else { return Ok(()) };
        let key = ScalarValue::try_from_array(keys, row)?;
        let better = self.key.is_null()
            || key
                .partial_cmp(&self.key)
                .is_some_and(|order| if self.greatest { order.is_gt() } else { order.is_lt() });
        if better {
            self.key = key;
            self.value = ScalarValue::try_from_array(&values[0], row)?;
        }
        Ok(())
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        Ok(self.value.clone())
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.key.size() + self.value.size()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok(vec![self.value.clone(), self.key.clone()])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        self.update_batch(states)
    }
}
