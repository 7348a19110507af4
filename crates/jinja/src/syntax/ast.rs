//! The tree that the interpreter walks. Every expression knows the byte offset at which it starts.

use std::sync::Arc;

use crate::value::Value;

pub(crate) type Name = Arc<str>;

#[derive(Debug)]
pub(crate) struct Expr {
    pub(crate) at: u32,
    /// Operations on the longest way down: walking the tree takes stack in proportion to it.
    pub(crate) depth: u32,
    pub(crate) kind: ExprKind,
}

impl Expr {
    pub(crate) fn new(at: u32, kind: ExprKind) -> Self {
        let mut below = 0;
        children(&kind, &mut |child| below = below.max(child.depth));
        Self { at, depth: below + 1, kind }
    }
}

#[derive(Debug)]
pub(crate) enum ExprKind {
    Name(Name),
    Const(Value),
    List(Vec<Expr>),
    Tuple(Vec<Expr>),
    Dict(Vec<(Expr, Expr)>),
    Attribute(Box<Expr>, Name),
    Item(Box<Expr>, Box<Expr>),
    Slice(Box<Expr>, [Option<Box<Expr>>; 3]),
    Not(Box<Expr>),
    Negate(Box<Expr>),
    And(Box<Expr>, Box<Expr>),
    Or(Box<Expr>, Box<Expr>),
    /// `+ - * / // % **`
    Arithmetic(&'static str, Box<Expr>, Box<Expr>),
    /// `~`
    Join(Box<Expr>, Box<Expr>),
    /// A chain of comparisons: `a < b <= c`.
    Compare(Box<Expr>, Vec<(Comparison, Expr)>),
    /// condition, then, else
    If(Box<Expr>, Box<Expr>, Option<Box<Expr>>),
    /// No input inside `{% filter %}` and `{% set x | filter %}`: the block's text is the input.
    Filter(Option<Box<Expr>>, Name, Vec<Arg>),
    Test(Box<Expr>, Name, Vec<Arg>),
    Call(Box<Expr>, Vec<Arg>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Comparison {
    Equal,
    Unequal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    In,
    NotIn,
}

#[derive(Debug)]
pub(crate) enum Arg {
    Positional(Expr),
    Named(Name, Expr),
    Spread(Expr),
    SpreadNamed(Expr),
}

/// What a value can be assigned to.
#[derive(Debug)]
pub(crate) enum Target {
    Name(Name),
    /// `ns.x`
    Attribute(Expr, Name),
    Unpack(Vec<Target>),
}

#[derive(Debug)]
pub(crate) enum Stmt {
    /// Text as it stands, and its byte offset.
    Text(Arc<str>, u32),
    Emit(Expr),
    For(Arc<For>),
    If(Expr, Vec<Stmt>, Vec<Stmt>),
    Set(Target, Expr),
    SetBlock(Target, Option<Expr>, Vec<Stmt>),
    With(Vec<(Target, Expr)>, Vec<Stmt>),
    FilterBlock(Expr, Vec<Stmt>),
    /// A group that changes nothing: `{% block %}`, `{% autoescape %}`.
    Group(Vec<Stmt>),
    Macro(Arc<Macro>),
    /// The call and the block that becomes `caller`.
    CallBlock(Expr, Arc<Macro>),
    Do(Expr),
    Break,
    Continue,
}

#[derive(Debug)]
pub(crate) struct For {
    pub(crate) at: u32,
    pub(crate) target: Target,
    pub(crate) iterable: Expr,
    pub(crate) condition: Option<Expr>,
    pub(crate) recursive: bool,
    pub(crate) body: Vec<Stmt>,
    pub(crate) otherwise: Vec<Stmt>,
}

#[derive(Debug)]
pub(crate) struct Macro {
    pub(crate) at: u32,
    pub(crate) name: Name,
    pub(crate) parameters: Vec<(Name, Option<Expr>)>,
    pub(crate) body: Vec<Stmt>,
    /// Whether the body names `varargs`, `kwargs`, `caller`: only then may more be passed.
    pub(crate) takes: Takes,
}

/// Which of the hidden parameters a macro uses.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Takes {
    pub(crate) varargs: bool,
    pub(crate) kwargs: bool,
    pub(crate) caller: bool,
}

/// Visits every expression of these statements, outer ones first.
pub(crate) fn visit(statements: &[Stmt], see: &mut dyn FnMut(&Expr)) {
    for statement in statements {
        match statement {
            Stmt::Text(..) | Stmt::Break | Stmt::Continue => {}
            Stmt::Emit(expr) | Stmt::Do(expr) => visit_expr(expr, see),
            Stmt::For(each) => {
                visit_expr(&each.iterable, see);
                each.condition.iter().for_each(|expr| visit_expr(expr, see));
                visit(&each.body, see);
                visit(&each.otherwise, see);
            }
            Stmt::If(condition, yes, no) => {
                visit_expr(condition, see);
                visit(yes, see);
                visit(no, see);
            }
            Stmt::Set(target, expr) => {
                visit_target(target, see);
                visit_expr(expr, see);
            }
            Stmt::SetBlock(target, filter, body) => {
                visit_target(target, see);
                filter.iter().for_each(|expr| visit_expr(expr, see));
                visit(body, see);
            }
            Stmt::With(assignments, body) => {
                assignments.iter().for_each(|(_, expr)| visit_expr(expr, see));
                visit(body, see);
            }
            Stmt::FilterBlock(filter, body) => {
                visit_expr(filter, see);
                visit(body, see);
            }
            Stmt::Group(body) => visit(body, see),
            Stmt::Macro(inner) => visit_macro(inner, see),
            Stmt::CallBlock(call, inner) => {
                visit_expr(call, see);
                visit_macro(inner, see);
            }
        }
    }
}

fn visit_macro(inner: &Macro, see: &mut dyn FnMut(&Expr)) {
    inner.parameters.iter().filter_map(|(_, default)| default.as_ref()).for_each(|expr| visit_expr(expr, see));
    visit(&inner.body, see);
}

fn visit_target(target: &Target, see: &mut dyn FnMut(&Expr)) {
    match target {
        Target::Name(_) => {}
        Target::Attribute(owner, _) => visit_expr(owner, see),
        Target::Unpack(targets) => targets.iter().for_each(|target| visit_target(target, see)),
    }
}

/// Visits an expression and all that it is made of.
pub(crate) fn visit_expr(expr: &Expr, see: &mut dyn FnMut(&Expr)) {
    see(expr);
    children(&expr.kind, &mut |child| visit_expr(child, see));
}

/// The expressions that one is made of, in order.
fn children(kind: &ExprKind, see: &mut dyn FnMut(&Expr)) {
    match kind {
        ExprKind::Name(_) | ExprKind::Const(_) => {}
        ExprKind::List(items) | ExprKind::Tuple(items) => items.iter().for_each(see),
        ExprKind::Dict(pairs) => pairs.iter().for_each(|(key, value)| {
            see(key);
            see(value);
        }),
        ExprKind::Attribute(inner, _) | ExprKind::Not(inner) | ExprKind::Negate(inner) => see(inner),
        ExprKind::Item(a, b)
        | ExprKind::And(a, b)
        | ExprKind::Or(a, b)
        | ExprKind::Arithmetic(_, a, b)
        | ExprKind::Join(a, b) => {
            see(a);
            see(b);
        }
        ExprKind::Slice(inner, bounds) => {
            see(inner);
            bounds.iter().flatten().for_each(|bound| see(bound));
        }
        ExprKind::Compare(first, rest) => {
            see(first);
            rest.iter().for_each(|(_, expr)| see(expr));
        }
        ExprKind::If(condition, yes, no) => {
            see(condition);
            see(yes);
            no.iter().for_each(|expr| see(expr));
        }
        ExprKind::Filter(input, _, args) => {
            input.iter().for_each(|expr| see(expr));
            arguments(args, see);
        }
        ExprKind::Test(input, _, args) | ExprKind::Call(input, args) => {
            see(input);
            arguments(args, see);
        }
    }
}

fn arguments(args: &[Arg], see: &mut dyn FnMut(&Expr)) {
    for arg in args {
        match arg {
            Arg::Positional(expr) | Arg::Named(_, expr) | Arg::Spread(expr) | Arg::SpreadNamed(expr) => see(expr),
        }
    }
}
