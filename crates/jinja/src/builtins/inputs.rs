//! What a template takes from outside: `ref`, `source`, `var`, `env_var`, `doc`, `metric`, `is_incremental`.

use super::runtime::Ref;
use super::{from_table, overrides};
use crate::value::native::Functions;
use crate::value::{self, Value, json, repr};
use crate::vm::{Args, Eval, Session, Vm};
use crate::{RefCall, RelationKind, SourceCall, ValueScope, hint};

/// Names that start so hold secrets: only `profiles.yml` may read them, and they are never shown.
pub(crate) const SECRET_PREFIX: &str = "DBT_ENV_SECRET";

const OF_NODE: &Functions = &[("source", source), ("doc", doc), ("metric", metric), ("is_incremental", is_incremental)];

const READING: &Functions = &[("env_var", env_var)];

pub(super) fn function_named(name: &str) -> Option<Value> {
    if name == "ref" { Some(value::native(Ref)) } else { from_table(OF_NODE, name) }
}

pub(super) fn reading_function_named(name: &str) -> Option<Value> {
    if name == "var" { Some(value::native(Var)) } else { from_table(READING, name) }
}

pub(super) fn reference(vm: &mut Vm<'_>, mut args: Args) -> Eval<Value> {
    let version = args.named.shift_remove("version").or_else(|| args.named.shift_remove("v"));
    let version = version.filter(|version| !version.is_none()).map(|version| repr::text(&version));
    if let Some(name) = args.named.keys().next() {
        return Err(vm.fail(format!("ref() got an unexpected keyword argument '{name}'")));
    }
    let texts: Vec<String> = args.positional.iter().map(repr::text).collect();
    let (package, name) = match texts.as_slice() {
        [name] => (None, name.clone()),
        [package, name] => (Some(package.clone()), name.clone()),
        other => {
            return Err(vm.fail_with_hint(
                format!("ref() takes one or two names, {} given", other.len()),
                "write ref('model') or ref('package', 'model')",
            ));
        }
    };
    if args.positional.iter().any(|arg| arg.as_str().is_none()) {
        return Err(vm.fail_with_hint("ref() takes names as text", "put the name of the model in quotes"));
    }
    if vm.parsing() {
        let place = vm.place();
        let call = RefCall {
            package,
            name,
            version,
            line: place.line.unwrap_or(1),
            column: place.column.unwrap_or(1),
            file: place.file,
        };
        vm.note(|found| {
            let known = |other: &RefCall| {
                (&other.package, &other.name, &other.version) == (&call.package, &call.name, &call.version)
            };
            if !found.refs.iter().any(known) {
                found.refs.push(call);
            }
        });
        return Ok(super::this(vm).map_or_else(value::none, super::relation));
    }
    let Session::Render(context) = &vm.session else { return Err(vm.fail("ref() has no meaning here")) };
    let found = context.resolver.resolve_ref(package.as_deref(), &name, version.as_deref());
    found.map(super::relation).map_err(|error| vm.foreign(error))
}

fn source(vm: &mut Vm<'_>, args: Args) -> Eval<Value> {
    if args.positional.len() + args.named.len() != 2 {
        let message =
            format!("source() takes a source and a table, {} given", args.positional.len() + args.named.len());
        return Err(vm.fail_with_hint(message, "write source('source_name', 'table_name')"));
    }
    let [source, table] = vm.lift(args.exactly("source", ["source_name", "table_name"]))?;
    let (source, table) = (repr::text(&source), repr::text(&table));
    if vm.parsing() {
        let place = vm.place();
        let (line, column) = (place.line.unwrap_or(1), place.column.unwrap_or(1));
        let call = SourceCall { source, table, line, column, file: place.file };
        vm.note(|found| {
            if !found.sources.iter().any(|other| other.source == call.source && other.table == call.table) {
                found.sources.push(call);
            }
        });
        return Ok(super::this(vm).map_or_else(value::none, super::relation));
    }
    let Session::Render(context) = &vm.session else { return Err(vm.fail("source() has no meaning here")) };
    let found = context.resolver.resolve_source(&source, &table);
    found.map(super::relation).map_err(|error| vm.foreign(error))
}

/// `var`: callable, and asks by `var.has_var(name)` whether there is one.
#[derive(Debug)]
struct Var;

impl value::Native for Var {
    fn type_name(&self) -> &'static str {
        "Var"
    }
    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
    fn methods(&self) -> &'static [&'static str] {
        &["has_var"]
    }
    fn call_method(&self, vm: &mut Vm<'_>, _name: &str, args: Args) -> Eval<Value> {
        let [name] = vm.lift(args.exactly("has_var", ["var_name"]))?;
        let name = repr::text(&name);
        let is_overridden = overrides::of(vm).is_some_and(|overrides| overrides.vars.contains_key(&name));
        Ok(Value::from(is_overridden || vm.env.options.vars.get(&vm.package, &name).is_some()))
    }
    fn callable(&self) -> bool {
        true
    }
    fn call(&self, vm: &mut Vm<'_>, args: Args) -> Eval<Value> {
        let mut args = vm.lift(args.bind("var", &["var_name", "default"], 1))?;
        let name = repr::text(&args.take(0));
        vm.note(|found| {
            found.vars.insert(name.clone());
        });
        if let Some(found) = overrides::of(vm).and_then(|overrides| overrides.vars.get(&name)) {
            return Ok(json::from_json(found));
        }
        let package = vm.package.clone();
        if let Some(found) = vm.env.options.vars.get(&package, &name) {
            // A variable may itself be a template: `start: "{{ env_var('START') }}"`.
            if let Some(text) = found.as_str().filter(|text| text.contains("{{") || text.contains("{%")) {
                let text = text.to_owned();
                return vm.render_text(&format!("var {name}"), &text).map(Value::from);
            }
            return Ok(json::from_json(found));
        }
        if let Some(default) = args.given(1) {
            return Ok(default);
        }
        // dbt's parser takes a missing variable for None; the error comes when the node is rendered.
        if vm.parsing() {
            return Ok(value::none());
        }
        let known: Vec<String> = vm.env.options.vars.names(&package).map(str::to_owned).collect();
        let node = vm.node().get("unique_id").or_else(|| vm.node().get("name")).and_then(|id| id.as_str());
        let message = match node {
            Some(node) => format!("Required var '{name}' not found in config of {node}"),
            None => format!("Required var '{name}' not found in config"),
        };
        Err(match hint::nearest(&name, known.iter().map(String::as_str)) {
            Some(near) => vm.fail_with_hint(message, format!("did you mean '{near}'?")),
            None => vm.fail_with_hint(
                message,
                format!("set it under vars: in dbt_project.yml, with --vars '{{{name}: value}}', or give var('{name}', default) one"),
            ),
        })
    }
}

