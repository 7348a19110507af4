//! Expressions: one arm for each kind of node. What has no arm is refused, so that a node that a new version of the
//! parser brings cannot pass unseen.

use millstream_core::Result;
use sqlparser::ast::{
    AccessExpr, BinaryOperator, CastKind, CeilFloorKind, DateTimeField, Expr, JsonPathElem, Query, Spanned, Subscript,
    TableAliasColumnDef, TrimWhereField, UnaryOperator, Value, ValueWithSpan,
};
use sqlparser::tokenizer::Span;

use super::Rewriter;
use super::aliases::ambiguous;
use super::build::{self, all, any, binary, call, column, column_of, null, text};
use super::fold::fold;
use super::like::{Like, negate};
use super::problem::{unsupported, wrong};
use super::scope::Scope;
use super::{date_parts, interval, types};

impl Rewriter<'_> {
    /// Rewrites an expression and everything in it.
    pub(super) fn expr(&mut self, expr: &mut Expr, scope: &Scope) -> Result<()> {
        let owned = std::mem::replace(expr, null());
        *expr = self.rewritten(owned, scope)?;
        Ok(())
    }

    fn exprs<'e>(&mut self, exprs: impl IntoIterator<Item = &'e mut Expr>, scope: &Scope) -> Result<()> {
        exprs.into_iter().try_for_each(|expr| self.expr(expr, scope))
    }

    fn subquery(&mut self, query: &mut Query) -> Result<()> {
        self.query(query).map(|_| ())
    }

    fn rewritten(&mut self, mut expr: Expr, scope: &Scope) -> Result<Expr> {
        match &mut expr {
            Expr::Identifier(ident) => return self.bare_name(ident, scope),
            Expr::CompoundIdentifier(parts) => {
                // The engine has one database; its name in front of a column says nothing.
                if parts.len() == 4 {
                    parts.remove(0);
                }
                parts.iter_mut().for_each(fold);
                if let [relation, column] = parts.as_slice()
                    && let Some(source) =
                        scope.sources.iter().find(|source| source.name.as_ref() == Some(&relation.value))
                    && source.has_twice(&column.value)
                {
                    return Err(ambiguous(&column.value, Some(&relation.value), column.span));
                }
                if let [relation, written] = parts.as_mut_slice()
                    && let Some(position) = position_of(&written.value)
                {
                    let source = scope.sources.iter().find(|source| source.name.as_ref() == Some(&relation.value));
                    let columns = source.and_then(|source| source.columns.as_ref());
                    match columns.and_then(|columns| columns.get(position - 1)) {
                        Some(name) => written.value.clone_from(name),
                        None => return Err(no_column(position, written.span)),
                    }
                }
            }
            Expr::Value(value) => return literal(value, scope),
            Expr::Nested(inner)
            | Expr::IsFalse(inner)
            | Expr::IsNotFalse(inner)
            | Expr::IsTrue(inner)
            | Expr::IsNotTrue(inner)
            | Expr::IsNull(inner)
            | Expr::IsNotNull(inner)
            | Expr::IsUnknown(inner)
            | Expr::IsNotUnknown(inner) => self.expr(inner, scope)?,
            Expr::IsDistinctFrom(left, right) | Expr::IsNotDistinctFrom(left, right) => {
                self.exprs([left.as_mut(), right.as_mut()], scope)?;
            }
            Expr::InList { expr, list, negated } => {
                self.expr(expr, scope)?;
                self.exprs(list.iter_mut(), scope)?;
                if let Expr::Tuple(left) = expr.as_ref() {
                    return tuple_in(left, list, *negated);
                }
            }
            Expr::InSubquery { expr, subquery, negated } => {
                self.expr(expr, scope)?;
                self.subquery(subquery)?;
                if let Expr::Tuple(row) = expr.as_ref() {
                    if *negated {
                        return Err(unsupported(
                            "a row in front of 'not in (select …)'",
                            expr.span(),
                            "write 'not exists (select …)', which says what nulls mean",
                        ));
                    }
                    return Ok(self.row_in(row, subquery));
                }
            }
            Expr::Between { expr, low, high, .. } => {
                self.exprs([expr.as_mut(), low.as_mut(), high.as_mut()], scope)?;
            }
            Expr::BinaryOp { left, op, right } => {
                if !is_known(op) {
                    return Err(unsupported(
                        format!("the operator {op}"),
                        left.span(),
                        "use a function, for example bitand(a, b)",
                    ));
                }
                self.expr(left, scope)?;
                if let (BinaryOperator::Plus | BinaryOperator::Minus, Expr::Interval(interval)) = (&*op, right.as_ref())
                {
                    let left = std::mem::replace(left.as_mut(), null());
                    return interval::added(left, op.clone(), interval, right.span());
                }
                self.expr(right, scope)?;
            }
            Expr::UnaryOp { op: UnaryOperator::Plus | UnaryOperator::Not, expr } => self.expr(expr, scope)?,
            Expr::UnaryOp { op: UnaryOperator::Minus, expr } => {
                self.expr(expr, scope)?;
                // The engine negates numbers that have a sign; numbers of rows have none there, and texts are no numbers.
                if !is_written(expr) {
                    return Ok(call("sf_neg", vec![std::mem::replace(expr.as_mut(), null())]));
                }
            }
            Expr::Case { operand, conditions, else_result, .. } => {
                self.exprs(operand.iter_mut().map(AsMut::as_mut), scope)?;
                for arm in conditions.iter_mut() {
                    self.exprs([&mut arm.condition, &mut arm.result], scope)?;
                }
                self.exprs(else_result.iter_mut().map(AsMut::as_mut), scope)?;
            }
            Expr::Exists { subquery, .. } | Expr::Subquery(subquery) => self.subquery(subquery)?,
            Expr::Tuple(values) => self.exprs(values.iter_mut(), scope)?,
            Expr::GroupingSets(sets) | Expr::Cube(sets) | Expr::Rollup(sets) => {
                self.exprs(sets.iter_mut().flatten(), scope)?;
            }
            _ => return self.replaced(expr, scope),
        }
        Ok(expr)
    }

    /// `(a, b) in (select …)`: whether a row of the query is equal.
    fn row_in(&mut self, row: &[Expr], subquery: &Query) -> Expr {
        let relation = self.make_up("rows");
        let mut alias = build::alias(&relation);
        let mut equal = Vec::with_capacity(row.len());
        for value in row {
            let name = self.make_up("value");
            equal.push(binary(value.clone(), BinaryOperator::Eq, column_of(&relation, &name)));
            alias.columns.push(TableAliasColumnDef { name: build::quoted(&name), data_type: None });
        }
        let rows = build::derived(subquery.clone(), Some(alias));
        let mut found = build::select(vec![build::item(build::number("1"), "found")], vec![build::from(rows)]);
        found.selection = Some(all(equal));
        Expr::Exists { subquery: Box::new(build::query(found)), negated: false }
    }

    /// `x > all (select …)` and its like. `= any` is `in`, and `<> all` is `not in`.
    fn compared_with(
        &mut self,
        mut left: Expr,
        compare_op: BinaryOperator,
        right: Expr,
        is_all: bool,
        scope: &Scope,
    ) -> Result<Expr> {
        let span = right.span();
        let Expr::Subquery(mut subquery) = right else {
            return Err(unsupported("'any' or 'all' of a list", span, "write 'in (…)', or compare with each value"));
        };
        self.expr(&mut left, scope)?;
        self.subquery(&mut subquery)?;
        let left = Box::new(left);
        Ok(match (&compare_op, is_all) {
            (BinaryOperator::Eq, false) => Expr::InSubquery { expr: left, subquery, negated: false },
            (BinaryOperator::NotEq, true) => Expr::InSubquery { expr: left, subquery, negated: true },
            (_, true) => Expr::AllOp { left, compare_op, right: Box::new(Expr::Subquery(subquery)) },
            (_, false) => Expr::AnyOp { left, compare_op, right: Box::new(Expr::Subquery(subquery)), is_some: false },
        })
    }

    /// What becomes something else.
    fn replaced(&mut self, expr: Expr, scope: &Scope) -> Result<Expr> {
        let span = expr.span();
        match expr {
            Expr::Cast { kind, mut expr, data_type, array: false, format: None } => {
                self.expr(&mut expr, scope)?;
                let function = match kind {
                    CastKind::Cast | CastKind::DoubleColon => "sf_cast",
                    CastKind::TryCast | CastKind::SafeCast => "sf_try_cast",
                };
                Ok(call(function, vec![*expr, text(types::type_text(&data_type, span)?)]))
            }
            Expr::TypedString(typed) if !typed.uses_odbc_syntax => {
                Ok(call("sf_cast", vec![Expr::Value(typed.value), text(types::type_text(&typed.data_type, span)?)]))
            }
            Expr::JsonAccess { mut value, path } => {
                self.expr(&mut value, scope)?;
                let mut args = vec![*value];
                for element in path.path {
                    args.push(match element {
                        JsonPathElem::Dot { key, .. } => text(key),
                        JsonPathElem::Bracket { mut key } | JsonPathElem::ColonBracket { mut key } => {
                            self.expr(&mut key, scope)?;
                            key
                        }
                    });
                }
                Ok(path_of(args))
            }
            Expr::CompoundFieldAccess { mut root, access_chain } => {
                self.expr(&mut root, scope)?;
                let mut args = vec![*root];
                for access in access_chain {
                    match access {
                        AccessExpr::Subscript(Subscript::Index { mut index }) => {
                            self.expr(&mut index, scope)?;
                            args.push(index);
                        }
                        AccessExpr::Dot(Expr::Identifier(key)) => args.push(text(key.value)),
                        _ => return Err(unsupported("this way into a value", span, "write v['key'] or v[0]")),
                    }
                }
                Ok(path_of(args))
            }
            Expr::Like { negated, any, expr, pattern, escape_char } => self.like(
                Like {
                    expr: *expr,
                    pattern: *pattern,
                    is_negated: negated,
                    is_any: any,
                    ignores_case: false,
                    escape: escape_char,
                },
                scope,
            ),
            Expr::ILike { negated, any, expr, pattern, escape_char } => self.like(
                Like {
                    expr: *expr,
                    pattern: *pattern,
                    is_negated: negated,
                    is_any: any,
                    ignores_case: true,
                    escape: escape_char,
                },
                scope,
            ),
            Expr::RLike { negated, expr, pattern, .. } => self.rlike(*expr, *pattern, negated, scope),
            Expr::Extract { field, mut expr, .. } => {
                self.expr(&mut expr, scope)?;
                Ok(call("date_part", vec![text(date_parts::of_field(&field, span)?), *expr]))
            }
            Expr::Ceil { mut expr, field } => {
                self.expr(&mut expr, scope)?;
                rounding("ceil", *expr, field, span)
            }
            Expr::Floor { mut expr, field } => {
                self.expr(&mut expr, scope)?;
                rounding("floor", *expr, field, span)
            }
            Expr::Position { mut expr, mut r#in } => {
                self.exprs([expr.as_mut(), r#in.as_mut()], scope)?;
                Ok(call("position", vec![*expr, *r#in]))
            }
            Expr::Substring { mut expr, substring_from, substring_for, .. } => {
                self.expr(&mut expr, scope)?;
                let mut args = vec![*expr];
                for mut arg in [substring_from, substring_for].into_iter().flatten() {
                    self.expr(&mut arg, scope)?;
                    args.push(*arg);
                }
                Ok(call("substr", args))
            }
            Expr::Trim { trim_where, trim_what, mut expr, trim_characters } => {
                self.expr(&mut expr, scope)?;
                let function = match trim_where {
                    None | Some(TrimWhereField::Both) => "trim",
                    Some(TrimWhereField::Leading) => "ltrim",
                    Some(TrimWhereField::Trailing) => "rtrim",
                };
                let mut args = vec![*expr];
                for mut what in trim_what.map(|what| *what).into_iter().chain(trim_characters.into_iter().flatten()) {
                    self.expr(&mut what, scope)?;
                    args.push(what);
                }
                Ok(call(function, args))
            }
            Expr::Function(function) => self.function(function, span, scope),
            Expr::AnyOp { left, compare_op, right, .. } => self.compared_with(*left, compare_op, *right, false, scope),
            Expr::AllOp { left, compare_op, right } => self.compared_with(*left, compare_op, *right, true, scope),
            Expr::Dictionary(fields) => {
                let mut args = Vec::with_capacity(fields.len() * 2);
                for mut field in fields {
                    self.expr(&mut field.value, scope)?;
                    args.extend([text(field.key.value), *field.value]);
                }
                Ok(call("object_construct", args))
            }
            Expr::Array(array) => {
                let mut elements = array.elem;
                self.exprs(elements.iter_mut(), scope)?;
                Ok(call("array_construct", elements))
            }
            Expr::Interval(interval) => interval::alone(&interval, span),
            other => Err(refused(&other, span)),
        }
    }
}

fn path_of(args: Vec<Expr>) -> Expr {
    call("sf_get", args)
}

/// A literal: `$1` is a column by its position, and texts between `$$` are texts.
fn literal(value: &ValueWithSpan, scope: &Scope) -> Result<Expr> {
    let span = value.span;
    match &value.value {
        Value::DollarQuotedString(string) => {
            Ok(Expr::Value(ValueWithSpan { value: Value::SingleQuotedString(string.value.clone()), span }))
        }
        Value::Placeholder(written) => {
            let Some(position) = position_of(written) else {
                return Err(unsupported(format!("the variable {written}"), span, "use Jinja's var() or set"));
            };
            match scope.column_at(position) {
                Some((Some(relation), name)) => Ok(column_of(relation, name)),
                Some((None, name)) => Ok(column(name)),
                None => Err(no_column(position, span)),
            }
        }
        Value::SingleQuotedString(_) | Value::Number(..) | Value::Boolean(_) | Value::Null => {
            Ok(Expr::Value(value.clone()))
        }
        Value::HexStringLiteral(_) => Ok(Expr::Value(value.clone())),
        other => Err(unsupported(format!("the literal {other}"), span, "write a text in single quotes")),
    }
}

/// The position that `$1` and its like name, from 1.
fn position_of(written: &str) -> Option<usize> {
    written.strip_prefix('$').and_then(|digits| digits.parse::<usize>().ok()).filter(|position| *position > 0)
}

fn no_column(position: usize, span: Span) -> millstream_core::Error {
    wrong(
        format!("there is no column number {position} in this 'from'"),
        span,
        "count the columns of its relations from 1",
    )
}

/// Whether its sign is part of a literal.
fn is_written(expr: &Expr) -> bool {
    match expr {
        Expr::Value(_) | Expr::Interval(_) => true,
        Expr::Nested(inner) | Expr::UnaryOp { op: UnaryOperator::Minus | UnaryOperator::Plus, expr: inner } => {
            is_written(inner)
        }
        _ => false,
    }
}

fn is_known(op: &BinaryOperator) -> bool {
    use BinaryOperator as Op;
    matches!(
        op,
        Op::Plus
            | Op::Minus
            | Op::Multiply
            | Op::Divide
            | Op::Modulo
            | Op::StringConcat
            | Op::Gt
            | Op::Lt
            | Op::GtEq
            | Op::LtEq
            | Op::Eq
            | Op::NotEq
            | Op::And
            | Op::Or
    )
}

/// `(a, b) in ((1, 2), (3, 4))`.
fn tuple_in(left: &[Expr], rows: &[Expr], is_negated: bool) -> Result<Expr> {
    let mut found = Vec::with_capacity(rows.len());
    for row in rows {
        let Expr::Tuple(right) = row else {
            return Err(wrong(
                "a row is compared with something that is none",
                row.span(),
                "write (a, b) in ((1, 2), (3, 4))",
            ));
        };
        if right.len() != left.len() {
            return Err(wrong(
                "rows of different lengths are compared",
                row.span(),
                "give both the same number of values",
            ));
        }
        let pairs = left.iter().cloned().zip(right.iter().cloned());
        found.push(all(pairs.map(|(left, right)| binary(left, BinaryOperator::Eq, right))));
    }
    Ok(negate(any(found), is_negated))
}

fn rounding(function: &str, expr: Expr, field: CeilFloorKind, span: Span) -> Result<Expr> {
    match field {
        CeilFloorKind::DateTimeField(DateTimeField::NoDateTime) => Ok(call(function, vec![expr])),
        CeilFloorKind::Scale(scale) => Ok(call(function, vec![expr, Expr::Value(scale)])),
        CeilFloorKind::DateTimeField(_) => {
            Err(unsupported(format!("'{function}' to a part of a date"), span, "use date_trunc or time_slice"))
        }
    }
}

fn refused(expr: &Expr, span: Span) -> millstream_core::Error {
    let (what, hint) = match expr {
        Expr::OuterJoin(_) => ("the join operator (+)", "write 'left join … on …'"),
        Expr::Prior(_) => ("'prior'", "write a recursive common table expression"),
        Expr::Lambda(_) => ("a lambda", "flatten the array and aggregate again"),
        Expr::Collate { .. } => ("'collate'", "compare lower(x) with lower(y)"),
        Expr::AtTimeZone { .. } => ("'at time zone'", "use convert_timezone"),
        Expr::SimilarTo { .. } => ("'similar to'", "use regexp_like"),
        Expr::Wildcard(_) | Expr::QualifiedWildcard(..) => ("a star here", "name the columns"),
        Expr::Cast { .. } => ("this form of a cast", "write cast(x as type)"),
        Expr::TypedString(_) => ("the notation {d '…'}", "write date '…'"),
        Expr::UnaryOp { .. } => ("this operator", "use a function"),
        Expr::Convert { .. } => ("'convert'", "write cast(x as type)"),
        Expr::MatchAgainst { .. } => ("'match against'", "use like or regexp_like"),
        Expr::InUnnest { .. } => ("'in unnest'", "use array_contains"),
        _ => ("this expression", "write it another way"),
    };
    unsupported(what, span, hint)
}
