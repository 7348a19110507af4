//! The choice of the way, from what is known before anything is written.

use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::{DataType, TimeUnit};
use datafusion::common::Column;
use datafusion::logical_expr::{Expr, LogicalPlan, cast};
use millstream_core::warehouse::{RefreshMode, RefreshPath, RefreshReport, RefreshSource};
use millstream_core::{Error, Kind, Result};

use super::append::appended;
use super::collect::{KEYS_MAX, collected};
use super::cost::{Costs, may_hold_keys};
use super::expr::columns;
use super::key::{candidates, followed};
use super::lookup::{holding_in, resolved};
use super::normal::{nested, normalized, unsteady};
use super::reason::Reason;
use super::recent::RecentChanges;
use super::restrict::Keys;
use super::settle::{Changes, settle};
use super::sources::Sources;
use super::touched::Touching;
use crate::engine::{Engine, Planned};
use crate::index::{Indexed, KeyIndexes};
use crate::log::schema::storable;
use crate::log::{DataFile, Snapshot};

/// Why touched groups are not computed anew.
const ADDED_UP: &str = "its groups only gained rows, which are added up with what is there";

/// What to do.
pub(super) enum Way {
    /// Nothing differs.
    Unchanged,
    /// These rows come in.
    Append(LogicalPlan),
    /// Rows with these keys go, these rows come in. No other files than these can have such rows.
    Keys { keys: Box<Keys>, new_rows: LogicalPlan, files: Vec<Arc<DataFile>> },
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
    pub indexes: &'a KeyIndexes,
    pub recent: &'a RecentChanges,
    pub planned: &'a Planned,
    pub own: Option<&'a Arc<Snapshot>>,
    /// Why the table must be made whole before anything else is looked at.
    pub whole: Option<Reason>,
    pub known_keys: &'a [Vec<String>],
    pub mode: RefreshMode,
}

/// A key's column, as the table tells its values apart: instants of nanoseconds are stored as microseconds, so that rows
/// of different keys would go for one another.
///
/// # Errors
/// A user error when its type cannot be stored.
fn as_stored(plan: &LogicalPlan, at: usize) -> Result<Expr> {
    let (qualifier, field) = plan.schema().qualified_field(at);
    let column = Expr::Column(Column::from((qualifier, field)));
    let stored = storable(field.data_type(), field.name())?;
    Ok(if is_coarser(field.data_type(), &stored) { cast(column, stored) } else { column })
}

/// Whether different values of a type may be stored as one. Lists and the like that are stored as something else count
/// without a look at what is in them.
fn is_coarser(kind: &DataType, stored: &DataType) -> bool {
    matches!(kind, DataType::Timestamp(TimeUnit::Nanosecond, _) | DataType::Date64)
        || (kind.is_nested() && kind != stored)
}

/// Whether the whole query may succeed where a way from changes failed: an expression may fail for rows that the query
/// leaves out before it comes to it, and the engine for a plan that nobody writes. If not, the whole query says so.
pub(super) fn may_succeed_whole(error: &Error) -> bool {
    matches!(error.kind(), Kind::User | Kind::Ours) && !error.is_short_of_memory()
}

/// Why a table is made whole after that.
pub(super) fn failed(error: &Error) -> Reason {
    let cause = error.causes().last().map_or(error.what(), String::as_str);
    let cause: Vec<&str> = cause.lines().map(str::trim).collect();
    Reason::new(format!("from what has changed it failed: {}", cause.join(" ")))
}

/// Why there is no way from changes: now, or never with this query.
enum Obstacle {
    Now(Reason),
    Query(Reason),
}

/// A key that can be followed through the plan.
struct Followed {
    key: Vec<Column>,
    exprs: Vec<Expr>,
    /// Its values that may differ; `None`: none.
    touched: Option<LogicalPlan>,
}

