//! Filters: dbt's own, those in which Python and minijinja differ, and minijinja's for the rest.

use minijinja::value::Kwargs;

use super::{Args, Eval, Vm};
use crate::syntax::{ast::Expr, ast::ExprKind, ast::Stmt, parse};
use crate::value::{self, Kind, Value, json, kind_of, methods, ops, repr};

/// Filters that are done here; minijinja's come on top.
const OWN: &[&str] = &[
    "as_bool",
    "as_native",
    "as_number",
    "as_text",
    "attr",
    "center",
    "count",
    "d",
    "default",
    "float",
    "format",
    "int",
    "is_list",
    "items",
    "join",
    "length",
    "list",
    "map",
    "pprint",
    "reject",
    "rejectattr",
    "round",
    "select",
    "selectattr",
    "string",
    "tojson",
    "truncate",
    "urlencode",
    "wordcount",
];

/// Filters that work on text: anything else is first printed as Python prints it.
const TEXTUAL: &[&str] = &[
    "upper",
    "lower",
    "title",
    "capitalize",
    "trim",
    "replace",
    "indent",
    "escape",
    "e",
    "striptags",
    "lines",
    "split",
];

/// minijinja's other filters, for hints.
const FOREIGN: &[&str] = &[
    "abs", "batch", "bool", "dictsort", "first", "groupby", "last", "max", "min", "reverse", "safe", "slice", "sort",
    "sum", "unique", "zip",
];

