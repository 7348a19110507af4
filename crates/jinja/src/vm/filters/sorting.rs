//! Filters that order: `sort`, `dictsort`, `groupby`, `unique`, `min`, `max`.

use std::any::Any;
use std::cmp::Ordering;

use super::{Args, Eval, Value, Vm, kind_of, repr};
use crate::value::{self, Kind, Native, ops};

/// A group of `groupby`: a pair that also has names.
#[derive(Debug)]
struct Group {
    grouper: Value,
    list: Value,
}

impl Native for Group {
    fn type_name(&self) -> &'static str {
        "_GroupTuple"
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
    fn text(&self) -> String {
        repr::repr(&value::tuple(vec![self.grouper.clone(), self.list.clone()]))
    }
    fn get(&self, name: &str) -> Option<Value> {
        match name {
            "grouper" => Some(self.grouper.clone()),
            "list" => Some(self.list.clone()),
            _ => None,
        }
    }
    fn item(&self, key: &Value) -> Option<Value> {
        match value::integer_of(key) {
            Some(0 | -2) => Some(self.grouper.clone()),
            Some(1 | -1) => Some(self.list.clone()),
            Some(_) => None,
            None => self.get(key.as_str()?),
        }
    }
    fn elements(&self) -> Option<Vec<Value>> {
        Some(vec![self.grouper.clone(), self.list.clone()])
    }
}

/// What elements are ordered by.
struct Key {
    /// Attribute paths; none: the element itself.
    paths: Vec<String>,
    /// Whether the case of letters counts.
    case_sensitive: bool,
    /// Instead of an attribute that is not there.
    default: Option<Value>,
}

