//! Aggregates that a row asks about other rows, by more than equal keys:
//! `(select sum(b.n) from b where b.id = a.id and b.day < a.day)`.
//!
//! The engine answers such a subquery only where all that ties it to the row are equalities of columns. Here the
//! distinct values that rows ask with are joined to the rows that are asked, and the aggregates of each are joined back
//! to who asked.
//!
//! Guarantees: one answer for each row, null or zero where nothing matches, as SQL has it. What the engine can do by
//! itself, and what has not this form, is left to it.

use std::sync::Arc;

use datafusion::common::Column;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::error::Result;
use datafusion::logical_expr::utils::{conjunction, split_conjunction};
use datafusion::logical_expr::{
    BinaryExpr, Cast, Expr, Filter, JoinType, LogicalPlan, LogicalPlanBuilder, Operator, Projection, Subquery,
    binary_expr, lit, when,
};

/// Aggregates that are zero over no rows; all others are null.
const COUNTS: [&str; 4] = ["count", "count_if", "approx_distinct", "regr_count"];

/// Answers such subqueries in select lists and conditions by joins.
pub(super) fn answered(plan: LogicalPlan) -> Result<LogicalPlan> {
    let mut asked = 0;
    let done = plan.transform_up_with_subqueries(|plan| match plan {
        LogicalPlan::Projection(projection)
            if projection.expr.iter().any(asks) && may_be_read_twice(&projection.input)? =>
        {
            in_projection(projection, &mut asked).map(Transformed::yes)
        }
        LogicalPlan::Filter(filter) if asks(&filter.predicate) && may_be_read_twice(&filter.input)? => {
            in_filter(filter, &mut asked).map(Transformed::yes)
        }
        other => Ok(Transformed::no(other)),
    })?;
    Ok(done.data)
}

fn in_projection(projection: Projection, asked: &mut usize) -> Result<LogicalPlan> {
    let mut input = Arc::unwrap_or_clone(projection.input);
    let mut columns = Vec::with_capacity(projection.expr.len());
    for column in projection.expr {
        let name = column.schema_name().to_string();
        let (made, joined) = join(column, input, asked)?;
        input = joined;
        columns.push(if made.schema_name().to_string() == name { made } else { made.alias(name) });
    }
    LogicalPlanBuilder::from(input).project(columns)?.build()
}

fn in_filter(filter: Filter, asked: &mut usize) -> Result<LogicalPlan> {
    let columns: Vec<Expr> = filter.input.schema().columns().into_iter().map(Expr::Column).collect();
    let (condition, joined) = join(filter.predicate, Arc::unwrap_or_clone(filter.input), asked)?;
    LogicalPlanBuilder::from(joined).filter(condition)?.project(columns)?.build()
}

/// An expression with columns instead of subqueries, and its input with these columns.
fn join(expr: Expr, input: LogicalPlan, asked: &mut usize) -> Result<(Expr, LogicalPlan)> {
    let mut input = input;
    let made = expr.transform_up(|expr| {
        let Some(question) = question_of(&expr) else { return Ok(Transformed::no(expr)) };
        *asked += 1;
        let (answer, joined) = question.put(input.clone(), *asked)?;
        input = joined;
        Ok(Transformed::yes(answer))
    })?;
    Ok((made.data, input))
}

/// A subquery, taken apart.
struct Question {
    /// Columns of the asking row that the condition reads.
    keys: Vec<Column>,
    condition: Expr,
    /// The rows that are asked.
    rows: LogicalPlan,
    aggregates: Vec<Expr>,
    /// What the aggregates are called where the answer reads them.
    names: Vec<Column>,
    answer: Expr,
}

fn asks(expr: &Expr) -> bool {
    expr.exists(|expr| Ok(question_of(expr).is_some())).unwrap_or(false)
}

fn question_of(expr: &Expr) -> Option<Question> {
    let Expr::ScalarSubquery(Subquery { subquery, .. }) = expr else { return None };
    let LogicalPlan::Projection(projection) = subquery.as_ref() else { return None };
    let [answer] = projection.expr.as_slice() else { return None };
    let LogicalPlan::Aggregate(aggregate) = projection.input.as_ref() else { return None };
    if !aggregate.group_expr.is_empty() || aggregate.aggr_expr.iter().any(Expr::contains_outer) {
        return None;
    }
    let mut rows = &aggregate.input;
    let mut conditions: Vec<Expr> = Vec::new();
    while let LogicalPlan::Filter(filter) = rows.as_ref() {
        conditions.extend(split_conjunction(&filter.predicate).into_iter().cloned());
        rows = &filter.input;
    }
    let is_known_to_the_engine = conditions.iter().filter(|part| part.contains_outer()).all(is_equality);
    let has_subquery = |expr: &Expr| expr.exists(|expr| Ok(is_subquery(expr))).unwrap_or(true);
    if is_known_to_the_engine || conditions.iter().any(has_subquery) || has_subquery(answer) {
        return None;
    }
    if !rows.all_out_ref_exprs().is_empty() {
        return None;
    }
    let condition = conjunction(conditions)?;
    Some(Question {
        keys: outer_columns(&condition),
        condition,
        rows: rows.as_ref().clone(),
        aggregates: aggregate.aggr_expr.clone(),
        names: aggregate.schema.columns(),
        answer: answer.clone().unalias(),
    })
}

