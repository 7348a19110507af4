//! Functions that only make or show text: `return`, `log`, `print`, `render`, `local_md5`, `write`.

use md5::{Digest, Md5};

use super::from_table;
use crate::value::native::Functions;
use crate::value::{self, Value, repr};
use crate::vm::{Args, Eval, Session, Stop, Vm};

const FUNCTIONS: &Functions = &[
    ("return", |vm, args| {
        let mut args = vm.lift(args.bind("return", &["data"], 0))?;
        Err(Stop::Return(args.given(0).unwrap_or_else(value::none)))
    }),
    ("log", log),
    ("print", |vm, args| {
        let [message] = vm.lift(args.exactly("print", ["msg"]))?;
        tell(vm, &repr::text(&message), true);
        Ok(Value::from(""))
    }),
    ("local_md5", |vm, args| {
        let [text] = vm.lift(args.exactly("local_md5", ["value"]))?;
        let digest = Md5::digest(repr::text(&text).as_bytes());
        Ok(Value::from(digest.iter().map(|byte| format!("{byte:02x}")).collect::<String>()))
    }),
    ("render", |vm, args| {
        let [text] = vm.lift(args.exactly("render", ["string"]))?;
        vm.render_text("render(…)", &repr::text(&text)).map(Value::from)
    }),
    // dbt writes the text into target/run; here the runner does that with the node's whole SQL.
    ("write", |vm, args| vm.lift(args.exactly("write", ["payload"])).map(|[_]| Value::from(""))),
];

pub(super) fn function_named(name: &str) -> Option<Value> {
    from_table(FUNCTIONS, name)
}

fn log(vm: &mut Vm<'_>, args: Args) -> Eval<Value> {
    let mut args = vm.lift(args.bind("log", &["msg", "info"], 1))?;
    let (message, info) = (repr::text(&args.take(0)), value::truthy(&args.take(1)));
    tell(vm, &message, info);
    Ok(Value::from(""))
}

/// Shows a message, without secrets. Parsing says nothing: the same line comes again when the node is rendered.
fn tell(vm: &mut Vm<'_>, message: &str, info: bool) {
    if let Session::Render(context) = &vm.session {
        context.adapter.log(&vm.env.scrub(message), info);
    }
}
