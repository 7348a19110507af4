//! What differs between the rows of two plans, as bags.

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::compute::filter_record_batch;
use datafusion::common::Column;
use datafusion::common::cast::as_int64_array;
use datafusion::functions_aggregate::expr_fn::sum;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, lit};
use futures::StreamExt;
use millstream_core::{Error, Result};

use crate::engine::{Engine, Planned};
use crate::error::from_engine;

/// Differing rows above which nothing is told of them: they are held in memory.
pub(super) const ROWS_MAX: usize = 2_000_000;

/// How often a row came, less how often it went.
const WEIGHT: &str = "__weight";

/// Rows that came and rows that went, each as often as it did; `None` when they are too many. The plans have the same
/// columns by their places, and the result has them as `c0`, `c1`, ….
pub(super) async fn difference(
    engine: &Engine,
    added: LogicalPlan,
    removed: LogicalPlan,
    bytes: u64,
) -> Result<Option<(Vec<RecordBatch>, Vec<RecordBatch>)>> {
    let count = added.schema().fields().len();
    let weighted = |plan: LogicalPlan, weight: i64| -> Result<LogicalPlan> {
        let mut exprs: Vec<Expr> = named(&plan);
        exprs.push(lit(weight).alias(WEIGHT));
        LogicalPlanBuilder::from(plan).project(exprs).and_then(LogicalPlanBuilder::build).map_err(from_engine)
    };
    let both = LogicalPlanBuilder::from(weighted(added, 1)?)
        .union(weighted(removed, -1)?)
        .and_then(LogicalPlanBuilder::build)
        .map_err(from_engine)?;
    let keys: Vec<Expr> = (0..count).map(|at| Expr::Column(Column::from_name(field(at)))).collect();
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
        if rows > ROWS_MAX {
            return Ok(None);
        }
    }
    Ok(Some((came, went)))
}

/// The columns of a plan as `c0`, `c1`, …: names of tables may hold anything.
fn named(plan: &LogicalPlan) -> Vec<Expr> {
    let columns = plan.schema().columns().into_iter().enumerate();
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
    if part.num_columns() == 0 {
        let options = RecordBatchOptions::new().with_row_count(Some(rows.len()));
        return RecordBatch::try_new_with_options(part.schema(), Vec::new(), &options)
            .map_err(|error| Error::ours("changed rows without columns cannot be repeated").why(error));
    }
    arrow::compute::take_record_batch(part, &rows)
        .map_err(|error| Error::ours("changed rows cannot be repeated").why(error))
}
