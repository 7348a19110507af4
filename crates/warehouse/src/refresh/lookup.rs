//! Scans that are restricted to some keys: only files that hold one of them are read.
//!
//! While a plan is made, such a scan stands there as [`Lookup`]; [`resolved`] then asks the index of keys and puts the
//! files in its place. Both give the same rows once the keys are joined to them.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::{DataType, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNodeRecursion};
use datafusion::common::{Column, TableReference};
use datafusion::datasource::{TableType, provider_as_source, source_as_provider};
use datafusion::error::Result as EngineResult;
use datafusion::logical_expr::{Expr, ExprSchemable, LogicalPlan, LogicalPlanBuilder, TableScan, TableSource};
use datafusion::physical_plan::ExecutionPlan;
use millstream_core::Result;

use super::collect::key_set;
use super::cost;
use super::expr::columns_used;
use super::fresh::Fresh;
use super::reason::Derived;
use super::restrict::Keys;
use super::sources::origin;
use super::touched::scan_of;
use crate::engine::{Engine, FileTable};
use crate::error::from_engine;
use crate::index::{Indexed, KeyIndexes, KeySet};
use crate::log::{DataFile, Snapshot};

/// A version of a table, of which the rows with some keys are wanted.
#[derive(Debug)]
struct Lookup {
    snapshot: Arc<Snapshot>,
    /// The key, in names of columns.
    exprs: Vec<Expr>,
    kinds: Vec<DataType>,
    wanted: Wanted,
}

/// The keys that are looked for.
#[derive(Debug, Clone)]
enum Wanted {
    Known(KeySet),
    /// Those that this plan gives.
    Planned(Box<LogicalPlan>),
}

impl Wanted {
    fn of(keys: &Keys) -> Self {
        match &keys.set {
            Some(set) => Self::Known(set.clone()),
            None => Self::Planned(Box::new(keys.plan.clone())),
        }
    }
}

#[async_trait]
impl TableProvider for Lookup {
    fn schema(&self) -> SchemaRef {
        self.snapshot.engine_schema.clone()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> EngineResult<Arc<dyn ExecutionPlan>> {
        FileTable::of(&self.snapshot).scan(state, projection, filters, limit).await
    }
}

/// The scan as one that is looked up; `None` when the keys are not all of this table.
pub(super) fn by_index(scan: &TableScan, exprs: &[Expr], keys: &Keys) -> Derived<Option<LogicalPlan>> {
    let Some((_, snapshot)) = origin(scan) else { return Ok(None) };
    let is_own = |column: &Column| scan.projected_schema.has_column(column);
    let used = columns_used(exprs);
    if used.is_empty() || !used.iter().all(is_own) {
        return Ok(None);
    }
    let kinds = exprs.iter().map(|expr| expr.get_type(scan.projected_schema.as_ref())).collect::<EngineResult<_>>()?;
    let exprs = exprs.iter().map(bare).collect::<EngineResult<_>>()?;
    let lookup = Lookup { snapshot, exprs, kinds, wanted: Wanted::of(keys) };
    Ok(Some(scan_of(scan, provider_as_source(Arc::new(lookup)))?))
}

/// A table's own rows, of files that may hold some keys, under a name. `names` are the key's columns.
pub(super) fn own_rows(name: &str, own: &Arc<Snapshot>, names: &[String], keys: &Keys) -> Derived<LogicalPlan> {
    let exprs: Vec<Expr> = names.iter().map(|name| Expr::Column(Column::from_name(name))).collect();
    let schema = own.engine_schema.as_ref();
    let kinds: Option<Vec<DataType>> =
        names.iter().map(|name| schema.field_with_name(name).ok().map(|field| field.data_type().clone())).collect();
    let source: Arc<dyn TableProvider> = match kinds {
        Some(kinds) => Arc::new(Lookup { snapshot: Arc::clone(own), exprs, kinds, wanted: Wanted::of(keys) }),
        None => Arc::new(FileTable::of(own)),
    };
    let scan = LogicalPlanBuilder::scan(TableReference::bare(name), provider_as_source(source), None);
    Ok(scan.and_then(LogicalPlanBuilder::build)?)
}

/// The expression in bare names of columns.
pub(super) fn bare(expr: &Expr) -> EngineResult<Expr> {
    use datafusion::common::tree_node::TreeNode;
    let renamed = expr.clone().unalias_nested().data.transform_up(|part| {
        Ok(match part {
            Expr::Column(column) => Transformed::yes(Expr::Column(Column::from_name(column.name))),
            other => Transformed::no(other),
        })
    });
    renamed.data()
}

/// The plan with files in the place of lookups, and the bytes of all files that it reads.
pub(super) async fn resolved(engine: &Engine, indexes: &KeyIndexes, plan: LogicalPlan) -> Result<(LogicalPlan, u64)> {
    let mut asked: Vec<Arc<dyn TableProvider>> = Vec::new();
    plan.apply_with_subqueries(|node| {
        if let LogicalPlan::TableScan(scan) = node {
            asked.extend(asked_by(scan));
        }
        Ok(TreeNodeRecursion::Continue)
    })
    .map_err(from_engine)?;
    let mut found: HashMap<usize, Arc<dyn TableSource>> = HashMap::new();
    let mut bytes = cost::bytes_below(&plan);
    for provider in &asked {
        if found.contains_key(&address(provider)) {
            continue;
        }
        if let Some(fresh) = of_kind::<Fresh>(provider) {
            found.insert(address(provider), Box::pin(fresh.resolved(engine, indexes)).await?);
        }
        let Some(lookup) = of_kind::<Lookup>(provider) else { continue };
        let files = holding(engine, indexes, lookup).await?;
        bytes += files.iter().map(|file| file.add.size).sum::<u64>();
        let snapshot = &lookup.snapshot;
        let table = FileTable::new(&snapshot.folder, Arc::new(files), snapshot.engine_schema.clone());
        found.insert(address(provider), provider_as_source(Arc::new(table)));
    }
    let plan = plan.transform_up_with_subqueries(|node| {
        let LogicalPlan::TableScan(scan) = &node else { return Ok(Transformed::no(node)) };
        let Some(provider) = asked_by(scan) else { return Ok(Transformed::no(node)) };
        let Some(source) = found.get(&address(&provider)) else { return Ok(Transformed::no(node)) };
        let made = scan_of(scan, Arc::clone(source));
        made.map(Transformed::yes).map_err(|reason| datafusion::error::DataFusionError::Plan(reason.0))
    });
    Ok((plan.data().map_err(from_engine)?, bytes))
}

/// A lookup's place in memory tells it apart.
fn address(provider: &Arc<dyn TableProvider>) -> usize {
    Arc::as_ptr(provider).addr()
}

fn of_kind<T: 'static>(provider: &Arc<dyn TableProvider>) -> Option<&T> {
    let any: &dyn std::any::Any = provider.as_ref();
    any.downcast_ref()
}

