//! Carrying a refresh out: rows are written, old ones taken out, and one commit shows it all.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::common::{JoinType, NullEquality};
use datafusion::functions_aggregate::expr_fn::count;
use datafusion::logical_expr::{Expr, Join, JoinConstraint, LogicalPlan, LogicalPlanBuilder, lit};
use futures::{StreamExt, TryStreamExt};
use millstream_core::warehouse::{Part, RefreshMode, RefreshReport, RelationKind, Staged};
use millstream_core::{Error, Result};

use super::derive::{Decided, Subject, Way, failed, may_succeed_whole};
use super::expr::{as_exprs, columns};
use super::reason::Reason;
use super::recent::Rows;
use super::restrict::Keys;
use super::same_rows::{own_memory, same_rows};
use super::settle::nullable;
use super::split;
use crate::engine::{Engine, FILE_NUMBER, FileTable, Planned};
use crate::error::from_engine;
use crate::log::schema::{engine_schema, storable_schema};
use crate::log::{DataFile, Snapshot};
use crate::stage::{
    Guard, Refreshed, Request, StagedVersion, TableChange, instead_of, key_column, project, readable, scan, typed,
    write,
};
use crate::tables::data_files;
use crate::write::{Output, Written, write_batches};

/// Name of the table's own rows in plans.
const TARGET: &str = "target";

/// Bytes of files whose rows are exchanged in memory.
const EXCHANGED_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// Rows of a file, without those that go, from which they get a file of their own. Put together with those of other files,
/// rows that are replaced often would have all others written again each time.
const SEPARATE_ROWS_MIN: usize = 4_096;

/// New rows up to which they are compared with those that they replace.
const COMPARED_ROWS_MAX: u64 = 250_000;

/// Stages the refreshed version.
pub(crate) async fn refresh(
    request: &Request<'_>,
    sql: &str,
    keys: &[Vec<String>],
    mode: RefreshMode,
) -> Result<Arc<dyn Staged>> {
    let planned = request.plan(sql)?;
    let stored = storable_schema(&Engine::schema_of(&planned.plan))?;
    let (own, damaged) = readable(request)?;
    let base = Base { request, planned: &planned, stored: &stored, own, damaged };
    let decided = base.decide(keys, mode, None).await?;
    let is_from_changes = !matches!(decided.way, Way::Full);
    match base.carry_out(decided).await {
        Err(error) if is_from_changes && may_succeed_whole(&error) => {
            base.carry_out(base.decide(keys, mode, Some(failed(&error))).await?).await
        }
        staged => staged,
    }
}

/// What [`refresh`] would do.
pub(crate) async fn explain(
    request: &Request<'_>,
    sql: &str,
    keys: &[Vec<String>],
    mode: RefreshMode,
) -> Result<RefreshReport> {
    let planned = request.plan(sql)?;
    let stored = storable_schema(&Engine::schema_of(&planned.plan))?;
    let (own, _) = readable(request)?;
    let base = Base { request, planned: &planned, stored: &stored, own, damaged: false };
    Ok(base.decide(keys, mode, None).await?.report)
}

/// A table, and the query that it shall hold the rows of.
struct Base<'a> {
    request: &'a Request<'a>,
    planned: &'a Planned,
    stored: &'a SchemaRef,
    /// Its latest version, if it can be read.
    own: Option<Arc<Snapshot>>,
    damaged: bool,
}

