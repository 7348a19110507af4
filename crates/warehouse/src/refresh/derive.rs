//! The choice of the way, from what is known before anything is written.

use std::sync::Arc;

use arrow::array::RecordBatch;
use datafusion::common::{Column, ExprSchema, ScalarValue};
use datafusion::datasource::{MemTable, provider_as_source};
use datafusion::functions_aggregate::expr_fn::{count, max, min};
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, lit};
use futures::StreamExt;
use millstream_core::warehouse::{RefreshMode, RefreshPath, RefreshReport, RefreshSource};
use millstream_core::{Error, Result};

use super::append::appended;
use super::cost::Costs;
use super::expr::{as_exprs, columns, distinct};
use super::key::candidates;
use super::normal::{normalized, unsteady};
use super::reason::{Derived, Reason};
use super::restrict::Keys;
use super::settle::{Changes, settle};
use super::sources::Sources;
use super::touched::Touching;
use crate::engine::{Engine, Planned};
use crate::error::from_engine;
use crate::log::Snapshot;

/// Touched keys above which a table is made whole: they are held in memory.
const KEYS_MAX: usize = 1_000_000;

/// What to do.
pub(super) enum Way {
    /// Nothing differs.
    Unchanged,
    /// These rows come in.
    Append(LogicalPlan),
    /// Rows with these keys go, these rows come in.
    Keys { keys: Box<Keys>, new_rows: LogicalPlan },
    /// Everything anew.
    Full,
}

/// The way, and what is told of it.
pub(super) struct Decided {
    pub way: Way,
    pub report: RefreshReport,
    pub sources: Sources,
}

/// What is to be refreshed.
pub(super) struct Subject<'a> {
    pub engine: &'a Engine,
    pub planned: &'a Planned,
    pub own: Option<&'a Snapshot>,
    /// Why the table must be made whole before anything else is looked at.
    pub whole: Option<Reason>,
    pub known_keys: &'a [Vec<String>],
    pub mode: RefreshMode,
}

/// Why there is no way from changes: now, or never with this query.
enum Obstacle {
    Now(Reason),
    Query(Reason),
}

