//! `create table`, `create view`, `create schema`.

use millstream_core::{Error, Result};
use sqlparser::ast::{
    self, CastKind, ColumnDef, ColumnOption, CreateTableLikeKind, DataType, Expr, ObjectName, Query, SchemaName,
    Statement, TableAlias, TableAliasColumnDef, TableConstraint, TableFactor, Value,
};

use super::build::{bare, from, item, null, quoted, select, template};
use super::{Command, RelationName, name, refuse, refused};
use crate::refs::folded;

/// What is said of indexes.
pub(super) const NO_INDEXES: &str = "the embedded warehouse has no indexes: files are skipped by their statistics";

/// What is said of constraints that are declared with a table.
const NOT_ENFORCED: &str = "constraints of tables are not enforced by the embedded warehouse; use tests or contracts";

/// `create table`.
#[derive(Debug)]
pub struct CreateTable {
    /// The table.
    pub name: RelationName,
    /// Whether one that is there is replaced.
    pub or_replace: bool,
    /// Whether one that is there is left alone.
    pub if_not_exists: bool,
    /// Whether it lasts for the session only.
    pub temporary: bool,
    /// Its columns and rows.
    pub query: Statement,
    /// What is accepted without effect.
    pub note: Option<String>,
}

/// `create view`.
#[derive(Debug)]
pub struct CreateView {
    /// The view.
    pub name: RelationName,
    /// Whether one that is there is replaced.
    pub or_replace: bool,
    /// Whether one that is there is left alone.
    pub if_not_exists: bool,
    /// Whether it lasts for the session only.
    pub temporary: bool,
    /// The stored query, as text.
    pub sql: String,
}

pub(super) fn table(it: ast::CreateTable) -> Result<Command> {
    refuse(
        "create table",
        &[
            (it.external, "external"),
            (it.dynamic, "dynamic"),
            (it.iceberg, "iceberg"),
            (it.location.is_some(), "location"),
            (it.version.is_some(), "at / before"),
            (it.partition_of.is_some(), "partition of"),
            (it.inherits.is_some(), "inherits"),
            (it.or_replace && it.if_not_exists, "if not exists (with or replace)"),
        ],
    )?;
    let mut note = it.constraints.iter().any(is_told).then(|| NOT_ENFORCED.to_owned());
    if let Some(check) = it.constraints.iter().find(|constraint| matches!(constraint, TableConstraint::Check(_))) {
        return Err(refused("create table", &check.to_string().to_lowercase()));
    }
    for column in &it.columns {
        if check_options(column)? {
            note = Some(NOT_ENFORCED.to_owned());
        }
    }
    let query = match (it.query, it.like, it.clone) {
        (Some(query), None, None) if it.columns.is_empty() => Statement::Query(query),
        (Some(query), None, None) => typed(*query, &it.columns)?,
        (None, Some(CreateTableLikeKind::Plain(like) | CreateTableLikeKind::Parenthesized(like)), None) => {
            copy(&like.name, false)?
        }
        (None, None, Some(source)) => copy(&source, true)?,
        (None, None, None) if !it.columns.is_empty() => empty(&it.columns)?,
        _ => {
            return Err(Error::user(format!("'create table {}' has neither columns nor a query", it.name))
                .hint("write create table … (column type, …) or create table … as select …"));
        }
    };
    Ok(Command::CreateTable(Box::new(CreateTable {
        name: name::relation(&it.name)?,
        or_replace: it.or_replace,
        if_not_exists: it.if_not_exists,
        temporary: it.temporary || it.volatile,
        query,
        note,
    })))
}

fn is_told(constraint: &TableConstraint) -> bool {
    !matches!(constraint, TableConstraint::Index(_) | TableConstraint::FulltextOrSpatial(_))
}

