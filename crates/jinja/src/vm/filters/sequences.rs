//! Filters that take sequences apart and put them together.

use super::{Args, Eval, Value, Vm, kind_of, repr};
use crate::value::{self, Kind, ops};

impl Vm<'_> {
    pub(super) fn sequence_filter(&mut self, name: &str, input: Value, args: Args) -> Eval<Value> {
        match name {
            "is_list" => Ok(Value::from(matches!(kind_of(&input), Kind::List(_) | Kind::Seq))),
            "list" => {
                self.no_arguments(name, args)?;
                self.items_of(&input).map(value::list)
            }
            "length" | "count" => match value::length(&input) {
                Some(len) => Ok(Value::from(len)),
                None => Err(self.fail(format!("object of type '{}' has no len()", value::type_name(&input)))),
            },
            "join" => self.join(&input, args),
            "items" => match value::pairs(&input) {
                Some(pairs) => {
                    Ok(value::list(pairs.into_iter().map(|(key, item)| value::tuple(vec![key, item])).collect()))
                }
                None if input.is_undefined() => Ok(value::list(Vec::new())),
                None => Err(self.fail("Can only get item pairs from a mapping.")),
            },
            "first" | "last" => {
                self.no_arguments(name, args)?;
                let mut items = self.items_of(&input)?;
                let found = if name == "last" { items.pop() } else { items.into_iter().next() };
                Ok(found.unwrap_or_default())
            }
            "reverse" => {
                let mut items = self.items_of(&input)?;
                items.reverse();
                Ok(match kind_of(&input) {
                    Kind::Str(_) => Value::from(items.iter().map(repr::text).collect::<String>()),
                    _ => value::list(items),
                })
            }
            "random" => {
                self.no_arguments(name, args)?;
                let mut items = self.items_of(&input)?;
                if items.is_empty() {
                    return Ok(Value::UNDEFINED);
                }
                let at = self.drawn(items.len());
                Ok(items.swap_remove(at))
            }
            "batch" | "slice" => self.parts(name, &input, args),
            "map" => self.map(input, args),
            "select" | "reject" => self.pick(&input, args, None, name == "select"),
            _ => {
                let mut args = args;
                if args.positional.is_empty() {
                    return Err(self.fail(format!("{name} needs the name of an attribute")));
                }
                let attribute = repr::text(&args.positional.remove(0));
                self.pick(&input, args, Some(&attribute), name == "selectattr")
            }
        }
    }

    /// `batch(n)`: rows of n; `slice(n)`: n columns.
    fn parts(&mut self, name: &str, input: &Value, args: Args) -> Eval<Value> {
        let parameter = if name == "batch" { "linecount" } else { "slices" };
        let mut args = self.lift(args.bind(name, &[parameter, "fill_with"], 1))?;
        let count = value::integer_of(&args.take(0)).and_then(|count| usize::try_from(count).ok()).unwrap_or(0);
        let fill = args.given(1).filter(|fill| !fill.is_none());
        let items = self.items_of(input)?;
        if count == 0 {
            return Err(self.fail(format!("{name} needs a whole number from 1")));
        }
        self.spend(count as u64)?;
        let mut parts: Vec<Vec<Value>> = Vec::new();
        if name == "batch" {
            parts.extend(items.chunks(count).map(<[Value]>::to_vec));
            if let (Some(last), Some(fill)) = (parts.last_mut(), &fill) {
                last.resize(count, fill.clone());
            }
        } else {
            let (each, longer) = (items.len() / count, items.len() % count);
            let mut rest = items.into_iter();
            for position in 0..count {
                let mut part: Vec<Value> = rest.by_ref().take(each + usize::from(position < longer)).collect();
                if let (Some(fill), true) = (&fill, position >= longer) {
                    part.push(fill.clone());
                }
                parts.push(part);
            }
        }
        Ok(value::list(parts.into_iter().map(value::list).collect()))
    }

    pub(super) fn join(&mut self, input: &Value, args: Args) -> Eval<Value> {
        let mut args = self.lift(args.bind("join", &["d", "attribute"], 0))?;
        let separator = args.given(0).map(|text| repr::text(&text)).unwrap_or_default();
        let attribute = args.given(1).map(|name| repr::text(&name));
        let Some(items) = value::elements(input) else {
            return Err(self.fail(format!("'{}' object is not iterable", value::type_name(input))));
        };
        let mut parts = Vec::with_capacity(items.len());
        for item in items {
            let item = match &attribute {
                Some(path) => self.path(&item, path)?,
                None => item,
            };
            parts.push(repr::text(&item));
        }
        let size =
            parts.iter().map(String::len).fold(parts.len().saturating_mul(separator.len()), usize::saturating_add);
        self.fits(size)?;
        Ok(Value::from(parts.join(&separator)))
    }

    fn map(&mut self, input: Value, mut args: Args) -> Eval<Value> {
        let items = self.elements_or_none(&input)?;
        let attribute = args.named.shift_remove("attribute").map(|name| repr::text(&name));
        let default = args.named.shift_remove("default");
        let mut made = Vec::with_capacity(items.len());
        for item in items {
            self.spend(1)?;
            made.push(match &attribute {
                Some(path) => {
                    let found = self.path(&item, path)?;
                    if found.is_undefined() { default.clone().unwrap_or(found) } else { found }
                }
                None => {
                    let Some(filter) = args.positional.first() else {
                        return Err(self.fail("map requires a filter argument"));
                    };
                    let filter = repr::text(filter);
                    let rest = Args { positional: args.positional[1..].to_vec(), named: args.named.clone() };
                    self.filter(&filter, item, rest)?
                }
            });
        }
        Ok(value::list(made))
    }

    /// What `map` and `select` walk over: as in Jinja2, anything falsy (none too) has no elements.
    fn elements_or_none(&self, input: &Value) -> Eval<Vec<Value>> {
        if !value::truthy(input) {
            return Ok(Vec::new());
        }
        value::elements(input).ok_or_else(|| self.fail(format!("'{}' object is not iterable", value::type_name(input))))
    }

    fn pick(&mut self, input: &Value, mut args: Args, attribute: Option<&str>, keep: bool) -> Eval<Value> {
        let items = self.elements_or_none(input)?;
        let test = if args.positional.is_empty() { None } else { Some(repr::text(&args.positional.remove(0))) };
        let mut kept = Vec::new();
        for item in items {
            self.spend(1)?;
            let subject = match attribute {
                Some(path) => self.path(&item, path)?,
                None => item.clone(),
            };
            let holds = match &test {
                Some(test) => self.test(test, &subject, args.clone())?,
                None => value::truthy(&subject),
            };
            if holds == keep {
                kept.push(item);
            }
        }
        Ok(value::list(kept))
    }

    /// An attribute path with dots, as `map(attribute='a.b')` takes it.
    pub(super) fn path(&mut self, value: &Value, path: &str) -> Eval<Value> {
        let mut value = value.clone();
        for part in path.split('.') {
            if value.is_undefined() {
                return Ok(value);
            }
            value = match part.parse::<i64>() {
                Ok(index) => ops::item(&value, &Value::from(index)).unwrap_or_default(),
                Err(_) => self.attribute(&value, part, None)?,
            };
        }
        Ok(value)
    }
}
