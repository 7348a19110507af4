//! `modules.itertools`: the functions that dbt lets through.
//!
//! Where Python gives an iterator, a list comes out; `count`, `cycle` and `repeat`, which have no end, are objects that
//! `islice`, `zip` and `starmap` take from.

mod endless;

pub(super) use endless::Endless;

use std::any::Any;

use crate::limits::SEQUENCE_LEN_MAX;
use crate::value::native::{Module, function};
use crate::value::{self, Native, Value, ops};
use crate::vm::{Args, Eval, Vm};

/// `modules.itertools`.
pub(super) fn module() -> Value {
    let members = vec![
        ("chain", value::native(Chain)),
        ("product", function("product", product)),
        ("combinations", function("combinations", |vm, args| choose(vm, Choice::Combinations, args))),
        (
            "combinations_with_replacement",
            function("combinations_with_replacement", |vm, args| choose(vm, Choice::WithReplacement, args)),
        ),
        ("permutations", function("permutations", |vm, args| choose(vm, Choice::Permutations, args))),
        ("islice", function("islice", islice)),
        ("zip_longest", function("zip_longest", zip_longest)),
        ("accumulate", function("accumulate", accumulate)),
        ("compress", function("compress", compress)),
        ("starmap", function("starmap", starmap)),
        ("tee", function("tee", tee)),
        ("count", function("count", endless::count)),
        ("cycle", function("cycle", endless::cycle)),
        ("repeat", function("repeat", endless::repeat)),
    ];
    value::native(Module { name: "itertools", members })
}

fn items(vm: &Vm<'_>, value: &Value) -> Eval<Vec<Value>> {
    value::elements(value).ok_or_else(|| vm.fail(format!("'{}' object is not iterable", value::type_name(value))))
}

fn within(vm: &mut Vm<'_>, count: usize) -> Eval<()> {
    if count > SEQUENCE_LEN_MAX {
        return Err(vm.fail(format!("more than {SEQUENCE_LEN_MAX} elements would come out")));
    }
    vm.spend(count as u64)
}

fn product(vm: &mut Vm<'_>, mut args: Args) -> Eval<Value> {
    let repeat =
        args.named.shift_remove("repeat").and_then(|n| usize::try_from(value::integer_of(&n)?).ok()).unwrap_or(1);
    let mut pools = Vec::new();
    for arg in &args.positional {
        pools.push(items(vm, arg)?);
    }
    let mut rows: Vec<Vec<Value>> = vec![Vec::new()];
    for _ in 0..repeat {
        for pool in &pools {
            within(vm, rows.len().saturating_mul(pool.len()))?;
            rows = rows
                .iter()
                .flat_map(|row| pool.iter().map(|item| [row.as_slice(), std::slice::from_ref(item)].concat()))
                .collect();
        }
    }
    Ok(value::list(rows.into_iter().map(value::tuple).collect()))
}

/// Which rows `choose` gives.
#[derive(Clone, Copy, PartialEq)]
enum Choice {
    Combinations,
    WithReplacement,
    Permutations,
}

fn choose(vm: &mut Vm<'_>, choice: Choice, args: Args) -> Eval<Value> {
    let (name, required) = match choice {
        Choice::Combinations => ("combinations", 2),
        Choice::WithReplacement => ("combinations_with_replacement", 2),
        Choice::Permutations => ("permutations", 1),
    };
    let mut args = vm.lift(args.bind(name, &["iterable", "r"], required))?;
    let pool = items(vm, &args.take(0))?;
    let size = args.given(1).and_then(|n| usize::try_from(value::integer_of(&n)?).ok()).unwrap_or(pool.len());
    let mut rows: Vec<Vec<usize>> = vec![Vec::new()];
    for _ in 0..size {
        let mut longer = Vec::new();
        for row in &rows {
            let from = match choice {
                Choice::Combinations => row.last().map_or(0, |last| last + 1),
                Choice::WithReplacement => row.last().copied().unwrap_or(0),
                Choice::Permutations => 0,
            };
            for at in from..pool.len() {
                if choice != Choice::Permutations || !row.contains(&at) {
                    longer.push([row.as_slice(), &[at]].concat());
                }
            }
            within(vm, longer.len())?;
        }
        rows = longer;
    }
    let tuples = rows.into_iter().map(|row| value::tuple(row.into_iter().map(|at| pool[at].clone()).collect()));
    Ok(value::list(tuples.collect()))
}

