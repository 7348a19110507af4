//! `incremental_strategy: insert_overwrite`: the partitions of which the query gives rows are replaced whole.
//!
//! `partition_by` is a column, a list of columns, or `{field, data_type, granularity}` as on BigQuery, where a
//! partition is an hour, day, month or year of a column. Without `partition_by` the whole table is replaced and keeps
//! its columns, as on Snowflake and Spark. What says nothing to this warehouse (`range`, `partitions`) is refused.
//!
//! Where only the rows of an interval are read (`backfill`), every partition that is replaced lies within it, so that
//! no row of another interval is lost.

use chrono::{DateTime, NaiveDateTime, Utc};
use futures::TryStreamExt;
use millstream_core::warehouse::Stage;
use millstream_core::{Error, Result};
use millstream_project::{Node, Window};
use serde_json::Value;

use crate::cells;
use crate::execute::session::Session;
use crate::materialize::microbatch::Size;
use crate::materialize::quoted;

/// Partitions that one run may replace by time, as on BigQuery.
const PARTITIONS_MAX: usize = 4_000;

/// What the rows of a partition have in common.
enum Partition {
    Whole,
    Columns(Vec<String>),
    Time { field: String, size: Size },
}

/// Whether each partition of the model lies within one of these intervals.
///
/// # Errors
/// Its `partition_by` is none that can be used.
pub(crate) fn nests(node: &Node, intervals: &[Window]) -> Result<bool> {
    let Some(event_time) = node.config.event_time.as_deref() else {
        // What is wrong with its partitions is told all the same.
        return partition(node).map(|_| false);
    };
    Ok(match partition(node)? {
        Partition::Whole => false,
        // Rows of one value have one time.
        Partition::Columns(columns) => columns.iter().any(|column| column.eq_ignore_ascii_case(event_time)),
        Partition::Time { field, size } => {
            let is_start = |at: DateTime<Utc>| size.start_of(at) == at;
            field.eq_ignore_ascii_case(event_time)
                && intervals.iter().all(|interval| is_start(interval.start) && is_start(interval.end))
        }
    })
}

/// Sees to it that an interval replaces its own rows only. A column that is called the model's time may still hold
/// another one than its inputs have: the first of the month, for one.
async fn check_interval(session: &Session, node: &Node, sql: &str) -> Result<()> {
    let Some(window) = session.reading.window.filter(|_| session.reading.is_interval) else { return Ok(()) };
    let refused = |why: &str| {
        Error::user(format!("an interval of {} would replace rows of other intervals", node.name))
            .why(why)
            .hint("partition it by its own event_time, in parts that are no longer than an interval")
    };
    let event_time = node.config.event_time.as_deref().filter(|_| nests(node, &[window]).unwrap_or(false));
    let event_time = event_time.ok_or_else(|| refused("its partitions do not lie within the interval"))?;
    let query = format!(
        "select 1 as dbt_internal_outside from (\n{sql}\n) as dbt_internal_source where not coalesce({}, false) limit 1",
        window.condition(event_time)
    );
    let result = session.warehouse.query(&query, &session.query_options(&[])).await?;
    let batches: Vec<_> = result.stream.try_collect().await?;
    if batches.iter().any(|batch| batch.num_rows() > 0) {
        return Err(refused(&format!("for rows of the interval it has another {event_time}, which is not in it")));
    }
    Ok(())
}

pub(super) async fn decide(session: &Session, node: &Node, sql: String) -> Result<(Stage, String)> {
    let name = quoted(node);
    check_interval(session, node, &sql).await?;
    Ok(match partition(node)? {
        Partition::Whole => {
            let run_sql = format!("-- insert overwrite {name}, whole, with the rows of\n{sql}");
            (Stage::DeleteWhere { sql, condition: "true".into() }, run_sql)
        }
        Partition::Columns(columns) => {
            let unique_key = super::stored(session.dialect(), &columns);
            let keys = unique_key.join(", ");
            let run_sql = format!("-- insert overwrite {name}, partitions by {keys}, with the rows of\n{sql}");
            (Stage::DeleteInsert { sql, unique_key, predicates: node.config.incremental_predicates.clone() }, run_sql)
        }
        Partition::Time { field, size } => {
            let condition = time_partitions(session, &sql, &field, size).await?;
            let run_sql = format!("-- insert overwrite {name}, rows with {condition}, with the rows of\n{sql}");
            (Stage::DeleteWhere { sql, condition }, run_sql)
        }
    })
}