fn is_subquery(expr: &Expr) -> bool {
    matches!(expr, Expr::ScalarSubquery(_) | Expr::Exists(_) | Expr::InSubquery(_) | Expr::SetComparison(_))
}

/// An equality of a column with something of the asking row.
fn is_equality(condition: &Expr) -> bool {
    let Expr::BinaryExpr(BinaryExpr { left, op: Operator::Eq, right }) = condition else { return false };
    let is_column = |side: &Expr| match side {
        Expr::Column(_) => true,
        Expr::Cast(Cast { expr, .. }) => matches!(expr.as_ref(), Expr::Column(_)),
        _ => false,
    };
    (is_column(left) && !right.any_column_refs()) || (is_column(right) && !left.any_column_refs())
}

fn outer_columns(condition: &Expr) -> Vec<Column> {
    let mut found: Vec<Column> = Vec::new();
    // The closure never fails.
    let _ = condition.apply(|expr| {
        if let Expr::OuterReferenceColumn(_, column) = expr
            && !found.contains(column)
        {
            found.push(column.clone());
        }
        Ok(TreeNodeRecursion::Continue)
    });
    found
}

/// Whether a plan gives the same rows each time, and none that depend on a query around it.
pub(super) fn may_be_read_twice(plan: &LogicalPlan) -> Result<bool> {
    if !plan.all_out_ref_exprs().is_empty() {
        return Ok(false);
    }
    let mut is_stable = true;
    plan.apply_with_subqueries(|plan| {
        plan.apply_expressions(|expr| {
            is_stable &= !expr.is_volatile();
            Ok(TreeNodeRecursion::Continue)
        })
    })?;
    Ok(is_stable)
}

impl Question {
    /// The answer, and the asking rows with the columns that it reads.
    fn put(self, asking: LogicalPlan, number: usize) -> Result<(Expr, LogicalPlan)> {
        let (keys, answers) = (format!("__asking_{number}"), format!("__answer_{number}"));
        let key = |of: &str, position: usize| Expr::Column(Column::new(Some(of), format!("k{position}")));
        let distinct = LogicalPlanBuilder::from(asking.clone())
            .project(
                self.keys.iter().enumerate().map(|(at, column)| Expr::Column(column.clone()).alias(format!("k{at}"))),
            )?
            .distinct()?
            .alias(keys.as_str())?
            .build()?;
        let condition = self.condition.transform_up(|expr| match &expr {
            Expr::OuterReferenceColumn(_, column) => match self.keys.iter().position(|own| own == column) {
                Some(position) => Ok(Transformed::yes(key(&keys, position))),
                None => Ok(Transformed::no(expr)),
            },
            _ => Ok(Transformed::no(expr)),
        })?;
        let grouped: Vec<Expr> = (0..self.keys.len()).map(|at| key(&keys, at)).collect();
        let mut columns: Vec<Expr> =
            grouped.iter().enumerate().map(|(at, key)| key.clone().alias(format!("k{at}"))).collect();
        columns
            .extend(self.names.iter().enumerate().map(|(at, name)| Expr::Column(name.clone()).alias(format!("a{at}"))));
        let found = LogicalPlanBuilder::from(distinct)
            .join_on(self.rows, JoinType::Inner, [condition.data])?
            .aggregate(grouped, self.aggregates.clone())?
            .project(columns)?
            .alias(answers.as_str())?
            .build()?;
        let same = self.keys.iter().enumerate().map(|(at, column)| {
            binary_expr(Expr::Column(column.clone()), Operator::IsNotDistinctFrom, key(&answers, at))
        });
        let joined = LogicalPlanBuilder::from(asking).join_on(found, JoinType::Left, same)?.build()?;
        let answer = self.answer.transform_up(|expr| match &expr {
            Expr::OuterReferenceColumn(_, column) => Ok(Transformed::yes(Expr::Column(column.clone()))),
            Expr::Column(column) => match self.names.iter().position(|name| name == column) {
                Some(at) => {
                    let value = Expr::Column(Column::new(Some(answers.as_str()), format!("a{at}")));
                    Ok(Transformed::yes(if counts(&self.aggregates[at]) { or_zero(value)? } else { value }))
                }
                None => Ok(Transformed::no(expr)),
            },
            _ => Ok(Transformed::no(expr)),
        })?;
        Ok((answer.data, joined))
    }
}

fn counts(aggregate: &Expr) -> bool {
    match aggregate {
        Expr::Alias(alias) => counts(&alias.expr),
        Expr::AggregateFunction(function) => COUNTS.contains(&function.func.name()),
        _ => false,
    }
}

fn or_zero(value: Expr) -> Result<Expr> {
    when(value.clone().is_null(), lit(0_i64)).otherwise(value)
}
