//! `drop table`, `drop view`, `drop schema`. What reads a dropped relation stays, and fails when it is read.

use std::fs;

use millstream_core::warehouse::{Executed, RelationKind};
use millstream_core::{Error, Result};
use millstream_sql::command::RelationName;

use super::create::other_kind;
use super::{Run, changed, missing};
use crate::sweep;
use crate::view::StoredView;

pub(super) fn relations(run: &Run<'_>, names: &[RelationName], views: bool, if_exists: bool) -> Result<Executed> {
    let (verb, what) = if views { ("DROP VIEW", "view") } else { ("DROP TABLE", "table") };
    let mut found = Vec::with_capacity(names.len());
    for written in names {
        let name = run.name(written)?;
        match run.kind(&name)? {
            None if if_exists => {}
            None => return Err(missing(&name, what)),
            Some(RelationKind::View) if !views => return Err(other_kind(&name, "view", "table")),
            Some(RelationKind::Table) if views => return Err(other_kind(&name, "table", "view")),
            Some(_) => found.push(name),
        }
    }
    for name in &found {
        run.inner.drop_folder(&run.inner.catalog.folder(name)?)?;
        StoredView::remove(&run.inner.catalog.view_file(name)?)?;
        run.inner.catalog.forget(&[name]);
    }
    Ok(Executed { relation: found.pop(), ..Executed::new(verb) })
}

pub(super) fn schemas(run: &Run<'_>, names: &[String], if_exists: bool, cascade: bool) -> Result<Executed> {
    let catalog = &run.inner.catalog;
    let mut done = Executed::new("DROP SCHEMA");
    for schema in names {
        let folder = catalog.schema_folder(schema)?;
        let inside = catalog.list(Some(schema))?;
        if !folder.is_dir() {
            if !if_exists {
                return Err(Error::user(format!("there is no schema '{schema}'"))
                    .hint("write 'drop schema if exists' when that is fine"));
            }
            continue;
        }
        if let (Some((first, _)), false) = (inside.first(), cascade) {
            return Err(Error::user(format!("the schema '{schema}' is not empty"))
                .why(format!("it holds {} relations, {first} among them", inside.len()))
                .hint("write 'drop schema … cascade' to drop them as well"));
        }
        // One rename takes all of it away; what cannot be removed then is swept later.
        let trash = catalog.root().join(format!("{}{}", sweep::DROPPED, run.inner.options.ids.next()));
        fs::rename(&folder, &trash).map_err(|error| {
            Error::environment(format!("the schema '{schema}' cannot be dropped"))
                .why(format!("{}: {error}", folder.display()))
        })?;
        let _ = fs::remove_dir_all(&trash);
        let names: Vec<_> = inside.iter().map(|(name, _)| name).collect();
        catalog.forget(&names);
        if let Some((name, _)) = inside.into_iter().next() {
            done = changed(done.verb, name, None);
        }
    }
    Ok(done)
}