impl Vm<'_> {
    pub(super) fn sorting_filter(&mut self, name: &str, input: &Value, args: Args) -> Eval<Value> {
        let parameters: &[&str] = match name {
            "sort" => &["reverse", "case_sensitive", "attribute"],
            "groupby" => &["attribute", "default", "case_sensitive"],
            "dictsort" => return self.dictsort(input, args),
            _ => &["case_sensitive", "attribute"],
        };
        let mut args = self.lift(args.bind(name, parameters, usize::from(name == "groupby")))?;
        let mut given = |parameter: &str| {
            let at = parameters.iter().position(|known| *known == parameter)?;
            args.given(at).filter(|value| !value.is_none())
        };
        let reverse = given("reverse").is_some_and(|value| value::truthy(&value));
        let paths = given("attribute").map(|path| repr::text(&path));
        let key = Key {
            paths: paths.iter().flat_map(|path| path.split(',')).map(|path| path.trim().to_owned()).collect(),
            case_sensitive: given("case_sensitive").is_some_and(|value| value::truthy(&value)),
            default: given("default"),
        };
        let mut keyed = Vec::new();
        for item in self.items_of(input)? {
            self.spend(1)?;
            keyed.push((self.key(&item, &key)?, item));
        }
        match name {
            "sort" => {
                let sorted = self.sorted(keyed, reverse)?;
                Ok(value::list(sorted.into_iter().map(|(_, item)| item).collect()))
            }
            "unique" => {
                let mut seen: Vec<Value> = Vec::new();
                let mut hashed = std::collections::HashSet::new();
                let mut kept = Vec::new();
                for (key, item) in keyed {
                    let fresh = if value::hashable(&key) {
                        hashed.insert(key)
                    } else if seen.iter().any(|known| ops::equal(known, &key)) {
                        false
                    } else {
                        self.spend(seen.len() as u64)?;
                        seen.push(key);
                        true
                    };
                    if fresh {
                        kept.push(item);
                    }
                }
                Ok(value::list(kept))
            }
            "groupby" => self.groups(keyed, &key),
            _ => self.extreme(keyed, if name == "min" { Ordering::Less } else { Ordering::Greater }),
        }
    }

    /// Of equal ones the first, as in Python.
    fn extreme(&mut self, keyed: Vec<(Value, Value)>, wanted: Ordering) -> Eval<Value> {
        let mut best: Option<(Value, Value)> = None;
        for (key, item) in keyed {
            let better = match &best {
                None => true,
                Some((other, _)) => self.lift(ops::order("<", &key, other))? == wanted,
            };
            if better {
                best = Some((key, item));
            }
        }
        Ok(best.map(|(_, item)| item).unwrap_or_default())
    }

    fn groups(&mut self, keyed: Vec<(Value, Value)>, key: &Key) -> Eval<Value> {
        let mut groups: Vec<(Value, Vec<Value>)> = Vec::new();
        for (found, item) in self.sorted(keyed, false)? {
            match groups.last_mut() {
                Some((last, items)) if ops::equal(last, &found) => items.push(item),
                _ => groups.push((found, vec![item])),
            }
        }
        let mut made = Vec::new();
        for (folded, items) in groups {
            // The group is named as its first member has it, not in the lower case that it was compared in.
            let exact = Key { case_sensitive: true, paths: key.paths.clone(), default: key.default.clone() };
            let grouper = match items.first() {
                Some(first) => self.key(first, &exact)?,
                None => folded,
            };
            made.push(value::native(Group { grouper, list: value::list(items) }));
        }
        Ok(value::list(made))
    }

    fn dictsort(&mut self, input: &Value, args: Args) -> Eval<Value> {
        let mut args = self.lift(args.bind("dictsort", &["case_sensitive", "by", "reverse"], 0))?;
        let case_sensitive = args.given(0).is_some_and(|value| value::truthy(&value));
        let by = args.given(1).map_or_else(|| "key".to_owned(), |by| repr::text(&by));
        let reverse = args.given(2).is_some_and(|value| value::truthy(&value));
        if by != "key" && by != "value" {
            return Err(self.fail("You can only sort by either \"key\" or \"value\""));
        }
        let Some(pairs) = value::pairs(input) else {
            return Err(self.fail(format!("'{}' object has no attribute 'items'", value::type_name(input))));
        };
        self.spend(pairs.len() as u64)?;
        let keyed = pairs.into_iter().map(|(key, item)| {
            let wanted = if by == "key" { &key } else { &item };
            (folded(wanted.clone(), case_sensitive), value::tuple(vec![key, item]))
        });
        let sorted = self.sorted(keyed.collect(), reverse)?;
        Ok(value::list(sorted.into_iter().map(|(_, pair)| pair).collect()))
    }

    /// Pairs by the order of their first halves; equal ones keep their order, also when reversed.
    fn sorted(&mut self, mut keyed: Vec<(Value, Value)>, reverse: bool) -> Eval<Vec<(Value, Value)>> {
        let mut refusal = None;
        keyed.sort_by(|(a, _), (b, _)| {
            let order = ops::order("<", a, b).unwrap_or_else(|message| {
                refusal.get_or_insert(message);
                Ordering::Equal
            });
            if reverse { order.reverse() } else { order }
        });
        match refusal {
            Some(message) => Err(self.fail(message)),
            None => Ok(keyed),
        }
    }

    fn key(&mut self, item: &Value, key: &Key) -> Eval<Value> {
        let mut found = Vec::new();
        for path in &key.paths {
            let part = self.path(item, path)?;
            let part = if part.is_undefined() { key.default.clone().unwrap_or(part) } else { part };
            found.push(folded(part, key.case_sensitive));
        }
        Ok(match found.len() {
            0 => folded(item.clone(), key.case_sensitive),
            1 => found.remove(0),
            _ => value::list(found),
        })
    }
}

/// Text in lower case, unless its case counts.
fn folded(value: Value, case_sensitive: bool) -> Value {
    match kind_of(&value) {
        Kind::Str(text) if !case_sensitive => Value::from(text.to_lowercase()),
        _ => value,
    }
}
