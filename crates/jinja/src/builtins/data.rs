//! Functions on values: `zip`, `set`, `range`, `namespace`, JSON and YAML.

use indexmap::IndexMap;
use serde_json::Value as Json;

use super::itertools::Endless;
use super::{Namespace, from_table};
use crate::limits::SEQUENCE_LEN_MAX;
use crate::value::native::Functions;
use crate::value::{self, Native, Value, json, repr};
use crate::vm::{Args, Eval, Vm};

const FUNCTIONS: &Functions = &[
    ("zip", |vm, args| zip(vm, args, false)),
    ("zip_strict", |vm, args| zip(vm, args, true)),
    ("set", |vm, args| set(vm, args, false)),
    ("set_strict", |vm, args| set(vm, args, true)),
    ("range", range),
    ("namespace", namespace),
    ("fromjson", fromjson),
    ("tojson", tojson),
    ("fromyaml", fromyaml),
    ("toyaml", toyaml),
    ("cycler", |_, args| Ok(value::native(Cycler { items: args.positional, at: 0.into() }))),
    ("joiner", joiner),
    ("diff_of_two_dicts", diff_of_two_dicts),
];

pub(super) fn function_named(name: &str) -> Option<Value> {
    if name == "dict" {
        return Some(value::native(DictClass));
    }
    from_table(FUNCTIONS, name)
}

fn zip(vm: &mut Vm<'_>, args: Args, strict: bool) -> Eval<Value> {
    let mut args = args;
    let default = args.named.shift_remove("default");
    let mut columns = Vec::new();
    let endless = |arg: &Value| value::as_native::<Endless>(arg).is_some();
    for (position, arg) in args.positional.iter().enumerate().filter(|(_, arg)| !endless(arg)) {
        match value::elements(arg).filter(|_| !arg.is_undefined()) {
            Some(items) => columns.push(items),
            None if strict => {
                return Err(vm.fail(format!("'zip' argument #{} must support iteration", position + 1)));
            }
            // dbt: what cannot be zipped gives the default.
            None => return Ok(default.unwrap_or_else(value::none)),
        }
    }
    let rows = columns.iter().map(Vec::len).min();
    if rows.is_none() && args.positional.iter().any(endless) {
        return Err(vm.fail("zip() of sequences that all go on for ever"));
    }
    let rows = rows.unwrap_or(0);
    for (position, arg) in args.positional.iter().enumerate() {
        if let Some(endless) = value::as_native::<Endless>(arg) {
            columns.insert(position, vm.lift(endless.take(rows))?);
        }
    }
    let tuples = (0..rows).map(|row| value::tuple(columns.iter().map(|column| column[row].clone()).collect()));
    Ok(value::list(tuples.collect()))
}

fn set(vm: &mut Vm<'_>, args: Args, strict: bool) -> Eval<Value> {
    let mut args = vm.lift(args.bind("set", &["value", "default"], 1))?;
    let (given, default) = (args.take(0), args.given(1));
    match value::elements(&given) {
        Some(items) if items.iter().all(value::hashable) => Ok(value::collections_set(items)),
        _ if strict => Err(vm.fail(format!("a set cannot be made of this {}", value::type_name(&given)))),
        _ => Ok(default.unwrap_or_else(value::none)),
    }
}

fn range(vm: &mut Vm<'_>, args: Args) -> Eval<Value> {
    let mut matched = vm.lift(args.bind("range", &["start", "stop", "step"], 1))?;
    let mut numbers = Vec::new();
    for at in 0..3 {
        if let Some(given) = matched.given(at) {
            match value::integer_of(&given) {
                Some(number) => numbers.push(number),
                None => {
                    return Err(
                        vm.fail(format!("'{}' object cannot be interpreted as an integer", value::type_name(&given)))
                    );
                }
            }
        }
    }
    let (start, stop, step) = match numbers.as_slice() {
        [stop] => (0, *stop, 1),
        [start, stop] => (*start, *stop, 1),
        [start, stop, step, ..] => (*start, *stop, *step),
        [] => (0, 0, 1),
    };
    if step == 0 {
        return Err(vm.fail("range() arg 3 must not be zero"));
    }
    let distance = if step > 0 { stop.saturating_sub(start) } else { start.saturating_sub(stop) };
    let steps = step.unsigned_abs();
    let count = if distance <= 0 { 0 } else { distance.unsigned_abs().div_ceil(steps) };
    if count > SEQUENCE_LEN_MAX as u128 {
        return Err(vm.fail_with_hint(
            format!("range of {count} elements: at most {SEQUENCE_LEN_MAX} are allowed"),
            "make long series in SQL: dbt_utils.generate_series or date_spine",
        ));
    }
    let count = count as i128;
    vm.spend(count as u64)?;
    Ok(value::list((0..count).map(|at| value::ops::integer(start + at * step)).collect()))
}

/// `dict(…)`, and `dict.fromkeys(…)`.
#[derive(Debug)]
struct DictClass;

impl Native for DictClass {
    fn type_name(&self) -> &'static str {
        "type"
    }
    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
    fn text(&self) -> String {
        "<class 'dict'>".to_owned()
    }
    fn methods(&self) -> &'static [&'static str] {
        &["fromkeys"]
    }
    fn call_method(&self, vm: &mut Vm<'_>, _name: &str, args: Args) -> Eval<Value> {
        vm.lift(value::methods::from_keys(args))
    }
    fn callable(&self) -> bool {
        true
    }
    fn call(&self, vm: &mut Vm<'_>, args: Args) -> Eval<Value> {
        dict(vm, args)
    }
}

