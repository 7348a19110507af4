//! Small aggregates of a query that is asked again and again: what they gave is kept, and what came since is added up
//! with it. So a test that compares two totals costs what has changed and not what the tables hold.
//!
//! Guarantees: a kept result is that of the aggregate over the tables as they were seen; see [`super::fold`] for which
//! aggregates are added up. Where rows went, the aggregate is computed anew.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::common::Column;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::datasource::{MemTable, provider_as_source};
use datafusion::logical_expr::{Aggregate, LogicalPlan, LogicalPlanBuilder};
use futures::StreamExt;
use millstream_core::Result;

use super::append::appended;
use super::expr::{as_exprs, columns, over, project_keys, requalified};
use super::fold::{Merging, merged, merging};
use super::reason::Derived;
use super::settle::Changes;
use crate::engine::{Engine, Planned};
use crate::error::from_engine;

/// Rows of an aggregate up to which it is kept.
const ROWS_MAX: usize = 10_000;

/// The result of an aggregate, with the columns `__key0`, …
#[derive(Debug, Clone)]
pub(super) struct Kept {
    schema: SchemaRef,
    batches: Vec<RecordBatch>,
}

/// The topmost aggregates of a plan that can be added up.
fn aggregates(plan: &LogicalPlan) -> Result<Vec<Aggregate>> {
    let mut found = Vec::new();
    plan.apply(|node| match foldable(node) {
        Some(aggregate) => {
            found.push(aggregate.clone());
            Ok(TreeNodeRecursion::Jump)
        }
        None => Ok(TreeNodeRecursion::Continue),
    })
    .map_err(from_engine)?;
    Ok(found)
}

fn foldable(node: &LogicalPlan) -> Option<&Aggregate> {
    match node {
        LogicalPlan::Aggregate(aggregate) => {
            let merging = merging(aggregate)?;
            (!merging.iter().any(Merging::is_distinct)).then_some(aggregate)
        }
        _ => None,
    }
}

/// The plan with the results of its aggregates in their place, and these results in the order of the plan: `None` for
/// one that is too large. `None` when it has no such aggregate. `before`: the results before the changes.
pub(super) async fn with_kept(
    engine: &Engine,
    plan: &LogicalPlan,
    changes: &Changes,
    before: Option<&[Option<Kept>]>,
    bytes: u64,
) -> Result<Option<(LogicalPlan, Vec<Option<Kept>>)>> {
    let aggregates = aggregates(plan)?;
    if aggregates.is_empty() {
        return Ok(None);
    }
    let mut results = Vec::with_capacity(aggregates.len());
    for (at, aggregate) in aggregates.into_iter().enumerate() {
        let known = before.and_then(|before| before.get(at)).and_then(Option::as_ref);
        let node = LogicalPlan::Aggregate(aggregate.clone());
        let next = match known {
            Some(known) if !changes.is_in(&node) => return_kept(known),
            Some(known) => match since(&node, &aggregate, known, changes) {
                Ok(next) => next,
                Err(_) => Next::Plan(node),
            },
            None => Next::Plan(node),
        };
        results.push(match next {
            Next::Kept(kept) => Some(kept),
            Next::Plan(plan) => computed(engine, plan, bytes).await?,
        });
    }
    let mut left = results.iter();
    let replaced = plan.clone().transform_down(|node| {
        if foldable(&node).is_none() {
            return Ok(Transformed::no(node));
        }
        let scan = match left.next() {
            Some(Some(kept)) => kept.scan(&columns(&node))?,
            _ => node,
        };
        Ok(Transformed::new(scan, true, TreeNodeRecursion::Jump))
    });
    let plan = replaced.data().and_then(LogicalPlan::recompute_schema).map_err(from_engine)?;
    Ok(Some((plan, results)))
}

enum Next {
    Kept(Kept),
    Plan(LogicalPlan),
}

fn return_kept(kept: &Kept) -> Next {
    Next::Kept(kept.clone())
}

/// What was kept, and the rows that came since.
fn since(node: &LogicalPlan, aggregate: &Aggregate, kept: &Kept, changes: &Changes) -> Derived<Next> {
    let merging: Vec<Merging> = merging(aggregate).unwrap_or_default();
    let Some(rows) = appended(&aggregate.input, changes)? else { return Ok(return_kept(kept)) };
    let wanted = columns(node);
    let new = over(node, vec![rows])?;
    let new = project_keys(new.clone(), &as_exprs(&columns(&new)))?;
    let old = kept.rows()?;
    let old = project_keys(old.clone(), &as_exprs(&columns(&old)))?;
    Ok(Next::Plan(merged(vec![old, new], node, &wanted, &merging)?))
}

/// Runs an aggregate; `None` when its result is too large to be kept.
async fn computed(engine: &Engine, plan: LogicalPlan, bytes: u64) -> Result<Option<Kept>> {
    let plan = project_keys(plan.clone(), &as_exprs(&columns(&plan))).map_err(from_engine)?;
    let schema: SchemaRef = Arc::new(plan.schema().as_arrow().clone());
    let mut stream = Box::pin(engine.stream(&Planned { plan, bytes }).await?);
    let (mut batches, mut rows) = (Vec::new(), 0);
    while let Some(batch) = stream.next().await {
        let batch = batch?;
        rows += batch.num_rows();
        if rows > ROWS_MAX {
            return Ok(None);
        }
        batches.push(batch);
    }
    let schema = batches.first().map_or(schema, RecordBatch::schema);
    Ok(Some(Kept { schema, batches }))
}

impl Kept {
    fn rows(&self) -> datafusion::error::Result<LogicalPlan> {
        let table = MemTable::try_new(Arc::clone(&self.schema), vec![self.batches.clone()])?;
        LogicalPlanBuilder::scan("kept", provider_as_source(Arc::new(table)), None)?.build()
    }

    /// The rows under the names that the aggregate gives them.
    fn scan(&self, names: &[Column]) -> datafusion::error::Result<LogicalPlan> {
        requalified(self.rows()?, names)
    }
}
