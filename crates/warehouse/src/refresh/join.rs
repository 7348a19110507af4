//! Touched rows of joins.
//!
//! Rows of a join differ because a row of one side differs, or because what a row of the other side meets does. Where
//! the wanted values are of one side alone, the other one is only looked at for the keys that changed in it.

use std::sync::Arc;

use datafusion::common::{Column, ExprSchema, JoinType, NullEquality, ScalarValue};
use datafusion::logical_expr::{Expr, Filter, Join, JoinConstraint, LogicalPlan, cast};

use super::expr::{
    all_of, are_of, as_exprs, columns, columns_used, distinct, is_of, project_keys, requalified, semi_join, substituted,
};
use super::reason::{Derived, Reason};
use super::restrict::Keys;
use super::touched::{Touching, with};

impl Touching<'_> {
    pub(super) fn of_join(&self, join: &Join, exprs: &[Expr]) -> Derived<Option<LogicalPlan>> {
        let (left, right) = (join.left.as_ref(), join.right.as_ref());
        let on_left: Vec<Expr> = join.on.iter().map(|(left, _)| left.clone()).collect();
        let on_right: Vec<Expr> = join.on.iter().map(|(_, right)| right.clone()).collect();
        let is_left = are_of(exprs, left);
        let is_right = are_of(exprs, right);
        match join.join_type {
            JoinType::Inner | JoinType::Left | JoinType::LeftSemi | JoinType::LeftAnti | JoinType::LeftMark
                if is_left =>
            {
                self.of_side(join, (left, &on_left), (right, &on_right), exprs)
            }
            JoinType::Inner | JoinType::Right | JoinType::RightSemi | JoinType::RightAnti | JoinType::RightMark
                if is_right =>
            {
                self.of_side(join, (right, &on_right), (left, &on_left), exprs)
            }
            JoinType::Inner | JoinType::Left | JoinType::Right | JoinType::Full => self.of_both(join, exprs),
            _ => Err(Reason::new("a mark of a subquery tells nothing of the rows that it comes from")),
        }
    }

    /// The wanted values are of one side, every row of which is in the result in its own right.
    fn of_side(
        &self,
        join: &Join,
        (side, on): (&LogicalPlan, &[Expr]),
        (other, on_other): (&LogicalPlan, &[Expr]),
        exprs: &[Expr],
    ) -> Derived<Option<LogicalPlan>> {
        let mut all: Vec<LogicalPlan> = self.touched(side, exprs)?.into_iter().collect();
        if self.changes.is_in(other) {
            self.can_meet(join, on)?;
            if let Some(keys) = self.touched(other, on_other)? {
                // A row that has changed itself is among the others; of the rest it does not matter which version is
                // looked at.
                let met = self.restricted_by(side, on, keys, join)?;
                all.push(project_keys(met, exprs)?);
            }
        }
        Ok(all_of(all)?)
    }

    /// Rows of a plan, as they are now, that meet touched keys of the other side.
    fn restricted_by(&self, side: &LogicalPlan, on: &[Expr], keys: LogicalPlan, join: &Join) -> Derived<LogicalPlan> {
        let mut keys = keys;
        if join.null_equality == NullEquality::NullEqualsNothing {
            let is_there = as_exprs(&columns(&keys)).into_iter().map(Expr::is_not_null).reduce(Expr::and);
            if let Some(is_there) = is_there {
                keys = LogicalPlan::Filter(Filter::try_new(is_there, Arc::new(keys))?);
            }
        }
        self.restricted(side, on, &Keys::derived(distinct(keys)?))
    }

    fn can_meet(&self, join: &Join, on: &[Expr]) -> Derived<()> {
        if join.null_aware {
            return Err(Reason::new("'not in' a list that changes makes every row depend on every row of it"));
        }
        if on.is_empty() {
            return Err(Reason::new(
                "a join without an equality makes every row depend on every row of the other side",
            ));
        }
        Ok(())
    }

    /// The wanted values are of both sides: what changed of one side with all that the other one has or had.
    fn of_both(&self, join: &Join, exprs: &[Expr]) -> Derived<Option<LogicalPlan>> {
        let (left, right) = (join.left.as_ref(), join.right.as_ref());
        let (on_left, on_right): (Vec<Expr>, Vec<Expr>) = join.on.iter().cloned().unzip();
        let on = on_left.iter().chain(&on_right);
        let needed = with(columns_used(exprs), with(columns_used(on), columns_used(&join.filter)));
        let (of_left, of_right): (Vec<Column>, Vec<Column>) =
            needed.into_iter().partition(|column| is_of(&Expr::Column(column.clone()), left));
        let keeps_left = matches!(join.join_type, JoinType::Left | JoinType::Full);
        let keeps_right = matches!(join.join_type, JoinType::Right | JoinType::Full);
        let mut all = Vec::new();
        if let Some(changed) = self.changed_rows(left, &of_left)? {
            if keeps_left {
                all.push(project_keys(changed.clone(), &without(exprs, &of_right, right)?)?);
            }
            if keeps_right {
                let met = self.met(join, right, &of_right, changed.clone(), false)?;
                all.push(project_keys(met, &without(exprs, &of_left, left)?)?);
            }
            let keys = project_keys(changed.clone(), &on_left)?;
            let any = self.any_meeting(right, &of_right, &on_right, keys)?;
            all.push(project_keys(inner(join, changed, any)?, exprs)?);
        }
        if let Some(changed) = self.changed_rows(right, &of_right)? {
            if keeps_right {
                all.push(project_keys(changed.clone(), &without(exprs, &of_left, left)?)?);
            }
            if keeps_left {
                let met = self.met(join, left, &of_left, changed.clone(), true)?;
                all.push(project_keys(met, &without(exprs, &of_right, right)?)?);
            }
            let keys = project_keys(changed.clone(), &on_right)?;
            let any = self.any_meeting(left, &of_left, &on_left, keys)?;
            all.push(project_keys(inner(join, any, changed)?, exprs)?);
        }
        Ok(all_of(all)?)
    }

    /// Rows of a side that stand or stood alone and meet a changed row of the other side.
    fn met(
        &self,
        join: &Join,
        side: &LogicalPlan,
        wanted: &[Column],
        changed: LogicalPlan,
        is_left: bool,
    ) -> Derived<LogicalPlan> {
        let on: Vec<Expr> = join.on.iter().map(|(l, r)| if is_left { l.clone() } else { r.clone() }).collect();
        let on_changed: Vec<Expr> = join.on.iter().map(|(l, r)| if is_left { r.clone() } else { l.clone() }).collect();
        self.can_meet(join, &on)?;
        let keys = distinct(project_keys(changed, &on_changed)?)?;
        let rows = self.any_meeting(side, wanted, &on, keys.clone())?;
        Ok(semi_join(rows, &on, keys, self.name(), join.null_equality)?)
    }

    /// Rows of a plan as they are that have some keys, and those that may have been there before.
    fn any_meeting(
        &self,
        side: &LogicalPlan,
        wanted: &[Column],
        on: &[Expr],
        keys: LogicalPlan,
    ) -> Derived<LogicalPlan> {
        if on.is_empty() {
            return self.any_rows(side, wanted);
        }
        let now = self.restricted(side, on, &Keys::derived(distinct(keys)?))?;
        let mut all = vec![project_keys(now, &as_exprs(wanted))?];
        all.extend(self.touched(side, &as_exprs(wanted))?);
        let all = all_of(all)?.ok_or_else(|| Reason::new("there are no rows"))?;
        Ok(requalified(all, wanted)?)
    }
}

/// The same meeting of other rows, without those that meet nothing.
fn inner(join: &Join, left: LogicalPlan, right: LogicalPlan) -> Derived<LogicalPlan> {
    let join = Join::try_new(
        Arc::new(left),
        Arc::new(right),
        join.on.clone(),
        join.filter.clone(),
        JoinType::Inner,
        JoinConstraint::On,
        join.null_equality,
        false,
    )?;
    Ok(LogicalPlan::Join(join))
}

/// Expressions where columns of one side are null.
fn without(exprs: &[Expr], gone: &[Column], plan: &LogicalPlan) -> Derived<Vec<Expr>> {
    let nulls = gone
        .iter()
        .map(|column| {
            let field = plan.schema().field_from_column(column)?;
            Ok(cast(Expr::Literal(ScalarValue::Null, None), field.data_type().clone()))
        })
        .collect::<datafusion::error::Result<Vec<_>>>()?;
    Ok(substituted(exprs, gone, &nulls)?)
}
