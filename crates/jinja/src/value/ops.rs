//! Python's operators. What Python refuses is refused here too, in its words.

use std::cmp::Ordering;

use super::{Kind, Value, as_native, elements, kind_of, list, native::NativeValue, pairs, repr, tuple, type_name};
use crate::limits::{OUTPUT_BYTES_MAX_DEFAULT, SEQUENCE_LEN_MAX};

/// A refusal: Python's sentence.
pub(crate) type Result<T> = std::result::Result<T, String>;

/// A Python index as a position: negative counts from the end; none if it is outside.
pub(crate) fn python_index(index: i128, len: usize) -> Option<usize> {
    let position = if index < 0 { index + len as i128 } else { index };
    usize::try_from(position).ok().filter(|position| *position < len)
}

/// Numbers of either kind; Python takes `True` for 1.
enum Numbers {
    Ints(i128, i128),
    Floats(f64, f64),
}

fn numbers(left: &Value, right: &Value) -> Option<Numbers> {
    fn whole(value: &Value) -> Option<i128> {
        match kind_of(value) {
            Kind::Int(number) => Some(number),
            Kind::Bool(flag) => Some(i128::from(flag)),
            _ => None,
        }
    }
    fn float(value: &Value) -> Option<f64> {
        match kind_of(value) {
            Kind::Float(number) => Some(number),
            _ => whole(value).map(|number| number as f64),
        }
    }
    match (whole(left), whole(right)) {
        (Some(a), Some(b)) => Some(Numbers::Ints(a, b)),
        _ => Some(Numbers::Floats(float(left)?, float(right)?)),
    }
}

pub(crate) fn integer(number: i128) -> Value {
    i64::try_from(number).map_or_else(|_| Value::from(number), Value::from)
}

fn overflow() -> String {
    "integer overflow: the result needs more than 127 bits".to_owned()
}

fn unsupported(op: &str, left: &Value, right: &Value) -> String {
    format!("unsupported operand type(s) for {op}: '{}' and '{}'", type_name(left), type_name(right))
}

/// `left op right` for `+ - * / // % **`.
pub(crate) fn arithmetic(op: &str, left: &Value, right: &Value) -> Result<Value> {
    for (own, other, reflected) in [(left, right, false), (right, left, true)] {
        if let Some(result) = own.downcast_object_ref::<NativeValue>().and_then(|n| n.0.binary(op, other, reflected)) {
            return Ok(result);
        }
    }
    if let Some(both) = numbers(left, right) {
        return match both {
            Numbers::Ints(a, b) => whole_arithmetic(op, a, b),
            Numbers::Floats(a, b) => float_arithmetic(op, a, b),
        };
    }
    match (op, kind_of(left), kind_of(right)) {
        ("+", Kind::Str(a), Kind::Str(b)) if a.len().saturating_add(b.len()) > OUTPUT_BYTES_MAX_DEFAULT => {
            Err(format!("joining the texts would give more than {OUTPUT_BYTES_MAX_DEFAULT} bytes"))
        }
        ("+", Kind::Str(a), Kind::Str(b)) => Ok(Value::from(format!("{a}{b}"))),
        ("+", Kind::List(_) | Kind::Seq, Kind::List(_) | Kind::Seq) => joined(left, right).map(list),
        ("+", Kind::Tuple, Kind::Tuple) => joined(left, right).map(tuple),
        ("+", Kind::Str(_), _) => {
            Err(format!("can only concatenate str (not \"{}\") to str; use ~ to join as text", type_name(right)))
        }
        ("-", Kind::Set(a), Kind::Set(b)) => {
            let gone = b.snapshot();
            Ok(super::collections_set(a.snapshot().into_iter().filter(|item| !gone.contains(item))))
        }
        ("*", Kind::Str(text), Kind::Int(times)) | ("*", Kind::Int(times), Kind::Str(text)) => repeat_text(text, times),
        ("*", Kind::List(_), Kind::Int(times)) => repeat_list(left, times),
        ("*", Kind::Int(times), Kind::List(_)) => repeat_list(right, times),
        ("*", Kind::Tuple, Kind::Int(times)) | ("*", Kind::Int(times), Kind::Tuple) => {
            let one = if matches!(kind_of(left), Kind::Tuple) { left } else { right };
            repeat_list(one, times).map(|made| tuple(elements(&made).unwrap_or_default()))
        }
        ("%", Kind::Str(format), _) => super::methods::percent_format(format, right).map(Value::from),
        _ => Err(unsupported(op, left, right)),
    }
}