fn islice(vm: &mut Vm<'_>, args: Args) -> Eval<Value> {
    let mut numbers = args.positional.iter().skip(1).map(value::integer_of);
    let bounds = match args.positional.len() {
        2 => [None, numbers.next().flatten(), None],
        _ => [numbers.next().flatten(), numbers.next().flatten(), numbers.next().flatten()],
    };
    let source = args.positional.first().unwrap_or(&Value::UNDEFINED);
    let all = match value::as_native::<Endless>(source) {
        Some(endless) => {
            let Some(stop) = bounds[1].and_then(|stop| usize::try_from(stop).ok()) else {
                return Err(vm.fail("islice() needs to know where to stop, because this goes on for ever"));
            };
            within(vm, stop)?;
            vm.lift(endless.take(stop))?
        }
        None => items(vm, source)?,
    };
    vm.lift(ops::slice(&value::list(all), bounds))
}

fn zip_longest(vm: &mut Vm<'_>, mut args: Args) -> Eval<Value> {
    let fill = args.named.shift_remove("fillvalue").unwrap_or_else(value::none);
    let mut columns = Vec::new();
    for arg in &args.positional {
        columns.push(items(vm, arg)?);
    }
    let rows = columns.iter().map(Vec::len).max().unwrap_or(0);
    let row = |at: usize| columns.iter().map(|column| column.get(at).unwrap_or(&fill).clone()).collect();
    Ok(value::list((0..rows).map(|at| value::tuple(row(at))).collect()))
}

/// Sums so far, or what a function of the last result and the next element gives.
fn accumulate(vm: &mut Vm<'_>, args: Args) -> Eval<Value> {
    let mut args = vm.lift(args.bind("accumulate", &["iterable", "func", "initial"], 1))?;
    let iterable = args.take(0);
    let func = args.given(1).filter(|func| !func.is_none());
    let mut results: Vec<Value> = args.given(2).filter(|initial| !initial.is_none()).into_iter().collect();
    for item in items(vm, &iterable)? {
        let next = match (results.last(), &func) {
            (None, _) => item,
            (Some(last), None) => vm.lift(ops::arithmetic("+", last, &item))?,
            (Some(last), Some(func)) => vm.call_value(func, Args::positional(vec![last.clone(), item]))?,
        };
        results.push(next);
    }
    Ok(value::list(results))
}

/// Elements whose selector is true.
fn compress(vm: &mut Vm<'_>, args: Args) -> Eval<Value> {
    let [data, selectors] = vm.lift(args.exactly("compress", ["data", "selectors"]))?;
    let data = items(vm, &data)?;
    let selectors = match value::as_native::<Endless>(&selectors) {
        Some(endless) => vm.lift(endless.take(data.len()))?,
        None => items(vm, &selectors)?,
    };
    let kept = data.into_iter().zip(&selectors).filter(|(_, selector)| value::truthy(selector));
    Ok(value::list(kept.map(|(item, _)| item).collect()))
}

/// A function of each row, whose elements are its arguments.
fn starmap(vm: &mut Vm<'_>, args: Args) -> Eval<Value> {
    let [func, rows] = vm.lift(args.exactly("starmap", ["function", "iterable"]))?;
    let mut made = Vec::new();
    for row in items(vm, &rows)? {
        let arguments = items(vm, &row)?;
        made.push(vm.call_value(&func, Args::positional(arguments))?);
    }
    Ok(value::list(made))
}

/// The same list several times.
fn tee(vm: &mut Vm<'_>, args: Args) -> Eval<Value> {
    let mut args = vm.lift(args.bind("tee", &["iterable", "n"], 1))?;
    let all = items(vm, &args.take(0))?;
    let copies = args.given(1).and_then(|n| usize::try_from(value::integer_of(&n)?).ok()).unwrap_or(2);
    within(vm, copies.saturating_mul(all.len().max(1)))?;
    Ok(value::tuple((0..copies).map(|_| value::list(all.clone())).collect()))
}

/// `chain(a, b)`, and `chain.from_iterable([a, b])`.
#[derive(Debug)]
struct Chain;

impl Chain {
    fn of(vm: &mut Vm<'_>, parts: &[Value]) -> Eval<Value> {
        let mut all = Vec::new();
        for part in parts {
            all.extend(items(vm, part)?);
            within(vm, all.len())?;
        }
        Ok(value::list(all))
    }
}

impl Native for Chain {
    fn type_name(&self) -> &'static str {
        "type"
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
    fn text(&self) -> String {
        "<class 'itertools.chain'>".into()
    }
    fn methods(&self) -> &'static [&'static str] {
        &["from_iterable"]
    }
    fn call_method(&self, vm: &mut Vm<'_>, name: &str, args: Args) -> Eval<Value> {
        let [parts] = vm.lift(args.exactly(name, ["iterable"]))?;
        let parts = items(vm, &parts)?;
        Self::of(vm, &parts)
    }
    fn callable(&self) -> bool {
        true
    }
    fn call(&self, vm: &mut Vm<'_>, args: Args) -> Eval<Value> {
        Self::of(vm, &args.positional)
    }
}
