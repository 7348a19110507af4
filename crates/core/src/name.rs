//! The name of a table or view: a schema and a name in it.

use std::fmt;
use std::str::FromStr;

use crate::Error;

/// `schema.name` of a relation in the warehouse. Names are kept as given; SQL folds them to lower case.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct TableName {
    /// The schema, for example `raw` or `marts`.
    pub schema: String,
    /// The table or view.
    pub name: String,
}

impl TableName {
    /// `schema.name`.
    pub fn new(schema: impl Into<String>, name: impl Into<String>) -> Self {
        Self { schema: schema.into(), name: name.into() }
    }
}

impl fmt::Display for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.schema, self.name)
    }
}

impl FromStr for TableName {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self, Error> {
        match text.split_once('.') {
            Some((schema, name)) if !schema.is_empty() && !name.is_empty() && !name.contains('.') => {
                Ok(Self::new(schema, name))
            }
            _ => Err(Error::usage(format!("'{text}' is not a table name")).hint("write it as schema.name")),
        }
    }
}
