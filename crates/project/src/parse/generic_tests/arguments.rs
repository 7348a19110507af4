//! One entry of `data_tests:`, taken apart: test, arguments, configuration.

use millstream_core::{Diagnostic, Place};
use millstream_jinja::ValueScope;
use serde_json::{Map, Value};

use super::CONFIG_KEYS;
use crate::config::merge::{Setting, Settings};
use crate::config::render::{Renderer, Templates};
use crate::parse::Loading;
use crate::parse::columns::test_name;
use crate::parse::properties::Entry;
use crate::yaml::{Kind, Yaml};

/// One entry, taken apart.
#[derive(Debug)]
pub(super) struct Arguments {
    /// The test as it is called: `unique`, `dbt_utils.accepted_range`.
    pub call: String,
    /// Package in front of it.
    pub namespace: Option<String>,
    /// The test without its package.
    pub test: String,
    /// Where the entry stands.
    pub place: Place,
    /// What the test's macro is given, not rendered.
    pub kwargs: Map<String, Value>,
    /// Settings of the test, rendered.
    pub config: Settings,
    /// A name to use instead of dbt's.
    pub custom_name: Option<String>,
    /// What it proves.
    pub description: String,
}

impl Arguments {
    /// Takes an entry apart. `None` and diagnostics when it is no test.
    pub(super) fn read(loading: &Loading, entry: &Entry, column: Option<&str>, test: &Yaml) -> Option<Self> {
        let Call { name, at, entries } = call(loading, entry, test)?;
        let (namespace, test) = match name.split_once('.') {
            Some((namespace, test)) => (Some(namespace.to_owned()), test.to_owned()),
            None => (None, name.clone()),
        };
        let mut arguments = Self {
            call: name,
            namespace,
            test,
            place: at,
            kwargs: column.map(|column| ("column_name".to_owned(), column.into())).into_iter().collect(),
            config: Settings::new(),
            custom_name: None,
            description: String::new(),
        };
        for argument in entries {
            arguments.add(loading, entry, argument);
        }
        if arguments.kwargs.contains_key("model") {
            loading.report(
                Diagnostic::error("bad-test", "a test cannot be given 'model': it is what the test is declared on")
                    .at(arguments.place),
            );
            return None;
        }
        Some(arguments)
    }

    fn add(&mut self, loading: &Loading, entry: &Entry, argument: &crate::yaml::Entry) {
        let value = &argument.value;
        let is_map = matches!(value.kind, Kind::Map(_) | Kind::Null);
        match argument.key.as_str() {
            key @ ("config" | "arguments") if !is_map => loading.report(entry.wrong(key, value, "a mapping")),
            "config" => rendered(loading, entry, value).entries().iter().for_each(|setting| {
                self.set(loading, entry, setting);
            }),
            "arguments" => self.kwargs.extend(value.to_json_map()),
            "name" => self.custom_name = value.scalar_text(),
            "description" => self.description = value.scalar_text().unwrap_or_default(),
            key if CONFIG_KEYS.contains(&key) => {
                let value = rendered(loading, entry, value);
                if !value.is_null() {
                    self.set(loading, entry, &crate::yaml::Entry { value, ..argument.clone() });
                }
            }
            key => {
                self.kwargs.insert(key.to_owned(), value.to_json());
            }
        }
    }

    fn set(&mut self, loading: &Loading, entry: &Entry, setting: &crate::yaml::Entry) {
        let place = setting.at.in_file(&entry.file);
        if self.config.contains_key(&setting.key) {
            loading.report(
                Diagnostic::error("duplicate", format!("'{}' stands beside 'config:' and in it", setting.key))
                    .at(place.clone())
                    .hint("keep the one under 'config:'"),
            );
        }
        self.config.insert(setting.key.clone(), Setting { value: setting.value.to_json(), place });
    }
}

fn rendered(loading: &Loading, entry: &Entry, yaml: &Yaml) -> Yaml {
    let renderer = Renderer {
        templates: Templates::Ready(&loading.environment),
        scope: ValueScope::Project,
        package: &loading.packages[entry.package].name,
        file: &entry.file,
    };
    loading.collecting(|diagnostics| renderer.render_all(yaml, diagnostics))
}

/// Name and mapping of one entry.
struct Call<'y> {
    name: String,
    at: Place,
    entries: Vec<&'y crate::yaml::Entry>,
}

fn call<'y>(loading: &Loading, entry: &Entry, test: &'y Yaml) -> Option<Call<'y>> {
    let at = test.at.in_file(&entry.file);
    let name = test_name(test);
    let wrong = |message: &str, hint: &str| {
        loading.report(Diagnostic::error("bad-test", message).at(at.clone()).hint(hint));
        None
    };
    let Some(name) = name else {
        return wrong(
            "a test must be a name or a mapping with one key",
            "write '- not_null' or '- accepted_values: {…}'",
        );
    };
    match &test.kind {
        Kind::Map(entries) if test.get("test_name").is_some() => {
            Some(Call { name, at, entries: entries.iter().filter(|entry| entry.key != "test_name").collect() })
        }
        Kind::Map(entries) if entries.len() != 1 => {
            let keys: Vec<&str> = entries.iter().map(|entry| entry.key.as_str()).collect();
            wrong(
                &format!("a test must have one key, its name; this one has {}", keys.join(", ")),
                "indent the arguments below the test's name",
            )
        }
        Kind::Map(entries) => {
            let arguments = &entries[0].value;
            match &arguments.kind {
                Kind::Map(inner) => Some(Call { name, at, entries: inner.iter().collect() }),
                Kind::Null => Some(Call { name, at, entries: Vec::new() }),
                _ => wrong("the arguments of a test must be a mapping", "write 'test_name: {argument: value}'"),
            }
        }
        _ => Some(Call { name, at, entries: Vec::new() }),
    }
}
