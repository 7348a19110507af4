//! KURTOSIS and SKEW. Sources: Snowflake's pages of these names: of the sample, in excess of the normal distribution.
//! Fewer than four (three) values, or values without spread, give null.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, Field, FieldRef, Float64Type};
use datafusion::common::ScalarValue;
use datafusion::error::Result;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::AggregateOrderSensitivity;
use datafusion::logical_expr::{Accumulator, AggregateUDF, AggregateUDFImpl, Signature, Volatility};

use super::super::cast::to_float;
use super::super::types::user;

pub(super) fn functions() -> Vec<(&'static str, Arc<AggregateUDF>)> {
    [("skew", false), ("kurtosis", true)]
        .into_iter()
        .map(|(name, fourth)| {
            let signature = Signature::user_defined(Volatility::Immutable);
            (name, Arc::new(AggregateUDF::new_from_impl(Moment { fourth, signature })))
        })
        .collect()
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Moment {
    fourth: bool,
    signature: Signature,
}

impl AggregateUDFImpl for Moment {
    fn name(&self) -> &str {
        if self.fourth { "kurtosis" } else { "skew" }
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

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Float64)
    }

    fn state_fields(&self, args: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        let names = ["count", "mean", "second", "third", "fourth"];
        Ok(names
            .map(|part| Arc::new(Field::new(format!("{}[{part}]", args.name), DataType::Float64, true)) as _)
            .to_vec())
    }

    fn accumulator(&self, _: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        Ok(Box::new(Central { fourth: self.fourth, state: [0.0; 5] }))
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        AggregateOrderSensitivity::Insensitive
    }
}

/// Count, mean and sums of powers of the distance to the mean.
#[derive(Debug)]
struct Central {
    fourth: bool,
    state: [f64; 5],
}

impl Central {
    /// Puts two groups together (Pébay's formulas).
    fn join(&mut self, other: [f64; 5]) {
        let [n1, mean1, a2, a3, a4] = self.state;
        let [n2, mean2, b2, b3, b4] = other;
        if n2 == 0.0 {
            return;
        }
        let n = n1 + n2;
        let delta = mean2 - mean1;
        let (square, part) = (delta * delta, n1 * n2 / n);
        self.state = [
            n,
            mean1 + delta * n2 / n,
            a2 + b2 + square * part,
            a3 + b3 + delta * square * part * (n1 - n2) / n + 3.0 * delta * (n1 * b2 - n2 * a2) / n,
            a4 + b4
                + square * square * part * (n1 * n1 - n1 * n2 + n2 * n2) / (n * n)
                + 6.0 * square * (n1 * n1 * b2 + n2 * n2 * a2) / (n * n)
                + 4.0 * delta * (n1 * b3 - n2 * a3) / n,
        ];
    }
}

impl Accumulator for Central {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        for value in to_float(&values[0], true)?.iter().flatten() {
            self.join([1.0, value, 0.0, 0.0, 0.0]);
        }
        Ok(())
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let [n, _, second, third, fourth] = self.state;
        let value = if self.fourth {
            (n > 3.0 && second > 0.0).then(|| {
                let main = n * (n + 1.0) * (n - 1.0) / ((n - 2.0) * (n - 3.0)) * fourth / (second * second);
                main - 3.0 * (n - 1.0) * (n - 1.0) / ((n - 2.0) * (n - 3.0))
            })
        } else {
            (n > 2.0 && second > 0.0).then(|| n * (n - 1.0).sqrt() / (n - 2.0) * third / second.powf(1.5))
        };
        Ok(ScalarValue::Float64(value))
    }

    fn size(&self) -> usize {
        size_of_val(self)
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok(self.state.iter().map(|value| ScalarValue::Float64(Some(*value))).collect())
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let columns: Vec<_> = states.iter().map(|state| state.as_primitive::<Float64Type>()).collect();
        for row in 0..states[0].len() {
            let mut other = [0.0; 5];
            for (slot, column) in other.iter_mut().zip(&columns) {
                *slot = column.value(row);
            }
            self.join(other);
        }
        Ok(())
    }
}