impl Subject<'_> {
    /// Chooses the way.
    ///
    /// # Errors
    /// A user error when the mode is incremental and the query cannot be refreshed from changes.
    pub(super) async fn decide(&self) -> Result<Decided> {
        let sources = Sources::of(&self.planned.plan, self.own.map(Arc::as_ref))?;
        let mut counted = Vec::new();
        let mut keys = Vec::new();
        let found = self.by_changes(&sources, &mut counted, &mut keys).await?;
        let found = match found {
            // Said when the table is made, not when the first rows come.
            Err(Obstacle::Now(reason)) if self.mode == RefreshMode::Incremental => {
                Err(self.never(&sources)?.map_or(Obstacle::Now(reason), Obstacle::Query))
            }
            found => found,
        };
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
        let short_of_memory = self.engine.is_lean();
        let reason = if short_of_memory { format!("{reason}; memory was short: joins were sorted") } else { reason };
        let sources_read = sources.all.iter().map(of).collect();
        let is_momentary = sources.is_momentary;
        let report =
            RefreshReport { path, reason, keys, touched, sources: sources_read, short_of_memory, is_momentary };
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
        if let Some(reason) = nested(&plan)? {
            return Ok(Err(Obstacle::Query(reason)));
        }
        let changes = match settle(self.engine, self.recent, &plan, sources).await? {
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
        match self.by_keys(&plan, own, &changes, linear, key_columns).await {
            Err(error) if may_succeed_whole(&error) => now(failed(&error)),
            found => found,
        }
    }

    /// Whether the table has every key already. Of a table that is nothing but its key, whose groups only gained rows, that
    /// is all there is to know.
    async fn has_all(&self, own: &Arc<Snapshot>, names: &[String], keys: &Keys) -> Result<bool> {
        let exprs: Vec<Expr> = names.iter().map(|name| Expr::Column(Column::from_name(name))).collect();
        let schema = keys.plan.schema();
        let kinds: Vec<DataType> = schema.fields().iter().map(|field| field.data_type().clone()).collect();
        let is_alike = |(name, kind): (&String, &DataType)| {
            own.engine_schema.field_with_name(name).is_ok_and(|field| field.data_type() == kind)
        };
        if !names.iter().zip(&kinds).all(is_alike) {
            return Ok(false);
        }
        let indexed =
            Indexed { folder: &own.folder, columns: &own.engine_schema, exprs: &exprs, kinds: &kinds, filter: None };
        let rows: Vec<Vec<ArrayRef>> = keys.batches.iter().map(|batch| batch.columns().to_vec()).collect();
        let missing = self.indexes.missing(self.engine, &indexed, &own.files, &rows).await?;
        Ok(missing.is_some_and(|missing| !missing.contains(&true)))
    }

    /// The first key that can be followed through the plan. `Err`: why none can, where anything tells.
    fn first_key(
        &self,
        plan: &LogicalPlan,
        touching: &Touching<'_>,
    ) -> Result<std::result::Result<Followed, Option<Reason>>> {
        let names = columns(plan);
        let mut first = None;
        let known = candidates(plan, self.known_keys).into_iter().map(Some);
        for places in known.chain([None]) {
            // Looked for when none of the others is one: that takes a look at each column.
            let places = places.unwrap_or_else(|| followed(touching, plan));
            if places.is_empty() {
                continue;
            }
            let exprs = places.iter().map(|at| as_stored(plan, *at)).collect::<Result<Vec<_>>>()?;
            match touching.touched(plan, &exprs) {
                Ok(touched) => {
                    let key = places.iter().map(|at| names[*at].clone()).collect();
                    return Ok(Ok(Followed { key, exprs, touched }));
                }
                Err(reason) => drop(first.get_or_insert(reason)),
            }
        }
        Ok(Err(first))
    }

    /// Why new rows of one of the tables can never be followed, if they cannot.
    fn never(&self, sources: &Sources) -> Result<Option<Reason>> {
        let plan = normalized(self.planned.plan.clone(), self.engine.planning_state())?;
        if let Some(reason) = nested(&plan)? {
            return Ok(Some(reason));
        }
        for source in &sources.all {
            let changes = Changes::of_all_rows(source);
            let Err(linear) = appended(&plan, &changes) else { continue };
            if let Err(reason) = self.first_key(&plan, &Touching::new(&changes))? {
                return Ok(Some(reason.unwrap_or(linear)));
            }
        }
        Ok(None)
    }

    /// Rows of the touched keys go, and are computed anew.
    async fn by_keys(
        &self,
        plan: &LogicalPlan,
        own: &Arc<Snapshot>,
        changes: &Changes,
        linear: Reason,
        key_columns: &mut Vec<String>,
    ) -> Result<std::result::Result<(Way, String), Obstacle>> {
        let touching = Touching::new(changes);
        let followed = match self.first_key(plan, &touching)? {
            Ok(followed) => followed,
            Err(reason) => return Ok(Err(Obstacle::Query(reason.unwrap_or(linear)))),
        };
        let Followed { key, exprs, touched } = followed;
        let Some(touched) = touched else { return Ok(Ok((Way::Unchanged, "no row is touched".into()))) };
        let bytes = changes.bytes().max(self.planned.bytes);
        let Some(keys) = collected(self.engine, self.indexes, touched, bytes).await? else {
            return Ok(Err(Obstacle::Now(Reason::new(format!("more than {KEYS_MAX} keys are touched")))));
        };
        if keys.rows == Some(0) {
            return Ok(Ok((Way::Unchanged, "no row is touched".into())));
        }
        let names: Vec<String> = key.iter().map(|column| column.name.clone()).collect();
        let touched = keys.rows.unwrap_or_default() as f64 / own.rows().unwrap_or(1).max(1) as f64;
        let is_auto = self.mode == RefreshMode::Auto;
        let mut costs = Costs::of_keys(plan, own, changes.bytes(), touched);
        // Looking keys up costs as well: not where it cannot be worth it.
        if is_auto && !costs.favours_changes() {
            return Ok(Err(Obstacle::Now(costs.reason())));
        }
        if key.len() == own.engine_schema.fields().len()
            && matches!(touching.folded(plan, own, &key, &keys), Ok(Some(_)))
            && self.has_all(own, &names, &keys).await?
        {
            return Ok(Ok((Way::Unchanged, "every row that may be new is there already".into())));
        }
        let (new_rows, reason) = match touching.folded(plan, own, &key, &keys) {
            Ok(Some(rows)) => (rows, ADDED_UP.to_owned()),
            _ => match touching.restricted(plan, &exprs, &keys) {
                Ok(rows) => (rows, linear.0),
                Err(reason) => return Ok(Err(Obstacle::Query(reason))),
            },
        };
        let (new_rows, read) = resolved(self.engine, self.indexes, new_rows).await?;
        let files = own.files.iter().filter(|file| may_hold_keys(file, own, &names, &keys)).cloned().collect();
        let files = holding_in(self.engine, self.indexes, own, &names, files, &keys).await?;
        costs.looked_up(read, files.iter().map(|file| file.add.size).sum(), keys.set.is_some());
        if is_auto && !costs.favours_changes() {
            return Ok(Err(Obstacle::Now(costs.reason())));
        }
        *key_columns = names;
        Ok(Ok((Way::Keys { keys: Box::new(keys), new_rows, files }, reason)))
    }
}
