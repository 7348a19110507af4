//! The chart that an analysis declares under `meta: millstream:`: `chart: bar`, `x`, `y`, and perhaps `series`.

use arrow::array::{Array, Float64Array, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use millstream_core::{Error, Result};
use serde_json::{Map, Value};

/// Bars to draw.
#[derive(Debug, Clone, PartialEq)]
pub struct Chart {
    /// What the bars' length means: the column's name.
    pub title: String,
    /// The bars, in the order of the rows.
    pub bars: Vec<Bar>,
}

/// One bar.
#[derive(Debug, Clone, PartialEq)]
pub struct Bar {
    /// Its label; with a series, `series / label`.
    pub label: String,
    /// Its length.
    pub value: f64,
    /// The value digit for digit, as the table shows it.
    pub shown: String,
}

impl Chart {
    /// The chart that `meta` declares for these rows; `None` when it declares none.
    ///
    /// # Errors
    /// Kind `user` for an unknown kind of chart or a column that the rows do not have or that is no number.
    pub fn declared(meta: &Map<String, Value>, rows: &RecordBatch) -> Result<Option<Self>> {
        let Some(meta) = meta.get("millstream").filter(|meta| meta.get("chart").is_some()) else { return Ok(None) };
        let word = |key: &str| meta.get(key).and_then(Value::as_str);
        if word("chart") != Some("bar") {
            return Err(Error::user("meta millstream.chart of this analysis is not a known chart").hint("use: bar"));
        }
        let (Some(x), Some(y)) = (word("x"), word("y")) else {
            return Err(Error::user("the chart of this analysis needs columns for labels and values")
                .hint("set x and y beside chart: {'chart': 'bar', 'x': 'tier', 'y': 'users'}"));
        };
        let labels = texts(rows, x)?;
        let series = word("series").map(|series| texts(rows, series)).transpose()?;
        let shown = texts(rows, y)?;
        let values = numbers(rows, y)?;
        let bars = (0..rows.num_rows()).filter(|row| values.is_valid(*row)).map(|row| {
            let label = match &series {
                Some(series) => format!("{} / {}", series[row], labels[row]),
                None => labels[row].clone(),
            };
            Bar { label, value: values.value(row), shown: shown[row].clone() }
        });
        Ok(Some(Self { title: y.to_owned(), bars: bars.collect() }))
    }
}

fn column<'a>(rows: &'a RecordBatch, name: &str) -> Result<&'a dyn Array> {
    rows.column_by_name(name).map(AsRef::as_ref).ok_or_else(|| {
        let columns: Vec<&str> = rows.schema_ref().fields().iter().map(|field| field.name().as_str()).collect();
        Error::user(format!("the chart of this analysis names a column '{name}', which its rows do not have"))
            .hint(format!("use one of: {}", columns.join(", ")))
    })
}

fn texts(rows: &RecordBatch, name: &str) -> Result<Vec<String>> {
    let options = FormatOptions::new().with_null("null").with_display_error(true);
    let formatter = ArrayFormatter::try_new(column(rows, name)?, &options)
        .map_err(|error| Error::ours(format!("column {name} cannot be shown")).why(error))?;
    Ok((0..rows.num_rows()).map(|row| formatter.value(row).to_string()).collect())
}

/// Lengths of bars may be floats: they are drawn, never added up.
fn numbers(rows: &RecordBatch, name: &str) -> Result<Float64Array> {
    let refused = || Error::user(format!("the chart of this analysis needs numbers, but column {name} has none"));
    let array = column(rows, name)?;
    if !array.data_type().is_numeric() {
        return Err(refused());
    }
    let array = cast(array, &DataType::Float64).map_err(|error| refused().why(error))?;
    array.as_any().downcast_ref::<Float64Array>().cloned().ok_or_else(refused)
}
