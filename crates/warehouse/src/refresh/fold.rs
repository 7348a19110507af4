//! Groups that only gained rows: what the table says of them is added up with what the new rows say.
//!
//! Guarantees: the rows of the touched groups, as the query gives them. Of the tables below only the new rows are read,
//! so that the cost follows them and not the groups.
//!
//! It holds for `count`, `sum`, `min`, `max` and the like of numbers, dates and text (not of floats, whose sum depends
//! on the order), and for `distinct`, when every value that is grouped by or aggregated stands in a column of the table
//! as it is, and nothing above the aggregate leaves groups out. Source of the idea: Gupta, Mumick and Subrahmanian,
//! "Maintaining Views Incrementally" (SIGMOD 1993).
//!
//! Distinct counts grow by the values that are new in their group ([`super::fresh`]), where the rows come from one table.
//!
//! Deliberately absent: rows that went. Their groups are computed anew, see [`super::restrict`].

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::common::{Column, JoinType, NullEquality, ScalarValue};
use datafusion::functions_aggregate::expr_fn::{count, sum};
use datafusion::logical_expr::expr::AggregateFunction;
use datafusion::logical_expr::{Aggregate, Distinct, Expr, LogicalPlan, LogicalPlanBuilder, cast, lit};

use super::append::appended;
use super::expr::{all_of, as_exprs, columns, distinct, over, project_keys, requalified, semi_join, substituted};
use super::lookup::own_rows;
use super::reason::{Derived, Reason};
use super::restrict::Keys;
use super::touched::Touching;
use crate::log::Snapshot;

/// What is added up, over the columns of an aggregate.
struct Folded<'a> {
    own: &'a Arc<Snapshot>,
    /// Names of the table's columns that are the key.
    names: Vec<String>,
    keys: &'a Keys,
}

impl Folded<'_> {
    /// Whether a group tells the key of its rows. Where more is in the key, such as a column that a join puts beside the
    /// groups, rows of a touched group may have keys that are not touched.
    fn is_of_groups(&self, shown: &[Expr], groups: &[Column]) -> bool {
        let place = |name: &String| self.own.engine_schema.index_of(name).ok();
        let shown = |name: &String| place(name).and_then(|at| shown.get(at));
        self.names.iter().all(|name| {
            shown(name).is_some_and(|expr| expr.column_refs().into_iter().all(|column| groups.contains(column)))
        })
    }
}

