//! `insert into` and `insert overwrite`.

use millstream_core::{Error, Result};
use sqlparser::ast::{self, Query, SetExpr, Statement, TableObject};

use super::{Command, RelationName, delete, merge, name, refuse, update};
use crate::read_only;

/// `insert`.
#[derive(Debug)]
pub struct Insert {
    /// The table.
    pub table: RelationName,
    /// The columns that get the query's columns, by position; empty: all, in the table's order.
    pub columns: Vec<String>,
    /// The rows.
    pub query: Statement,
    /// Whether the rows that are there go.
    pub overwrite: bool,
}

pub(super) fn insert(it: ast::Insert) -> Result<Command> {
    let statement = if it.overwrite { "insert overwrite" } else { "insert" };
    refuse(
        statement,
        &[
            (it.or.is_some() || it.replace_into, "or replace"),
            (it.ignore, "ignore"),
            (it.on.is_some(), "on conflict"),
            (it.returning.is_some() || it.output.is_some(), "returning"),
            (it.partitioned.is_some(), "partition"),
            (!it.assignments.is_empty(), "set"),
            (it.multi_table_insert_type.is_some(), "all / first"),
            (it.settings.is_some() || it.format_clause.is_some(), "format"),
        ],
    )?;
    let TableObject::TableName(table) = &it.table else {
        return Err(Error::user(format!("'{statement}' needs a table, and '{}' is none", it.table)));
    };
    let Some(query) = it.source else {
        return Err(Error::user(format!("'{statement}' needs rows")).hint("write a select or values after it"));
    };
    Ok(Command::Insert(Box::new(Insert {
        table: name::relation(table)?,
        columns: it.columns.iter().map(name::column).collect::<Result<_>>()?,
        query: Statement::Query(query),
        overwrite: it.overwrite,
    })))
}

/// A query; `with … insert` and its kin are queries to the parser.
pub(super) fn query(query: Box<Query>) -> Result<Command> {
    let is_change =
        matches!(*query.body, SetExpr::Insert(_) | SetExpr::Update(_) | SetExpr::Delete(_) | SetExpr::Merge(_));
    if !is_change {
        let statement = Statement::Query(query);
        read_only(&statement)?;
        return Ok(Command::Read(Box::new(statement)));
    }
    let Query { with, body, .. } = *query;
    match *body {
        SetExpr::Insert(Statement::Insert(mut it)) => {
            if let (Some(with), Some(source)) = (with, it.source.as_mut()) {
                if source.with.is_some() {
                    return Err(Error::user("'with' before and after 'insert' cannot be told apart")
                        .hint("put all common table expressions behind 'insert into …'"));
                }
                source.with = Some(with);
            }
            insert(it)
        }
        _ if with.is_some() => Err(Error::user("'with' in front of update, delete or merge cannot be carried out")
            .hint("put the common table expressions into the 'using' or 'from' of the statement")),
        SetExpr::Delete(Statement::Delete(it)) => delete::delete(it),
        SetExpr::Update(Statement::Update(it)) => update::update(it),
        SetExpr::Merge(Statement::Merge(it)) => merge::merge(it),
        other => Err(Error::user(format!("'{other}' cannot be carried out"))),
    }
}
