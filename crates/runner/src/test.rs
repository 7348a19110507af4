//! One data test: how many rows break it, and what that means.
//!
//! Follows dbt's test materialization: the test's query is a subquery of
//! `select <fail_calc>, <fail_calc> <warn_if>, <fail_calc> <error_if>`, after `limit`.
//!
//! Guarantees: the test reads the staged versions that it is given; rows that break it are shown in its message,
//! since a version that is not published cannot be queried afterwards; stored failures are a table that everyone
//! can read, whatever the test's end.

use std::sync::Arc;

use futures::TryStreamExt;
use millstream_core::warehouse::{OnSchemaChange, QueryOptions, Stage, Staged};
use millstream_core::{Error, Place, Result, TableName};
use millstream_project::{Node, TestSeverity};

use crate::cells;
use crate::execute::Outcome;
use crate::execute::known;
use crate::execute::session::{Session, Slot};
use crate::{NodeResult, Status};

/// Rows that a message shows of those that break a test.
const EXAMPLE_ROWS: usize = 5;

/// What a test's query says.
struct Verdict {
    failures: u64,
    should_warn: bool,
    should_error: bool,
}

impl Verdict {
    /// Of a test that fails with the first row that it finds.
    fn of_count(failures: u64) -> Self {
        Self { failures, should_warn: failures != 0, should_error: failures != 0 }
    }
}

/// Runs the test. Errors are in the result.
pub(crate) async fn carry_out(
    session: &Arc<Session>,
    node: &Node,
    staged: &[Arc<dyn Staged>],
    slot: Slot,
    mut outcome: Outcome,
) -> NodeResult {
    let ran = session.cancel.race(run(session, node, staged, &mut outcome)).await;
    let result = match ran {
        Ok((status, message)) => outcome.end(session, status, message),
        Err(error) => outcome.fail(session, &error),
    };
    // Held until here: the place counts as taken while the test runs.
    drop(slot);
    result
}

async fn run(
    session: &Arc<Session>,
    node: &Node,
    staged: &[Arc<dyn Staged>],
    outcome: &mut Outcome,
) -> Result<(Status, Option<String>)> {
    let content = match &session.known {
        Some(_) => known::content(session, node, staged).await?,
        None => None,
    };
    if let (Some(known), Some(content)) = (&session.known, content)
        && known.has_passed(node, content)
    {
        outcome.result_mut().failures = Some(0);
        return Ok((Status::Pass, None));
    }
    let compiled = session.compile(node, staged).await?;
    outcome.compiled(session, &compiled);
    let sql = strip(&compiled.node.sql);
    let query = counted(node, sql);
    session.write_run_sql(node, query.clone()).await?;
    let options = session.query_options(staged);
    let verdict = match is_usual(node) && node.config.limit.is_none() {
        true => {
            let found = session.warehouse.count_failing(sql, &options).await?;
            if let Some(known) = &session.known {
                known.note(node, content.filter(|_| found.rows == 0 && found.is_steady), session.clock.now());
            }
            Verdict::of_count(found.rows)
        }
        false => verdict(session, &query, &options).await.map_err(|error| unwrapped(&query, sql, error))?,
    };
    if let Some(kind) = stores_as(session, node) {
        let table = store(session, node, sql, kind, &options).await?;
        outcome.result_mut().relation = Some(table.to_string());
    }
    let config = &node.config;
    let (status, threshold, verb) = if verdict.should_error && config.severity == TestSeverity::Error {
        (Status::Fail, &config.error_if, "fail")
    } else if verdict.should_warn && session.warn_error {
        (Status::Fail, &config.warn_if, "warn, and --warn-error is on,")
    } else if verdict.should_warn {
        (Status::Warn, &config.warn_if, "warn")
    } else {
        outcome.result_mut().failures = Some(0);
        return Ok((Status::Pass, None));
    };
    outcome.result_mut().failures = Some(verdict.failures);
    let results = if verdict.failures == 1 { "result" } else { "results" };
    let mut message = format!("Got {} {results}, configured to {verb} if {threshold}", verdict.failures);
    message.push_str(&examples(session, sql, &options).await?);
    if let Some(path) = &compiled.path {
        message.push_str(&format!("\n  compiled SQL: {path}"));
    }
    // What a warning is about is published.
    let is_held = !staged.is_empty() && status == Status::Fail;
    message.push_str(&where_to_look(outcome.result_mut(), compiled.path.as_deref(), is_held));
    Ok((status, Some(message)))
}

/// A query in a subquery must not end in a semicolon, and a comment at its end must not swallow the bracket.
fn strip(sql: &str) -> &str {
    sql.trim_end().trim_end_matches(';').trim_end()
}

fn counted(node: &Node, sql: &str) -> String {
    let config = &node.config;
    let limited = match config.limit {
        Some(limit) => format!("select * from (\n{sql}\n) as dbt_internal_limited limit {limit}"),
        None => sql.to_owned(),
    };
    let calc = &config.fail_calc;
    format!(
        "select\n  {calc} as failures,\n  {calc} {} as should_warn,\n  {calc} {} as should_error\nfrom (\n{limited}\n) as dbt_internal_test",
        config.warn_if, config.error_if
    )
}

