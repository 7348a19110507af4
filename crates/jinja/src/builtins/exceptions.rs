//! `exceptions`: errors and warnings that a template raises.

use millstream_core::Error;

use crate::value::native::{Call, Module, function};
use crate::value::{self, Value, repr};
use crate::vm::{Args, Eval, Session, Stop, Vm};

/// dbt's functions that raise; all but `warn` end the rendering with their text. The first argument is the text; a node
/// behind it only says where, which our place does better.
const RAISING: &[&str] = &[
    "raise_compiler_error",
    "raise_not_implemented",
    "raise_database_error",
    "raise_dep_not_found",
    "raise_dependency_error",
    "raise_duplicate_patch_name",
    "raise_fail_fast_error",
    "raise_invalid_property_yml_version",
    "raise_parsing_error",
    "raise_contract_error",
];

/// Those that make the text themselves.
const TELLING: &[(&str, Call)] = &[
    ("missing_config", |vm, args| {
        let [model, name] = vm.lift(args.exactly("missing_config", ["model", "name"]))?;
        let (model, name) = (name_of(&model), repr::text(&name));
        Err(vm.fail_with_hint(
            format!("{model} does not define a required config parameter '{name}'"),
            format!("add {name}=… to its config()"),
        ))
    }),
    ("missing_materialization", |vm, args| {
        let mut args = vm.lift(args.bind("missing_materialization", &["model", "adapter_type"], 1))?;
        let model = args.take(0);
        Err(vm.fail(format!("no materialization is there for {}", name_of(&model))))
    }),
    ("missing_relation", |vm, args| {
        let mut args = vm.lift(args.bind("missing_relation", &["relation", "model"], 1))?;
        let relation = repr::text(&args.take(0));
        Err(vm.fail(format!("relation {relation} is not there")))
    }),
    ("relation_wrong_type", |vm, args| {
        let mut args = vm.lift(args.bind("relation_wrong_type", &["relation", "expected_type", "model"], 2))?;
        let (relation, wanted) = (args.take(0), repr::text(&args.take(1)));
        let kind = vm.attribute(&relation, "type", None)?;
        let text = repr::text(&relation);
        Err(vm.fail_with_hint(
            format!("{text} was to be a {wanted}, and is a {}", repr::text(&kind)),
            format!("drop {text}, or run with --full-refresh"),
        ))
    }),
    ("invalid_materialization_argument", |vm, args| {
        let [name, argument] = vm.lift(args.exactly("invalid_materialization_argument", ["name", "argument"]))?;
        let (name, argument) = (repr::text(&name), repr::text(&argument));
        Err(vm.fail(format!("materialization '{name}' takes no argument '{argument}'")))
    }),
    ("column_type_missing", |vm, args| {
        let [columns] = vm.lift(args.exactly("column_type_missing", ["column_names"]))?;
        let names = value::elements(&columns).unwrap_or_default().iter().map(repr::text).collect::<Vec<_>>().join(", ");
        Err(vm.fail_with_hint(
            format!("a contract needs a 'data_type' for each column; these have none: {names}"),
            "add data_type to the columns in the model's yml",
        ))
    }),
];

/// The name of a node as templates see it, for messages.
fn name_of(model: &Value) -> String {
    let found = ["unique_id", "name"].iter().find_map(|key| value::ops::item(model, &Value::from(*key)));
    found.map_or_else(|| "this node".to_owned(), |name| repr::text(&name))
}

/// `exceptions` and `try_or_compiler_error`, `validation`.
pub(super) fn named(name: &str) -> Option<Value> {
    match name {
        "exceptions" => {
            let mut members: Vec<(&'static str, Value)> =
                RAISING.iter().map(|name| (*name, function(name, raise))).collect();
            members.extend(TELLING.iter().map(|(name, call)| (*name, function(name, *call))));
            members.push(("warn", function("warn", warn)));
            Some(value::native(Module { name: "exceptions", members }))
        }
        "try_or_compiler_error" => Some(function("try_or_compiler_error", |vm, mut args| {
            if args.positional.len() < 2 {
                return Err(vm.fail("try_or_compiler_error() needs a message and a function"));
            }
            let (message, call) = (args.positional.remove(0), args.positional.remove(0));
            vm.call_value(&call, args).map_err(|stop| match stop {
                Stop::Fail(error) => Stop::Fail(error.context(repr::text(&message))),
                stop => stop,
            })
        })),
        "validation" => {
            let any = function("any", |_, _| Ok(function("validator", |_, _| Ok(Value::from("")))));
            Some(value::native(Module { name: "validation", members: vec![("any", any)] }))
        }
        _ => None,
    }
}

fn raise(vm: &mut Vm<'_>, args: Args) -> Eval<Value> {
    let text = args.positional.first().or_else(|| args.named.get("msg").or_else(|| args.named.values().next()));
    // The place of the call is where the author raised; that is the macro file, and the stack below leads to the model.
    Err(vm.fail(text.map(repr::text).unwrap_or_default()))
}

fn warn(vm: &mut Vm<'_>, args: Args) -> Eval<Value> {
    let mut args = vm.lift(args.bind("warn", &["msg"], 1))?;
    let message = repr::text(&args.take(0));
    if let Session::Render(context) = &vm.session {
        let at = Error::user(vm.env.scrub(&message)).at(vm.place());
        context.adapter.warn(&at.to_string());
    }
    Ok(Value::from(""))
}
