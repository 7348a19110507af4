//! Names of relations in statements.

use std::fmt;

use millstream_core::{Error, Place, Result};
use sqlparser::ast::{ObjectName, ObjectNamePart, TableFactor};

use crate::place::place_at;
use crate::refs::folded;

/// A relation as a statement names it, folded as the engine folds names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelationName {
    /// The database, where one is written.
    pub catalog: Option<String>,
    /// The schema, where one is written.
    pub schema: Option<String>,
    /// The table or view.
    pub name: String,
    /// Where the name starts.
    pub place: Option<Place>,
}

impl fmt::Display for RelationName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in [&self.catalog, &self.schema].into_iter().flatten() {
            write!(f, "{part}.")?;
        }
        f.write_str(&self.name)
    }
}

/// The parts of a name, folded.
pub(super) fn parts(name: &ObjectName) -> Result<Vec<String>> {
    name.0
        .iter()
        .map(|part| match part {
            ObjectNamePart::Identifier(ident) => Ok(folded(ident)),
            other => Err(Error::user(format!("'{other}' cannot be part of a name here"))),
        })
        .collect()
}

/// The relation that a name means.
pub(super) fn relation(name: &ObjectName) -> Result<RelationName> {
    let place = name.0.first().and_then(ObjectNamePart::as_ident).and_then(|ident| {
        let start = ident.span.start;
        place_at(start.line, start.column)
    });
    let mut parts = parts(name)?.into_iter().rev();
    let (last, schema, catalog, more) = (parts.next(), parts.next(), parts.next(), parts.next());
    match (last, more) {
        (Some(name), None) => Ok(RelationName { catalog, schema, name, place }),
        _ => Err(Error::user(format!("'{name}' is not the name of a table or view")).hint("write schema.name")),
    }
}

/// The relation that is changed, which must be a plain table in the text.
pub(super) fn of_factor(statement: &str, factor: &TableFactor) -> Result<RelationName> {
    match factor {
        TableFactor::Table { name, args: None, version: None, sample: None, .. } => relation(name),
        other => Err(Error::user(format!("'{statement}' changes a table, and '{other}' is none"))),
    }
}

/// The name of a schema, the database in front of it left aside.
pub(super) fn schema(name: &ObjectName) -> Result<String> {
    match parts(name)?.as_slice() {
        [schema] | [_, schema] => Ok(schema.clone()),
        _ => Err(Error::user(format!("'{name}' is not the name of a schema"))),
    }
}

/// The column that a name means, the table in front of it left aside.
pub(super) fn column(name: &ObjectName) -> Result<String> {
    parts(name)?.pop().ok_or_else(|| Error::user(format!("'{name}' is not the name of a column")))
}
