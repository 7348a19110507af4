//! What a project says about one source, before it is checked: the input of [`crate::Contract::parse`].
//!
//! Guarantees nothing about the values; they are as the user wrote them, after Jinja.

use millstream_core::{Place, TableName};

/// One source table as declared in the project's `sources.yml`.
#[derive(Debug, Clone, PartialEq)]
pub struct SourceDecl {
    /// The raw table that the source fills, for example `raw.transactions_batch`.
    pub table: TableName,
    /// The `millstream` object of the table's `meta` (not the whole `meta`).
    pub meta: serde_json::Value,
    /// Columns, in the order in which they are declared.
    pub columns: Vec<ColumnDecl>,
    /// Where the table is declared.
    pub place: Place,
}

/// One declared column.
#[derive(Debug, Clone, PartialEq)]
pub struct ColumnDecl {
    /// Name, exactly as the file's header or the message's field has it.
    pub name: String,
    /// SQL type, for example `decimal(18,2)`.
    pub data_type: Option<String>,
    /// The `millstream` object of the column's `meta`; `Null` when there is none.
    pub meta: serde_json::Value,
    /// Where the column is declared; the table's place is told when this is not known.
    pub place: Option<Place>,
}
