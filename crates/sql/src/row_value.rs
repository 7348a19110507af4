//! `(select f(t.a))`: a subquery over no table is its expression, computed for each row of the query around it.
//!
//! PostgreSQL's users write it to take one row of a function that gives rows (`(select regexp_matches(…))`); the engine
//! plans no subquery that reads nothing but the row around it.

use std::ops::ControlFlow;

use sqlparser::ast::{Expr, GroupByExpr, ObjectNamePart, Query, Select, SelectItem, SetExpr, Value, Visit, Visitor};

use crate::refs::folded;

/// Functions that make one value of many rows or many rows of one value.
const NOT_OF_A_ROW: &[&str] = &[
    "count",
    "count_if",
    "sum",
    "avg",
    "min",
    "max",
    "min_by",
    "max_by",
    "any_value",
    "first",
    "first_value",
    "last",
    "last_value",
    "array_agg",
    "list",
    "string_agg",
    "listagg",
    "bool_and",
    "bool_or",
    "median",
    "mode",
    "stddev",
    "variance",
    "unnest",
    "generate_series",
];

/// The expression of such a subquery in its place; everything else stays.
pub(crate) fn unwrap(expr: &mut Expr) {
    let Expr::Subquery(query) = expr else { return };
    let Some(value) = value_of(query) else { return };
    let mut value = std::mem::replace(value, Expr::value(Value::Null));
    // The rows of matches: of a subquery that may have one, the first, which is what this function gives.
    if let Expr::Function(function) = &mut value
        && let [ObjectNamePart::Identifier(name)] = function.name.0.as_mut_slice()
        && folded(name) == "regexp_matches"
    {
        name.value = "regexp_match".into();
    }
    *expr = Expr::Nested(Box::new(value));
}

fn value_of(query: &mut Query) -> Option<&mut Expr> {
    let is_bare = query.with.is_none()
        && query.order_by.is_none()
        && query.limit_clause.is_none()
        && query.fetch.is_none()
        && query.pipe_operators.is_empty();
    let SetExpr::Select(select) = query.body.as_mut() else { return None };
    if !is_bare || !is_plain(select) {
        return None;
    }
    let [SelectItem::UnnamedExpr(value) | SelectItem::ExprWithAlias { expr: value, .. }] =
        select.projection.as_mut_slice()
    else {
        return None;
    };
    is_of_a_row(value).then_some(value)
}

/// Whether nothing but the select list is there.
fn is_plain(select: &Select) -> bool {
    let is_grouped = match &select.group_by {
        GroupByExpr::All(_) => true,
        GroupByExpr::Expressions(keys, modifiers) => !keys.is_empty() || !modifiers.is_empty(),
    };
    select.from.is_empty()
        && select.distinct.is_none()
        && select.top.is_none()
        && select.selection.is_none()
        && select.having.is_none()
        && select.qualify.is_none()
        && select.lateral_views.is_empty()
        && !is_grouped
}

/// Whether the expression is one value of the row around it, whose columns it reads.
fn is_of_a_row(value: &Expr) -> bool {
    struct Look {
        has_column: bool,
        is_of_a_row: bool,
    }
    impl Visitor for Look {
        type Break = ();
        fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
            match expr {
                Expr::Identifier(_) | Expr::CompoundIdentifier(_) => self.has_column = true,
                Expr::Subquery(_) | Expr::Exists { .. } | Expr::InSubquery { .. } => self.is_of_a_row = false,
                Expr::Function(function) => {
                    let name = function.name.0.last().and_then(ObjectNamePart::as_ident).map(folded);
                    let is_other = name.is_some_and(|name| NOT_OF_A_ROW.contains(&name.as_str()));
                    self.is_of_a_row &= !is_other && function.over.is_none() && function.filter.is_none();
                }
                _ => {}
            }
            ControlFlow::Continue(())
        }
    }
    let mut look = Look { has_column: false, is_of_a_row: true };
    let _ = value.visit(&mut look);
    look.has_column && look.is_of_a_row
}

#[cfg(test)]
mod tests {
    use crate::testing::rewritten;

    #[test]
    fn a_subquery_over_no_table_is_its_expression() {
        assert_eq!(
            rewritten("select array_length((select regexp_matches(a, 'x', '')), 1), (select b || 'x' as c) from t"),
            "SELECT array_length((regexp_match(a, 'x')), 1), (b || 'x') FROM t"
        );
        assert_eq!(
            rewritten("select a from t where regexp_matches(a, '^x', 'i')"),
            "SELECT a FROM t WHERE regexp_like(a, '^x', 'i')"
        );
    }

    #[test]
    fn other_subqueries_stay() {
        for sql in [
            "SELECT (SELECT 1)",
            "SELECT (SELECT max(a)) FROM t",
            "SELECT (SELECT a FROM u) FROM t",
            "SELECT (SELECT a WHERE a > 1) FROM t",
            "SELECT (SELECT a LIMIT 0) FROM t",
        ] {
            assert_eq!(rewritten(sql), sql);
        }
    }
}
