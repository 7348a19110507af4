//! Puts two kinds of operators back where they bind: `is [not] distinct from` tighter than `not`, `and` and `or`, and
//! PostgreSQL's `->`, `->>`, `#>`, `#>>` tighter than comparisons, `like`, `in`, `between` and `is`
//! (<https://www.postgresql.org/docs/current/sql-syntax-lexical.html>, "Operator Precedence").
//!
//! The parser reads everything up to the end of the condition as its right operand (mended in sqlparser 0.64), so
//! `a is distinct from b or c` would mean `a is distinct from (b or c)`: an error at best, another answer at worst.
//! Brackets that the user wrote are nodes of their own, so that a bare `and`/`or` below a tighter operator can only
//! come from that.

use std::mem;
use std::ops::ControlFlow;

use sqlparser::ast::{BinaryOperator, Expr, Statement, UnaryOperator, Value, VisitMut, VisitorMut};

/// Mends every expression of a statement, innermost first.
pub(crate) fn mend(statement: &mut Statement) {
    let _ = statement.visit(&mut Mender);
}

struct Mender;

impl VisitorMut for Mender {
    type Break = ();

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        lift(expr);
        sink(expr);
        ControlFlow::Continue(())
    }
}

fn is_arrow(op: &BinaryOperator) -> bool {
    use BinaryOperator::{Arrow, HashArrow, HashLongArrow, LongArrow};
    matches!(op, Arrow | LongArrow | HashArrow | HashLongArrow)
}

/// The operand at the left end of what binds looser than an arrow.
fn first_operand(expr: &mut Expr) -> Option<&mut Expr> {
    use BinaryOperator::{Eq, Gt, GtEq, Lt, LtEq, NotEq};
    match expr {
        Expr::BinaryOp { left, op: Eq | NotEq | Lt | LtEq | Gt | GtEq, .. } => Some(left),
        Expr::IsNull(expr)
        | Expr::IsNotNull(expr)
        | Expr::IsTrue(expr)
        | Expr::IsNotTrue(expr)
        | Expr::IsFalse(expr)
        | Expr::IsNotFalse(expr)
        | Expr::IsDistinctFrom(expr, _)
        | Expr::IsNotDistinctFrom(expr, _)
        | Expr::InList { expr, .. }
        | Expr::InSubquery { expr, .. }
        | Expr::Between { expr, .. }
        | Expr::Like { expr, .. }
        | Expr::ILike { expr, .. } => Some(expr),
        _ => None,
    }
}

/// The operand at the right end of what binds looser than an arrow, and has one there.
fn end_operand(expr: &mut Expr) -> Option<&mut Expr> {
    use BinaryOperator::{Eq, Gt, GtEq, Lt, LtEq, NotEq};
    match expr {
        Expr::BinaryOp { right, op: Eq | NotEq | Lt | LtEq | Gt | GtEq, .. } => Some(right),
        Expr::IsDistinctFrom(_, right) | Expr::IsNotDistinctFrom(_, right) => Some(right),
        Expr::Between { high, .. } => Some(high),
        Expr::Like { pattern, .. } | Expr::ILike { pattern, .. } => Some(pattern),
        _ => None,
    }
}

/// `x -> (k OP y)`, where OP binds looser, becomes `(x -> k) OP y`, and `(x OP y) -> k` becomes `x OP (y -> k)`.
fn sink(expr: &mut Expr) {
    let Expr::BinaryOp { left, op, right } = expr else { return };
    if !is_arrow(op) {
        return;
    }
    if end_operand(left).is_some() {
        let (op, right) = (op.clone(), mem::replace(right, Box::new(Expr::value(Value::Null))));
        let mut outer = mem::replace(left.as_mut(), Expr::value(Value::Null));
        if let Some(last) = end_operand(&mut outer) {
            let document = mem::replace(last, Expr::value(Value::Null));
            *last = Expr::BinaryOp { left: Box::new(document), op, right };
            sink(last);
        }
        *expr = outer;
        return;
    }
    if first_operand(right).is_none() {
        return;
    }
    let (left, op) = (mem::replace(left.as_mut(), Expr::value(Value::Null)), op.clone());
    let mut outer = mem::replace(right.as_mut(), Expr::value(Value::Null));
    if let Some(first) = first_operand(&mut outer) {
        let key = mem::replace(first, Expr::value(Value::Null));
        *first = Expr::BinaryOp { left: Box::new(left), op, right: Box::new(key) };
        sink(first);
    }
    *expr = outer;
}

/// How tightly the operators in question bind; `None` for everything else.
fn binding(expr: &Expr) -> Option<u8> {
    match expr {
        Expr::BinaryOp { op: BinaryOperator::Or, .. } => Some(1),
        Expr::BinaryOp { op: BinaryOperator::And, .. } => Some(2),
        Expr::UnaryOp { op: UnaryOperator::Not, .. } => Some(3),
        Expr::IsDistinctFrom(..) | Expr::IsNotDistinctFrom(..) => Some(4),
        _ => None,
    }
}

