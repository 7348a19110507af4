//! `adapter`: asks of the warehouse, and `dispatch`.

use std::any::Any;
use std::sync::Arc;

use super::relation::{as_relation, column, relation};
use super::table::TableValue;
use crate::dispatch::prefixes;
use crate::value::{self, Native, Value, json, repr};
use crate::vm::{Args, Eval, MacroValue, Session, Stop, Vm};
use crate::{Adapter, Column, Relation};

/// The `adapter` object. While parsing, and where nothing may run, it answers as an empty warehouse, as in dbt.
#[derive(Debug)]
pub(super) struct AdapterObject;

const METHODS: &[&str] = &[
    "type",
    "dispatch",
    "execute",
    "get_relation",
    "load_relation",
    "get_columns_in_relation",
    "list_relations",
    "list_relations_without_caching",
    "list_schemas",
    "check_schema_exists",
    "create_schema",
    "drop_schema",
    "drop_relation",
    "truncate_relation",
    "rename_relation",
    "get_missing_columns",
    "expand_target_column_types",
    "already_exists",
    "quote",
    "quote_as_configured",
    "quote_seed_column",
    "add_query",
    "cache_added",
    "cache_dropped",
    "cache_renamed",
    "commit",
    "is_cancelable",
    "convert_type",
    "valid_incremental_strategies",
    "builtin_incremental_strategies",
    "get_incremental_strategy_macro",
    "get_column_schema_from_query",
    "valid_snapshot_target",
    "assert_valid_snapshot_target_given_strategy",
    "standardize_grants_dict",
    "render_raw_columns_constraints",
    "render_raw_model_constraints",
    "parse_index",
    "is_replaceable",
    "supports",
];

impl Native for AdapterObject {
    fn type_name(&self) -> &'static str {
        "Adapter"
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
    fn methods(&self) -> &'static [&'static str] {
        METHODS
    }
    fn call_method(&self, vm: &mut Vm<'_>, name: &str, args: Args) -> Eval<Value> {
        match name {
            "type" => return Ok(Value::from(type_name(vm))),
            "dispatch" => return dispatch(vm, args),
            "quote" | "quote_as_configured" | "quote_seed_column" => return quote(vm, name, args),
            "cache_added" | "cache_dropped" | "cache_renamed" | "commit" | "expand_target_column_types" => {
                return Ok(Value::from(""));
            }
            "is_cancelable" | "supports" => return Ok(Value::from(false)),
            "is_replaceable" => return Ok(Value::from(true)),
            // The embedded warehouse has no indexes.
            "parse_index" => return Ok(value::none()),
            "valid_incremental_strategies" | "builtin_incremental_strategies" => {
                let known = ["append", "delete+insert", "merge", "insert_overwrite", "microbatch"];
                return Ok(value::list(known.map(Value::from).to_vec()));
            }
            "get_incremental_strategy_macro" => return strategy_macro(vm, args),
            "standardize_grants_dict" => return super::grants::standardize(vm, args),
            "render_raw_columns_constraints" => return super::grants::columns_constraints(vm, args),
            "render_raw_model_constraints" => return super::grants::model_constraints(vm, args),
            _ => {}
        }
        let adapter = match &vm.session {
            Session::Render(context) if context.execute => {
                context.varies.set();
                Some(context.adapter.clone())
            }
            _ => None,
        };
        match adapter {
            Some(adapter) => ask(vm, &*adapter, name, args),
            None => Ok(unasked(name)),
        }
    }
}

/// What dbt answers while nothing may be asked.
fn unasked(name: &str) -> Value {
    match name {
        "get_relation" | "load_relation" => value::none(),
        "get_columns_in_relation"
        | "list_relations"
        | "list_relations_without_caching"
        | "list_schemas"
        | "get_column_schema_from_query"
        | "get_missing_columns" => value::list(Vec::new()),
        "check_schema_exists" | "already_exists" => Value::from(false),
        "execute" | "add_query" => value::tuple(vec![value::none(), TableValue::of(crate::Table::default())]),
        _ => Value::from(""),
    }
}

