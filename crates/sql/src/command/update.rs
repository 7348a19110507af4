//! `update … set … [from …] [where …]`.

use millstream_core::{Error, Result};
use sqlparser::ast::{
    self, Assignment, AssignmentTarget, Expr, Statement, TableFactor, TableWithJoins, UpdateTableFromKind,
};

use super::build::{bare, item, of_target, select};
use super::{Command, FILE, ROW, RelationName, name, refuse};

/// `update`.
#[derive(Debug)]
pub struct Update {
    /// The table.
    pub table: RelationName,
    target: TableFactor,
    others: Vec<TableWithJoins>,
    assignments: Vec<(String, Expr)>,
    selection: Option<Expr>,
}

impl Update {
    /// Names of the columns that change.
    pub fn assigned(&self) -> impl Iterator<Item = &str> {
        self.assignments.iter().map(|(name, _)| name.as_str())
    }

    /// Gives [`FILE`], [`ROW`] and the new values of the table's columns, for every row to change.
    ///
    /// # Errors
    /// Ours, when the query cannot be put together.
    pub fn rows(&self, columns: &[String]) -> Result<Statement> {
        let mut items = vec![item(bare(FILE), FILE), item(bare(ROW), ROW)];
        items.extend(columns.iter().map(|column| {
            let assigned = self.assignments.iter().find(|(name, _)| name == column);
            item(assigned.map_or_else(|| of_target(&self.target, column), |(_, value)| value.clone()), column)
        }));
        let target = TableWithJoins { relation: self.target.clone(), joins: Vec::new() };
        let from = std::iter::once(target).chain(self.others.iter().cloned()).collect();
        select(items, from, self.selection.clone())
    }
}

pub(super) fn update(it: ast::Update) -> Result<Command> {
    refuse(
        "update",
        &[
            (it.or.is_some(), "or …"),
            (it.returning.is_some() || it.output.is_some(), "returning"),
            (!it.order_by.is_empty(), "order by"),
            (it.limit.is_some(), "limit"),
            (!it.table.joins.is_empty(), "join"),
        ],
    )?;
    let others = match it.from {
        Some(UpdateTableFromKind::BeforeSet(tables) | UpdateTableFromKind::AfterSet(tables)) => tables,
        None => Vec::new(),
    };
    Ok(Command::Update(Box::new(Update {
        table: name::of_factor("update", &it.table.relation)?,
        target: it.table.relation,
        others,
        assignments: assignments("update", it.assignments)?,
        selection: it.selection,
    })))
}

/// Columns and their new values; each column at most once.
pub(super) fn assignments(statement: &str, all: Vec<Assignment>) -> Result<Vec<(String, Expr)>> {
    let mut found: Vec<(String, Expr)> = Vec::with_capacity(all.len());
    for Assignment { target, value } in all {
        let column = match &target {
            AssignmentTarget::ColumnName(column) => name::column(column)?,
            AssignmentTarget::Tuple(_) => {
                refuse(statement, &[(true, "set (…) = …")])?;
                continue;
            }
        };
        if found.iter().any(|(known, _)| *known == column) {
            return Err(Error::user(format!("'{statement}' sets the column '{column}' twice")));
        }
        found.push((column, value));
    }
    Ok(found)
}
