//! Relations and columns as templates see them, and `api`, which makes them.

use std::any::Any;

use crate::value::native::{Module, function};
use crate::value::{self, Native, Value, json, repr};
use crate::vm::{Args, Eval, Vm};
use crate::{Column, Parts, Relation, RelationKind};

/// A relation as a value.
pub(crate) fn relation(relation: Relation) -> Value {
    value::native(RelationValue(relation))
}

/// The relation that a value is, if it is one.
pub(super) fn as_relation(value: &Value) -> Option<&Relation> {
    value::as_native::<RelationValue>(value).map(|value| &value.0)
}

#[derive(Debug)]
struct RelationValue(Relation);

fn optional(part: &Option<String>) -> Value {
    part.as_deref().map_or_else(value::none, Value::from)
}

fn parts(parts: Parts) -> Value {
    value::dict([
        ("database", Value::from(parts.database)),
        ("schema", Value::from(parts.schema)),
        ("identifier", Value::from(parts.identifier)),
    ])
}

/// The parts with those changed that are named in the arguments.
fn changed(vm: &Vm<'_>, method: &str, before: Parts, args: Args) -> Eval<Parts> {
    let mut args = vm.lift(args.bind(method, &["database", "schema", "identifier"], 0))?;
    let mut part =
        |at: usize, before: bool| args.given(at).filter(|v| !v.is_none()).map_or(before, |v| value::truthy(&v));
    Ok(Parts {
        database: part(0, before.database),
        schema: part(1, before.schema),
        identifier: part(2, before.identifier),
    })
}

fn path_part(value: Option<Value>, before: &Option<String>) -> Option<String> {
    match value {
        Some(value) if value.is_none() => None,
        Some(value) => Some(repr::text(&value)),
        None => before.clone(),
    }
}

impl Native for RelationValue {
    fn type_name(&self) -> &'static str {
        "Relation"
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
    fn text(&self) -> String {
        self.0.to_string()
    }
    fn repr(&self) -> String {
        format!("<Relation {}>", self.0)
    }
    fn get(&self, name: &str) -> Option<Value> {
        let relation = &self.0;
        let is = |kind| Value::from(relation.kind == Some(kind));
        Some(match name {
            "database" => optional(&relation.database),
            "schema" => optional(&relation.schema),
            "identifier" | "name" | "table" => optional(&relation.identifier),
            "type" => relation.kind.map_or_else(value::none, |kind| Value::from(kind.as_str())),
            "is_table" => is(RelationKind::Table),
            "is_view" => is(RelationKind::View),
            "is_cte" => is(RelationKind::Cte),
            "is_external" => is(RelationKind::External),
            "is_materialized_view" | "is_dynamic_table" | "is_pointer" => Value::from(false),
            "quote_policy" => parts(relation.quote),
            "include_policy" => parts(relation.include),
            "quote_character" => Value::from(relation.quote_character.to_string()),
            "path" => value::dict([
                ("database", optional(&relation.database)),
                ("schema", optional(&relation.schema)),
                ("identifier", optional(&relation.identifier)),
            ]),
            // dbt_utils tells a relation from other mappings by it.
            "metadata" => value::dict([("type", Value::from("MillstreamRelation"))]),
            // dbt: what `api.Relation.create` is reachable from, too.
            "Table" => Value::from("table"),
            "View" => Value::from("view"),
            "CTE" => Value::from("cte"),
            "External" => Value::from("external"),
            _ => return None,
        })
    }
    fn methods(&self) -> &'static [&'static str] {
        &[
            "include",
            "quote",
            "quoted",
            "render",
            "incorporate",
            "replace_path",
            "without_identifier",
            "matches",
            "create",
            "get",
            "information_schema",
            "information_schema_only",
            "add_ephemeral_prefix",
        ]
    }
    fn call_method(&self, vm: &mut Vm<'_>, name: &str, args: Args) -> Eval<Value> {
        let mut made = self.0.clone();
        match name {
            "include" => made.include = changed(vm, name, made.include, args)?,
            "quote" => made.quote = changed(vm, name, made.quote, args)?,
            "render" => return vm.lift(args.none(name)).map(|()| Value::from(self.0.bare().to_string())),
            "quoted" => {
                let [part] = vm.lift(args.exactly(name, ["identifier"]))?;
                let q = made.quote_character;
                return Ok(Value::from(format!("{q}{}{q}", repr::text(&part).replace(q, &format!("{q}{q}")))));
            }
            "without_identifier" => {
                vm.lift(args.none(name))?;
                made.include.identifier = false;
                made.identifier = None;
            }
            "incorporate" => {
                let mut args = vm.lift(args.bind(name, &["path", "type"], 0))?;
                if let Some(path) = args.given(0) {
                    for (key, item) in value::pairs(&path).unwrap_or_default() {
                        let item = (!item.is_none()).then(|| repr::text(&item));
                        match key.as_str() {
                            Some("database") => made.database = item,
                            Some("schema") => made.schema = item,
                            Some("identifier") => made.identifier = item,
                            _ => {}
                        }
                    }
                }
                if let Some(kind) = args.given(1) {
                    made.kind = RelationKind::from_name(&repr::text(&kind));
                }
            }
            "replace_path" => {
                let mut args = vm.lift(args.bind(name, &["database", "schema", "identifier"], 0))?;
                made.database = path_part(args.given(0), &made.database);
                made.schema = path_part(args.given(1), &made.schema);
                made.identifier = path_part(args.given(2), &made.identifier);
            }
            "matches" => {
                let mut args = vm.lift(args.bind(name, &["database", "schema", "identifier"], 0))?;
                let mut same = |at: usize, own: &Option<String>| {
                    args.given(at).filter(|part| !part.is_none()).is_none_or(|part| {
                        own.as_deref().is_some_and(|own| own.eq_ignore_ascii_case(&repr::text(&part)))
                    })
                };
                let all = same(0, &made.database) && same(1, &made.schema) && same(2, &made.identifier);
                return Ok(Value::from(all));
            }
            "create" => return create(vm, args),
            "get" => {
                let mut args = vm.lift(args.bind(name, &["key", "default"], 1))?;
                let key = repr::text(&args.take(0));
                return Ok(self.get(&key).or_else(|| args.given(1)).unwrap_or_else(value::none));
            }
            "information_schema" | "information_schema_only" => {
                let mut args = vm.lift(args.bind(name, &["view_name"], 0))?;
                made.schema = Some("information_schema".to_owned());
                made.identifier = args.given(0).filter(|view| !view.is_none()).map(|view| repr::text(&view));
                made.quote = Parts::NONE;
            }
            _ => {
                let [part] = vm.lift(args.exactly(name, ["name"]))?;
                return Ok(Value::from(format!("__dbt__cte__{}", repr::text(&part))));
            }
        }
        Ok(relation(made))
    }
}

