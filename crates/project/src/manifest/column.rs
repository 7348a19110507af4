//! Columns as yml files describe them.

use serde_json::{Map, Value};

use millstream_core::Place;

/// A constraint of a model or column (`constraints:`).
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Constraint {
    /// `not_null`, `unique`, `primary_key`, `foreign_key`, `check` or `custom`.
    pub kind: String,
    /// Its name, if it has one.
    pub name: Option<String>,
    /// SQL of a `check`, `custom` or `foreign_key` constraint.
    pub expression: Option<String>,
    /// Columns, for constraints on a whole model.
    pub columns: Vec<String>,
    /// Relation that a foreign key points to, as written (`ref('x')`).
    pub to: Option<String>,
    /// Columns of [`Constraint::to`].
    pub to_columns: Vec<String>,
    /// Warn when the warehouse does not enforce it.
    pub warn_unenforced: bool,
    /// Warn when the warehouse does not know it.
    pub warn_unsupported: bool,
}

/// One column of a node or source.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Column {
    /// Its name as written.
    pub name: String,
    /// What it holds; Jinja (`doc()`) is rendered.
    pub description: String,
    /// `{% docs %}` blocks that the description uses, as unique ids.
    pub doc_blocks: Vec<String>,
    /// Type as written, for example `decimal(18,2)`.
    pub data_type: Option<String>,
    /// `meta:` and `config: meta:` merged, the latter wins. Jinja in strings is rendered.
    pub meta: Map<String, Value>,
    /// `tags:` and `config: tags:`.
    pub tags: Vec<String>,
    /// Constraints of the column.
    pub constraints: Vec<Constraint>,
    /// Whether the name must be quoted in SQL.
    pub quote: Option<bool>,
    /// Granularity of a time column (`granularity:`).
    pub granularity: Option<String>,
    /// Names of the tests declared on it, in order, for example `not_null`. The tests themselves are nodes.
    pub tests: Vec<String>,
    /// Where it is declared.
    pub place: Place,
}
