//! Names of columns that the user did not name.
//!
//! The engine names an unnamed expression by its text without casts and with every subquery written alike, and refuses a
//! select list in which two names are equal. Users may write such lists (`select (select 1), (select 2)`), as in other
//! databases; every second and later column of a name is therefore given one of its own: its text and `:1`, `:2`, …

use std::collections::HashMap;
use std::ops::ControlFlow;

use sqlparser::ast::{Expr, Ident, Select, SelectItem, Value, VisitMut, VisitorMut};

/// Tells equal unnamed columns of a select list apart.
pub(crate) fn tell_apart(select: &mut Select) {
    let mut seen: HashMap<String, usize> = HashMap::new();
    for item in &mut select.projection {
        let SelectItem::UnnamedExpr(expr) = item else { continue };
        let name = engine_name(expr);
        let before = seen.entry(name.clone()).or_default();
        if *before > 0 {
            let alias = Ident::with_quote('"', format!("{name}:{before}"));
            // The expression moves into the named form; what stands in for it is dropped with the item.
            let expr = std::mem::replace(expr, Expr::value(Value::Null));
            *item = SelectItem::ExprWithAlias { expr, alias };
        }
        *before += 1;
    }
}

/// About what the engine would call it.
fn engine_name(expr: &Expr) -> String {
    let mut expr = expr.clone();
    let _ = expr.visit(&mut Simplifier);
    expr.to_string().to_lowercase()
}

struct Simplifier;

impl VisitorMut for Simplifier {
    type Break = ();

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        let simpler = match expr {
            Expr::Cast { expr, .. } => std::mem::replace(expr.as_mut(), Expr::value(Value::Null)),
            Expr::TypedString(typed) => Expr::Value(typed.value.clone()),
            Expr::Subquery(_) => Expr::Identifier(Ident::new("(subquery)")),
            Expr::Exists { .. } => Expr::Identifier(Ident::new("exists")),
            _ => return ControlFlow::Continue(()),
        };
        *expr = simpler;
        ControlFlow::Continue(())
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::rewritten;

    #[test]
    fn equal_names_are_told_apart_and_others_left_alone() {
        assert_eq!(
            rewritten("select (select 1), (select 2), a, (select 3) from t"),
            "SELECT (SELECT 1), (SELECT 2) AS \"(subquery):1\", a, (SELECT 3) AS \"(subquery):2\" FROM t"
        );
        assert_eq!(
            rewritten("select null is null, cast(null as integer) is null"),
            "SELECT NULL IS NULL, CAST(NULL AS INTEGER) IS NULL AS \"null is null:1\""
        );
        assert_eq!(rewritten("select a, A, t.a from t"), "SELECT a, A AS \"a:1\", t.a FROM t");
        assert_eq!(rewritten("select count(*), sum(a), 1 as one from t"), "SELECT count(*), sum(a), 1 AS one FROM t");
    }

    #[test]
    fn inner_select_lists_are_seen_too() {
        assert_eq!(rewritten("select * from (select 1, 1) as t"), "SELECT * FROM (SELECT 1, 1 AS \"1:1\") AS t");
    }
}
