//! The methods of Python's `str`, `list`, `dict`, `set` and `tuple`.
//!
//! One function per type gives `None` for a method that the type does not have, so that the caller can go on looking.

use std::cmp::Ordering;

use super::{
    Kind, Value, collections_set, dict, elements, hashable, integer_of, kind_of, list, native, none, ops, repr, tuple,
    type_name,
};
use crate::limits::OUTPUT_BYTES_MAX_DEFAULT;
use crate::vm::Args;

mod format;
pub(crate) use format::{brace_format, percent_format};

/// What a method gave, or Python's sentence about why it cannot.
pub(crate) type Outcome = Result<Value, String>;

/// Calls a method of a built-in type; `None` if the type has no such method.
pub(crate) fn call(value: &Value, name: &str, args: Args) -> Option<Outcome> {
    match kind_of(value) {
        Kind::Str(text) => strings(text, name, args),
        Kind::List(_) => lists(value, name, args),
        Kind::Dict(_) | Kind::Map => dicts(value, name, args),
        Kind::Set(_) => sets(value, name, args),
        Kind::Tuple | Kind::Seq => sequences(value, name, args),
        Kind::Float(number) => match name {
            "is_integer" => Some(args.none("is_integer").map(|()| Value::from(number.fract() == 0.0))),
            _ => None,
        },
        _ => None,
    }
}

/// The names of the methods of a built-in type, for hints.
pub(crate) fn names(value: &Value) -> &'static [&'static str] {
    match kind_of(value) {
        Kind::Str(_) => &[
            "upper",
            "lower",
            "strip",
            "lstrip",
            "rstrip",
            "split",
            "rsplit",
            "splitlines",
            "join",
            "replace",
            "startswith",
            "endswith",
            "format",
            "title",
            "capitalize",
            "find",
            "rfind",
            "index",
            "count",
            "isdigit",
            "isnumeric",
            "isalpha",
            "isalnum",
            "isspace",
            "isupper",
            "islower",
            "zfill",
            "ljust",
            "rjust",
            "center",
            "partition",
            "rpartition",
            "removeprefix",
            "removesuffix",
            "swapcase",
            "casefold",
            "encode",
        ],
        Kind::List(_) => {
            &["append", "extend", "insert", "pop", "remove", "index", "count", "sort", "reverse", "copy", "clear"]
        }
        Kind::Dict(_) | Kind::Map => {
            &["items", "keys", "values", "get", "update", "pop", "popitem", "setdefault", "copy", "clear"]
        }
        Kind::Set(_) => &[
            "add",
            "discard",
            "remove",
            "update",
            "union",
            "intersection",
            "difference",
            "issubset",
            "issuperset",
            "copy",
            "clear",
            "pop",
        ],
        Kind::Tuple | Kind::Seq => &["index", "count"],
        _ => &[],
    }
}

fn flag(value: bool) -> Outcome {
    Ok(Value::from(value))
}

fn words(items: impl Iterator<Item = impl AsRef<str>>) -> Outcome {
    Ok(list(items.map(|item| Value::from(item.as_ref())).collect()))
}

fn text_arg(value: &Value) -> Result<String, String> {
    match kind_of(value) {
        Kind::Str(text) => Ok(text.to_owned()),
        _ => Err(format!("expected str, got {}", type_name(value))),
    }
}

