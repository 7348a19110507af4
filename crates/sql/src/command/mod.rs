//! Which statement a text holds, and what it asks: the decisions behind [`Warehouse::execute`], without an engine.
//!
//! Guarantees: every statement is either understood whole or refused by name; a clause that would change the meaning
//! and is not carried out is an error, one that changes nothing (`cluster by`, `grant`) is told in a note. What
//! changes rows is turned into queries over the target table, which the engine plans like any other query: the target
//! stands first in their `from`, and has two more columns, [`FILE`] and [`ROW`], that say where a row is stored.
//!
//! Deliberately absent: looking names up, running anything.
//!
//! [`Warehouse::execute`]: millstream_core::Warehouse::execute

mod alter;
mod build;
mod create;
mod delete;
mod drop;
mod insert;
mod merge;
mod name;
mod session;
mod update;

use millstream_core::{Error, Result};
use sqlparser::ast::Statement;

pub use alter::{AlterColumns, ColumnChange};
pub use create::{CreateTable, CreateView};
pub use delete::Delete;
pub use insert::Insert;
pub use merge::{Merge, MergeDoes};
pub use name::RelationName;
pub use update::Update;

use crate::read_only;

/// Column of a changed table that numbers the data file of a row.
pub const FILE: &str = "__file";

/// Column of a changed table that numbers a row in its data file.
pub const ROW: &str = "__row";

/// What one statement asks for.
#[derive(Debug)]
pub enum Command {
    /// A query or another statement that only reads.
    Read(Box<Statement>),
    /// `create table`.
    CreateTable(Box<CreateTable>),
    /// `create view`.
    CreateView(Box<CreateView>),
    /// `create schema`.
    CreateSchema {
        /// Its name.
        name: String,
        /// Whether one that is there is fine.
        if_not_exists: bool,
    },
    /// `drop schema`.
    DropSchema {
        /// Their names.
        names: Vec<String>,
        /// Whether missing ones are fine.
        if_exists: bool,
        /// Whether what is in them goes too.
        cascade: bool,
    },
    /// `drop table` and `drop view`.
    DropRelations {
        /// Which ones.
        names: Vec<RelationName>,
        /// Whether they must be views (or else tables).
        views: bool,
        /// Whether missing ones are fine.
        if_exists: bool,
    },
    /// `alter table … rename to`, `alter view … rename to`.
    Rename {
        /// The relation.
        from: RelationName,
        /// What it is called then.
        to: RelationName,
        /// Whether a missing one is fine.
        if_exists: bool,
    },
    /// `alter table` of columns.
    AlterColumns(AlterColumns),
    /// `truncate`.
    Truncate {
        /// Which tables.
        names: Vec<RelationName>,
        /// Whether missing ones are fine.
        if_exists: bool,
    },
    /// `insert`.
    Insert(Box<Insert>),
    /// `delete`.
    Delete(Box<Delete>),
    /// `update`.
    Update(Box<Update>),
    /// `merge`.
    Merge(Box<Merge>),
    /// Accepted, and nothing is done.
    Nothing {
        /// What it was.
        verb: &'static str,
        /// Why nothing is done, where that is worth telling.
        note: Option<String>,
    },
    /// `rollback`: fine as long as there is nothing to take back.
    Rollback,
}

/// What a statement asks for.
///
/// # Errors
/// A user error that names the statement or clause that cannot be carried out, and the way out.
pub fn command(statement: Statement) -> Result<Command> {
    match statement {
        Statement::CreateTable(it) => create::table(it),
        Statement::CreateView(it) => create::view(it),
        Statement::CreateSchema { schema_name, if_not_exists, clone, .. } => {
            create::schema(&schema_name, if_not_exists, clone.is_some())
        }
        Statement::Drop { object_type, if_exists, names, cascade, .. } => {
            drop::drop(object_type, if_exists, &names, cascade)
        }
        Statement::AlterTable(it) => alter::table(it),
        Statement::Truncate(it) => drop::truncate(&it),
        Statement::Insert(it) => insert::insert(it),
        Statement::Delete(it) => delete::delete(it),
        Statement::Update(it) => update::update(it),
        Statement::Merge(it) => merge::merge(it),
        Statement::Query(query) => insert::query(query),
        other => match session::session(&other) {
            Some(decided) => decided,
            None if read_only(&other).is_ok() => Ok(Command::Read(Box::new(other))),
            None => Err(unknown(&other)),
        },
    }
}

fn unknown(statement: &Statement) -> Error {
    let text = statement.to_string();
    let verb = text.split_whitespace().take(2).collect::<Vec<_>>().join(" ").to_lowercase();
    Error::user(format!("the embedded warehouse has no '{verb}'"))
        .why("it knows create, drop and alter of tables, views and schemas, insert, update, delete, merge and truncate")
        .hint("take the statement out, or guard it with {% if target.type == … %}")
}

/// A clause that is not carried out.
fn refused(statement: &str, clause: &str) -> Error {
    Error::user(format!("'{clause}' of '{statement}' cannot be carried out by the embedded warehouse"))
        .hint("write the statement without it")
}

/// Fails for the first of these clauses that is there.
fn refuse(statement: &str, clauses: &[(bool, &str)]) -> Result<()> {
    match clauses.iter().find(|(is_there, _)| *is_there) {
        Some((_, clause)) => Err(refused(statement, clause)),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
