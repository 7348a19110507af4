//! Filters: all of Jinja2's (<https://jinja.palletsprojects.com/en/stable/templates/#builtin-filters>), and dbt's own.
//!
//! `random` draws by the invocation's id, so that one invocation renders the same text each time.
//!
//! Deliberately absent: `urlize`, which is for HTML.
//! Where Jinja2 gives a generator, a list comes out.

mod convert;
mod html;
mod numbers;
mod sequences;
mod sorting;
mod text;

pub(super) use convert::marker;

use super::{Args, Eval, Vm};
use crate::value::{self, Value, json, kind_of, methods, repr};

/// Filters that there are, for hints.
const NAMES: &[&str] = &[
    "abs",
    "as_bool",
    "as_native",
    "as_number",
    "as_text",
    "attr",
    "batch",
    "capitalize",
    "center",
    "count",
    "d",
    "default",
    "dictsort",
    "e",
    "escape",
    "filesizeformat",
    "first",
    "float",
    "forceescape",
    "format",
    "groupby",
    "indent",
    "int",
    "is_list",
    "items",
    "join",
    "last",
    "length",
    "list",
    "lower",
    "map",
    "max",
    "min",
    "pprint",
    "random",
    "reject",
    "rejectattr",
    "replace",
    "reverse",
    "round",
    "safe",
    "select",
    "selectattr",
    "slice",
    "sort",
    "string",
    "striptags",
    "sum",
    "title",
    "tojson",
    "trim",
    "truncate",
    "unique",
    "upper",
    "urlencode",
    "wordcount",
    "wordwrap",
    "xmlattr",
];

/// Whether there is a filter of that name (`is filter`).
pub(super) fn is_filter(name: &str) -> bool {
    NAMES.contains(&name)
}

impl Vm<'_> {
    pub(super) fn filter(&mut self, name: &str, input: Value, args: Args) -> Eval<Value> {
        let made = self.filtered(name, input, args)?;
        self.charge(&made)?;
        Ok(made)
    }

    fn filtered(&mut self, name: &str, input: Value, args: Args) -> Eval<Value> {
        match name {
            "as_text" | "as_bool" | "as_number" | "as_native" => Ok(self.mark(input)),
            "default" | "d" => {
                let mut args = self.lift(args.bind(name, &["default_value", "boolean"], 0))?;
                let default = args.given(0).unwrap_or_else(|| Value::from(""));
                let falsy_too = value::truthy(&args.take(1));
                let missing = input.is_undefined() || (falsy_too && !value::truthy(&input));
                Ok(if missing { default } else { input })
            }
            "string" => self.no_arguments(name, args).map(|()| Value::from(repr::text(&input))),
            "safe" => self.no_arguments(name, args).map(|()| input),
            "pprint" => self.no_arguments(name, args).map(|()| Value::from(repr::repr(&input))),
            "attr" => {
                let [attribute] = self.lift(args.exactly(name, ["name"]))?;
                self.attribute(&input, &repr::text(&attribute), None)
            }
            "tojson" => {
                let mut args = self.lift(args.bind(name, &["indent"], 0))?;
                let indent = args.given(0).and_then(|indent| usize::try_from(value::integer_of(&indent)?).ok());
                let written = self.lift(json::written(&input))?;
                // Jinja's filter makes the text safe inside HTML; dbt users get the same.
                let text = json::dumps(&written, true, indent);
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
            "abs" | "int" | "float" | "round" | "sum" | "filesizeformat" => self.number_filter(name, &input, args),
            "escape" | "e" | "forceescape" | "striptags" | "xmlattr" | "urlencode" => {
                self.html_filter(name, &input, args)
            }
            "upper" | "lower" | "title" | "capitalize" | "trim" | "center" | "replace" | "indent" | "truncate"
            | "wordcount" | "wordwrap" => self.text_filter(name, &repr::text(&input), args),
            "sort" | "dictsort" | "groupby" | "unique" | "min" | "max" => self.sorting_filter(name, &input, args),
            "urlize" => Err(self.fail_with_hint("filter 'urlize' is not part of Millstream", "it makes HTML")),
            _ if is_filter(name) => self.sequence_filter(name, input, args),
            _ => Err(self.fail_near(format!("no filter named '{name}'"), name, NAMES.iter().copied())),
        }
    }

    fn no_arguments(&self, name: &str, args: Args) -> Eval<()> {
        self.lift(args.none(name))
    }

    /// The elements of something that a filter iterates.
    fn items_of(&mut self, input: &Value) -> Eval<Vec<Value>> {
        match value::elements(input) {
            Some(items) => {
                self.spend(items.len() as u64 / 8)?;
                Ok(items)
            }
            None => Err(self.fail(format!("'{}' object is not iterable", value::type_name(input)))),
        }
    }
}
