//! Loads: parts are written by the caller's threads, then one commit shows them together with the positions.
//!
//! Guarantees: columns that the rows have and the table has not yet come behind its own, null in the rows that are there.
//!
//! Deliberately absent: other types of columns, and rows without a column of the table.

use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{Schema, SchemaRef};
use async_trait::async_trait;
use millstream_core::warehouse::{Commit, Committed, Load, Part, PartWriter};
use millstream_core::{Error, Result, TableName};

use crate::log::schema::{differences, sql_type, storable_schema};
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
    /// Columns of the rows.
    stored: SchemaRef,
    /// Columns of the table with those of the rows, as they are written.
    whole: SchemaRef,
}

impl TableLoad {
    /// Starts a load of rows with these stored columns.
    pub(crate) fn begin(inner: Arc<Inner>, name: &TableName, stored: SchemaRef) -> Result<Self> {
        if inner.catalog.view(name)?.is_some() {
            return Err(Error::user(format!("'{name}' is a view")).why("rows are loaded into tables"));
        }
        let (folder, whole) = (inner.catalog.folder(name)?, stored.clone());
        let mut load = Self { folder, inner, name: name.clone(), stored, whole };
        if let Some(snapshot) = load.inner.catalog.table(name)? {
            load.whole = load.with_new_columns(&snapshot)?;
        }
        Ok(load)
    }

    /// The columns of the table, and behind them those that only the rows have.
    fn with_new_columns(&self, snapshot: &Snapshot) -> Result<SchemaRef> {
        check_writable(&snapshot.label(), &snapshot.protocol, &snapshot.metadata)?;
        let (known, new): (Vec<_>, Vec<_>) = self
            .stored
            .fields()
            .iter()
            .cloned()
            .partition(|field| snapshot.schema.field_with_name(field.name()).is_ok());
        let (known, own) = (by_name(&Schema::new(known)), by_name(&snapshot.schema));
        let differences = differences(&own, &known);
        if differences.is_empty() && new.is_empty() {
            return Ok(snapshot.schema.clone());
        }
        if differences.is_empty() {
            let all: Vec<_> = snapshot.schema.fields().iter().cloned().chain(new).collect();
            // Two that differ in upper and lower case only are refused there.
            return storable_schema(&Schema::new(all));
        }
        let mut error = Error::user(format!("the rows do not have the columns of table '{}'", self.name));
        for difference in differences {
            error = error.why(difference);
        }
        Err(error.hint(
            "start this process again if the contract has gained the columns since it began; else change the contract \
             back, or drop the table and load it again",
        ))
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
            let whole = self.with_new_columns(snapshot)?;
            if *whole != *snapshot.schema {
                actions.schema(&whole, Some(snapshot), String::new);
            }
        } else {
            actions.schema(&self.whole, None, || self.inner.options.ids.next());
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

/// The columns in the order of their names.
fn by_name(schema: &Schema) -> Schema {
    let mut fields = schema.fields().to_vec();
    fields.sort_by(|one, other| one.name().cmp(other.name()));
    Schema::new(fields)
}

/// A file of a table that has the columns of the rows in another order.
struct Rearranged {
    file: PartFile,
    /// For each column of the table, which of the rows' it is.
    places: Vec<usize>,
}

impl PartWriter for Rearranged {
    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        let batch = batch.project(&self.places);
        self.file.write(&batch.map_err(|error| Error::ours("a batch does not fit its table").why(error))?)
    }

    fn rows(&self) -> u64 {
        self.file.rows()
    }

    fn bytes(&self) -> u64 {
        self.file.bytes()
    }

    fn finish(self: Box<Self>) -> Result<Option<Part>> {
        Box::new(self.file).finish()
    }
}

#[async_trait]
impl Load for TableLoad {
    fn part(&self) -> Result<Box<dyn PartWriter>> {
        let file = PartFile::new(&self.folder, self.whole.clone(), &self.inner.options.ids.next(), true);
        if self.stored.fields() == self.whole.fields() {
            return Ok(Box::new(file));
        }
        let places = self.whole.fields().iter().map(|field| self.stored.index_of(field.name()));
        let places = places.collect::<std::result::Result<_, _>>();
        let places = places.map_err(|error| Error::ours("the rows lack a column of the table").why(error))?;
        Ok(Box::new(Rearranged { file, places }))
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
