//! `{% for %}` and its `loop` object.

use std::any::Any;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use super::{Args, Eval, Flow, Origin, Scope, Stop, Vm};
use crate::syntax::ast::For;
use crate::value::{self, Native, Value, ops};

/// The `loop` variable of one round.
pub(crate) struct Loop {
    each: Arc<For>,
    scope: Arc<Scope>,
    origin: Origin,
    depth: usize,
    index: usize,
    items: Arc<Vec<Value>>,
    /// What `loop.changed()` saw last; shared by all rounds.
    seen: Arc<Mutex<Option<Vec<Value>>>>,
}

impl fmt::Debug for Loop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "loop {}/{}", self.index + 1, self.items.len())
    }
}

impl Native for Loop {
    fn type_name(&self) -> &'static str {
        "LoopContext"
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
    fn text(&self) -> String {
        format!("<LoopContext {}/{}>", self.index + 1, self.items.len())
    }
    fn get(&self, name: &str) -> Option<Value> {
        let len = self.items.len();
        Some(match name {
            "index" => Value::from(self.index + 1),
            "index0" => Value::from(self.index),
            "revindex" => Value::from(len - self.index),
            "revindex0" => Value::from(len - self.index - 1),
            "first" => Value::from(self.index == 0),
            "last" => Value::from(self.index + 1 == len),
            "length" => Value::from(len),
            "depth" => Value::from(self.depth),
            "depth0" => Value::from(self.depth - 1),
            "previtem" => self.index.checked_sub(1).and_then(|at| self.items.get(at).cloned()).unwrap_or_default(),
            "nextitem" => self.items.get(self.index + 1).cloned().unwrap_or_default(),
            _ => return None,
        })
    }
    fn methods(&self) -> &'static [&'static str] {
        &["cycle", "changed"]
    }
    fn call_method(&self, vm: &mut Vm<'_>, name: &str, args: Args) -> Eval<Value> {
        if name == "changed" {
            let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            let before = seen.replace(args.positional.clone());
            let same = before.is_some_and(|before| {
                before.len() == args.positional.len()
                    && before.iter().zip(&args.positional).all(|(a, b)| ops::equal(a, b))
            });
            return Ok(Value::from(!same));
        }
        match args.positional.len() {
            0 => Err(vm.fail("no items for cycling given")),
            len => Ok(args.positional[self.index % len].clone()),
        }
    }
    fn callable(&self) -> bool {
        self.each.recursive
    }
    fn call(&self, vm: &mut Vm<'_>, args: Args) -> Eval<Value> {
        if !self.each.recursive {
            return Err(vm.fail_with_hint("this loop is not recursive", "write {% for … in … recursive %}"));
        }
        let [items] = vm.lift(args.exactly("loop", ["iterable"]))?;
        let mut out = String::new();
        vm.nested("loop", self.origin.clone(), |vm| {
            vm.run_loop(&self.each, items, &self.scope, self.depth + 1, &mut out)
        })?;
        Ok(Value::from(out))
    }
}

impl Vm<'_> {
    pub(super) fn exec_for(&mut self, each: &Arc<For>, scope: &Arc<Scope>, out: &mut String) -> Eval<Flow> {
        let items = self.eval(&each.iterable, scope)?;
        self.run_loop(each, items, scope, 1, out)?;
        Ok(Flow::Next)
    }

    fn run_loop(
        &mut self,
        each: &Arc<For>,
        items: Value,
        scope: &Arc<Scope>,
        depth: usize,
        out: &mut String,
    ) -> Eval<()> {
        self.at = each.at;
        let Some(mut items) = value::elements(&items) else {
            return Err(self.fail(format!("'{}' object is not iterable", value::type_name(&items))));
        };
        if let Some(condition) = &each.condition {
            let mut kept = Vec::new();
            for item in items {
                let inner = Scope::inside(scope);
                self.assign(&each.target, item.clone(), &inner)?;
                if value::truthy(&self.eval(condition, &inner)?) {
                    kept.push(item);
                }
            }
            items = kept;
        }
        if items.is_empty() {
            self.exec(&each.otherwise, &Scope::inside(scope), out)?;
            return Ok(());
        }
        let items = Arc::new(items);
        let seen = Arc::default();
        for index in 0..items.len() {
            self.spend(1)?;
            let inner = Scope::inside(scope);
            let state = Loop {
                each: each.clone(),
                scope: scope.clone(),
                origin: self.origin.clone(),
                depth,
                index,
                items: items.clone(),
                seen: Arc::clone(&seen),
            };
            inner.set("loop".into(), value::native(state));
            self.assign(&each.target, items[index].clone(), &inner)?;
            if self.exec(&each.body, &inner, out)? == Flow::Break {
                break;
            }
        }
        Ok(())
    }

    /// Runs something that can call itself: with its own entry in the stack of calls, within the limit of depth.
    pub(super) fn nested<T>(&mut self, name: &str, origin: Origin, run: impl FnOnce(&mut Self) -> Eval<T>) -> Eval<T> {
        if self.calls.len() >= self.env.options.limits.call_depth {
            return Err(self.too_deep());
        }
        let call_place = self.place();
        self.calls.push((name.to_owned(), call_place.clone()));
        let outer = (std::mem::replace(&mut self.origin, origin), self.at, std::mem::take(&mut self.native));
        let outcome =
            self.unmapped(|vm| stacker::maybe_grow(super::STACK_LEFT_BYTES, super::STACK_GROWTH_BYTES, || run(vm)));
        (self.origin, self.at, self.native) = outer;
        self.calls.pop();
        outcome.map_err(|stop| match stop {
            Stop::Fail(error) => Stop::Fail(error.why(format!("in {name}, called at {call_place}"))),
            Stop::Return(value) => Stop::Return(value),
        })
    }
}
