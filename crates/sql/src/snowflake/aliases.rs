//! Lateral column aliases: an alias of the select list may be used further right in the list, in `where`, `group by`,
//! `having` and `qualify`. A column of that name in a relation wins, as in Snowflake.
//!
//! An alias is replaced by a copy of what it stands for; the engine computes equal expressions once. What gives another
//! value each time (`random()`) cannot be copied and is refused.

use std::ops::ControlFlow;

use millstream_core::Result;
use sqlparser::ast::{Expr, Ident, visit_expressions};
use sqlparser::tokenizer::Span;

use super::build::nested;
use super::problem::wrong;
use super::scope::{Alias, Scope};
use super::{Rewriter, fold};

/// Nodes that copies may add to one statement.
pub(crate) const COPIED_NODES_MAX: usize = 200_000;

/// Functions that give another value each time.
const VOLATILE: &[&str] = &[
    "random",
    "uniform",
    "normal",
    "zipf",
    "randstr",
    "uuid_string",
    "row_number_volatile",
    "seq1",
    "seq2",
    "seq4",
    "seq8",
];

impl Alias {
    /// An alias for a rewritten expression.
    pub fn new(name: &str, expr: &Expr) -> Self {
        let (mut size, mut is_volatile) = (0, false);
        let _ = visit_expressions(expr, |inner| {
            size += 1;
            if let Expr::Function(function) = inner {
                let name = function.name.to_string();
                is_volatile |= VOLATILE.contains(&name.as_str());
            }
            ControlFlow::<()>::Continue(())
        });
        Self { name: name.to_owned(), expr: expr.clone(), is_volatile, size }
    }
}

/// A name that two columns of one subquery have.
pub(super) fn ambiguous(name: &str, relation: Option<&str>, span: Span) -> millstream_core::Error {
    let relation = relation.filter(|relation| !relation.starts_with("__")).unwrap_or("the subquery");
    wrong(format!("the column '{name}' is ambiguous"), span, format!("{relation} has two of that name: rename one"))
}

impl Rewriter<'_> {
    /// A bare name: a column, or a copy of what an alias stands for.
    pub(super) fn bare_name(&mut self, ident: &Ident, scope: &Scope) -> Result<Expr> {
        let name = fold::folded(ident);
        if let Some(joined) = scope.joined(&name) {
            return Ok(joined.clone());
        }
        let alias = if scope.is_column(&name) { None } else { scope.alias(&name) };
        let Some(alias) = alias else {
            if let Some(source) = scope.sources.iter().find(|source| source.has_twice(&name)) {
                return Err(ambiguous(&name, source.name.as_deref(), ident.span));
            }
            let mut column = ident.clone();
            fold::fold(&mut column);
            return Ok(Expr::Identifier(column));
        };
        if alias.is_volatile {
            return Err(wrong(
                format!("the alias '{name}' is used again, and it has another value each time"),
                ident.span,
                "compute it in a common table expression and select from that",
            ));
        }
        self.copied += alias.size;
        if self.copied > COPIED_NODES_MAX {
            return Err(wrong(
                format!("the alias '{name}' makes the statement too large"),
                ident.span,
                format!(
                    "aliases that use aliases may add {COPIED_NODES_MAX} parts; move some into a common table expression"
                ),
            ));
        }
        Ok(nested(alias.expr.clone()))
    }
}
