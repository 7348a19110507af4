//! What a refresh from changes costs, against making the table whole.
//!
//! Both are estimated in bytes that are read or written: of a table that is scanned for keys about a third of the
//! columns are read; a file that holds a replaced row is read and written whole.

use datafusion::common::ScalarValue;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::logical_expr::LogicalPlan;

use super::sources::origin;
use crate::log::{DataFile, Snapshot};

/// Part of a table's bytes that looking for keys in it reads.
const LOOKUP_PART: u64 = 3;

/// Bytes of the tables that a plan scans, each as often as it is scanned.
pub(super) fn bytes_below(plan: &LogicalPlan) -> u64 {
    let mut bytes = 0;
    let _ = plan.apply_with_subqueries(|node| {
        if let LogicalPlan::TableScan(scan) = node
            && let Some((_, snapshot)) = origin(scan)
        {
            bytes += size(&snapshot);
        }
        Ok(TreeNodeRecursion::Continue)
    });
    bytes
}

/// Bytes of a version of a table.
pub(super) fn size(snapshot: &Snapshot) -> u64 {
    snapshot.files.iter().map(|file| file.add.size).sum()
}

/// What the two ways cost.
#[derive(Debug, Clone, Copy)]
pub(super) struct Costs {
    pub from_changes: u64,
    pub whole: u64,
}

impl Costs {
    /// Of replacing the rows of some keys. `plan` is the whole query, `changed` the bytes of what changed, `touched`
    /// the part of the table's rows that may be replaced.
    pub(super) fn of_keys(plan: &LogicalPlan, own: &Snapshot, changed: u64, touched: f64) -> Self {
        let (read, written) = (bytes_below(plan), size(own));
        let part = |bytes: u64| (bytes as f64 * touched.clamp(0.0, 1.0)) as u64;
        let from_changes = changed.saturating_mul(2)
            + read / LOOKUP_PART
            + part(read)
            + written / LOOKUP_PART
            + part(written).saturating_mul(3);
        Self { from_changes, whole: read + written.saturating_mul(2) }
    }

    /// Whether going by changes is not dearer.
    pub(super) fn favours_changes(self) -> bool {
        self.from_changes <= self.whole
    }
}

/// Whether a file may hold a value between two others, as far as its statistics tell.
pub(super) fn may_hold(
    file: &DataFile,
    schema: &arrow::datatypes::Schema,
    column: &str,
    bounds: &(ScalarValue, ScalarValue),
) -> bool {
    let Ok(place) = schema.index_of(column) else { return true };
    let statistics = file.planner_statistics(schema);
    let Some(statistics) = statistics.column_statistics.get(place) else { return true };
    let below = |one: Option<&ScalarValue>, other: Option<&ScalarValue>| match (one, other) {
        (Some(one), Some(other)) => one < other,
        _ => false,
    };
    !(below(statistics.max_value.get_value(), Some(&bounds.0))
        || below(Some(&bounds.1), statistics.min_value.get_value()))
}
