//! `modules.itertools`: the functions that end.

use crate::limits::SEQUENCE_LEN_MAX;
use crate::value::native::{Module, function};
use crate::value::{self, Value, ops};
use crate::vm::{Args, Eval, Vm};

/// `modules.itertools`.
pub(super) fn module() -> Value {
    let members = vec![
        (
            "chain",
            function("chain", |vm, args| {
                let mut all = Vec::new();
                for arg in &args.positional {
                    all.extend(items(vm, arg)?);
                }
                Ok(value::list(all))
            }),
        ),
        ("product", function("product", product)),
        ("combinations", function("combinations", |vm, args| choose(vm, "combinations", args))),
        ("permutations", function("permutations", |vm, args| choose(vm, "permutations", args))),
        ("islice", function("islice", islice)),
        ("zip_longest", function("zip_longest", zip_longest)),
        ("accumulate", function("accumulate", accumulate)),
        (
            "repeat",
            function("repeat", |vm, args| {
                let [item, times] = vm.lift(args.exactly("repeat", ["object", "times"]))?;
                let one = value::list(vec![item]);
                vm.lift(ops::arithmetic("*", &one, &times))
            }),
        ),
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

fn choose(vm: &mut Vm<'_>, name: &str, args: Args) -> Eval<Value> {
    let mut args = vm.lift(args.bind(name, &["iterable", "r"], 1))?;
    let pool = items(vm, &args.take(0))?;
    let size = args.given(1).and_then(|n| usize::try_from(value::integer_of(&n)?).ok()).unwrap_or(pool.len());
    let mut rows: Vec<Vec<usize>> = vec![Vec::new()];
    for _ in 0..size {
        let mut longer = Vec::new();
        for row in &rows {
            let from = if name == "combinations" { row.last().map_or(0, |last| last + 1) } else { 0 };
            for at in from..pool.len() {
                if !row.contains(&at) {
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
    let all = items(vm, args.positional.first().unwrap_or(&Value::UNDEFINED))?;
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

fn accumulate(vm: &mut Vm<'_>, args: Args) -> Eval<Value> {
    let [iterable] = vm.lift(args.exactly("accumulate", ["iterable"]))?;
    let mut sums: Vec<Value> = Vec::new();
    for item in items(vm, &iterable)? {
        let next = match sums.last() {
            Some(last) => vm.lift(ops::arithmetic("+", last, &item))?,
            None => item,
        };
        sums.push(next);
    }
    Ok(value::list(sums))
}
