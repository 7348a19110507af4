//! `ref`: callable, and by `builtins.ref.config` the run as dbt's own objects have it.
//!
//! dbt documents no way to ask for a package's version, the name of the root project or all variables; packages that
//! keep a record of runs take this one. What is here: `project_name`, `version`, `vars`, `cli_vars`, `args`,
//! `profile_name`, `target_name`, and `dependencies` with the first three for every package.

use std::any::Any;

use serde_json::Value as Json;

use super::inputs;
use crate::EnvironmentOptions;
use crate::value::{self, Native, Value, json};
use crate::vm::{Args, Eval, Vm};

/// The function.
#[derive(Debug)]
pub(super) struct Ref;

impl Native for Ref {
    fn type_name(&self) -> &'static str {
        "function"
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
    fn text(&self) -> String {
        "<function ref>".to_owned()
    }
    fn attribute(&self, vm: &mut Vm<'_>, name: &str) -> Option<Value> {
        (name == "config").then(|| config(&vm.env.options))
    }
    fn callable(&self) -> bool {
        true
    }
    fn call(&self, vm: &mut Vm<'_>, args: Args) -> Eval<Value> {
        inputs::reference(vm, args)
    }
}

fn config(options: &EnvironmentOptions) -> Value {
    let target = |key: &str| options.target.get(key).map_or_else(value::none, json::from_json);
    let packages: Vec<_> =
        options.vars.by_package.keys().map(|name| (name.as_str(), value::dict(package(options, name)))).collect();
    let flags = options.flags.iter().map(|(name, flag)| (name.to_lowercase(), json::from_json(flag)));
    let mut all = package(options, &options.project_name);
    all.extend([
        ("cli_vars", json::from_json(&Json::Object(options.vars.overrides.clone()))),
        ("args", value::dict(flags)),
        ("profile_name", target("profile_name")),
        ("target_name", target("name")),
        ("dependencies", value::dict(packages)),
    ]);
    value::dict(all)
}

fn package(options: &EnvironmentOptions, name: &str) -> Vec<(&'static str, Value)> {
    let vars = options.vars.by_package.get(name).cloned().unwrap_or_default();
    let version = options.versions.get(name).map_or_else(value::none, |version| Value::from(version.as_str()));
    vec![("project_name", Value::from(name)), ("version", version), ("vars", json::from_json(&Json::Object(vars)))]
}
