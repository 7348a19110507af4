//! Answers that a unit test gives in place of macros, variables and the environment.

use std::any::Any;

use crate::Overrides;
use crate::environment::Definition;
use crate::value::{self, Native, Value, json};
use crate::vm::{Args, Eval, Session, Vm};

/// A macro that gives one value whatever it is called with.
#[derive(Debug)]
struct Answer(Value);

impl Native for Answer {
    fn type_name(&self) -> &'static str {
        "Macro"
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
    fn callable(&self) -> bool {
        true
    }
    fn call(&self, _vm: &mut Vm<'_>, _args: Args) -> Eval<Value> {
        Ok(self.0.clone())
    }
}

/// The overrides of this rendering, if it has any.
pub(crate) fn of<'v>(vm: &'v Vm<'_>) -> Option<&'v Overrides> {
    match &vm.session {
        Session::Render(context) => Some(&context.overrides),
        _ => None,
    }
}

/// What stands for the macro that templates call by this bare name.
pub(crate) fn macro_named(vm: &Vm<'_>, name: &str) -> Option<Value> {
    let found = of(vm)?.macros.get(name)?;
    Some(value::native(Answer(json::from_json(found))))
}

/// What stands for a call of this macro. A bare name stands for macros of the project and of dbt itself; those of
/// packages are named with their package.
pub(crate) fn answer(vm: &Vm<'_>, called: &Definition) -> Option<Value> {
    let macros = &of(vm)?.macros;
    if macros.is_empty() {
        return None;
    }
    let info = &called.info;
    let is_bare = info.package == "dbt" || info.package == vm.env.options.project_name;
    let found = macros
        .get(&format!("{}.{}", info.package, info.name))
        .or_else(|| if is_bare { macros.get(&info.name) } else { None })?;
    Some(json::from_json(found))
}
