//! YAML with places: every value and key knows its line and column.
//!
//! Guarantees: scalars are resolved as PyYAML does (YAML 1.1: `yes`, `on`, `0o`-less octals), because that is what
//! dbt users' files are written against; anchors, aliases and merge keys work; expansion is bounded.
//! Deliberately absent: writing YAML, several documents in one file, tags other than the core ones.

mod parse;
mod scalar;

use millstream_core::Place;
use serde_json::{Map, Value};

pub(crate) use parse::parse;

/// Line and column, both from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Mark {
    /// Line.
    pub line: u32,
    /// Column in characters.
    pub column: u32,
}

impl Mark {
    /// The place in `file`.
    pub(crate) fn in_file(self, file: &str) -> Place {
        Place::column(file, self.line, self.column)
    }
}

/// A value and where it starts.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Yaml {
    /// Where it starts.
    pub at: Mark,
    /// What it is.
    pub kind: Kind,
}

/// What a value is.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Kind {
    /// Nothing.
    Null,
    /// `true`, `yes`, `on`, …
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Any other number.
    Float(f64),
    /// Text.
    Text(String),
    /// A list.
    List(Vec<Yaml>),
    /// A mapping, in the order of the file. Keys are unique.
    Map(Vec<Entry>),
}

/// One key of a mapping.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Entry {
    /// The key; keys that are not text are kept as written.
    pub key: String,
    /// Where the key starts.
    pub at: Mark,
    /// The value.
    pub value: Yaml,
}

impl Yaml {
    /// A value at a place.
    pub(crate) fn new(at: Mark, kind: Kind) -> Self {
        Self { at, kind }
    }

    /// The value under `key` of a mapping, unless it is null.
    pub(crate) fn get(&self, key: &str) -> Option<&Yaml> {
        self.entry(key).map(|entry| &entry.value).filter(|value| !value.is_null())
    }

    /// The entry under `key` of a mapping.
    pub(crate) fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries().iter().find(|entry| entry.key == key)
    }

    /// Entries of a mapping; none for anything else.
    pub(crate) fn entries(&self) -> &[Entry] {
        match &self.kind {
            Kind::Map(entries) => entries,
            _ => &[],
        }
    }

    /// Elements of a list; none for anything else.
    pub(crate) fn items(&self) -> &[Yaml] {
        match &self.kind {
            Kind::List(items) => items,
            _ => &[],
        }
    }

    /// The text, if it is text.
    pub(crate) fn text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A scalar as text: numbers and booleans as they would be printed. `None` for null, lists and mappings.
    pub(crate) fn scalar_text(&self) -> Option<String> {
        match &self.kind {
            Kind::Text(text) => Some(text.clone()),
            Kind::Bool(value) => Some(value.to_string()),
            Kind::Int(value) => Some(value.to_string()),
            Kind::Float(value) => Some(float_text(*value)),
            Kind::Null | Kind::List(_) | Kind::Map(_) => None,
        }
    }

    /// Whether it is null.
    pub(crate) fn is_null(&self) -> bool {
        self.kind == Kind::Null
    }

    /// What it is, for messages: `a list`, `text`, …
    pub(crate) fn describe(&self) -> &'static str {
        match self.kind {
            Kind::Null => "nothing",
            Kind::Bool(_) => "true or false",
            Kind::Int(_) | Kind::Float(_) => "a number",
            Kind::Text(_) => "text",
            Kind::List(_) => "a list",
            Kind::Map(_) => "a mapping",
        }
    }

    /// The value without places.
    pub(crate) fn to_json(&self) -> Value {
        match &self.kind {
            Kind::Null => Value::Null,
            Kind::Bool(value) => Value::Bool(*value),
            Kind::Int(value) => Value::from(*value),
            Kind::Float(value) => serde_json::Number::from_f64(*value).map_or(Value::Null, Value::Number),
            Kind::Text(text) => Value::String(text.clone()),
            Kind::List(items) => Value::Array(items.iter().map(Yaml::to_json).collect()),
            Kind::Map(_) => Value::Object(self.to_json_map()),
        }
    }

    /// A mapping without places; empty for anything else.
    pub(crate) fn to_json_map(&self) -> Map<String, Value> {
        self.entries().iter().map(|entry| (entry.key.clone(), entry.value.to_json())).collect()
    }
}

/// A number as Python prints it: `1.0`, not `1`.
pub(crate) fn float_text(value: f64) -> String {
    if value.is_nan() {
        "nan".into()
    } else if value.is_infinite() {
        if value > 0.0 { "inf".into() } else { "-inf".into() }
    } else {
        format!("{value:?}")
    }
}