/// Whether the column has a constraint that is not enforced; an option that would give rows other values is refused.
pub(super) fn check_options(column: &ColumnDef) -> Result<bool> {
    let mut is_constrained = false;
    for option in &column.options {
        match &option.option {
            ColumnOption::Null | ColumnOption::Comment(_) | ColumnOption::Collation(_) | ColumnOption::Tags(_) => {}
            ColumnOption::Default(Expr::Value(value)) if value.value == Value::Null => {}
            ColumnOption::NotNull
            | ColumnOption::PrimaryKey(_)
            | ColumnOption::Unique(_)
            | ColumnOption::ForeignKey(_) => is_constrained = true,
            other => return Err(refused(&format!("column {}", column.name), &other.to_string().to_lowercase())),
        }
    }
    Ok(is_constrained)
}

/// `cast(value as type)`, or the value where no type is given.
pub(super) fn cast(value: Expr, data_type: &DataType) -> Expr {
    if *data_type == DataType::Unspecified {
        return value;
    }
    Expr::Cast { kind: CastKind::Cast, expr: Box::new(value), data_type: data_type.clone(), array: false, format: None }
}

/// The query's columns under the declared names and types, by position.
fn typed(query: Query, columns: &[ColumnDef]) -> Result<Statement> {
    let items = columns
        .iter()
        .enumerate()
        .map(|(at, column)| item(cast(bare(&format!("__{at}")), &column.data_type), &folded(&column.name)))
        .collect();
    let alias_column = |at: usize| TableAliasColumnDef { name: quoted(&format!("__{at}")), data_type: None };
    let alias = TableAlias {
        explicit: true,
        name: quoted("__source"),
        columns: (0..columns.len()).map(alias_column).collect(),
        at: None,
    };
    let derived = TableFactor::Derived { lateral: false, subquery: Box::new(query), alias: Some(alias), sample: None };
    select(items, vec![from(derived)], None)
}

/// No rows with the declared columns.
fn empty(columns: &[ColumnDef]) -> Result<Statement> {
    let items = columns.iter().map(|column| item(cast(null(), &column.data_type), &folded(&column.name))).collect();
    select(items, Vec::new(), Some(Expr::value(Value::Boolean(false))))
}

/// The columns of another relation, and its rows where wanted.
fn copy(source: &ObjectName, rows: bool) -> Result<Statement> {
    let filter = if rows { "" } else { " where false" };
    Ok(Statement::Query(Box::new(template(&format!("select * from {source}{filter}"))?)))
}

pub(super) fn view(it: ast::CreateView) -> Result<Command> {
    refuse(
        "create view",
        &[
            (it.to.is_some(), "to"),
            (it.or_alter, "or alter"),
            (it.or_replace && it.if_not_exists, "if not exists (with or replace)"),
        ],
    )?;
    if it.materialized {
        return Err(Error::user("the embedded warehouse has no materialized views")
            .hint("use a table or an incremental model: a build keeps them up to date"));
    }
    let sql = if it.columns.is_empty() {
        it.query.to_string()
    } else {
        let names: Vec<String> = it.columns.iter().map(|column| quoted(&folded(&column.name)).to_string()).collect();
        format!("select * from ({}) as \"__source\" ({})", it.query, names.join(", "))
    };
    Ok(Command::CreateView(Box::new(CreateView {
        name: name::relation(&it.name)?,
        or_replace: it.or_replace,
        if_not_exists: it.if_not_exists,
        temporary: it.temporary,
        sql,
    })))
}

pub(super) fn schema(schema: &SchemaName, if_not_exists: bool, is_clone: bool) -> Result<Command> {
    refuse("create schema", &[(is_clone, "clone")])?;
    let name = match schema {
        SchemaName::Simple(name) | SchemaName::NamedAuthorization(name, _) => name::schema(name)?,
        SchemaName::UnnamedAuthorization(_) => return Err(refused("create schema", "authorization without a name")),
    };
    Ok(Command::CreateSchema { name, if_not_exists })
}
