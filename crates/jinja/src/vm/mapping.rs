//! Notes where the parts of a rendered text come from. Costs one comparison where nobody asked for it.

use super::{Eval, Vm};
use crate::syntax::ast::{Expr, ExprKind};

impl Vm<'_> {
    /// Text of the template itself is about to be written at `start`.
    pub(super) fn map_copied(&mut self, start: usize, bytes: usize, at: u32) {
        if let Some(map) = &mut self.map {
            let offset = usize::try_from(i64::from(at) + self.origin.base).unwrap_or(0);
            map.copied(start, bytes, &self.origin.source, offset);
        }
    }

    /// What an expression gave is about to be written at `start`.
    pub(super) fn map_made(&mut self, start: usize, bytes: usize, expr: &Expr) {
        if self.map.is_none() {
            return;
        }
        let made_by = self.macro_in(expr);
        let offset = usize::try_from(i64::from(expr.at) + self.origin.base).unwrap_or(0);
        if let Some(map) = &mut self.map {
            map.made(start, bytes, &self.origin.source, offset, made_by);
        }
    }

    /// Runs what writes to another text than the template's own.
    pub(super) fn unmapped<T>(&mut self, run: impl FnOnce(&mut Self) -> Eval<T>) -> Eval<T> {
        let map = self.map.take();
        let outcome = run(self);
        self.map = map;
        outcome
    }

    /// The macro that an expression calls first, by the name that the template has for it.
    fn macro_in(&self, expr: &Expr) -> Option<String> {
        match &expr.kind {
            ExprKind::Filter(Some(input), ..) => self.macro_in(input),
            ExprKind::Join(left, right) | ExprKind::Arithmetic(_, left, right) => {
                self.macro_in(left).or_else(|| self.macro_in(right))
            }
            ExprKind::If(_, yes, no) => self.macro_in(yes).or_else(|| self.macro_in(no.as_deref()?)),
            ExprKind::Call(callee, _) => match &callee.kind {
                ExprKind::Name(name) => self.macro_named(None, name, true).map(|_| name.to_string()),
                ExprKind::Attribute(owner, name) => match &owner.kind {
                    ExprKind::Name(package) => {
                        self.macro_named(Some(package), name, false).map(|_| format!("{package}.{name}"))
                    }
                    _ => None,
                },
                _ => None,
            },
            _ => None,
        }
    }
}
