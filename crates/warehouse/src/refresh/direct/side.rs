//! One table of a query, as far as the query only chooses and computes from its rows.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::datatypes::DataType;
use datafusion::common::Column;
use datafusion::logical_expr::utils::split_conjunction_owned;
use datafusion::logical_expr::{Distinct, Expr, ExprSchemable, LogicalPlan, TableScan};
use datafusion::physical_expr::PhysicalExpr;
use futures::StreamExt;
use millstream_core::warehouse::{AsOf, QueryOptions};
use millstream_core::{Error, Result, TableName};

use crate::engine::{Engine, FileTable, Stand};
use crate::index::Indexed;
use crate::log::changes::{self, FileChanges};
use crate::log::{DataFile, Snapshot};
use crate::refresh::expr::{as_exprs, columns, substituted};
use crate::refresh::lookup::bare;
use crate::refresh::recent::Rows;
use crate::refresh::sources::origin;
use crate::stage::staged_of;
use crate::warehouse::Inner;

/// Rows of a table, of which some are chosen, and values of them.
#[derive(Debug, Clone)]
pub(super) struct Side {
    pub name: TableName,
    /// Places of the columns that are read.
    projection: Option<Vec<usize>>,
    /// True for rows that are chosen.
    chosen: Option<Arc<dyn PhysicalExpr>>,
    values: Vec<Arc<dyn PhysicalExpr>>,
    pub kinds: Vec<DataType>,
    /// The values and the choice in bare names of columns, as indexes know them.
    exprs: Vec<Expr>,
    filter: Option<Expr>,
}

/// A table as it was when the query was asked last, as it is now, and what lies between.
pub(super) struct Moved {
    pub now: Arc<Snapshot>,
    pub files: FileChanges,
    /// Rows that came, where they are known apart from those that were written again as they were.
    pub recent: Option<Arc<Rows>>,
}

impl Moved {
    /// Files all of whose rows are new.
    pub(super) fn new_files(&self) -> HashSet<&str> {
        match &self.recent {
            Some(rows) => rows.new.iter().map(String::as_str).collect(),
            None => self.files.added.iter().map(|file| file.add.path.as_str()).collect(),
        }
    }
}

/// Values of some rows that are chosen.
pub(super) struct Values {
    pub batches: Vec<Vec<ArrayRef>>,
    pub rows: usize,
}

impl Side {
    /// The only table below a plan; `None` when the plan does more than choose and compute. `exprs` and `conditions` are
    /// said in columns of the plan.
    pub(super) fn of(engine: &Engine, plan: &LogicalPlan, exprs: Vec<Expr>, conditions: Vec<Expr>) -> Option<Self> {
        let (scan, exprs, conditions) = reduced(plan, exprs, conditions)?;
        let (name, _) = origin(scan)?;
        let schema = &scan.projected_schema;
        let physical = |expr: &Expr| engine.planning_state().create_physical_expr(expr.clone(), schema).ok();
        let filter = conditions.into_iter().reduce(Expr::and);
        Some(Self {
            name,
            projection: scan.projection.clone(),
            chosen: filter.as_ref().map(physical).map_or(Some(None), |chosen| chosen.map(Some))?,
            values: exprs.iter().map(physical).collect::<Option<_>>()?,
            kinds: exprs.iter().map(|expr| expr.get_type(schema.as_ref()).ok()).collect::<Option<_>>()?,
            exprs: exprs.iter().map(|expr| bare(expr).ok()).collect::<Option<_>>()?,
            filter: filter.as_ref().map(bare).transpose().ok()?,
        })
    }

    /// Whether rows are chosen at all.
    pub(super) fn chooses(&self) -> bool {
        self.chosen.is_some()
    }

