//! From touched keys downwards: the rows of a plan whose expressions are among them.
//!
//! Guarantees: exactly the rows of the plan, each as often as it is there, whose expressions equal a key (null equals
//! null). How far down the restriction gets only decides how much is computed.

use std::sync::Arc;

use arrow::array::RecordBatch;
use datafusion::common::{Column, JoinType, NullEquality, ScalarValue};
use datafusion::logical_expr::{
    Aggregate, Distinct, Expr, ExprSchemable, Join, LogicalPlan, Projection, SubqueryAlias, Window, lit,
};

use super::expr::{
    are_of, as_exprs, columns, columns_used, distinct, is_of, over, project_keys, semi_join, substituted,
};
use super::lookup::by_index;
use super::reason::{Derived, Reason};
use super::touched::{Touching, partitions, same};
use crate::index::KeySet;

/// Bytes of tables below one side of a join above which it is worth restricting it to what the other side meets.
const SIDE_BYTES_MIN: u64 = 16 * 1024 * 1024;

/// Touched keys, and what is known of their values.
#[derive(Debug, Clone)]
pub(super) struct Keys {
    /// Rows `__key0`, `__key1`, …
    pub plan: LogicalPlan,
    /// For each column the least and the greatest value, where all values are known and none is null.
    pub bounds: Vec<Option<(ScalarValue, ScalarValue)>>,
    /// How many there are, where they are known.
    pub rows: Option<u64>,
    /// The keys as an index takes them, where they are known.
    pub set: Option<KeySet>,
    /// The keys themselves, where they are known.
    pub batches: Vec<RecordBatch>,
}

impl Keys {
    /// Keys that are only planned.
    pub(super) fn derived(plan: LogicalPlan) -> Self {
        let bounds = vec![None; plan.schema().fields().len()];
        Self { plan, bounds, rows: None, set: None, batches: Vec::new() }
    }

    /// Some of the columns, by place.
    fn some(&self, places: &[usize]) -> Derived<Self> {
        let all = columns(&self.plan);
        let exprs: Vec<Expr> = places.iter().map(|at| Expr::Column(all[*at].clone())).collect();
        let plan = distinct(project_keys(self.plan.clone(), &exprs)?)?;
        let bounds = places.iter().map(|at| self.bounds[*at].clone()).collect();
        Ok(Self { plan, bounds, rows: None, set: None, batches: Vec::new() })
    }
}

