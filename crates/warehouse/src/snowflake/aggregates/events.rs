//! CONDITIONAL_TRUE_EVENT and CONDITIONAL_CHANGE_EVENT. Sources: Snowflake's pages of these names: a number that grows
//! by one with each true condition, or with each value that differs from the one before; nulls are no event.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Int64Array, make_comparator};
use arrow::compute::SortOptions;
use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::error::Result;
use datafusion::logical_expr::function::{PartitionEvaluatorArgs, WindowUDFFieldArgs};
use datafusion::logical_expr::{PartitionEvaluator, Signature, Volatility, WindowUDF, WindowUDFImpl};

use super::super::cast::to_boolean;
use super::super::types::user;

pub(super) fn functions() -> Vec<(&'static str, Arc<WindowUDF>)> {
    [("conditional_true_event", false), ("conditional_change_event", true)]
        .into_iter()
        .map(|(name, change)| {
            let signature = Signature::user_defined(Volatility::Immutable);
            (name, Arc::new(WindowUDF::new_from_impl(Event { change, signature })))
        })
        .collect()
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Event {
    change: bool,
    signature: Signature,
}

impl WindowUDFImpl for Event {
    fn name(&self) -> &str {
        if self.change { "conditional_change_event" } else { "conditional_true_event" }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        if arg_types.len() != 1 {
            return Err(user(format!("{} takes one argument", self.name())));
        }
        Ok(arg_types.to_vec())
    }

    fn field(&self, args: WindowUDFFieldArgs<'_>) -> Result<FieldRef> {
        Ok(Arc::new(Field::new(args.name(), DataType::Int64, true)))
    }

    fn partition_evaluator(&self, _: PartitionEvaluatorArgs<'_>) -> Result<Box<dyn PartitionEvaluator>> {
        Ok(Box::new(Numbering { change: self.change }))
    }
}

#[derive(Debug)]
struct Numbering {
    change: bool,
}

impl PartitionEvaluator for Numbering {
    fn evaluate_all(&mut self, values: &[ArrayRef], num_rows: usize) -> Result<ArrayRef> {
        let mut number = 0i64;
        let numbers: Int64Array = if self.change {
            let values = &values[0];
            let compare = make_comparator(values.as_ref(), values.as_ref(), SortOptions::default())?;
            (0..num_rows)
                .map(|row| {
                    let both = row > 0 && values.is_valid(row) && values.is_valid(row - 1);
                    number += i64::from(both && compare(row, row - 1).is_ne());
                    Some(number)
                })
                .collect()
        } else {
            let conditions = to_boolean(&values[0], true)?;
            (0..num_rows)
                .map(|row| {
                    number += i64::from(conditions.is_valid(row) && conditions.value(row));
                    Some(number)
                })
                .collect()
        };
        Ok(Arc::new(numbers))
    }
}