impl Base<'_> {
    /// The way to the refreshed version. `failed`: why it must be made whole this time.
    async fn decide(&self, keys: &[Vec<String>], mode: RefreshMode, failed: Option<Reason>) -> Result<Decided> {
        let inner = &self.request.inner;
        let is_view = inner.catalog.kind(self.request.name)? == Some(RelationKind::View);
        let other_columns = self.own.as_ref().is_some_and(|own| own.schema != *self.stored);
        let whole = match (is_view, other_columns) {
            (true, _) => Some(Reason::new("there is a view in its place")),
            (_, true) => Some(Reason::new("its columns are others now")),
            _ => failed,
        };
        let (engine, indexes, recent) = (&inner.engine, &inner.indexes, &inner.recent);
        let (planned, own) = (self.planned, self.own.as_ref());
        Subject { engine, indexes, recent, planned, own, whole, known_keys: keys, mode }.decide().await
    }

    /// Stages it.
    async fn carry_out(&self, decided: Decided) -> Result<Arc<dyn Staged>> {
        let Self { request, planned, stored, .. } = *self;
        let Decided { way, report, sources } = decided;
        let refreshed = Refreshed {
            positions: sources.positions(),
            is_unmoved: matches!(way, Way::Unchanged) && sources.are_unmoved(),
            report,
        };
        let own = self.own.clone();
        let mut change = match (way, own) {
            (Way::Unchanged, Some(own)) => TableChange { base: Some(own), ..TableChange::default() },
            (Way::Append(plan), Some(own)) => {
                let written = write(request, &Planned { plan, bytes: planned.bytes }, stored.clone()).await?;
                TableChange {
                    rows_new: written.rows(),
                    added: written.parts,
                    base: Some(own),
                    ..TableChange::default()
                }
            }
            (Way::Keys { keys, new_rows, files }, Some(own)) => {
                let target = Target { request, own: &own, stored, keys: &keys, names: &refreshed.report.keys };
                let change = replaced(&target, files, Planned { plan: new_rows, bytes: planned.bytes }).await?;
                TableChange { base: Some(own), ..change }
            }
            (_, own) => {
                let written = write(request, planned, stored.clone()).await?;
                TableChange { damaged: self.damaged, ..instead_of(own, written) }
            }
        };
        change.operation = Some("REFRESH");
        change.refreshed = Some(Box::new(refreshed));
        StagedVersion::table(request, stored.clone(), change)
    }
}

/// The rows of touched keys instead of the old ones.
async fn replaced(target: &Target<'_>, files: Vec<Arc<DataFile>>, new_rows: Planned) -> Result<TableChange> {
    // What goes does not depend on what comes.
    let (written, parted) =
        tokio::join!(write(target.request, &new_rows, target.stored.clone()), target.parted(&files));
    let written = written?;
    let mut guard = Guard { request: target.request, parts: written.parts.clone() };
    let found = match parted? {
        Some(parted) => target.compared(&written, parted).await?,
        None => target.found(files).await?,
    };
    if found.are_same {
        return Ok(TableChange::default());
    }
    let mut change =
        TableChange { rows_new: written.rows(), added: written.parts, rows_gone: found.rows, ..TableChange::default() };
    let new_parts = change.added.len();
    if !found.files.is_empty() {
        let kept = match found.kept {
            Some(kept) => {
                let output = target.request.output(target.stored.clone())?;
                let (kept, failure) = written_apart(&output, kept).await;
                guard.parts.extend(kept.iter().cloned());
                failure.map_or(Ok(()), Err)?;
                kept
            }
            None => target.kept(found.files.clone()).await?.parts,
        };
        guard.parts.extend(kept.iter().cloned());
        change.added.extend(kept);
        change.removed = found.files;
        if let Some((came, went)) = found.told {
            let paths = |parts: &[Part]| parts.iter().map(|part| part.path.clone()).collect();
            let new = paths(&change.added[..new_parts]);
            let recent = &target.request.inner.recent;
            recent.remember(&target.own.folder, &change.removed, paths(&change.added), Rows { came, went, new });
        }
    }
    // From here on the staged version answers for the files.
    guard.parts.clear();
    drop(guard);
    Ok(change)
}

/// Writes each list of rows into a file of its own, side by side; what was written, and the first failure.
async fn written_apart(output: &Output, lists: Vec<Vec<RecordBatch>>) -> (Vec<Part>, Option<Error>) {
    let write = |rows: Vec<RecordBatch>| {
        let output = output.clone();
        tokio::task::spawn_blocking(move || write_batches(&output, rows))
    };
    let (mut parts, mut failure) = (Vec::new(), None);
    for task in lists.into_iter().map(write).collect::<Vec<_>>() {
        // Every one is waited for, also after a failure: only then nothing is written any more.
        match task.await.map_err(|error| Error::ours("a file's task broke off").why(error)).flatten() {
            Ok(written) => parts.extend(written.parts),
            Err(error) => drop(failure.get_or_insert(error)),
        }
    }
    (parts, failure)
}

