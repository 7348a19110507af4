//! What has really changed: of files that were rewritten, most rows are the same as before.
//!
//! Guarantees: rows that came and went are told apart as bags, by the columns that the plan reads. A table of which
//! only files were added is left as it is: all of its new rows are new.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{Schema, SchemaRef};
use datafusion::common::TableReference;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::datasource::{MemTable, provider_as_source};
use datafusion::logical_expr::{LogicalPlan, TableScanBuilder, TableSource};
use millstream_core::{Error, Result, TableName};

use super::difference::{ROWS_MAX, difference};
use super::reason::Reason;
use super::recent::RecentChanges;
use super::same_rows::differing;
use super::sources::{Source, Sources, origin};
use crate::engine::{Engine, FileTable};
use crate::error::from_engine;
use crate::log::Snapshot;

/// Rows that came and went in one table.
pub(super) struct Change {
    /// Rows that came; a source with the table's columns.
    pub came: Option<Arc<dyn TableSource>>,
    /// Rows that went; the same. Only columns that the plan reads have their values.
    pub went: Option<Arc<dyn TableSource>>,
    /// The table as it was, where that is known.
    pub before: Option<Arc<Snapshot>>,
    /// How many both are, where it is known.
    pub rows: Option<u64>,
    /// Bytes to read.
    pub bytes: u64,
}

/// Tables that have changed.
#[derive(Default)]
pub(super) struct Changes {
    pub by_table: BTreeMap<TableName, Change>,
}

impl Changes {
    /// Whether anything below a node has changed.
    pub(super) fn is_in(&self, plan: &LogicalPlan) -> bool {
        let mut found = false;
        let _ = plan.apply_with_subqueries(|node| {
            if let LogicalPlan::TableScan(scan) = node
                && origin(scan).is_some_and(|(name, _)| self.by_table.contains_key(&name))
            {
                found = true;
                return Ok(TreeNodeRecursion::Stop);
            }
            Ok(TreeNodeRecursion::Continue)
        });
        found
    }

    /// All rows of new files, as if nothing had gone: enough to find the rows that a plan gains when what it loses does
    /// not matter.
    pub(super) fn of_new_files(sources: &Sources) -> Self {
        let mut changes = Self::default();
        for source in &sources.all {
            let Some((_, files)) = source.since.as_ref().filter(|(_, files)| !files.is_empty()) else { continue };
            let snapshot = &source.snapshot;
            let of = |files: &Vec<_>| {
                FileTable::new(&snapshot.folder, Arc::new(files.clone()), snapshot.engine_schema.clone())
            };
            let came = (!files.added.is_empty()).then(|| provider_as_source(Arc::new(of(&files.added))));
            let change = Change { came, went: None, before: None, rows: None, bytes: files.bytes() };
            changes.by_table.insert(source.name.clone(), change);
        }
        changes
    }

    /// As if all rows of one table were new.
    pub(super) fn of_all_rows(source: &Source) -> Self {
        let came = Some(provider_as_source(Arc::new(FileTable::of(&source.snapshot))));
        let change = Change { came, went: None, before: None, rows: None, bytes: 0 };
        Self { by_table: BTreeMap::from([(source.name.clone(), change)]) }
    }

    /// Bytes of what has changed.
    pub(super) fn bytes(&self) -> u64 {
        self.by_table.values().map(|change| change.bytes).sum()
    }
}

/// Settles every source. `Err` inside: too much has changed for it to be worth it.
pub(super) async fn settle(
    engine: &Engine,
    recent: &RecentChanges,
    plan: &LogicalPlan,
    sources: &Sources,
) -> Result<std::result::Result<Changes, Reason>> {
    let mut changes = Changes::default();
    for source in &sources.all {
        let Some((from, files)) = &source.since else {
            return Ok(Err(Reason::new(format!("the changes of '{}' are not known", source.name))));
        };
        if files.is_empty() {
            continue;
        }
        let schema = &source.snapshot.engine_schema;
        let folder = &source.snapshot.folder;
        let before = source.before(*from, files)?;
        let of = |files: &Vec<_>| FileTable::new(folder, Arc::new(files.clone()), schema.clone());
        if files.removed.is_empty() {
            let rows = files.added.iter().map(|file| file.rows()).sum::<Option<u64>>();
            let came = Some(provider_as_source(Arc::new(of(&files.added))));
            let change = Change { came, went: None, before, rows, bytes: files.bytes() };
            changes.by_table.insert(source.name.clone(), change);
            continue;
        }
        if let Some(rows) = recent.between(folder, &files.removed, &files.added) {
            let used = columns_read(plan, source)?;
            let (came, went) = differing(&rows.came, &rows.went, &used)?;
            changes.by_table.extend(changed(source, before, came, went, &used)?);
            continue;
        }
        if files.bytes() > source.snapshot.files.iter().map(|file| file.add.size).sum::<u64>().saturating_mul(3) {
            return Ok(Err(Reason::new(format!("'{}' was rewritten several times over", source.name))));
        }
        let used = columns_read(plan, source)?;
        let scan_of = |table| scanned(table, &used);
        let (came, went) = (scan_of(of(&files.added))?, scan_of(of(&files.removed))?);
        match difference(engine, came, went, files.bytes()).await? {
            None => {
                return Ok(Err(Reason::new(format!("more than {ROWS_MAX} rows of '{}' have changed", source.name))));
            }
            Some((came, went)) => changes.by_table.extend(changed(source, before, came, went, &used)?),
        }
    }
    Ok(Ok(changes))
}