fn joined(left: &Value, right: &Value) -> Result<Vec<Value>> {
    let mut items = elements(left).unwrap_or_default();
    items.extend(elements(right).unwrap_or_default());
    if items.len() > SEQUENCE_LEN_MAX {
        return Err(format!("joining the lists would give more than {SEQUENCE_LEN_MAX} elements"));
    }
    Ok(items)
}

fn repeat_text(text: &str, times: i128) -> Result<Value> {
    let times = usize::try_from(times.max(0)).unwrap_or(usize::MAX);
    if text.len().saturating_mul(times) > OUTPUT_BYTES_MAX_DEFAULT {
        return Err(format!("repeating text would give more than {OUTPUT_BYTES_MAX_DEFAULT} bytes"));
    }
    Ok(Value::from(text.repeat(times)))
}

fn repeat_list(value: &Value, times: i128) -> Result<Value> {
    let items = elements(value).unwrap_or_default();
    let times = usize::try_from(times.max(0)).unwrap_or(usize::MAX);
    if items.len().saturating_mul(times) > SEQUENCE_LEN_MAX {
        return Err(format!("repeating a list would give more than {SEQUENCE_LEN_MAX} elements"));
    }
    Ok(list(std::iter::repeat_n(items, times).flatten().collect()))
}

fn whole_arithmetic(op: &str, a: i128, b: i128) -> Result<Value> {
    let zero = || "division by zero".to_owned();
    let result = match op {
        "+" => a.checked_add(b),
        "-" => a.checked_sub(b),
        "*" => a.checked_mul(b),
        "/" => return if b == 0 { Err(zero()) } else { Ok(Value::from(a as f64 / b as f64)) },
        // Python rounds towards minus infinity, and the remainder has the sign of the divisor.
        "//" if b == 0 => return Err(zero()),
        "//" => a.checked_div(b).map(|q| if a % b != 0 && (a < 0) != (b < 0) { q - 1 } else { q }),
        "%" if b == 0 => return Err(zero()),
        "%" => a.checked_rem(b).map(|r| if r != 0 && (r < 0) != (b < 0) { r + b } else { r }),
        "**" if b < 0 => return float_arithmetic("**", a as f64, b as f64),
        "**" => u32::try_from(b).ok().and_then(|b| a.checked_pow(b)),
        _ => return Err(format!("unknown operator {op}")),
    };
    result.map(integer).ok_or_else(overflow)
}

fn float_arithmetic(op: &str, a: f64, b: f64) -> Result<Value> {
    if b == 0.0 && matches!(op, "/" | "//" | "%") {
        return Err("float division by zero".to_owned());
    }
    Ok(Value::from(match op {
        "+" => a + b,
        "-" => a - b,
        "*" => a * b,
        "/" => a / b,
        "//" => (a / b).floor(),
        "%" => a - b * (a / b).floor(),
        "**" => a.powf(b),
        _ => return Err(format!("unknown operator {op}")),
    }))
}

/// `-value`.
pub(crate) fn negate(value: &Value) -> Result<Value> {
    match kind_of(value) {
        Kind::Int(number) => number.checked_neg().map(integer).ok_or_else(overflow),
        Kind::Float(number) => Ok(Value::from(-number)),
        Kind::Bool(flag) => Ok(Value::from(-i64::from(flag))),
        Kind::Native(_) => arithmetic("*", value, &Value::from(-1)),
        _ => Err(format!("bad operand type for unary -: '{}'", type_name(value))),
    }
}

/// `left == right`.
pub(crate) fn equal(left: &Value, right: &Value) -> bool {
    if left.as_object().is_some() && same_object(left, right) == Some(true) {
        return true;
    }
    equal_within(left, right, 0)
}

fn equal_within(left: &Value, right: &Value, depth: usize) -> bool {
    if depth > repr::DEPTH_MAX {
        return false;
    }
    if let Some(both) = numbers(left, right) {
        return match both {
            Numbers::Ints(a, b) => a == b,
            Numbers::Floats(a, b) => a == b,
        };
    }
    match (kind_of(left), kind_of(right)) {
        (Kind::Str(a), Kind::Str(b)) => a == b,
        (Kind::List(_) | Kind::Seq, Kind::List(_) | Kind::Seq) | (Kind::Tuple, Kind::Tuple) => {
            let (a, b) = (elements(left).unwrap_or_default(), elements(right).unwrap_or_default());
            a.len() == b.len() && a.iter().zip(&b).all(|(a, b)| equal_within(a, b, depth + 1))
        }
        (Kind::Dict(_) | Kind::Map, Kind::Dict(_) | Kind::Map) => {
            let (a, b) = (pairs(left).unwrap_or_default(), pairs(right).unwrap_or_default());
            a.len() == b.len()
                && a.iter().all(|(key, x)| b.iter().any(|(other, y)| key == other && equal_within(x, y, depth + 1)))
        }
        (Kind::Set(a), Kind::Set(b)) => {
            let (a, b) = (a.snapshot(), b.snapshot());
            a.len() == b.len() && a.iter().all(|item| b.contains(item))
        }
        (Kind::Native(a), Kind::Native(b)) => a.compare(b) == Some(Ordering::Equal),
        (Kind::None, Kind::None) | (Kind::Undefined, Kind::Undefined) => true,
        _ => false,
    }
}

