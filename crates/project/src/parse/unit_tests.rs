//! Unit tests: rows in, rows out.

use millstream_core::{Diagnostic, Place};
use serde_json::{Map, Value};

use super::exposures::calls_in;
use super::properties::Entry;
use super::{Loading, columns, draft, nodes};
use crate::config::merge;
use crate::config::typed;
use crate::files;
use crate::manifest::{DependsOn, Manifest, Node, RefArgs, ResourceType, UnitTest, UnitTestRows};
use crate::yaml::{Kind, Yaml};

const KEYS: &[&str] =
    &["name", "description", "model", "given", "expect", "overrides", "config", "versions", "meta", "tags"];

/// What an input of a unit test names.
#[derive(Debug, Clone)]
pub(crate) enum Input {
    /// The model's own table, or expected rows.
    None,
    /// A `ref()`.
    Ref(RefArgs),
    /// A `source()`.
    Source([String; 2]),
}

/// A unit test whose names are not resolved yet.
#[derive(Debug, Clone)]
pub(crate) struct UnresolvedUnitTest {
    pub test: UnitTest,
    /// One for each of [`UnitTest::given`], with its place.
    pub inputs: Vec<(Input, Place)>,
    /// Where `model:` stands.
    pub model_place: Place,
}

/// One `unit_tests:` entry.
pub(crate) fn read(loading: &Loading, entry: &Entry) -> Option<UnresolvedUnitTest> {
    entry.warn_unknown(loading, &entry.yaml, "a unit test", KEYS);
    let package = &loading.packages[entry.package];
    let yaml = &entry.yaml;
    let missing = |key: &str, hint: &str| {
        loading.report(
            Diagnostic::error("bad-unit-test", format!("unit test '{}' has no '{key}'", entry.name))
                .at(entry.place())
                .hint(hint),
        );
    };
    let Some(model) = yaml.get("model").and_then(Yaml::scalar_text) else {
        missing("model", "name the model that it tests");
        return None;
    };
    let Some(expected) = yaml.get("expect") else {
        missing("expect", "add 'expect: {rows: […]}'");
        return None;
    };
    let mut fqn = draft::fqn_prefix(package, &entry.relative);
    fqn.extend([model.clone(), entry.name.clone()]);
    let patch = yaml.get("config").map(|config| merge::from_yaml(config, &entry.file)).unwrap_or_default();
    let settings = nodes::settings(loading, entry.package, "unit_tests", &fqn, &patch, &[]);
    let config = loading.collecting(|diagnostics| typed::node_config(ResourceType::UnitTest, &settings, diagnostics));
    let mut given = Vec::new();
    let mut inputs = Vec::new();
    for item in yaml.get("given").map(Yaml::items).unwrap_or_default() {
        let place = item.at.in_file(&entry.file);
        let Some(input) = item.get("input").and_then(Yaml::scalar_text) else {
            loading.report(
                Diagnostic::error("bad-unit-test", "an element of 'given' has no 'input'")
                    .at(place)
                    .hint("write \"input: ref('model')\""),
            );
            continue;
        };
        inputs.push((named(loading, entry, &input, &place), place));
        given.push(rows(loading, entry, item, input));
    }
    let meta = columns::meta(entry, yaml, loading);
    Some(UnresolvedUnitTest {
        model_place: yaml.get("model").unwrap_or(yaml).at.in_file(&entry.file),
        test: UnitTest {
            unique_id: format!("unit_test.{}.{model}.{}", package.name, entry.name),
            name: entry.name.clone(),
            model,
            tested_node: String::new(),
            package_name: package.name.clone(),
            original_file_path: entry.path.clone(),
            path: entry.relative.clone(),
            fqn,
            description: yaml.get("description").and_then(Yaml::scalar_text).unwrap_or_default(),
            given,
            expect: rows(loading, entry, expected, String::new()),
            overrides: yaml.get("overrides").map(Yaml::to_json_map).unwrap_or_default(),
            tags: config.tags.clone(),
            meta: config.meta.into_iter().chain(meta).collect(),
            version: None,
            versions: yaml.get("versions").map(Yaml::to_json),
            enabled: config.enabled,
            depends_on: DependsOn::default(),
            place: entry.place(),
        },
        inputs,
    })
}

fn named(loading: &Loading, entry: &Entry, input: &str, place: &Place) -> Input {
    if input.trim() == "this" {
        return Input::None;
    }
    let parsed = calls_in(loading, entry.package, input, place);
    if let Some(call) = parsed.refs.into_iter().next() {
        return Input::Ref(RefArgs { name: call.name, package: call.package, version: call.version });
    }
    if let Some(call) = parsed.sources.into_iter().next() {
        return Input::Source([call.source, call.table]);
    }
    loading.report(
        Diagnostic::error("bad-unit-test", format!("'{input}' is not an input"))
            .at(place.clone())
            .hint("write \"ref('model')\", \"source('source', 'table')\" or \"this\""),
    );
    Input::None
}

