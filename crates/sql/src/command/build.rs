//! Puts queries together from the pieces of a statement.

use millstream_core::{Error, Result};
use sqlparser::ast::helpers::attached_token::AttachedToken;
use sqlparser::ast::{
    CaseWhen, Expr, Ident, ObjectNamePart, Query, SelectItem, SetExpr, Statement, TableFactor, TableWithJoins, Value,
};

use crate::parse_one;

/// A name exactly as it is.
pub(super) fn quoted(name: &str) -> Ident {
    Ident::with_quote('"', name)
}

/// A column by its bare name.
pub(super) fn bare(name: &str) -> Expr {
    Expr::Identifier(quoted(name))
}

/// A column of the changed table, whatever the query's other tables have.
pub(super) fn of_target(target: &TableFactor, column: &str) -> Expr {
    let mut parts: Vec<Ident> = match target {
        TableFactor::Table { alias: Some(alias), .. } => vec![alias.name.clone()],
        TableFactor::Table { name, .. } => name.0.iter().filter_map(ObjectNamePart::as_ident).cloned().collect(),
        _ => Vec::new(),
    };
    parts.push(quoted(column));
    Expr::CompoundIdentifier(parts)
}

/// `expr as "alias"`.
pub(super) fn item(expr: Expr, alias: &str) -> SelectItem {
    SelectItem::ExprWithAlias { expr, alias: quoted(alias) }
}

/// `null`.
pub(super) fn null() -> Expr {
    Expr::value(Value::Null)
}

/// A whole number.
pub(super) fn number(number: usize) -> Expr {
    Expr::value(Value::Number(number.to_string(), false))
}

/// `case when … then … else … end`; what stands for no case at all is the `else`.
pub(super) fn case(conditions: Vec<(Expr, Expr)>, otherwise: Expr) -> Expr {
    if conditions.is_empty() {
        return otherwise;
    }
    Expr::Case {
        case_token: AttachedToken::empty(),
        end_token: AttachedToken::empty(),
        operand: None,
        conditions: conditions.into_iter().map(|(condition, result)| CaseWhen { condition, result }).collect(),
        else_result: Some(Box::new(otherwise)),
    }
}

/// A table without joins.
pub(super) fn from(relation: TableFactor) -> TableWithJoins {
    TableWithJoins { relation, joins: Vec::new() }
}

/// `select … from … where …`.
pub(super) fn select(items: Vec<SelectItem>, from: Vec<TableWithJoins>, selection: Option<Expr>) -> Result<Statement> {
    let mut query = template("select 1")?;
    let SetExpr::Select(select) = query.body.as_mut() else {
        return Err(Error::ours("a query could not be put together"));
    };
    select.projection = items;
    select.from = from;
    select.selection = selection;
    Ok(Statement::Query(Box::new(query)))
}

/// A query of this text.
pub(super) fn template(sql: &str) -> Result<Query> {
    match parse_one(sql)? {
        Statement::Query(query) => Ok(*query),
        _ => Err(Error::ours("a query could not be put together")),
    }
}