/// `api.Relation.create(database=…, schema=…, identifier=…, type=…)`.
fn create(vm: &mut Vm<'_>, args: Args) -> Eval<Value> {
    let names = ["database", "schema", "identifier", "type", "quote_policy", "include_policy"];
    let mut args = vm.lift(args.bind("create", &names, 0))?;
    let text =
        |value: Option<Value>| value.filter(|value| !value.is_none() && !value.is_undefined()).map(|v| repr::text(&v));
    let mut made = Relation::new("", "");
    made.database = text(args.given(0));
    made.schema = text(args.given(1));
    made.identifier = text(args.given(2));
    made.kind = text(args.given(3)).and_then(|kind| RelationKind::from_name(&kind));
    for (at, policy) in [(4, &mut made.quote), (5, &mut made.include)] {
        let Some(given) = args.given(at) else { continue };
        let given = json::to_json(&given);
        let part = |name: &str, before: bool| given.get(name).and_then(serde_json::Value::as_bool).unwrap_or(before);
        *policy = Parts {
            database: part("database", policy.database),
            schema: part("schema", policy.schema),
            identifier: part("identifier", policy.identifier),
        };
    }
    Ok(relation(made))
}

/// A column as a value.
pub(super) fn column(column: Column) -> Value {
    value::native(ColumnValue(column))
}

#[derive(Debug)]
struct ColumnValue(Column);

impl Native for ColumnValue {
    fn type_name(&self) -> &'static str {
        "Column"
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
    fn text(&self) -> String {
        format!("<Column {} ({})>", self.0.name, self.0.data_type())
    }
    fn get(&self, name: &str) -> Option<Value> {
        let column = &self.0;
        let number = |number: Option<i64>| number.map_or_else(value::none, Value::from);
        Some(match name {
            "name" | "column" => Value::from(column.name.as_str()),
            "quoted" => Value::from(format!("\"{}\"", column.name.replace('"', "\"\""))),
            "dtype" => Value::from(column.dtype.as_str()),
            "data_type" => Value::from(column.data_type()),
            "char_size" => number(column.char_size.map(i64::from)),
            "numeric_precision" => number(column.numeric_precision.map(i64::from)),
            "numeric_scale" => number(column.numeric_scale.map(i64::from)),
            _ => return None,
        })
    }
    fn attributes(&self, _vm: &Vm<'_>) -> Vec<String> {
        ["name", "column", "quoted", "dtype", "data_type", "char_size"].map(str::to_owned).to_vec()
    }
    fn methods(&self) -> &'static [&'static str] {
        &[
            "is_string",
            "is_number",
            "is_float",
            "is_integer",
            "is_numeric",
            "string_size",
            "string_type",
            "numeric_type",
            "literal",
            "can_expand_to",
            "create",
        ]
    }
    fn call_method(&self, vm: &mut Vm<'_>, name: &str, args: Args) -> Eval<Value> {
        let column = &self.0;
        Ok(match name {
            "is_string" => Value::from(column.is_string()),
            "is_float" => Value::from(column.is_float()),
            "is_integer" => Value::from(column.is_integer()),
            "is_numeric" => Value::from(column.is_numeric()),
            "is_number" => Value::from(column.is_float() || column.is_integer() || column.is_numeric()),
            "string_size" if !column.is_string() => return Err(vm.fail("Called string_size() on non-string field!")),
            "string_size" => Value::from(column.char_size.unwrap_or(256)),
            "literal" => {
                let [text] = vm.lift(args.exactly(name, ["value"]))?;
                Value::from(format!("{}::{}", repr::text(&text), column.data_type()))
            }
            "can_expand_to" => {
                let [other] = vm.lift(args.exactly(name, ["other_column"]))?;
                let other = value::as_native::<ColumnValue>(&other).map(|other| &other.0);
                let wider = other.is_some_and(|other| {
                    column.is_string()
                        && other.is_string()
                        && other.char_size.unwrap_or(256) > column.char_size.unwrap_or(256)
                });
                Value::from(wider)
            }
            "string_type" => return string_type(vm, args),
            "numeric_type" => return numeric_type(vm, args),
            _ => return create_column(vm, args),
        })
    }
}

