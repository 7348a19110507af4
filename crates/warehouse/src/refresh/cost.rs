//! What a refresh from changes costs, against making the table whole.
//!
//! Both are estimated in bytes of files that are read or written, and what is written counts twice: of a table that is
//! scanned for keys about a third of the columns are read; a file that holds a replaced row is read and written whole.

use datafusion::common::ScalarValue;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::logical_expr::LogicalPlan;

use super::reason::Reason;
use super::restrict::Keys;
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
    /// What changed, read twice.
    changed: u64,
    /// The part of all bytes that rows of the touched keys take.
    touched: u64,
    /// Bytes in which keys are looked for.
    searched: u64,
    /// Bytes of the table's own files that are written anew.
    rewritten: u64,
    pub whole: u64,
}

impl Costs {
    /// Of replacing the rows of some keys, at the least. `plan` is the whole query, `changed` the bytes of what changed,
    /// `touched` the part of the table's rows that may be replaced.
    pub(super) fn of_keys(plan: &LogicalPlan, own: &Snapshot, changed: u64, touched: f64) -> Self {
        let (read, written) = (bytes_below(plan), size(own));
        let touched = (read as f64 * touched.clamp(0.0, 1.0)) as u64;
        let whole = read + written.saturating_mul(2);
        Self { changed: changed.saturating_mul(2), touched, searched: 0, rewritten: 0, whole }
    }

    /// The same once it is known how many bytes of tables are read, and how many of the table's own files have touched
    /// rows, or may have them when they were not looked up.
    pub(super) fn looked_up(&mut self, read: u64, own: u64, is_certain: bool) {
        self.searched = (read + own) / LOOKUP_PART;
        self.touched = self.touched.min(read);
        self.rewritten = if is_certain { own.saturating_mul(3) } else { own };
    }

    /// Of reading alone: `read` bytes of tables in which keys are looked for, against the whole query.
    pub(super) fn of_reading(plan: &LogicalPlan, changed: u64, read: u64) -> Self {
        let (changed, whole) = (changed.saturating_mul(2), bytes_below(plan));
        Self { changed, touched: 0, searched: read / LOOKUP_PART, rewritten: 0, whole }
    }

    fn by_changes(self) -> u64 {
        self.changed + self.touched + self.searched + self.rewritten
    }

    /// Whether going by changes is not dearer.
    pub(super) fn favours_changes(self) -> bool {
        self.by_changes() <= self.whole
    }

    /// Why the table is made whole, when it does not.
    pub(super) fn reason(self) -> Reason {
        let (by_changes, whole) = (bytes(self.by_changes()), bytes(self.whole));
        Reason::new(format!("going by changes would read and write about {by_changes}, making it whole {whole}"))
    }
}

/// Whether a file may have rows with some of the keys, as far as its statistics tell. `names` are the key's columns.
pub(super) fn may_hold_keys(file: &DataFile, own: &Snapshot, names: &[String], keys: &Keys) -> bool {
    names
        .iter()
        .zip(&keys.bounds)
        .all(|(name, bounds)| bounds.as_ref().is_none_or(|bounds| may_hold(file, &own.engine_schema, name, bounds)))
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

/// Bytes for people.
fn bytes(count: u64) -> String {
    match count {
        0..=999_999 => format!("{} kB", count.div_ceil(1_000)),
        1_000_000..=999_999_999 => format!("{} MB", count / 1_000_000),
        _ => format!("{} GB", count / 1_000_000_000),
    }
}
