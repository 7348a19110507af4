//! Copies minijinja's tree into ours. List and dict literals stay expressions here (minijinja would fold them into
//! constants), so that each evaluation makes a fresh object that templates can change.

use std::sync::{Arc, OnceLock};

use minijinja::machinery::ast as mj;
use minijinja::syntax::SyntaxConfig;

use super::ast::{Arg, Comparison, Expr, ExprKind, For, Macro, Name, Stmt, Takes, Target, visit};
use super::scan;
use crate::limits::{EXPRESSION_DEPTH_MAX, TEMPLATE_BYTES_MAX};

/// What is wrong with a text, and the byte offset of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SyntaxError {
    pub(crate) message: String,
    pub(crate) offset: usize,
}

type Lowered<T> = Result<T, SyntaxError>;

/// dbt's Jinja: usual delimiters, nothing trimmed, one newline at the end of the text dropped.
fn syntax() -> SyntaxConfig {
    static SYNTAX: OnceLock<SyntaxConfig> = OnceLock::new();
    SYNTAX.get_or_init(SyntaxConfig::default).clone()
}

/// Stack for minijinja's parser, and for dropping its tree, which goes as deep as an expression is long.
const PARSE_STACK_BYTES: usize = 16 * 1024 * 1024;
const PARSE_STACK_BYTES_PER_TAG_BYTE: usize = 1024;

/// Reads a text.
pub(crate) fn parse(text: &str) -> Lowered<Vec<Stmt>> {
    if text.len() > TEMPLATE_BYTES_MAX {
        let message = format!("the text is longer than {TEMPLATE_BYTES_MAX} bytes");
        return Err(SyntaxError { message, offset: 0 });
    }
    let longest = scan::longest_tag(text)?;
    let text = &*scan::without_colons(text)?;
    let stack = PARSE_STACK_BYTES + longest * PARSE_STACK_BYTES_PER_TAG_BYTE;
    stacker::maybe_grow(stack, stack, || match minijinja::machinery::parse(text, "template", syntax()) {
        Ok(mj::Stmt::Template(template)) => statements(&template.children, 0),
        Ok(other) => Ok(vec![statement(&other, 0)?]),
        Err(error) => {
            let message = error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
            Err(SyntaxError { message, offset: error.range().map_or(0, |range| range.start) })
        }
    })
}

