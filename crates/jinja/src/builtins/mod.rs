//! The names that dbt gives templates.

mod adapter;
mod config;
mod data;
mod exceptions;
mod grants;
mod inputs;
mod itertools;
pub(crate) mod overrides;
mod regex;
mod relation;
mod results;
mod runtime;
mod table;
mod text;
mod time;

use std::any::Any;
use std::sync::{Arc, Mutex, PoisonError};

use indexmap::IndexMap;

use crate::value::native::{Functions, Module, function};
use crate::value::{self, Native, Value, json};
use crate::vm::{MacroValue, Session, Vm};
use crate::{DBT_VERSION, Relation, RenderContext, ValueScope};

pub(crate) use inputs::SECRET_PREFIX;
pub(crate) use relation::relation;

/// Every name of the context, for hints and for `context`.
pub(crate) const CONTEXT_NAMES: &[&str] = &[
    "adapter",
    "api",
    "builtins",
    "column",
    "compiled_code",
    "config",
    "connection_name",
    "context",
    "cycler",
    "database",
    "dbt_metadata_envs",
    "dbt_version",
    "dict",
    "diff_of_two_dicts",
    "doc",
    "env_var",
    "exceptions",
    "execute",
    "flags",
    "fromjson",
    "fromyaml",
    "graph",
    "invocation_args_dict",
    "invocation_id",
    "is_incremental",
    "joiner",
    "load_result",
    "local_md5",
    "log",
    "metric",
    "model",
    "modules",
    "namespace",
    "node",
    "print",
    "project_name",
    "range",
    "ref",
    "render",
    "return",
    "run_started_at",
    "schema",
    "selected_resources",
    "set",
    "set_strict",
    "source",
    "sql",
    "store_raw_result",
    "store_result",
    "target",
    "this",
    "thread_id",
    "tojson",
    "toyaml",
    "try_or_compiler_error",
    "validation",
    "var",
    "write",
    "zip",
    "zip_strict",
];

/// The value of a name of the context; none if it is not one, or not there for this rendering.
pub(crate) fn context(vm: &mut Vm<'_>, name: &str) -> Option<Value> {
    if let Some(found) = data::function_named(name).or_else(|| text::function_named(name)) {
        return Some(found);
    }
    if let Session::Value(scope) = vm.session {
        return match (name, scope) {
            ("target", ValueScope::Profile) => None,
            (
                "target" | "modules" | "project_name" | "dbt_version" | "invocation_id" | "run_started_at" | "flags",
                _,
            ) => shared(vm, name),
            ("var" | "env_var" | "exceptions", _) => node_free(name),
            // Descriptions are values too.
            ("doc", ValueScope::Project) => inputs::function_named(name),
            _ => None,
        };
    }
    shared(vm, name)
        .or_else(|| node_free(name))
        .or_else(|| inputs::function_named(name))
        .or_else(|| results::function_named(name))
        .or_else(|| of_node(vm, name))
}

/// Functions that need no node.
fn node_free(name: &str) -> Option<Value> {
    exceptions::named(name).or_else(|| inputs::reading_function_named(name))
}

/// Values that are the same for all templates of a run; each is made once per rendering.
fn shared(vm: &mut Vm<'_>, name: &str) -> Option<Value> {
    if let Some(found) = vm.cache.get(name) {
        return Some(found.clone());
    }
    if matches!(name, "invocation_id" | "run_started_at" | "thread_id") {
        vm.read_moving();
    }
    let options = &vm.env.options;
    let (key, made): (&'static str, Value) = match name {
        "target" => ("target", json::from_json(&options.target)),
        "flags" => ("flags", json::from_json(&serde_json::Value::Object(options.flags.clone()))),
        "graph" => match &vm.session {
            Session::Render(_) if !options.graph.is_null() => ("graph", json::from_json(&options.graph)),
            _ => return Some(value::none()),
        },
        "modules" => ("modules", modules(vm)),
        "api" => ("api", relation::api()),
        "project_name" => ("project_name", Value::from(options.project_name.as_str())),
        "dbt_version" => ("dbt_version", Value::from(DBT_VERSION)),
        "invocation_id" => ("invocation_id", Value::from(options.invocation_id.as_str())),
        "invocation_args_dict" => {
            let lower = options.flags.iter().map(|(name, flag)| (name.to_lowercase(), json::from_json(flag)));
            ("invocation_args_dict", value::dict(lower))
        }
        "run_started_at" => ("run_started_at", time::instant(options.now)),
        "dbt_metadata_envs" => {
            const PREFIX: &str = "DBT_ENV_CUSTOM_ENV_";
            let found = options
                .env
                .iter()
                .filter_map(|(name, text)| Some((name.strip_prefix(PREFIX)?, Value::from(text.as_str()))));
            ("dbt_metadata_envs", value::dict(found))
        }
        "selected_resources" => {
            // Unknown while a project is read, as in dbt.
            let ids = match &vm.session {
                Session::Render(context) => {
                    context.varies.set();
                    context.selected.iter().map(|id| Value::from(id.as_str())).collect()
                }
                _ => Vec::new(),
            };
            ("selected_resources", value::list(ids))
        }
        "thread_id" => ("thread_id", Value::from(format!("{:?}", std::thread::current().id()))),
        _ => return None,
    };
    vm.cache.insert(key, made.clone());
    Some(made)
}

fn modules(vm: &Vm<'_>) -> Value {
    let members = vec![
        ("datetime", time::datetime_module(vm.env.options.now)),
        ("pytz", time::pytz_module()),
        ("re", regex::module()),
        ("itertools", itertools::module()),
    ];
    value::native(Module { name: "modules", members })
}

