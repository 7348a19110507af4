//! Whether a query may give other rows when the same rows are read in another order.

use std::ops::ControlFlow;

use sqlparser::ast::{Distinct, Expr, Query, Select, SetExpr, Statement, Visit, Visitor};

use crate::volatile::call_of;

/// Functions whose result depends on the order of rows that are equal in what they are ordered by. Sorted.
const ORDERED: &[&str] = &[
    "any_value",
    "array_agg",
    "first",
    "first_value",
    "lag",
    "last",
    "last_value",
    "lead",
    "list",
    "listagg",
    "nth_value",
    "ntile",
    "row_number",
    "string_agg",
];

/// The first part of the statement that takes one of several rows, or puts them one behind the other: where these are
/// equal in its order, which one comes first is left open. Whether there are such rows, the statement does not tell.
pub fn order_dependent(statement: &Statement) -> Option<String> {
    let mut finder = Finder { found: None };
    let _ = statement.visit(&mut finder);
    finder.found
}

struct Finder {
    found: Option<String>,
}

impl Finder {
    fn is(&mut self, what: &str) -> ControlFlow<()> {
        self.found = Some(what.to_owned());
        ControlFlow::Break(())
    }
}

impl Visitor for Finder {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        let is_top = matches!(query.body.as_ref(), SetExpr::Select(select) if select.top.is_some());
        match query.limit_clause.is_some() || query.fetch.is_some() || is_top {
            true => self.is("limit"),
            false => ControlFlow::Continue(()),
        }
    }

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<()> {
        match &select.distinct {
            Some(Distinct::On(_)) => self.is("distinct on"),
            _ => ControlFlow::Continue(()),
        }
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        match call_of(expr, ORDERED) {
            Some(call) => self.is(&call),
            None => ControlFlow::Continue(()),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::parse_one;

    #[test]
    fn what_takes_one_of_several_rows_is_found() {
        for (sql, found) in [
            ("select a from t order by a limit 3", Some("limit")),
            ("select a from t order by a fetch first 3 rows only", Some("limit")),
            ("select distinct on (a) a, b from t order by a", Some("distinct on")),
            ("select a from (select a, ROW_NUMBER() over (order by a) as n from t) where n = 1", Some("row_number()")),
            ("select a, string_agg(b, ',') from t group by a", Some("string_agg()")),
            ("select distinct a, max(b) over (partition by a) from t order by a", None),
            ("select a, rank() over (order by a), sum(b) from t group by a", None),
        ] {
            assert_eq!(order_dependent(&parse_one(sql).unwrap()).as_deref(), found, "{sql}");
        }
        assert!(ORDERED.is_sorted());
    }
}
