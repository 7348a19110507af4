//! `contract: {enforced: true}`: the columns and types of the staged version must be those of the yml file.
//!
//! Guarantees: every difference is told at once; `not_null` and `check` constraints of an enforced contract are
//! checked on the staged rows. Deliberately absent: `unique`, `primary_key` and `foreign_key` constraints, which
//! dbt's warehouses do not enforce either; use tests for them.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::datatypes::Schema;
use futures::TryStreamExt;
use millstream_core::warehouse::{Dialect, Staged};
use millstream_core::{Error, Result};
use millstream_project::{Column, Node};

use super::{quote, quoted};
use crate::cells;
use crate::execute::session::Session;
use crate::sqltype::{arrow_type_in, sql_type};

pub(super) async fn check(session: &Session, node: &Node, staged: &Arc<dyn Staged>) -> Result<()> {
    if !node.config.contract.enforced {
        return Ok(());
    }
    check_columns(node, staged, session.dialect())?;
    check_rows(session, node, staged).await
}

/// Snowflake compares kinds of types: every exact number is a NUMBER. Here whole numbers of any width are one kind: the
/// engine makes a `bigint` of every literal and count, where other warehouses make an `integer`.
fn kind_in(dialect: Dialect, sql_type: &str) -> &str {
    let base = sql_type.split('(').next().unwrap_or(sql_type);
    let is_whole = matches!(
        base,
        "bigint" | "integer" | "smallint" | "tinyint" | "ubigint" | "uinteger" | "usmallint" | "utinyint"
    );
    match dialect {
        Dialect::Snowflake if is_whole || base == "decimal" => "number",
        Dialect::Snowflake => base,
        Dialect::Native if is_whole => "whole number",
        Dialect::Native => sql_type,
    }
}

fn check_columns(node: &Node, staged: &Arc<dyn Staged>, dialect: Dialect) -> Result<()> {
    let problems = differences(node, &staged.schema(), dialect);
    if problems.is_empty() {
        return Ok(());
    }
    let mut error = Error::user(format!("{} breaks its contract", node.name));
    for (_, problem) in problems {
        error = error.why(problem);
    }
    Err(error.hint("change the query or the columns in the yml file until they agree"))
}

/// How the columns of a query differ from the declared ones, each with the declared column if there is one.
pub(crate) fn differences<'n>(node: &'n Node, schema: &Schema, dialect: Dialect) -> Vec<(Option<&'n Column>, String)> {
    let found: BTreeMap<String, String> =
        schema.fields().iter().map(|field| (field.name().to_lowercase(), sql_type(field.data_type()))).collect();
    let mut problems = Vec::new();
    for column in node.columns.values() {
        let name = column.name.to_lowercase();
        let declared = column.data_type.as_deref().unwrap_or_default();
        let problem = match (found.get(&name), arrow_type_in(dialect, declared)) {
            (None, _) => format!("{name}: declared as {declared}, missing in the query"),
            (Some(_), None) => format!("{name}: '{declared}' is not a type"),
            (Some(actual), Some(expected)) if kind_in(dialect, actual) != kind_in(dialect, &sql_type(&expected)) => {
                format!("{name}: declared as {declared}, the query gives {actual}")
            }
            _ => continue,
        };
        problems.push((Some(column), problem));
    }
    let declared: Vec<String> = node.columns.values().map(|column| column.name.to_lowercase()).collect();
    for (name, actual) in found.iter().filter(|(name, _)| !declared.contains(name)) {
        problems.push((None, format!("{name}: {actual} in the query, not declared")));
    }
    problems
}

async fn check_rows(session: &Session, node: &Node, staged: &Arc<dyn Staged>) -> Result<()> {
    let mut rules: Vec<(String, String)> = Vec::new();
    let of_columns = node
        .columns
        .values()
        .flat_map(|column| column.constraints.iter().map(|constraint| (Some(column.name.as_str()), constraint)));
    let of_model = node.constraints.iter().map(|constraint| (None, constraint));
    for (column, constraint) in of_columns.chain(of_model) {
        let columns: Vec<&str> = match column {
            Some(column) => vec![column],
            None => constraint.columns.iter().map(String::as_str).collect(),
        };
        match (constraint.kind.as_str(), &constraint.expression) {
            ("not_null", _) => rules
                .extend(columns.iter().map(|column| (format!("{column} is null"), format!("not_null of {column}")))),
            ("check", Some(expression)) => {
                rules.push((format!("not ({expression})"), format!("check ({expression})")));
            }
            _ => {}
        }
    }
    if rules.is_empty() {
        return Ok(());
    }
    let counts: Vec<String> = rules
        .iter()
        .enumerate()
        .map(|(number, (broken, _))| format!("count(*) filter (where {broken}) as {}", quote(&format!("c{number}"))))
        .collect();
    let sql = format!("select {} from {}", counts.join(", "), quoted(node));
    let result = session.warehouse.query(&sql, &session.query_options(&[Arc::clone(staged)])).await?;
    let schema = Arc::clone(&result.schema);
    let batches: Vec<_> = result.stream.try_collect().await?;
    let table = cells::table(&schema, &batches)?;
    let counts = table.rows.first().into_iter().flatten().map(|count| count.as_u64().unwrap_or(0));
    let broken: Vec<String> = rules
        .iter()
        .zip(counts)
        .filter(|(_, count)| *count > 0)
        .map(|((_, rule), count)| format!("{rule}: {count} rows"))
        .collect();
    if broken.is_empty() {
        return Ok(());
    }
    let error = Error::user(format!("{} breaks constraints of its contract", node.name));
    Err(broken.into_iter().fold(error, |error, rule| error.why(rule)))
}
