//! `store_result` and `load_result`: what `{% call statement(…) %}` leaves behind.

use super::from_table;
use super::table::TableValue;
use crate::Table;
use crate::value::native::Functions;
use crate::value::{self, Value, repr};
use crate::vm::{Args, Eval, Vm};

const FUNCTIONS: &Functions =
    &[("store_result", store_result), ("store_raw_result", store_raw_result), ("load_result", load_result)];

pub(super) fn function_named(name: &str) -> Option<Value> {
    from_table(FUNCTIONS, name)
}

fn keep(vm: &mut Vm<'_>, name: &Value, response: Value, table: Option<Value>) -> Eval<Value> {
    let table = table.filter(|table| !table.is_none()).unwrap_or_else(|| TableValue::of(Table::default()));
    let data = value::as_native::<TableValue>(&table).map_or_else(|| value::list(Vec::new()), TableValue::data);
    let result = value::dict([("response", response), ("data", data), ("table", table)]);
    vm.results.insert(repr::text(name), result);
    Ok(Value::from(""))
}

fn store_result(vm: &mut Vm<'_>, args: Args) -> Eval<Value> {
    let mut args = vm.lift(args.bind("store_result", &["name", "response", "agate_table"], 2))?;
    let (name, response, table) = (args.take(0), args.take(1), args.given(2));
    keep(vm, &name, response, table)
}

fn store_raw_result(vm: &mut Vm<'_>, args: Args) -> Eval<Value> {
    let mut args =
        vm.lift(args.bind("store_raw_result", &["name", "message", "code", "rows_affected", "agate_table"], 1))?;
    let name = args.take(0);
    let response = value::dict([
        ("_message", args.given(1).unwrap_or_else(|| Value::from(""))),
        ("code", args.given(2).unwrap_or_else(|| Value::from(""))),
        ("rows_affected", args.given(3).unwrap_or_else(value::none)),
    ]);
    let table = args.given(4);
    keep(vm, &name, response, table)
}

fn load_result(vm: &mut Vm<'_>, args: Args) -> Eval<Value> {
    let [name] = vm.lift(args.exactly("load_result", ["name"]))?;
    Ok(vm.results.get(&repr::text(&name)).cloned().unwrap_or_else(value::none))
}