impl Subject<'_> {
    /// Chooses the way.
    ///
    /// # Errors
    /// A user error when the mode is incremental and the query cannot be refreshed from changes.
    pub(super) async fn decide(&self) -> Result<Decided> {
        let sources = Sources::of(&self.planned.plan, self.own)?;
        let mut counted = Vec::new();
        let mut keys = Vec::new();
        let found = self.by_changes(&sources, &mut counted, &mut keys).await?;
        let (way, path, reason, touched) = match found {
            Ok((way, reason)) => {
                let (path, touched) = match &way {
                    Way::Unchanged => (RefreshPath::Unchanged, None),
                    Way::Append(_) => (RefreshPath::Append, None),
                    Way::Keys { keys, .. } => (RefreshPath::Keys, keys.rows),
                    Way::Full => (RefreshPath::Full, None),
                };
                (way, path, reason, touched)
            }
            Err(Obstacle::Query(reason)) if self.mode == RefreshMode::Incremental => {
                return Err(Error::user("the query cannot be refreshed from changes")
                    .why(reason.0)
                    .hint("set refresh_mode: auto, or change the query"));
            }
            Err(Obstacle::Now(reason) | Obstacle::Query(reason)) => (Way::Full, RefreshPath::Full, reason.0, None),
        };
        if path != RefreshPath::Keys {
            keys.clear();
        }
        let of = |source: &super::sources::Source| RefreshSource {
            name: source.name.clone(),
            from: source.since.as_ref().map(|(from, _)| *from),
            to: source.snapshot.version,
            changed_rows: counted.iter().find(|(name, _)| *name == source.name).and_then(|(_, rows)| *rows),
        };
        let report = RefreshReport { path, reason, keys, touched, sources: sources.all.iter().map(of).collect() };
        Ok(Decided { way, report, sources })
    }

    async fn by_changes(
        &self,
        sources: &Sources,
        counted: &mut Vec<(millstream_core::TableName, Option<u64>)>,
        key_columns: &mut Vec<String>,
    ) -> Result<std::result::Result<(Way, String), Obstacle>> {
        let now = |reason: Reason| Ok(Err(Obstacle::Now(reason)));
        if let Some(reason) = unsteady(&self.planned.plan)? {
            return Ok(Err(Obstacle::Query(reason)));
        }
        if self.mode == RefreshMode::Full {
            return now(Reason::new("the model's refresh_mode is full"));
        }
        if let Some(reason) = &self.whole {
            return now(reason.clone());
        }
        let Some(own) = self.own else { return now(Reason::new("there is no table yet")) };
        if let Some(reason) = &sources.unknown {
            return now(reason.clone());
        }
        let plan = normalized(self.planned.plan.clone(), self.engine.planning_state())?;
        let changes = match settle(self.engine, &plan, sources).await? {
            Ok(changes) => changes,
            Err(reason) => return now(reason),
        };
        let known = sources.all.iter();
        counted.extend(known.map(|source| {
            let change = changes.by_table.get(&source.name);
            (source.name.clone(), change.map_or(Some(0), |change| change.rows))
        }));
        if changes.by_table.is_empty() {
            return Ok(Ok((Way::Unchanged, "nothing that it reads has changed".into())));
        }
        let linear = match appended(&plan, &changes) {
            Ok(Some(rows)) => {
                return Ok(Ok((Way::Append(rows), "rows were only added, and each stands for itself".into())));
            }
            Ok(None) => return Ok(Ok((Way::Unchanged, "nothing that it reads has changed".into()))),
            Err(reason) => reason,
        };
        self.by_keys(&plan, own, &changes, linear, key_columns).await
    }

    /// The first key that can be followed through the plan.
    async fn by_keys(
        &self,
        plan: &LogicalPlan,
        own: &Snapshot,
        changes: &Changes,
        linear: Reason,
        key_columns: &mut Vec<String>,
    ) -> Result<std::result::Result<(Way, String), Obstacle>> {
        let touching = Touching::new(changes);
        let names = columns(plan);
        let mut first: Option<Reason> = None;
        for places in candidates(plan, self.known_keys) {
            let key: Vec<Column> = places.iter().map(|at| names[*at].clone()).collect();
            let touched = match touching.touched(plan, &as_exprs(&key)) {
                Ok(touched) => touched,
                Err(reason) => {
                    first.get_or_insert(reason);
                    continue;
                }
            };
            let Some(touched) = touched else { return Ok(Ok((Way::Unchanged, "no row is touched".into()))) };
            let Some(keys) = self.collected(touched, changes.bytes()).await? else {
                return Ok(Err(Obstacle::Now(Reason::new(format!("more than {KEYS_MAX} keys are touched")))));
            };
            if keys.rows == Some(0) {
                return Ok(Ok((Way::Unchanged, "no row is touched".into())));
            }
            let touched = keys.rows.unwrap_or_default() as f64 / own.rows().unwrap_or(1).max(1) as f64;
            let costs = Costs::of_keys(plan, own, changes.bytes(), touched);
            if self.mode == RefreshMode::Auto && !costs.favours_changes() {
                return Ok(Err(Obstacle::Now(Reason::new(format!(
                    "from changes it would cost about {} of {} that making it whole does",
                    bytes(costs.from_changes),
                    bytes(costs.whole)
                )))));
            }
            key_columns.extend(key.iter().map(|column| column.name.clone()));
            let new_rows: Derived<LogicalPlan> = touching.restricted(plan, &as_exprs(&key), &keys);
            let new_rows = match new_rows {
                Ok(rows) => rows,
                Err(reason) => return Ok(Err(Obstacle::Query(reason))),
            };
            return Ok(Ok((Way::Keys { keys: Box::new(keys), new_rows }, linear.0)));
        }
        Ok(Err(Obstacle::Query(first.unwrap_or(linear))))
    }

    /// The different touched keys in memory; `None` when they are too many.
    async fn collected(&self, touched: LogicalPlan, bytes: u64) -> Result<Option<Keys>> {
        let plan = distinct(touched).map_err(from_engine)?;
        let schema = plan.schema().as_arrow().clone();
        let mut stream = Box::pin(self.engine.stream(&Planned { plan, bytes: bytes.max(self.planned.bytes) }).await?);
        let (mut batches, mut rows) = (Vec::new(), 0);
        while let Some(batch) = stream.next().await {
            let batch = batch?;
            rows += batch.num_rows();
            if rows > KEYS_MAX {
                return Ok(None);
            }
            batches.push(batch);
        }
        let schema = batches.first().map_or_else(|| Arc::new(schema), RecordBatch::schema);
        let table = MemTable::try_new(schema, vec![batches]).map_err(from_engine)?;
        let plan = LogicalPlanBuilder::scan("touched", provider_as_source(Arc::new(table)), None)
            .and_then(LogicalPlanBuilder::build)
            .map_err(from_engine)?;
        let bounds = if rows == 0 { vec![None; columns(&plan).len()] } else { self.bounds(&plan).await? };
        Ok(Some(Keys { plan, bounds, rows: Some(rows as u64) }))
    }

    /// Least and greatest value of each key column that has an order and no null.
    async fn bounds(&self, keys: &LogicalPlan) -> Result<Vec<Option<(ScalarValue, ScalarValue)>>> {
        let names = columns(keys);
        let ordered = |column: &Column| {
            let found = keys.schema().field_from_column(column).map(|field| field.data_type().clone());
            found.is_ok_and(|kind| kind.is_primitive() || kind.is_string())
        };
        let mut exprs: Vec<Expr> = vec![count(lit(1)).alias("all")];
        let chosen: Vec<usize> = (0..names.len()).filter(|at| ordered(&names[*at])).collect();
        for at in &chosen {
            let column = Expr::Column(names[*at].clone());
            exprs.push(count(column.clone()).alias(format!("count{at}")));
            exprs.push(min(column.clone()).alias(format!("min{at}")));
            exprs.push(max(column).alias(format!("max{at}")));
        }
        let plan = LogicalPlanBuilder::from(keys.clone())
            .aggregate(Vec::<Expr>::new(), exprs)
            .and_then(LogicalPlanBuilder::build)
            .map_err(from_engine)?;
        let mut stream = Box::pin(self.engine.stream(&Planned { plan, bytes: 0 }).await?);
        let mut bounds = vec![None; names.len()];
        while let Some(batch) = stream.next().await {
            let batch = batch?;
            if batch.num_rows() == 0 {
                continue;
            }
            let cell = |at: usize| ScalarValue::try_from_array(batch.column(at), 0).map_err(from_engine);
            let all = cell(0)?;
            for (index, at) in chosen.iter().enumerate() {
                let place = 1 + index * 3;
                if cell(place)? == all {
                    bounds[*at] = Some((cell(place + 1)?, cell(place + 2)?));
                }
            }
        }
        Ok(bounds)
    }
}

/// Bytes for people.
fn bytes(count: u64) -> String {
    match count {
        0..=999_999 => format!("{} kB", count.div_ceil(1_000)),
        1_000_000..=999_999_999 => format!("{} MB", count / 1_000_000),
        _ => format!("{} GB", count / 1_000_000_000),
    }
}
