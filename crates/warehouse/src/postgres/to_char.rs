//! `to_char(date or timestamp, format)` with PostgreSQL's patterns as well as the engine's own (`%Y-%m-%d`).
//!
//! A format with a `%` is the engine's. Without one the engine would copy it, so that `to_char(d, 'FMDay')` gave
//! `FMDay`: a wrong answer to what everybody who knows PostgreSQL asks.

use std::sync::Arc;

use arrow::array::timezone::Tz;
use arrow::array::types::TimestampMicrosecondType;
use arrow::array::{Array, AsArray, StringBuilder};
use arrow::compute::cast;
use arrow::datatypes::{DataType, TimeUnit};
use arrow::temporal_conversions::{as_datetime, as_datetime_with_timezone};
use datafusion::common::{ScalarValue, exec_err};
use datafusion::error::Result;
use datafusion::functions::datetime::to_char;
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature};

use super::pattern::Pattern;

/// The function.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct ToChar {
    engine: Arc<ScalarUDF>,
}

impl ToChar {
    pub(super) fn udf() -> ScalarUDF {
        ScalarUDF::from(Self { engine: to_char() })
    }
}

impl ScalarUDFImpl for ToChar {
    fn name(&self) -> &str {
        self.engine.name()
    }

    fn aliases(&self) -> &[String] {
        self.engine.aliases()
    }

    fn signature(&self) -> &Signature {
        self.engine.signature()
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        self.engine.return_type(types)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [value, format] = args.args.as_slice() else {
            return self.engine.invoke_with_args(args);
        };
        let format = match format {
            ColumnarValue::Scalar(ScalarValue::Utf8(Some(format))) => format,
            ColumnarValue::Array(formats) if !all_of_engine(formats.as_ref()) => {
                return exec_err!("to_char takes one format for all rows, unless it is one with '%'");
            }
            _ => return self.engine.invoke_with_args(args),
        };
        let kind = value.data_type();
        if format.contains('%') || !matches!(kind, DataType::Date32 | DataType::Date64 | DataType::Timestamp(..)) {
            return self.engine.invoke_with_args(args);
        }
        let pattern = match Pattern::read(format) {
            Ok(pattern) => pattern,
            Err(pattern) => return exec_err!("to_char does not know the pattern '{pattern}' in '{format}'"),
        };
        let constant = matches!(value, ColumnarValue::Scalar(_));
        let values = value.to_array(args.number_rows)?;
        let text = written(values.as_ref(), &pattern)?;
        if constant {
            return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&text, 0)?));
        }
        Ok(ColumnarValue::Array(Arc::new(text)))
    }
}

fn all_of_engine(formats: &dyn Array) -> bool {
    formats.as_string_opt::<i32>().is_some_and(|formats| formats.iter().flatten().all(|format| format.contains('%')))
}

fn written(values: &dyn Array, pattern: &Pattern) -> Result<arrow::array::StringArray> {
    let zone = match values.data_type() {
        DataType::Timestamp(_, zone) => zone.clone(),
        _ => None,
    };
    let parsed: Option<Tz> = zone.as_deref().map(str::parse).transpose()?;
    let micros = cast(values, &DataType::Timestamp(TimeUnit::Microsecond, zone))?;
    let micros = micros.as_primitive::<TimestampMicrosecondType>();
    let mut text = StringBuilder::with_capacity(micros.len(), micros.len() * 16);
    let mut line = String::new();
    for at in micros {
        let local = at.and_then(|at| match parsed {
            Some(zone) => as_datetime_with_timezone::<TimestampMicrosecondType>(at, zone).map(|at| at.naive_local()),
            None => as_datetime::<TimestampMicrosecondType>(at),
        });
        match local {
            Some(local) => {
                line.clear();
                pattern.write(&local, &mut line);
                text.append_value(&line);
            }
            None => text.append_null(),
        }
    }
    Ok(text.finish())
}