/// Rows with some columns of the table as a change of it, unless there are none.
fn changed(
    source: &Source,
    before: Option<Arc<Snapshot>>,
    came: Vec<RecordBatch>,
    went: Vec<RecordBatch>,
    used: &[usize],
) -> Result<Option<(TableName, Change)>> {
    let schema = &source.snapshot.engine_schema;
    let rows = |batches: &[RecordBatch]| batches.iter().map(RecordBatch::num_rows).sum::<usize>();
    let total = rows(&came) + rows(&went);
    if total == 0 {
        return Ok(None);
    }
    let table = |batches: Vec<RecordBatch>| -> Result<Option<Arc<dyn TableSource>>> {
        if rows(&batches) == 0 {
            return Ok(None);
        }
        let whole: Vec<RecordBatch> =
            batches.iter().map(|batch| widened(batch, used, schema)).collect::<Result<_>>()?;
        let table = MemTable::try_new(nullable(schema), vec![whole]).map_err(from_engine)?;
        Ok(Some(provider_as_source(Arc::new(table))))
    };
    let bytes = source.bytes_of(total as u64);
    let change = Change { came: table(came)?, went: table(went)?, before, rows: Some(total as u64), bytes };
    Ok(Some((source.name.clone(), change)))
}

/// Some columns of a list of files.
fn scanned(table: FileTable, used: &[usize]) -> Result<LogicalPlan> {
    let scan = TableScanBuilder::new(TableReference::bare("changed"), provider_as_source(Arc::new(table)))
        .with_projection(Some(used.to_vec()))
        .build();
    scan.map(LogicalPlan::TableScan).map_err(from_engine)
}

/// Columns of the table that any scan of it reads, by place.
fn columns_read(plan: &LogicalPlan, source: &Source) -> Result<Vec<usize>> {
    let mut used = BTreeSet::new();
    let count = source.snapshot.engine_schema.fields().len();
    plan.apply_with_subqueries(|node| {
        if let LogicalPlan::TableScan(scan) = node
            && origin(scan).is_some_and(|(name, _)| name == source.name)
        {
            match &scan.projection {
                Some(projection) => used.extend(projection.iter().copied()),
                None => used.extend(0..count),
            }
            for filter in &scan.filters {
                for column in filter.column_refs() {
                    used.extend(source.snapshot.engine_schema.index_of(&column.name).ok());
                }
            }
        }
        Ok(TreeNodeRecursion::Continue)
    })
    .map_err(from_engine)?;
    Ok(used.into_iter().collect())
}

/// The rows with all columns of the table; those that were not read are null.
fn widened(batch: &RecordBatch, used: &[usize], schema: &Schema) -> Result<RecordBatch> {
    let failed = |error: arrow::error::ArrowError| Error::ours("changed rows cannot be read").why(error);
    let columns =
        schema.fields().iter().enumerate().map(|(at, field)| match used.iter().position(|used| *used == at) {
            Some(place) => arrow::compute::cast(batch.column(place), field.data_type()),
            None => Ok(arrow::array::new_null_array(field.data_type(), batch.num_rows())),
        });
    let columns = columns.collect::<std::result::Result<Vec<_>, _>>().map_err(failed)?;
    RecordBatch::try_new(nullable(schema), columns).map_err(failed)
}

/// The columns of a table, any of which may be null.
pub(super) fn nullable(schema: &Schema) -> SchemaRef {
    let fields: Vec<_> = schema.fields().iter().map(|field| field.as_ref().clone().with_nullable(true)).collect();
    Arc::new(Schema::new(fields))
}
