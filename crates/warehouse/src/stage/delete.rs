//! Taking out the rows of a condition: only files that hold such rows are rewritten.

use std::collections::BTreeSet;
use std::sync::Arc;

use datafusion::functions_aggregate::expr_fn::count;
use datafusion::logical_expr::{Expr, LogicalPlanBuilder, lit};
use millstream_core::Result;
use millstream_core::warehouse::Staged;

use super::align::{Aligned, align};
use super::keys::{column, scan};
use super::merge::{Guard, project};
use super::staged::{StagedVersion, TableChange};
use super::{Request, rows};
use crate::engine::{FILE_NUMBER, FileTable, Planned};
use crate::error::from_engine;
use crate::log::{DataFile, Snapshot};

/// What a condition may call the table.
const TARGET: &str = "dbt_internal_dest";

/// Rows of the condition go, the query's rows come. A condition that is null for a row leaves it.
pub(super) async fn delete_where(request: &Request<'_>, sql: &str, condition: &str) -> Result<Arc<dyn Staged>> {
    let base = request.base()?;
    let planned = request.plan(sql)?;
    let Aligned { planned, stored, rewrites_all } = align(request, planned, &base)?;
    let condition = of_target(request, &base, condition)?;
    let source = rows::write(request, &planned, stored.clone()).await?;
    let mut guard = Guard { request, parts: source.parts.clone() };
    let (touched, matched) = touched(request, &base, &condition).await?;
    let removed = if rewrites_all { base.files.to_vec() } else { touched };
    let mut change =
        TableChange { rows_new: source.rows(), added: source.parts, rows_gone: matched, ..TableChange::default() };
    if !removed.is_empty() {
        let target = FileTable::new(&base.folder, Arc::new(removed.clone()), base.engine_schema.clone());
        let bytes = target.bytes();
        let plan = LogicalPlanBuilder::from(scan(TARGET, target)?)
            .filter(Expr::IsNotTrue(Box::new(condition)))
            .and_then(|plan| plan.project(project(&base, &stored, TARGET)))
            .and_then(LogicalPlanBuilder::build)
            .map_err(from_engine)?;
        let kept = rows::write(request, &Planned { plan, bytes }, stored.clone()).await?;
        guard.parts.extend(kept.parts.iter().cloned());
        change.added.extend(kept.parts);
        change.removed = removed;
    }
    // From here on the staged version answers for the files.
    guard.parts.clear();
    drop(guard);
    change.base = Some(base);
    StagedVersion::table(request, stored, change)
}

fn of_target(request: &Request<'_>, base: &Snapshot, condition: &str) -> Result<Expr> {
    let target = [(TARGET, base.engine_schema.clone())];
    request.inner.engine.condition(&request.inner.catalog, condition, &target, request.options)
}

/// Files that hold rows of the condition, and how many such rows there are.
async fn touched(request: &Request<'_>, base: &Snapshot, condition: &Expr) -> Result<(Vec<Arc<DataFile>>, u64)> {
    if base.files.is_empty() {
        return Ok((Vec::new(), 0));
    }
    let target = FileTable::of(base).with_file_numbers();
    let bytes = target.bytes();
    let plan = LogicalPlanBuilder::from(scan(TARGET, target)?)
        .filter(condition.clone())
        .and_then(|plan| plan.aggregate(vec![column(TARGET, FILE_NUMBER)], vec![count(lit(1)).alias("rows")]))
        .and_then(LogicalPlanBuilder::build)
        .map_err(from_engine)?;
    let found = request.inner.rows_of(&Planned { plan, bytes }).await?;
    let numbers: BTreeSet<usize> = found.iter().map(|row| row[0] as usize).collect();
    let touched = base.files.iter().enumerate().filter(|(at, _)| numbers.contains(at)).map(|(_, file)| file.clone());
    Ok((touched.collect(), found.iter().map(|row| row[1]).sum()))
}