    /// The version that the query reads now; `None` when there is none, or a view.
    fn now(&self, inner: &Inner, options: &QueryOptions) -> Result<Option<Arc<Snapshot>>> {
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

    /// What has happened to the table; `None` when that cannot be told.
    pub(super) fn moved(
        &self,
        inner: &Inner,
        before: &BTreeMap<TableName, Arc<Snapshot>>,
        options: &QueryOptions,
    ) -> Result<Option<Moved>> {
        let (Some(now), Some(old)) = (self.now(inner, options)?, before.get(&self.name)) else { return Ok(None) };
        if now.folder != old.folder || now.engine_schema != old.engine_schema {
            return Ok(None);
        }
        let old = inner.rearranged.followed(&now.folder, &old.files, &now.files);
        let files = changes::between(&now.folder, &old, &now.files);
        Ok(files.map(|files| {
            let recent = inner.recent.between(&now.folder, &files.removed, &files.added);
            Moved { now, files, recent: recent.filter(|rows| !rows.new.is_empty() || rows.came.is_empty()) }
        }))
    }

    /// How an index knows the values.
    pub(super) fn indexed<'a>(&'a self, table: &'a Snapshot) -> Indexed<'a> {
        Indexed {
            folder: &table.folder,
            columns: &table.engine_schema,
            exprs: &self.exprs,
            kinds: &self.kinds,
            filter: self.filter.as_ref(),
        }
    }

    /// Values of the chosen rows that came, or of more; `None` when they cannot be computed.
    pub(super) async fn came(&self, engine: &Engine, table: &Moved) -> Result<Option<Values>> {
        let Some(rows) = &table.recent else { return self.values(engine, &table.now, &table.files.added).await };
        let mut values = Values { batches: Vec::new(), rows: 0 };
        for batch in &rows.came {
            let batch = match &self.projection {
                Some(places) => batch.project(places),
                None => Ok(batch.clone()),
            };
            let batch = batch.map_err(|error| Error::ours("rows that came are not those of the table").why(error))?;
            if self.add(batch, &mut values).is_none() {
                return Ok(None);
            }
        }
        Ok(Some(values))
    }

    /// Values of the chosen rows of some files; `None` when they cannot be computed.
    pub(super) async fn values(
        &self,
        engine: &Engine,
        table: &Snapshot,
        files: &[Arc<DataFile>],
    ) -> Result<Option<Values>> {
        let mut values = Values { batches: Vec::new(), rows: 0 };
        if files.is_empty() {
            return Ok(Some(values));
        }
        let files = FileTable::new(&table.folder, Arc::new(files.to_vec()), table.engine_schema.clone());
        let mut read = Box::pin(engine.scan(&files, self.projection.as_ref()).await?);
        while let Some(batch) = read.next().await {
            if self.add(batch?, &mut values).is_none() {
                return Ok(None);
            }
        }
        Ok(Some(values))
    }

    fn add(&self, batch: RecordBatch, values: &mut Values) -> Option<()> {
        let batch = self.choose(batch)?;
        let computed = self.values.iter().map(|value| value.evaluate(&batch)?.into_array(batch.num_rows()));
        values.batches.push(computed.collect::<datafusion::error::Result<Vec<ArrayRef>>>().ok()?);
        values.rows += batch.num_rows();
        Some(())
    }

    fn choose(&self, batch: RecordBatch) -> Option<RecordBatch> {
        let Some(chosen) = &self.chosen else { return Some(batch) };
        let chosen = chosen.evaluate(&batch).and_then(|value| value.into_array(batch.num_rows())).ok()?;
        filter_record_batch(&batch, chosen.as_boolean_opt()?).ok()
    }
}

type Reduced<'a> = (&'a TableScan, Vec<Expr>, Vec<Expr>);

/// The scan below a plan, and the expressions and conditions in its columns. A condition on what is grouped by is one on
/// the rows: a group is there when one of its rows is chosen.
fn reduced(plan: &LogicalPlan, exprs: Vec<Expr>, conditions: Vec<Expr>) -> Option<Reduced<'_>> {
    let down = |names: &[Column], values: &[Expr]| {
        Some((substituted(&exprs, names, values).ok()?, substituted(&conditions, names, values).ok()?))
    };
    match plan {
        LogicalPlan::Projection(node) => {
            let (exprs, conditions) = down(&columns(plan), &node.expr)?;
            reduced(&node.input, exprs, conditions)
        }
        LogicalPlan::SubqueryAlias(node) => {
            let (exprs, conditions) = down(&columns(plan), &as_exprs(&columns(&node.input)))?;
            reduced(&node.input, exprs, conditions)
        }
        LogicalPlan::Filter(node) => {
            let mut conditions = conditions;
            conditions.extend(split_conjunction_owned(node.predicate.clone()));
            reduced(&node.input, exprs, conditions)
        }
        LogicalPlan::Distinct(Distinct::All(input)) => reduced(input, exprs, conditions),
        LogicalPlan::Sort(node) if node.fetch.is_none() => reduced(&node.input, exprs, conditions),
        LogicalPlan::Aggregate(node) => {
            let is_plain = !matches!(node.group_expr.as_slice(), [] | [Expr::GroupingSet(_)]);
            let all = columns(plan);
            let groups = &all[..node.group_expr.len().min(all.len())];
            let is_of_groups = |expr: &Expr| expr.column_refs().into_iter().all(|column| groups.contains(column));
            if !is_plain || !exprs.iter().chain(&conditions).all(is_of_groups) {
                return None;
            }
            let (exprs, conditions) = down(groups, &node.group_expr)?;
            reduced(&node.input, exprs, conditions)
        }
        LogicalPlan::TableScan(scan) if scan.fetch.is_none() => {
            let mut conditions = conditions;
            conditions.extend(scan.filters.iter().cloned());
            Some((scan, exprs, conditions))
        }
        _ => None,
    }
}
