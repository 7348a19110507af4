//! `explain`: how models that follow their sources were refreshed last, and how they would be now.
//!
//! Deliberately absent: carrying anything out. What has changed is read, and nothing is written.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use millstream_core::warehouse::RefreshReport;
use millstream_core::{Error, Place, Result, TableName};
use serde::Serialize;

use crate::event::EventGate;
use crate::execute::session::Session;
use crate::materialize::{dynamic, strip};
use crate::{Request, Runner, Verb};

/// Commits that are looked at for the last refresh; others may have been made since.
const HISTORY_COMMITS: usize = 50;

/// How one model is refreshed.
#[derive(Debug, Clone, Serialize)]
pub struct Explained {
    /// The model's name.
    pub model: String,
    /// Its table.
    pub table: TableName,
    /// The last refresh, if there was one: the version that it made, when, and how.
    pub last: Option<(u64, DateTime<Utc>, RefreshReport)>,
    /// What a refresh would do now.
    pub next: RefreshReport,
}

/// Whether a model is one that follows its sources.
pub fn is_refreshed(materialized: &str) -> bool {
    matches!(materialized, "dynamic_table" | "materialized_view")
}

impl Runner {
    /// Explains one model.
    ///
    /// # Errors
    /// It is no model that follows its sources; its text cannot be rendered or planned.
    pub async fn explain(&self, unique_id: &str) -> Result<Explained> {
        let node = self.project.manifest.node(unique_id);
        let node = node.ok_or_else(|| Error::usage(format!("{unique_id} is not a node of the project")))?;
        if !is_refreshed(&node.config.materialized) {
            return Err(Error::user(format!("{} is built as {}", node.name, node.config.materialized))
                .why("only dynamic tables follow their sources; what else is built is built whole, or by its own code")
                .hint("set materialized: dynamic_table to let it follow"));
        }
        let request = Request::new(Verb::Compile, []);
        let events = Arc::new(EventGate::new(Arc::clone(&self.events)));
        let session = Session::new(self, &request, &self.ids.invocation_id(), self.clock.now(), 1, events);
        let compiled = session.compile(node, &[]).await?;
        let (name, sql) = (node.table_name(), strip(&compiled.node.sql));
        let keys = dynamic::known_keys(&self.project.manifest, node);
        let (mode, options) = (dynamic::refresh_mode(node)?, session.query_options(&[]));
        let next = self.warehouse.explain_refresh(&name, sql, &keys, mode, &options).await;
        let next = next.map_err(|error| match (error.place().cloned(), compiled.path.clone()) {
            (Some(place), Some(path)) if place.file == millstream_sql::SQL_FILE => {
                error.at(Place { file: path, ..place })
            }
            (None, _) => error.at(Place::file(node.file())),
            _ => error,
        })?;
        let history = match self.warehouse.relation(&name).await? {
            Some(relation) if relation.version.is_some() => self.warehouse.history(&name, HISTORY_COMMITS).await?,
            _ => Vec::new(),
        };
        let last = history.into_iter().find_map(|commit| {
            let report = serde_json::from_value(commit.note.get("refresh")?.clone()).ok()?;
            Some((commit.version, commit.at, report))
        });
        Ok(Explained { model: node.name.clone(), table: name, last, next })
    }
}
