//! Tests that ask each row of one table for itself (`not_null`, `accepted_values`, an expression that must be true): where
//! they found nothing before, the rows of new files alone are asked, without planning anything again.
//!
//! Guarantees: where it says that no row fails, the whole query gives none. That holds as long as the query names the
//! table itself, not a view, and its last answer was empty: rows that go take nothing but rows of the result away, and a
//! group whose rows all pass a condition on what it groups by passes it.

use std::path::Path;
use std::sync::Arc;

use arrow::array::AsArray;
use datafusion::common::DFSchema;
use datafusion::logical_expr::{Distinct, Expr, LogicalPlan, TableScan};
use datafusion::physical_expr::PhysicalExpr;
use futures::StreamExt;
use millstream_core::warehouse::{AsOf, QueryOptions};
use millstream_core::{Result, TableName};

use super::expr::{as_exprs, columns, substituted};
use super::sources::origin;
use crate::engine::{Engine, FileTable, Stand};
use crate::error::from_engine;
use crate::log::{DataFile, Snapshot};
use crate::stage::staged_of;
use crate::warehouse::Inner;

/// The question that a query asks each row.
#[derive(Debug, Clone)]
pub(super) struct RowTest {
    pub name: TableName,
    /// Places of the columns that it reads.
    projection: Option<Vec<usize>>,
    /// True for rows that fail.
    fails: Arc<dyn PhysicalExpr>,
}

impl RowTest {
    /// Of a query and its plan in normal form; `None` when the query asks more than that.
    pub(super) fn of(engine: &Engine, plan: &LogicalPlan, sql: &str, options: &QueryOptions) -> Result<Option<Self>> {
        let Some((scan, conditions)) = asked(plan, Vec::new()) else { return Ok(None) };
        let Some((name, _)) = origin(scan) else { return Ok(None) };
        let statement = millstream_sql::parse_one_in(options.dialect, sql)?;
        let is_named = match millstream_sql::table_refs(&statement).as_slice() {
            [only] => only.parts.ends_with(&[name.schema.clone(), name.name.clone()]),
            _ => false,
        };
        let Some(fails) = conditions.into_iter().reduce(Expr::and).filter(|_| is_named) else { return Ok(None) };
        let Ok(fails) = engine.planning_state().create_physical_expr(fails, &scan.projected_schema) else {
            return Ok(None);
        };
        Ok(Some(Self { name, projection: scan.projection.clone(), fails }))
    }

    /// The version of the table that the query reads now; `None` when it is not there, or is a view.
    pub(super) fn table(&self, inner: &Inner, options: &QueryOptions) -> Result<Option<Arc<Snapshot>>> {
        if options.as_of != AsOf::Latest {
            return Ok(None);
        }
        if let Some(staged) = options.staged.iter().find(|staged| *staged.name() == self.name) {
            return Ok(match staged_of(staged.as_ref())? {
                Stand::Table { folder, files, engine_schema } => {
                    Some(Arc::new(Snapshot::of_files(&folder, files, engine_schema)))
                }
                Stand::View(_) => None,
            });
        }
        match (inner.catalog.view(&self.name)?, options.pins.get(&self.name)) {
            (Some(_), _) => Ok(None),
            (None, Some(version)) => inner.catalog.past(&self.name, *version),
            (None, None) => inner.catalog.table(&self.name),
        }
    }

    /// Whether a row of these files may fail. What cannot be computed may.
    pub(super) async fn may_fail(&self, engine: &Engine, table: &Snapshot, files: Vec<Arc<DataFile>>) -> Result<bool> {
        let table = files_of(&table.folder, files, table);
        let mut rows = Box::pin(engine.scan(&table, self.projection.as_ref()).await?);
        while let Some(batch) = rows.next().await {
            let batch = batch?;
            let Ok(value) = self.fails.evaluate(&batch).and_then(|value| value.into_array(batch.num_rows())) else {
                return Ok(true);
            };
            if value.as_boolean_opt().is_none_or(|fails| fails.true_count() > 0) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

fn files_of(folder: &Path, files: Vec<Arc<DataFile>>, table: &Snapshot) -> FileTable {
    FileTable::new(folder, Arc::new(files), table.engine_schema.clone())
}

/// The only table that a plan reads, and the conditions under which one of its rows leads to a row of the result, in terms
/// of the table's columns. `conditions` are those above the plan.
fn asked(plan: &LogicalPlan, conditions: Vec<Expr>) -> Option<(&TableScan, Vec<Expr>)> {
    let said = |conditions: &[Expr], values: &[Expr]| substituted(conditions, &columns(plan), values).ok();
    match plan {
        LogicalPlan::Projection(node) => {
            let conditions = said(&conditions, &node.expr)?;
            asked(&node.input, conditions)
        }
        LogicalPlan::SubqueryAlias(node) => {
            let conditions = said(&conditions, &as_exprs(&columns(&node.input)))?;
            asked(&node.input, conditions)
        }
        LogicalPlan::Filter(node) => {
            let mut conditions = conditions;
            conditions.push(node.predicate.clone());
            asked(&node.input, conditions)
        }
        LogicalPlan::Distinct(Distinct::All(input)) => asked(input, conditions),
        LogicalPlan::Sort(node) if node.fetch.is_none() => asked(&node.input, conditions),
        LogicalPlan::Aggregate(node) => {
            let is_plain = !matches!(node.group_expr.as_slice(), [] | [Expr::GroupingSet(_)]);
            let groups = &columns(plan)[..node.group_expr.len().min(columns(plan).len())];
            let is_of_groups = |column: &&datafusion::common::Column| groups.contains(column);
            if !is_plain || !conditions.iter().all(|condition| condition.column_refs().iter().all(is_of_groups)) {
                return None;
            }
            let conditions = substituted(&conditions, groups, &node.group_expr).ok()?;
            asked(&node.input, conditions)
        }
        LogicalPlan::TableScan(scan) => {
            let mut conditions = conditions;
            conditions.extend(scan.filters.iter().cloned());
            let is_limited = scan.fetch.is_some();
            (!is_limited && !conditions.is_empty()).then_some((scan, conditions))
        }
        _ => None,
    }
}
