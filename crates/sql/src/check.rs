//! What a statement does: only statements that read are let through.

use millstream_core::{Error, Result};
use sqlparser::ast::{Query, SetExpr, Statement};

/// What kind of reading a statement is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatementKind {
    /// `select`, `with`, `values`, `table`.
    Query,
    /// `explain` of a query.
    Explain,
    /// `show …`.
    Show,
    /// `describe table`.
    Describe,
}

/// Tells what kind of reading a statement is.
///
/// # Errors
/// A usage error for everything that is not reading, including `select … into` and data changes inside `with`.
pub fn read_only(statement: &Statement) -> Result<StatementKind> {
    match statement {
        Statement::Query(query) => {
            query_reads(query)?;
            Ok(StatementKind::Query)
        }
        Statement::Explain { statement: inner, .. } => match read_only(inner)? {
            StatementKind::Query => Ok(StatementKind::Explain),
            _ => Err(Error::usage("only a query can be explained")),
        },
        Statement::ExplainTable { .. } => Ok(StatementKind::Describe),
        Statement::ShowTables { .. }
        | Statement::ShowColumns { .. }
        | Statement::ShowVariable { .. }
        | Statement::ShowSchemas { .. }
        | Statement::ShowViews { .. }
        | Statement::ShowObjects(_)
        | Statement::ShowFunctions { .. } => Ok(StatementKind::Show),
        other => {
            let text = other.to_string();
            let verb = text.split_whitespace().next().unwrap_or_default().to_lowercase();
            Err(refuse(&verb))
        }
    }
}

fn query_reads(query: &Query) -> Result<()> {
    for cte in query.with.iter().flat_map(|with| &with.cte_tables) {
        query_reads(&cte.query)?;
    }
    body_reads(&query.body)
}

fn body_reads(body: &SetExpr) -> Result<()> {
    match body {
        SetExpr::Select(select) if select.into.is_some() => Err(refuse("select into")),
        SetExpr::Select(_) | SetExpr::Values(_) | SetExpr::Table(_) => Ok(()),
        SetExpr::Query(query) => query_reads(query),
        SetExpr::SetOperation { left, right, .. } => {
            body_reads(left)?;
            body_reads(right)
        }
        SetExpr::Insert(_) => Err(refuse("insert")),
        SetExpr::Update(_) => Err(refuse("update")),
        SetExpr::Delete(_) => Err(refuse("delete")),
        SetExpr::Merge(_) => Err(refuse("merge")),
    }
}

fn refuse(verb: &str) -> Error {
    Error::usage(format!("'{verb}' is not allowed: queries only read"))
        .hint("use select, with, values, explain, show or describe; tables are changed by models and ingestion")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::parse_one;
    use millstream_core::Kind;

    #[test]
    fn reading_passes_and_everything_else_is_refused() {
        let kind = |sql: &str| read_only(&parse_one(sql).unwrap());
        assert_eq!(kind("with a as (select 1) select * from a union all values (2)").unwrap(), StatementKind::Query);
        assert_eq!(kind("explain select 1").unwrap(), StatementKind::Explain);
        assert_eq!(kind("show tables").unwrap(), StatementKind::Show);
        assert_eq!(kind("describe a.b").unwrap(), StatementKind::Describe);
        for sql in [
            "delete from t",
            "drop table t",
            "insert into t values (1)",
            "create table t as select 1",
            "copy t to 'x'",
            "select 1 into t",
            "set a = 1",
            "explain delete from t",
        ] {
            assert_eq!(kind(sql).unwrap_err().kind(), Kind::Usage, "{sql}");
        }
    }
}