impl Touching<'_> {
    /// The new rows of the touched keys; `None` when they must be computed from the tables.
    pub(super) fn folded(
        &self,
        plan: &LogicalPlan,
        own: &Arc<Snapshot>,
        key: &[Column],
        keys: &Keys,
    ) -> Derived<Option<LogicalPlan>> {
        let names = key.iter().map(|column| column.name.clone()).collect();
        let shown = as_exprs(&columns(plan));
        self.fold(plan, shown, &Folded { own, names, keys })
    }

    /// `shown`: the table's columns, in terms of the plan's.
    fn fold(&self, plan: &LogicalPlan, shown: Vec<Expr>, folded: &Folded<'_>) -> Derived<Option<LogicalPlan>> {
        let through = |input: &LogicalPlan, shown: Vec<Expr>| -> Derived<Option<LogicalPlan>> {
            Ok(self.fold(input, shown, folded)?.map(|input| over(plan, vec![input])).transpose()?)
        };
        match plan {
            LogicalPlan::Projection(node) => through(&node.input, substituted(&shown, &columns(plan), &node.expr)?),
            LogicalPlan::SubqueryAlias(node) => {
                through(&node.input, substituted(&shown, &columns(plan), &as_exprs(&columns(&node.input)))?)
            }
            LogicalPlan::Sort(node) if node.fetch.is_none() => self.fold(&node.input, shown, folded),
            // Every row of the left side is there, once or several times and always the same.
            LogicalPlan::Join(join) if join.join_type == JoinType::Left => {
                let Some(left) = self.fold(&join.left, shown, folded)? else { return Ok(None) };
                Ok(Some(over(plan, vec![left, join.right.as_ref().clone()])?))
            }
            LogicalPlan::Aggregate(node) => match merging(node).filter(|_| !node.group_expr.is_empty()) {
                Some(merging) => self.added_up(plan, &node.input, shown, &merging, folded),
                None => Ok(None),
            },
            LogicalPlan::Distinct(Distinct::All(input)) => self.added_up(plan, input, shown, &[], folded),
            _ => Ok(None),
        }
    }

    /// `plan` groups the rows of `input`; the columns behind the groups are merged as `merging` says.
    fn added_up(
        &self,
        plan: &LogicalPlan,
        input: &LogicalPlan,
        shown: Vec<Expr>,
        merging: &[Merging],
        folded: &Folded<'_>,
    ) -> Derived<Option<LogicalPlan>> {
        let wanted = columns(plan);
        let kinds: Vec<DataType> = plan.schema().fields().iter().map(|field| field.data_type().clone()).collect();
        let name = self.name();
        if !folded.is_of_groups(&shown, &wanted[..wanted.len() - merging.len()]) {
            return Ok(None);
        }
        let Some(from_own) = recovered(&wanted, &kinds, &shown, folded.own, &name) else { return Ok(None) };
        let Ok(new) = appended(input, self.changes) else { return Ok(None) };
        let own = self.own_of(folded, &name)?;
        let own = distinct(project_keys(own, &from_own)?)?;
        let mut parts = vec![own];
        if let Some(new) = new {
            parts.push(new_groups(&over(plan, vec![new])?, merging)?);
            for (at, merging) in merging.iter().enumerate() {
                let Merging::Distinct(value) = merging else { continue };
                let groups = groups_of(plan);
                let Some(fresh) = self.fresh(input, &groups, value)? else { return Ok(None) };
                parts.push(grown(fresh, groups.len(), at, &kinds)?);
            }
        }
        Ok(Some(merged(parts, plan, &wanted, merging)?))
    }

    /// The table's own rows of the touched keys.
    fn own_of(&self, folded: &Folded<'_>, name: &str) -> Derived<LogicalPlan> {
        let rows = own_rows(name, folded.own, &folded.names, folded.keys)?;
        let exprs: Vec<Expr> = folded
            .names
            .iter()
            .enumerate()
            .map(|(at, column)| {
                let kind = folded.keys.plan.schema().field(at).data_type().clone();
                cast(Expr::Column(Column::new(Some(name), column)), kind)
            })
            .collect();
        Ok(semi_join(rows, &exprs, folded.keys.plan.clone(), self.name(), NullEquality::NullEqualsNull)?)
    }
}

/// What a plan groups by.
fn groups_of(plan: &LogicalPlan) -> Vec<Expr> {
    match plan {
        LogicalPlan::Aggregate(node) => node.group_expr.clone(),
        _ => Vec::new(),
    }
}

/// What the new rows alone say of their groups, but for distinct counts.
fn new_groups(new: &LogicalPlan, merging: &[Merging]) -> Derived<LogicalPlan> {
    let mut exprs = as_exprs(&columns(new));
    let groups = exprs.len() - merging.len();
    for (expr, _) in exprs.iter_mut().skip(groups).zip(merging).filter(|(_, merging)| merging.is_distinct()) {
        *expr = lit(0_i64);
    }
    Ok(project_keys(new.clone(), &exprs)?)
}

/// How many new values each group has, in the place of one distinct count; the other values say nothing.
fn grown(fresh: LogicalPlan, groups: usize, place: usize, kinds: &[DataType]) -> Derived<LogicalPlan> {
    let by: Vec<Expr> = as_exprs(&columns(&fresh)[..groups]);
    let counted = LogicalPlanBuilder::from(fresh).aggregate(by, vec![count(lit(1)).alias("grown")])?.build()?;
    let found = columns(&counted);
    let exprs = kinds.iter().enumerate().map(|(at, kind)| match at {
        at if at < groups => Expr::Column(found[at].clone()),
        at if at == groups + place => Expr::Column(found[groups].clone()),
        _ => cast(Expr::Literal(ScalarValue::Null, None), kind.clone()),
    });
    let exprs: Vec<Expr> = exprs.collect();
    Ok(project_keys(counted, &exprs)?)
}

/// Groups of some plans as one, with the columns of the aggregate `plan`, called `wanted`. The plans have its columns as
/// `__key0`, ….
pub(super) fn merged(
    parts: Vec<LogicalPlan>,
    plan: &LogicalPlan,
    wanted: &[Column],
    merging: &[Merging],
) -> Derived<LogicalPlan> {
    let kinds = plan.schema().fields().iter().map(|field| field.data_type().clone());
    let both = all_of(parts)?.ok_or_else(|| Reason::new("there are no rows"))?;
    let all = columns(&both);
    let (groups, values) = all.split_at(all.len() - merging.len());
    let values = values.iter().zip(merging).enumerate();
    let values: Vec<Expr> =
        values.map(|(at, (value, merging))| merging.of(value.clone()).alias(format!("__merged{at}"))).collect();
    let merged = LogicalPlanBuilder::from(both.clone()).aggregate(as_exprs(groups), values)?.build()?;
    let exprs = columns(&merged).into_iter().zip(kinds).map(|(column, kind)| cast(Expr::Column(column), kind));
    let exprs: Vec<Expr> = exprs.collect();
    Ok(requalified(project_keys(merged, &exprs)?, wanted)?)
}

