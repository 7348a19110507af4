//! The environment: macros loaded once, templates parsed and rendered against them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use millstream_core::{Diagnostics, Error, Place, Result};
use serde_json::{Map, Value as Json};

use crate::builtins::SECRET_PREFIX;
use crate::load;
use crate::syntax::Source;
use crate::syntax::ast::Macro;
use crate::value::{Value, json};
use crate::vm::{Args, Eval, MacroValue, Origin, Session, Stop, Vm};
use crate::{EnvironmentOptions, ParseContext, Parsed, RenderContext, Response, Template, TextMap, ValueScope, hint};

/// What kind of macro a [`MacroInfo`] tells of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MacroKind {
    /// A plain macro.
    Macro,
    /// A generic test; its macro name is `test_<name>`.
    Test,
    /// A materialization for one adapter (`default` for all); its macro name is `materialization_<name>_<adapter>`.
    Materialization {
        /// The adapter type.
        adapter: String,
    },
}

/// One macro, as the manifest lists it.
#[derive(Debug, Clone)]
pub struct MacroInfo {
    /// `macro.package.name`.
    pub unique_id: String,
    /// Its package.
    pub package: String,
    /// Its name as a function: `test_unique` for the test `unique`.
    pub name: String,
    /// What it is.
    pub kind: MacroKind,
    /// Path of its file from the package root.
    pub path: String,
    /// Line of its opening tag, from 1.
    pub line: u32,
    /// Its whole text with tags.
    pub sql: String,
    /// Its argument names, in order.
    pub arguments: Vec<String>,
    /// Unique ids of the macros that its text names.
    pub depends_on: BTreeSet<String>,
}

/// A macro that was loaded.
#[derive(Debug)]
pub(crate) struct Definition {
    pub(crate) info: MacroInfo,
    pub(crate) tree: Arc<Macro>,
    pub(crate) origin: Origin,
}

/// Macros by package and name.
pub(crate) type Packages = BTreeMap<Arc<str>, BTreeMap<String, Arc<Definition>>>;

/// What all clones of an environment share.
pub(crate) struct Inner {
    pub(crate) options: EnvironmentOptions,
    packages: Arc<Packages>,
}

impl Inner {
    fn new(options: EnvironmentOptions, packages: Arc<Packages>) -> Self {
        Self { options, packages }
    }
    pub(crate) fn definition(&self, package: &str, name: &str) -> Option<Arc<Definition>> {
        self.packages.get(package)?.get(name).cloned()
    }
    pub(crate) fn package_named(&self, name: &str) -> Option<Arc<str>> {
        self.packages.get_key_value(name).map(|(name, _)| name.clone())
    }
    pub(crate) fn package_names(&self) -> Vec<String> {
        self.packages.keys().map(|name| name.to_string()).collect()
    }
    pub(crate) fn macro_names_of(&self, package: &str) -> Vec<String> {
        self.packages.get(package).map(|all| all.keys().cloned().collect()).unwrap_or_default()
    }
    /// Every macro name that can be called without its package.
    pub(crate) fn macro_names(&self) -> Vec<String> {
        let own = self.macro_names_of(&self.options.project_name);
        own.into_iter().chain(self.macro_names_of("dbt")).chain(self.package_names()).collect()
    }
    /// The text with every secret of the environment replaced by `*****`.
    pub(crate) fn scrub(&self, text: &str) -> String {
        let secrets =
            self.options.env.iter().filter(|(name, secret)| name.starts_with(SECRET_PREFIX) && !secret.is_empty());
        secrets.fold(text.to_owned(), |text, (_, secret)| text.replace(secret.as_str(), "*****"))
    }
    fn scrubbed(&self, error: Error) -> Error {
        if self.scrub(&error.to_string()) == error.to_string() {
            return error;
        }
        let mut clean = Error::new(error.kind(), self.scrub(error.what()));
        if let Some(place) = error.place() {
            clean = clean.at(place.clone());
        }
        for cause in error.causes() {
            clean = clean.why(self.scrub(cause));
        }
        match error.fix() {
            Some(fix) => clean.hint(self.scrub(fix)),
            None => clean,
        }
    }
    fn finish<T>(&self, outcome: Eval<T>) -> Result<T> {
        outcome.map_err(|stop| match stop {
            Stop::Fail(error) => self.scrubbed(error),
            Stop::Return(_) => Error::ours("a return() was not caught"),
        })
    }
    fn test(&self, package: &str, name: &str) -> Option<&Arc<Definition>> {
        let known = |package: &str, name: &str| self.packages.get(package)?.get(name);
        if let Some((package, name)) = name.split_once('.') {
            return known(package, &format!("test_{name}"));
        }
        let wanted = format!("test_{name}");
        [package, &self.options.project_name, "dbt"].iter().find_map(|package| known(package, &wanted))
    }
}

