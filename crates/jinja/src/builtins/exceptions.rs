//! `exceptions`: errors and warnings that a template raises.

use millstream_core::Error;

use crate::value::native::{Module, function};
use crate::value::{self, Value, repr};
use crate::vm::{Args, Eval, Session, Stop, Vm};

/// dbt's functions that raise; all but `warn` end the rendering with their text.
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
    "missing_config",
    "missing_materialization",
    "missing_relation",
    "relation_wrong_type",
    "invalid_materialization_argument",
    "column_type_missing",
    "raise_contract_error",
];

/// `exceptions` and `try_or_compiler_error`, `validation`.
pub(super) fn named(name: &str) -> Option<Value> {
    match name {
        "exceptions" => {
            let mut members: Vec<(&'static str, Value)> =
                RAISING.iter().map(|name| (*name, function(name, raise))).collect();
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
    let mut parts: Vec<String> = args.positional.iter().map(repr::text).collect();
    parts.extend(args.named.values().map(repr::text));
    // The place of the call is where the author raised; that is the macro file, and the stack below leads to the model.
    Err(vm.fail(parts.join(" ")))
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
