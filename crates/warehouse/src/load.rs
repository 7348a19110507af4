//! Loads: parts are written by the caller's threads, then one commit shows them together with the positions.

use std::path::PathBuf;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use millstream_core::warehouse::{Commit, Committed, Load, Part, PartWriter};
use millstream_core::{Error, Result, TableName};

use crate::log::schema::{differences, sql_type};
use crate::log::{Snapshot, check_writable, commit};
use crate::replace::{Replacement, replace_rows};
use crate::tables::Actions;
use crate::warehouse::Inner;
use crate::write::{PartFile, remove_parts};

/// Attempts to commit when others commit to the same table in between.
const ATTEMPTS_MAX: usize = 100;

/// One load into one table.
pub(crate) struct TableLoad {
    inner: Arc<Inner>,
    name: TableName,
    folder: PathBuf,
    stored: SchemaRef,
}

impl TableLoad {
    /// Starts a load of rows with these stored columns.
    pub(crate) fn begin(inner: Arc<Inner>, name: &TableName, stored: SchemaRef) -> Result<Self> {
        if inner.catalog.view(name)?.is_some() {
            return Err(Error::user(format!("'{name}' is a view")).why("rows are loaded into tables"));
        }
        let load = Self { folder: inner.catalog.folder(name)?, inner, name: name.clone(), stored };
        if let Some(snapshot) = load.inner.catalog.table(name)? {
            load.check(&snapshot)?;
        }
        Ok(load)
    }

    fn check(&self, snapshot: &Snapshot) -> Result<()> {
        check_writable(&snapshot.label(), &snapshot.protocol, &snapshot.metadata)?;
        let differences = differences(&snapshot.schema, &self.stored);
        if differences.is_empty() {
            return Ok(());
        }
        let mut error = Error::user(format!("the rows do not have the columns of table '{}'", self.name));
        for difference in differences {
            error = error.why(difference);
        }
        Err(error.hint("change the contract back, or drop the table and load it again"))
    }

    fn check_expected(&self, expected: &[(String, Option<i64>)], snapshot: Option<&Snapshot>) -> Result<()> {
        for (id, position) in expected {
            let found = snapshot.and_then(|snapshot| snapshot.positions.get(id).copied());
            if found != *position {
                let tell = |position: Option<i64>| position.map_or("not loaded".into(), |at| format!("at {at}"));
                return Err(Error::user(format!("'{id}' was loaded into '{}' by someone else meanwhile", self.name))
                    .why(format!("it was {} when this load began and is {} now", tell(*position), tell(found)))
                    .hint("run the load again: it goes on from there")
                    .retryable());
            }
        }
        Ok(())
    }

    /// One attempt; `None` when another commit came first.
    async fn attempt(&self, parts: &[Part], request: &Commit) -> Result<Option<Committed>> {
        let snapshot = self.inner.catalog.table(&self.name)?;
        self.check_expected(&request.expected, snapshot.as_deref())?;
        let replacement = match (&request.replace, &snapshot) {
            (Some((column, value)), Some(snapshot)) => replace_rows(&self.inner, snapshot, column, value).await?,
            _ => Replacement::default(),
        };
        let operation = if request.operation.is_empty() { "WRITE" } else { &request.operation };
        let read_version = snapshot.as_ref().map(|snapshot| snapshot.version);
        let mut actions = Actions::new(operation, read_version, self.inner.options.clock.now(), &request.note);
        if let Some(snapshot) = &snapshot {
            self.check(snapshot)?;
        } else {
            actions.schema(&self.stored, None, || self.inner.options.ids.next());
        }
        actions.positions(&request.positions);
        actions.remove(&replacement.removed);
        actions.add(&replacement.kept);
        actions.add(parts);
        let version = read_version.map_or(0, |version| version + 1);
        let won = commit::write(&self.folder, version, &actions.finish(), &self.inner.options.ids.next(), true);
        match won {
            Ok(true) => Ok(Some(Committed {
                version,
                rows_added: parts.iter().map(|part| part.rows).sum(),
                rows_removed: replacement.rows_removed,
            })),
            other => {
                remove_parts(&self.folder, &replacement.kept);
                other.map(|_| None)
            }
        }
    }
}

#[async_trait]
impl Load for TableLoad {
    fn part(&self) -> Result<Box<dyn PartWriter>> {
        Ok(Box::new(PartFile::new(&self.folder, self.stored.clone(), &self.inner.options.ids.next(), true)))
    }

    async fn commit(&self, parts: Vec<Part>, commit: Commit) -> Result<Committed> {
        if let Some((column, _)) = &commit.replace {
            let field = self.stored.field_with_name(column).map_err(|_| {
                Error::ours(format!("rows of '{}' cannot be replaced by column '{column}': there is none", self.name))
            })?;
            if *field.data_type() != arrow::datatypes::DataType::Utf8 {
                return Err(Error::ours(format!("rows cannot be replaced by column '{column}'"))
                    .why(format!("it is {}, only text is compared", sql_type(field.data_type()))));
            }
        }
        for _ in 0..ATTEMPTS_MAX {
            if let Some(committed) = self.attempt(&parts, &commit).await? {
                self.inner.checkpoint_if_due(&self.folder, committed.version).await;
                return Ok(committed);
            }
        }
        Err(Error::user(format!("table '{}' is written to all the time", self.name))
            .why(format!("{ATTEMPTS_MAX} attempts to commit came second"))
            .hint("stop the other writers, then run again")
            .retryable())
    }

    async fn discard(&self, parts: Vec<Part>) -> Result<()> {
        remove_parts(&self.folder, &parts);
        Ok(())
    }
}