fn partition(node: &Node) -> Result<Partition> {
    let extra = &node.config.extra;
    let refused = |what: &str| {
        Error::user(format!("{} has partition_by: {what}, which insert_overwrite cannot use here", node.name))
            .hint("write partition_by: day, a list of columns, or {field: ts, data_type: timestamp, granularity: day}")
    };
    if extra.get("partitions").is_some_and(|partitions| !partitions.is_null()) {
        return Err(Error::user(format!("{} lists 'partitions', which is not supported", node.name))
            .hint("leave it out: the partitions of which the query gives rows are replaced"));
    }
    let text = |value: &Value| value.as_str().map(str::to_owned);
    match extra.get("partition_by") {
        None | Some(Value::Null) => Ok(Partition::Whole),
        Some(Value::String(column)) => {
            Ok(Partition::Columns(column.split(',').map(|column| column.trim().to_owned()).collect()))
        }
        Some(Value::Array(columns)) => {
            let columns: Option<Vec<String>> = columns.iter().map(text).collect();
            columns
                .filter(|columns| !columns.is_empty())
                .map(Partition::Columns)
                .ok_or_else(|| refused("a list of other things than names"))
        }
        Some(Value::Object(settings)) => {
            if settings.contains_key("range") {
                return Err(refused("a range of numbers"));
            }
            let field = settings.get("field").and_then(text).ok_or_else(|| refused("settings without a field"))?;
            let data_type = settings.get("data_type").and_then(text).unwrap_or_else(|| "date".into()).to_lowercase();
            let size = match settings.get("granularity").and_then(text) {
                Some(size) => size.parse().map_err(|()| refused(&format!("the granularity {size}")))?,
                None => Size::Day,
            };
            // A day of a date is the date itself.
            Ok(match (data_type.as_str(), size) {
                ("date", Size::Day) => Partition::Columns(vec![field]),
                ("date" | "timestamp" | "datetime", size) => Partition::Time { field, size },
                (other, _) => return Err(refused(&format!("the type {other}"))),
            })
        }
        Some(other) => Err(refused(&other.to_string())),
    }
}

/// A condition that is true of the rows in the spans of time of which the query gives rows.
async fn time_partitions(session: &Session, sql: &str, field: &str, size: Size) -> Result<String> {
    let start = format!("date_trunc('{}', cast({field} as timestamp))", size.name());
    let query = format!(
        "select distinct cast({start} as varchar) as dbt_internal_start from (\n{sql}\n) as dbt_internal_source limit {}",
        PARTITIONS_MAX + 1
    );
    let result = session.warehouse.query(&query, &session.query_options(&[])).await?;
    let schema = result.schema.clone();
    let batches: Vec<_> = result.stream.try_collect().await?;
    let table = cells::table(&schema, &batches)?;
    if table.rows.len() > PARTITIONS_MAX {
        return Err(Error::user(format!("the query has rows of more than {PARTITIONS_MAX} partitions"))
            .hint("choose a coarser granularity, or let each run look at less"));
    }
    let mut starts: Vec<DateTime<Utc>> = Vec::new();
    let mut has_null = false;
    for row in &table.rows {
        match row.first().and_then(Value::as_str) {
            Some(text) => starts.push(instant(text)?),
            None => has_null = true,
        }
    }
    starts.sort();
    let mut windows: Vec<Window> = Vec::new();
    for start in starts {
        let end = size.after(start)?;
        match windows.last_mut() {
            Some(last) if last.end == start => last.end = end,
            _ => windows.push(Window { start, end }),
        }
    }
    let mut conditions: Vec<String> = windows.iter().map(|window| format!("({})", window.condition(field))).collect();
    if has_null {
        conditions.push(format!("{field} is null"));
    }
    Ok(if conditions.is_empty() { "false".into() } else { conditions.join(" or ") })
}

fn instant(text: &str) -> Result<DateTime<Utc>> {
    NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f")
        .or_else(|_| NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f"))
        .map(|at| at.and_utc())
        .map_err(|error| Error::ours(format!("the start of a partition, {text}, is no time")).why(error))
}
