//! Taking expressions out of a statement, so that planning can go on behind one that is wrong, and so that an error
//! without a place can be narrowed down to the expression that causes it.
//!
//! Guarantees: a taken out expression becomes `null`; a column of a select list keeps its name. Deliberately absent:
//! any meaning of what is left: it is only planned, never run.

use std::ops::ControlFlow;

use millstream_core::Place;
use sqlparser::ast::{
    Expr, Ident, Select, SelectItem, Spanned, Statement, Value, Visit, VisitMut, Visitor, VisitorMut,
};

use crate::place::place_at;

/// Begins the stand-in of a column while it is not yet known where it stands. No user can write it: NUL is no SQL.
const MARK: &str = "\0";

/// One expression of a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpressionAt {
    /// Where it starts, if the parser knows.
    pub place: Option<Place>,
    /// Number of the first expression behind it that is no part of it.
    pub end: usize,
}

/// The expressions of a statement, outer ones before inner ones. The index is the number for [`blank_number`].
pub fn expressions(statement: &Statement) -> Vec<ExpressionAt> {
    let mut finder = Finder::default();
    let _ = statement.visit(&mut finder);
    finder.found
}

/// Takes out the innermost expression that starts at this place. False: there is none.
pub fn blank_at(statement: &mut Statement, place: &Place) -> bool {
    let all = expressions(statement);
    match all.iter().rposition(|one| one.place.as_ref() == Some(place)) {
        Some(number) => blank_number(statement, number),
        None => false,
    }
}

/// Takes out the expression of this number. False: there are not so many.
pub fn blank_number(statement: &mut Statement, number: usize) -> bool {
    let mut blanker = Blanker { number, at: 0, done: false };
    let _ = statement.visit(&mut blanker);
    if blanker.done {
        let _ = statement.visit(&mut Namer);
    }
    blanker.done
}

#[derive(Default)]
struct Finder {
    found: Vec<ExpressionAt>,
    open: Vec<usize>,
}

impl Visitor for Finder {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        let start = expr.span().start;
        self.open.push(self.found.len());
        self.found.push(ExpressionAt { place: place_at(start.line, start.column), end: 0 });
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, _expr: &Expr) -> ControlFlow<()> {
        let end = self.found.len();
        if let Some(open) = self.open.pop() {
            self.found[open].end = end;
        }
        ControlFlow::Continue(())
    }
}

struct Blanker {
    number: usize,
    at: usize,
    done: bool,
}

impl VisitorMut for Blanker {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if self.at < self.number {
            self.at += 1;
            return ControlFlow::Continue(());
        }
        let name = match expr {
            Expr::Identifier(ident) => Some(ident.clone()),
            Expr::CompoundIdentifier(parts) => parts.last().cloned(),
            _ => None,
        };
        *expr = Expr::value(match name {
            Some(name) => Value::Placeholder(format!("{MARK}{}{}", name.quote_style.unwrap_or(' '), name.value)),
            None => Value::Null,
        });
        self.done = true;
        ControlFlow::Break(())
    }
}

/// Stand-ins of columns become `null`, in a select list with the column's name.
struct Namer;

impl VisitorMut for Namer {
    type Break = ();

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<()> {
        for item in &mut select.projection {
            if let SelectItem::UnnamedExpr(expr) = item
                && let Some(alias) = marked(expr)
            {
                *item = SelectItem::ExprWithAlias { expr: Expr::value(Value::Null), alias };
            }
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if marked(expr).is_some() {
            *expr = Expr::value(Value::Null);
        }
        ControlFlow::Continue(())
    }
}

fn marked(expr: &Expr) -> Option<Ident> {
    let Expr::Value(value) = expr else { return None };
    let Value::Placeholder(text) = &value.value else { return None };
    let mut chars = text.strip_prefix(MARK)?.chars();
    let quote = chars.next()?;
    let name = chars.as_str();
    Some(if quote == ' ' { Ident::new(name) } else { Ident::with_quote(quote, name) })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::parse_one;

    fn blanked(sql: &str, line: u32, column: u32) -> Option<String> {
        let mut statement = parse_one(sql).unwrap();
        blank_at(&mut statement, &Place::column(crate::SQL_FILE, line, column)).then(|| statement.to_string())
    }

    #[test]
    fn the_innermost_expression_at_a_place_becomes_null_and_columns_keep_their_names() {
        let sql = "select amont, t.\"Amont\",\n  amont + 1 from t where f(amont) > 1";
        assert_eq!(
            blanked(sql, 1, 8).unwrap(),
            "SELECT NULL AS amont, t.\"Amont\", amont + 1 FROM t WHERE f(amont) > 1"
        );
        assert_eq!(
            blanked(sql, 1, 15).unwrap(),
            "SELECT amont, NULL AS \"Amont\", amont + 1 FROM t WHERE f(amont) > 1"
        );
        assert_eq!(blanked(sql, 2, 3).unwrap(), "SELECT amont, t.\"Amont\", NULL + 1 FROM t WHERE f(amont) > 1");
        assert_eq!(blanked(sql, 2, 26).unwrap(), "SELECT amont, t.\"Amont\", amont + 1 FROM t WHERE NULL > 1");
        assert_eq!(blanked(sql, 7, 7), None);
    }

    #[test]
    fn expressions_know_where_their_parts_end() {
        let statement = parse_one("select a + b, c from (select 1 as d) x").unwrap();
        let all = expressions(&statement);
        assert_eq!(all.iter().map(|one| one.end).collect::<Vec<_>>(), [3, 2, 3, 4, 5]);
        let mut taken = statement.clone();
        assert!(blank_number(&mut taken, 0));
        assert!(taken.to_string().starts_with("SELECT NULL, c FROM (SELECT 1 AS d)"), "{taken}");
        assert!(!blank_number(&mut taken, 99));
    }
}