fn strings(text: &str, name: &str, args: Args) -> Option<Outcome> {
    let every = |test: fn(char) -> bool| flag(!text.is_empty() && text.chars().all(test));
    Some((|| match name {
        "upper" => Ok(Value::from(text.to_uppercase())),
        "lower" | "casefold" => Ok(Value::from(text.to_lowercase())),
        "swapcase" => Ok(Value::from(
            text.chars()
                .flat_map(|c| {
                    if c.is_uppercase() { c.to_lowercase().collect::<Vec<_>>() } else { c.to_uppercase().collect() }
                })
                .collect::<String>(),
        )),
        "capitalize" => {
            let mut chars = text.chars();
            let first: String = chars.next().map(|c| c.to_uppercase().collect()).unwrap_or_default();
            Ok(Value::from(first + &chars.as_str().to_lowercase()))
        }
        "title" => Ok(Value::from(title(text))),
        "strip" | "lstrip" | "rstrip" => strip(text, name, args),
        "split" | "rsplit" => split(text, name == "rsplit", args),
        "splitlines" => words(text.lines()),
        "join" => {
            let [items] = args.exactly("join", ["iterable"])?;
            let items = elements(&items).ok_or("can only join an iterable")?;
            let parts: Vec<String> = items
                .iter()
                .enumerate()
                .map(|(position, item)| {
                    text_arg(item).map_err(|_| {
                        format!("sequence item {position}: expected str instance, {} found", type_name(item))
                    })
                })
                .collect::<Result<_, _>>()?;
            Ok(Value::from(parts.join(text)))
        }
        "replace" => {
            let mut args = args.bind("replace", &["old", "new", "count"], 2)?;
            let (old, new) = (text_arg(&args.take(0))?, text_arg(&args.take(1))?);
            match integer_of(&args.take(2)) {
                Some(count) if count >= 0 => {
                    Ok(Value::from(text.replacen(&old, &new, usize::try_from(count).unwrap_or(usize::MAX))))
                }
                _ => Ok(Value::from(text.replace(&old, &new))),
            }
        }
        "startswith" | "endswith" => {
            let mut args = args.bind("startswith", &["prefix"], 1)?;
            let wanted = args.take(0);
            let options = if matches!(kind_of(&wanted), Kind::Tuple) {
                elements(&wanted).unwrap_or_default()
            } else {
                vec![wanted]
            };
            for option in &options {
                let option = text_arg(option)?;
                if (name == "startswith" && text.starts_with(&option))
                    || (name == "endswith" && text.ends_with(&option))
                {
                    return flag(true);
                }
            }
            flag(false)
        }
        "format" => brace_format(text, &args).map(Value::from),
        "find" | "rfind" | "index" | "rindex" => {
            let mut args = args.bind(name, &["sub", "start"], 1)?;
            let part = text_arg(&args.take(0))?;
            let start = usize::try_from(integer_of(&args.take(1)).unwrap_or(0)).unwrap_or(0);
            let skip: usize = text.chars().take(start).map(char::len_utf8).sum();
            let rest = &text[skip..];
            let found = if name.starts_with('r') { rest.rfind(&part) } else { rest.find(&part) };
            match found {
                Some(byte) => Ok(Value::from(text[..skip + byte].chars().count())),
                None if name.ends_with("index") => Err("substring not found".to_owned()),
                None => Ok(Value::from(-1)),
            }
        }
        "count" => {
            let [part] = args.exactly("count", ["sub"])?;
            let part = text_arg(&part)?;
            Ok(Value::from(if part.is_empty() { text.chars().count() + 1 } else { text.matches(&part).count() }))
        }
        "isdigit" | "isdecimal" => every(|c| c.is_ascii_digit()),
        "isnumeric" => every(char::is_numeric),
        "isalpha" => every(char::is_alphabetic),
        "isalnum" => every(char::is_alphanumeric),
        "isspace" => every(char::is_whitespace),
        "isupper" => flag(text.chars().any(char::is_uppercase) && !text.chars().any(char::is_lowercase)),
        "islower" => flag(text.chars().any(char::is_lowercase) && !text.chars().any(char::is_uppercase)),
        "zfill" => {
            let [width] = args.exactly("zfill", ["width"])?;
            let missing = width_of(&width)?.saturating_sub(text.chars().count());
            let (sign, digits) = text.strip_prefix('-').map_or(("", text), |digits| ("-", digits));
            Ok(Value::from(format!("{sign}{}{digits}", "0".repeat(missing))))
        }
        "ljust" | "rjust" | "center" => {
            let mut args = args.bind(name, &["width", "fillchar"], 1)?;
            let missing = width_of(&args.take(0))?.saturating_sub(text.chars().count());
            let fill = args.given(1).map_or(Ok(" ".to_owned()), |fill| text_arg(&fill))?;
            let (left, right) = match name {
                "ljust" => (0, missing),
                "rjust" => (missing, 0),
                _ => (missing / 2, missing - missing / 2),
            };
            Ok(Value::from(format!("{}{text}{}", fill.repeat(left), fill.repeat(right))))
        }
        "partition" | "rpartition" => {
            let [separator] = args.exactly(name, ["sep"])?;
            let separator = text_arg(&separator)?;
            let parts = if name == "partition" {
                text.split_once(&separator).map_or([text, "", ""], |(a, b)| [a, &separator, b])
            } else {
                text.rsplit_once(&separator).map_or(["", "", text], |(a, b)| [a, &separator, b])
            };
            Ok(tuple(parts.iter().map(|part| Value::from(*part)).collect()))
        }
        "removeprefix" => {
            let [part] = args.exactly(name, ["prefix"])?;
            Ok(Value::from(text.strip_prefix(&text_arg(&part)?).unwrap_or(text)))
        }
        "removesuffix" => {
            let [part] = args.exactly(name, ["suffix"])?;
            Ok(Value::from(text.strip_suffix(&text_arg(&part)?).unwrap_or(text)))
        }
        "encode" => Ok(Value::from(text)),
        _ => Err(String::new()),
    })())
    // The empty refusal is this function's own mark for a method that is not there.
    .filter(|outcome: &Outcome| !matches!(outcome, Err(message) if message.is_empty()))
}

