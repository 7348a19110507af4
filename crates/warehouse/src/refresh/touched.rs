//! From changed rows of tables upwards: which values some expressions over a plan's result have in the rows that may
//! differ.
//!
//! Guarantees: for a plan whose result was A before the changes and is B after them, the values of every row that is
//! in one of A and B more often than in the other are among those that [`Touching::touched`] gives. It may give more.
//! The expressions must be steady, and so must the plan: see [`super::normal::unsteady`].

use std::cell::Cell;
use std::sync::Arc;

use datafusion::common::Column;
use datafusion::logical_expr::{
    Distinct, Expr, Filter, LogicalPlan, Projection, SubqueryAlias, TableScan, TableScanBuilder, TableSource, Window,
};

use super::expr::{
    all_of, are_of, as_exprs, columns, columns_used, distinct, over, project_keys, requalified, substituted,
};
use super::reason::{Derived, Reason};
use super::restrict::{FLOATS, Keys, has_floats};
use super::settle::Changes;
use super::sources::origin;

/// Derives touched values; makes names that occur once.
pub(super) struct Touching<'a> {
    pub changes: &'a Changes,
    names: Cell<usize>,
}

impl<'a> Touching<'a> {
    pub(super) fn new(changes: &'a Changes) -> Self {
        Self { changes, names: Cell::new(0) }
    }

    /// A name that no other part of the plan has.
    pub(super) fn name(&self) -> String {
        let number = self.names.get();
        self.names.set(number + 1);
        format!("__touched{number}")
    }

    /// Values of the expressions in all rows that may differ, as columns `__key0`, …; `None`: no row differs.
    pub(super) fn touched(&self, plan: &LogicalPlan, exprs: &[Expr]) -> Derived<Option<LogicalPlan>> {
        if !self.changes.is_in(plan) {
            return Ok(None);
        }
        match plan {
            LogicalPlan::TableScan(scan) => self.of_scan(scan, exprs),
            LogicalPlan::Projection(Projection { expr, input, .. }) => {
                self.touched(input, &substituted(exprs, &columns(plan), expr)?)
            }
            LogicalPlan::SubqueryAlias(SubqueryAlias { input, .. }) => {
                self.touched(input, &substituted(exprs, &columns(plan), &as_exprs(&columns(input)))?)
            }
            LogicalPlan::Filter(filter) => self.of_filter(filter, exprs),
            LogicalPlan::Sort(sort) if sort.fetch.is_none() => self.touched(&sort.input, exprs),
            LogicalPlan::Repartition(node) => self.touched(&node.input, exprs),
            LogicalPlan::Union(union) => {
                let names = columns(plan);
                let mut all = Vec::new();
                for input in &union.inputs {
                    let exprs = substituted(exprs, &names, &as_exprs(&columns(input)))?;
                    all.extend(self.touched(input, &exprs)?);
                }
                Ok(all_of(all)?)
            }
            LogicalPlan::Aggregate(aggregate) => {
                if matches!(aggregate.group_expr.as_slice(), [Expr::GroupingSet(_)]) {
                    return Err(Reason::new("it groups by several sets of columns"));
                }
                let groups = aggregate.group_expr.len();
                let names = &columns(plan)[..groups];
                if groups == 0 || !columns_used(exprs).iter().all(|column| names.contains(column)) {
                    return Err(Reason::new("what is aggregated tells nothing of the rows that it comes from"));
                }
                // Those that are no part of the key too: they tell how many rows it has.
                not_by_floats(&aggregate.group_expr, &aggregate.input)?;
                self.touched(&aggregate.input, &substituted(exprs, names, &aggregate.group_expr)?)
            }
            LogicalPlan::Distinct(Distinct::All(input)) => {
                not_by_floats(&as_exprs(&columns(input)), input)?;
                self.touched(input, exprs)
            }
            LogicalPlan::Distinct(Distinct::On(on)) => {
                not_by_floats(&on.on_expr, &on.input)?;
                let inner = substituted(exprs, &columns(plan), &on.select_expr)?;
                let of_key = |expr: &Expr| on.on_expr.iter().any(|key| same(key, expr));
                if !inner.iter().all(of_key) {
                    return Err(Reason::new("'distinct on' keeps one row of each key, and the key is another one"));
                }
                self.touched(&on.input, &inner)
            }
            LogicalPlan::Window(window) => self.of_window(window, exprs),
            LogicalPlan::Join(join) => self.of_join(join, exprs),
            LogicalPlan::Unnest(unnest) => {
                let Some(changed) = self.changed_rows(&unnest.input, &columns(&unnest.input))? else { return Ok(None) };
                let unnested = over(plan, vec![changed])?;
                Ok(Some(project_keys(unnested, exprs)?))
            }
            LogicalPlan::Limit(_) | LogicalPlan::Sort(_) => {
                Err(Reason::new("'limit' makes every row depend on every other one"))
            }
            LogicalPlan::RecursiveQuery(_) => Err(Reason::new("the query calls itself")),
            LogicalPlan::Extension(node) => {
                Err(Reason::new(format!("changes through {} are not derived", node.node.name())))
            }
            other => Err(Reason::new(format!("changes through {} are not derived", kind(other)))),
        }
    }

