//! How a target writes names of relations, and which name the embedded warehouse has for them.

use millstream_core::TableName;
use millstream_jinja::{Parts, Relation};
use serde_json::{Map, Value};

/// How names of relations are written into SQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Naming {
    /// Parts that are quoted: these keep their case.
    pub quote: Parts,
    /// Whether the database is written.
    pub writes_database: bool,
}

impl Default for Naming {
    /// `"schema"."identifier"`: names are kept as they are given, whatever case they have.
    fn default() -> Self {
        Self { quote: Parts::ALL, writes_database: false }
    }
}

impl Naming {
    /// As the adapter of this kind writes them: Snowflake's `database.schema.identifier`, unquoted unless `quoting:`
    /// (of the project) says otherwise. The warehouse's own names are always quoted.
    pub(crate) fn of(kind: &str, quoting: &Map<String, Value>) -> Self {
        if kind != "snowflake" {
            return Self::default();
        }
        let none = Self { quote: Parts::NONE, writes_database: true };
        none.with(quoting)
    }

    /// The same with what `quoting:` of a source says. Has no effect where names are always quoted.
    pub(crate) fn with(self, quoting: &Map<String, Value>) -> Self {
        if !self.writes_database {
            return self;
        }
        let says = |part: &str, otherwise: bool| quoting.get(part).and_then(Value::as_bool).unwrap_or(otherwise);
        let quote = Parts {
            database: says("database", self.quote.database),
            schema: says("schema", self.quote.schema),
            identifier: says("identifier", self.quote.identifier),
        };
        Self { quote, ..self }
    }

    /// The relation as templates see it.
    pub fn relation(self, database: Option<&str>, schema: &str, identifier: &str) -> Relation {
        let relation = Relation { quote: self.quote, ..Relation::new(schema, identifier) };
        match database {
            Some(database) => relation.with_database(database, self.writes_database),
            None => relation,
        }
    }

    /// A stored name as the adapter tells it: Snowflake tells names that are not quoted in upper case.
    pub fn shown(self, name: &str) -> String {
        match self.writes_database && !name.chars().any(char::is_uppercase) {
            true => name.to_uppercase(),
            false => name.to_owned(),
        }
    }

    /// The relation's name in the embedded warehouse: what is not quoted is there in lower case.
    pub fn table_name(self, schema: &str, identifier: &str) -> TableName {
        let stored = |name: &str, is_quoted: bool| match is_quoted && name.chars().any(char::is_lowercase) {
            true => name.to_owned(),
            false if self.writes_database => name.to_lowercase(),
            false => name.to_owned(),
        };
        TableName::new(stored(schema, self.quote.schema), stored(identifier, self.quote.identifier))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn snowflake_writes_the_database_and_no_quotes() {
        let naming = Naming::of("snowflake", &Map::new());
        assert_eq!(naming.relation(Some("DB"), "Marts", "orders").to_string(), "DB.Marts.orders");
        assert_eq!(naming.table_name("Marts", "Orders").to_string(), "marts.orders");
        let own = Naming::default();
        assert_eq!(own.relation(Some("db"), "Marts", "Orders").to_string(), "\"Marts\".\"Orders\"");
        assert_eq!(own.table_name("Marts", "Orders").to_string(), "Marts.Orders");
    }

    #[test]
    fn quoted_names_keep_their_case_unless_they_are_all_upper_case() {
        let quoting = json!({"identifier": true}).as_object().cloned().unwrap_or_default();
        let naming = Naming::of("snowflake", &quoting);
        assert_eq!(naming.relation(Some("db"), "s", "Orders").to_string(), "db.s.\"Orders\"");
        assert_eq!(naming.table_name("S", "Orders").to_string(), "s.Orders");
        assert_eq!(naming.table_name("S", "ORDERS").to_string(), "s.orders");
    }
}
