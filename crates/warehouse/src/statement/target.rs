//! The table that a statement changes, in the version from which it goes on.

use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::filter_record_batch;
use datafusion::datasource::provider_as_source;
use datafusion::logical_expr::LogicalPlanBuilder;
use futures::{Stream, StreamExt};
use millstream_core::warehouse::{Executed, Part, RelationKind};
use millstream_core::{Error, Result, TableName};
use millstream_sql::Statement;
use millstream_sql::command::RelationName;

use super::positions::{Numbers, Positions};
use super::{Run, changed, missing};
use crate::engine::{FileTable, Planned};
use crate::error::from_engine;
use crate::log::{DataFile, Snapshot};
use crate::stage::{OpenStage, StagedVersion, TableChange};
use crate::suggest::nearest;
use crate::write::{remove_parts, write_stream};

pub(super) struct Target<'a> {
    pub(super) run: &'a Run<'a>,
    pub(super) name: TableName,
    pub(super) base: Arc<Snapshot>,
    /// Keeps compaction from the files that the statement rewrites.
    _open: OpenStage,
}

/// Files that are written and in no version yet; removed when the statement fails.
pub(super) struct Written {
    folder: PathBuf,
    parts: Vec<Part>,
}

impl Drop for Written {
    fn drop(&mut self) {
        remove_parts(&self.folder, &self.parts);
    }
}

impl Written {
    pub(super) fn add(&mut self, parts: Vec<Part>) {
        self.parts.extend(parts);
    }

    /// From here on someone else answers for the files.
    pub(super) fn release(mut self) -> Vec<Part> {
        std::mem::take(&mut self.parts)
    }
}

impl<'a> Target<'a> {
    /// The table of this name, which must be there.
    pub(super) fn open(run: &'a Run<'a>, written: &RelationName) -> Result<Self> {
        let name = run.name(written)?;
        match run.kind(&name)? {
            Some(RelationKind::Table) => {}
            Some(RelationKind::View) => {
                return Err(Error::user(format!("'{name}' is a view"))
                    .why("rows of tables can be changed, those of views cannot")
                    .hint("change the tables that it reads, or make it a table"));
            }
            None => return Err(missing_table(run, &name)),
        }
        let open = run.inner.open_stages.enter(&name);
        let base = run.request(&name).base()?;
        Ok(Self { run, name, base, _open: open })
    }

    pub(super) fn columns(&self) -> Vec<String> {
        self.base.schema.fields().iter().map(|field| field.name().clone()).collect()
    }

    /// Fails when the table does not have a column.
    pub(super) fn check_columns<'c>(&self, named: impl IntoIterator<Item = &'c str>) -> Result<()> {
        for name in named {
            if self.base.schema.field_with_name(name).is_err() {
                let columns = self.columns();
                let error = Error::user(format!("'{}' has no column '{name}'", self.name));
                return Err(match nearest(name, columns.iter().map(String::as_str)) {
                    Some(near) => error.hint(format!("did you mean '{near}'?")),
                    None => error.hint(format!("there are: {}", columns.join(", "))),
                });
            }
        }
        Ok(())
    }

    /// Nothing written yet.
    pub(super) fn written(&self) -> Written {
        Written { folder: self.base.folder.clone(), parts: Vec::new() }
    }

    /// Runs a query in which the first mention of the table has numbered rows.
    pub(super) async fn rows(&self, query: Statement) -> Result<impl Stream<Item = Result<RecordBatch>> + use<>> {
        let numbered = FileTable::of(&self.base).with_row_numbers();
        let inner = self.run.inner;
        let target = Some((self.name.clone(), numbered));
        let planned = inner.engine.plan_statement(&inner.catalog, query, self.run.options, target)?;
        inner.engine.stream(&planned).await
    }

    /// Writes rows that have the table's columns into new files.
    pub(super) async fn write(&self, rows: impl Stream<Item = Result<RecordBatch>>) -> Result<Vec<Part>> {
        let output = self.run.request(&self.name).output(self.base.schema.clone())?;
        Ok(write_stream(&output, rows).await?.parts)
    }

    /// Takes rows out: the files that hold one of them go, and what else is in these files is written anew.
    pub(super) async fn take_out(&self, gone: &Positions, written: &mut Written) -> Result<Vec<Arc<DataFile>>> {
        let file = |number: usize| {
            self.base.files.get(number).cloned().ok_or_else(|| Error::ours("a changed row is in no file of its table"))
        };
        let mut removed = Vec::new();
        let mut mixed = Vec::new();
        for (number, rows) in gone.files() {
            let one = file(number)?;
            if one.rows() != Some(rows) {
                mixed.push((number, one.clone()));
            }
            removed.push(one);
        }
        if mixed.is_empty() {
            return Ok(removed);
        }
        let (numbers, files): (Vec<usize>, Vec<Arc<DataFile>>) = mixed.into_iter().unzip();
        let columns = self.base.schema.fields().len();
        let table = FileTable::new(&self.base.folder, Arc::new(files), self.base.engine_schema.clone());
        let table = table.with_row_numbers();
        let bytes = table.bytes();
        let plan = LogicalPlanBuilder::scan("kept", provider_as_source(Arc::new(table)), None)
            .and_then(LogicalPlanBuilder::build)
            .map_err(from_engine)?;
        let rows = self.run.inner.engine.stream(&Planned { plan, bytes }).await?;
        let kept = rows.map(|batch| {
            let batch = batch?;
            let numbered = Numbers::of(&batch, columns, columns + 1)?;
            // The list that is read is shorter than the version's: its numbers are translated.
            let keep = (0..batch.num_rows())
                .map(|row| {
                    let at = numbered.at(row).and_then(|(file, row)| Some((*numbers.get(file)?, row)));
                    Some(!at.is_some_and(|at| gone.contains(at)))
                })
                .collect();
            take(&batch, &keep, 0, columns)
        });
        written.add(self.write(kept).await?);
        Ok(removed)
    }

    /// Makes the change visible: one commit.
    pub(super) async fn commit(self, verb: &'static str, change: TableChange, rows: u64) -> Result<Executed> {
        if change.added.is_empty() && change.removed.is_empty() {
            return Ok(changed(verb, self.name, Some(rows)));
        }
        let change = TableChange { base: Some(self.base.clone()), operation: Some(verb), ..change };
        let staged = StagedVersion::table(&self.run.request(&self.name), self.base.schema.clone(), change)?;
        staged.publish(serde_json::Map::new()).await?;
        Ok(changed(verb, self.name, Some(rows)))
    }
}

fn missing_table(run: &Run<'_>, name: &TableName) -> Error {
    match run.inner.catalog.resolve(Some(&name.schema), &name.name, None, &[]) {
        Err(error) => error,
        Ok(_) => missing(name, "table"),
    }
}

/// The rows of a batch that are kept, and `count` of its columns from `first` on.
pub(super) fn take(
    batch: &RecordBatch,
    keep: &arrow::array::BooleanArray,
    first: usize,
    count: usize,
) -> Result<RecordBatch> {
    let columns: Vec<usize> = (first..first + count).collect();
    batch
        .project(&columns)
        .and_then(|batch| filter_record_batch(&batch, keep))
        .map_err(|error| Error::ours("rows of a changed table cannot be filtered").why(error))
}