impl Vm<'_> {
    pub(super) fn filter(&mut self, name: &str, input: Value, args: Args) -> Eval<Value> {
        match name {
            "as_text" | "as_bool" | "as_number" | "as_native" => self.convert(name, input),
            "is_list" => Ok(Value::from(matches!(kind_of(&input), Kind::List(_) | Kind::Seq))),
            "string" => Ok(Value::from(repr::text(&input))),
            "list" => match value::elements(&input) {
                Some(items) => Ok(value::list(items)),
                None => Err(self.fail(format!("'{}' object is not iterable", value::type_name(&input)))),
            },
            "length" | "count" => match value::length(&input) {
                Some(len) => Ok(Value::from(len)),
                None => Err(self.fail(format!("object of type '{}' has no len()", value::type_name(&input)))),
            },
            "join" => self.join(&input, args),
            "default" | "d" => {
                let mut args = self.lift(args.bind(name, &["default_value", "boolean"], 0))?;
                let default = args.given(0).unwrap_or_else(|| Value::from(""));
                let falsy_too = value::truthy(&args.take(1));
                let missing = input.is_undefined() || (falsy_too && !value::truthy(&input));
                Ok(if missing { default } else { input })
            }
            "int" => self.filter_int(&input, args),
            "float" => self.filter_float(&input, args),
            "round" => self.round(&input, args),
            "tojson" => {
                let mut args = self.lift(args.bind(name, &["indent"], 0))?;
                let indent = args.given(0).and_then(|indent| usize::try_from(value::integer_of(&indent)?).ok());
                // Jinja's filter makes the text safe inside HTML; dbt users get the same.
                let text = json::dumps(&json::to_json(&input), true, indent);
                Ok(Value::from(
                    text.replace('<', "\\u003c")
                        .replace('>', "\\u003e")
                        .replace('&', "\\u0026")
                        .replace('\'', "\\u0027"),
                ))
            }
            "format" => {
                let values = if args.named.is_empty() {
                    value::tuple(args.positional)
                } else {
                    value::dict(args.named.into_iter().map(|(key, item)| (Value::from(key), item)))
                };
                self.lift(methods::percent_format(&repr::text(&input), &values)).map(Value::from)
            }
            "pprint" => Ok(Value::from(repr::repr(&input))),
            "items" => match value::pairs(&input) {
                Some(pairs) => {
                    Ok(value::list(pairs.into_iter().map(|(key, item)| value::tuple(vec![key, item])).collect()))
                }
                None if input.is_undefined() => Ok(value::list(Vec::new())),
                None => Err(self.fail(format!("'{}' object has no items", value::type_name(&input)))),
            },
            "attr" => {
                let [attribute] = self.lift(args.exactly(name, ["name"]))?;
                self.attribute(&input, &repr::text(&attribute), None)
            }
            "center" => {
                let mut args = self.lift(args.bind(name, &["width"], 0))?;
                let width = args.given(0).unwrap_or_else(|| Value::from(80));
                self.call_method(&Value::from(repr::text(&input)), "center", Args::positional(vec![width]))
            }
            "wordcount" => Ok(Value::from(repr::text(&input).split_whitespace().count())),
            "truncate" => self.truncate(&input, args),
            "urlencode" => Ok(Value::from(match value::pairs(&input) {
                Some(pairs) => {
                    let quoted = pairs.iter().map(|(key, item)| format!("{}={}", percent(key), percent(item)));
                    quoted.collect::<Vec<_>>().join("&")
                }
                None => percent(&input),
            })),
            "map" => self.map(input, args),
            "select" | "reject" => self.pick(&input, args, None, name == "select"),
            "selectattr" | "rejectattr" => {
                let mut args = args;
                if args.positional.is_empty() {
                    return Err(self.fail(format!("{name} needs the name of an attribute")));
                }
                let attribute = repr::text(&args.positional.remove(0));
                self.pick(&input, args, Some(&attribute), name == "selectattr")
            }
            _ => self.foreign_filter(name, input, args),
        }
    }

    fn foreign_filter(&mut self, name: &str, input: Value, args: Args) -> Eval<Value> {
        let input = if TEXTUAL.contains(&name) { Value::from(repr::text(&input)) } else { input };
        self.spend(value::length(&input).unwrap_or(0) as u64 / 64)?;
        let mut all = vec![input];
        all.extend(args.positional);
        if !args.named.is_empty() {
            all.push(Value::from(Kwargs::from_iter(args.named)));
        }
        let outcome = self.state.apply_filter(name, &all);
        outcome.map(value::thaw).map_err(|error| match error.kind() {
            minijinja::ErrorKind::UnknownFilter => self.fail_near(
                format!("no filter named '{name}'"),
                name,
                OWN.iter().chain(TEXTUAL).chain(FOREIGN).copied(),
            ),
            kind => {
                self.fail(format!("filter {name}: {}", error.detail().map_or_else(|| kind.to_string(), str::to_owned)))
            }
        })
    }

    fn join(&mut self, input: &Value, args: Args) -> Eval<Value> {
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
        let text = parts.join(&separator);
        self.spend(text.len() as u64 / 1024)?;
        Ok(Value::from(text))
    }

    fn map(&mut self, input: Value, mut args: Args) -> Eval<Value> {
        let Some(items) = value::elements(&input) else {
            return Err(self.fail(format!("'{}' object is not iterable", value::type_name(&input))));
        };
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
                    let rest = Args { positional: args.positional[1..].to_vec(), named: args.named.clone() };
                    self.filter(&repr::text(filter), item, rest)?
                }
            });
        }
        Ok(value::list(made))
    }

    fn pick(&mut self, input: &Value, mut args: Args, attribute: Option<&str>, keep: bool) -> Eval<Value> {
        let Some(items) = value::elements(input) else {
            return Err(self.fail(format!("'{}' object is not iterable", value::type_name(input))));
        };
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
    fn path(&mut self, value: &Value, path: &str) -> Eval<Value> {
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

    fn filter_int(&mut self, input: &Value, args: Args) -> Eval<Value> {
        let mut args = self.lift(args.bind("int", &["default", "base"], 0))?;
        let default = args.given(0).unwrap_or_else(|| Value::from(0));
        let base = args.given(1).and_then(|base| u32::try_from(value::integer_of(&base)?).ok()).unwrap_or(10);
        if !(2..=36).contains(&base) {
            return Err(self.fail("int() base must be between 2 and 36"));
        }
        Ok(match kind_of(input) {
            Kind::Bool(flag) => Value::from(i64::from(flag)),
            Kind::Int(_) => input.clone(),
            Kind::Float(number) if number.is_finite() => ops::integer(number.trunc() as i128),
            Kind::Str(text) => {
                let text = text.trim().replace('_', "");
                match i128::from_str_radix(&text, base) {
                    Ok(number) => ops::integer(number),
                    // `"3.7"|int` is 3, as in Jinja.
                    Err(_) => match text.parse::<f64>() {
                        Ok(number) if base == 10 && number.is_finite() => ops::integer(number.trunc() as i128),
                        _ => default,
                    },
                }
            }
            _ => default,
        })
    }

    fn filter_float(&mut self, input: &Value, args: Args) -> Eval<Value> {
        let mut args = self.lift(args.bind("float", &["default"], 0))?;
        let default = args.given(0).unwrap_or_else(|| Value::from(0.0));
        Ok(match kind_of(input) {
            Kind::Bool(flag) => Value::from(f64::from(u8::from(flag))),
            Kind::Int(number) => Value::from(number as f64),
            Kind::Float(_) => input.clone(),
            Kind::Str(text) => text.trim().parse::<f64>().map_or(default, Value::from),
            _ => default,
        })
    }

    fn round(&mut self, input: &Value, args: Args) -> Eval<Value> {
        let mut args = self.lift(args.bind("round", &["precision", "method"], 0))?;
        let precision = args.given(0).and_then(|value| value::integer_of(&value)).unwrap_or(0).clamp(-300, 300);
        let method = args.given(1).map_or_else(|| "common".to_owned(), |method| repr::text(&method));
        let number = match kind_of(input) {
            Kind::Int(number) if method == "common" && precision >= 0 => return Ok(ops::integer(number)),
            Kind::Int(number) => number as f64,
            Kind::Float(number) => number,
            _ => return Err(self.fail(format!("type {} doesn't define round", value::type_name(input)))),
        };
        let scale = 10_f64.powi(i32::try_from(precision).unwrap_or(0));
        Ok(Value::from(match method.as_str() {
            // Python rounds the exact decimal value, halves to even; formatting does just that.
            "common" if precision >= 0 => {
                let digits = usize::try_from(precision).unwrap_or(0);
                format!("{number:.digits$}").parse().unwrap_or(number)
            }
            "common" => (number * scale).round_ties_even() / scale,
            "ceil" => (number * scale).ceil() / scale,
            "floor" => (number * scale).floor() / scale,
            _ => return Err(self.fail("method must be common, ceil or floor")),
        }))
    }

    fn truncate(&mut self, input: &Value, args: Args) -> Eval<Value> {
        let mut args = self.lift(args.bind("truncate", &["length", "killwords", "end", "leeway"], 0))?;
        let whole =
            |value: Option<Value>, default: i128| value.and_then(|value| value::integer_of(&value)).unwrap_or(default);
        let length = usize::try_from(whole(args.given(0), 255)).unwrap_or(0);
        let kill = args.given(1).is_some_and(|value| value::truthy(&value));
        let end = args.given(2).map_or_else(|| "...".to_owned(), |end| repr::text(&end));
        let leeway = usize::try_from(whole(args.given(3), 5)).unwrap_or(0);
        let text = repr::text(input);
        if text.chars().count() <= length.saturating_add(leeway) {
            return Ok(Value::from(text));
        }
        let cut: String = text.chars().take(length.saturating_sub(end.chars().count())).collect();
        let kept = if kill { cut.as_str() } else { cut.rsplit_once(' ').map_or(cut.as_str(), |(kept, _)| kept) };
        Ok(Value::from(format!("{kept}{end}")))
    }

    /// `as_number` and its kin: in a YAML value they say what a text means; in SQL they leave it as it is, as in dbt.
    fn convert(&mut self, name: &str, input: Value) -> Eval<Value> {
        if !self.native {
            return Ok(input);
        }
        let text = repr::text(&input);
        if name == "as_text" {
            return Ok(Value::from(text));
        }
        let meant = literal(&text);
        match (name, meant) {
            ("as_native", meant) => Ok(meant.unwrap_or(Value::from(text))),
            ("as_bool", Some(meant)) if matches!(kind_of(&meant), Kind::Bool(_)) => Ok(meant),
            ("as_number", Some(meant)) if matches!(kind_of(&meant), Kind::Int(_) | Kind::Float(_)) => Ok(meant),
            _ => {
                let wanted = name.trim_start_matches("as_");
                Err(self.fail(format!("could not convert value '{text}' into type '{wanted}'")))
            }
        }
    }
}

/// Text with everything but letters, digits and `_.-~/` as `%XX`.
fn percent(value: &Value) -> String {
    let mut out = String::new();
    for byte in repr::text(value).bytes() {
        if byte.is_ascii_alphanumeric() || b"_.-~/".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// The value that a text is as a Python literal, if it is one.
fn literal(text: &str) -> Option<Value> {
    let tree = parse(&format!("{{{{ {text} }}}}")).ok()?;
    match tree.as_slice() {
        [Stmt::Emit(expr)] => literal_of(expr),
        _ => None,
    }
}

fn literal_of(expr: &Expr) -> Option<Value> {
    let all = |items: &[Expr]| items.iter().map(literal_of).collect::<Option<Vec<_>>>();
    match &expr.kind {
        ExprKind::Const(value) => Some(value.clone()),
        ExprKind::List(items) => all(items).map(value::list),
        ExprKind::Tuple(items) => all(items).map(value::tuple),
        ExprKind::Dict(pairs) => {
            let pairs: Option<Vec<_>> =
                pairs.iter().map(|(key, item)| Some((literal_of(key)?, literal_of(item)?))).collect();
            pairs.map(value::dict)
        }
        ExprKind::Negate(inner) => ops::negate(&literal_of(inner)?).ok(),
        _ => None,
    }
}