/// How two values of an aggregate become one.
pub(super) enum Merging {
    Sum,
    /// By what the distinct values of this expression grow by.
    Distinct(Expr),
    /// By the same function.
    Same(AggregateFunction),
}

impl Merging {
    pub(super) fn is_distinct(&self) -> bool {
        matches!(self, Self::Distinct(_))
    }

    fn of(&self, value: Column) -> Expr {
        let value = Expr::Column(value);
        match self {
            Self::Sum | Self::Distinct(_) => sum(value),
            Self::Same(function) => {
                let func = Arc::clone(&function.func);
                Expr::AggregateFunction(AggregateFunction::new_udf(func, vec![value], false, None, vec![], None))
            }
        }
    }
}

/// How each value of an aggregate is merged; `None` when one of them cannot be.
pub(super) fn merging(aggregate: &Aggregate) -> Option<Vec<Merging>> {
    if matches!(aggregate.group_expr.as_slice(), [Expr::GroupingSet(_)]) {
        return None;
    }
    let groups = aggregate.group_expr.len();
    let fields = aggregate.schema.fields().iter().skip(groups);
    aggregate
        .aggr_expr
        .iter()
        .zip(fields)
        .map(|(expr, field)| {
            let Expr::AggregateFunction(function) = expr.clone().unalias() else { return None };
            let is_plain = !function.params.distinct && function.params.order_by.is_empty();
            match function.func.name() {
                "count" if is_plain => Some(Merging::Sum),
                "count" if is_distinct_value(&function) => function.params.args.first().cloned().map(Merging::Distinct),
                // By itself: dialects differ in what they do with a sum that is too large.
                "sum" if is_plain && !field.data_type().is_floating() => Some(Merging::Same(function)),
                "min" | "max" | "bool_and" | "bool_or" => Some(Merging::Same(function)),
                _ => None,
            }
        })
        .collect()
}

/// Whether it counts the different values of one expression.
fn is_distinct_value(function: &AggregateFunction) -> bool {
    let params = &function.params;
    params.distinct && params.args.len() == 1 && params.filter.is_none() && params.order_by.is_empty()
}

/// Each of the wanted columns, in terms of the table's own, which is called `name`; `None` when one of them is not there as it is.
fn recovered(wanted: &[Column], kinds: &[DataType], shown: &[Expr], own: &Snapshot, name: &str) -> Option<Vec<Expr>> {
    wanted
        .iter()
        .zip(kinds)
        .map(|(column, kind)| {
            let place = shown.iter().position(|expr| is_same_value(expr, column, kind))?;
            let field = own.engine_schema.fields().get(place)?;
            let is_kept = field.data_type() == kind
                || is_lossless(field.data_type(), kind)
                || is_lossless(kind, field.data_type());
            is_kept.then(|| cast(Expr::Column(Column::new(Some(name), field.name())), kind.clone()))
        })
        .collect()
}

/// Whether an expression is the column, or a cast of it that either keeps the value or fails.
fn is_same_value(expr: &Expr, column: &Column, kind: &DataType) -> bool {
    match expr {
        Expr::Alias(alias) => is_same_value(&alias.expr, column, kind),
        Expr::Column(found) => found == column,
        Expr::Cast(cast) => {
            let to = cast.field.data_type();
            matches!(cast.expr.as_ref(), Expr::Column(found) if found == column)
                && (to == kind || is_lossless(kind, to))
        }
        _ => false,
    }
}

/// Whether a cast from one type to another keeps each value or fails.
fn is_lossless(from: &DataType, to: &DataType) -> bool {
    use DataType::{Decimal128, Decimal256, LargeUtf8, Utf8, Utf8View};
    match (from, to) {
        (Decimal128(_, from) | Decimal256(_, from), Decimal128(_, to) | Decimal256(_, to)) => from <= to,
        (Utf8 | LargeUtf8 | Utf8View, Utf8 | LargeUtf8 | Utf8View) => true,
        (from, to) => from.is_integer() && to.is_integer(),
    }
}
