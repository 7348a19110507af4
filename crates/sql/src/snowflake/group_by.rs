//! `group by all` beside window functions. The engine groups by whatever has no aggregate in it, so by a window function
//! too, which it then cannot plan. In Snowflake those are computed over the groups, as always.
//!
//! Source: docs.snowflake.com, "GROUP BY" (all items of the list that do not use aggregate functions).

use std::ops::ControlFlow;

use sqlparser::ast::{Expr, GroupByExpr, SelectItem, visit_expressions};

use super::Rewriter;

impl Rewriter<'_> {
    /// Writes the keys of `group by all` out where a window function is in the rewritten list. A star is left alone.
    pub(super) fn group_by_all(&self, group_by: &mut GroupByExpr, projection: &[SelectItem]) {
        if !matches!(group_by, GroupByExpr::All(modifiers) if modifiers.is_empty()) {
            return;
        }
        let mut items = Vec::with_capacity(projection.len());
        for item in projection {
            match item {
                SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => items.push(expr),
                _ => return,
            }
        }
        if !items.iter().any(|expr| has(expr, is_window)) {
            return;
        }
        let is_aggregate = |expr: &Expr| match expr {
            Expr::Function(function) => {
                function.over.is_none() && self.schemas.is_aggregate(&function.name.to_string().to_lowercase())
            }
            _ => false,
        };
        let keys = items
            .into_iter()
            // A constant is no key: a number would be taken for a position.
            .filter(|expr| !matches!(expr, Expr::Value(_)) && !has(expr, is_window) && !has(expr, is_aggregate))
            .cloned()
            .collect();
        *group_by = GroupByExpr::Expressions(keys, Vec::new());
    }
}

fn is_window(expr: &Expr) -> bool {
    matches!(expr, Expr::Function(function) if function.over.is_some())
}

/// Whether the expression or a part of it is like that.
fn has(expr: &Expr, is_wanted: impl Fn(&Expr) -> bool) -> bool {
    visit_expressions(expr, |inner| if is_wanted(inner) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        .is_break()
}