/// Rows of files, parted by the keys.
struct PartedRows {
    /// Files with such rows.
    files: Vec<Arc<DataFile>>,
    went: Vec<RecordBatch>,
    /// The others; each list is for a file of its own.
    kept: Vec<Vec<RecordBatch>>,
}

/// What the table has of the keys.
#[derive(Default)]
struct Found {
    /// Files with such rows.
    files: Vec<Arc<DataFile>>,
    /// How many such rows there are.
    rows: u64,
    /// Whether they are the new rows.
    are_same: bool,
    /// The other rows of the files, where they were read; each list is for a file of its own.
    kept: Option<Vec<Vec<RecordBatch>>>,
    /// The new rows and these, where they are few.
    told: Option<(Vec<RecordBatch>, Vec<RecordBatch>)>,
}

/// The table's own rows and the keys by which some of them go.
struct Target<'a> {
    request: &'a Request<'a>,
    own: &'a Snapshot,
    stored: &'a SchemaRef,
    keys: &'a Keys,
    names: &'a [String],
}

impl Target<'_> {
    /// What the files have of the keys.
    async fn found(&self, candidates: Vec<Arc<DataFile>>) -> Result<Found> {
        if candidates.is_empty() {
            return Ok(Found::default());
        }
        let (files, rows) = self.holding(candidates).await?;
        Ok(Found { files, rows, ..Found::default() })
    }

    /// The rows of the files, parted; `None` when they are many.
    async fn parted(&self, candidates: &[Arc<DataFile>]) -> Result<Option<PartedRows>> {
        let bytes: u64 = candidates.iter().map(|file| file.add.size).sum();
        // Keys that an index takes are the same when their bytes are.
        if candidates.is_empty() || bytes > EXCHANGED_BYTES_MAX || self.keys.set.is_none() {
            return Ok(None);
        }
        let engine = &self.request.inner.engine;
        let keys = split::Keyed::of(self.stored_keys().await?, self.names, &self.own.engine_schema)?;
        let (mut files, mut went, mut kept, mut few) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for file in candidates {
            let table = self.table(vec![Arc::clone(file)]);
            let mut of_file = split::Parted::default();
            let mut stream = Box::pin(engine.scan(&table, None).await?);
            while let Some(batch) = stream.next().await {
                of_file.add(&keys, batch?)?;
            }
            // A file without such rows stays as it is.
            if of_file.went.is_empty() {
                continue;
            }
            files.push(Arc::clone(file));
            went.append(&mut of_file.went);
            if of_file.kept.iter().map(RecordBatch::num_rows).sum::<usize>() >= SEPARATE_ROWS_MIN {
                kept.push(of_file.kept);
            } else {
                few.append(&mut of_file.kept);
            }
        }
        if !few.is_empty() {
            kept.push(few);
        }
        Ok(Some(PartedRows { files, went, kept }))
    }

    /// What goes beside the new rows.
    async fn compared(&self, written: &Written, parted: PartedRows) -> Result<Found> {
        let PartedRows { files, went, kept } = parted;
        let rows = went.iter().map(|batch| batch.num_rows() as u64).sum();
        if written.rows() > COMPARED_ROWS_MAX {
            return Ok(Found { files, rows, kept: Some(kept), ..Found::default() });
        }
        let came = self.came(written).await?;
        let are_same = rows > 0 && rows == written.rows() && same_rows(&came, &went)?;
        Ok(Found { files, rows, are_same, kept: Some(kept), told: Some((came, went)) })
    }

    /// The new rows as they are read: from memory, if they are there with the same types.
    async fn came(&self, written: &Written) -> Result<Vec<RecordBatch>> {
        if written.rows() == 0 {
            return Ok(Vec::new());
        }
        let schema = engine_schema(self.stored);
        let is_alike = |batch: &RecordBatch| {
            let kinds = batch.columns().iter().map(|column| column.data_type());
            kinds.eq(schema.fields().iter().map(|field| field.data_type()))
        };
        if let Some(few) = written.few.as_ref().filter(|few| few.iter().all(is_alike)) {
            let failed = |error| Error::ours("new rows are not those of the table").why(error);
            let renamed = |batch: &RecordBatch| {
                let columns = own_memory(batch)?.columns().to_vec();
                RecordBatch::try_new(nullable(&schema), columns).map_err(failed)
            };
            return few.iter().map(renamed).collect();
        }
        let files = Arc::new(data_files(&written.parts, 0).collect());
        let table = FileTable::new(&self.own.folder, files, schema);
        let rows = self.request.inner.engine.scan(&table, None).await?;
        rows.and_then(|batch| async move { own_memory(&batch) }).try_collect().await
    }

    /// The keys as the table stores them.
    async fn stored_keys(&self) -> Result<Vec<RecordBatch>> {
        let plan = self.typed_keys()?;
        self.request.inner.engine.stream(&Planned { plan, bytes: 0 }).await?.try_collect().await
    }

    /// Of some files those with rows of the keys, and how many such rows there are.
    async fn holding(&self, candidates: Vec<Arc<DataFile>>) -> Result<(Vec<Arc<DataFile>>, u64)> {
        let table = self.table(candidates.clone()).with_file_numbers();
        let bytes = table.bytes();
        let plan = LogicalPlanBuilder::from(self.joined(table, JoinType::LeftSemi)?)
            .aggregate(vec![key_column(TARGET, FILE_NUMBER)], vec![count(lit(1)).alias("rows")])
            .and_then(LogicalPlanBuilder::build)
            .map_err(from_engine)?;
        let found = self.request.inner.rows_of(&Planned { plan, bytes }).await?;
        let numbers: BTreeSet<usize> = found.iter().map(|row| row[0] as usize).collect();
        let holding = candidates.into_iter().enumerate().filter(|(at, _)| numbers.contains(at)).map(|(_, file)| file);
        Ok((holding.collect(), found.iter().map(|row| row[1]).sum()))
    }

    /// Rows of some files that have none of the keys, written anew.
    async fn kept(&self, files: Vec<Arc<DataFile>>) -> Result<Written> {
        let table = self.table(files);
        let bytes = table.bytes();
        let plan = LogicalPlanBuilder::from(self.joined(table, JoinType::LeftAnti)?)
            .project(project(self.own, self.stored, TARGET))
            .and_then(LogicalPlanBuilder::build)
            .map_err(from_engine)?;
        write(self.request, &Planned { plan, bytes }, self.stored.clone()).await
    }

    fn table(&self, files: Vec<Arc<DataFile>>) -> FileTable {
        FileTable::new(&self.own.folder, Arc::new(files), self.own.engine_schema.clone())
    }

    /// The keys with the types that they have in the table.
    fn typed_keys(&self) -> Result<LogicalPlan> {
        let wanted = engine_schema(self.stored);
        let found = columns(&self.keys.plan);
        // Keys as the table stores them.
        let casted: Vec<Expr> = as_exprs(&found)
            .into_iter()
            .zip(self.names)
            .enumerate()
            .map(|(at, (expr, name))| {
                let from = self.keys.plan.schema().field(at).data_type().clone();
                let to = wanted.field_with_name(name).map(|field| field.data_type().clone());
                let to = to.map_err(|error| Error::ours("a key is no column of the table").why(error))?;
                Ok(typed(expr, &from, &to).alias(super::expr::key_name(at)))
            })
            .collect::<Result<_>>()?;
        LogicalPlanBuilder::from(self.keys.plan.clone())
            .project(casted)
            .and_then(|plan| plan.alias("keys"))
            .and_then(LogicalPlanBuilder::build)
            .map_err(from_engine)
    }

    /// The table's rows against the keys, null-safe.
    fn joined(&self, table: FileTable, join_type: JoinType) -> Result<LogicalPlan> {
        let target = scan(TARGET, table)?;
        let keys = self.typed_keys()?;
        let on = self.names.iter().map(|name| key_column(TARGET, name)).zip(as_exprs(&columns(&keys))).collect();
        let join = Join::try_new(
            Arc::new(target),
            Arc::new(keys),
            on,
            None,
            join_type,
            JoinConstraint::On,
            NullEquality::NullEqualsNull,
            false,
        );
        join.map(LogicalPlan::Join).map_err(from_engine)
    }
}
