//! Joins of attempts that do with little memory: both sides are sorted, which can be spilled, in place of one being held
//! in a table of hashes, which cannot.
//!
//! Guarantees: the rows are the same, in whatever order. A join that must know whether the other side has a null at all
//! (`not in`) stays as it is: sorted sides do not tell.
//!
//! Deliberately absent: partitions. The engine would repartition both sides for them, each with buffers of its own.

use std::sync::Arc;

use datafusion::arrow::compute::SortOptions;
use datafusion::common::Result;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::joins::{HashJoinExec, SortMergeJoinExec};

/// Puts joins of sorted sides in the place of others. To be applied first: later rules push projections into joins, and
/// add the sorts.
#[derive(Debug)]
pub(super) struct LeanJoins;

impl PhysicalOptimizerRule for LeanJoins {
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _config: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        plan.transform_up(sorted).data()
    }

    fn name(&self) -> &str {
        "lean_joins"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

fn sorted(plan: Arc<dyn ExecutionPlan>) -> Result<Transformed<Arc<dyn ExecutionPlan>>> {
    let Some(join) = plan.downcast_ref::<HashJoinExec>().filter(|join| !join.null_aware && join.projection.is_none())
    else {
        return Ok(Transformed::no(plan));
    };
    let sorted = SortMergeJoinExec::try_new(
        Arc::clone(join.left()),
        Arc::clone(join.right()),
        join.on().to_vec(),
        join.filter().cloned(),
        *join.join_type(),
        vec![SortOptions::default(); join.on().len()],
        join.null_equality(),
    )?;
    Ok(Transformed::yes(Arc::new(sorted)))
}
