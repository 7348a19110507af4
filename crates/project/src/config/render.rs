//! Jinja in YAML values.

use std::cell::OnceCell;

use millstream_core::{Diagnostic, Diagnostics, Error, Place};
use millstream_jinja::{Environment, EnvironmentOptions, ValueScope};
use serde_json::Value;

use crate::yaml::{Entry, Kind, Mark, Yaml};

/// An environment for YAML values, made when the first text asks for it: most YAML has no Jinja.
pub(crate) struct LazyEnvironment {
    options: EnvironmentOptions,
    made: OnceCell<Environment>,
}

impl LazyEnvironment {
    pub(crate) fn new(options: EnvironmentOptions) -> Self {
        Self { options, made: OnceCell::new() }
    }

    fn get(&self) -> &Environment {
        self.made.get_or_init(|| Environment::for_values(self.options.clone()))
    }
}

/// What renders texts.
#[derive(Clone, Copy)]
pub(crate) enum Templates<'a> {
    /// All macros are read.
    Ready(&'a Environment),
    /// They will be, if need be.
    Lazy(&'a LazyEnvironment),
}

/// Renders the strings of YAML values.
pub(crate) struct Renderer<'a> {
    /// Macros, variables and the environment that strings may use.
    pub templates: Templates<'a>,
    /// Whose YAML it is.
    pub scope: ValueScope,
    /// Package whose variables are visible.
    pub package: &'a str,
    /// File, as messages show it.
    pub file: &'a str,
}

impl Renderer<'_> {
    /// The value with every string rendered except where `skip` says so of the path of keys (list elements have none).
    /// Problems go to `diagnostics`; what cannot be rendered stays as it was written.
    pub(crate) fn render(&self, yaml: &Yaml, skip: &dyn Fn(&[&str]) -> bool, diagnostics: &mut Diagnostics) -> Yaml {
        self.walk(yaml, &mut Vec::new(), skip, diagnostics)
    }

    /// As [`Renderer::render`], of everything.
    pub(crate) fn render_all(&self, yaml: &Yaml, diagnostics: &mut Diagnostics) -> Yaml {
        self.render(yaml, &|_| false, diagnostics)
    }

    fn walk<'y>(
        &self,
        yaml: &'y Yaml,
        path: &mut Vec<&'y str>,
        skip: &dyn Fn(&[&str]) -> bool,
        diagnostics: &mut Diagnostics,
    ) -> Yaml {
        if skip(path) {
            return yaml.clone();
        }
        let kind = match &yaml.kind {
            Kind::Text(text) if is_jinja(text) => match self.text(text, yaml.at) {
                Ok(value) => from_json(yaml.at, &value).kind,
                Err(diagnostic) => {
                    diagnostics.push(diagnostic);
                    yaml.kind.clone()
                }
            },
            Kind::List(items) => {
                Kind::List(items.iter().map(|item| self.walk(item, path, skip, diagnostics)).collect())
            }
            Kind::Map(entries) => {
                let mut rendered = Vec::with_capacity(entries.len());
                for entry in entries {
                    path.push(&entry.key);
                    let value = self.walk(&entry.value, path, skip, diagnostics);
                    path.pop();
                    rendered.push(Entry { key: entry.key.clone(), at: entry.at, value });
                }
                Kind::Map(rendered)
            }
            other => other.clone(),
        };
        Yaml::new(yaml.at, kind)
    }

    fn text(&self, text: &str, at: Mark) -> std::result::Result<Value, Diagnostic> {
        let place = at.in_file(self.file);
        let environment = match self.templates {
            Templates::Ready(environment) => environment,
            Templates::Lazy(lazy) => lazy.get(),
        };
        environment
            .render_value(text, &place, self.package, self.scope)
            .map_err(|error| diagnostic("jinja", &error, place))
    }
}

/// Whether a text has anything to render.
pub(crate) fn is_jinja(text: &str) -> bool {
    text.contains("{{") || text.contains("{%") || text.contains("{#")
}

/// A JSON value at a place.
pub(crate) fn from_json(at: Mark, value: &Value) -> Yaml {
    let kind = match value {
        Value::Null => Kind::Null,
        Value::Bool(value) => Kind::Bool(*value),
        Value::Number(number) => match number.as_i64() {
            Some(whole) => Kind::Int(whole),
            None => Kind::Float(number.as_f64().unwrap_or(f64::NAN)),
        },
        Value::String(text) => Kind::Text(text.clone()),
        Value::Array(items) => Kind::List(items.iter().map(|item| from_json(at, item)).collect()),
        Value::Object(object) => Kind::Map(
            object.iter().map(|(key, value)| Entry { key: key.clone(), at, value: from_json(at, value) }).collect(),
        ),
    };
    Yaml::new(at, kind)
}

/// A diagnostic that tells an error; its own place wins over `place`.
pub(crate) fn diagnostic(code: &'static str, error: &Error, place: Place) -> Diagnostic {
    let mut message = error.what().to_owned();
    for cause in error.causes() {
        message.push_str(": ");
        message.push_str(cause);
    }
    let mut diagnostic = Diagnostic::error(code, message).at(error.place().cloned().unwrap_or(place));
    if let Some(fix) = error.fix() {
        diagnostic = diagnostic.hint(fix);
    }
    diagnostic
}
