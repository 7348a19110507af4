//! What `ref()` and `source()` read in one rendering: another relation, or only some of its rows.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use millstream_jinja::Relation;

/// A span of time: from its start up to, and without, its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Window {
    /// First instant, UTC.
    pub start: DateTime<Utc>,
    /// First instant after it, UTC.
    pub end: DateTime<Utc>,
}

impl Window {
    /// SQL that is true of the rows whose column is in the window. Instants without a zone count as UTC.
    pub fn condition(&self, column: &str) -> String {
        format!(
            "cast({column} as timestamp) >= {} and cast({column} as timestamp) < {}",
            literal(self.start),
            literal(self.end)
        )
    }
}

fn literal(at: DateTime<Utc>) -> String {
    format!("cast('{}' as timestamp)", at.format("%Y-%m-%d %H:%M:%S%.f"))
}

/// Nodes that are read as another run built them (`--defer`).
#[derive(Debug, Clone, Default)]
pub struct Deferred {
    /// Where they are, by unique id.
    pub relations: BTreeMap<String, Relation>,
    /// Whether they win over a relation of this target that is there (`--favor-state`), unless it is selected.
    pub is_favored: bool,
    /// Unique ids of what this run builds.
    pub selected: BTreeSet<String>,
}

/// How names are read. The default reads everything as it is.
#[derive(Debug, Clone, Default)]
pub struct Reading {
    /// Relations that stand for nodes and sources, by unique id: the inputs of a unit test.
    pub instead: BTreeMap<String, Relation>,
    /// Whether only `instead` may be read.
    pub is_closed: bool,
    /// Read no rows (`--empty`).
    pub is_empty: bool,
    /// Read only rows of this time, of everything that has an `event_time` (`--sample`). A batch narrows it further.
    pub window: Option<Window>,
    /// Whether the window takes the place of what models choose under `is_incremental()` (`backfill`): that is false then,
    /// in the texts of models that are not built batch by batch.
    pub is_interval: bool,
    /// See [`Deferred`].
    pub deferred: Deferred,
}

impl Reading {
    /// The relation with what is read of it. A window applies where there is a column that tells the time of a row.
    pub(super) fn limited(&self, relation: Relation, event_time: Option<&str>) -> Relation {
        if self.is_empty {
            return relation.with_filter("false");
        }
        match (&self.window, event_time) {
            (Some(window), Some(column)) => relation.with_filter(window.condition(column)),
            _ => relation,
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_window_ends_before_its_end() {
        let window =
            Window { start: "2024-01-01T00:00:00Z".parse().unwrap(), end: "2024-01-02T00:00:00.5Z".parse().unwrap() };
        assert_eq!(
            window.condition("t"),
            "cast(t as timestamp) >= cast('2024-01-01 00:00:00' as timestamp) and \
             cast(t as timestamp) < cast('2024-01-02 00:00:00.500' as timestamp)"
        );
        let reading = Reading { window: Some(window), ..Reading::default() };
        let relation = reading.limited(Relation::new("a", "b"), Some("t"));
        assert!(relation.to_string().starts_with("(select * from \"a\".\"b\" where cast(t as timestamp) >="));
        assert_eq!(relation.bare().to_string(), "\"a\".\"b\"");
        assert_eq!(reading.limited(Relation::new("a", "b"), None).to_string(), "\"a\".\"b\"");
        let empty = Reading { is_empty: true, ..reading };
        assert_eq!(
            empty.limited(Relation::new("a", "b"), Some("t")).to_string(),
            "(select * from \"a\".\"b\" where false)"
        );
    }
}
