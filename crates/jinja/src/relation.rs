//! A table or view as templates see it: what `ref()`, `source()` and `this` give.

use std::fmt;

/// What a relation is in the warehouse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RelationKind {
    /// Stored rows.
    Table,
    /// A stored query.
    View,
    /// A common table expression: an ephemeral model.
    Cte,
    /// Rows that are stored elsewhere.
    External,
}

impl RelationKind {
    /// The name that dbt gives it.
    pub fn as_str(self) -> &'static str {
        match self {
            RelationKind::Table => "table",
            RelationKind::View => "view",
            RelationKind::Cte => "cte",
            RelationKind::External => "external",
        }
    }
    /// The kind with this name, in any case.
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name.to_ascii_lowercase().as_str() {
            "table" => RelationKind::Table,
            "view" => RelationKind::View,
            "cte" => RelationKind::Cte,
            "external" => RelationKind::External,
            _ => return None,
        })
    }
}

/// The three parts of a relation's name, each yes or no: for quoting, and for what is written at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct Parts {
    /// The database (catalog).
    pub database: bool,
    /// The schema.
    pub schema: bool,
    /// The table or view.
    pub identifier: bool,
}

impl Parts {
    /// All three.
    pub const ALL: Parts = Parts { database: true, schema: true, identifier: true };
    /// None.
    pub const NONE: Parts = Parts { database: false, schema: false, identifier: false };
}

/// A table or view: its name and how the name is written into SQL.
///
/// `Display` writes what a template would: `"analytics"."stg_users"`. For a CTE that is its bare name, with a filter a
/// subquery.
#[derive(Debug, Clone, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct Relation {
    /// Database (catalog), as `target.database` has it; written only if `include.database`.
    pub database: Option<String>,
    /// Schema.
    pub schema: Option<String>,
    /// Table or view; none for a whole schema.
    pub identifier: Option<String>,
    /// What it is, where known.
    pub kind: Option<RelationKind>,
    /// Which parts are quoted.
    pub quote: Parts,
    /// Which parts are written.
    pub include: Parts,
    /// The quote character of the dialect.
    pub quote_character: char,
    /// A condition on the rows that are read through this name (`--empty`, `--sample`, batches): where a template
    /// writes the relation, it writes a subquery. `render()` writes the bare name, as in dbt.
    #[serde(default)]
    pub filter: Option<String>,
}

impl Relation {
    /// `"schema"."identifier"`, quoted; the database is not written.
    pub fn new(schema: impl Into<String>, identifier: impl Into<String>) -> Self {
        Self {
            database: None,
            schema: Some(schema.into()),
            identifier: Some(identifier.into()),
            kind: None,
            quote: Parts::ALL,
            include: Parts { database: false, ..Parts::ALL },
            quote_character: '"',
            filter: None,
        }
    }
    /// An ephemeral model: written as a bare name, which a `with` clause in front of the query defines.
    pub fn cte(name: impl Into<String>) -> Self {
        Self {
            database: None,
            schema: None,
            identifier: Some(name.into()),
            kind: Some(RelationKind::Cte),
            quote: Parts::NONE,
            include: Parts { identifier: true, ..Parts::NONE },
            quote_character: '"',
            filter: None,
        }
    }
    /// The same with this kind.
    pub fn with_kind(mut self, kind: RelationKind) -> Self {
        self.kind = Some(kind);
        self
    }
    /// The same with a database; it is kept for `.database` and written only if `written`.
    pub fn with_database(mut self, database: impl Into<String>, written: bool) -> Self {
        self.database = Some(database.into());
        self.include.database = written;
        self
    }

    /// The same, of which only the rows that keep this SQL condition are read.
    pub fn with_filter(mut self, condition: impl Into<String>) -> Self {
        self.filter = Some(condition.into());
        self
    }
    /// The same with every row.
    pub fn bare(&self) -> Self {
        Self { filter: None, ..self.clone() }
    }

    fn written_parts(&self) -> impl Iterator<Item = (&str, bool)> {
        [
            (&self.database, self.include.database, self.quote.database),
            (&self.schema, self.include.schema, self.quote.schema),
            (&self.identifier, self.include.identifier, self.quote.identifier),
        ]
        .into_iter()
        .filter(|(_, included, _)| *included)
        .filter_map(|(part, _, quoted)| Some((part.as_deref()?, quoted)))
    }
}

impl fmt::Display for Relation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(condition) = &self.filter {
            return write!(f, "(select * from {} where {condition})", self.bare());
        }
        for (position, (part, quoted)) in self.written_parts().enumerate() {
            if position > 0 {
                f.write_str(".")?;
            }
            if quoted {
                let q = self.quote_character;
                // A quote character inside a name is doubled, or a name could end its own quoting.
                write!(f, "{q}{}{q}", part.replace(q, &format!("{q}{q}")))?;
            } else {
                f.write_str(part)?;
            }
        }
        Ok(())
    }
}
