//! Groups and values that no row had together before: what a distinct count grows by.
//!
//! Guarantees: the different pairs of the new rows, less those that a row of the table had before; pairs with a null
//! value are none. The files of before are asked by their keys ([`crate::index`]), or read where that cannot be.

use std::sync::Arc;

use arrow::array::{BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::datatypes::{DataType, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::{Column, JoinType, NullEquality};
use datafusion::datasource::{MemTable, TableType, provider_as_source};
use datafusion::error::{DataFusionError, Result as EngineResult};
use datafusion::logical_expr::{
    Expr, Filter, Join, JoinConstraint, LogicalPlan, LogicalPlanBuilder, Projection, SubqueryAlias, TableSource,
};
use datafusion::physical_plan::ExecutionPlan;
use millstream_core::{Error, Result};

use super::append::appended;
use super::collect::{batches, bounds};
use super::cost::may_hold;
use super::expr::{as_exprs, columns, distinct, project_keys, substituted};
use super::lookup::{bare, resolved};
use super::reason::Derived;
use super::sources::origin;
use super::touched::Touching;
use crate::engine::{Engine, FileTable, Planned};
use crate::error::from_engine;
use crate::index::{Indexed, KeyIndexes};
use crate::log::Snapshot;
use crate::stage::scan;

/// Name of the table as it was.
const BEFORE: &str = "before";

/// Pairs that are still to be found; stands in a plan until then.
#[derive(Debug)]
pub(super) struct Fresh {
    /// The different pairs of the new rows: the groups, then the value.
    pairs: LogicalPlan,
    schema: SchemaRef,
    before: Arc<Snapshot>,
    /// The pair, in names of the table's columns.
    exprs: Vec<Expr>,
    kinds: Vec<DataType>,
    filter: Option<Expr>,
}

#[async_trait]
impl TableProvider for Fresh {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn table_type(&self) -> TableType {
        TableType::Temporary
    }

    async fn scan(
        &self,
        _state: &dyn Session,
        _projection: Option<&Vec<usize>>,
        _filters: &[Expr],
        _limit: Option<usize>,
    ) -> EngineResult<Arc<dyn ExecutionPlan>> {
        Err(DataFusionError::Internal("pairs are read before they were found".into()))
    }
}

impl Touching<'_> {
    /// Pairs of `groups` and `value` that came with the new rows of `input`, as `__key0`, …; `None` when they cannot be
    /// told: `input` must be a choice of the rows of one table.
    pub(super) fn fresh(&self, input: &LogicalPlan, groups: &[Expr], value: &Expr) -> Derived<Option<LogicalPlan>> {
        let mut exprs: Vec<Expr> = groups.iter().chain([value]).cloned().collect();
        let Some(rows) = appended(input, self.changes)? else { return Ok(None) };
        let pairs = project_keys(rows, &exprs)?;
        let Some(last) = columns(&pairs).pop() else { return Ok(None) };
        let pairs = LogicalPlan::Filter(Filter::try_new(Expr::Column(last).is_not_null(), Arc::new(pairs))?);
        let pairs = distinct(pairs)?;
        let mut filters: Vec<Expr> = Vec::new();
        let mut at = input;
        let scan = loop {
            let (inner, named) = match at {
                LogicalPlan::TableScan(scan) => break scan,
                LogicalPlan::Projection(Projection { expr, input, .. }) => (input.as_ref(), expr.clone()),
                LogicalPlan::SubqueryAlias(SubqueryAlias { input, .. }) => (input.as_ref(), as_exprs(&columns(input))),
                LogicalPlan::Filter(filter) => {
                    filters.push(filter.predicate.clone());
                    at = filter.input.as_ref();
                    continue;
                }
                _ => return Ok(None),
            };
            exprs = substituted(&exprs, &columns(at), &named)?;
            filters = substituted(&filters, &columns(at), &named)?;
            at = inner;
        };
        filters.extend(scan.filters.iter().cloned());
        let change = origin(scan).and_then(|(name, _)| self.changes.by_table.get(&name));
        let change = change.filter(|change| change.went.is_none());
        let Some(before) = change.and_then(|change| change.before.clone()) else { return Ok(None) };
        let schema = Arc::new(pairs.schema().as_arrow().clone());
        let fresh = Fresh {
            kinds: schema.fields().iter().map(|field| field.data_type().clone()).collect(),
            pairs,
            schema,
            before,
            exprs: exprs.iter().map(bare).collect::<EngineResult<_>>()?,
            filter: filters.into_iter().reduce(Expr::and).map(|filter| bare(&filter)).transpose()?,
        };
        let found = LogicalPlanBuilder::scan(self.name(), provider_as_source(Arc::new(fresh)), None)?.build()?;
        Ok(Some(found))
    }
}

impl Fresh {
    /// The pairs.
    pub(super) async fn resolved(&self, engine: &Engine, indexes: &KeyIndexes) -> Result<Arc<dyn TableSource>> {
        let (plan, bytes) = resolved(engine, indexes, self.pairs.clone()).await?;
        let Some((found, schema)) = batches(engine, plan, bytes).await? else {
            // Too many to be held twice: every one of them is looked for in the rows.
            let (plan, _) = resolved(engine, indexes, self.pairs.clone()).await?;
            return self.without_those_before(engine, plan, self.before.files.to_vec()).await;
        };
        let table = MemTable::try_new(schema.clone(), vec![found.clone()]).map_err(from_engine)?;
        let pairs = LogicalPlanBuilder::scan("pairs", provider_as_source(Arc::new(table)), None)
            .and_then(LogicalPlanBuilder::build)
            .map_err(from_engine)?;
        let files = match found.iter().any(|batch| batch.num_rows() > 0) {
            true => self.files_that_may_hold(&bounds(engine, &pairs).await?),
            false => Vec::new(),
        };
        let indexed = Indexed {
            folder: &self.before.folder,
            columns: &self.before.engine_schema,
            exprs: &self.exprs,
            kinds: &self.kinds,
            filter: self.filter.as_ref(),
        };
        let rows: Vec<_> = found.iter().map(|batch| batch.columns().to_vec()).collect();
        let Some(missing) = indexes.missing(engine, &indexed, &files, &rows).await? else {
            return self.without_those_before(engine, pairs, files).await;
        };
        let mut at = 0;
        let mut kept: Vec<RecordBatch> = Vec::with_capacity(found.len());
        for batch in found {
            let mask = BooleanArray::from(missing[at..at + batch.num_rows()].to_vec());
            at += batch.num_rows();
            kept.push(filter_record_batch(&batch, &mask).map_err(|error| failed(&error))?);
        }
        Ok(provider_as_source(Arc::new(MemTable::try_new(schema, vec![kept]).map_err(from_engine)?)))
    }

    /// Files of before whose statistics leave room for one of the pairs.
    fn files_that_may_hold(
        &self,
        bounds: &[Option<(datafusion::common::ScalarValue, datafusion::common::ScalarValue)>],
    ) -> Vec<Arc<crate::log::DataFile>> {
        let known: Vec<_> = self
            .exprs
            .iter()
            .zip(bounds)
            .filter_map(|(expr, bounds)| match (expr, bounds) {
                (Expr::Column(column), Some(bounds)) => Some((column.name.as_str(), bounds)),
                _ => None,
            })
            .collect();
        let files = self.before.files.iter();
        files
            .filter(|file| known.iter().all(|(name, bounds)| may_hold(file, &self.before.engine_schema, name, bounds)))
            .cloned()
            .collect()
    }

    /// The same by reading the rows of before.
    async fn without_those_before(
        &self,
        engine: &Engine,
        pairs: LogicalPlan,
        files: Vec<Arc<crate::log::DataFile>>,
    ) -> Result<Arc<dyn TableSource>> {
        let table = FileTable::new(&self.before.folder, Arc::new(files), self.before.engine_schema.clone());
        let bytes = table.bytes();
        let plan = self.anti_join(pairs, scan(BEFORE, table)?).map_err(from_engine)?;
        let schema = Arc::new(plan.schema().as_arrow().clone());
        let planned = Planned { plan, bytes };
        let mut stream = Box::pin(engine.stream(&planned).await?);
        let mut kept = Vec::new();
        while let Some(batch) = futures::StreamExt::next(&mut stream).await {
            kept.push(batch?);
        }
        let schema = kept.first().map_or(schema, RecordBatch::schema);
        Ok(provider_as_source(Arc::new(MemTable::try_new(schema, vec![kept]).map_err(from_engine)?)))
    }

    fn anti_join(&self, pairs: LogicalPlan, before: LogicalPlan) -> EngineResult<LogicalPlan> {
        let named: Vec<Expr> = columns(&before).into_iter().map(Expr::Column).collect();
        let from: Vec<Column> = columns(&before).into_iter().map(|column| Column::from_name(column.name)).collect();
        let mut rows = before;
        if let Some(filter) = &self.filter {
            let filter = substituted(std::slice::from_ref(filter), &from, &named)?.pop();
            if let Some(filter) = filter {
                rows = LogicalPlan::Filter(Filter::try_new(filter, Arc::new(rows))?);
            }
        }
        let rows = project_keys(rows, &substituted(&self.exprs, &from, &named)?)?;
        let rows = LogicalPlanBuilder::from(rows).alias(BEFORE)?.build()?;
        let on = as_exprs(&columns(&pairs)).into_iter().zip(as_exprs(&columns(&rows))).collect();
        let join = Join::try_new(
            Arc::new(pairs),
            Arc::new(rows),
            on,
            None,
            JoinType::LeftAnti,
            JoinConstraint::On,
            NullEquality::NullEqualsNull,
            false,
        )?;
        Ok(LogicalPlan::Join(join))
    }
}

fn failed(error: &dyn std::fmt::Display) -> Error {
    Error::ours("new values cannot be told from known ones").why(error)
}
