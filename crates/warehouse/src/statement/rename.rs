//! `alter table|view … rename to …`: one rename of a folder or file.

use std::fs;
use std::path::Path;

use millstream_core::warehouse::{Executed, RelationKind};
use millstream_core::{Error, Result, TableName};
use millstream_sql::command::RelationName;

use super::{Run, changed, missing};

pub(super) fn rename(run: &Run<'_>, from: &RelationName, to: &RelationName, if_exists: bool) -> Result<Executed> {
    let (from, to) = (run.name(from)?, run.name(to)?);
    let catalog = &run.inner.catalog;
    let kind = match run.kind(&from)? {
        Some(kind) => kind,
        None if if_exists => return Ok(Executed::new("ALTER TABLE")),
        None => return Err(missing(&from, "table or view")),
    };
    if run.kind(&to)?.is_some() {
        return Err(Error::user(format!("'{from}' cannot be renamed to '{to}'"))
            .why(format!("'{to}' exists already"))
            .hint("drop or rename that one first"));
    }
    match kind {
        RelationKind::Table => {
            move_to(&catalog.folder(&from)?, &catalog.folder(&to)?, &from, &to)?;
        }
        RelationKind::View => move_to(&catalog.view_file(&from)?, &catalog.view_file(&to)?, &from, &to)?,
    }
    catalog.forget(&[&from, &to]);
    Ok(changed("ALTER TABLE", to, None))
}

fn move_to(source: &Path, target: &Path, from: &TableName, to: &TableName) -> Result<()> {
    let moved = || -> std::io::Result<()> {
        if let Some(schema) = target.parent() {
            fs::create_dir_all(schema)?;
        }
        fs::rename(source, target)?;
        match target.parent() {
            Some(schema) => fs::File::open(schema)?.sync_all(),
            None => Ok(()),
        }
    };
    moved().map_err(|error| {
        Error::environment(format!("'{from}' cannot be renamed to '{to}'"))
            .why(format!("{}: {error}", source.display()))
    })
}
