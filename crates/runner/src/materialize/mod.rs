//! Turns a rendered node into the next version of its relation, staged and not yet visible.
//!
//! One file for each materialization: it decides the [`Stage`]; what is the same for all is here. Ephemeral models
//! have none: the project inlines them where they are read.

pub(crate) mod clone;
mod contract;
pub(crate) mod dynamic;
pub(crate) mod incremental;
pub(crate) mod microbatch;
mod seed;
mod snapshot;
mod table;
mod view;

use std::sync::Arc;

use millstream_core::warehouse::{OnSchemaChange, Stage, Staged};
use millstream_core::{Error, Result};
use millstream_project::{CompiledNode, Node, ResourceType};

use crate::execute::session::Session;
pub(crate) use contract::differences as contract_differences;
pub(crate) use seed::columns as seed_columns;
pub(crate) use snapshot::query as snapshot_query;

pub(crate) use seed::{infer, rows_of as seed_rows};

/// A staged version.
pub(crate) struct Draft {
    pub(crate) staged: Arc<dyn Staged>,
    /// What was carried out, for `target/run`.
    pub(crate) run_sql: String,
    /// What could not be built of it: batches that failed.
    pub(crate) failed: Option<String>,
}

/// What a materialization decides.
struct Decision {
    stage: Stage,
    on_schema_change: OnSchemaChange,
    run_sql: String,
}

impl Decision {
    /// A decision for which changed columns are no matter, since the whole relation is new.
    fn whole(stage: Stage, run_sql: String) -> Self {
        Self { stage, on_schema_change: OnSchemaChange::Ignore, run_sql }
    }
}

/// Stages the node's next version.
pub(crate) async fn stage(session: &Session, node: &Node, compiled: &CompiledNode) -> Result<Draft> {
    run_header(session, node).await?;
    let sql = strip(&compiled.sql).to_owned();
    let decision = match node.resource_type {
        ResourceType::Seed => seed::decide(session, node).await?,
        ResourceType::Snapshot => snapshot::decide(session, node, &sql).await?,
        _ => match node.config.materialized.as_str() {
            "table" => table::decide(node, sql),
            // What other databases refresh by themselves.
            "dynamic_table" | "materialized_view" => {
                dynamic::decide(&session.project.manifest, node, sql, session.full_refresh)?
            }
            "view" => view::decide(node, sql),
            "incremental" => incremental::decide(session, node, sql).await?,
            other => return Err(unknown(node, other)),
        },
    };
    let name = node.table_name();
    let options = session.query_options(&[]);
    let staged = session.warehouse.stage(&name, decision.stage, decision.on_schema_change, &options).await?;
    contract::check(session, node, &staged).await?;
    Ok(Draft { staged, run_sql: decision.run_sql, failed: None })
}

/// The statements that a node wants carried out in front of its own.
async fn run_header(session: &Session, node: &Node) -> Result<()> {
    let Some(header) = node.config.sql_header.as_ref().filter(|header| !header.trim().is_empty()) else {
        return Ok(());
    };
    let ran = session.execute(header).await;
    ran.map_err(|error| error.context(format!("the sql_header of {} failed", node.name)))
}

/// A query that becomes part of another one must not end in a semicolon.
pub(crate) fn strip(sql: &str) -> &str {
    sql.trim_end().trim_end_matches(';').trim_end()
}

/// What is wrong with a materialization that nobody has written.
pub(crate) fn unknown(node: &Node, materialized: &str) -> Error {
    let hint = "use one of: view, table, incremental, ephemeral, dynamic_table, materialized_view, or write \
                {% materialization … %} in a macro file";
    Error::user(format!("{} has the materialization '{materialized}', which is not known", node.name)).hint(hint)
}

/// `"schema"."name"` for generated SQL.
pub(crate) fn quoted(node: &Node) -> String {
    let name = node.table_name();
    format!("{}.{}", quote(&name.schema), quote(&name.name))
}

/// An identifier exactly as it is.
pub(crate) fn quote(identifier: &str) -> String {
    format!("\"{}\"", identifier.replace('"', "\"\""))
}