impl Touching<'_> {
    /// The rows of a plan whose expressions are among the keys.
    pub(super) fn restricted(&self, plan: &LogicalPlan, exprs: &[Expr], keys: &Keys) -> Derived<LogicalPlan> {
        if has_floats(as_exprs(&columns(&keys.plan)), &keys.plan)? {
            return Err(Reason::new(FLOATS));
        }
        let names = columns(plan);
        match plan {
            LogicalPlan::Projection(Projection { expr, input, .. }) => {
                let inner = self.restricted(input, &substituted(exprs, &names, expr)?, keys)?;
                Ok(over(plan, vec![inner])?)
            }
            LogicalPlan::SubqueryAlias(SubqueryAlias { input, .. }) => {
                let exprs = substituted(exprs, &names, &as_exprs(&columns(input)))?;
                Ok(over(plan, vec![self.restricted(input, &exprs, keys)?])?)
            }
            LogicalPlan::Filter(filter) => Ok(over(plan, vec![self.restricted(&filter.input, exprs, keys)?])?),
            LogicalPlan::Sort(sort) if sort.fetch.is_none() => self.restricted(&sort.input, exprs, keys),
            LogicalPlan::Union(union) => {
                let inputs = union
                    .inputs
                    .iter()
                    .map(|input| {
                        let exprs = substituted(exprs, &names, &as_exprs(&columns(input)))?;
                        self.restricted(input, &exprs, keys)
                    })
                    .collect::<Derived<Vec<_>>>()?;
                Ok(over(plan, inputs)?)
            }
            // How many groups floats make is left to how many rows there are: all of them, then.
            LogicalPlan::Aggregate(aggregate)
                if has_floats(aggregate.group_expr.iter().cloned(), &aggregate.input)? =>
            {
                self.here(plan, exprs, keys)
            }
            LogicalPlan::Distinct(Distinct::All(input)) if has_floats(as_exprs(&names), input)? => {
                self.here(plan, exprs, keys)
            }
            LogicalPlan::Aggregate(aggregate) => match of_groups(aggregate, &names, exprs) {
                true => {
                    let groups = aggregate.group_expr.len();
                    let inner = substituted(exprs, &names[..groups], &aggregate.group_expr)?;
                    Ok(over(plan, vec![self.restricted(&aggregate.input, &inner, keys)?])?)
                }
                false => self.here(plan, exprs, keys),
            },
            LogicalPlan::Distinct(Distinct::All(input)) => Ok(over(plan, vec![self.restricted(input, exprs, keys)?])?),
            LogicalPlan::Window(window) => self.of_partitions(plan, window, exprs, keys),
            LogicalPlan::Join(join) => self.of_sides(plan, join, exprs, keys),
            _ => self.here(plan, exprs, keys),
        }
    }

    /// The restriction above a plan, with bounds of the keys that the plan's files can be chosen by.
    fn here(&self, plan: &LogicalPlan, exprs: &[Expr], keys: &Keys) -> Derived<LogicalPlan> {
        let mut bounded = plan.clone();
        if let LogicalPlan::TableScan(scan) = plan {
            if let Some(looked_up) = by_index(scan, exprs, keys)? {
                bounded = looked_up;
            }
            let bounds = exprs.iter().zip(&keys.bounds).filter_map(|(expr, bounds)| {
                let (least, greatest) = bounds.as_ref()?;
                matches!(expr, Expr::Column(_)).then(|| expr.clone().between(lit(least.clone()), lit(greatest.clone())))
            });
            if let Some(condition) = bounds.reduce(Expr::and) {
                bounded = LogicalPlan::Filter(datafusion::logical_expr::Filter::try_new(condition, Arc::new(bounded))?);
            }
        }
        Ok(semi_join(bounded, exprs, keys.plan.clone(), self.name(), NullEquality::NullEqualsNull)?)
    }

    /// Whole partitions go through a window, or nothing does.
    fn of_partitions(&self, plan: &LogicalPlan, window: &Window, exprs: &[Expr], keys: &Keys) -> Derived<LogicalPlan> {
        let input = window.input.as_ref();
        let sets = partitions(window).unwrap_or_default();
        if sets.is_empty() || !are_of(exprs, input) {
            return self.here(plan, exprs, keys);
        }
        let covers = |set: &Vec<Expr>| exprs.iter().all(|expr| set.iter().any(|key| same(key, expr)));
        if sets.iter().all(covers) {
            return Ok(over(plan, vec![self.restricted(input, exprs, keys)?])?);
        }
        let [set] = sets.as_slice() else { return self.here(plan, exprs, keys) };
        if has_floats(set.iter().cloned(), input)? {
            return self.here(plan, exprs, keys);
        }
        let rows = self.restricted(input, exprs, keys)?;
        let whole = Keys::derived(distinct(project_keys(rows, set)?)?);
        let partitions = over(plan, vec![self.restricted(input, set, &whole)?])?;
        self.here(&partitions, exprs, keys)
    }

    fn of_sides(&self, plan: &LogicalPlan, join: &Join, exprs: &[Expr], keys: &Keys) -> Derived<LogicalPlan> {
        let (left, right) = (join.left.as_ref(), join.right.as_ref());
        // In the result of an inner join, both sides of an equality are the same.
        let (on_left, on_right): (Vec<Expr>, Vec<Expr>) = join.on.iter().cloned().unzip();
        let is_plain = |on: &[Expr]| on.iter().all(|expr| matches!(expr, Expr::Column(_)));
        let turned = |exprs: &[Expr], from: &[Expr], to: &[Expr]| -> Derived<Vec<Expr>> {
            // Pair by pair: a column may be in several equalities.
            let from: Vec<Column> = from.iter().filter_map(|expr| expr.try_as_col().cloned()).collect();
            Ok(substituted(exprs, &from, to)?)
        };
        let can_turn = join.join_type == JoinType::Inner && is_plain(&on_left) && is_plain(&on_right);
        let as_left = if can_turn { turned(exprs, &on_right, &on_left)? } else { exprs.to_vec() };
        let as_right = if can_turn { turned(exprs, &on_left, &on_right)? } else { exprs.to_vec() };
        let keeps_left = matches!(
            join.join_type,
            JoinType::Inner | JoinType::Left | JoinType::LeftSemi | JoinType::LeftAnti | JoinType::LeftMark
        );
        let keeps_right = matches!(
            join.join_type,
            JoinType::Inner | JoinType::Right | JoinType::RightSemi | JoinType::RightAnti | JoinType::RightMark
        );
        if keeps_left && are_of(&as_left, left) {
            let left = self.restricted(left, &as_left, keys)?;
            let right = match are_of(&as_right, right) && can_turn {
                true => self.restricted(right, &as_right, keys)?,
                false => self.met_by(right, &on_right, &left, &on_left, join)?,
            };
            return Ok(over(plan, vec![left, right])?);
        }
        if keeps_right && are_of(&as_right, right) {
            let right = self.restricted(right, &as_right, keys)?;
            let left = self.met_by(left, &on_left, &right, &on_right, join)?;
            return Ok(over(plan, vec![left, right])?);
        }
        if join.join_type != JoinType::Inner {
            return self.here(plan, exprs, keys);
        }
        // Keys of both sides: each side by its part of the key, the whole key above.
        let side = |side: &LogicalPlan| -> Derived<LogicalPlan> {
            let places: Vec<usize> = (0..exprs.len()).filter(|at| is_of(&exprs[*at], side)).collect();
            if places.is_empty() {
                return Ok(side.clone());
            }
            let own: Vec<Expr> = places.iter().map(|at| exprs[*at].clone()).collect();
            self.restricted(side, &own, &keys.some(&places)?)
        };
        let joined = over(plan, vec![side(left)?, side(right)?])?;
        self.here(&joined, exprs, keys)
    }

    /// A side of a join with the rows alone that the restricted other side meets; as it is when it is small.
    fn met_by(
        &self,
        side: &LogicalPlan,
        on: &[Expr],
        other: &LogicalPlan,
        on_other: &[Expr],
        join: &Join,
    ) -> Derived<LogicalPlan> {
        let is_safe = !join.null_aware && !on.is_empty() && join.null_equality == NullEquality::NullEqualsNothing;
        let is_safe = is_safe && !has_floats(on.iter().cloned(), side)?;
        if !is_safe || super::cost::bytes_below(side) < SIDE_BYTES_MIN {
            return Ok(side.clone());
        }
        let keys = Keys::derived(distinct(project_keys(other.clone(), on_other)?)?);
        self.restricted(side, on, &keys)
    }
}

/// Why floats are no keys: of `-0.0` and `0.0` one stands for both among different keys, and a join tells them apart.
pub(super) const FLOATS: &str = "it groups or splits rows by floats, of which -0.0 and 0.0 are equal and differ";

/// Whether one of the expressions over a plan's rows is a float.
pub(super) fn has_floats(exprs: impl IntoIterator<Item = Expr>, plan: &LogicalPlan) -> Derived<bool> {
    for expr in exprs {
        if expr.get_type(plan.schema().as_ref())?.is_floating() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether expressions are functions of what an aggregate groups by, so that with a key come whole groups.
fn of_groups(aggregate: &Aggregate, names: &[Column], exprs: &[Expr]) -> bool {
    let groups = aggregate.group_expr.len();
    let is_set = matches!(aggregate.group_expr.as_slice(), [Expr::GroupingSet(_)]);
    !is_set && groups > 0 && columns_used(exprs).iter().all(|column| names[..groups].contains(column))
}
