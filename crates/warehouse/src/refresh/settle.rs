//! What has really changed: of files that were rewritten, most rows are the same as before.
//!
//! Guarantees: rows that came and went are told apart as bags, by the columns that the plan reads. A table of which
//! only files were added is left as it is: all of its new rows are new.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::filter_record_batch;
use arrow::datatypes::{Schema, SchemaRef};
use datafusion::common::cast::as_int64_array;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Column, TableReference};
use datafusion::datasource::{MemTable, provider_as_source};
use datafusion::functions_aggregate::expr_fn::sum;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, TableScanBuilder, TableSource, lit};
use futures::StreamExt;
use millstream_core::{Error, Result, TableName};

use super::reason::Reason;
use super::sources::{Source, Sources, origin};
use crate::engine::{Engine, FileTable, Planned};
use crate::error::from_engine;

/// Differing rows of one table above which a table is made whole: they are held in memory.
const SETTLED_ROWS_MAX: usize = 2_000_000;

/// How often a row came, less how often it went.
const WEIGHT: &str = "__weight";

/// Rows that came and went in one table.
pub(super) struct Change {
    /// Rows that came; a source with the table's columns.
    pub came: Option<Arc<dyn TableSource>>,
    /// Rows that went; the same. Only columns that the plan reads have their values.
    pub went: Option<Arc<dyn TableSource>>,
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

    /// Bytes of what has changed.
    pub(super) fn bytes(&self) -> u64 {
        self.by_table.values().map(|change| change.bytes).sum()
    }
}

