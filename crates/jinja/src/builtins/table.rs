//! Query results as templates see them: the part of agate's `Table` that dbt projects use.

use std::any::Any;
use std::sync::Arc;

use serde_json::Value as Json;

use crate::value::{self, Kind, Native, Value, json, kind_of, ops, repr};
use crate::vm::{Args, Eval, Vm};
use crate::{Table, TableColumn};

/// A table.
#[derive(Debug, Clone)]
pub(super) struct TableValue(Arc<Table>);

impl TableValue {
    pub(super) fn of(table: Table) -> Value {
        value::native(Self(Arc::new(table)))
    }
    /// The rows and columns as they came.
    pub(super) fn table(&self) -> &Table {
        &self.0
    }
    /// The rows as lists, as `load_result(…).data` has them.
    pub(super) fn data(&self) -> Value {
        value::list((0..self.0.rows.len()).map(|row| value::tuple(self.row_values(row))).collect())
    }
    fn row_values(&self, row: usize) -> Vec<Value> {
        let cells = self.0.rows.get(row).map(Vec::as_slice).unwrap_or_default();
        cells.iter().zip(&self.0.columns).map(|(cell, column)| cell_value(cell, column)).collect()
    }
    fn rows(&self) -> Vec<Value> {
        (0..self.0.rows.len()).map(|row| value::native(Row { table: self.clone(), row })).collect()
    }
    fn columns(&self) -> Vec<Value> {
        (0..self.0.columns.len()).map(|column| value::native(ColumnValue { table: self.clone(), column })).collect()
    }
    fn names(&self) -> Vec<Value> {
        self.0.columns.iter().map(|column| Value::from(column.name.as_str())).collect()
    }
    /// Position of a column by name; case is ignored if no name is exactly equal.
    fn position(&self, key: &Value) -> Option<usize> {
        match kind_of(key) {
            Kind::Int(index) => ops::python_index(index, self.0.columns.len()),
            Kind::Str(name) => {
                let all = &self.0.columns;
                let exact = all.iter().position(|column| column.name == name);
                exact.or_else(|| all.iter().position(|column| column.name.eq_ignore_ascii_case(name)))
            }
            _ => None,
        }
    }
}

/// A cell: decimals come as text so that no digit is lost; templates get a number where it is exact.
fn cell_value(cell: &Json, column: &TableColumn) -> Value {
    let exact = column.data_type.starts_with("decimal") || column.data_type.starts_with("numeric");
    match cell {
        Json::String(text) if exact => {
            if let Ok(whole) = text.parse::<i64>() {
                return Value::from(whole);
            }
            match text.parse::<f64>() {
                // Seventeen digits are what a float can keep.
                Ok(number) if text.chars().filter(char::is_ascii_digit).count() <= 15 => Value::from(number),
                _ => Value::from(text.as_str()),
            }
        }
        other => json::from_json(other),
    }
}