fn dict(vm: &mut Vm<'_>, args: Args) -> Eval<Value> {
    let mut pairs = Vec::new();
    if let Some(first) = args.positional.first() {
        pairs = match value::pairs(first) {
            Some(pairs) => pairs,
            None => vm.lift(value::methods::pairs_of(first))?,
        };
    }
    pairs.extend(args.named.into_iter().map(|(key, item)| (Value::from(key), item)));
    Ok(value::dict(pairs))
}

fn namespace(_vm: &mut Vm<'_>, args: Args) -> Eval<Value> {
    let mut values = IndexMap::new();
    for given in &args.positional {
        values.extend(value::pairs(given).unwrap_or_default().into_iter().map(|(key, item)| (repr::text(&key), item)));
    }
    values.extend(args.named);
    Ok(value::native(Namespace::new(values)))
}

fn fromjson(vm: &mut Vm<'_>, args: Args) -> Eval<Value> {
    let mut args = vm.lift(args.bind("fromjson", &["string", "default"], 1))?;
    let text = repr::text(&args.take(0));
    Ok(match serde_json::from_str::<Json>(&text) {
        Ok(parsed) => json::from_json(&parsed),
        Err(_) => args.given(1).unwrap_or_else(value::none),
    })
}

fn tojson(vm: &mut Vm<'_>, args: Args) -> Eval<Value> {
    let mut args = vm.lift(args.bind("tojson", &["value", "default", "sort_keys"], 1))?;
    let written = vm.lift(json::written(&args.take(0)))?;
    Ok(Value::from(json::dumps(&written, value::truthy(&args.take(2)), None)))
}

fn fromyaml(vm: &mut Vm<'_>, args: Args) -> Eval<Value> {
    let mut args = vm.lift(args.bind("fromyaml", &["value", "default"], 1))?;
    let text = repr::text(&args.take(0));
    Ok(match serde_saphyr::from_str::<Json>(&text) {
        Ok(parsed) => json::from_json(&parsed),
        Err(_) => args.given(1).unwrap_or_else(value::none),
    })
}

fn toyaml(vm: &mut Vm<'_>, args: Args) -> Eval<Value> {
    let mut args = vm.lift(args.bind("toyaml", &["value", "default", "sort_keys"], 1))?;
    let written = vm.lift(json::written(&args.take(0)))?;
    Ok(Value::from(value::yaml::dump(&written, value::truthy(&args.take(2)))))
}

/// `cycler(a, b, …)`.
#[derive(Debug)]
struct Cycler {
    items: Vec<Value>,
    at: std::sync::atomic::AtomicUsize,
}

impl Native for Cycler {
    fn type_name(&self) -> &'static str {
        "Cycler"
    }
    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
    fn get(&self, name: &str) -> Option<Value> {
        let at = self.at.load(std::sync::atomic::Ordering::Relaxed);
        (name == "current").then(|| self.items.get(at % self.items.len().max(1)).cloned().unwrap_or_default())
    }
    fn methods(&self) -> &'static [&'static str] {
        &["next", "reset"]
    }
    fn call_method(&self, _vm: &mut Vm<'_>, name: &str, _args: Args) -> Eval<Value> {
        use std::sync::atomic::Ordering;
        if name == "reset" {
            self.at.store(0, Ordering::Relaxed);
            return Ok(value::none());
        }
        let at = self.at.fetch_add(1, Ordering::Relaxed);
        Ok(self.items.get(at % self.items.len().max(1)).cloned().unwrap_or_default())
    }
}

/// `joiner(sep)`: empty the first time, the separator after that.
#[derive(Debug)]
struct Joiner {
    separator: String,
    used: std::sync::atomic::AtomicBool,
}

fn joiner(vm: &mut Vm<'_>, args: Args) -> Eval<Value> {
    let mut args = vm.lift(args.bind("joiner", &["sep"], 0))?;
    let separator = args.given(0).map_or_else(|| ", ".to_owned(), |text| repr::text(&text));
    Ok(value::native(Joiner { separator, used: false.into() }))
}

impl Native for Joiner {
    fn type_name(&self) -> &'static str {
        "Joiner"
    }
    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
    fn callable(&self) -> bool {
        true
    }
    fn call(&self, _vm: &mut Vm<'_>, _args: Args) -> Eval<Value> {
        let used = self.used.swap(true, std::sync::atomic::Ordering::Relaxed);
        Ok(Value::from(if used { self.separator.as_str() } else { "" }))
    }
}

/// What is in the first dict of lists and not in the second, ignoring the case of letters.
fn diff_of_two_dicts(vm: &mut Vm<'_>, args: Args) -> Eval<Value> {
    let [left, right] = vm.lift(args.exactly("diff_of_two_dicts", ["dict_a", "dict_b"]))?;
    let lower = |value: &Value| repr::text(value).to_lowercase();
    let known: Vec<(String, Vec<String>)> = value::pairs(&right)
        .unwrap_or_default()
        .iter()
        .map(|(key, items)| (lower(key), value::elements(items).unwrap_or_default().iter().map(lower).collect()))
        .collect();
    let mut kept = Vec::new();
    for (key, items) in value::pairs(&left).unwrap_or_default() {
        let same = known.iter().find(|(known, _)| *known == lower(&key)).map(|(_, items)| items);
        let items = value::elements(&items).unwrap_or_default();
        let rest: Vec<Value> =
            items.into_iter().filter(|item| same.is_none_or(|same| !same.contains(&lower(item)))).collect();
        if !rest.is_empty() {
            kept.push((key, value::list(rest)));
        }
    }
    Ok(value::dict(kept))
}