fn type_name(vm: &Vm<'_>) -> String {
    let target = vm.env.options.target.get("type").and_then(|name| name.as_str());
    match (&vm.session, target) {
        (_, Some(name)) => name.to_owned(),
        (Session::Render(context), None) => context.adapter.type_name().to_owned(),
        _ => "default".to_owned(),
    }
}

fn text_of(value: Value) -> Option<String> {
    if value.is_none() || value.is_undefined() { None } else { Some(repr::text(&value)) }
}

fn relation_arg(vm: &Vm<'_>, method: &str, args: Args) -> Eval<Relation> {
    let [given] = vm.lift(args.exactly(method, ["relation"]))?;
    as_relation(&given).cloned().ok_or_else(|| {
        vm.fail_with_hint(
            format!("adapter.{method} takes a relation, not {}", value::type_name(&given)),
            "pass this, ref(…), source(…) or api.Relation.create(…)",
        )
    })
}

fn ask(vm: &mut Vm<'_>, adapter: &dyn Adapter, name: &str, args: Args) -> Eval<Value> {
    let failed = |vm: &Vm<'_>, error| -> Stop { vm.foreign(error) };
    Ok(match name {
        "execute" | "add_query" => {
            let mut args = vm.lift(args.bind(name, &["sql", "auto_begin", "fetch", "limit"], 1))?;
            let sql = repr::text(&args.take(0));
            let fetch = value::truthy(&args.take(2));
            let (response, table) = adapter.execute(&sql, fetch).map_err(|error| failed(vm, error))?;
            // As in dbt, the code is the verb: `INSERT` of `INSERT 3`.
            let code = response.message.trim_end_matches(|c: char| c.is_ascii_digit()).trim_end().to_owned();
            let response = value::dict([
                ("_message", Value::from(response.message)),
                ("code", Value::from(code)),
                ("rows_affected", response.rows_affected.map_or_else(value::none, Value::from)),
            ]);
            value::tuple(vec![response, TableValue::of(table)])
        }
        "get_relation" | "already_exists" => {
            let (database, schema, identifier) = if name == "already_exists" {
                let [schema, identifier] = vm.lift(args.exactly(name, ["schema", "identifier"]))?;
                (None, schema, identifier)
            } else {
                let [database, schema, identifier] =
                    vm.lift(args.exactly(name, ["database", "schema", "identifier"]))?;
                (text_of(database), schema, identifier)
            };
            let (schema, identifier) = (repr::text(&schema), repr::text(&identifier));
            let found =
                adapter.get_relation(database.as_deref(), &schema, &identifier).map_err(|error| failed(vm, error))?;
            if name == "already_exists" {
                return Ok(Value::from(found.is_some()));
            }
            found.map_or_else(value::none, relation)
        }
        "load_relation" => {
            let wanted = relation_arg(vm, name, args)?;
            let (Some(schema), Some(identifier)) = (&wanted.schema, &wanted.identifier) else {
                return Ok(value::none());
            };
            let found = adapter.get_relation(wanted.database.as_deref(), schema, identifier);
            found.map_err(|error| failed(vm, error))?.map_or_else(value::none, relation)
        }
        "get_columns_in_relation" => {
            let wanted = relation_arg(vm, name, args)?;
            let columns = adapter.get_columns(&wanted).map_err(|error| failed(vm, error))?;
            value::list(columns.into_iter().map(column).collect())
        }
        "get_missing_columns" => {
            let mut args = vm.lift(args.bind(name, &["from_relation", "to_relation"], 2))?;
            let (from, to) = (args.take(0), args.take(1));
            let (Some(from), Some(to)) = (as_relation(&from), as_relation(&to)) else {
                return Err(vm.fail("adapter.get_missing_columns takes two relations"));
            };
            let known = adapter.get_columns(to).map_err(|error| failed(vm, error))?;
            let all = adapter.get_columns(from).map_err(|error| failed(vm, error))?;
            let missing =
                all.into_iter().filter(|column| !known.iter().any(|k| k.name.eq_ignore_ascii_case(&column.name)));
            value::list(missing.map(column).collect())
        }
        "list_relations" | "list_relations_without_caching" => {
            let mut args = vm.lift(args.bind(name, &["database", "schema"], 1))?;
            let first = args.take(0);
            let (database, schema) = match as_relation(&first) {
                Some(relation) => (relation.database.clone(), relation.schema.clone().unwrap_or_default()),
                None => (text_of(first), repr::text(&args.take(1))),
            };
            let found = adapter.list_relations(database.as_deref(), &schema).map_err(|error| failed(vm, error))?;
            value::list(found.into_iter().map(relation).collect())
        }
        "list_schemas" => {
            let mut args = vm.lift(args.bind(name, &["database"], 0))?;
            let database = args.given(0).and_then(text_of);
            let found = adapter.list_schemas(database.as_deref()).map_err(|error| failed(vm, error))?;
            value::list(found.iter().map(|schema| Value::from(schema.as_str())).collect())
        }
        "get_column_schema_from_query" => {
            let [sql] = vm.lift(args.exactly(name, ["sql"]))?;
            let (_, table) = adapter.execute(&repr::text(&sql), true).map_err(|error| failed(vm, error))?;
            let columns = table.columns.into_iter().map(|found| Column::new(found.name, &found.data_type));
            value::list(columns.map(column).collect())
        }
        "valid_snapshot_target" | "assert_valid_snapshot_target_given_strategy" => {
            let mut args = vm.lift(args.bind(name, &["relation", "column_names", "strategy"], 1))?;
            let relation = args.take(0);
            let Some(wanted) = as_relation(&relation) else {
                return Err(vm.fail(format!("adapter.{name} takes a relation")));
            };
            let names = args.given(1).filter(|names| !names.is_none()).map(|names| json::to_json(&names));
            let columns = adapter.get_columns(wanted).map_err(|error| failed(vm, error))?;
            let missing: Vec<String> = ["dbt_scd_id", "dbt_valid_from", "dbt_valid_to"]
                .into_iter()
                .map(|own| {
                    let renamed = names.as_ref().and_then(|names| names.get(own)).and_then(|name| name.as_str());
                    renamed.unwrap_or(own).to_owned()
                })
                .filter(|own| !columns.iter().any(|column| column.name.eq_ignore_ascii_case(own)))
                .collect();
            if !missing.is_empty() {
                return Err(vm.fail(format!("{wanted} is not a snapshot: it has no column {}", missing.join(", "))));
            }
            Value::from("")
        }
        "check_schema_exists" => {
            let [database, schema] = vm.lift(args.exactly(name, ["database", "schema"]))?;
            let exists = adapter.schema_exists(text_of(database).as_deref(), &repr::text(&schema));
            Value::from(exists.map_err(|error| failed(vm, error))?)
        }
        "rename_relation" => {
            let [from, to] = vm.lift(args.exactly(name, ["from_relation", "to_relation"]))?;
            let (Some(from), Some(to)) = (as_relation(&from), as_relation(&to)) else {
                return Err(vm.fail("adapter.rename_relation takes two relations"));
            };
            adapter.rename_relation(from, to).map_err(|error| failed(vm, error))?;
            Value::from("")
        }
        "create_schema" | "drop_schema" | "drop_relation" | "truncate_relation" => {
            let wanted = relation_arg(vm, name, args)?;
            let outcome = match name {
                "create_schema" => adapter.create_schema(&wanted),
                "drop_schema" => adapter.drop_schema(&wanted),
                "drop_relation" => adapter.drop_relation(&wanted),
                _ => adapter.truncate_relation(&wanted),
            };
            outcome.map_err(|error| failed(vm, error))?;
            Value::from("")
        }
        _ => return Err(vm.fail(format!("adapter.{name} is not available"))),
    })
}