fn statements(all: &[mj::Stmt<'_>], depth: usize) -> Lowered<Vec<Stmt>> {
    all.iter().map(|stmt| statement(stmt, depth)).collect()
}

fn unsupported<T>(what: &str, offset: u32) -> Lowered<T> {
    let message = format!("{{% {what} %}} is not part of dbt; write a macro and call it");
    Err(SyntaxError { message, offset: offset as usize })
}

fn statement(stmt: &mj::Stmt<'_>, depth: usize) -> Lowered<Stmt> {
    Ok(match stmt {
        mj::Stmt::Template(inner) => Stmt::Group(statements(&inner.children, depth)?),
        mj::Stmt::EmitExpr(inner) => Stmt::Emit(expression(&inner.expr, depth)?),
        mj::Stmt::EmitRaw(inner) => Stmt::Text(inner.raw.into()),
        mj::Stmt::ForLoop(inner) => Stmt::For(Arc::new(For {
            at: inner.span().start_offset,
            target: target(&inner.target, depth)?,
            iterable: expression(&inner.iter, depth)?,
            condition: inner.filter_expr.as_ref().map(|expr| expression(expr, depth)).transpose()?,
            recursive: inner.recursive,
            body: statements(&inner.body, depth)?,
            otherwise: statements(&inner.else_body, depth)?,
        })),
        mj::Stmt::IfCond(inner) => Stmt::If(
            expression(&inner.expr, depth)?,
            statements(&inner.true_body, depth)?,
            statements(&inner.false_body, depth)?,
        ),
        mj::Stmt::WithBlock(inner) => {
            let assignments =
                inner.assignments.iter().map(|(to, from)| Ok((target(to, depth)?, expression(from, depth)?)));
            Stmt::With(assignments.collect::<Lowered<_>>()?, statements(&inner.body, depth)?)
        }
        mj::Stmt::Set(inner) => Stmt::Set(target(&inner.target, depth)?, expression(&inner.expr, depth)?),
        mj::Stmt::SetBlock(inner) => Stmt::SetBlock(
            target(&inner.target, depth)?,
            inner.filter.as_ref().map(|expr| expression(expr, depth)).transpose()?,
            statements(&inner.body, depth)?,
        ),
        mj::Stmt::AutoEscape(inner) => Stmt::Group(statements(&inner.body, depth)?),
        mj::Stmt::Block(inner) => Stmt::Group(statements(&inner.body, depth)?),
        mj::Stmt::FilterBlock(inner) => {
            Stmt::FilterBlock(expression(&inner.filter, depth)?, statements(&inner.body, depth)?)
        }
        mj::Stmt::Macro(inner) => Stmt::Macro(Arc::new(macro_of(inner, inner.span().start_offset, depth)?)),
        mj::Stmt::CallBlock(inner) => Stmt::CallBlock(
            call(&inner.call, depth)?,
            Arc::new(macro_of(&inner.macro_decl, inner.call.span().start_offset, depth)?),
        ),
        mj::Stmt::Do(inner) => Stmt::Do(call(&inner.call, depth)?),
        mj::Stmt::Continue(_) => Stmt::Continue,
        mj::Stmt::Break(_) => Stmt::Break,
        mj::Stmt::Import(inner) => return unsupported("import", inner.span().start_offset),
        mj::Stmt::FromImport(inner) => return unsupported("from … import", inner.span().start_offset),
        mj::Stmt::Extends(inner) => return unsupported("extends", inner.span().start_offset),
        mj::Stmt::Include(inner) => return unsupported("include", inner.span().start_offset),
    })
}

fn macro_of(inner: &mj::Macro<'_>, at: u32, depth: usize) -> Lowered<Macro> {
    // Defaults belong to the last parameters.
    let without_default = inner.args.len().saturating_sub(inner.defaults.len());
    let mut parameters = Vec::with_capacity(inner.args.len());
    for (position, parameter) in inner.args.iter().enumerate() {
        let mj::Expr::Var(name) = parameter else { continue };
        let default = position.checked_sub(without_default).and_then(|at| inner.defaults.get(at));
        parameters.push((Name::from(name.id), default.map(|expr| expression(expr, depth)).transpose()?));
    }
    let body = statements(&inner.body, depth)?;
    let mut takes = Takes::default();
    let mut see = |expr: &Expr| {
        if let ExprKind::Name(name) = &expr.kind {
            match &**name {
                "varargs" => takes.varargs = true,
                "kwargs" => takes.kwargs = true,
                "caller" => takes.caller = true,
                _ => {}
            }
        }
    };
    visit(&body, &mut see);
    Ok(Macro { at, name: inner.name.into(), parameters, body, takes })
}

fn target(expr: &mj::Expr<'_>, depth: usize) -> Lowered<Target> {
    Ok(match expr {
        mj::Expr::Var(inner) => Target::Name(inner.id.into()),
        mj::Expr::GetAttr(inner) => Target::Attribute(expression(&inner.expr, depth)?, inner.name.into()),
        mj::Expr::List(inner) => {
            Target::Unpack(inner.items.iter().map(|expr| target(expr, depth)).collect::<Lowered<_>>()?)
        }
        mj::Expr::Tuple(inner) => {
            Target::Unpack(inner.items.iter().map(|expr| target(expr, depth)).collect::<Lowered<_>>()?)
        }
        other => {
            let message = format!("cannot assign to {}", other.description());
            return Err(SyntaxError { message, offset: other.span().start_offset as usize });
        }
    })
}

fn boxed(expr: &mj::Expr<'_>, depth: usize) -> Lowered<Box<Expr>> {
    expression(expr, depth).map(Box::new)
}

fn call(inner: &mj::Spanned<mj::Call<'_>>, depth: usize) -> Lowered<Expr> {
    let callee = expression(&inner.expr, depth)?;
    // minijinja's span of `a.b()` starts at `.b`; the place to show is where the callee starts.
    Ok(Expr {
        at: callee.at.min(inner.span().start_offset),
        kind: ExprKind::Call(Box::new(callee), args(&inner.args, depth)?),
    })
}

fn expression(expr: &mj::Expr<'_>, depth: usize) -> Lowered<Expr> {
    let depth = depth + 1;
    if depth > EXPRESSION_DEPTH_MAX {
        let message = format!("this expression is more than {EXPRESSION_DEPTH_MAX} operations deep");
        return Err(SyntaxError { message, offset: expr.span().start_offset as usize });
    }
    let kind = match expr {
        mj::Expr::Call(inner) => return call(inner, depth),
        mj::Expr::Var(inner) => ExprKind::Name(inner.id.into()),
        mj::Expr::Const(inner) => ExprKind::Const(inner.value.clone()),
        mj::Expr::List(inner) => ExprKind::List(expressions(&inner.items, depth)?),
        mj::Expr::Tuple(inner) => ExprKind::Tuple(expressions(&inner.items, depth)?),
        mj::Expr::Map(inner) => {
            let pairs = inner
                .keys
                .iter()
                .zip(&inner.values)
                .map(|(key, value)| Ok((expression(key, depth)?, expression(value, depth)?)));
            ExprKind::Dict(pairs.collect::<Lowered<_>>()?)
        }
        mj::Expr::GetAttr(inner) => ExprKind::Attribute(boxed(&inner.expr, depth)?, inner.name.into()),
        mj::Expr::GetItem(inner) => ExprKind::Item(boxed(&inner.expr, depth)?, boxed(&inner.subscript_expr, depth)?),
        mj::Expr::Slice(inner) => {
            let bound = |bound: &Option<mj::Expr<'_>>| bound.as_ref().map(|expr| boxed(expr, depth)).transpose();
            ExprKind::Slice(
                boxed(&inner.expr, depth)?,
                [bound(&inner.start)?, bound(&inner.stop)?, bound(&inner.step)?],
            )
        }
        mj::Expr::UnaryOp(inner) => match inner.op {
            mj::UnaryOpKind::Not => ExprKind::Not(boxed(&inner.expr, depth)?),
            mj::UnaryOpKind::Neg => ExprKind::Negate(boxed(&inner.expr, depth)?),
        },
        mj::Expr::BinOp(inner) => binary(inner, depth)?,
        mj::Expr::Compare(inner) => {
            let rest = inner.ops.iter().map(|op| Ok((comparison(op.op), expression(&op.expr, depth)?)));
            ExprKind::Compare(boxed(&inner.expr, depth)?, rest.collect::<Lowered<_>>()?)
        }
        mj::Expr::IfExpr(inner) => ExprKind::If(
            boxed(&inner.test_expr, depth)?,
            boxed(&inner.true_expr, depth)?,
            inner.false_expr.as_ref().map(|expr| boxed(expr, depth)).transpose()?,
        ),
        mj::Expr::Filter(inner) => ExprKind::Filter(
            inner.expr.as_ref().map(|expr| boxed(expr, depth)).transpose()?,
            inner.name.into(),
            args(&inner.args, depth)?,
        ),
        mj::Expr::Test(inner) => {
            ExprKind::Test(boxed(&inner.expr, depth)?, inner.name.into(), args(&inner.args, depth)?)
        }
    };
    let at = match &kind {
        // minijinja's span of these starts at the token before them.
        ExprKind::Compare(first, _) => first.at,
        ExprKind::If(_, yes, _) => yes.at,
        _ => expr.span().start_offset,
    };
    Ok(Expr { at, kind })
}

fn expressions(all: &[mj::Expr<'_>], depth: usize) -> Lowered<Vec<Expr>> {
    all.iter().map(|expr| expression(expr, depth)).collect()
}

fn args(all: &[mj::CallArg<'_>], depth: usize) -> Lowered<Vec<Arg>> {
    all.iter()
        .map(|arg| {
            Ok(match arg {
                mj::CallArg::Pos(expr) => Arg::Positional(expression(expr, depth)?),
                mj::CallArg::Kwarg(name, expr) => Arg::Named((*name).into(), expression(expr, depth)?),
                mj::CallArg::PosSplat(expr) => Arg::Spread(expression(expr, depth)?),
                mj::CallArg::KwargSplat(expr) => Arg::SpreadNamed(expression(expr, depth)?),
            })
        })
        .collect()
}

fn binary(inner: &mj::BinOp<'_>, depth: usize) -> Lowered<ExprKind> {
    let (left, right) = (boxed(&inner.left, depth)?, boxed(&inner.right, depth)?);
    let compared = |op, left: Box<Expr>, right: Box<Expr>| ExprKind::Compare(left, vec![(op, *right)]);
    Ok(match inner.op {
        mj::BinOpKind::Eq => compared(Comparison::Equal, left, right),
        mj::BinOpKind::Ne => compared(Comparison::Unequal, left, right),
        mj::BinOpKind::Lt => compared(Comparison::Less, left, right),
        mj::BinOpKind::Lte => compared(Comparison::LessOrEqual, left, right),
        mj::BinOpKind::Gt => compared(Comparison::Greater, left, right),
        mj::BinOpKind::Gte => compared(Comparison::GreaterOrEqual, left, right),
        mj::BinOpKind::In => compared(Comparison::In, left, right),
        mj::BinOpKind::ScAnd => ExprKind::And(left, right),
        mj::BinOpKind::ScOr => ExprKind::Or(left, right),
        mj::BinOpKind::Add => ExprKind::Arithmetic("+", left, right),
        mj::BinOpKind::Sub => ExprKind::Arithmetic("-", left, right),
        mj::BinOpKind::Mul => ExprKind::Arithmetic("*", left, right),
        mj::BinOpKind::Div => ExprKind::Arithmetic("/", left, right),
        mj::BinOpKind::FloorDiv => ExprKind::Arithmetic("//", left, right),
        mj::BinOpKind::Rem => ExprKind::Arithmetic("%", left, right),
        mj::BinOpKind::Pow => ExprKind::Arithmetic("**", left, right),
        mj::BinOpKind::Concat => ExprKind::Join(left, right),
    })
}

fn comparison(op: mj::CompareOpKind) -> Comparison {
    match op {
        mj::CompareOpKind::Eq => Comparison::Equal,
        mj::CompareOpKind::Ne => Comparison::Unequal,
        mj::CompareOpKind::Lt => Comparison::Less,
        mj::CompareOpKind::Lte => Comparison::LessOrEqual,
        mj::CompareOpKind::Gt => Comparison::Greater,
        mj::CompareOpKind::Gte => Comparison::GreaterOrEqual,
        mj::CompareOpKind::In => Comparison::In,
        mj::CompareOpKind::NotIn => Comparison::NotIn,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;

    #[test]
    fn a_macro_knows_which_hidden_parameters_it_uses() {
        let tree = parse("{% macro m(a, b=1) %}{{ varargs }}{{ f(caller()) }}{% endmacro %}").unwrap();
        let Some(Stmt::Macro(inner)) = tree.first() else { panic!("a macro") };
        assert_eq!(inner.takes, Takes { varargs: true, kwargs: false, caller: true });
        assert!(inner.parameters[0].1.is_none() && inner.parameters[1].1.is_some());
    }

    #[test]
    fn syntax_errors_tell_their_offset() {
        let error = parse("ok {{ 1 +* }}").unwrap_err();
        assert_eq!(error.offset, 9, "{error:?}");
        assert!(parse("{% include 'x' %}").unwrap_err().message.contains("not part of dbt"));
    }

    #[test]
    fn a_text_at_the_limit_is_read_and_one_byte_more_is_not() {
        let text = "x".repeat(TEMPLATE_BYTES_MAX);
        assert!(parse(&text).is_ok());
        assert!(parse(&(text + "x")).is_err());
    }
}