/// Settles every source. `Err` inside: too much has changed for it to be worth it.
pub(super) async fn settle(
    engine: &Engine,
    plan: &LogicalPlan,
    sources: &Sources,
) -> Result<std::result::Result<Changes, Reason>> {
    let mut changes = Changes::default();
    for source in &sources.all {
        let Some((_, files)) = &source.since else {
            return Ok(Err(Reason::new(format!("the changes of '{}' are not known", source.name))));
        };
        if files.is_empty() {
            continue;
        }
        let schema = &source.snapshot.engine_schema;
        let folder = &source.snapshot.folder;
        let of = |files: &Vec<_>| FileTable::new(folder, Arc::new(files.clone()), schema.clone());
        if files.removed.is_empty() {
            let rows = files.added.iter().map(|file| file.rows()).sum::<Option<u64>>();
            let came = Some(provider_as_source(Arc::new(of(&files.added))));
            let change = Change { came, went: None, rows, bytes: files.bytes() };
            changes.by_table.insert(source.name.clone(), change);
            continue;
        }
        if files.bytes() > source.snapshot.files.iter().map(|file| file.add.size).sum::<u64>().saturating_mul(3) {
            return Ok(Err(Reason::new(format!("'{}' was rewritten several times over", source.name))));
        }
        let used = columns_read(plan, source)?;
        match difference(engine, of(&files.added), of(&files.removed), &used).await? {
            None => {
                return Ok(Err(Reason::new(format!(
                    "more than {SETTLED_ROWS_MAX} rows of '{}' have changed",
                    source.name
                ))));
            }
            Some((came, went)) => {
                let rows = |batches: &[RecordBatch]| batches.iter().map(RecordBatch::num_rows).sum::<usize>();
                let total = rows(&came) + rows(&went);
                if total == 0 {
                    continue;
                }
                let table = |batches: Vec<RecordBatch>| -> Result<Option<Arc<dyn TableSource>>> {
                    if rows(&batches) == 0 {
                        return Ok(None);
                    }
                    let whole: Vec<RecordBatch> =
                        batches.iter().map(|batch| widened(batch, &used, schema)).collect::<Result<_>>()?;
                    let table = MemTable::try_new(nullable(schema), vec![whole]).map_err(from_engine)?;
                    Ok(Some(provider_as_source(Arc::new(table))))
                };
                let bytes = came.iter().chain(&went).map(|batch| batch.get_array_memory_size() as u64).sum();
                let change = Change { came: table(came)?, went: table(went)?, rows: Some(total as u64), bytes };
                changes.by_table.insert(source.name.clone(), change);
            }
        }
    }
    Ok(Ok(changes))
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

/// Rows that came and rows that went, each as often as it did, with these columns; `None` when they are too many.
async fn difference(
    engine: &Engine,
    added: FileTable,
    removed: FileTable,
    used: &[usize],
) -> Result<Option<(Vec<RecordBatch>, Vec<RecordBatch>)>> {
    let bytes = added.bytes() + removed.bytes();
    let weighted = |table: FileTable, weight: i64| -> Result<LogicalPlan> {
        let scan = TableScanBuilder::new(TableReference::bare("changed"), provider_as_source(Arc::new(table)))
            .with_projection(Some(used.to_vec()))
            .build()
            .map_err(from_engine)?;
        let scan = LogicalPlan::TableScan(scan);
        let mut exprs: Vec<Expr> = named(&scan);
        exprs.push(lit(weight).alias(WEIGHT));
        LogicalPlanBuilder::from(scan).project(exprs).and_then(LogicalPlanBuilder::build).map_err(from_engine)
    };
    let both = LogicalPlanBuilder::from(weighted(added, 1)?)
        .union(weighted(removed, -1)?)
        .and_then(LogicalPlanBuilder::build)
        .map_err(from_engine)?;
    let keys: Vec<Expr> = (0..used.len()).map(|at| Expr::Column(Column::from_name(field(at)))).collect();
    let weight = Expr::Column(Column::from_name(WEIGHT));
    let plan = LogicalPlanBuilder::from(both)
        .aggregate(keys, vec![sum(weight.clone()).alias(WEIGHT)])
        .and_then(|plan| plan.filter(weight.not_eq(lit(0_i64))))
        .and_then(LogicalPlanBuilder::build)
        .map_err(from_engine)?;
    let mut stream = Box::pin(engine.stream(&Planned { plan, bytes }).await?);
    let (mut came, mut went, mut rows) = (Vec::new(), Vec::new(), 0);
    while let Some(batch) = stream.next().await {
        let batch = batch?;
        for (batch, is_new) in split(&batch)? {
            rows += batch.num_rows();
            if is_new { came.push(batch) } else { went.push(batch) }
        }
        if rows > SETTLED_ROWS_MAX {
            return Ok(None);
        }
    }
    Ok(Some((came, went)))
}

/// The columns of a scan as `c0`, `c1`, …: names of tables may hold anything.
fn named(scan: &LogicalPlan) -> Vec<Expr> {
    let columns = scan.schema().columns().into_iter().enumerate();
    columns.map(|(at, column)| Expr::Column(column).alias(field(at))).collect()
}

fn field(at: usize) -> String {
    format!("c{at}")
}

/// Rows with a weight above and below zero; a row of weight three is there once: what is touched does not count.
fn split(batch: &RecordBatch) -> Result<Vec<(RecordBatch, bool)>> {
    let failed = |error: &dyn std::fmt::Display| Error::ours("changed rows cannot be told apart").why(error);
    let last = batch.num_columns() - 1;
    let weights = as_int64_array(batch.column(last)).map_err(|error| failed(&error))?.clone();
    let kept: Vec<usize> = (0..last).collect();
    let rows = batch.project(&kept).map_err(|error| failed(&error))?;
    let mut parts = Vec::new();
    for is_new in [true, false] {
        let mask = (0..weights.len()).map(|row| Some((weights.value(row) > 0) == is_new)).collect();
        let part = filter_record_batch(&rows, &mask).map_err(|error| failed(&error))?;
        if part.num_rows() > 0 {
            // The same row may have come several times: an added one counts as often as it did.
            parts.push((repeated(&part, &weights, is_new)?, is_new));
        }
    }
    Ok(parts)
}

/// Each row as often as its weight says.
fn repeated(part: &RecordBatch, weights: &arrow::array::Int64Array, is_new: bool) -> Result<RecordBatch> {
    let counts: Vec<u64> = (0..weights.len())
        .map(|row| weights.value(row))
        .filter(|weight| (*weight > 0) == is_new)
        .map(i64::unsigned_abs)
        .collect();
    if counts.iter().all(|count| *count == 1) {
        return Ok(part.clone());
    }
    let rows = counts.iter().enumerate().flat_map(|(row, count)| std::iter::repeat_n(row as u64, *count as usize));
    let rows = arrow::array::UInt64Array::from_iter_values(rows);
    arrow::compute::take_record_batch(part, &rows)
        .map_err(|error| Error::ours("changed rows cannot be repeated").why(error))
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

fn nullable(schema: &Schema) -> SchemaRef {
    let fields: Vec<_> = schema.fields().iter().map(|field| field.as_ref().clone().with_nullable(true)).collect();
    Arc::new(Schema::new(fields))
}