/// How `left` and `right` compare, for `<`, `>` and sorting; what has no order is refused.
pub(crate) fn order(op: &str, left: &Value, right: &Value) -> Result<Ordering> {
    order_within(op, left, right, 0)
}

fn order_within(op: &str, left: &Value, right: &Value, depth: usize) -> Result<Ordering> {
    if depth > repr::DEPTH_MAX {
        return Err(format!("values nested deeper than {} levels have no order", repr::DEPTH_MAX));
    }
    let refused =
        || format!("'{op}' not supported between instances of '{}' and '{}'", type_name(left), type_name(right));
    if let Some(both) = numbers(left, right) {
        return match both {
            Numbers::Ints(a, b) => Ok(a.cmp(&b)),
            Numbers::Floats(a, b) => a.partial_cmp(&b).ok_or_else(|| "nan has no order".to_owned()),
        };
    }
    match (kind_of(left), kind_of(right)) {
        (Kind::Str(a), Kind::Str(b)) => Ok(a.cmp(b)),
        (Kind::List(_) | Kind::Seq, Kind::List(_) | Kind::Seq) | (Kind::Tuple, Kind::Tuple) => {
            let (a, b) = (elements(left).unwrap_or_default(), elements(right).unwrap_or_default());
            for (a, b) in a.iter().zip(&b) {
                if !equal(a, b) {
                    return order_within(op, a, b, depth + 1);
                }
            }
            Ok(a.len().cmp(&b.len()))
        }
        (Kind::Native(a), Kind::Native(b)) => a.compare(b).ok_or_else(refused),
        _ => Err(refused()),
    }
}

/// `needle in haystack`.
pub(crate) fn contains(haystack: &Value, needle: &Value) -> Result<bool> {
    match kind_of(haystack) {
        Kind::Str(text) => match kind_of(needle) {
            Kind::Str(part) => Ok(text.contains(part)),
            Kind::Undefined => Ok(text.contains("")),
            _ => Err(format!("'in <string>' requires string as left operand, not {}", type_name(needle))),
        },
        Kind::Dict(dict) => Ok(dict.get(needle).is_some()),
        Kind::Undefined => Ok(false),
        _ => match elements(haystack) {
            Some(items) => Ok(items.iter().any(|item| equal(item, needle))),
            None => Err(format!("argument of type '{}' is not iterable", type_name(haystack))),
        },
    }
}

/// `value[key]`; none if there is no such element.
pub(crate) fn item(value: &Value, key: &Value) -> Option<Value> {
    match (kind_of(value), kind_of(key)) {
        (Kind::List(list), Kind::Int(index)) => list.at(index),
        (Kind::Dict(dict), _) => dict.get(key),
        (Kind::Str(text), Kind::Int(index)) => {
            let position = python_index(index, text.chars().count())?;
            text.chars().nth(position).map(|c| Value::from(c.to_string()))
        }
        (Kind::Tuple | Kind::Seq, Kind::Int(index)) => {
            let items = elements(value)?;
            items.get(python_index(index, items.len())?).cloned()
        }
        (Kind::Native(native), _) => native.item(key),
        (Kind::Map | Kind::Seq | Kind::Other, _) => value.get_item(key).ok().filter(|found| !found.is_undefined()),
        _ => None,
    }
}

