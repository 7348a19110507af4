//! `adapter` methods that only rearrange what they are given: rights and constraints.

use super::table::TableValue;
use crate::value::{self, Value, json};
use crate::vm::{Args, Eval, Vm};

/// Rows of (grantee, privilege) as a dict of privilege to grantees.
pub(super) fn standardize(vm: &mut Vm<'_>, args: Args) -> Eval<Value> {
    let [given] = vm.lift(args.exactly("standardize_grants_dict", ["grants_table"]))?;
    let Some(table) = value::as_native::<TableValue>(&given) else { return Ok(value::dict::<Value>([])) };
    let table = table.table();
    let place = |name: &str| table.columns.iter().position(|column| column.name.eq_ignore_ascii_case(name));
    let (Some(grantee), Some(privilege)) = (place("grantee"), place("privilege_type")) else {
        return Err(vm.fail("the rows of grants need the columns grantee and privilege_type"));
    };
    let mut found: indexmap::IndexMap<String, Vec<Value>> = indexmap::IndexMap::new();
    for row in &table.rows {
        let text = |at: usize| row.get(at).and_then(|cell| cell.as_str()).unwrap_or_default().to_owned();
        found.entry(text(privilege)).or_default().push(Value::from(text(grantee)));
    }
    Ok(value::dict(found.into_iter().map(|(name, all)| (Value::from(name), value::list(all)))))
}

/// Columns of a contract as `name type constraint …`, as `create table` takes them.
pub(super) fn columns_constraints(vm: &mut Vm<'_>, args: Args) -> Eval<Value> {
    let [given] = vm.lift(args.exactly("render_raw_columns_constraints", ["raw_columns"]))?;
    let columns = json::to_json(&given);
    let Some(columns) = columns.as_object() else { return Err(vm.fail("the columns must be a dict")) };
    let rendered = columns.values().map(|column| {
        let text = |key: &str| column.get(key).and_then(|value| value.as_str()).unwrap_or_default();
        let is_quoted = column.get("quote").and_then(serde_json::Value::as_bool).unwrap_or(false);
        let name =
            if is_quoted { format!("\"{}\"", text("name").replace('"', "\"\"")) } else { text("name").to_owned() };
        let mut all = vec![name, text("data_type").to_owned()];
        all.extend(constraints(column.get("constraints")));
        Value::from(all.join(" "))
    });
    Ok(value::list(rendered.collect()))
}

/// Constraints of a whole model, as `create table` takes them.
pub(super) fn model_constraints(vm: &mut Vm<'_>, args: Args) -> Eval<Value> {
    let [given] = vm.lift(args.exactly("render_raw_model_constraints", ["raw_constraints"]))?;
    let all = constraints(Some(&json::to_json(&given)));
    Ok(value::list(all.into_iter().map(Value::from).collect()))
}

/// The constraints that a table of the embedded warehouse takes note of; checks are the contract's business.
fn constraints(list: Option<&serde_json::Value>) -> Vec<String> {
    let list = list.and_then(serde_json::Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let one = |constraint: &serde_json::Value| {
        let columns = constraint.get("columns").and_then(serde_json::Value::as_array);
        let columns: Vec<String> =
            columns.into_iter().flatten().filter_map(|name| name.as_str().map(str::to_owned)).collect();
        let of = if columns.is_empty() { String::new() } else { format!(" ({})", columns.join(", ")) };
        match constraint.get("type").and_then(|kind| kind.as_str()).unwrap_or_default() {
            "not_null" if columns.is_empty() => Some("not null".to_owned()),
            "unique" => Some(format!("unique{of}")),
            "primary_key" => Some(format!("primary key{of}")),
            _ => None,
        }
    };
    list.iter().filter_map(one).collect()
}
