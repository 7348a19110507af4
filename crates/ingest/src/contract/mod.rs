//! The checked contract of one source.

use arrow::datatypes::SchemaRef;
use millstream_core::{Diagnostics, TableName};

use crate::SourceDecl;

/// The checked contract of one source: where its data comes from, its columns and their rules.
#[derive(Debug, Clone)]
pub struct Contract {
    pub(crate) table: TableName,
    pub(crate) source: SourceKind,
    pub(crate) schema: SchemaRef,
}

/// Where the data of a source comes from.
#[derive(Debug, Clone)]
pub enum SourceKind {
    /// Files in a folder.
    File,
    /// A Kafka topic.
    Kafka,
}

impl Contract {
    /// Checks a declaration. All problems are told at once; unknown keys are problems.
    pub fn parse(decl: &SourceDecl) -> Result<Self, Diagnostics> {
        let _ = decl;
        Err(Diagnostics::new())
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
    /// Columns and types of the raw table, the position columns at the end included.
    pub fn raw_schema(&self) -> SchemaRef {
        self.schema.clone()
    }
}
