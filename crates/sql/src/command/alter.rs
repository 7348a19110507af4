//! `alter table`: renaming, and adding, dropping, renaming and retyping columns.

use millstream_core::{Error, Result};
use sqlparser::ast::{
    self, AlterColumnOperation, AlterTableOperation, ColumnDef, DataType, Ident, RenameTableNameKind, Statement,
};

use super::build::{item, null, select};
use super::create::{cast, check_options};
use super::{Command, RelationName, name, refuse, refused};
use crate::refs::folded;

/// `alter table` of columns: all changes are one commit.
#[derive(Debug)]
pub struct AlterColumns {
    /// The table.
    pub table: RelationName,
    /// Whether a missing table is fine.
    pub if_exists: bool,
    /// The changes, in order.
    pub changes: Vec<ColumnChange>,
}

/// One change of a table's columns.
#[derive(Debug)]
pub enum ColumnChange {
    /// A column comes, null in all rows.
    Add {
        /// Its name.
        name: String,
        /// A query whose only column has the type.
        of_type: Statement,
        /// Whether one that is there is fine.
        if_not_exists: bool,
    },
    /// A column goes.
    Drop {
        /// Its name.
        name: String,
        /// Whether a missing one is fine.
        if_exists: bool,
    },
    /// A column gets another name.
    Rename {
        /// Its name.
        from: String,
        /// The new one.
        to: String,
    },
    /// A column gets another type.
    Retype {
        /// Its name.
        name: String,
        /// A query whose only column has the type.
        of_type: Statement,
    },
}

/// A query whose only column has the type.
fn of_type(data_type: &DataType) -> Result<Statement> {
    select(vec![item(cast(null(), data_type), "__type")], Vec::new(), None)
}

pub(super) fn table(it: ast::AlterTable) -> Result<Command> {
    let table = name::relation(&it.name)?;
    let mut changes = Vec::with_capacity(it.operations.len());
    let mut notes = Vec::new();
    let single = it.operations.len() == 1;
    for operation in it.operations {
        match operation {
            AlterTableOperation::RenameTable {
                table_name: RenameTableNameKind::To(to) | RenameTableNameKind::As(to),
            } if single => {
                let mut to = name::relation(&to)?;
                // A bare new name stays in the relation's schema.
                if to.schema.is_none() {
                    to.schema.clone_from(&table.schema);
                }
                return Ok(Command::Rename { from: table, to, if_exists: it.if_exists });
            }
            AlterTableOperation::AddColumn { if_not_exists, column_def, column_position, .. } => {
                refuse("alter table", &[(column_position.is_some(), "first / after")])?;
                changes.push(added(&column_def, if_not_exists)?);
            }
            AlterTableOperation::DropColumn { column_names, if_exists, .. } => {
                changes.extend(column_names.iter().map(|name| ColumnChange::Drop { name: folded(name), if_exists }));
            }
            AlterTableOperation::RenameColumn { old_column_name, new_column_name } => {
                changes.push(ColumnChange::Rename { from: folded(&old_column_name), to: folded(&new_column_name) });
            }
            AlterTableOperation::AlterColumn { column_name, op } => {
                changes.extend(altered(&column_name, op)?);
            }
            AlterTableOperation::ModifyColumn { col_name, data_type, options, .. } if options.is_empty() => {
                changes.push(ColumnChange::Retype { name: folded(&col_name), of_type: of_type(&data_type)? });
            }
            other @ (AlterTableOperation::AddConstraint { .. }
            | AlterTableOperation::DropConstraint { .. }
            | AlterTableOperation::DropPrimaryKey { .. }
            | AlterTableOperation::DropForeignKey { .. }
            | AlterTableOperation::ClusterBy { .. }
            | AlterTableOperation::DropClusteringKey
            | AlterTableOperation::SuspendRecluster
            | AlterTableOperation::ResumeRecluster
            | AlterTableOperation::SetTblProperties { .. }
            | AlterTableOperation::OwnerTo { .. }) => {
                notes.push(format!("'{}' has no effect in the embedded warehouse", other.to_string().to_lowercase()));
            }
            other => return Err(refused("alter table", &other.to_string().to_lowercase())),
        }
    }
    if changes.is_empty() {
        return Ok(Command::Nothing { verb: "ALTER TABLE", note: Some(notes.join("; ")) });
    }
    if !notes.is_empty() {
        return Err(Error::user("'alter table' mixes changes of columns with clauses that have no effect")
            .why(notes.join("; "))
            .hint("write two statements"));
    }
    Ok(Command::AlterColumns(AlterColumns { table, if_exists: it.if_exists, changes }))
}

fn added(column: &ColumnDef, if_not_exists: bool) -> Result<ColumnChange> {
    check_options(column)?;
    Ok(ColumnChange::Add { name: folded(&column.name), of_type: of_type(&column.data_type)?, if_not_exists })
}

fn altered(column: &Ident, operation: AlterColumnOperation) -> Result<Option<ColumnChange>> {
    match operation {
        AlterColumnOperation::SetDataType { data_type, using: None, .. } => {
            Ok(Some(ColumnChange::Retype { name: folded(column), of_type: of_type(&data_type)? }))
        }
        // Columns are nullable and have no defaults.
        AlterColumnOperation::DropNotNull | AlterColumnOperation::DropDefault => Ok(None),
        other => Err(refused(&format!("alter column {column}"), &other.to_string().to_lowercase())),
    }
}
