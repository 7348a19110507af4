//! `asof join`: each row of the left relation with the nearest row of the right one.
//!
//! Each row on the right holds from its own time up to that of the next row with the same keys, so that the join
//! becomes a left join on that span. The bound is a hidden column of the right relation.
//!
//! Source: docs.snowflake.com, "ASOF JOIN".

use millstream_core::Result;
use sqlparser::ast::{
    BinaryOperator, Expr, Join, JoinConstraint, JoinOperator, OrderByExpr, OrderByOptions, SelectItem, Spanned,
    TableFactor, WindowSpec, WindowType,
};

use super::Rewriter;
use super::build::{alias as alias_of, binary, column_of, derived, function_call, item, nested, query};
use super::from::all_of;
use super::problem::wrong;
use super::scope::Scope;

impl Rewriter<'_> {
    /// Rewrites the join whose right relation is the source with this number.
    pub(super) fn asof(&mut self, join: &mut Join, scope: &mut Scope, right: usize) -> Result<()> {
        let JoinOperator::AsOf { mut match_condition, mut constraint } =
            std::mem::replace(&mut join.join_operator, JoinOperator::CrossJoin(JoinConstraint::None))
        else {
            return Ok(());
        };
        let span = match_condition.span();
        let is_plain = matches!(join.relation, TableFactor::Table { .. } | TableFactor::Derived { .. });
        let relation = scope.sources.get(right).and_then(|source| source.name.clone());
        let (Some(relation), true, 1) = (relation, is_plain, scope.sources.len() - right) else {
            return Err(wrong(
                "the right side of an asof join has no name",
                span,
                "give the table or subquery an alias",
            ));
        };
        self.expr(&mut match_condition, scope)?;
        let refused = || {
            wrong(
                "the match_condition must compare a column of the left relation with one of the right relation",
                span,
                "write match_condition(left.time >= right.time); >=, >, <= and < are allowed",
            )
        };
        let Expr::BinaryOp { left, op, right: moment } = unnested(match_condition) else { return Err(refused()) };
        let (neighbour, opposite) = match op {
            BinaryOperator::GtEq => ("lead", BinaryOperator::Lt),
            BinaryOperator::Gt => ("lead", BinaryOperator::LtEq),
            BinaryOperator::LtEq => ("lag", BinaryOperator::Gt),
            BinaryOperator::Lt => ("lag", BinaryOperator::GtEq),
            _ => return Err(refused()),
        };
        let keys = self.keys(&mut constraint, scope, right, &relation)?;
        let bound = self.make_up("asof_bound");
        let mut next = function_call(neighbour, vec![moment.as_ref().clone()]);
        next.over = Some(WindowType::WindowSpec(WindowSpec {
            window_name: None,
            partition_by: keys,
            order_by: vec![OrderByExpr {
                expr: moment.as_ref().clone(),
                options: OrderByOptions { asc: None, nulls_first: None },
                with_fill: None,
            }],
            window_frame: None,
        }));
        let inner = std::mem::replace(
            &mut join.relation,
            TableFactor::TableFunction { expr: nested(*left.clone()), alias: None },
        );
        let mut rows = all_of(inner);
        rows.projection = vec![SelectItem::Wildcard(Default::default()), item(Expr::Function(next), &bound)];
        rows.selection = Some(Expr::IsNotNull(moment.clone()));
        join.relation = derived(query(rows), Some(alias_of(&relation)));
        let limit = column_of(&relation, &bound);
        let within =
            binary(Expr::IsNull(Box::new(limit.clone())), BinaryOperator::Or, binary(*left.clone(), opposite, limit));
        let nearest = binary(binary(*left, op, *moment), BinaryOperator::And, within);
        join.join_operator = JoinOperator::LeftOuter(match constraint {
            JoinConstraint::On(condition) => JoinConstraint::On(binary(condition, BinaryOperator::And, nearest)),
            _ => JoinConstraint::On(nearest),
        });
        if let Some(source) = scope.sources.get_mut(right) {
            source.hidden.push(bound);
        }
        Ok(())
    }

    /// The columns of the right relation that must be equal, and the condition with `using` written out.
    fn keys(
        &mut self,
        constraint: &mut JoinConstraint,
        scope: &mut Scope,
        right: usize,
        relation: &str,
    ) -> Result<Vec<Expr>> {
        self.constraint(constraint, scope, right)?;
        if let JoinConstraint::Using(names) = constraint {
            let mut keys = Vec::new();
            let mut condition: Option<Expr> = None;
            for name in names.iter() {
                let column =
                    name.0.last().and_then(|part| part.as_ident()).map(|ident| ident.value.clone()).unwrap_or_default();
                let left = scope
                    .sources
                    .iter()
                    .take(right)
                    .find(|source| source.has(&column))
                    .and_then(|source| source.name.clone());
                let Some(left) = left else {
                    return Err(wrong(
                        format!("there is no column '{column}' to the left of the asof join"),
                        name.span(),
                        "name a column that both sides have",
                    ));
                };
                let key = column_of(relation, &column);
                let equal = binary(column_of(&left, &column), BinaryOperator::Eq, key.clone());
                condition = Some(match condition {
                    Some(before) => binary(before, BinaryOperator::And, equal),
                    None => equal,
                });
                keys.push(key);
            }
            if let Some(condition) = condition {
                *constraint = JoinConstraint::On(condition);
            }
            return Ok(keys);
        }
        let JoinConstraint::On(condition) = constraint else { return Ok(Vec::new()) };
        let source = scope.sources.get(right);
        let is_right = |expr: &Expr| match expr {
            Expr::CompoundIdentifier(parts) => {
                parts.len() >= 2 && parts.get(parts.len() - 2).is_some_and(|part| part.value == relation)
            }
            Expr::Identifier(ident) => {
                source.is_some_and(|source| source.has(&ident.value))
                    && !scope.sources.iter().take(right).any(|source| source.has(&ident.value))
            }
            _ => false,
        };
        let mut keys = Vec::new();
        let mut open = vec![condition.clone()];
        while let Some(next) = open.pop() {
            match unnested(next) {
                Expr::BinaryOp { left, op: BinaryOperator::And, right } => open.extend([*left, *right]),
                Expr::BinaryOp { left, op: BinaryOperator::Eq, right } if is_right(&right) && !is_right(&left) => {
                    keys.push(*right)
                }
                Expr::BinaryOp { left, op: BinaryOperator::Eq, right } if is_right(&left) && !is_right(&right) => {
                    keys.push(*left)
                }
                other => {
                    return Err(wrong(
                        "an asof join's 'on' must compare columns of both sides with '='",
                        other.span(),
                        "write on left.key = right.key [and …]",
                    ));
                }
            }
        }
        Ok(keys)
    }
}

fn unnested(expr: Expr) -> Expr {
    match expr {
        Expr::Nested(inner) => unnested(*inner),
        other => other,
    }
}
