//! Kinds of elements in a project.

use std::fmt;
use std::str::FromStr;

use millstream_core::Error;

/// What a project element is. Written in dbt's words (`model`, `unit_test`, …).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResourceType {
    /// A query that becomes a relation.
    Model,
    /// A CSV file in the project that becomes a table.
    Seed,
    /// A slowly changing dimension, type 2, of a query or relation.
    Snapshot,
    /// A query that must return no rows.
    Test,
    /// A query that is compiled and never run by `build`.
    Analysis,
    /// An `on-run-start` or `on-run-end` hook.
    Operation,
    /// A table that something else loads.
    Source,
    /// A use of the data outside of the project.
    Exposure,
    /// A test of a model on given rows.
    UnitTest,
    /// Entities, dimensions and measures over a model.
    SemanticModel,
    /// A number that is made of measures.
    Metric,
    /// Metrics with dimensions, saved under a name.
    SavedQuery,
}

impl ResourceType {
    /// All, in the order in which listings show them.
    pub const ALL: [Self; 12] = [
        Self::Model,
        Self::Seed,
        Self::Snapshot,
        Self::Test,
        Self::Analysis,
        Self::Operation,
        Self::Source,
        Self::Exposure,
        Self::UnitTest,
        Self::SemanticModel,
        Self::Metric,
        Self::SavedQuery,
    ];

    /// dbt's word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::Seed => "seed",
            Self::Snapshot => "snapshot",
            Self::Test => "test",
            Self::Analysis => "analysis",
            Self::Operation => "operation",
            Self::Source => "source",
            Self::Exposure => "exposure",
            Self::UnitTest => "unit_test",
            Self::SemanticModel => "semantic_model",
            Self::Metric => "metric",
            Self::SavedQuery => "saved_query",
        }
    }
}

impl fmt::Display for ResourceType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for ResourceType {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self, Error> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or_else(|| {
            let known: Vec<&str> = Self::ALL.iter().map(|kind| kind.as_str()).collect();
            Error::usage(format!("'{text}' is not a resource type")).hint(format!("use one of: {}", known.join(", ")))
        })
    }
}
