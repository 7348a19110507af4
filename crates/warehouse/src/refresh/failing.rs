//! Rows that a query gives which should give none (a test): where it gave none before, only what has changed since
//! can give some.
//!
//! Guarantees: the count is that of the whole query. What is remembered is which data files each table had when the
//! query gave no row; files never change, so it does not matter whether those versions were published, and it is
//! forgotten with the process.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::functions_aggregate::expr_fn::count;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, lit};
use millstream_core::warehouse::{Dialect, QueryOptions};
use millstream_core::{Result, TableName};
use parking_lot::Mutex;

use super::append::appended;
use super::collect::collected;
use super::cost::Costs;
use super::expr::{as_exprs, columns};
use super::key::candidates;
use super::lookup::resolved;
use super::normal::{normalized, unsteady};
use super::settle::{Changes, settle};
use super::sources::{Source, Sources, fingerprint, origin};
use super::touched::Touching;
use crate::engine::Planned;
use crate::error::from_engine;
use crate::log::{Snapshot, changes};
use crate::warehouse::Inner;

/// Queries that are remembered; beyond that all are forgotten.
const REMEMBERED_MAX: usize = 20_000;

/// Queries that gave no row, and what they read then.
#[derive(Default)]
pub(crate) struct Empty {
    by_query: Mutex<HashMap<Query, Seen>>,
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Query {
    sql: String,
    default_schema: Option<String>,
    is_native: bool,
}

#[derive(Clone)]
struct Seen {
    plan: i64,
    tables: BTreeMap<TableName, Arc<Snapshot>>,
}

/// How many rows the query gives.
pub(crate) async fn count_failing(inner: &Inner, sql: &str, options: &QueryOptions) -> Result<u64> {
    let planned = inner.engine.plan(&inner.catalog, sql, options)?;
    let query = Query {
        sql: sql.to_owned(),
        default_schema: options.default_schema.clone(),
        is_native: options.dialect == Dialect::Native,
    };
    let seen = seen(&planned.plan)?;
    let before = inner.empty.by_query.lock().get(&query).cloned();
    let rows = match (&seen, before) {
        (Some(now), Some(before)) if now.is_of_same(&before) => since(inner, &planned, now, &before).await?,
        _ => None,
    };
    let rows = match rows {
        Some(rows) => rows,
        None => counted(inner, Planned { plan: planned.plan.clone(), bytes: planned.bytes }).await?,
    };
    let mut known = inner.empty.by_query.lock();
    match seen.filter(|_| rows == 0) {
        Some(seen) => {
            if known.len() >= REMEMBERED_MAX && !known.contains_key(&query) {
                known.clear();
            }
            known.insert(query, seen);
        }
        None => drop(known.remove(&query)),
    }
    Ok(rows)
}

impl Seen {
    /// Whether it is the same query over the same tables.
    fn is_of_same(&self, other: &Self) -> bool {
        let same = |(one, other): (&Arc<Snapshot>, &Arc<Snapshot>)| {
            one.folder == other.folder && one.engine_schema == other.engine_schema
        };
        self.plan == other.plan
            && self.tables.keys().eq(other.tables.keys())
            && self.tables.values().zip(other.tables.values()).all(same)
    }
}

/// What a plan reads; `None` when the same files need not give the same rows again.
fn seen(plan: &LogicalPlan) -> Result<Option<Seen>> {
    if unsteady(plan)?.is_some() {
        return Ok(None);
    }
    let mut tables = BTreeMap::new();
    let mut is_whole = true;
    plan.apply_with_subqueries(|node| {
        if let LogicalPlan::TableScan(scan) = node {
            match origin(scan) {
                Some((name, snapshot)) => drop(tables.insert(name, snapshot)),
                None => is_whole = false,
            }
        }
        Ok(TreeNodeRecursion::Continue)
    })
    .map_err(from_engine)?;
    Ok(is_whole.then(|| Seen { plan: fingerprint(plan), tables }))
}

/// The same from what has changed; `None` when that cannot be told, or is no cheaper.
async fn since(inner: &Inner, planned: &Planned, now: &Seen, before: &Seen) -> Result<Option<u64>> {
    let mut sources = Sources { all: Vec::new(), unknown: None };
    for (name, snapshot) in &now.tables {
        let Some(old) = before.tables.get(name) else { return Ok(None) };
        let Some(changes) = changes::between(&snapshot.folder, &old.files, &snapshot.files) else { return Ok(None) };
        sources.all.push(Source { name: name.clone(), snapshot: Arc::clone(snapshot), since: Some((0, changes)) });
    }
    let plan = normalized(planned.plan.clone(), inner.engine.planning_state())?;
    let Ok(changes) = settle(&inner.engine, &plan, &sources).await? else { return Ok(None) };
    if changes.by_table.is_empty() {
        return Ok(Some(0));
    }
    match appended(&plan, &changes) {
        Ok(None) => Ok(Some(0)),
        Ok(Some(rows)) => counted(inner, Planned { plan: rows, bytes: planned.bytes }).await.map(Some),
        Err(_) => by_keys(inner, planned, &plan, &changes).await,
    }
}

/// Every row with a key that is touched: no other row can have come.
async fn by_keys(inner: &Inner, planned: &Planned, plan: &LogicalPlan, changes: &Changes) -> Result<Option<u64>> {
    let touching = Touching::new(changes);
    let names = columns(plan);
    for places in candidates(plan, &[]) {
        let key: Vec<Expr> = as_exprs(&places.iter().map(|at| names[*at].clone()).collect::<Vec<_>>());
        let touched = match touching.touched(plan, &key) {
            Ok(Some(touched)) => touched,
            Ok(None) => return Ok(Some(0)),
            Err(_) => continue,
        };
        let Some(keys) = collected(&inner.engine, &inner.indexes, touched, planned.bytes).await? else {
            return Ok(None);
        };
        if keys.rows == Some(0) {
            return Ok(Some(0));
        }
        let Ok(rows) = touching.restricted(plan, &key, &keys) else { return Ok(None) };
        let (rows, read) = resolved(&inner.engine, &inner.indexes, rows).await?;
        if !Costs::of_reading(plan, changes.bytes(), read).favours_changes() {
            return Ok(None);
        }
        return counted(inner, Planned { plan: rows, bytes: planned.bytes }).await.map(Some);
    }
    Ok(None)
}

async fn counted(inner: &Inner, planned: Planned) -> Result<u64> {
    let plan = LogicalPlanBuilder::from(planned.plan)
        .aggregate(Vec::<Expr>::new(), vec![count(lit(1)).alias("rows")])
        .and_then(LogicalPlanBuilder::build)
        .map_err(from_engine)?;
    let rows = inner.rows_of(&Planned { plan, bytes: planned.bytes }).await?;
    Ok(rows.first().map_or(0, |row| row[0]))
}
