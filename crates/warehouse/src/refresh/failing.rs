//! Rows that a query gives which should give none (a test): where it gave none before, only what has changed since
//! can give some; and what its small aggregates gave is kept (see [`super::kept`]).
//!
//! Guarantees: the count is that of the whole query. What is remembered is which data files each table had when the
//! query was asked; files never change, so it does not matter whether those versions were published, and it is
//! forgotten with the process.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::functions_aggregate::expr_fn::count;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, lit};
use millstream_core::warehouse::{Dialect, Failing, QueryOptions};
use millstream_core::{Result, TableName};
use parking_lot::Mutex;

use super::append::appended;
use super::collect::collected;
use super::cost::Costs;
use super::derive::may_succeed_whole;
use super::direct::DirectTest;
use super::expr::{as_exprs, columns};
use super::kept::{Kept, with_kept};
use super::key::candidates;
use super::lookup::resolved;
use super::normal::{nested, normalized, unsteady};
use super::settle::{Changes, settle};
use super::sources::{Source, Sources, fingerprint, made, origin};
use super::touched::Touching;
use crate::engine::Planned;
use crate::error::from_engine;
use crate::log::{Snapshot, changes};
use crate::warehouse::Inner;

/// Bytes that a question may read again and again while its aggregates could be kept.
const AGAIN_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// Touched keys up to which a query's aggregates are taken to be small.
const KEPT_KEYS_MAX: u64 = 1_000;

/// Queries that are remembered; beyond that all are forgotten.
const REMEMBERED_MAX: usize = 20_000;

