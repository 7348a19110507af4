//! The last check of a physical plan, and what becomes of one that does not pass.
//!
//! The engine leaves out a sort by columns that are constant (those of a `with` of one row, as unit tests have them),
//! and a later rule loses sight of that. Such a plan gets the sort, instead of being refused.

use std::sync::Arc;

use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::error::Result;
use datafusion::physical_expr::{LexOrdering, OrderingRequirements};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_optimizer::sanity_checker::SanityCheckPlan;
use datafusion::physical_plan::sorts::sort::SortExec;
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties, replace_children_if_necessary};

/// Name of the engine's check, which this one takes the place of.
pub(super) const NAME: &str = "SanityCheckPlan";

/// The check, with a second chance.
#[derive(Debug, Default)]
pub(super) struct CheckAgain;

impl PhysicalOptimizerRule for CheckAgain {
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, config: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        let check = SanityCheckPlan::new();
        if let Ok(passed) = check.optimize(Arc::clone(&plan), config) {
            return Ok(passed);
        }
        check.optimize(plan.transform_up(sorted)?.data, config)
    }

    fn name(&self) -> &str {
        NAME
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// The same with a sort below where the order that is asked for is not there.
fn sorted(plan: Arc<dyn ExecutionPlan>) -> Result<Transformed<Arc<dyn ExecutionPlan>>> {
    let mut has_changed = false;
    let wanted = plan.required_input_ordering();
    let mut children = Vec::with_capacity(wanted.len());
    for (child, wanted) in plan.children().into_iter().zip(wanted) {
        let order = wanted.map(OrderingRequirements::into_single);
        children.push(match order {
            Some(order) if !child.equivalence_properties().ordering_satisfy_requirement(order.clone())? => {
                has_changed = true;
                let sort = SortExec::new(LexOrdering::from(order), Arc::clone(child));
                let keeps_partitions = child.output_partitioning().partition_count() > 1;
                Arc::new(sort.with_preserve_partitioning(keeps_partitions)) as Arc<dyn ExecutionPlan>
            }
            _ => Arc::clone(child),
        });
    }
    if has_changed {
        replace_children_if_necessary(plan, children).map(Transformed::yes)
    } else {
        Ok(Transformed::no(plan))
    }
}