    /// Rows of a plan that may differ, with these of its columns under their own names.
    pub(super) fn changed_rows(&self, plan: &LogicalPlan, wanted: &[Column]) -> Derived<Option<LogicalPlan>> {
        let touched = self.touched(plan, &as_exprs(wanted))?;
        Ok(touched.map(|touched| requalified(touched, wanted)).transpose()?)
    }

    /// Rows of a plan as they are, and those that may have been there before, with these of its columns.
    pub(super) fn any_rows(&self, plan: &LogicalPlan, wanted: &[Column]) -> Derived<LogicalPlan> {
        let now = project_keys(plan.clone(), &as_exprs(wanted))?;
        let mut all = vec![now];
        all.extend(self.touched(plan, &as_exprs(wanted))?);
        let all = all_of(all)?.ok_or_else(|| Reason::new("there are no rows"))?;
        Ok(requalified(all, wanted)?)
    }

    fn of_scan(&self, scan: &TableScan, exprs: &[Expr]) -> Derived<Option<LogicalPlan>> {
        let change = origin(scan).and_then(|(name, _)| self.changes.by_table.get(&name));
        let Some(change) = change else { return Ok(None) };
        let mut all = Vec::new();
        for source in change.came.iter().chain(&change.went) {
            all.push(project_keys(scan_of(scan, source.clone())?, exprs)?);
        }
        Ok(all_of(all)?)
    }

    /// A row that a condition leaves out is touched by nobody; where its columns cannot be followed, it is anyway.
    fn of_filter(&self, filter: &Filter, exprs: &[Expr]) -> Derived<Option<LogicalPlan>> {
        let mut wanted = columns_used(exprs);
        for column in columns_used([&filter.predicate]) {
            if !wanted.contains(&column) {
                wanted.push(column);
            }
        }
        let rows = match self.changed_rows(&filter.input, &wanted) {
            Ok(Some(rows)) => rows,
            Ok(None) => return Ok(None),
            Err(_) => return self.touched(&filter.input, exprs),
        };
        let kept = LogicalPlan::Filter(Filter::try_new(filter.predicate.clone(), Arc::new(rows))?);
        Ok(Some(project_keys(kept, exprs)?))
    }

    /// With a row, its whole partition is touched.
    fn of_window(&self, window: &Window, exprs: &[Expr]) -> Derived<Option<LogicalPlan>> {
        let sets = partitions(window)?;
        if !are_of(exprs, &window.input) {
            return Err(Reason::new("the result of a window tells nothing of the rows that it comes from"));
        }
        let mut all = Vec::new();
        for set in &sets {
            not_by_floats(set, &window.input)?;
            if exprs.iter().all(|expr| set.iter().any(|key| same(key, expr))) {
                continue;
            }
            let Some(keys) = self.touched(&window.input, set)? else { continue };
            let rows = self.restricted(&window.input, set, &Keys::derived(distinct(keys)?))?;
            all.push(project_keys(rows, exprs)?);
        }
        // What partitions had before and have no more has changed itself.
        all.extend(self.touched(&window.input, exprs)?);
        Ok(all_of(all)?)
    }
}

/// Groups and partitions by floats are not followed: which of `-0.0` and `0.0` stands for a group of both is left to
/// chance, and a partition has one of them where a group has both.
fn not_by_floats<'a>(exprs: impl IntoIterator<Item = &'a Expr>, input: &LogicalPlan) -> Derived<()> {
    if has_floats(exprs.into_iter().cloned(), input)? { Err(Reason::new(FLOATS)) } else { Ok(()) }
}

/// Columns of the first list, then those of the second that are not in it.
pub(super) fn with(mut first: Vec<Column>, second: Vec<Column>) -> Vec<Column> {
    for column in second {
        if !first.contains(&column) {
            first.push(column);
        }
    }
    first
}

/// By what the functions of a window split their rows, each way once.
pub(super) fn partitions(window: &Window) -> Derived<Vec<Vec<Expr>>> {
    let mut sets: Vec<Vec<Expr>> = Vec::new();
    for expr in &window.window_expr {
        let Expr::WindowFunction(function) = expr.clone().unalias() else {
            return Err(Reason::new("a window is no window function"));
        };
        let set = function.params.partition_by;
        if set.is_empty() {
            return Err(Reason::new("a window without 'partition by' makes every row depend on every other one"));
        }
        if !sets.contains(&set) {
            sets.push(set);
        }
    }
    Ok(sets)
}

/// Whether two expressions are the same but for their names.
pub(super) fn same(one: &Expr, other: &Expr) -> bool {
    one.clone().unalias() == other.clone().unalias()
}

/// A scan of the same columns of another source.
pub(super) fn scan_of(scan: &TableScan, source: Arc<dyn TableSource>) -> Derived<LogicalPlan> {
    let made = TableScanBuilder::new(scan.table_name.clone(), source).with_projection(scan.projection.clone());
    let mut plan = LogicalPlan::TableScan(made.build()?);
    for filter in &scan.filters {
        plan = LogicalPlan::Filter(Filter::try_new(filter.clone(), Arc::new(plan))?);
    }
    Ok(plan)
}

fn kind(plan: &LogicalPlan) -> String {
    plan.display().to_string().split([':', ' ']).next().unwrap_or_default().to_owned()
}