/// The whole query of a test whose configuration has SQL of its own in it; `None` for what every test asks.
pub(crate) fn counted_if_special(node: &Node, sql: &str) -> Option<String> {
    (!is_usual(node)).then(|| counted(node, strip(sql)))
}

/// Whether the test fails with the first row that it finds.
fn is_usual(node: &Node) -> bool {
    let config = &node.config;
    config.fail_calc == "count(*)" && config.warn_if == "!= 0" && config.error_if == "!= 0"
}

/// A line of the whole query as one of the test's own SQL, which is what the compiled file holds.
pub(crate) fn unwrapped(query: &str, sql: &str, error: Error) -> Error {
    let lines_before = query.find(sql).map_or(0, |start| query[..start].matches('\n').count());
    let lines_before = u32::try_from(lines_before).unwrap_or(0);
    match error.place().cloned() {
        Some(place) if place.file == millstream_sql::SQL_FILE && place.line.is_some_and(|line| line > lines_before) => {
            let line = place.line.map(|line| line - lines_before);
            error.at(Place { line, ..place })
        }
        _ => error,
    }
}

async fn verdict(session: &Session, sql: &str, options: &QueryOptions) -> Result<Verdict> {
    let result = session.warehouse.query(sql, options).await?;
    let schema = Arc::clone(&result.schema);
    let batches: Vec<_> = result.stream.try_collect().await?;
    let table = cells::table(&schema, &batches)?;
    let [row] = table.rows.as_slice() else {
        return Err(Error::user(format!("the test's fail_calc gives {} rows instead of one", table.rows.len()))
            .hint("fail_calc must be an aggregate, for example count(*) or sum(n)"));
    };
    let truth = |position: usize| row.get(position).and_then(serde_json::Value::as_bool).unwrap_or(false);
    Ok(Verdict { failures: row.first().map_or(Ok(0), number)?, should_warn: truth(1), should_error: truth(2) })
}

/// A null (the sum of no rows) counts as none; a fraction is cut.
fn number(value: &serde_json::Value) -> Result<u64> {
    let number = match value {
        serde_json::Value::Null => Some(0.0),
        serde_json::Value::String(text) => text.parse::<f64>().ok(),
        other => other.as_f64(),
    };
    match number {
        Some(number) if number.is_finite() => Ok(number.abs() as u64),
        _ => Err(Error::user(format!("the test's fail_calc gives {value}, which is not a number"))),
    }
}

fn stores_as<'a>(session: &Session, node: &'a Node) -> Option<&'a str> {
    match session.store_failures {
        Some(true) => Some(node.config.stores_failures_as().unwrap_or("table")),
        Some(false) => None,
        None => node.config.stores_failures_as(),
    }
}

/// Keeps the failing rows. The limit applies, as to the count.
async fn store(session: &Session, node: &Node, sql: &str, kind: &str, options: &QueryOptions) -> Result<TableName> {
    let sql = match node.config.limit {
        Some(limit) => format!("select * from (\n{sql}\n) as dbt_internal_limited limit {limit}"),
        None => sql.to_owned(),
    };
    let stage = match kind {
        "table" => Stage::Replace { sql },
        "view" => Stage::View { sql },
        other => {
            return Err(Error::user(format!("store_failures_as: '{other}' is not known"))
                .hint("use one of: table, view, ephemeral"));
        }
    };
    let name = node.table_name();
    let staged = session.warehouse.stage(&name, stage, OnSchemaChange::Ignore, options).await?;
    let mut note = serde_json::Map::new();
    note.insert("invocation_id".into(), session.invocation_id.clone().into());
    note.insert("unique_id".into(), node.unique_id.clone().into());
    staged.publish(note).await?;
    Ok(name)
}

async fn examples(session: &Session, sql: &str, options: &QueryOptions) -> Result<String> {
    let query = format!("select * from (\n{sql}\n) as dbt_internal_test limit {EXAMPLE_ROWS}");
    let result = session.warehouse.query(&query, options).await?;
    let schema = Arc::clone(&result.schema);
    let batches: Vec<_> = result.stream.try_collect().await?;
    if batches.iter().all(|batch| batch.num_rows() == 0) {
        return Ok(String::new());
    }
    let shown = cells::preview(&schema, &batches, EXAMPLE_ROWS)?;
    Ok(format!("\n  for example:\n    {}", shown.replace('\n', "\n    ")))
}

/// How to see the rows that a test has found; those of a version that it holds back are gone.
fn where_to_look(result: &NodeResult, compiled: Option<&str>, is_held: bool) -> String {
    if result.relation.is_some() {
        let table = result.relation.as_deref().unwrap_or_default();
        return format!("\n  see the rows: millstream query 'select * from {table}'");
    }
    match compiled {
        Some(_) if is_held => {
            "\n  the rows are of a version that was not published; keep them with --store-failures".into()
        }
        Some(path) => format!("\n  see the rows: millstream query \"$(cat {path})\""),
        None => String::new(),
    }
}