/// The macro `get_incremental_<strategy>_sql`, from the project or built in.
fn strategy_macro(vm: &mut Vm<'_>, args: Args) -> Eval<Value> {
    let mut args = vm.lift(args.bind("get_incremental_strategy_macro", &["model_context", "strategy"], 2))?;
    let strategy =
        args.given(1).filter(|name| !name.is_none()).map_or_else(|| "default".into(), |name| repr::text(&name));
    let wanted = format!("get_incremental_{}_sql", strategy.replace('+', "_"));
    match vm.macro_named(None, &wanted, true) {
        Some(found) => Ok(value::native(MacroValue::of(&found))),
        None => Err(vm.fail_with_hint(
            format!("there is no incremental strategy '{strategy}'"),
            format!("write a macro {wanted}(arg_dict) that gives its statement"),
        )),
    }
}

fn quote(vm: &mut Vm<'_>, name: &str, args: Args) -> Eval<Value> {
    let parameters: &[&str] =
        if name == "quote_seed_column" { &["column", "quote_config"] } else { &["identifier", "quote_key"] };
    let mut args = vm.lift(args.bind(name, parameters, 1))?;
    let identifier = repr::text(&args.take(0));
    // dbt quotes seed columns unless it is told not to.
    if name == "quote_seed_column" && args.given(1).is_some_and(|wanted| !wanted.is_none() && !value::truthy(&wanted)) {
        return Ok(Value::from(identifier));
    }
    Ok(Value::from(match &vm.session {
        Session::Render(context) => context.adapter.quote(&identifier),
        _ => format!("\"{}\"", identifier.replace('"', "\"\"")),
    }))
}