fn env_var(vm: &mut Vm<'_>, args: Args) -> Eval<Value> {
    let mut args = vm.lift(args.bind("env_var", &["var", "default"], 1))?;
    let name = repr::text(&args.take(0));
    let default = args.given(1).filter(|default| !default.is_none());
    if name.starts_with(SECRET_PREFIX) && !matches!(vm.session, Session::Value(ValueScope::Profile)) {
        return Err(vm.fail_with_hint(
            format!(
                "Secret env vars are allowed only in profiles.yml or packages.yml. Found '{name}' referenced elsewhere."
            ),
            format!("use a variable whose name does not start with {SECRET_PREFIX}"),
        ));
    }
    vm.env.options.reads.read_env(&name);
    let noted = default.as_ref().map(json::to_json);
    vm.note(|found| drop(found.env_vars.insert(name.clone(), noted)));
    if let Some(found) = overrides::of(vm).and_then(|overrides| overrides.env_vars.get(&name)) {
        return Ok(found.as_str().map_or_else(|| Value::from(found.to_string()), Value::from));
    }
    if let Some(found) = vm.env.options.env.get(&name) {
        return Ok(Value::from(found.as_str()));
    }
    default.ok_or_else(|| {
        vm.fail_with_hint(
            format!("Env var required but not provided: '{name}'"),
            format!("set {name}, or give env_var('{name}', 'default') a default"),
        )
    })
}

fn doc(vm: &mut Vm<'_>, args: Args) -> Eval<Value> {
    let texts: Vec<String> = args.positional.iter().map(repr::text).collect();
    let (package, name) = match texts.as_slice() {
        [name] => (None, name.clone()),
        [package, name] => (Some(package.clone()), name.clone()),
        other => return Err(vm.fail(format!("doc() takes one or two names, {} given", other.len()))),
    };
    vm.note(|found| {
        found.docs.insert((package.clone(), name.clone()));
    });
    let docs = &vm.env.options.docs;
    let order: Vec<&str> = match &package {
        Some(package) => vec![package],
        None => vec![&vm.package, &vm.env.options.project_name],
    };
    let found = order.iter().find_map(|package| docs.get(&((*package).to_owned(), name.clone())));
    let found = found.or_else(|| {
        // As dbt: without a package, any package will do.
        package.is_none().then(|| docs.iter().find(|((_, doc), _)| *doc == name).map(|(_, text)| text)).flatten()
    });
    match found {
        Some(text) => Ok(Value::from(text.as_str())),
        None => Err(vm.fail_near(
            format!("Documentation for '{name}' was not found"),
            &name,
            docs.keys().map(|(_, name)| name.as_str()),
        )),
    }
}

fn metric(vm: &mut Vm<'_>, args: Args) -> Eval<Value> {
    let Some(name) = args.positional.last().map(repr::text) else { return Err(vm.fail("metric() takes a name")) };
    vm.note(|found| {
        found.metrics.insert(name.clone());
    });
    Ok(Value::from(name))
}

/// Whether the model adds to a table that is there: dbt's rule, unless the runner has decided.
fn is_incremental(vm: &mut Vm<'_>, args: Args) -> Eval<Value> {
    vm.lift(args.none("is_incremental"))?;
    vm.note(|found| found.uses_is_incremental = true);
    let Session::Render(context) = &vm.session else { return Ok(Value::from(false)) };
    if let Some(decided) = context.is_incremental {
        return Ok(Value::from(decided));
    }
    let config = context.node.get("config");
    let materialized = config.and_then(|config| config.get("materialized")).and_then(|value| value.as_str());
    let own = config.and_then(|config| config.get("full_refresh")).and_then(|value| value.as_bool());
    let flag = vm.env.options.flags.get("FULL_REFRESH").and_then(|value| value.as_bool());
    if !context.execute || materialized != Some("incremental") || own.or(flag).unwrap_or(false) {
        return Ok(Value::from(false));
    }
    let Some(this) = super::this(vm) else { return Ok(Value::from(false)) };
    let (Some(schema), Some(identifier)) = (&this.schema, &this.identifier) else { return Ok(Value::from(false)) };
    context.varies.set();
    let found = context
        .adapter
        .get_relation(this.database.as_deref(), schema, identifier)
        .map_err(|error| vm.foreign(error))?;
    Ok(Value::from(found.is_some_and(|found| found.kind == Some(RelationKind::Table))))
}
