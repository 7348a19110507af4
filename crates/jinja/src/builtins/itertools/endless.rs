//! Sequences without an end: as many elements are made as somebody takes.

use std::any::Any;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::value::{self, Native, Value, ops};
use crate::vm::{Args, Eval, Vm};

/// What comes next.
#[derive(Debug)]
enum Rule {
    Count { start: Value, step: Value },
    Cycle(Vec<Value>),
    Repeat(Value),
}

/// A sequence without an end. As in Python, what was taken is gone.
#[derive(Debug)]
pub(in crate::builtins) struct Endless {
    rule: Rule,
    taken: AtomicUsize,
}

impl Endless {
    fn of(rule: Rule) -> Value {
        value::native(Self { rule, taken: AtomicUsize::new(0) })
    }

    /// The next elements.
    pub(in crate::builtins) fn take(&self, count: usize) -> Result<Vec<Value>, String> {
        let first = self.taken.fetch_add(count, Ordering::Relaxed);
        (first..first.saturating_add(count))
            .map(|at| match &self.rule {
                Rule::Count { start, step } => {
                    let steps = ops::arithmetic("*", step, &Value::from(at))?;
                    ops::arithmetic("+", start, &steps)
                }
                Rule::Cycle(items) => Ok(items[at % items.len()].clone()),
                Rule::Repeat(item) => Ok(item.clone()),
            })
            .collect()
    }
}

impl Native for Endless {
    fn type_name(&self) -> &'static str {
        match self.rule {
            Rule::Count { .. } => "itertools.count",
            Rule::Cycle(_) => "itertools.cycle",
            Rule::Repeat(_) => "itertools.repeat",
        }
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
}

pub(super) fn count(vm: &mut Vm<'_>, args: Args) -> Eval<Value> {
    let mut args = vm.lift(args.bind("count", &["start", "step"], 0))?;
    let start = args.given(0).unwrap_or_else(|| Value::from(0));
    let step = args.given(1).unwrap_or_else(|| Value::from(1));
    vm.lift(ops::arithmetic("+", &start, &step))?;
    Ok(Endless::of(Rule::Count { start, step }))
}

pub(super) fn cycle(vm: &mut Vm<'_>, args: Args) -> Eval<Value> {
    let [iterable] = vm.lift(args.exactly("cycle", ["iterable"]))?;
    let items = super::items(vm, &iterable)?;
    Ok(if items.is_empty() { value::list(items) } else { Endless::of(Rule::Cycle(items)) })
}

pub(super) fn repeat(vm: &mut Vm<'_>, args: Args) -> Eval<Value> {
    let mut args = vm.lift(args.bind("repeat", &["object", "times"], 1))?;
    let item = args.take(0);
    match args.given(1) {
        Some(times) => {
            let one = value::list(vec![item]);
            vm.lift(ops::arithmetic("*", &one, &times))
        }
        None => Ok(Endless::of(Rule::Repeat(item))),
    }
}