/// `value[start:stop:step]`.
pub(crate) fn slice(value: &Value, bounds: [Option<i128>; 3]) -> Result<Value> {
    let items = match kind_of(value) {
        Kind::Str(_) | Kind::List(_) | Kind::Tuple | Kind::Seq | Kind::Native(_) => elements(value),
        Kind::Undefined => Some(Vec::new()),
        _ => None,
    };
    let Some(items) = items else { return Err(format!("'{}' object cannot be sliced", type_name(value))) };
    let [start, stop, step] = bounds;
    let step = step.unwrap_or(1);
    if step == 0 {
        return Err("slice step cannot be zero".to_owned());
    }
    let len = items.len() as i128;
    let clamp = |index: i128, low: i128, high: i128| if index < 0 { (index + len).max(low) } else { index.min(high) };
    let (mut at, end) = if step > 0 {
        (clamp(start.unwrap_or(0), 0, len), clamp(stop.unwrap_or(len), 0, len))
    } else {
        (start.map_or(len - 1, |index| clamp(index, -1, len - 1)), stop.map_or(-1, |index| clamp(index, -1, len - 1)))
    };
    let mut picked = Vec::new();
    while (step > 0 && at < end) || (step < 0 && at > end) {
        if let Some(item) = usize::try_from(at).ok().and_then(|at| items.get(at)) {
            picked.push(item.clone());
        }
        at = at.saturating_add(step);
    }
    Ok(match kind_of(value) {
        Kind::Str(_) => Value::from(picked.iter().map(repr::text).collect::<String>()),
        Kind::Tuple => tuple(picked),
        _ => list(picked),
    })
}

/// Whether both are one and the same object (`is sameas`).
pub(crate) fn same(left: &Value, right: &Value) -> bool {
    same_object(left, right).unwrap_or_else(|| left.kind() == right.kind() && equal(left, right))
}

/// The same for objects that have an identity; none for values that are told apart by what they are.
fn same_object(left: &Value, right: &Value) -> Option<bool> {
    let address = |value: &Value| {
        let object = value.as_object()?;
        object
            .downcast::<super::List>()
            .map(|x| std::sync::Arc::as_ptr(&x).addr())
            .or_else(|| object.downcast::<super::Dict>().map(|x| std::sync::Arc::as_ptr(&x).addr()))
            .or_else(|| object.downcast::<NativeValue>().map(|x| std::sync::Arc::as_ptr(&x).addr()))
    };
    Some(address(left)? == address(right)?)
}

/// Whether the value can be called.
pub(crate) fn callable(value: &Value) -> bool {
    matches!(kind_of(value), Kind::Native(native) if native.callable())
        || as_native::<super::native::Function>(value).is_some()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::value::none;

    fn int(number: i64) -> Value {
        Value::from(number)
    }

    #[test]
    fn arithmetic_follows_python() {
        for (op, a, b, expected) in [
            ("//", -7, 2, "-4"),
            ("%", -7, 2, "1"),
            ("%", 7, -2, "-1"),
            ("/", 7, 2, "3.5"),
            ("**", 2, -1, "0.5"),
            ("**", 2, 10, "1024"),
        ] {
            assert_eq!(repr::text(&arithmetic(op, &int(a), &int(b)).unwrap()), expected, "{a} {op} {b}");
        }
        assert_eq!(arithmetic("/", &int(1), &int(0)).unwrap_err(), "division by zero");
        assert!(arithmetic("+", &Value::from("a"), &int(1)).unwrap_err().contains("can only concatenate str"));
        assert!(arithmetic("*", &Value::from("a"), &int(i64::MAX)).is_err());
        assert_eq!(repr::text(&arithmetic("+", &list(vec![int(1)]), &list(vec![int(2)])).unwrap()), "[1, 2]");
    }

    #[test]
    fn comparison_of_unlike_types_is_refused_but_equality_is_false() {
        assert!(!equal(&int(1), &Value::from("1")));
        assert!(equal(&int(1), &Value::from(1.0)));
        assert!(equal(&Value::from(true), &int(1)));
        assert!(order("<", &int(1), &Value::from("1")).is_err());
        assert!(order("<", &none(), &int(1)).is_err());
        assert_eq!(order("<", &Value::from("a"), &Value::from("b")).unwrap(), Ordering::Less);
    }

    #[test]
    fn slices_follow_python() {
        let items = list((0..5).map(int).collect());
        for (bounds, expected) in [
            ([Some(1), Some(3), None], "[1, 2]"),
            ([None, None, Some(-1)], "[4, 3, 2, 1, 0]"),
            ([Some(-2), None, None], "[3, 4]"),
            ([None, Some(-1), Some(2)], "[0, 2]"),
            ([Some(10), None, None], "[]"),
            ([Some(3), Some(0), Some(-2)], "[3, 1]"),
        ] {
            assert_eq!(repr::text(&slice(&items, bounds).unwrap()), expected);
        }
        assert_eq!(repr::text(&slice(&Value::from("häuser"), [Some(1), Some(3), None]).unwrap()), "äu");
    }

    #[test]
    fn repetition_ends_at_its_limit() {
        let one = list(vec![int(0)]);
        assert!(arithmetic("*", &one, &int(SEQUENCE_LEN_MAX as i64)).is_ok());
        assert!(arithmetic("*", &one, &int(SEQUENCE_LEN_MAX as i64 + 1)).is_err());
    }
}