impl Native for TableValue {
    fn type_name(&self) -> &'static str {
        "Table"
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
    fn text(&self) -> String {
        format!("<Table of {} rows>", self.0.rows.len())
    }
    fn truthy(&self) -> bool {
        true
    }
    fn get(&self, name: &str) -> Option<Value> {
        Some(match name {
            "rows" => value::native(Group { items: self.rows(), names: Vec::new(), kind: "MappedSequence" }),
            "columns" => value::native(Group { items: self.columns(), names: self.names(), kind: "MappedSequence" }),
            "column_names" => value::tuple(self.names()),
            "column_types" => {
                value::tuple(self.0.columns.iter().map(|column| Value::from(column.data_type.as_str())).collect())
            }
            _ => return None,
        })
    }
    fn item(&self, key: &Value) -> Option<Value> {
        let position = ops::python_index(value::integer_of(key)?, self.0.rows.len())?;
        Some(value::native(Row { table: self.clone(), row: position }))
    }
    fn elements(&self) -> Option<Vec<Value>> {
        Some(self.rows())
    }
    fn methods(&self) -> &'static [&'static str] {
        &["print_table", "rename", "select", "exclude", "limit", "to_json"]
    }
    fn call_method(&self, vm: &mut Vm<'_>, name: &str, args: Args) -> Eval<Value> {
        match name {
            "limit" => {
                let [most] = vm.lift(args.exactly(name, ["start_or_stop"]))?;
                let most = value::integer_of(&most).and_then(|most| usize::try_from(most).ok()).unwrap_or(0);
                let rows = self.0.rows.iter().take(most).cloned().collect();
                Ok(Self::of(Table { columns: self.0.columns.clone(), rows }))
            }
            "select" | "exclude" => {
                let [names] = vm.lift(args.exactly(name, ["key"]))?;
                let names =
                    if names.as_str().is_some() { vec![names] } else { value::elements(&names).unwrap_or_default() };
                let named: Vec<usize> = names.iter().filter_map(|name| self.position(name)).collect();
                let kept: Vec<usize> = if name == "select" {
                    named
                } else {
                    (0..self.0.columns.len()).filter(|position| !named.contains(position)).collect()
                };
                let columns = kept.iter().map(|at| self.0.columns[*at].clone()).collect();
                let rows = self.0.rows.iter().map(|row| kept.iter().map(|at| row[*at].clone()).collect()).collect();
                Ok(Self::of(Table { columns, rows }))
            }
            "rename" => {
                let mut args = vm.lift(args.bind(name, &["column_names"], 1))?;
                let names = args.take(0);
                let mut table = (*self.0).clone();
                for (position, column) in table.columns.iter_mut().enumerate() {
                    let new = match kind_of(&names) {
                        Kind::Dict(dict) => dict.get(&Value::from(column.name.as_str())),
                        _ => ops::item(&names, &Value::from(position)),
                    };
                    if let Some(new) = new {
                        column.name = repr::text(&new);
                    }
                }
                Ok(Self::of(table))
            }
            // agate writes to stdout, which is for data; the log gets it instead.
            _ => {
                let names: Vec<&str> = self.0.columns.iter().map(|column| column.name.as_str()).collect();
                let mut text = names.join(" | ");
                for row in 0..self.0.rows.len() {
                    text.push('\n');
                    text.push_str(&self.row_values(row).iter().map(repr::text).collect::<Vec<_>>().join(" | "));
                }
                if let crate::vm::Session::Render(context) = &vm.session {
                    context.adapter.log(&text, true);
                }
                Ok(value::none())
            }
        }
    }
}

/// One row.
#[derive(Debug)]
struct Row {
    table: TableValue,
    row: usize,
}

impl Native for Row {
    fn type_name(&self) -> &'static str {
        "Row"
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
    fn text(&self) -> String {
        format!("<Row: {}>", repr::repr(&value::tuple(self.table.row_values(self.row))))
    }
    fn item(&self, key: &Value) -> Option<Value> {
        self.table.row_values(self.row).get(self.table.position(key)?).cloned()
    }
    fn elements(&self) -> Option<Vec<Value>> {
        Some(self.table.row_values(self.row))
    }
    fn methods(&self) -> &'static [&'static str] {
        &["values", "keys", "items", "dict", "get"]
    }
    fn call_method(&self, vm: &mut Vm<'_>, name: &str, args: Args) -> Eval<Value> {
        let pairs = || self.table.names().into_iter().zip(self.table.row_values(self.row));
        Ok(match name {
            "values" => value::tuple(self.table.row_values(self.row)),
            "keys" => value::tuple(self.table.names()),
            "items" => value::list(pairs().map(|(key, item)| value::tuple(vec![key, item])).collect()),
            "dict" => value::dict(pairs()),
            _ => {
                let mut args = vm.lift(args.bind(name, &["key", "default"], 1))?;
                let key = args.take(0);
                self.item(&key).or_else(|| args.given(1)).unwrap_or_else(value::none)
            }
        })
    }
}