/// Values that tell of the node in work.
fn of_node(vm: &mut Vm<'_>, name: &str) -> Option<Value> {
    Some(match name {
        "this" => {
            vm.note(|found| found.uses_this = true);
            this(vm).map_or_else(value::none, relation)
        }
        "model" | "node" => {
            if let Some(found) = vm.cache.get("model") {
                return Some(found.clone());
            }
            let made = json::from_json(vm.node());
            vm.cache.insert("model", made.clone());
            made
        }
        "config" => value::native(config::Config),
        "adapter" => value::native(adapter::AdapterObject),
        "execute" => Value::from(vm.executes()),
        "schema" | "database" => {
            let own = vm.node().get(name).cloned();
            let from = own.filter(|value| !value.is_null()).or_else(|| vm.env.options.target.get(name).cloned());
            from.as_ref().map_or_else(value::none, json::from_json)
        }
        "builtins" => value::native(Context { builtins: true }),
        "context" => value::native(Context { builtins: false }),
        "connection_name" => vm.node().get("unique_id").map_or_else(value::none, json::from_json),
        "sql" | "compiled_code" => {
            let found = vm.node().get("compiled_code").or_else(|| vm.node().get("compiled_sql"));
            found.map_or_else(value::none, json::from_json)
        }
        "column" => return value::as_native::<Module>(&relation::api()).and_then(|api| api.get("Column")),
        _ => return None,
    })
}

/// The relation of the node in work.
pub(crate) fn this(vm: &Vm<'_>) -> Option<Relation> {
    match &vm.session {
        Session::Render(RenderContext { this, .. }) => this.clone().or_else(|| this_of(vm)),
        Session::Parse { context, .. } => context.this.clone().or_else(|| this_of(vm)),
        Session::Value(_) => None,
    }
}

fn this_of(vm: &Vm<'_>) -> Option<Relation> {
    let node = vm.node();
    let text = |key: &str| node.get(key).and_then(|value| value.as_str()).map(str::to_owned);
    let target = |key: &str| vm.env.options.target.get(key).and_then(|value| value.as_str()).map(str::to_owned);
    let identifier = text("alias").or_else(|| text("name"))?;
    let schema = text("schema").or_else(|| target("schema"))?;
    let relation = Relation::new(schema, identifier);
    Some(match text("database").or_else(|| target("database")) {
        Some(database) => relation.with_database(database, false),
        None => relation,
    })
}

/// `builtins` (dbt's own meaning of a name, whatever a macro made of it) and `context` (every name).
#[derive(Debug)]
struct Context {
    builtins: bool,
}

impl Native for Context {
    fn type_name(&self) -> &'static str {
        "context"
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
    fn attribute(&self, vm: &mut Vm<'_>, name: &str) -> Option<Value> {
        if self.builtins { context(vm, name) } else { vm.global(name) }
    }
    fn attributes(&self, _vm: &Vm<'_>) -> Vec<String> {
        CONTEXT_NAMES.iter().map(|name| (*name).to_owned()).collect()
    }
    fn methods(&self) -> &'static [&'static str] {
        if self.builtins { &["get"] } else { &["get", "update"] }
    }
    fn call_method(&self, vm: &mut Vm<'_>, name: &str, args: crate::vm::Args) -> crate::vm::Eval<Value> {
        if name == "update" {
            let more = args.positional.first().and_then(value::pairs).unwrap_or_default();
            let more = more.into_iter().map(|(key, item)| (value::repr::text(&key), item));
            vm.added.extend(more.chain(args.named));
            return Ok(value::none());
        }
        let mut args = vm.lift(args.bind(name, &["key", "default"], 1))?;
        let key = value::repr::text(&args.take(0));
        Ok(self.attribute(vm, &key).or_else(|| args.given(1)).unwrap_or_else(value::none))
    }
}

/// A package: its macros as attributes.
#[derive(Debug)]
pub(crate) struct Package(pub(crate) Arc<str>);

impl Native for Package {
    fn type_name(&self) -> &'static str {
        "package"
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
    fn text(&self) -> String {
        self.0.to_string()
    }
    fn attribute(&self, vm: &mut Vm<'_>, name: &str) -> Option<Value> {
        // A macro of the root project named like one of dbt's own replaces it also when it is called as `dbt.name`? No:
        // a package name means exactly that package.
        vm.macro_named(Some(&self.0), name, false).map(|found| value::native(MacroValue::of(&found)))
    }
    fn attributes(&self, vm: &Vm<'_>) -> Vec<String> {
        vm.env.macro_names_of(&self.0)
    }
}

/// `namespace(…)`: an object whose attributes `{% set ns.x = … %}` changes from inside a loop.
#[derive(Debug)]
pub(crate) struct Namespace(Mutex<IndexMap<String, Value>>);

impl Namespace {
    pub(crate) fn new(values: IndexMap<String, Value>) -> Self {
        Self(Mutex::new(values))
    }
    pub(crate) fn set(&self, name: &str, value: Value) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), value);
    }
}

impl Native for Namespace {
    fn type_name(&self) -> &'static str {
        "Namespace"
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
    fn text(&self) -> String {
        let values = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let inner = value::dict(values.into_iter().map(|(key, item)| (Value::from(key), item)));
        format!("<Namespace {}>", value::repr::repr(&inner))
    }
    fn get(&self, name: &str) -> Option<Value> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }
}

/// A function of the table, as a value.
pub(crate) fn from_table(table: &'static Functions, name: &str) -> Option<Value> {
    table.iter().find(|(known, _)| *known == name).map(|(known, call)| function(known, *call))
}
