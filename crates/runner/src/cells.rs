//! Rows of a query as the values that templates and messages show.

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{
    DataType, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, Schema, UInt8Type, UInt16Type,
    UInt32Type, UInt64Type,
};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use millstream_core::{Error, Result};
use millstream_jinja::{Table, TableColumn};
use serde_json::Value;

use crate::sqltype::sql_type;

/// Instants as ISO 8601 in UTC, as SQL and dbt users write them.
const FORMAT: FormatOptions<'static> = FormatOptions::new()
    .with_null("")
    .with_timestamp_format(Some("%Y-%m-%dT%H:%M:%S%.f"))
    .with_timestamp_tz_format(Some("%Y-%m-%dT%H:%M:%S%.f%:z"));

/// Batches of one query as the table that `run_query()` gives to templates.
pub(crate) fn table(schema: &Schema, batches: &[RecordBatch]) -> Result<Table> {
    let columns = schema
        .fields()
        .iter()
        .map(|field| TableColumn { name: field.name().clone(), data_type: sql_type(field.data_type()) })
        .collect();
    let mut rows = Vec::new();
    for batch in batches {
        let start = rows.len();
        rows.resize_with(start + batch.num_rows(), || Vec::with_capacity(batch.num_columns()));
        for column in batch.columns() {
            for (row, cells) in rows[start..].iter_mut().enumerate() {
                cells.push(cell(column, row)?);
            }
        }
    }
    Ok(Table { columns, rows })
}

/// One value: numbers, booleans and null as JSON, everything else (decimals too) as text.
pub(crate) fn cell(column: &ArrayRef, row: usize) -> Result<Value> {
    if column.is_null(row) {
        return Ok(Value::Null);
    }
    Ok(match column.data_type() {
        DataType::Boolean => column.as_boolean().value(row).into(),
        DataType::Int8 => column.as_primitive::<Int8Type>().value(row).into(),
        DataType::Int16 => column.as_primitive::<Int16Type>().value(row).into(),
        DataType::Int32 => column.as_primitive::<Int32Type>().value(row).into(),
        DataType::Int64 => column.as_primitive::<Int64Type>().value(row).into(),
        DataType::UInt8 => column.as_primitive::<UInt8Type>().value(row).into(),
        DataType::UInt16 => column.as_primitive::<UInt16Type>().value(row).into(),
        DataType::UInt32 => column.as_primitive::<UInt32Type>().value(row).into(),
        DataType::UInt64 => column.as_primitive::<UInt64Type>().value(row).into(),
        DataType::Float32 => f64::from(column.as_primitive::<Float32Type>().value(row)).into(),
        DataType::Float64 => column.as_primitive::<Float64Type>().value(row).into(),
        _ => Value::String(text(column, row)?),
    })
}

/// One value as text; null is empty.
pub(crate) fn text(column: &ArrayRef, row: usize) -> Result<String> {
    let formatter = ArrayFormatter::try_new(column.as_ref(), &FORMAT)
        .map_err(|error| Error::ours("a value of a query cannot be shown").why(error))?;
    Ok(formatter.value(row).to_string())
}

/// One value as text; `None` is null.
pub(crate) fn value(column: &ArrayRef, row: usize) -> Result<Option<String>> {
    if column.is_null(row) { Ok(None) } else { text(column, row).map(Some) }
}

/// A small table of text for a message: a header, then at most `limit` rows, columns aligned.
pub(crate) fn preview(schema: &Schema, batches: &[RecordBatch], limit: usize) -> Result<String> {
    let mut lines: Vec<Vec<String>> = vec![schema.fields().iter().map(|field| field.name().clone()).collect()];
    for batch in batches {
        for row in 0..batch.num_rows() {
            if lines.len() > limit {
                break;
            }
            let cells = batch.columns().iter().map(|column| shown(column, row)).collect::<Result<_>>()?;
            lines.push(cells);
        }
    }
    let widths: Vec<usize> = (0..schema.fields().len())
        .map(|column| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0))
        .collect();
    let rendered = lines.iter().map(|line| {
        let cells = line.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}", width = *width));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    });
    Ok(rendered.collect::<Vec<_>>().join("\n"))
}

/// Long values are cut: a message is for reading, the whole row is one query away.
fn shown(column: &ArrayRef, row: usize) -> Result<String> {
    const CHARS_MAX: usize = 40;
    if column.is_null(row) {
        return Ok("NULL".into());
    }
    let text = text(column, row)?.replace(['\n', '\r', '\t'], " ");
    if text.chars().count() <= CHARS_MAX {
        return Ok(text);
    }
    Ok(text.chars().take(CHARS_MAX - 1).chain(['…']).collect())
}
