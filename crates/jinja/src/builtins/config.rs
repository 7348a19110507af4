//! `config`: notes settings while parsing, reads them while rendering.

use std::any::Any;

use serde_json::Value as Json;

use crate::value::{self, Native, Value, json, repr};
use crate::vm::{Args, Eval, Vm};

/// The `config` object.
#[derive(Debug)]
pub(super) struct Config;

impl Config {
    fn lookup<'v>(vm: &'v Vm<'_>, name: &str) -> Option<&'v Json> {
        let config = vm.node().get("config")?;
        let found = config.get(name).filter(|value| !value.is_null());
        // Hooks have a hyphen in the manifest and an underscore in templates.
        found.or_else(|| config.get(name.replace('_', "-"))).filter(|value| !value.is_null())
    }

    fn note(vm: &mut Vm<'_>, args: Args) -> Eval<Value> {
        let mut settings: Vec<(String, Value)> = Vec::new();
        match (args.positional.as_slice(), args.named.is_empty()) {
            ([], _) => settings.extend(args.named),
            ([one], true) => match value::pairs(one) {
                Some(pairs) => settings.extend(pairs.into_iter().map(|(key, item)| (repr::text(&key), item))),
                None => return Err(vm.fail("config() takes settings by name, or one dict")),
            },
            _ => {
                return Err(vm.fail_with_hint(
                    "config() takes settings by name, or one dict",
                    "write {{ config(materialized='table') }}",
                ));
            }
        }
        vm.settle();
        let mut written = indexmap::IndexMap::new();
        for (name, value) in settings {
            written.insert(name, vm.lift(json::written(&value))?);
        }
        let settings = written;
        vm.note(|found| found.configs.push(settings));
        Ok(Value::from(""))
    }
}

impl Native for Config {
    fn type_name(&self) -> &'static str {
        "Config"
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
    fn callable(&self) -> bool {
        true
    }
    fn call(&self, vm: &mut Vm<'_>, args: Args) -> Eval<Value> {
        Self::note(vm, args)
    }
    fn methods(&self) -> &'static [&'static str] {
        &["get", "require", "meta_get", "meta_require", "set", "persist_relation_docs", "persist_column_docs"]
    }
    fn call_method(&self, vm: &mut Vm<'_>, method: &str, args: Args) -> Eval<Value> {
        match method {
            "set" => {
                let [name, value] = vm.lift(args.exactly(method, ["name", "value"]))?;
                let mut args = Args::default();
                args.named.insert(repr::text(&name), value);
                Self::note(vm, args)
            }
            "persist_relation_docs" | "persist_column_docs" => {
                let part = if method == "persist_relation_docs" { "relation" } else { "columns" };
                let wanted = Self::lookup(vm, "persist_docs").and_then(|docs| docs.get(part)).and_then(Json::as_bool);
                Ok(Value::from(!vm.parsing() && wanted.unwrap_or(false)))
            }
            _ => {
                let mut args = vm.lift(match method {
                    "get" | "meta_get" => args.bind(method, &["name", "default", "validator"], 1),
                    _ => args.bind(method, &["name", "validator"], 1),
                })?;
                // As dbt: while parsing, settings are not yet known, and reading one gives an empty text.
                if vm.parsing() {
                    return Ok(Value::from(""));
                }
                let name = repr::text(&args.take(0));
                let found = if method.starts_with("meta") {
                    Self::lookup(vm, "meta").and_then(|meta| meta.get(&name)).filter(|value| !value.is_null())
                } else {
                    Self::lookup(vm, &name)
                };
                if let Some(found) = found {
                    return Ok(json::from_json(found));
                }
                if method.ends_with("require") {
                    let node = vm.node().get("name").and_then(Json::as_str).unwrap_or("this node").to_owned();
                    return Err(vm.fail_with_hint(
                        format!("{node} does not define a required config parameter '{name}'"),
                        format!("add {name}=… to its config()"),
                    ));
                }
                Ok(args.given(1).unwrap_or_else(value::none))
            }
        }
    }
}