/// One column.
#[derive(Debug)]
struct ColumnValue {
    table: TableValue,
    column: usize,
}

impl ColumnValue {
    fn values(&self) -> Vec<Value> {
        let Some(column) = self.table.0.columns.get(self.column) else { return Vec::new() };
        let cells = self.table.0.rows.iter().filter_map(|row| row.get(self.column));
        cells.map(|cell| cell_value(cell, column)).collect()
    }
}

impl Native for ColumnValue {
    fn type_name(&self) -> &'static str {
        "Column"
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
    fn get(&self, name: &str) -> Option<Value> {
        let column = self.table.0.columns.get(self.column)?;
        match name {
            "name" => Some(Value::from(column.name.as_str())),
            "data_type" => Some(Value::from(column.data_type.as_str())),
            "index" => Some(Value::from(self.column)),
            _ => None,
        }
    }
    fn item(&self, key: &Value) -> Option<Value> {
        let values = self.values();
        values.get(ops::python_index(value::integer_of(key)?, values.len())?).cloned()
    }
    fn elements(&self) -> Option<Vec<Value>> {
        Some(self.values())
    }
    fn methods(&self) -> &'static [&'static str] {
        &["values", "values_distinct", "values_sorted", "values_without_nulls"]
    }
    fn call_method(&self, vm: &mut Vm<'_>, name: &str, args: Args) -> Eval<Value> {
        vm.lift(args.none(name))?;
        let values = self.values();
        Ok(value::tuple(match name {
            "values_distinct" => {
                let mut kept: Vec<Value> = Vec::new();
                for item in values {
                    if !kept.iter().any(|known| ops::equal(known, &item)) {
                        kept.push(item);
                    }
                }
                kept
            }
            "values_sorted" => vm.lift(value::methods::sorted(values, false))?,
            "values_without_nulls" => values.into_iter().filter(|item| !item.is_none()).collect(),
            _ => values,
        }))
    }
}

/// Rows or columns: by position, and columns by name too.
#[derive(Debug)]
struct Group {
    items: Vec<Value>,
    names: Vec<Value>,
    kind: &'static str,
}

impl Native for Group {
    fn type_name(&self) -> &'static str {
        self.kind
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
    fn text(&self) -> String {
        repr::repr(&value::list(self.items.clone()))
    }
    fn item(&self, key: &Value) -> Option<Value> {
        let position = match kind_of(key) {
            Kind::Int(index) => ops::python_index(index, self.items.len()),
            Kind::Str(name) => {
                let exact = self.names.iter().position(|known| known.as_str() == Some(name));
                exact.or_else(|| {
                    self.names
                        .iter()
                        .position(|known| known.as_str().is_some_and(|known| known.eq_ignore_ascii_case(name)))
                })
            }
            _ => None,
        };
        self.items.get(position?).cloned()
    }
    fn elements(&self) -> Option<Vec<Value>> {
        Some(self.items.clone())
    }
    fn truthy(&self) -> bool {
        !self.items.is_empty()
    }
    fn methods(&self) -> &'static [&'static str] {
        &["values", "keys", "items", "get"]
    }
    fn call_method(&self, vm: &mut Vm<'_>, name: &str, args: Args) -> Eval<Value> {
        Ok(match name {
            "values" => value::tuple(self.items.clone()),
            "keys" => value::tuple(self.names.clone()),
            "items" => {
                let pairs = self.names.iter().zip(&self.items);
                value::list(pairs.map(|(key, item)| value::tuple(vec![key.clone(), item.clone()])).collect())
            }
            _ => {
                let mut args = vm.lift(args.bind(name, &["key", "default"], 1))?;
                let key = args.take(0);
                self.item(&key).or_else(|| args.given(1)).unwrap_or_else(value::none)
            }
        })
    }
}
