//! Expressions.

use std::cmp::Ordering;
use std::sync::Arc;

use super::{Args, Eval, Scope, Vm};
use crate::syntax::ast::{Arg, Comparison, Expr, ExprKind};
use crate::value::{self, Kind, Value, kind_of, ops, repr};

impl Vm<'_> {
    pub(super) fn eval(&mut self, expr: &Expr, scope: &Arc<Scope>) -> Eval<Value> {
        stacker::maybe_grow(super::STACK_LEFT_BYTES, super::STACK_GROWTH_BYTES, || self.eval_one(expr, scope))
    }

    fn eval_one(&mut self, expr: &Expr, scope: &Arc<Scope>) -> Eval<Value> {
        self.spend(1)?;
        self.at = expr.at;
        Ok(match &expr.kind {
            ExprKind::Const(value) => value.clone(),
            ExprKind::Name(name) => self.lookup(name, scope).unwrap_or_default(),
            ExprKind::List(items) => {
                let made = value::list(self.eval_all(items, scope)?);
                self.charge(&made)?;
                made
            }
            ExprKind::Tuple(items) => {
                let made = value::tuple(self.eval_all(items, scope)?);
                self.charge(&made)?;
                made
            }
            ExprKind::Dict(pairs) => {
                let mut made = Vec::with_capacity(pairs.len());
                for (key, item) in pairs {
                    let key = self.eval(key, scope)?;
                    self.at = expr.at;
                    if !value::hashable(&key) {
                        return Err(self.fail(format!("unhashable type: '{}'", value::type_name(&key))));
                    }
                    made.push((key, self.eval(item, scope)?));
                }
                value::dict(made)
            }
            ExprKind::Attribute(owner, name) => {
                let value = self.eval(owner, scope)?;
                self.at = expr.at;
                return self.attribute(&value, name, Some(owner));
            }
            ExprKind::Item(owner, key) => {
                let value = self.eval(owner, scope)?;
                let key = self.eval(key, scope)?;
                self.at = expr.at;
                return self.item(&value, &key, owner);
            }
            ExprKind::Slice(owner, bounds) => {
                let value = self.eval(owner, scope)?;
                let mut numbers = [None; 3];
                for (number, bound) in numbers.iter_mut().zip(bounds) {
                    let Some(bound) = bound else { continue };
                    let bound = self.eval(bound, scope)?;
                    *number = match kind_of(&bound) {
                        Kind::None => None,
                        _ => match value::integer_of(&bound) {
                            Some(whole) => Some(whole),
                            None => return Err(self.fail("slice indices must be integers or None")),
                        },
                    };
                }
                return self.lift(ops::slice(&value, numbers));
            }
            ExprKind::Not(inner) => Value::from(!value::truthy(&self.eval(inner, scope)?)),
            ExprKind::Negate(inner) => {
                let value = self.eval(inner, scope)?;
                return self.lift(ops::negate(&value));
            }
            ExprKind::And(left, right) => {
                let left = self.eval(left, scope)?;
                if value::truthy(&left) { self.eval(right, scope)? } else { left }
            }
            ExprKind::Or(left, right) => {
                let left = self.eval(left, scope)?;
                if value::truthy(&left) { left } else { self.eval(right, scope)? }
            }
            ExprKind::Arithmetic(op, left, right) => {
                let (a, b) = (self.eval(left, scope)?, self.eval(right, scope)?);
                self.at = expr.at;
                for (value, expr) in [(&a, left), (&b, right)] {
                    if value.is_undefined() && !self.parsing() {
                        return Err(self.undefined(expr, scope));
                    }
                }
                match ops::arithmetic(op, &a, &b) {
                    // While parsing, values that a query would give are undefined: what is made of them is too.
                    Err(_) if self.parsing() && (a.is_undefined() || b.is_undefined()) => Value::UNDEFINED,
                    outcome => {
                        let value = self.lift(outcome)?;
                        self.charge(&value)?;
                        value
                    }
                }
            }
            ExprKind::Join(left, right) => {
                let mut text = repr::text(&self.eval(left, scope)?);
                text.push_str(&repr::text(&self.eval(right, scope)?));
                self.at = expr.at;
                self.fits(text.len())?;
                let text = Value::from(text);
                self.charge(&text)?;
                text
            }
            ExprKind::Compare(first, rest) => {
                let mut left = self.eval(first, scope)?;
                for (comparison, right) in rest {
                    let right = self.eval(right, scope)?;
                    self.at = expr.at;
                    if !self.compare(*comparison, &left, &right)? {
                        return Ok(Value::from(false));
                    }
                    left = right;
                }
                Value::from(true)
            }
            ExprKind::If(condition, yes, no) => {
                if value::truthy(&self.eval(condition, scope)?) {
                    return self.eval(yes, scope);
                }
                return no.as_ref().map_or(Ok(Value::UNDEFINED), |no| self.eval(no, scope));
            }
            ExprKind::Filter(input, name, args) => {
                let input = match input {
                    Some(input) => self.eval(input, scope)?,
                    None => Value::UNDEFINED,
                };
                let args = self.eval_args(args, scope)?;
                self.at = expr.at;
                return self.filter(name, input, args);
            }
            ExprKind::Test(input, name, args) => {
                let input = self.eval(input, scope)?;
                let args = self.eval_args(args, scope)?;
                self.at = expr.at;
                return self.test(name, &input, args).map(Value::from);
            }
            ExprKind::Call(callee, args) => {
                let args = self.eval_args(args, scope)?;
                return self.eval_call(expr.at, callee, args, scope);
            }
        })
    }

    fn eval_all(&mut self, items: &[Expr], scope: &Arc<Scope>) -> Eval<Vec<Value>> {
        items.iter().map(|item| self.eval(item, scope)).collect()
    }

    fn compare(&mut self, comparison: Comparison, left: &Value, right: &Value) -> Eval<bool> {
        let ordered = |vm: &Self, op, wanted: fn(Ordering) -> bool| {
            if vm.parsing() && (left.is_undefined() || right.is_undefined()) {
                return Ok(false);
            }
            vm.lift(ops::order(op, left, right)).map(wanted)
        };
        match comparison {
            Comparison::Equal => Ok(ops::equal(left, right)),
            Comparison::Unequal => Ok(!ops::equal(left, right)),
            Comparison::Less => ordered(self, "<", Ordering::is_lt),
            Comparison::LessOrEqual => ordered(self, "<=", Ordering::is_le),
            Comparison::Greater => ordered(self, ">", Ordering::is_gt),
            Comparison::GreaterOrEqual => ordered(self, ">=", Ordering::is_ge),
            Comparison::In => self.lift(ops::contains(right, left)),
            Comparison::NotIn => self.lift(ops::contains(right, left)).map(|found| !found),
        }
    }

    /// A filter with an input that is not in the tree: `{% filter upper %}`, `{% set x | upper %}`.
    pub(super) fn eval_filter_chain(&mut self, expr: &Expr, input: Value, scope: &Arc<Scope>) -> Eval<Value> {
        let ExprKind::Filter(inner, name, args) = &expr.kind else { return Ok(input) };
        let input = match inner {
            Some(inner) => self.eval_filter_chain(inner, input, scope)?,
            None => input,
        };
        let args = self.eval_args(args, scope)?;
        self.at = expr.at;
        self.filter(name, input, args)
    }

    pub(super) fn eval_args(&mut self, args: &[Arg], scope: &Arc<Scope>) -> Eval<Args> {
        let mut made = Args::default();
        for arg in args {
            match arg {
                Arg::Positional(expr) => made.positional.push(self.eval(expr, scope)?),
                Arg::Named(name, expr) => {
                    let value = self.eval(expr, scope)?;
                    if made.named.insert(name.to_string(), value).is_some() {
                        return Err(self.fail(format!("keyword argument repeated: {name}")));
                    }
                }
                Arg::Spread(expr) => {
                    let value = self.eval(expr, scope)?;
                    match value::elements(&value) {
                        Some(items) => made.positional.extend(items),
                        None => return Err(self.fail(format!("* needs an iterable, not {}", value::type_name(&value)))),
                    }
                }
                Arg::SpreadNamed(expr) => {
                    let value = self.eval(expr, scope)?;
                    match (value::pairs(&value), kind_of(&value)) {
                        (Some(pairs), _) => {
                            made.named.extend(pairs.into_iter().map(|(key, item)| (repr::text(&key), item)));
                        }
                        (None, Kind::Undefined) => {}
                        _ => return Err(self.fail(format!("** needs a mapping, not {}", value::type_name(&value)))),
                    }
                }
            }
        }
        Ok(made)
    }

    /// `value.name`: an attribute, or else an element of that name, or else undefined.
    pub(crate) fn attribute(&mut self, value: &Value, name: &str, from: Option<&Expr>) -> Eval<Value> {
        match kind_of(value) {
            Kind::Undefined => {
                if self.parsing() {
                    return Ok(Value::UNDEFINED);
                }
                Err(self.undefined_attribute(from, name))
            }
            Kind::Native(native) => {
                if native.methods().contains(&name) {
                    return Ok(self.bound(value, name));
                }
                let found = native.attribute(self, name);
                Ok(found.or_else(|| native.item(&Value::from(name))).unwrap_or_default())
            }
            _ => {
                // Python looks for an attribute before it looks for an element: `d.items` is the method.
                if value::methods::names(value).contains(&name) {
                    return Ok(self.bound(value, name));
                }
                Ok(ops::item(value, &Value::from(name)).unwrap_or_default())
            }
        }
    }

    fn bound(&self, owner: &Value, name: &str) -> Value {
        value::native(value::methods::Bound { owner: owner.clone(), name: name.to_owned() })
    }

    fn item(&mut self, value: &Value, key: &Value, owner: &Expr) -> Eval<Value> {
        if value.is_undefined() {
            return if self.parsing() {
                Ok(Value::UNDEFINED)
            } else {
                Err(self.undefined_attribute(Some(owner), &repr::text(key)))
            };
        }
        if let Some(found) = ops::item(value, key) {
            return Ok(found);
        }
        match key.as_str() {
            Some(name) => self.attribute(value, name, Some(owner)),
            None => Ok(Value::UNDEFINED),
        }
    }
}