/// The rows of an input or of the expectation. CSV is read into objects with text values (empty: null).
fn rows(loading: &Loading, entry: &Entry, owner: &Yaml, input: String) -> UnitTestRows {
    let place = owner.at.in_file(&entry.file);
    let format = owner.get("format").and_then(Yaml::scalar_text).unwrap_or_else(|| "dict".into());
    let wrong = |message: String, hint: &str| {
        loading.report(Diagnostic::error("bad-unit-test", message).at(place.clone()).hint(hint));
        Value::Array(Vec::new())
    };
    let fixture = owner.get("fixture").and_then(Yaml::scalar_text);
    let text = match &fixture {
        Some(name) => read_fixture(loading, entry, name, &format, &place),
        None => owner.get("rows").and_then(Yaml::scalar_text),
    };
    let rows = match (format.as_str(), owner.get("rows")) {
        ("dict", Some(list)) if matches!(list.kind, Kind::List(_)) => list.to_json(),
        ("dict", _) if fixture.is_some() => {
            wrong("a fixture is a file of rows as CSV or SQL".into(), "say 'format: csv' or 'format: sql'")
        }
        ("dict", None) => Value::Array(Vec::new()),
        ("dict", Some(_)) => wrong("'rows' must be a list of mappings".into(), "or say 'format: csv' or 'format: sql'"),
        ("sql", _) => Value::String(text.unwrap_or_default()),
        ("csv", _) => csv_rows(&text.unwrap_or_default()).unwrap_or_else(|error| wrong(error, "correct the CSV text")),
        (other, _) => wrong(format!("'{other}' is not a format of rows"), "use one of: dict, csv, sql"),
    };
    let is_given = fixture.is_some() || owner.get("rows").is_some_and(|rows| !rows.is_null());
    UnitTestRows { input, input_unique_id: None, format, rows, is_given, fixture }
}

fn read_fixture(loading: &Loading, entry: &Entry, name: &str, format: &str, place: &Place) -> Option<String> {
    let package = &loading.packages[entry.package];
    let extension = if format == "sql" { "sql" } else { "csv" };
    let folders: Vec<String> = package.file.test_paths.iter().map(|path| format!("{path}/fixtures")).collect();
    let found = loading.collecting(|diagnostics| package.find(&folders, &[extension], diagnostics));
    let Some(file) = found.iter().find(|found| found.stem() == name) else {
        loading.report(
            Diagnostic::error("bad-unit-test", format!("there is no fixture '{name}'"))
                .at(place.clone())
                .hint(format!("put it into {}/{name}.{extension}", folders.first().map_or("tests/fixtures", |f| f))),
        );
        return None;
    };
    loading.collecting(|diagnostics| files::read_text(&file.absolute, &package.label(&file.path), diagnostics))
}

fn csv_rows(text: &str) -> Result<Value, String> {
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.trim().as_bytes());
    let headers = reader.headers().map_err(|error| error.to_string())?.clone();
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|error| error.to_string())?;
        let row: Map<String, Value> = headers
            .iter()
            .zip(record.iter())
            .map(|(name, value)| {
                let value = if value.is_empty() { Value::Null } else { Value::String(value.to_owned()) };
                (name.to_owned(), value)
            })
            .collect();
        rows.push(Value::Object(row));
    }
    Ok(Value::Array(rows))
}

/// The test once for each version of its model that it is for; of a model without versions, the test itself.
pub(crate) fn of_versions(test: UnitTest, manifest: &Manifest) -> Vec<UnitTest> {
    let tested = |test: UnitTest, node: &Node| {
        let mut test = UnitTest { tested_node: node.unique_id.clone(), ..test };
        test.depends_on.nodes = vec![node.unique_id.clone()];
        if let Some(version) = &node.version {
            test.unique_id = format!("{}.v{version}", test.unique_id);
            test.fqn.push(format!("v{version}"));
            test.version = Some(version.clone());
        }
        test
    };
    let Some(node) = manifest.nodes.get(&test.tested_node) else { return Vec::new() };
    if node.version.is_none() {
        return vec![tested(test, node)];
    }
    let listed = |key: &str| -> Option<Vec<String>> {
        match test.versions.as_ref()?.get(key)? {
            Value::Array(items) => Some(items.iter().map(plain).collect()),
            one => Some(vec![plain(one)]),
        }
    };
    let (include, exclude) = (listed("include"), listed("exclude").unwrap_or_default());
    let is_wanted = |version: &String| {
        include.as_ref().is_none_or(|include| include.iter().any(|it| it == version || it == "all" || it == "*"))
            && !exclude.contains(version)
    };
    let same = |other: &&Node| {
        other.resource_type == ResourceType::Model
            && other.name == node.name
            && other.package_name == node.package_name
            && other.version.as_ref().is_some_and(is_wanted)
    };
    manifest.nodes.values().filter(same).map(|node| tested(test.clone(), node)).collect()
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// What dbt refuses: a test of an incremental model must say which way it goes, and give the rows of that way.
pub(crate) fn problem(test: &UnitTest, manifest: &Manifest) -> Option<Diagnostic> {
    let node = manifest.nodes.get(&test.tested_node)?;
    if node.config.materialized != "incremental" || !node.raw_code.contains("is_incremental") {
        return None;
    }
    let decided = test.overrides.get("macros").and_then(|macros| macros.get("is_incremental")).and_then(Value::as_bool);
    let has_this = test.given.iter().any(|given| given.input.trim() == "this");
    let problem = match decided {
        None => Diagnostic::error(
            "bad-unit-test",
            format!("unit test '{}' does not say whether {} adds to a table that is there", test.name, test.model),
        )
        .hint("add 'overrides: {macros: {is_incremental: true}}', or false"),
        Some(true) if !has_this && node.raw_code.contains("this") => Diagnostic::error(
            "bad-unit-test",
            format!("unit test '{}' has no rows of the table that {} adds to", test.name, test.model),
        )
        .hint("add an input 'this' to 'given'"),
        Some(_) => return None,
    };
    Some(problem.at(test.place.clone()))
}
