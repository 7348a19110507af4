//! The methods of Python's `list`, `dict`, `set` and `tuple`.

use std::cmp::Ordering;

use super::{Outcome, unknown};
use crate::limits::SEQUENCE_LEN_MAX;
use crate::value::{
    Kind, Value, collections_set, dict, elements, hashable, integer_of, kind_of, list, none, ops, pairs, repr, truthy,
    tuple, type_name,
};
use crate::vm::Args;

fn position(items: &[Value], wanted: &Value) -> Option<usize> {
    items.iter().position(|item| ops::equal(item, wanted))
}

pub(super) fn lists(value: &Value, name: &str, args: Args) -> Outcome {
    let Kind::List(own) = kind_of(value) else { return unknown(value, name) };
    let changed = |change: &mut dyn FnMut(&mut Vec<Value>)| {
        own.with(|items| change(items));
        Ok(none())
    };
    let room = |more: usize| {
        if own.len().saturating_add(more) > SEQUENCE_LEN_MAX {
            return Err(format!("a list may have {SEQUENCE_LEN_MAX} elements"));
        }
        Ok(())
    };
    match name {
        "append" => {
            let [item] = args.exactly(name, ["object"])?;
            room(1)?;
            changed(&mut |items| items.push(item.clone()))
        }
        "extend" => {
            let [more] = args.exactly(name, ["iterable"])?;
            let more = elements(&more).ok_or_else(|| format!("'{}' object is not iterable", type_name(&more)))?;
            room(more.len())?;
            changed(&mut |items| items.extend(more.iter().cloned()))
        }
        "insert" => {
            let [index, item] = args.exactly(name, ["index", "object"])?;
            room(1)?;
            let index = integer_of(&index).ok_or("an index is a whole number")?;
            changed(&mut |items| {
                let len = items.len() as i128;
                let at = if index < 0 { (index + len).max(0) } else { index.min(len) };
                items.insert(usize::try_from(at).unwrap_or(0), item.clone());
            })
        }
        "pop" => {
            let mut args = args.bind(name, &["index"], 0)?;
            let index =
                args.given(0).map_or(Some(-1), |index| integer_of(&index)).ok_or("an index is a whole number")?;
            own.with(|items| match ops::python_index(index, items.len()) {
                Some(at) => Ok(items.remove(at)),
                None if items.is_empty() => Err("pop from empty list".to_owned()),
                None => Err("pop index out of range".to_owned()),
            })
        }
        "remove" => {
            let [item] = args.exactly(name, ["value"])?;
            match position(&own.snapshot(), &item) {
                Some(at) => changed(&mut |items| drop(items.remove(at))),
                None => Err("list.remove(x): x not in list".to_owned()),
            }
        }
        "sort" => {
            let mut args = args.bind(name, &["reverse"], 0)?;
            let reverse = args.given(0).is_some_and(|value| truthy(&value));
            let sorted = sorted(own.snapshot(), reverse)?;
            changed(&mut |items| items.clone_from(&sorted))
        }
        "reverse" => changed(&mut |items| items.reverse()),
        "copy" => Ok(list(own.snapshot())),
        "clear" => changed(&mut Vec::clear),
        _ => sequences(value, name, args),
    }
}

/// The elements in order; unlike types are refused.
pub(crate) fn sorted(mut items: Vec<Value>, reverse: bool) -> Result<Vec<Value>, String> {
    let mut refusal = None;
    items.sort_by(|a, b| {
        let order = ops::order("<", a, b).unwrap_or_else(|message| {
            refusal.get_or_insert(message);
            Ordering::Equal
        });
        if reverse { order.reverse() } else { order }
    });
    refusal.map_or(Ok(items), Err)
}

pub(super) fn sequences(value: &Value, name: &str, args: Args) -> Outcome {
    let items = elements(value).unwrap_or_default();
    match name {
        "index" => args.exactly(name, ["value"]).and_then(|[wanted]| {
            position(&items, &wanted).map(Value::from).ok_or_else(|| format!("{} is not in list", repr::repr(&wanted)))
        }),
        "count" => args
            .exactly(name, ["value"])
            .map(|[wanted]| Value::from(items.iter().filter(|item| ops::equal(item, &wanted)).count())),
        _ => unknown(value, name),
    }
}