fn create_column(vm: &mut Vm<'_>, args: Args) -> Eval<Value> {
    let names = ["column", "dtype", "char_size", "numeric_precision", "numeric_scale"];
    let mut args = args;
    // `api.Column.create(name, label_or_dtype)` and `api.Column(column=…, dtype=…)` differ in the first name only.
    if let Some(name) = args.named.shift_remove("name") {
        args.named.insert("column".to_owned(), name);
    }
    if let Some(label) = args.named.shift_remove("label_or_dtype") {
        args.named.insert("dtype".to_owned(), label);
    }
    let mut args = vm.lift(args.bind("Column", &names, 2))?;
    let mut made = Column::new(repr::text(&args.take(0)), &repr::text(&args.take(1)));
    let mut number = |at: usize| args.given(at).and_then(|value| value::integer_of(&value));
    made.char_size = number(2).and_then(|n| u32::try_from(n).ok()).or(made.char_size);
    made.numeric_precision = number(3).and_then(|n| u32::try_from(n).ok()).or(made.numeric_precision);
    made.numeric_scale = number(4).and_then(|n| i32::try_from(n).ok()).or(made.numeric_scale);
    Ok(column(made))
}

fn string_type(vm: &mut Vm<'_>, args: Args) -> Eval<Value> {
    let [size] = vm.lift(args.exactly("string_type", ["size"]))?;
    Ok(Value::from(format!("character varying({})", repr::text(&size))))
}

fn numeric_type(vm: &mut Vm<'_>, args: Args) -> Eval<Value> {
    let [dtype, precision, scale] = vm.lift(args.exactly("numeric_type", ["dtype", "precision", "scale"]))?;
    let dtype = repr::text(&dtype);
    Ok(Value::from(if precision.is_none() || scale.is_none() {
        dtype
    } else {
        format!("{dtype}({},{})", repr::text(&precision), repr::text(&scale))
    }))
}

/// A class: callable to make an object, with its class methods as attributes.
#[derive(Debug)]
struct Class {
    module: Module,
    make: fn(&mut Vm<'_>, Args) -> Eval<Value>,
}

impl Native for Class {
    fn type_name(&self) -> &'static str {
        "type"
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
    fn text(&self) -> String {
        format!("<class '{}'>", self.module.name)
    }
    fn get(&self, name: &str) -> Option<Value> {
        self.module.get(name)
    }
    fn attributes(&self, vm: &Vm<'_>) -> Vec<String> {
        self.module.attributes(vm)
    }
    fn callable(&self) -> bool {
        true
    }
    fn call(&self, vm: &mut Vm<'_>, args: Args) -> Eval<Value> {
        (self.make)(vm, args)
    }
}

/// `api`.
pub(super) fn api() -> Value {
    let relation_class = Module {
        name: "Relation",
        members: vec![
            ("create", function("create", create)),
            ("Table", Value::from("table")),
            ("View", Value::from("view")),
            ("CTE", Value::from("cte")),
            ("External", Value::from("external")),
            (
                "get_relation_type",
                function("get_relation_type", |vm, args| {
                    let [kind] = vm.lift(args.exactly("get_relation_type", ["value"]))?;
                    Ok(Value::from(repr::text(&kind).to_lowercase()))
                }),
            ),
        ],
    };
    let column_class = Module {
        name: "Column",
        members: vec![
            ("create", function("create", create_column)),
            (
                "translate_type",
                function("translate_type", |vm, args| {
                    let [dtype] = vm.lift(args.exactly("translate_type", ["dtype"]))?;
                    let name = repr::text(&dtype);
                    Ok(Value::from(match name.to_ascii_uppercase().as_str() {
                        "STRING" => "text".to_owned(),
                        "TIMESTAMP" | "FLOAT" | "INTEGER" | "BOOLEAN" => name.to_lowercase(),
                        _ => name,
                    }))
                }),
            ),
            ("string_type", function("string_type", string_type)),
            ("numeric_type", function("numeric_type", numeric_type)),
        ],
    };
    value::native(Module {
        name: "api",
        members: vec![
            ("Relation", value::native(Class { module: relation_class, make: create })),
            ("Column", value::native(Class { module: column_class, make: create_column })),
        ],
    })
}
