//! Joins by a condition without any equality hold one side in memory as a whole, or say that memory is short.
//!
//! Guarantees: no row is lost or repeated. Where memory is short, the engine's join begins anew with files: the plan below
//! it is executed a second time, which parts of it are not made for (an outer join there that counts the partitions which
//! have ended never gives its rows without a partner; a repartitioning panics); a held side without rows ends the other
//! side's rows too; and each partition of the other side gives the held side's unmatched rows for itself. The engine
//! asks whether there may be files at all: to this join alone the answer is no, and what it reads has them as before.
//!
//! Deliberately absent: holding such a side in parts. Each pair of rows is compared, so that a side which does not fit
//! takes a day rather than an error; an equality in the condition makes it a join that spills.

use std::fmt;
use std::sync::Arc;

use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::joins::NestedLoopJoinExec;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties, replace_children_if_necessary,
};

/// Takes the files from such joins, and gives them back to what they read. To be applied last.
#[derive(Debug)]
pub(super) struct HeldJoins;

impl PhysicalOptimizerRule for HeldJoins {
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _config: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        plan.transform_up(held).data()
    }

    fn name(&self) -> &str {
        "held_joins"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

fn held(plan: Arc<dyn ExecutionPlan>) -> Result<Transformed<Arc<dyn ExecutionPlan>>> {
    if !plan.is::<NestedLoopJoinExec>() {
        return Ok(Transformed::no(plan));
    }
    let with =
        |files, input: &Arc<_>| Arc::new(FilesExec { files, input: Arc::clone(input) }) as Arc<dyn ExecutionPlan>;
    let sides = plan.children().into_iter().map(|side| with(Files::GivenBack, side)).collect();
    let join = replace_children_if_necessary(plan, sides)?;
    Ok(Transformed::yes(with(Files::Taken, &join)))
}

/// The context of the operators around a join, for those below it.
struct Around(Arc<TaskContext>);

#[derive(Debug, Clone, Copy)]
enum Files {
    Taken,
    GivenBack,
}

/// Passes rows on; what is below may write files, or not.
#[derive(Debug)]
struct FilesExec {
    files: Files,
    input: Arc<dyn ExecutionPlan>,
}

impl DisplayAs for FilesExec {
    fn fmt_as(&self, _form: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FilesExec: {:?}", self.files)
    }
}

impl ExecutionPlan for FilesExec {
    fn name(&self) -> &str {
        "FilesExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.input.properties()
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
    }

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![false]
    }

    fn apply_expressions(
        &self,
        _f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        match <[_; 1]>::try_from(children) {
            Ok([input]) => Ok(Arc::new(Self { files: self.files, input })),
            Err(_) => Err(DataFusionError::Internal("FilesExec has one child".into())),
        }
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let context = match self.files {
            Files::Taken => without_files(context)?,
            Files::GivenBack => match context.session_config().get_extension::<Around>() {
                Some(around) => Arc::clone(&around.0),
                None => context,
            },
        };
        self.input.execute(partition, context)
    }
}

fn without_files(context: Arc<TaskContext>) -> Result<Arc<TaskContext>> {
    let none = DiskManagerBuilder::default().with_mode(DiskManagerMode::Disabled).build()?;
    let runtime = RuntimeEnv { disk_manager: Arc::new(none), ..context.runtime_env().as_ref().clone() };
    Ok(Arc::new(TaskContext::new(
        context.task_id(),
        context.session_id(),
        context.session_config().clone().with_extension(Arc::new(Around(Arc::clone(&context)))),
        context.scalar_functions().clone(),
        context.higher_order_functions().clone(),
        context.aggregate_functions().clone(),
        context.window_functions().clone(),
        Arc::new(runtime),
    )))
}
