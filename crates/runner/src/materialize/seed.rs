//! Seeds: a CSV file of the project becomes a table, replaced whole by every run.
//!
//! Guarantees: a value that does not fit its column's type is an error with file, line and column, never a null;
//! numbers with decimals are exact decimals, where dbt's warehouses mostly take floats. Column names are folded to
//! lower case as SQL does, unless `quote_columns` keeps them.

mod infer;
mod read;
mod time;

pub(crate) use infer::infer;

use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use millstream_core::warehouse::{Dialect, Stage};
use millstream_core::{Error, Place, Result};
use millstream_project::Node;

use super::{Decision, quoted};
use crate::execute::session::{Session, blocking};
use crate::sqltype::{arrow_type_in, sql_type};
use read::Text;

pub(super) async fn decide(session: &Session, node: &Node) -> Result<Decision> {
    let batch = rows_of(session, node).await?;
    let schema = batch.schema();
    tell_unknown_types(session, node, &schema);
    let columns = schema.fields().iter().map(|field| format!("{} {}", field.name(), sql_type(field.data_type())));
    let columns = columns.collect::<Vec<_>>().join(", ");
    let name = quoted(node);
    let run_sql =
        format!("-- create or replace table {name} ({columns}) with {} rows of {}", batch.num_rows(), node.file());
    Ok(Decision::whole(Stage::Rows { schema, batches: vec![batch] }, run_sql))
}

/// The typed rows of a seed's file.
pub(crate) async fn rows_of(session: &Session, node: &Node) -> Result<RecordBatch> {
    let path = session.project.dir.join(node.file());
    let node = node.clone();
    let dialect = session.dialect();
    blocking(move || batch(&path, &node, dialect)).await
}

/// The columns that the seed's table will have.
pub(crate) fn columns(project_dir: &Path, node: &Node, dialect: Dialect) -> Result<SchemaRef> {
    Ok(batch(&project_dir.join(node.file()), node, dialect)?.schema())
}

fn batch(path: &Path, node: &Node, dialect: Dialect) -> Result<RecordBatch> {
    let bytes = std::fs::read(path).map_err(|error| {
        Error::environment(format!("the seed {} cannot be read", node.file())).at(Place::file(node.file())).why(error)
    })?;
    rows(node, &read::read(node, &bytes)?, dialect)
}

fn rows(node: &Node, text: &Text, dialect: Dialect) -> Result<RecordBatch> {
    let mut fields = Vec::with_capacity(text.names.len());
    let mut columns: Vec<ArrayRef> = Vec::with_capacity(text.names.len());
    for (position, name) in text.names.iter().enumerate() {
        let cells: Vec<Option<&str>> = text.column(position).collect();
        let data_type = match declared(node, name) {
            Some(declared) => arrow_type_in(dialect, declared).ok_or_else(|| {
                Error::user(format!("'{declared}' is not a type"))
                    .at(place(node))
                    .why(format!("column_types of the seed {} gives it to the column {name}", node.name))
                    .hint("for example varchar, integer, bigint, decimal(18,2), double, boolean, date, timestamp")
            })?,
            None => infer(&cells),
        };
        columns.push(typed(node, text, position, &cells, &data_type)?);
        fields.push(Field::new(name, data_type, true));
    }
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)
        .map_err(|error| Error::ours(format!("the rows of the seed {} do not fit together", node.name)).why(error))
}

/// Text to values. What the cast cannot read comes back as null, and is told with its line.
fn typed(node: &Node, text: &Text, position: usize, cells: &[Option<&str>], to: &DataType) -> Result<ArrayRef> {
    // White space around a value matters in text only.
    let trimmed = cells.iter().map(|cell| if *to == DataType::Utf8 { *cell } else { cell.map(str::trim) });
    let strings: ArrayRef = match to {
        DataType::Timestamp(..) | DataType::Date32 => {
            Arc::new(trimmed.map(|cell| cell.map(time::written_out)).collect::<StringArray>())
        }
        _ => Arc::new(trimmed.collect::<StringArray>()),
    };
    if *to == DataType::Utf8 {
        return Ok(strings);
    }
    let options = CastOptions { safe: true, ..CastOptions::default() };
    let cast = cast_with_options(&strings, to, &options).map_err(|error| {
        Error::user(format!("a seed cannot hold the type {}", sql_type(to))).at(place(node)).why(error)
    })?;
    let broken = (0..cells.len()).find(|row| cells[*row].is_some() && arrow::array::Array::is_null(&cast, *row));
    match broken {
        None => Ok(cast),
        Some(row) => {
            let name = &text.names[position];
            Err(Error::user(format!("'{}' is not of type {}", cells[row].unwrap_or_default(), sql_type(to)))
                .at(Place::line(node.file(), text.lines[row]))
                .why(format!("the column {name} of the seed {} has this type", node.name))
                .hint("correct the value, or the type under column_types"))
        }
    }
}

/// dbt takes the names of `column_types` as they are; upper and lower case are the same here unless quoted.
fn declared<'a>(node: &'a Node, name: &str) -> Option<&'a str> {
    let types = &node.config.column_types;
    types.iter().find(|(column, _)| column.eq_ignore_ascii_case(name)).map(|(_, declared)| declared.as_str())
}

/// Types of columns that the file does not have are no error, as for dbt: packages give one list to all of their seeds.
fn tell_unknown_types(session: &Session, node: &Node, schema: &Schema) {
    let is_known = |column: &str| schema.fields().iter().any(|field| field.name().eq_ignore_ascii_case(column));
    let unknown: Vec<&str> =
        node.config.column_types.keys().map(String::as_str).filter(|column| !is_known(column)).collect();
    if !unknown.is_empty() {
        let unknown = unknown.join(", ");
        session
            .events
            .note_once(&format!("column_types of the seed {} names what it does not have: {unknown}", node.name));
    }
}

fn place(node: &Node) -> Place {
    node.patch_place.clone().unwrap_or_else(|| Place::file(node.file()))
}