/// Macros loaded once; templates are parsed and rendered against them. Cheap to clone, safe to share between threads.
#[derive(Clone)]
pub struct Environment {
    inner: Arc<Inner>,
}

impl Environment {
    /// Loads all macros, the built-in ones too.
    ///
    /// Errors: every syntax error of every file, every macro that is there twice in a package, with its place.
    pub fn new(options: EnvironmentOptions) -> std::result::Result<Self, Diagnostics> {
        let packages = load::packages(&options)?;
        Ok(Self { inner: Arc::new(Inner::new(options, Arc::new(packages))) })
    }

    /// Without any macros: enough for [`render_value`](Self::render_value), since YAML values see none.
    pub fn for_values(options: EnvironmentOptions) -> Self {
        Self { inner: Arc::new(Inner::new(options, Arc::default())) }
    }

    /// The same macros with another `graph` variable (known only after parsing).
    pub fn with_graph(&self, graph: Json) -> Self {
        let options = EnvironmentOptions { graph, ..self.inner.options.clone() };
        Self { inner: Arc::new(Inner::new(options, self.inner.packages.clone())) }
    }

    /// What it was made from.
    pub fn options(&self) -> &EnvironmentOptions {
        &self.inner.options
    }

    /// Every macro, by package and name.
    pub fn macros(&self) -> Vec<MacroInfo> {
        self.inner.packages.values().flat_map(BTreeMap::values).map(|definition| definition.info.clone()).collect()
    }

    /// The macro of that name in that package.
    pub fn find_macro(&self, package: &str, name: &str) -> Option<MacroInfo> {
        self.inner.definition(package, name).map(|found| found.info.clone())
    }

    /// The generic test of that name as a template of `package` sees it; a name may carry its package
    /// (`dbt_utils.accepted_range`).
    pub fn find_test(&self, package: &str, name: &str) -> Option<&MacroInfo> {
        self.inner.test(package, name).map(|found| &found.info)
    }

    fn source(template: &Template<'_>) -> Arc<Source> {
        Arc::new(Source::new(template.package, template.path, template.text, template.line))
    }

