//! Snapshots: a slowly changing dimension (type 2) of a query, dbt's semantics, in one atomic stage.
//!
//! The first run writes every row as a current version. Later runs merge on `dbt_scd_id`: rows that are new or have
//! changed become new versions, the versions that they replace are closed, and versions whose row is gone are
//! closed (`hard_deletes: invalidate`) and followed by a deletion record (`new_record`).
//!
//! One point is stricter than in dbt: when a new version would get the id of an old one (a row that came back with
//! the same `updated_at`), its id is hashed once more with the time of the run, so that ids stay unique.

mod config;
mod sql;

use arrow::datatypes::SchemaRef;
use chrono::DateTime;
use millstream_core::warehouse::{OnSchemaChange, RelationKind, Stage};
use millstream_core::{Error, Result};
use millstream_project::Node;

use super::{Decision, quoted};
use crate::execute::session::Session;
use config::Config;

pub(super) async fn decide(session: &Session, node: &Node, sql: &str) -> Result<Decision> {
    let config = Config::of(node)?;
    let name = quoted(node);
    let existing = session.warehouse.relation(&node.table_name()).await?;
    let Some(existing) = existing else {
        let first = sql::first(&config, sql, &config.now(session.started_at, None));
        let run_sql = format!("create table {name} as (\n{first}\n)");
        return Ok(Decision::whole(Stage::Replace { sql: first }, run_sql));
    };
    if existing.kind != RelationKind::Table {
        return Err(Error::user(format!(
            "{} is a view, but the snapshot {} must be a table",
            existing.name, node.name
        ))
        .hint("give the snapshot another name or schema, or take the view away"));
    }
    check_is_snapshot(node, &config, &existing.schema)?;
    let source = columns(session, sql).await?;
    let valid_from = existing.schema.field_with_name(&config.names.dbt_valid_from).ok();
    let now = config.now(session.started_at, valid_from.map(|field| field.data_type()));
    let changes = sql::changes(&config, sql, &name, &source, &existing.schema, &now);
    let run_sql = format!("-- merge into {name} on {}, the rows of\n{changes}", config.names.dbt_scd_id);
    let stage = Stage::Merge {
        sql: changes,
        unique_key: vec![config.names.dbt_scd_id.clone()],
        update_columns: vec![config.names.dbt_valid_to.clone()],
    };
    Ok(Decision { stage, on_schema_change: OnSchemaChange::AppendNewColumns, run_sql })
}

/// The query of the snapshot's first run, for its columns; every time in it is the same.
pub(crate) fn query(node: &Node, sql: &str) -> Result<String> {
    let config = Config::of(node)?;
    Ok(sql::first(&config, super::strip(sql), &config.now(DateTime::UNIX_EPOCH, None)))
}

/// The columns that the snapshot's query gives; the query is planned and not run.
async fn columns(session: &Session, sql: &str) -> Result<SchemaRef> {
    let planned = format!("select * from (\n{sql}\n) as dbt_internal_source limit 0");
    Ok(session.warehouse.query(&planned, &session.query_options(&[])).await?.schema)
}

fn check_is_snapshot(node: &Node, config: &Config<'_>, schema: &SchemaRef) -> Result<()> {
    let missing: Vec<&str> =
        config.own_columns().into_iter().filter(|column| schema.field_with_name(column).is_err()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(Error::user(format!("the table {} is not a snapshot of this configuration", node.table_name()))
        .why(format!("it has no column {}", missing.join(", ")))
        .hint("if it is another table, rename the snapshot; if snapshot_meta_column_names or hard_deletes changed, start a new snapshot under another name"))
}