fn width_of(value: &Value) -> Result<usize, String> {
    let width = integer_of(value).ok_or_else(|| format!("expected int, got {}", type_name(value)))?;
    let width = usize::try_from(width.max(0)).unwrap_or(usize::MAX);
    if width > OUTPUT_BYTES_MAX_DEFAULT {
        return Err(format!("a text wider than {OUTPUT_BYTES_MAX_DEFAULT} characters is refused"));
    }
    Ok(width)
}

fn title(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut inside = false;
    for c in text.chars() {
        if inside {
            out.extend(c.to_lowercase())
        } else {
            out.extend(c.to_uppercase())
        }
        inside = c.is_alphabetic();
    }
    out
}

fn strip(text: &str, name: &str, args: Args) -> Outcome {
    let mut args = args.bind(name, &["chars"], 0)?;
    let chars = match args.given(0) {
        Some(value) if !value.is_none() => Some(text_arg(&value)?),
        _ => None,
    };
    let cut = |c: char| chars.as_ref().map_or(c.is_whitespace(), |chars| chars.contains(c));
    Ok(Value::from(match name {
        "strip" => text.trim_matches(cut),
        "lstrip" => text.trim_start_matches(cut),
        _ => text.trim_end_matches(cut),
    }))
}

fn split(text: &str, from_right: bool, args: Args) -> Outcome {
    let mut args = args.bind("split", &["sep", "maxsplit"], 0)?;
    let separator = args.given(0).filter(|value| !value.is_none());
    let most = args.given(1).and_then(|value| integer_of(&value)).and_then(|most| usize::try_from(most).ok());
    let Some(separator) = separator else {
        return match most {
            None => words(text.split_whitespace()),
            Some(most) => words(split_blanks(text, most, from_right).into_iter()),
        };
    };
    let separator = text_arg(&separator)?;
    if separator.is_empty() {
        return Err("empty separator".to_owned());
    }
    match (most, from_right) {
        (None, _) => words(text.split(&separator)),
        (Some(most), false) => words(text.splitn(most.saturating_add(1), &separator)),
        (Some(most), true) => {
            let mut parts: Vec<&str> = text.rsplitn(most.saturating_add(1), &separator).collect();
            parts.reverse();
            words(parts.into_iter())
        }
    }
}

fn split_blanks(text: &str, most: usize, from_right: bool) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = text.trim();
    while parts.len() < most {
        let cut = if from_right { rest.rfind(char::is_whitespace) } else { rest.find(char::is_whitespace) };
        let Some(cut) = cut else { break };
        let after = cut + rest[cut..].chars().next().map_or(1, char::len_utf8);
        let (part, remaining) = if from_right {
            (&rest[after..], rest[..cut].trim_end())
        } else {
            (&rest[..cut], rest[after..].trim_start())
        };
        parts.push(part);
        rest = remaining;
    }
    if !rest.is_empty() {
        parts.push(rest);
    }
    if from_right {
        parts.reverse();
    }
    parts
}

fn position(items: &[Value], wanted: &Value) -> Option<usize> {
    items.iter().position(|item| ops::equal(item, wanted))
}

