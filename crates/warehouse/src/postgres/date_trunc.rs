//! `date_trunc` beyond the year 2262.
//!
//! The engine counts nanoseconds on the way, which end there, and refuses `9999-12-31`, the usual end of time. A date is
//! a timestamp of microseconds first, as tables store them.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, FieldRef, TimeUnit, TimestampMicrosecondType};
use arrow::temporal_conversions::as_datetime;
use chrono::{Datelike, Days, NaiveDate, NaiveDateTime, Timelike};
use datafusion::common::{ScalarValue, plan_err};
use datafusion::error::Result;
use datafusion::functions::datetime::date_trunc;
use datafusion::logical_expr::sort_properties::{ExprProperties, SortProperties};
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

/// The function.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct DateTrunc {
    engine: Arc<ScalarUDF>,
    signature: Signature,
}

impl DateTrunc {
    pub(super) fn udf() -> ScalarUDF {
        ScalarUDF::from(Self { engine: date_trunc(), signature: Signature::user_defined(Volatility::Immutable) })
    }
}

impl ScalarUDFImpl for DateTrunc {
    fn name(&self) -> &str {
        self.engine.name()
    }

    fn aliases(&self) -> &[String] {
        self.engine.aliases()
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        let [part, value] = types else {
            return plan_err!("date_trunc takes a part and a timestamp, not {} arguments", types.len());
        };
        if !matches!(part, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Null) {
            return plan_err!("date_trunc takes the name of a part, not {part}");
        }
        let value = match value {
            DataType::Date32
            | DataType::Date64
            | DataType::Utf8
            | DataType::LargeUtf8
            | DataType::Utf8View
            | DataType::Null => DataType::Timestamp(TimeUnit::Microsecond, None),
            DataType::Timestamp(..) | DataType::Time32(_) | DataType::Time64(_) => value.clone(),
            other => return plan_err!("date_trunc takes a date or a timestamp, not {other}"),
        };
        let part = if part.is_null() { DataType::Utf8 } else { part.clone() };
        Ok(vec![part, value])
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        self.engine.return_type(types)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        self.engine.return_field_from_args(args)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        match self.engine.invoke_with_args(args.clone()) {
            Ok(value) => Ok(value),
            Err(error) => far(&args)?.ok_or(error),
        }
    }

    fn output_ordering(&self, input: &[ExprProperties]) -> Result<SortProperties> {
        self.engine.output_ordering(input)
    }
}

/// Timestamps without a zone cut one by one; `None` for what the engine is right to refuse.
fn far(args: &ScalarFunctionArgs) -> Result<Option<ColumnarValue>> {
    let [ColumnarValue::Scalar(part), values] = args.args.as_slice() else { return Ok(None) };
    let Some(Some(part)) = part.try_as_str() else { return Ok(None) };
    if values.data_type() != DataType::Timestamp(TimeUnit::Microsecond, None) {
        return Ok(None);
    }
    let is_constant = matches!(values, ColumnarValue::Scalar(_));
    let values = values.to_array(if is_constant { 1 } else { args.number_rows })?;
    let part = part.to_lowercase();
    let mut cut = Vec::with_capacity(values.len());
    for at in values.as_primitive::<TimestampMicrosecondType>() {
        let Some(at) = at else {
            cut.push(None);
            continue;
        };
        let Some(start) = as_datetime::<TimestampMicrosecondType>(at).and_then(|at| start_of(&part, at)) else {
            return Ok(None);
        };
        cut.push(Some(start.and_utc().timestamp_micros()));
    }
    let cut: ArrayRef = Arc::new(TimestampMicrosecondArray::from(cut));
    Ok(Some(if is_constant {
        ColumnarValue::Scalar(ScalarValue::try_from_array(&cut, 0)?)
    } else {
        ColumnarValue::Array(cut)
    }))
}

fn start_of(part: &str, at: NaiveDateTime) -> Option<NaiveDateTime> {
    let day = at.date();
    let first = |month: u32| NaiveDate::from_ymd_opt(day.year(), month, 1);
    match part {
        "second" => day.and_hms_opt(at.hour(), at.minute(), at.second()),
        "minute" => day.and_hms_opt(at.hour(), at.minute(), 0),
        "hour" => day.and_hms_opt(at.hour(), 0, 0),
        _ => {
            let start = match part {
                "day" => day,
                "week" => day.checked_sub_days(Days::new(day.weekday().num_days_from_monday().into()))?,
                "month" => first(day.month())?,
                "quarter" => first(day.month0() / 3 * 3 + 1)?,
                "year" => first(1)?,
                _ => return None,
            };
            start.and_hms_opt(0, 0, 0)
        }
    }
}