/// The operand at the right end.
fn last_operand(expr: &mut Expr) -> Option<&mut Expr> {
    match expr {
        Expr::BinaryOp { right, .. } => Some(right),
        Expr::UnaryOp { expr, .. } => Some(expr),
        Expr::IsDistinctFrom(_, right) | Expr::IsNotDistinctFrom(_, right) => Some(right),
        _ => None,
    }
}

/// `x OP (l and/or r)`, where OP binds tighter, becomes `(x OP l) and/or r`.
fn lift(expr: &mut Expr) {
    let Some(own) = binding(expr) else { return };
    let Some(operand) = last_operand(expr) else { return };
    if !matches!(operand, Expr::BinaryOp { .. }) || binding(operand).is_none_or(|inner| inner >= own) {
        return;
    }
    let Expr::BinaryOp { left, op, right } = mem::replace(operand, Expr::value(Value::Null)) else { return };
    *operand = *left;
    lift(expr);
    let inner = mem::replace(expr, Expr::value(Value::Null));
    *expr = Expr::BinaryOp { left: Box::new(inner), op, right };
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use crate::parse_one;

    /// The tree with brackets around every operation.
    fn shape(condition: &str) -> String {
        use sqlparser::ast::{Expr, SetExpr, Statement};
        fn write(expr: &Expr) -> String {
            match expr {
                Expr::BinaryOp { left, op, right } => format!("({} {op} {})", write(left), write(right)),
                Expr::UnaryOp { expr, .. } => format!("(not {})", write(expr)),
                Expr::IsDistinctFrom(a, b) => format!("({} <> {})", write(a), write(b)),
                Expr::IsNotDistinctFrom(a, b) => format!("({} == {})", write(a), write(b)),
                Expr::Nested(inner) => format!("[{}]", write(inner)),
                other => other.to_string(),
            }
        }
        let Statement::Query(query) = parse_one(&format!("select 1 where {condition}")).unwrap() else {
            return String::new();
        };
        let SetExpr::Select(select) = *query.body else { return String::new() };
        select.selection.as_ref().map(write).unwrap_or_default()
    }

    #[test]
    fn distinct_from_binds_tighter_than_not_and_or() {
        for (condition, expected) in [
            ("a is distinct from b or c", "((a <> b) OR c)"),
            ("a is not distinct from b and c", "((a == b) AND c)"),
            ("x and a is distinct from b or c", "((x AND (a <> b)) OR c)"),
            ("not a is distinct from b or c", "((not (a <> b)) OR c)"),
            ("a is distinct from b and c or d", "(((a <> b) AND c) OR d)"),
            ("a is distinct from b and c is distinct from d or e", "(((a <> b) AND (c <> d)) OR e)"),
            (
                "a is distinct from b or c is distinct from d or e is distinct from f",
                "((a <> b) OR ((c <> d) OR (e <> f)))",
            ),
            ("a is distinct from b + 1 or c", "((a <> (b + 1)) OR c)"),
        ] {
            assert_eq!(shape(condition), expected, "{condition}");
        }
    }

    #[test]
    fn arrows_bind_tighter_than_comparisons() {
        for (condition, expected) in [
            ("a ->> 'x' = 'y'", "((a ->> 'x') = 'y')"),
            ("a -> 'x' ->> 'y' = 'z' and b", "((((a -> 'x') ->> 'y') = 'z') AND b)"),
            ("a ->> 'x' is null", "a ->> 'x' IS NULL"),
            ("a ->> 'x' = 'y' is not null", "a ->> 'x' = 'y' IS NOT NULL"),
            ("b = a ->> 'x'", "(b = (a ->> 'x'))"),
            ("a ->> i + 1 < c", "((a ->> (i + 1)) < c)"),
            ("a -> ('x' = 'y')", "(a -> [('x' = 'y')])"),
        ] {
            assert_eq!(shape(condition), expected, "{condition}");
        }
        let text =
            parse_one("select 1 where a ->> 'x' in ('y') or a ->> 'x' like 'z%' or a #>> '{b}' between 'c' and 'd'");
        assert!(!text.unwrap().to_string().contains('('.to_string().repeat(2).as_str()));
    }

    #[test]
    fn the_users_brackets_stay() {
        for (condition, expected) in [
            ("a is distinct from (b or c)", "(a <> [(b OR c)])"),
            ("x and (a or b)", "(x AND [(a OR b)])"),
            ("not (a and b)", "(not [(a AND b)])"),
            ("a or b and c", "(a OR (b AND c))"),
        ] {
            assert_eq!(shape(condition), expected, "{condition}");
        }
    }
}