fn lists(value: &Value, name: &str, args: Args) -> Option<Outcome> {
    let Kind::List(own) = kind_of(value) else { return None };
    let changed = |change: &mut dyn FnMut(&mut Vec<Value>)| {
        own.with(|items| change(items));
        Ok(none())
    };
    Some((|| match name {
        "append" => {
            let [item] = args.exactly(name, ["object"])?;
            changed(&mut |items| items.push(item.clone()))
        }
        "extend" => {
            let [more] = args.exactly(name, ["iterable"])?;
            let more = elements(&more).ok_or_else(|| format!("'{}' object is not iterable", type_name(&more)))?;
            changed(&mut |items| items.extend(more.iter().cloned()))
        }
        "insert" => {
            let [index, item] = args.exactly(name, ["index", "object"])?;
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
            let reverse = args.given(0).is_some_and(|value| super::truthy(&value));
            let sorted = sorted(own.snapshot(), reverse)?;
            changed(&mut |items| items.clone_from(&sorted))
        }
        "reverse" => changed(&mut |items| items.reverse()),
        "copy" => Ok(list(own.snapshot())),
        "clear" => changed(&mut Vec::clear),
        _ => sequences(value, name, args).unwrap_or_else(|| Err(String::new())),
    })())
    .filter(|outcome: &Outcome| !matches!(outcome, Err(message) if message.is_empty()))
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

fn sequences(value: &Value, name: &str, args: Args) -> Option<Outcome> {
    let items = elements(value)?;
    Some(match name {
        "index" => args.exactly(name, ["value"]).and_then(|[wanted]| {
            position(&items, &wanted).map(Value::from).ok_or_else(|| format!("{} is not in list", repr::repr(&wanted)))
        }),
        "count" => args
            .exactly(name, ["value"])
            .map(|[wanted]| Value::from(items.iter().filter(|item| ops::equal(item, &wanted)).count())),
        _ => return None,
    })
}

fn dicts(value: &Value, name: &str, args: Args) -> Option<Outcome> {
    let all = || super::pairs(value).unwrap_or_default();
    match name {
        "items" => return Some(Ok(list(all().into_iter().map(|(key, item)| tuple(vec![key, item])).collect()))),
        "keys" => return Some(Ok(list(all().into_iter().map(|(key, _)| key).collect()))),
        "values" => return Some(Ok(list(all().into_iter().map(|(_, item)| item).collect()))),
        "copy" => return Some(Ok(dict(all()))),
        "get" => {
            return Some(args.bind(name, &["key", "default"], 1).map(|mut args| {
                let (key, default) = (args.take(0), args.given(1));
                ops::item(value, &key).or(default).unwrap_or_else(none)
            }));
        }
        _ => {}
    }
    let Kind::Dict(own) = kind_of(value) else { return None };
    Some((|| match name {
        "update" => {
            let named = args.named.clone();
            if let Some(more) = args.positional.first() {
                let more = match super::pairs(more) {
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
        _ => Err(String::new()),
    })())
    .filter(|outcome: &Outcome| !matches!(outcome, Err(message) if message.is_empty()))
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

fn sets(value: &Value, name: &str, args: Args) -> Option<Outcome> {
    let Kind::Set(own) = kind_of(value) else { return None };
    let other = |args: Args| -> Result<Vec<Value>, String> {
        let [more] = args.exactly(name, ["other"])?;
        elements(&more).ok_or_else(|| format!("'{}' object is not iterable", type_name(&more)))
    };
    Some((|| match name {
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
        _ => Err(String::new()),
    })())
    .filter(|outcome: &Outcome| !matches!(outcome, Err(message) if message.is_empty()))
}

/// A bound method taken as a value (`{% set add = items.append %}`).
#[derive(Debug)]
pub(crate) struct Bound {
    pub(crate) owner: Value,
    pub(crate) name: String,
}

impl native::Native for Bound {
    fn type_name(&self) -> &'static str {
        "method"
    }
    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
    fn callable(&self) -> bool {
        true
    }
    fn call(&self, vm: &mut crate::vm::Vm<'_>, args: Args) -> crate::vm::Eval<Value> {
        vm.call_method(&self.owner, &self.name, args)
    }
}
