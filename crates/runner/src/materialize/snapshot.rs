//! Snapshots: a slowly changing dimension (type 2) of a query, dbt's semantics, in one atomic stage.
//!
//! The first run writes every row as a current version. Later runs merge on `dbt_scd_id`: rows that are new or have
//! changed become new versions, the versions that they replace are closed, and versions whose row is gone are
//! closed (`hard_deletes: invalidate`) and followed by a deletion record (`new_record`).
//!
//! One point is wider than in dbt: when the query gives several rows for a key, each is a version, in the order of
//! `updated_at`.
//!
//! One point is stricter than in dbt: when a new version would get the id of an old one (a row that came back with
//! the same `updated_at`), its id is hashed once more with the time of the run, so that ids stay unique.

mod config;
mod sql;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use chrono::DateTime;
use futures::TryStreamExt;
use millstream_core::warehouse::{Dialect, OnSchemaChange, RelationKind, Stage};
use millstream_core::{Error, Result};
use millstream_project::Node;

use super::{Decision, quoted};
use crate::cells;
use crate::execute::session::Session;
use config::{Config, Strategy};
use sql::Order;

pub(super) async fn decide(session: &Session, node: &Node, sql: &str) -> Result<Decision> {
    let config = Config::of(node, session.dialect())?;
    let name = quoted(node);
    let existing = session.warehouse.relation(&node.table_name()).await?;
    let order = order(session, node, &config, sql).await?;
    let Some(existing) = existing else {
        let by_time = match order {
            Order::ByTime => Some(columns(session, sql).await?),
            Order::Single => None,
        };
        let first = sql::first(&config, sql, &config.now(session.started_at, None), by_time.as_deref());
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
    let changes = sql::changes(&config, sql, &name, &source, &existing.schema, &now, order);
    let run_sql = format!("-- merge into {name} on {}, the rows of\n{changes}", config.names.dbt_scd_id);
    let stage = Stage::Merge {
        sql: changes,
        unique_key: vec![config.names.dbt_scd_id.clone()],
        update_columns: vec![config.names.dbt_valid_to.clone()],
        predicates: Vec::new(),
    };
    Ok(Decision { stage, on_schema_change: OnSchemaChange::AppendNewColumns, run_sql })
}

/// The query of the snapshot's first run, for its columns; every time in it is the same.
pub(crate) fn query(node: &Node, sql: &str, dialect: Dialect) -> Result<String> {
    let config = Config::of(node, dialect)?;
    Ok(sql::first(&config, super::strip(sql), &config.now(DateTime::UNIX_EPOCH, None), None))
}

/// Whether the query gives several rows for a key. Then they must have an order: different times.
async fn order(session: &Session, node: &Node, config: &Config<'_>, sql: &str) -> Result<Order> {
    let keys = config.unique_key.join(", ");
    if repeated(session, config, sql, &keys).await?.is_none() {
        return Ok(Order::Single);
    }
    let time = match &config.strategy {
        Strategy::Timestamp(updated_at) => Some(*updated_at),
        Strategy::Check { updated_at, .. } => *updated_at,
    };
    let (columns, hint) = match time {
        Some(time) => (
            format!("{keys}, {time}"),
            "make updated_at different for each version, or let the query give one row for each key and time",
        ),
        None => (keys, "let the query give one row for each key, or add updated_at, by which versions are ordered"),
    };
    match repeated(session, config, sql, &columns).await? {
        None => Ok(Order::ByTime),
        Some(example) => {
            Err(Error::user(format!("the query of the snapshot {} gives several rows for one key", node.name))
                .why(format!("({columns}) = ({example})"))
                .hint(hint))
        }
    }
}

/// Values of these columns that several rows have, of keys that are not null.
async fn repeated(session: &Session, config: &Config<'_>, sql: &str, columns: &str) -> Result<Option<String>> {
    let has_key: Vec<String> = config.unique_key.iter().map(|key| format!("{key} is not null")).collect();
    let query = format!(
        "select {columns} from (\n{sql}\n) as dbt_internal_source where {} group by {columns} having count(*) > 1 limit 1",
        has_key.join(" and ")
    );
    let result = session.warehouse.query(&query, &session.query_options(&[])).await?;
    let batches: Vec<RecordBatch> = result.stream.try_collect().await?;
    let Some(batch) = batches.iter().find(|batch| batch.num_rows() > 0) else { return Ok(None) };
    let cells = batch.columns().iter().map(|column| cells::text(column, 0)).collect::<Result<Vec<_>>>()?;
    Ok(Some(cells.join(", ")))
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