/// What stands in a plan until it is resolved.
fn asked_by(scan: &TableScan) -> Option<Arc<dyn TableProvider>> {
    let provider = source_as_provider(&scan.source).ok()?;
    let is_asked = of_kind::<Lookup>(&provider).is_some() || of_kind::<Fresh>(&provider).is_some();
    is_asked.then_some(provider)
}

async fn holding(engine: &Engine, indexes: &KeyIndexes, lookup: &Lookup) -> Result<Vec<Arc<DataFile>>> {
    let snapshot = &lookup.snapshot;
    let indexed = Indexed {
        folder: &snapshot.folder,
        columns: &snapshot.engine_schema,
        exprs: &lookup.exprs,
        kinds: &lookup.kinds,
        filter: None,
    };
    let keys = match &lookup.wanted {
        Wanted::Known(keys) => Some(keys.clone()),
        // It may look up keys itself.
        Wanted::Planned(plan) => {
            let (plan, bytes) = Box::pin(resolved(engine, indexes, plan.as_ref().clone())).await?;
            key_set(engine, plan, bytes).await?
        }
    };
    let found = match keys {
        Some(keys) => indexes.holding(engine, &indexed, &snapshot.files, &keys).await?,
        None => None,
    };
    Ok(found.unwrap_or_else(|| snapshot.files.to_vec()))
}

/// The files of a table that may hold rows with some keys in these columns.
pub(super) async fn holding_in(
    engine: &Engine,
    indexes: &KeyIndexes,
    own: &Snapshot,
    names: &[String],
    files: Vec<Arc<DataFile>>,
    keys: &Keys,
) -> Result<Vec<Arc<DataFile>>> {
    let Some(set) = keys.set.as_ref() else { return Ok(files) };
    let exprs: Vec<Expr> = names.iter().map(|name| Expr::Column(Column::from_name(name))).collect();
    let kinds: Option<Vec<DataType>> = names
        .iter()
        .map(|name| own.engine_schema.field_with_name(name).ok().map(|field| field.data_type().clone()))
        .collect();
    let Some(kinds) = kinds else { return Ok(files) };
    let indexed =
        Indexed { folder: &own.folder, columns: &own.engine_schema, exprs: &exprs, kinds: &kinds, filter: None };
    let found = indexes.holding(engine, &indexed, &files, set).await?;
    Ok(found.unwrap_or(files))
}
