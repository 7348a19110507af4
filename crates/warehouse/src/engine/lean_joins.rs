//! Joins of attempts that do with little memory: both sides are sorted, which can be spilled, in place of one being held
//! in a table of hashes, which cannot.
//!
//! Guarantees: the rows are the same, in whatever order. A join that must know whether the other side has a null at all
//! (`not in`) stays as it is: sorted sides do not tell; and so do joins by instants, structures and lists, which the
//! engine's join of sorted sides does not compare.
//!
//! Deliberately absent: partitions. The engine would repartition both sides for them, each with buffers of its own.

use std::sync::Arc;

use datafusion::arrow::compute::SortOptions;
use datafusion::arrow::datatypes::{DataType, Schema};
use datafusion::common::Result;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::joins::utils::JoinFilter;
use datafusion::physical_plan::joins::{HashJoinExec, SortMergeJoinExec};

use super::unordered::UnorderedExec;

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
    let Some(join) = plan.downcast_ref::<HashJoinExec>() else { return Ok(Transformed::no(plan)) };
    let (left, right) = (join.left().schema(), join.right().schema());
    let mut are_compared = true;
    for (one, other) in join.on() {
        are_compared &= is_compared(&one.data_type(&left)?) && is_compared(&other.data_type(&right)?);
    }
    if join.null_aware || join.projection.is_some() || !are_compared {
        return Ok(Transformed::no(plan));
    }
    let sorted = SortMergeJoinExec::try_new(
        Arc::clone(join.left()),
        Arc::clone(join.right()),
        join.on().to_vec(),
        join.filter().map(over_missing),
        *join.join_type(),
        vec![SortOptions::default(); join.on().len()],
        join.null_equality(),
    )?;
    Ok(Transformed::yes(Arc::new(UnorderedExec::new(Arc::new(sorted)))))
}

/// The same condition, for rows of one side that meet none of the other as well. The engine's join of sorted sides asks it
/// of these too, with nulls in columns that may not have any where they come from.
fn over_missing(filter: &JoinFilter) -> JoinFilter {
    let fields = filter.schema().fields().iter().map(|field| field.as_ref().clone().with_nullable(true));
    let schema = Schema::new_with_metadata(fields.collect::<Vec<_>>(), filter.schema().metadata().clone());
    JoinFilter::new(Arc::clone(filter.expression()), filter.column_indices().to_vec(), Arc::new(schema))
}

/// Whether a join of sorted sides can tell two keys of this type apart.
fn is_compared(kind: &DataType) -> bool {
    kind.is_integer()
        || kind.is_string()
        || kind.is_binary()
        || matches!(kind, DataType::Boolean | DataType::Float32 | DataType::Float64 | DataType::Decimal128(..))
        || matches!(kind, DataType::Date32 | DataType::Date64 | DataType::Timestamp(_, None))
}
