//! `interval '1 day' * n`, in either order, and `interval '1 day' / n`: the engine has neither.
//!
//! As in PostgreSQL: what is left of a month goes on as days (30 to the month), what is left of a day as time.

use std::sync::{Arc, LazyLock};

use arrow::array::types::{Float64Type, Int64Type};
use arrow::array::{Array, ArrayRef, AsArray, PrimitiveArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, IntervalMonthDayNano, IntervalMonthDayNanoType, IntervalUnit};
use datafusion::common::{DFSchema, plan_err};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::planner::{ExprPlanner, PlannerResult, RawBinaryExpr};
use datafusion::logical_expr::{
    BinaryExpr, Cast, ColumnarValue, Expr, ExprSchemable, Operator, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl,
    Signature, Volatility, lit,
};
use sqlparser::ast::BinaryOperator;

const INTERVAL: DataType = DataType::Interval(IntervalUnit::MonthDayNano);

const DAYS_OF_MONTH: f64 = 30.0;
const NANOS_OF_DAY: f64 = 86_400.0 * 1e9;

static TIMES: LazyLock<ScalarUDF> =
    LazyLock::new(|| ScalarUDF::from(Times { signature: Signature::user_defined(Volatility::Immutable) }));

/// Makes calls of [`Times`] of the operators.
#[derive(Debug)]
pub(crate) struct IntervalOperators;

impl ExprPlanner for IntervalOperators {
    fn plan_binary_op(&self, expr: RawBinaryExpr, schema: &DFSchema) -> Result<PlannerResult<RawBinaryExpr>> {
        let (Ok(left), Ok(right)) = (expr.left.get_type(schema), expr.right.get_type(schema)) else {
            return Ok(PlannerResult::Original(expr));
        };
        let is_interval = |data_type: &DataType| matches!(data_type, DataType::Interval(_));
        let is_number = |data_type: &DataType| data_type.is_numeric() || data_type.is_null();
        let (interval, factor) = match expr.op {
            BinaryOperator::Multiply if is_interval(&left) && is_number(&right) => (expr.left, expr.right),
            BinaryOperator::Multiply if is_number(&left) && is_interval(&right) => (expr.right, expr.left),
            BinaryOperator::Divide if is_interval(&left) && is_number(&right) => {
                let by = Expr::Cast(Cast::new(Box::new(expr.right), DataType::Float64));
                let one = Box::new(lit(1.0_f64));
                (expr.left, Expr::BinaryExpr(BinaryExpr::new(one, Operator::Divide, Box::new(by))))
            }
            _ => return Ok(PlannerResult::Original(expr)),
        };
        Ok(PlannerResult::Planned(TIMES.call(vec![interval, factor])))
    }
}

/// An interval so many times.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Times {
    signature: Signature,
}

impl ScalarUDFImpl for Times {
    fn name(&self) -> &str {
        "interval_times"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        match types {
            [_, factor] if factor.is_integer() => Ok(vec![INTERVAL, DataType::Int64]),
            [_, _] => Ok(vec![INTERVAL, DataType::Float64]),
            _ => plan_err!("an interval is multiplied by one number, not {}", types.len()),
        }
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(INTERVAL)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [intervals, factors] = args.args.as_slice() else {
            return plan_err!("an interval is multiplied by one number");
        };
        let intervals = cast(&intervals.to_array(args.number_rows)?, &INTERVAL)?;
        let factors = factors.to_array(args.number_rows)?;
        let intervals = intervals.as_primitive::<IntervalMonthDayNanoType>();
        let out: PrimitiveArray<IntervalMonthDayNanoType> = match factors.data_type() {
            DataType::Int64 => {
                let factors = factors.as_primitive::<Int64Type>();
                intervals.iter().zip(factors).map(|pair| both(pair).map(whole).transpose()).collect::<Result<_>>()?
            }
            _ => {
                let factors = cast(&factors, &DataType::Float64)?;
                let factors = factors.as_primitive::<Float64Type>();
                intervals.iter().zip(factors).map(|pair| both(pair).map(broken).transpose()).collect::<Result<_>>()?
            }
        };
        Ok(ColumnarValue::Array(Arc::new(out) as ArrayRef))
    }
}

fn out_of_range() -> DataFusionError {
    DataFusionError::Execution("an interval is out of range".into())
}

fn both<T>((interval, factor): (Option<IntervalMonthDayNano>, Option<T>)) -> Option<(IntervalMonthDayNano, T)> {
    Some((interval?, factor?))
}

fn whole((interval, factor): (IntervalMonthDayNano, i64)) -> Result<IntervalMonthDayNano> {
    let narrow = |value: i32| i64::from(value).checked_mul(factor).and_then(|value| i32::try_from(value).ok());
    let made = narrow(interval.months).zip(narrow(interval.days)).zip(interval.nanoseconds.checked_mul(factor));
    made.map(|((months, days), nanos)| IntervalMonthDayNano::new(months, days, nanos)).ok_or_else(out_of_range)
}

fn broken((interval, factor): (IntervalMonthDayNano, f64)) -> Result<IntervalMonthDayNano> {
    let months = f64::from(interval.months) * factor;
    let days = f64::from(interval.days) * factor + months.fract() * DAYS_OF_MONTH;
    // Times have microseconds; a fraction that has no exact binary form is rounded to them.
    let nanos = ((interval.nanoseconds as f64) * factor + days.fract() * NANOS_OF_DAY) / 1000.0;
    let nanos = nanos.round() * 1000.0;
    let fits = |value: f64| value.is_finite() && value.abs() < f64::from(i32::MAX);
    if !fits(months) || !fits(days) || nanos.abs() >= i64::MAX as f64 {
        return Err(out_of_range());
    }
    Ok(IntervalMonthDayNano::new(months.trunc() as i32, days.trunc() as i32, nanos as i64))
}