pub(super) fn dicts(value: &Value, name: &str, args: Args) -> Outcome {
    let all = || pairs(value).unwrap_or_default();
    match name {
        "items" => return Ok(list(all().into_iter().map(|(key, item)| tuple(vec![key, item])).collect())),
        "keys" => return Ok(list(all().into_iter().map(|(key, _)| key).collect())),
        "values" => return Ok(list(all().into_iter().map(|(_, item)| item).collect())),
        "copy" | "to_dict" => return Ok(dict(all())),
        "fromkeys" => return from_keys(args),
        "get" => {
            let mut args = args.bind(name, &["key", "default"], 1)?;
            let (key, default) = (args.take(0), args.given(1));
            return Ok(ops::item(value, &key).or(default).unwrap_or_else(none));
        }
        _ => {}
    }
    let Kind::Dict(own) = kind_of(value) else { return unknown(value, name) };
    match name {
        "update" => {
            let named = args.named.clone();
            if let Some(more) = args.positional.first() {
                let more = match pairs(more) {
                    Some(pairs) => pairs,
                    None => pairs_of(more)?,
                };
                own.with(|pairs| pairs.extend(more));
            }
            own.with(|pairs| pairs.extend(named.into_iter().map(|(key, item)| (Value::from(key), item))));
            Ok(none())
        }
        "pop" => {
            let mut args = args.bind(name, &["key", "default"], 1)?;
            let key = args.take(0);
            let found = if hashable(&key) { own.with(|pairs| pairs.shift_remove(&key)) } else { None };
            found.or_else(|| args.given(1)).ok_or_else(|| format!("KeyError: {}", repr::repr(&key)))
        }
        "popitem" => own
            .with(|pairs| pairs.pop())
            .map(|(key, item)| tuple(vec![key, item]))
            .ok_or_else(|| "popitem(): dictionary is empty".to_owned()),
        "setdefault" => {
            let mut args = args.bind(name, &["key", "default"], 1)?;
            let (key, default) = (args.take(0), args.given(1).unwrap_or_else(none));
            if !hashable(&key) {
                return Err(format!("unhashable type: '{}'", type_name(&key)));
            }
            Ok(own.with(|pairs| pairs.entry(key).or_insert(default).clone()))
        }
        "clear" => {
            own.with(|pairs| pairs.clear());
            Ok(none())
        }
        _ => unknown(value, name),
    }
}

/// `dict.fromkeys(keys, value)`.
pub(crate) fn from_keys(args: Args) -> Outcome {
    let mut args = args.bind("fromkeys", &["iterable", "value"], 1)?;
    let (keys, value) = (args.take(0), args.given(1).unwrap_or_else(none));
    let keys = elements(&keys).ok_or_else(|| format!("'{}' object is not iterable", type_name(&keys)))?;
    match keys.iter().find(|key| !hashable(key)) {
        Some(key) => Err(format!("unhashable type: '{}'", type_name(key))),
        None => Ok(dict(keys.into_iter().map(|key| (key, value.clone())))),
    }
}

/// Key and value of each element of a sequence of pairs.
pub(crate) fn pairs_of(value: &Value) -> Result<Vec<(Value, Value)>, String> {
    let items = elements(value).ok_or_else(|| format!("'{}' object is not iterable", type_name(value)))?;
    items
        .into_iter()
        .map(|item| match elements(&item).as_deref() {
            Some([key, value]) if hashable(key) => Ok((key.clone(), value.clone())),
            Some([key, _]) => Err(format!("unhashable type: '{}'", type_name(key))),
            _ => Err("dictionary update sequence elements must be pairs".to_owned()),
        })
        .collect()
}

pub(super) fn sets(value: &Value, name: &str, args: Args) -> Outcome {
    let Kind::Set(own) = kind_of(value) else { return unknown(value, name) };
    let other = |args: Args| -> Result<Vec<Value>, String> {
        let [more] = args.exactly(name, ["other"])?;
        elements(&more).ok_or_else(|| format!("'{}' object is not iterable", type_name(&more)))
    };
    match name {
        "add" => {
            let [item] = args.exactly(name, ["element"])?;
            if !hashable(&item) {
                return Err(format!("unhashable type: '{}'", type_name(&item)));
            }
            own.with(|items| items.insert(item));
            Ok(none())
        }
        "discard" | "remove" => {
            let [item] = args.exactly(name, ["element"])?;
            let gone = hashable(&item) && own.with(|items| items.shift_remove(&item));
            if gone || name == "discard" { Ok(none()) } else { Err(format!("KeyError: {}", repr::repr(&item))) }
        }
        "update" => {
            let more = other(args)?;
            own.with(|items| items.extend(more.into_iter().filter(hashable)));
            Ok(none())
        }
        "union" => Ok(collections_set(own.snapshot().into_iter().chain(other(args)?))),
        "intersection" => {
            let more = other(args)?;
            Ok(collections_set(own.snapshot().into_iter().filter(|item| more.contains(item))))
        }
        "difference" => {
            let more = other(args)?;
            Ok(collections_set(own.snapshot().into_iter().filter(|item| !more.contains(item))))
        }
        "issubset" => other(args).map(|more| Value::from(own.snapshot().iter().all(|item| more.contains(item)))),
        "issuperset" => {
            let items = own.snapshot();
            other(args).map(|more| Value::from(more.iter().all(|item| items.contains(item))))
        }
        "copy" => Ok(collections_set(own.snapshot())),
        "clear" => {
            own.with(|items| items.clear());
            Ok(none())
        }
        "pop" => own.with(|items| items.shift_remove_index(0)).ok_or_else(|| "pop from an empty set".to_owned()),
        _ => unknown(value, name),
    }
}
