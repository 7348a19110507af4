//! Python's values on top of minijinja's: lists, dicts and sets that can be changed, and objects of our own.
//!
//! Guarantees: a list, dict or set that a template makes is shared by reference, so a change through one name is seen
//! through all others, as in Python. Immutable values (numbers, text, tuples) are minijinja's own.

pub(crate) mod collections;
pub(crate) mod json;
pub(crate) mod methods;
pub(crate) mod native;
pub(crate) mod ops;
pub(crate) mod repr;
pub(crate) mod yaml;

pub(crate) use collections::{Dict, List, Set};
pub(crate) use minijinja::Value;
use minijinja::value::{Tuple, ValueKind};
pub(crate) use native::{Native, NativeValue};

/// A value by what Python would call its type.
pub(crate) enum Kind<'a> {
    Undefined,
    None,
    Bool(bool),
    Int(i128),
    Float(f64),
    Str(&'a str),
    List(&'a List),
    Tuple,
    Dict(&'a Dict),
    Set(&'a Set),
    Native(&'a dyn Native),
    /// A sequence that a filter of minijinja made.
    Seq,
    /// A mapping that a filter of minijinja made.
    Map,
    Other,
}

/// What kind of value this is.
pub(crate) fn kind_of(value: &Value) -> Kind<'_> {
    match value.kind() {
        ValueKind::Undefined => Kind::Undefined,
        ValueKind::None => Kind::None,
        ValueKind::Bool => Kind::Bool(value.is_true()),
        ValueKind::Number => {
            if value.is_integer() {
                i128::try_from(value.clone()).map_or(Kind::Other, Kind::Int)
            } else {
                f64::try_from(value.clone()).map_or(Kind::Other, Kind::Float)
            }
        }
        ValueKind::String => value.as_str().map_or(Kind::Other, Kind::Str),
        _ => {
            if let Some(native) = value.downcast_object_ref::<NativeValue>() {
                return Kind::Native(&*native.0);
            }
            if let Some(list) = value.downcast_object_ref::<List>() {
                return Kind::List(list);
            }
            if let Some(dict) = value.downcast_object_ref::<Dict>() {
                return Kind::Dict(dict);
            }
            if let Some(set) = value.downcast_object_ref::<Set>() {
                return Kind::Set(set);
            }
            if value.is_tuple() {
                return Kind::Tuple;
            }
            match value.kind() {
                ValueKind::Seq | ValueKind::Iterable => Kind::Seq,
                ValueKind::Map => Kind::Map,
                _ => Kind::Other,
            }
        }
    }
}

/// The name that Python has for the type, for error messages and `type()`.
pub(crate) fn type_name(value: &Value) -> &'static str {
    match kind_of(value) {
        Kind::Undefined => "Undefined",
        Kind::None => "NoneType",
        Kind::Bool(_) => "bool",
        Kind::Int(_) => "int",
        Kind::Float(_) => "float",
        Kind::Str(_) => "str",
        Kind::List(_) | Kind::Seq => "list",
        Kind::Tuple => "tuple",
        Kind::Dict(_) | Kind::Map => "dict",
        Kind::Set(_) => "set",
        Kind::Native(native) => native.type_name(),
        Kind::Other => "object",
    }
}

/// A list that templates can change.
pub(crate) fn list(items: Vec<Value>) -> Value {
    Value::from_object(List::new(items))
}

/// A tuple.
pub(crate) fn tuple(items: Vec<Value>) -> Value {
    Value::from(Tuple::from(items))
}

/// A dict with text keys that templates can change.
pub(crate) fn dict<K: Into<Value>>(pairs: impl IntoIterator<Item = (K, Value)>) -> Value {
    Value::from_object(Dict::new(pairs.into_iter().map(|(key, value)| (key.into(), value)).collect()))
}

/// Tuples that may be inside each other; lists have no such limit, because theirs are dropped one by one.
pub(crate) const TUPLE_DEPTH_MAX: usize = 200;

/// Whether a tuple holds tuples only so deep as is allowed.
pub(crate) fn is_shallow(value: &Value) -> bool {
    let mut level: Vec<Value> = vec![value.clone()];
    for _ in 0..TUPLE_DEPTH_MAX {
        let inner = level.iter().filter(|value| value.is_tuple()).filter_map(|tuple| tuple.try_iter().ok()).flatten();
        level = inner.filter(Value::is_tuple).collect();
        if level.is_empty() {
            return true;
        }
        // The same tuple many times over is no deeper for it.
        level.truncate(1_000);
    }
    false
}

/// Python's `None`.
pub(crate) fn none() -> Value {
    Value::from(())
}

/// An object of ours.
pub(crate) fn native(object: impl Native) -> Value {
    Value::from_object(NativeValue(std::sync::Arc::new(object)))
}

/// An object of ours of that type, if the value is one.
pub(crate) fn as_native<T: 'static>(value: &Value) -> Option<&T> {
    value.downcast_object_ref::<NativeValue>()?.0.as_any().downcast_ref()
}

/// Whether Python takes it for true.
pub(crate) fn truthy(value: &Value) -> bool {
    match kind_of(value) {
        Kind::Native(native) => native.truthy(),
        _ => value.is_true(),
    }
}

/// The elements that iterating gives (keys, for a dict), or none if it cannot be iterated.
pub(crate) fn elements(value: &Value) -> Option<Vec<Value>> {
    Some(match kind_of(value) {
        Kind::Undefined => Vec::new(),
        Kind::List(list) => list.snapshot(),
        Kind::Dict(dict) => dict.keys(),
        Kind::Set(set) => set.snapshot(),
        Kind::Str(text) => text.chars().map(|c| Value::from(c.to_string())).collect(),
        Kind::Native(native) => return native.elements(),
        Kind::Tuple | Kind::Seq | Kind::Map => value.try_iter().ok()?.collect(),
        _ => return None,
    })
}

/// How many elements or characters, or none if that has no meaning.
pub(crate) fn length(value: &Value) -> Option<usize> {
    match kind_of(value) {
        Kind::Str(text) => Some(text.chars().count()),
        Kind::List(list) => Some(list.len()),
        Kind::Dict(dict) => Some(dict.len()),
        Kind::Bool(_) | Kind::Int(_) | Kind::Float(_) | Kind::None => None,
        _ => elements(value).map(|all| all.len()),
    }
}

/// The pairs of a dict, or none if it is no mapping.
pub(crate) fn pairs(value: &Value) -> Option<Vec<(Value, Value)>> {
    match kind_of(value) {
        Kind::Dict(dict) => Some(dict.pairs()),
        Kind::Map => {
            let keys: Vec<Value> = value.try_iter().ok()?.collect();
            Some(keys.into_iter().map(|key| (key.clone(), value.get_item(&key).unwrap_or_default())).collect())
        }
        _ => None,
    }
}

/// Whether Python can hash it: lists, dicts and sets cannot be keys.
pub(crate) fn hashable(value: &Value) -> bool {
    match kind_of(value) {
        Kind::List(_) | Kind::Dict(_) | Kind::Set(_) | Kind::Seq | Kind::Map => false,
        Kind::Tuple => elements(value).is_some_and(|items| items.iter().all(hashable)),
        _ => true,
    }
}

/// A set of these elements; unhashable ones are left out.
pub(crate) fn collections_set(items: impl IntoIterator<Item = Value>) -> Value {
    Value::from_object(Set::new(items.into_iter().filter(hashable).collect()))
}

/// The whole number that a value is.
pub(crate) fn integer_of(value: &Value) -> Option<i128> {
    match kind_of(value) {
        Kind::Int(number) => Some(number),
        Kind::Bool(flag) => Some(i128::from(flag)),
        _ => None,
    }
}
