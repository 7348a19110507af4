//! The checked contract of one source: where its data comes from, its columns, their types and rules.
//!
//! Guarantees: [`Contract::parse`] tells every problem of a declaration at once, unknown keys included, and a
//! contract that exists can be carried out: every rule applies to its column's type.
//!
//! Keys of a source (`meta: millstream:` of its table):
//!
//! | key | for | meaning |
//! |---|---|---|
//! | `connector` | both | `file` or `kafka` |
//! | `path` | file | glob from the project folder; `.gz` and `.zst` files match too |
//! | `format` | both | `csv` (file), `json` (kafka) |
//! | `header` | file | `exact` (default), `reordered`, `superset` |
//! | `delimiter` | file | one ASCII character, default `,` |
//! | `max_error_share` | file | share of broken rows above which a file is refused whole, default 0.05 |
//! | `brokers`, `topic` | kafka | where the messages are |
//! | `properties` | kafka | librdkafka settings |
//! | `extra_fields` | kafka | fields that are not declared: `quarantine` (default) or `ignore` |
//!
//! Keys of a column (`meta: millstream:` of it), next to its `data_type`:
//!
//! | key | types | meaning |
//! |---|---|---|
//! | `required` | all | has a value, and not an empty one |
//! | `format` | text | `uuid`, `email`, `iso_timestamp` |
//! | `regex` | text | matches somewhere; anchor it with `^` and `$` |
//! | `allowed` | text, exact | one of a list |
//! | `list_of` | text | every item of a comma list is one of a list |
//! | `min_length`, `max_length` | text | characters; `varchar(n)` is a `max_length` too |
//! | `min`, `max` | numbers, date, timestamp | bounds, both included; compared exactly |
//!
//! Deliberately absent: reading YAML and Jinja, and asking whether the files or the topic exist.

mod meta;
mod rules;
mod source;
mod types;

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use millstream_core::{Diagnostic, Diagnostics, TableName};

pub use self::rules::{Bound, Format, Rules};
pub use self::source::{ExtraFields, FileSource, HeaderPolicy, KafkaSource, SourceKind};
pub use self::types::ColumnType;

use self::meta::Meta;
use crate::{ColumnDecl, SourceDecl};

/// The checked contract of one source. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Contract {
    table: TableName,
    source: Arc<SourceKind>,
    columns: Arc<Vec<Column>>,
    schema: SchemaRef,
}

/// One column of a contract.
#[derive(Debug, Clone)]
pub struct Column {
    /// Name, as in the header or the message.
    pub name: String,
    /// Type.
    pub ty: ColumnType,
    /// The type as it was declared, for messages.
    pub declared_type: String,
    /// What its values must keep.
    pub rules: Rules,
}

impl Contract {
    /// Checks a declaration. All problems are told at once; unknown keys are problems.
    pub fn parse(decl: &SourceDecl) -> Result<Self, Diagnostics> {
        let mut problems = Diagnostics::new();
        let meta = Meta::new(&decl.meta, format!("source {}", decl.table), &decl.place, &mut problems);
        let source = source::read(meta);
        let columns = read_columns(decl, source.as_ref(), &mut problems);
        match source {
            Some(source) if !problems.has_errors() => {
                let schema = raw_schema(&columns, &source);
                let (source, columns) = (Arc::new(source), Arc::new(columns));
                Ok(Self { table: decl.table.clone(), source, columns, schema })
            }
            _ => Err(problems),
        }
    }

    /// The raw table.
    pub fn table(&self) -> &TableName {
        &self.table
    }

    /// The table that broken rows go to: `quarantine.<name of the raw table>`.
    pub fn quarantine_table(&self) -> TableName {
        TableName::new("quarantine", &self.table.name)
    }

    /// Files or Kafka.
    pub fn source(&self) -> &SourceKind {
        &self.source
    }

    /// The declared columns, in order.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// Columns and types of the raw table: the declared columns, then `source_file`, `source_line` (files) or
    /// `kafka_partition`, `kafka_offset`, `kafka_timestamp`, `kafka_key` (Kafka). All are nullable, so that a rule
    /// can be relaxed later without another table.
    pub fn raw_schema(&self) -> SchemaRef {
        self.schema.clone()
    }
}

fn read_columns(decl: &SourceDecl, source: Option<&SourceKind>, problems: &mut Diagnostics) -> Vec<Column> {
    if decl.columns.is_empty() {
        let message = format!("source {} declares no columns", decl.table);
        let hint = "list the columns under columns:, each with name and data_type";
        problems.push(Diagnostic::error("contract-columns", message).at(decl.place.clone()).hint(hint));
    }
    let added = source.map(position_fields).unwrap_or_default();
    let mut columns: Vec<Column> = Vec::with_capacity(decl.columns.len());
    for column in &decl.columns {
        let place = column.place.as_ref().unwrap_or(&decl.place);
        let owner = format!("column {} of {}", column.name, decl.table);
        if columns.iter().any(|other| other.name.eq_ignore_ascii_case(&column.name)) {
            problems
                .push(Diagnostic::error("contract-columns", format!("{owner} is declared twice")).at(place.clone()));
        }
        if added.iter().any(|field| field.name().eq_ignore_ascii_case(&column.name)) {
            let message = format!("{owner}: Millstream adds a column of this name itself");
            problems.push(Diagnostic::error("contract-columns", message).at(place.clone()).hint("leave it out"));
        }
        let mut meta = Meta::new(&column.meta, owner, place, problems);
        if let Some(parsed) = read_type(column, &mut meta) {
            let rules = rules::read(&mut meta, parsed);
            meta.finish();
            let declared_type = column.data_type.clone().unwrap_or_default();
            columns.push(Column { name: column.name.clone(), ty: parsed.ty, declared_type, rules });
        }
    }
    columns
}

fn read_type(column: &ColumnDecl, meta: &mut Meta<'_>) -> Option<types::ParsedType> {
    let Some(declared) = &column.data_type else {
        let hint = format!("add data_type: one of {}", types::KNOWN_TYPES);
        meta.problem("contract-type", "data_type is missing", Some(hint));
        return None;
    };
    types::parse(declared).map_err(|message| meta.problem("contract-type", message, None)).ok()
}

/// The columns that say where a row came from.
fn position_fields(source: &SourceKind) -> Vec<Field> {
    let utc = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    match source {
        SourceKind::File(_) => {
            vec![Field::new("source_file", DataType::Utf8, true), Field::new("source_line", DataType::Int64, true)]
        }
        SourceKind::Kafka(_) => vec![
            Field::new("kafka_partition", DataType::Int32, true),
            Field::new("kafka_offset", DataType::Int64, true),
            Field::new("kafka_timestamp", utc, true),
            Field::new("kafka_key", DataType::Utf8, true),
        ],
    }
}

fn raw_schema(columns: &[Column], source: &SourceKind) -> SchemaRef {
    let mut fields: Vec<Field> =
        columns.iter().map(|column| Field::new(&column.name, column.ty.arrow(), true)).collect();
    fields.extend(position_fields(source));
    Arc::new(Schema::new(fields))
}

#[cfg(test)]
mod tests;
