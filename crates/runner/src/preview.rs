//! `show`: the rows that a model, test, analysis or any text would give now. Nothing is built.

use std::sync::Arc;

use millstream_core::warehouse::QueryResult;
use millstream_core::{Error, Place, Result};
use millstream_project::{Reading, ResourceType};

use crate::event::EventGate;
use crate::execute::session::Session;
use crate::{Request, Runner, Verb};

/// What is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Preview {
    /// A node of the project; of a seed the loaded rows.
    Node(String),
    /// SQL with Jinja.
    Inline(String),
}

impl Runner {
    /// Renders and runs the query. Rows come as they are computed.
    ///
    /// # Errors
    /// The text cannot be rendered, or its query cannot be planned.
    pub async fn preview(&self, what: &Preview, reading: Reading) -> Result<QueryResult> {
        let request = Request { reading, ..Request::new(Verb::Compile, []) };
        let events = Arc::new(EventGate::new(Arc::clone(&self.events)));
        let session = Session::new(self, &request, &self.ids.invocation_id(), self.clock.now(), 1, events);
        let (sql, path) = match what {
            Preview::Inline(text) => (session.compile_inline(text).await?.sql, None),
            Preview::Node(id) => {
                let node = self.project.manifest.node(id);
                let node = node.ok_or_else(|| Error::usage(format!("{id} is not a node of the project")))?;
                match node.resource_type {
                    ResourceType::Seed => (format!("select * from {}", crate::materialize::quoted(node)), None),
                    _ => {
                        let compiled = session.compile(node, &[]).await?;
                        (compiled.node.sql, compiled.path)
                    }
                }
            }
        };
        let sql = sql.trim_end().trim_end_matches(';');
        session.warehouse.query(sql, &session.query_options(&[])).await.map_err(|error| {
            match (error.place().cloned(), path) {
                (Some(place), Some(path)) if place.file == millstream_sql::SQL_FILE => {
                    error.at(Place { file: path, ..place })
                }
                _ => error,
            }
        })
    }
}
