//! `drop` and `truncate`.

use millstream_core::{Error, Result};
use sqlparser::ast::{ObjectName, ObjectType, Truncate};

use super::{Command, name, refuse};

pub(super) fn drop(kind: ObjectType, if_exists: bool, names: &[ObjectName], cascade: bool) -> Result<Command> {
    let relations = || names.iter().map(name::relation).collect::<Result<Vec<_>>>();
    match kind {
        ObjectType::Table => Ok(Command::DropRelations { names: relations()?, views: false, if_exists }),
        ObjectType::View | ObjectType::MaterializedView => {
            Ok(Command::DropRelations { names: relations()?, views: true, if_exists })
        }
        ObjectType::Schema => {
            let names = names.iter().map(name::schema).collect::<Result<_>>()?;
            Ok(Command::DropSchema { names, if_exists, cascade })
        }
        ObjectType::Index => Ok(Command::Nothing { verb: "DROP INDEX", note: Some(super::create::NO_INDEXES.into()) }),
        other => Err(Error::user(format!("'drop {}' cannot be carried out", other.to_string().to_lowercase()))
            .why("the embedded warehouse holds tables, views and schemas")),
    }
}

pub(super) fn truncate(it: &Truncate) -> Result<Command> {
    refuse("truncate", &[(it.partitions.is_some(), "partition"), (it.on_cluster.is_some(), "on cluster")])?;
    let names = it.table_names.iter().map(|table| name::relation(&table.name)).collect::<Result<_>>()?;
    Ok(Command::Truncate { names, if_exists: it.if_exists })
}
