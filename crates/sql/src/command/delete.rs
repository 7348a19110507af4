//! `delete from … [using …] [where …]`.

use millstream_core::{Error, Result};
use sqlparser::ast::{self, FromTable, Statement};

use super::build::{bare, item, select};
use super::{Command, FILE, ROW, RelationName, name, refuse};

/// `delete`.
#[derive(Debug)]
pub struct Delete {
    /// The table.
    pub table: RelationName,
    /// Gives [`FILE`] and [`ROW`] of every row to delete; a row may come several times. `None`: all rows.
    pub rows: Option<Statement>,
}

pub(super) fn delete(it: ast::Delete) -> Result<Command> {
    refuse(
        "delete",
        &[
            (!it.tables.is_empty(), "several tables"),
            (it.returning.is_some() || it.output.is_some(), "returning"),
            (!it.order_by.is_empty(), "order by"),
            (it.limit.is_some(), "limit"),
        ],
    )?;
    let (FromTable::WithFromKeyword(tables) | FromTable::WithoutKeyword(tables)) = it.from;
    let mut tables = tables.into_iter();
    let (Some(target), None) = (tables.next(), tables.next()) else {
        return Err(Error::user("'delete' changes one table").hint("name the others behind 'using'"));
    };
    refuse("delete", &[(!target.joins.is_empty(), "join")])?;
    let table = name::of_factor("delete", &target.relation)?;
    let rows = match (it.using, it.selection) {
        (None, None) => None,
        (using, selection) => {
            let from = std::iter::once(target).chain(using.into_iter().flatten()).collect();
            Some(select(vec![item(bare(FILE), FILE), item(bare(ROW), ROW)], from, selection)?)
        }
    };
    Ok(Command::Delete(Box::new(Delete { table, rows })))
}
