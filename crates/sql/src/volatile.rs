//! Whether a query may give other rows each time it runs.

use std::ops::ControlFlow;

use sqlparser::ast::{Expr, ObjectNamePart, Statement, TableFactor, Visit, Visitor};

/// Functions whose result depends on when or how often they are called. Sorted.
const VOLATILE: &[&str] = &[
    "clock_timestamp",
    "current_date",
    "current_time",
    "current_timestamp",
    "gen_random_uuid",
    "getdate",
    "localtime",
    "localtimestamp",
    "now",
    "rand",
    "random",
    "randstr",
    "statement_timestamp",
    "sysdate",
    "systimestamp",
    "today",
    "transaction_timestamp",
    "uniform",
    "uuid",
    "uuid_string",
    "uuidv7",
];

/// The first part of the statement that makes it give other rows each time: a function's name, or `sample`. What only
/// depends on the order in which rows are read is not seen.
pub fn volatile(statement: &Statement) -> Option<String> {
    let mut finder = Finder { found: None };
    let _ = statement.visit(&mut finder);
    finder.found
}

/// Which of these functions, sorted by their names, an expression calls.
pub(crate) fn call_of(expr: &Expr, known: &[&str]) -> Option<String> {
    let Expr::Function(function) = expr else { return None };
    let Some(ObjectNamePart::Identifier(name)) = function.name.0.last() else { return None };
    let name = name.value.to_lowercase();
    known.binary_search(&name.as_str()).ok().map(|_| format!("{name}()"))
}

struct Finder {
    found: Option<String>,
}

impl Visitor for Finder {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        self.found = call_of(expr, VOLATILE);
        if self.found.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    fn pre_visit_table_factor(&mut self, table: &TableFactor) -> ControlFlow<()> {
        if matches!(table, TableFactor::Table { sample: Some(_), .. }) {
            self.found = Some("sample".into());
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn of(sql: &str) -> Option<String> {
        volatile(&crate::parse_one(sql).unwrap())
    }

    #[test]
    fn functions_of_time_and_chance_are_found_anywhere() {
        assert!(VOLATILE.is_sorted());
        assert_eq!(of("select 1 from t where d < current_date").as_deref(), Some("current_date()"));
        assert_eq!(of("with a as (select Random() as r) select * from a").as_deref(), Some("random()"));
        assert_eq!(of("select now_, 'now()' as a from t -- now()"), None);
        assert_eq!(of("select count(*) filter (where x < now()) from t").as_deref(), Some("now()"));
    }
}
