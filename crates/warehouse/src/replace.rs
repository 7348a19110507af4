//! Taking out all rows with one value in a column: files that hold nothing else go whole, files that cannot hold it
//! stay, the rest is rewritten without these rows.

use std::sync::Arc;

use datafusion::datasource::provider_as_source;
use datafusion::logical_expr::{LogicalPlanBuilder, lit};
use datafusion::prelude::Expr;
use millstream_core::Result;
use millstream_core::warehouse::Part;

use crate::engine::{FileTable, Planned};
use crate::error::from_engine;
use crate::log::{DataFile, Snapshot, stats};
use crate::warehouse::Inner;
use crate::write::{Output, write_plan};

/// What a commit must do to take the rows out.
#[derive(Default)]
pub(crate) struct Replacement {
    pub removed: Vec<Arc<DataFile>>,
    /// Rewritten rows that stay.
    pub kept: Vec<Part>,
    pub rows_removed: u64,
}

/// Prepares the removal; the rewritten files are in no version yet.
pub(crate) async fn replace_rows(inner: &Inner, snapshot: &Snapshot, column: &str, value: &str) -> Result<Replacement> {
    let mut replacement = Replacement::default();
    let mut mixed = Vec::new();
    for file in snapshot.files.iter() {
        match (stats::holds_only(file.stats(), column, value), file.rows()) {
            (Some(false), _) => {}
            (Some(true), Some(rows)) => {
                replacement.removed.push(file.clone());
                replacement.rows_removed += rows;
            }
            _ => mixed.push(file.clone()),
        }
    }
    if mixed.is_empty() {
        return Ok(replacement);
    }
    let rows_before = inner.count(snapshot, &mixed).await?;
    let table = FileTable::new(&snapshot.folder, Arc::new(mixed.clone()), snapshot.engine_schema.clone());
    let bytes = table.bytes();
    // A name with dots or capitals must not be taken apart.
    let column = Expr::Column(datafusion::common::Column::from_name(column));
    // Rows whose value is null are not the value, so they stay.
    let other = column.clone().not_eq(lit(value)).or(column.is_null());
    let plan = LogicalPlanBuilder::scan("kept", provider_as_source(Arc::new(table)), None)
        .and_then(|plan| plan.filter(other))
        .and_then(LogicalPlanBuilder::build)
        .map_err(from_engine)?;
    let (physical, context) = inner.engine.physical(&Planned { plan, bytes }).await?;
    let output = Output {
        folder: snapshot.folder.clone(),
        stored: snapshot.schema.clone(),
        ids: inner.options.ids.clone(),
        durable: true,
    };
    let written = write_plan(physical, context, output).await?;
    replacement.rows_removed += rows_before - written.rows();
    replacement.kept = written.parts;
    replacement.removed.extend(mixed);
    Ok(replacement)
}
