//! Tests (`x is defined`): all of Jinja2's (<https://jinja.palletsprojects.com/en/stable/templates/#builtin-tests>).

use super::{Args, Eval, Vm, filters};
use crate::value::{self, Kind, Value, kind_of, ops, repr};

/// Tests that there are, for hints and for `is test`.
const NAMES: &[&str] = &[
    "boolean",
    "callable",
    "defined",
    "divisibleby",
    "eq",
    "equalto",
    "escaped",
    "even",
    "false",
    "filter",
    "float",
    "ge",
    "greaterthan",
    "gt",
    "in",
    "integer",
    "iterable",
    "le",
    "lessthan",
    "lower",
    "lt",
    "mapping",
    "ne",
    "none",
    "number",
    "odd",
    "sameas",
    "sequence",
    "string",
    "test",
    "true",
    "undefined",
    "upper",
];

impl Vm<'_> {
    pub(super) fn test(&mut self, name: &str, input: &Value, args: Args) -> Eval<bool> {
        if matches!(
            name,
            "sameas"
                | "in"
                | "eq"
                | "equalto"
                | "=="
                | "ne"
                | "!="
                | "lt"
                | "lessthan"
                | "<"
                | "le"
                | "<="
                | "gt"
                | "greaterthan"
                | ">"
                | "ge"
                | ">="
                | "divisibleby"
        ) {
            let [other] = self.lift(args.exactly(name, ["other"]))?;
            return self.test_against(name, input, &other);
        }
        self.lift(args.none(name))?;
        let kind = kind_of(input);
        let text = |wanted: fn(char) -> bool, unwanted: fn(char) -> bool| {
            let text = repr::text(input);
            text.chars().any(wanted) && !text.chars().any(unwanted)
        };
        Ok(match name {
            "defined" => !input.is_undefined(),
            "undefined" => input.is_undefined(),
            "none" | "None" => input.is_none(),
            "string" => matches!(kind, Kind::Str(_)),
            "number" => matches!(kind, Kind::Int(_) | Kind::Float(_) | Kind::Bool(_)),
            "integer" => matches!(kind, Kind::Int(_)),
            "float" => matches!(kind, Kind::Float(_)),
            "boolean" => matches!(kind, Kind::Bool(_)),
            "true" | "True" => matches!(kind, Kind::Bool(true)),
            "false" | "False" => matches!(kind, Kind::Bool(false)),
            // dbt's relations are mappings, and dbt_utils asks for that.
            "mapping" => matches!(kind, Kind::Dict(_) | Kind::Map) || value::type_name(input) == "Relation",
            // Python: what has a length and can be indexed; a text and a dict are sequences to Jinja too.
            "sequence" => matches!(
                kind,
                Kind::Str(_) | Kind::List(_) | Kind::Tuple | Kind::Seq | Kind::Dict(_) | Kind::Map | Kind::Undefined
            ),
            "iterable" => value::elements(input).is_some(),
            "callable" => ops::callable(input),
            // Only HTML is ever marked as escaped, and nothing here is HTML.
            "escaped" => false,
            "filter" => filters::is_filter(&repr::text(input)),
            "test" => NAMES.contains(&repr::text(input).as_str()),
            "upper" => text(char::is_uppercase, char::is_lowercase),
            "lower" => text(char::is_lowercase, char::is_uppercase),
            "odd" | "even" => match value::integer_of(input) {
                Some(number) => (number.rem_euclid(2) == 1) == (name == "odd"),
                None => return Err(self.fail(format!("'{}' is neither odd nor even", value::type_name(input)))),
            },
            _ => return Err(self.fail_near(format!("no test named '{name}'"), name, NAMES.iter().copied())),
        })
    }

    fn test_against(&mut self, name: &str, input: &Value, other: &Value) -> Eval<bool> {
        let order = |vm: &Self, op: &str| vm.lift(ops::order(op, input, other));
        Ok(match name {
            "sameas" => ops::same(input, other),
            "in" => self.lift(ops::contains(other, input))?,
            "eq" | "equalto" | "==" => ops::equal(input, other),
            "ne" | "!=" => !ops::equal(input, other),
            "lt" | "lessthan" | "<" => order(self, "<")?.is_lt(),
            "le" | "<=" => order(self, "<=")?.is_le(),
            "gt" | "greaterthan" | ">" => order(self, ">")?.is_gt(),
            "ge" | ">=" => order(self, ">=")?.is_ge(),
            _ => {
                let rest = self.lift(ops::arithmetic("%", input, other))?;
                value::integer_of(&rest) == Some(0)
            }
        })
    }
}
