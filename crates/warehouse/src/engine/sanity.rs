//! The last check of a physical plan, and what becomes of one that does not pass.
//!
//! The engine leaves out a sort by columns that are constant (those of a `with` of one row, as unit tests have them),
//! and a later rule loses sight of that. Such a plan gets the sort, instead of being refused.

use std::sync::Arc;

use datafusion::common::config::ConfigOptions;
use datafusion::error::Result;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_optimizer::ensure_requirements::EnsureRequirements;
use datafusion::physical_optimizer::output_requirements::OutputRequirements;
use datafusion::physical_optimizer::sanity_checker::SanityCheckPlan;
use datafusion::physical_plan::ExecutionPlan;

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
        // The order of the whole is a requirement while the others are met anew.
        let plan = OutputRequirements::new_add_mode().optimize(plan, config)?;
        let plan = EnsureRequirements::new().optimize(plan, config)?;
        let plan = OutputRequirements::new_remove_mode().optimize(plan, config)?;
        check.optimize(plan, config)
    }

    fn name(&self) -> &str {
        NAME
    }

    fn schema_check(&self) -> bool {
        true
    }
}