/// Queries that were asked, and what they read then.
#[derive(Default)]
pub(crate) struct SeenQueries {
    by_query: Mutex<HashMap<Query, Seen>>,
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Query {
    sql: String,
    default_schema: Option<String>,
    is_native: bool,
}

#[derive(Clone)]
pub(super) struct Seen {
    plan: i64,
    pub(super) tables: BTreeMap<TableName, Arc<Snapshot>>,
    /// Whether the query gave no row.
    is_empty: bool,
    /// What its aggregates gave, where they are kept.
    kept: Option<Vec<Option<Kept>>>,
    /// The test that it is, if it has a common form; `None` as long as that was not looked at.
    direct: Option<Option<Arc<DirectTest>>>,
}

/// How many rows the query gives.
pub(crate) async fn count_failing(inner: &Inner, sql: &str, options: &QueryOptions) -> Result<Failing> {
    let query = Query {
        sql: sql.to_owned(),
        default_schema: options.default_schema.clone(),
        is_native: options.dialect == Dialect::Native,
    };
    let before = inner.seen.by_query.lock().get(&query).cloned();
    if let Some(before) = &before
        && let Some(test) = before.direct.iter().flatten().find(|_| before.is_empty)
        && let Some(tables) = test.clean(inner, &before.tables, options).await?
    {
        // What is kept belongs to the tables of before.
        let now = Seen { tables, kept: None, ..before.clone() };
        inner.seen.by_query.lock().insert(query, now);
        return Ok(Failing { rows: 0, is_steady: true });
    }
    let planned = inner.engine.plan(&inner.catalog, sql, options)?;
    let seen = seen(&planned.plan)?;
    let Some(mut now) = seen else {
        let rows = counted(inner, planned.plan, planned.bytes).await?;
        return Ok(Failing { rows, is_steady: false });
    };
    let rows = match before.filter(|before| now.is_of_same(before)) {
        Some(before) => {
            now.direct.clone_from(&before.direct);
            match since(inner, &planned, &mut now, &before).await {
                Err(error) if may_succeed_whole(&error) => None,
                rows => rows?,
            }
        }
        None => None,
    };
    if now.direct.is_none() {
        let plan = normalized(planned.plan.clone(), inner.engine.planning_state())?;
        let direct = match nested(&plan)? {
            None => DirectTest::of(inner, &plan, sql, options)?.map(Arc::new),
            Some(_) => None,
        };
        now.direct = Some(direct);
    }
    let rows = match rows {
        Some(rows) => rows,
        None => counted(inner, planned.plan, planned.bytes).await?,
    };
    now.is_empty = rows == 0;
    let mut known = inner.seen.by_query.lock();
    if known.len() >= REMEMBERED_MAX && !known.contains_key(&query) {
        known.clear();
    }
    known.insert(query, now);
    Ok(Failing { rows, is_steady: true })
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
pub(super) fn seen(plan: &LogicalPlan) -> Result<Option<Seen>> {
    if unsteady(plan)?.is_some() {
        return Ok(None);
    }
    let mut tables = BTreeMap::new();
    let mut is_whole = true;
    plan.apply_with_subqueries(|node| {
        if let LogicalPlan::TableScan(scan) = node {
            match origin(scan) {
                Some((name, snapshot)) => drop(tables.insert(name, snapshot)),
                None => is_whole &= made(scan).is_some_and(|series| !series.is_momentary),
            }
        }
        Ok(TreeNodeRecursion::Continue)
    })
    .map_err(from_engine)?;
    let plan = fingerprint(plan)?;
    Ok(is_whole.then_some(Seen { plan, tables, is_empty: false, kept: None, direct: None }))
}

/// The same from what has changed; `None` when that cannot be told, or is no cheaper.
async fn since(inner: &Inner, planned: &Planned, now: &mut Seen, before: &Seen) -> Result<Option<u64>> {
    let mut sources = Sources { all: Vec::new(), plan: now.plan, unknown: None, is_momentary: false };
    for (name, snapshot) in &now.tables {
        let Some(old) = before.tables.get(name) else { return Ok(None) };
        let old = inner.rearranged.followed(&snapshot.folder, &old.files, &snapshot.files);
        let Some(changes) = changes::between(&snapshot.folder, &old, &snapshot.files) else { return Ok(None) };
        sources.all.push(Source { name: name.clone(), snapshot: Arc::clone(snapshot), since: Some((0, changes)) });
    }
    let plan = normalized(planned.plan.clone(), inner.engine.planning_state())?;
    if nested(&plan)?.is_some() {
        return Ok(None);
    }
    // Rows that went take nothing but rows of the result away here, and rows that are in new files only because they
    // were written again have passed before: the new files alone tell.
    if before.is_empty
        && let Ok(rows) = appended(&plan, &Changes::of_new_files(&sources))
    {
        return match rows {
            Some(rows) => counted(inner, rows, planned.bytes).await.map(Some),
            None => Ok(Some(0)),
        };
    }
    let Ok(changes) = settle(&inner.engine, &inner.recent, &plan, &sources).await? else { return Ok(None) };
    if before.is_empty && changes.by_table.is_empty() {
        now.kept.clone_from(&before.kept);
        return Ok(Some(0));
    }
    let is_kept = before.kept.as_ref().is_some_and(|kept| kept.iter().all(Option::is_some));
    if before.is_empty && !is_kept {
        match appended(&plan, &changes) {
            Ok(None) => return Ok(Some(0)),
            Ok(Some(rows)) => return counted(inner, rows, planned.bytes).await.map(Some),
            Err(_) => match by_keys(inner, planned, &plan, &changes).await? {
                Asked::Rows(rows) => return Ok(Some(rows)),
                Asked::Dear => return Ok(None),
                Asked::Totals => {}
            },
        }
    }
    if before.kept.as_ref().is_some_and(|kept| kept.iter().any(Option::is_none)) {
        // They were too large once, which is not tried again.
        now.kept = Some(vec![None]);
        return Ok(None);
    }
    let with_kept = with_kept(&inner.engine, &plan, &changes, before.kept.as_deref(), planned.bytes).await?;
    let Some((plan, kept)) = with_kept else { return Ok(None) };
    now.kept = Some(kept);
    counted(inner, plan, planned.bytes).await.map(Some)
}

/// How a question by keys ended.
enum Asked {
    Rows(u64),
    /// The whole query is not dearer.
    Dear,
    /// The query is about totals, or would read much for a few keys: its aggregates may be small.
    Totals,
}

/// Every row with a key that is touched: no other row can have come.
async fn by_keys(inner: &Inner, planned: &Planned, plan: &LogicalPlan, changes: &Changes) -> Result<Asked> {
    let touching = Touching::new(changes);
    let names = columns(plan);
    for places in candidates(plan, &[]) {
        let key: Vec<Expr> = as_exprs(&places.iter().map(|at| names[*at].clone()).collect::<Vec<_>>());
        let touched = match touching.touched(plan, &key) {
            Ok(Some(touched)) => touched,
            Ok(None) => return Ok(Asked::Rows(0)),
            Err(_) => continue,
        };
        let keys = collected(&inner.engine, &inner.indexes, touched, planned.bytes).await?;
        let Some(keys) = keys else { return Ok(Asked::Dear) };
        if keys.rows == Some(0) {
            return Ok(Asked::Rows(0));
        }
        let Ok(rows) = touching.restricted(plan, &key, &keys) else { return Ok(Asked::Dear) };
        let (rows, read) = resolved(&inner.engine, &inner.indexes, rows).await?;
        if read > AGAIN_BYTES_MAX && keys.rows.is_some_and(|rows| rows <= KEPT_KEYS_MAX) {
            return Ok(Asked::Totals);
        }
        return Ok(match Costs::of_reading(plan, changes.bytes(), read).favours_changes() {
            true => Asked::Rows(counted(inner, rows, planned.bytes).await?),
            false => Asked::Dear,
        });
    }
    Ok(Asked::Totals)
}

async fn counted(inner: &Inner, plan: LogicalPlan, bytes: u64) -> Result<u64> {
    let plan = LogicalPlanBuilder::from(plan)
        .aggregate(Vec::<Expr>::new(), vec![count(lit(1)).alias("rows")])
        .and_then(LogicalPlanBuilder::build)
        .map_err(from_engine)?;
    let rows = inner.rows_of(&Planned { plan, bytes }).await?;
    Ok(rows.first().map_or(0, |row| row[0]))
}