/// The macro for this kind of warehouse: `<type>__name`, that of its parent, then `default__name`; in the packages that
/// `dispatch:` in the project says, else in the root project and then in the namespace.
fn dispatch(vm: &mut Vm<'_>, args: Args) -> Eval<Value> {
    let mut args = vm.lift(args.bind("dispatch", &["macro_name", "macro_namespace", "packages"], 1))?;
    let name = repr::text(&args.take(0));
    if name.contains('.') {
        let (package, bare) = name.split_once('.').unwrap_or(("", &name));
        return Err(vm.fail_with_hint(
            format!("in adapter.dispatch, the macro name '{name}' has a package in it"),
            format!("write adapter.dispatch('{bare}', '{package}')"),
        ));
    }
    let namespace = args.given(1).and_then(text_of);
    let project = vm.env.options.project_name.clone();
    let packages: Vec<Option<String>> = match &namespace {
        Some(namespace) => match vm.env.options.dispatch.get(namespace) {
            Some(order) => order.iter().cloned().map(Some).collect(),
            None if *namespace == project => vec![Some(project)],
            // As in dbt, the name of no package says nothing.
            None if vm.env.package_named(namespace).is_none() => vec![None],
            None => vec![Some(project), Some(namespace.clone())],
        },
        None => vec![None],
    };
    let kind = type_name(vm);
    let prefixes = prefixes(&kind);
    let mut searched = Vec::new();
    for package in &packages {
        for prefix in &prefixes {
            let wanted = format!("{prefix}__{name}");
            if let Some(found) = vm.macro_named(package.as_deref(), &wanted, true) {
                return Ok(value::native(MacroValue::of(&Arc::clone(&found))));
            }
            searched.push(package.as_ref().map_or_else(|| wanted.clone(), |package| format!("{package}.{wanted}")));
        }
    }
    Err(vm.fail_with_hint(
        format!("no macro '{name}' was found for the namespace {}", namespace.as_deref().unwrap_or("(none)")),
        format!("write one of: {}", searched.join(", ")),
    ))
}
