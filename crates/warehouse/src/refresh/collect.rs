//! Touched keys in memory: they are counted, bounded, and looked up.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Schema, SchemaRef};
use datafusion::common::{Column, ExprSchema, ScalarValue};
use datafusion::datasource::{MemTable, provider_as_source};
use datafusion::functions_aggregate::expr_fn::{count, max, min};
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, lit};
use futures::StreamExt;
use millstream_core::Result;

use super::expr::{columns, distinct};
use super::lookup::resolved;
use super::restrict::Keys;
use crate::engine::{Engine, Planned};
use crate::error::from_engine;
use crate::index::{KeyIndexes, KeySet};

/// Touched keys above which a table is made whole: they are held in memory.
pub(super) const KEYS_MAX: usize = 1_000_000;

/// The different touched keys in memory; `None` when they are too many.
pub(super) async fn collected(
    engine: &Engine,
    indexes: &KeyIndexes,
    touched: LogicalPlan,
    bytes: u64,
) -> Result<Option<Keys>> {
    let (touched, _) = resolved(engine, indexes, touched).await?;
    let Some((batches, schema)) = batches(engine, touched, bytes).await? else { return Ok(None) };
    let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
    let set = KeySet::of(&kinds(&schema), batches.iter().map(RecordBatch::columns))?;
    let table = MemTable::try_new(schema, vec![batches.clone()]).map_err(from_engine)?;
    let plan = LogicalPlanBuilder::scan("touched", provider_as_source(Arc::new(table)), None)
        .and_then(LogicalPlanBuilder::build)
        .map_err(from_engine)?;
    let bounds = if rows == 0 { vec![None; columns(&plan).len()] } else { bounds(engine, &plan).await? };
    Ok(Some(Keys { plan, bounds, rows: Some(rows as u64), set, batches }))
}

/// The keys that a plan gives, as an index takes them; `None` when they are too many, or no index takes them.
pub(super) async fn key_set(engine: &Engine, plan: LogicalPlan, bytes: u64) -> Result<Option<KeySet>> {
    let Some((batches, schema)) = batches(engine, plan, bytes).await? else { return Ok(None) };
    KeySet::of(&kinds(&schema), batches.iter().map(RecordBatch::columns))
}

/// The different rows of a plan; `None` when they are too many.
pub(super) async fn batches(
    engine: &Engine,
    plan: LogicalPlan,
    bytes: u64,
) -> Result<Option<(Vec<RecordBatch>, SchemaRef)>> {
    let plan = distinct(plan).map_err(from_engine)?;
    let schema = Arc::new(plan.schema().as_arrow().clone());
    let mut stream = Box::pin(engine.stream(&Planned { plan, bytes }).await?);
    let (mut batches, mut rows) = (Vec::new(), 0);
    while let Some(batch) = stream.next().await {
        let batch = batch?;
        rows += batch.num_rows();
        if rows > KEYS_MAX {
            return Ok(None);
        }
        batches.push(batch);
    }
    let schema = batches.first().map_or(schema, RecordBatch::schema);
    Ok(Some((batches, schema)))
}

fn kinds(schema: &Schema) -> Vec<DataType> {
    schema.fields().iter().map(|field| field.data_type().clone()).collect()
}

/// Least and greatest value of each key column that has an order and no null.
pub(super) async fn bounds(engine: &Engine, keys: &LogicalPlan) -> Result<Vec<Option<(ScalarValue, ScalarValue)>>> {
    let names = columns(keys);
    let ordered = |column: &Column| {
        let found = keys.schema().field_from_column(column).map(|field| field.data_type().clone());
        // Not of floats: files do not count NaN among their bounds.
        found.is_ok_and(|kind| (kind.is_primitive() && !kind.is_floating()) || kind.is_string())
    };
    let mut exprs: Vec<Expr> = vec![count(lit(1)).alias("all")];
    let chosen: Vec<usize> = (0..names.len()).filter(|at| ordered(&names[*at])).collect();
    for at in &chosen {
        let column = Expr::Column(names[*at].clone());
        exprs.push(count(column.clone()).alias(format!("count{at}")));
        exprs.push(min(column.clone()).alias(format!("min{at}")));
        exprs.push(max(column).alias(format!("max{at}")));
    }
    let plan = LogicalPlanBuilder::from(keys.clone())
        .aggregate(Vec::<Expr>::new(), exprs)
        .and_then(LogicalPlanBuilder::build)
        .map_err(from_engine)?;
    let mut stream = Box::pin(engine.stream(&Planned { plan, bytes: 0 }).await?);
    let mut bounds = vec![None; names.len()];
    while let Some(batch) = stream.next().await {
        let batch = batch?;
        if batch.num_rows() == 0 {
            continue;
        }
        let cell = |at: usize| ScalarValue::try_from_array(batch.column(at), 0).map_err(from_engine);
        let all = cell(0)?;
        for (index, at) in chosen.iter().enumerate() {
            let place = 1 + index * 3;
            if cell(place)? == all {
                bounds[*at] = Some((cell(place + 1)?, cell(place + 2)?));
            }
        }
    }
    Ok(bounds)
}