    fn parse_with(
        &self,
        source: Arc<Source>,
        context: &ParseContext,
        run: impl FnOnce(&mut Vm<'_>) -> Eval<String>,
    ) -> Result<Parsed> {
        let mut vm = Vm::new(&self.inner, Session::Parse { context, found: Box::default() }, source);
        let outcome = run(&mut vm);
        let text = self.inner.finish(outcome)?;
        match std::mem::replace(&mut vm.session, Session::Value(ValueScope::Project)) {
            Session::Parse { found, .. } => Ok(Parsed { text, ..*found }),
            _ => Err(Error::ours("parsing lost its findings")),
        }
    }

    /// Renders with `execute = false` and notes every `ref`, `source`, `config`, `var`, …
    ///
    /// Errors (kind user): broken syntax, a macro or package that is not there, wrong arguments; with file, line and
    /// column, and the macros that led there.
    pub fn parse(&self, template: &Template<'_>, context: &ParseContext) -> Result<Parsed> {
        self.parse_with(Self::source(template), context, |vm| vm.run())
    }

    /// Renders to text.
    ///
    /// Errors as for [`parse`](Self::parse), and those of the resolver and the adapter with the kind they have.
    pub fn render(&self, template: &Template<'_>, context: &RenderContext) -> Result<String> {
        let mut vm = Vm::new(&self.inner, Session::Render(context), Self::source(template));
        let outcome = vm.run();
        self.inner.finish(outcome)
    }

    /// As [`render`](Self::render), with where each part of the text comes from.
    pub fn render_mapped(&self, template: &Template<'_>, context: &RenderContext) -> Result<(String, TextMap)> {
        let mut vm = Vm::new(&self.inner, Session::Render(context), Self::source(template));
        let outcome = vm.run_mapped();
        self.inner.finish(outcome)
    }

    /// As [`parse`](Self::parse), for a generic test called with these arguments (`model`, `column_name`, …).
    /// Text arguments are themselves templates (`model` normally is `{{ get_where_subquery(ref('x')) }}`).
    pub fn parse_test(&self, test: &TestCall<'_>, context: &ParseContext) -> Result<Parsed> {
        self.parse_with(place_source(test.package, test.place), context, |vm| self.run_test(vm, test))
    }

    /// The SQL of a generic test.
    pub fn render_test(&self, test: &TestCall<'_>, context: &RenderContext) -> Result<String> {
        let mut vm = Vm::new(&self.inner, Session::Render(context), place_source(test.package, test.place));
        let outcome = self.run_test(&mut vm, test);
        self.inner.finish(outcome)
    }

    fn run_test(&self, vm: &mut Vm<'_>, test: &TestCall<'_>) -> Eval<String> {
        let Some(definition) = self.inner.test(test.package, test.name) else {
            let known: Vec<String> =
                self.macros().into_iter().filter(|info| info.kind == MacroKind::Test).map(test_name).collect();
            let message = format!("there is no generic test '{}'", test.name);
            return Err(match hint::nearest(test.name, known.iter().map(String::as_str)) {
                Some(near) => vm.fail_with_hint(message, format!("did you mean '{near}'?")),
                None => vm.fail_with_hint(message, "define it with {% test … %} in tests/generic or macros"),
            });
        };
        let mut args = Args::default();
        for (name, argument) in test.arguments {
            // As in dbt: a column name is a name, whatever it looks like.
            let value =
                if name == "column_name" { json::from_json(argument) } else { template_value(vm, name, argument)? };
            args.named.insert(name.clone(), value);
        }
        let called = crate::value::native(MacroValue::of(definition));
        vm.call_value(&called, args).map(|value| crate::value::repr::text(&value))
    }

    /// Calls a macro (`generate_schema_name`, a hook, `run-operation`) with JSON arguments; gives what it returned,
    /// which is text unless it used `return()`. The name is looked for in the package, the root project, then in dbt's
    /// own macros.
    pub fn call_macro(&self, call: &MacroCall<'_>, context: &RenderContext) -> Result<Json> {
        let mut vm = Vm::new(&self.inner, Session::Render(context), place_source(call.package, call.place));
        let outcome = self.call(&mut vm, call).map(|value| json::to_json(&value));
        self.inner.finish(outcome)
    }

    /// Calls a materialization; gives what its statement named `main` did, where it has one.
    ///
    /// Errors as for [`render`](Self::render), and when it does not return a dict with the relations it has made.
    pub fn materialize(&self, call: &MacroCall<'_>, context: &RenderContext) -> Result<Option<Response>> {
        let mut vm = Vm::new(&self.inner, Session::Render(context), place_source(call.package, call.place));
        let outcome = self.call(&mut vm, call).and_then(|value| {
            let returned = json::to_json(&value);
            if returned.get("relations").is_some_and(Json::is_array) {
                return Ok(());
            }
            Err(vm.fail_with_hint(
                format!("the materialization {} returns no relations", call.name),
                "end it with {{ return({'relations': [target_relation]}) }}",
            ))
        });
        self.inner.finish(outcome)?;
        let main = vm.results.get("main").map(json::to_json);
        Ok(main.and_then(|main| main.get("response").cloned()).map(|response| Response {
            message: response.get("_message").and_then(Json::as_str).unwrap_or_default().to_owned(),
            rows_affected: response.get("rows_affected").and_then(Json::as_i64),
        }))
    }

    fn call(&self, vm: &mut Vm<'_>, call: &MacroCall<'_>) -> Eval<Value> {
        let (package, name) = match call.name.split_once('.') {
            Some((package, name)) => (Some(package), name),
            None => (None, call.name),
        };
        match vm.macro_named(package, name, true) {
            Some(definition) => {
                let called = crate::value::native(MacroValue::of(&definition));
                let named = call.named.iter().map(|(name, value)| (name.clone(), json::from_json(value))).collect();
                let args = Args { positional: call.positional.iter().map(json::from_json).collect(), named };
                vm.call_value(&called, args)
            }
            None => {
                let known = self.inner.macro_names();
                Err(vm.fail_near(
                    format!("there is no macro '{}'", call.name),
                    call.name,
                    known.iter().map(String::as_str),
                ))
            }
        }
    }

    /// Renders one YAML text. A text that is one expression keeps its type (`{{ 1 + 1 }}` is the number 2;
    /// `{{ env_var('N') | as_number }}` too), as in dbt; anything else is text.
    pub fn render_value(&self, text: &str, place: &Place, package: &str, scope: ValueScope) -> Result<Json> {
        if !is_template(text) {
            return Ok(Json::String(text.to_owned()));
        }
        let source = Arc::new(Source::new(package, &place.file, text, place.line.unwrap_or(1)));
        let mut vm = Vm::new(&self.inner, Session::Value(scope), source);
        let outcome = vm.run_native();
        self.inner.finish(outcome).map(|value| json::to_json(&value))
    }

    /// The text with every secret of the environment (`DBT_ENV_SECRET…`) replaced by `*****`: for logs and errors made
    /// from what [`render_value`](Self::render_value) gave for a profile.
    pub fn scrub(&self, text: &str) -> String {
        self.inner.scrub(text)
    }
}

fn test_name(info: MacroInfo) -> String {
    let bare = info.name.trim_start_matches("test_");
    if info.package == "dbt" { bare.to_owned() } else { format!("{}.{bare}", info.package) }
}

fn place_source(package: &str, place: &Place) -> Arc<Source> {
    Arc::new(Source::new(package, &place.file, "", place.line.unwrap_or(1)))
}

/// Whether a text has anything to render.
fn is_template(text: &str) -> bool {
    ["{{", "{%", "{#"].iter().any(|open| text.contains(open))
}

/// An argument of a test: texts are templates, and a bare call like `ref('x')` is one too.
fn template_value(vm: &mut Vm<'_>, name: &str, argument: &Json) -> Eval<Value> {
    Ok(match argument {
        Json::String(text) if is_template(text) => vm.render_text_native(&format!("argument {name}"), text)?,
        Json::String(text) if is_bare_call(text) => {
            vm.render_text_native(&format!("argument {name}"), &format!("{{{{ {text} }}}}"))?
        }
        Json::Array(items) => {
            let items: Eval<Vec<Value>> = items.iter().map(|item| template_value(vm, name, item)).collect();
            crate::value::list(items?)
        }
        Json::Object(map) => {
            let mut pairs = Vec::with_capacity(map.len());
            for (key, item) in map {
                pairs.push((key.as_str(), template_value(vm, name, item)?));
            }
            crate::value::dict(pairs)
        }
        other => json::from_json(other),
    })
}

fn is_bare_call(text: &str) -> bool {
    let text = text.trim();
    let called = ["env_var", "ref", "var", "source", "doc"]
        .iter()
        .any(|name| text.strip_prefix(name).is_some_and(|rest| rest.trim_start().starts_with('(')));
    called && text.ends_with(')')
}

/// A generic test and its arguments.
#[derive(Debug, Clone, Copy)]
pub struct TestCall<'a> {
    /// The package whose names the arguments see.
    pub package: &'a str,
    /// The test, with its package if the YAML says so: `unique`, `dbt_utils.accepted_range`.
    pub name: &'a str,
    /// Its arguments.
    pub arguments: &'a Map<String, Json>,
    /// Where the test is declared, for errors.
    pub place: &'a Place,
}

/// A macro and its arguments.
#[derive(Debug, Clone, Copy)]
pub struct MacroCall<'a> {
    /// The package whose names are searched first.
    pub package: &'a str,
    /// The macro, with its package if it has one.
    pub name: &'a str,
    /// Arguments by position.
    pub positional: &'a [Json],
    /// Arguments by name.
    pub named: &'a Map<String, Json>,
    /// Where the call comes from, for errors.
    pub place: &'a Place,
}
