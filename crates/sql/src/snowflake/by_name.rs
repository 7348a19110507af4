//! Joins by name (`using`, `natural`) that keep rows of the right side only. The engine takes the left side's column for
//! a bare name, which is null in such rows; Snowflake shows the value of the side that has one. So the condition is
//! written out, and a bare name becomes `coalesce(left.name, right.name)`.
//!
//! Source: docs.snowflake.com, "JOIN" (a natural full outer join shows the keys of both sides in one column).

use millstream_core::Result;
use sqlparser::ast::{BinaryOperator, Expr, JoinConstraint, JoinOperator};
use sqlparser::tokenizer::Span;

use super::build::{all, binary, call, column_of};
use super::problem::{unsupported, wrong};
use super::scope::{Scope, Source};

/// Whether rows of the right side come out that have no partner.
pub(super) fn keeps_right(operator: &JoinOperator) -> bool {
    matches!(operator, JoinOperator::Right(_) | JoinOperator::RightOuter(_) | JoinOperator::FullOuter(_))
}

/// Writes out a join of the sources from `right` on with those before, where that says more than the engine's own join
/// by name. The constraint's names are folded already.
pub(super) fn written_out(
    constraint: &mut JoinConstraint,
    scope: &mut Scope,
    right: usize,
    keeps_right: bool,
    span: Span,
) -> Result<()> {
    let Some(names) = names(constraint, scope, right) else { return Ok(()) };
    if !keeps_right && !names.iter().any(|name| scope.joined(name).is_some()) {
        return Ok(());
    }
    let (before, new) = scope.sources.split_at(right);
    let mut equal = Vec::with_capacity(names.len());
    let mut joined = Vec::with_capacity(names.len());
    for name in names {
        let left = match scope.joined(&name) {
            Some(expr) => expr.clone(),
            None => side(before, &name, span)?,
        };
        let own = side(new, &name, span)?;
        equal.push(binary(left.clone(), BinaryOperator::Eq, own.clone()));
        if keeps_right {
            joined.push((name, call("coalesce", vec![left, own])));
        }
    }
    *constraint = JoinConstraint::On(all(equal));
    scope.joined.retain(|(known, _)| !joined.iter().any(|(name, _)| name == known));
    scope.joined.extend(joined);
    Ok(())
}

/// The names of the columns that are joined; none for a join by a condition.
fn names(constraint: &JoinConstraint, scope: &Scope, right: usize) -> Option<Vec<String>> {
    match constraint {
        JoinConstraint::Using(names) => {
            let own = names.iter().filter_map(|name| name.0.last().and_then(|part| part.as_ident()));
            Some(own.map(|ident| ident.value.clone()).collect())
        }
        JoinConstraint::Natural => {
            let (before, new) = scope.sources.split_at(right);
            let columns = new.iter().flat_map(|source| source.columns.iter().flatten());
            Some(columns.filter(|column| before.iter().any(|source| source.has(column))).cloned().collect())
        }
        JoinConstraint::On(_) | JoinConstraint::None => None,
    }
}

/// The column of one side: of its first relation that has it, or of its only relation when that one's are not known.
fn side(sources: &[Source], name: &str, span: Span) -> Result<Expr> {
    let found = match sources {
        [only] if only.columns.is_none() => Some(only),
        several => several.iter().find(|source| source.has(name)),
    };
    let Some(source) = found else {
        return Err(wrong(
            format!("there is no column '{name}' on both sides of this join"),
            span,
            "name a column that both have, or write 'on left.a = right.b'",
        ));
    };
    match &source.name {
        Some(relation) => Ok(column_of(relation, name)),
        None => Err(unsupported(
            "a right or full join by name with a subquery that has no alias",
            span,
            "give the subquery an alias",
        )),
    }
}
