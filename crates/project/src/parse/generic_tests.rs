//! Generic tests: entries of `data_tests:` under models, seeds, snapshots, sources and their columns.
//!
//! Names, aliases and unique ids follow dbt's rules to the character, so that artifacts can be compared.

use millstream_core::{Diagnostic, Place};
use millstream_jinja::{ParseContext, TestCall, ValueScope};
use serde_json::{Map, Value, json};

use super::columns::{self, test_name};
use super::nodes::{self, Unresolved};
use super::properties::Entry;
use super::{Loading, draft, python};
use crate::config::merge::{Setting, Settings};
use crate::config::render::{Renderer, Templates};
use crate::config::typed;
use crate::files;
use crate::limits::TEST_NAME_CHARS_MAX;
use crate::manifest::{Access, Checksum, DependsOn, Docs, Node, ResourceType, TestMetadata};
use crate::names::did_you_mean;
use crate::yaml::{Kind, Yaml};

/// Settings that dbt also accepts beside `config:` in a test, in dbt's order.
const CONFIG_KEYS: &[&str] = &[
    "severity",
    "tags",
    "enabled",
    "where",
    "limit",
    "warn_if",
    "error_if",
    "fail_calc",
    "store_failures",
    "store_failures_as",
    "meta",
    "database",
    "schema",
    "alias",
];

/// What a test is declared on.
#[derive(Debug, Clone)]
pub(crate) struct Target<'a> {
    /// The property entry that declares it.
    pub entry: &'a Entry,
    /// The mapping that holds `data_tests:` and `columns:`.
    pub owner: &'a Yaml,
    /// Name in the test's name: the model, or `source_table`.
    pub name: String,
    /// The call that gives its relation: `ref('x')`, `source('a', 'b')`.
    pub call: String,
    /// Whether it is a source table.
    pub is_source: bool,
    /// `models.fct_users`, `sources.raw`.
    pub file_key_name: String,
    /// The node, for models, seeds and snapshots.
    pub attached_node: Option<String>,
    /// Group that the tests inherit.
    pub group: Option<String>,
    /// Tags that the tests inherit.
    pub tags: Vec<String>,
}

/// All tests of a target: those of its columns, then its own.
pub(crate) fn read(loading: &Loading, target: &Target<'_>) -> Vec<Unresolved> {
    let mut tests = Vec::new();
    for column in target.owner.get("columns").map(Yaml::items).unwrap_or_default() {
        let Some(name) = column.get("name").and_then(Yaml::scalar_text) else { continue };
        let quoted = matches!(column.get("quote").map(|quote| &quote.kind), Some(Kind::Bool(true)));
        let name = if quoted { format!("\"{}\"", name.replace('"', "\"\"")) } else { name };
        let tags = columns::tags(target.entry, column, loading);
        for test in declared(loading, target.entry, column) {
            tests.extend(read_one(loading, target, Some((&name, &tags)), test));
        }
    }
    for test in declared(loading, target.entry, target.owner) {
        tests.extend(read_one(loading, target, None, test));
    }
    tests
}

/// Entries of `data_tests:` or, as it was called before, `tests:`.
fn declared<'y>(loading: &Loading, entry: &Entry, owner: &'y Yaml) -> &'y [Yaml] {
    let list = match (owner.get("data_tests"), owner.entry("tests")) {
        (Some(_), Some(both)) => {
            loading.report(
                Diagnostic::error("duplicate", "both 'tests' and 'data_tests' are given")
                    .at(both.at.in_file(&entry.file))
                    .hint("move all of them under 'data_tests'"),
            );
            return &[];
        }
        (Some(list), None) => list,
        (None, Some(older)) => &older.value,
        (None, None) => return &[],
    };
    if !matches!(list.kind, Kind::List(_) | Kind::Null) {
        loading.report(entry.wrong("data_tests", list, "a list").hint("start each test with '- '"));
    }
    list.items()
}

/// The parts of one entry.
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

fn read_one(
    loading: &Loading,
    target: &Target<'_>,
    column: Option<(&str, &[String])>,
    test: &Yaml,
) -> Option<Unresolved> {
    let entry = target.entry;
    let package = &loading.packages[entry.package];
    let call = call(loading, entry, test)?;
    let (namespace, name) = match call.name.split_once('.') {
        Some((namespace, name)) => (Some(namespace.to_owned()), name.to_owned()),
        None => (None, call.name.clone()),
    };
    let Some(found) = loading.environment.find_test(&package.name, &call.name) else {
        let known: Vec<&str> = loading.macros.values().filter_map(|info| info.name.strip_prefix("test_")).collect();
        loading.report(
            Diagnostic::error("unknown-test", format!("there is no generic test '{}'", call.name))
                .at(call.at.clone())
                .hint(did_you_mean(&name, known, "define it with {% test … %} under tests/generic/")),
        );
        return None;
    };
    let mut kwargs = Map::new();
    if let Some((column_name, _)) = column {
        kwargs.insert("column_name".into(), column_name.into());
    }
    let mut config = Settings::new();
    let (mut custom_name, mut description) = (None, String::new());
    let renderer = Renderer {
        templates: Templates::Ready(&loading.environment),
        scope: ValueScope::Project,
        package: &package.name,
        file: &entry.file,
    };
    let rendered = |yaml: &Yaml| loading.collecting(|diagnostics| renderer.render_all(yaml, diagnostics));
    for argument in &call.entries {
        let key = argument.key.as_str();
        match key {
            "config" => {
                if !matches!(argument.value.kind, Kind::Map(_) | Kind::Null) {
                    loading.report(entry.wrong("config", &argument.value, "a mapping"));
                }
                for setting in rendered(&argument.value).entries() {
                    let place = setting.at.in_file(&entry.file);
                    if config.contains_key(&setting.key) {
                        loading.report(
                            Diagnostic::error(
                                "duplicate",
                                format!("'{}' stands beside 'config:' and in it", setting.key),
                            )
                            .at(place.clone())
                            .hint("keep the one under 'config:'"),
                        );
                    }
                    config.insert(setting.key.clone(), Setting { value: setting.value.to_json(), place });
                }
            }
            "arguments" if !matches!(argument.value.kind, Kind::Map(_) | Kind::Null) => {
                loading.report(entry.wrong("arguments", &argument.value, "a mapping"));
            }
            "arguments" => {
                for argument in argument.value.entries() {
                    kwargs.insert(argument.key.clone(), argument.value.to_json());
                }
            }
            "name" => custom_name = argument.value.scalar_text(),
            "description" => description = argument.value.scalar_text().unwrap_or_default(),
            key if CONFIG_KEYS.contains(&key) => {
                if !argument.value.is_null() {
                    let value = rendered(&argument.value).to_json();
                    config.insert(key.to_owned(), Setting { value, place: argument.at.in_file(&entry.file) });
                }
            }
            key => {
                kwargs.insert(key.to_owned(), argument.value.to_json());
            }
        }
    }
    if kwargs.contains_key("model") {
        loading.report(
            Diagnostic::error("bad-test", "a test cannot be given 'model': it is what the test is declared on")
                .at(call.at.clone()),
        );
        return None;
    }
    let names = test_names(target, namespace.as_deref(), &name, &kwargs, custom_name);
    if names.alias != names.full && !config.contains_key("alias") {
        config.insert("alias".into(), Setting { value: names.alias.clone().into(), place: call.at.clone() });
    }
    kwargs.insert("model".into(), format!("{{{{ get_where_subquery({}) }}}}", target.call).into());
    let metadata = TestMetadata { name: name.clone(), namespace: namespace.clone(), kwargs };

    let (_, below_root) = entry.path.split_once('/').unwrap_or(("", &entry.path));
    let mut fqn = draft::fqn_prefix(package, below_root);
    fqn.push(names.full.clone());
    let settings = nodes::settings(loading, entry.package, "data_tests", &fqn, &Settings::new(), &[config.clone()]);
    let typed = loading.collecting(|diagnostics| typed::node_config(ResourceType::Test, &settings, diagnostics));
    let mut tags: Vec<String> = target.tags.clone();
    tags.extend(column.map(|(_, tags)| tags.to_vec()).unwrap_or_default());
    tags.extend(typed.tags.iter().cloned());
    tags.sort();
    tags.dedup();

    let mut node = Node {
        unique_id: format!("test.{}.{}.{}", package.name, names.full, hash(&names.full, &metadata)),
        resource_type: ResourceType::Test,
        path: format!("{}.sql", names.alias),
        name: names.full.clone(),
        package_name: package.name.clone(),
        original_file_path: entry.path.clone(),
        package_dir: package.prefix.clone(),
        fqn: fqn.clone(),
        alias: names.full,
        schema: String::new(),
        database: None,
        relation_name: None,
        checksum: Checksum { name: "none".into(), checksum: String::new() },
        unrendered_config: nodes::unrendered(
            loading,
            entry.package,
            "data_tests",
            &fqn,
            &Settings::new(),
            &[config.clone()],
        ),
        tags,
        meta: typed.meta.clone(),
        description,
        columns: indexmap::IndexMap::new(),
        constraints: Vec::new(),
        group: target.group.clone(),
        access: Access::default(),
        version: None,
        latest_version: None,
        deprecation_date: None,
        primary_key: Vec::new(),
        docs: Docs::default(),
        doc_blocks: Vec::new(),
        patch_path: None,
        raw_code: raw_code(namespace.as_deref(), &name, &config),
        raw_code_line: call.at.line.unwrap_or(1),
        refs: Vec::new(),
        sources: Vec::new(),
        depends_on: DependsOn { macros: vec![found.unique_id], nodes: Vec::new() },
        column_name: column.map(|(name, _)| name.to_owned()),
        file_key_name: Some(target.file_key_name.clone()),
        attached_node: target.attached_node.clone(),
        test_metadata: Some(metadata),
        index: None,
        place: call.at.clone(),
        patch_place: None,
        config: typed,
    };
    let (ref_places, source_places) = parse(loading, &mut node, &call)?;
    nodes::name_relation(loading, &mut node);
    Some(Unresolved { node, ref_places, source_places })
}

/// Renders the test once, to find out what it reads.
fn parse(loading: &Loading, node: &mut Node, call: &Call<'_>) -> Option<(Vec<Place>, Vec<Place>)> {
    let metadata = node.test_metadata.as_ref()?;
    let test = TestCall { package: &node.package_name, name: &call.name, arguments: &metadata.kwargs, place: &call.at };
    let context = ParseContext {
        node: json!({
            "name": node.name,
            "alias": node.alias,
            "resource_type": "test",
            "package_name": node.package_name,
            "unique_id": node.unique_id,
            "config": node.config.values,
            "column_name": node.column_name,
            "original_file_path": node.original_file_path,
        }),
        this: None,
        extra: Map::new(),
    };
    match loading.environment.parse_test(&test, &context) {
        Ok(parsed) => {
            let (refs, sources) = nodes::add_calls(node, &parsed);
            // The calls stand in arguments, which have no lines of their own: the test's place is the nearest.
            Some((vec![call.at.clone(); refs.len()], vec![call.at.clone(); sources.len()]))
        }
        Err(error) => {
            loading.report_error("bad-test", &error, call.at.clone());
            None
        }
    }
}

struct TestNames {
    /// Name in the unique id and fqn.
    full: String,
    /// Name of the file and relation: shorter than [`TEST_NAME_CHARS_MAX`].
    alias: String,
}

/// dbt's name of a generic test: test, target and flattened arguments, anything but letters, digits and underscores
/// replaced; a long one keeps 30 characters and the md5 of the whole.
fn test_names(
    target: &Target<'_>,
    namespace: Option<&str>,
    test: &str,
    kwargs: &Map<String, Value>,
    custom: Option<String>,
) -> TestNames {
    match custom {
        Some(custom) => TestNames { full: custom.clone(), alias: custom },
        None => names(target.is_source, &target.name, namespace, test, kwargs),
    }
}

/// As [`test_names`], for a test without a name of its own.
fn names(is_source: bool, target: &str, namespace: Option<&str>, test: &str, kwargs: &Map<String, Value>) -> TestNames {
    let kind = if is_source { format!("source_{test}") } else { test.to_owned() };
    let kind = namespace.map_or(kind.clone(), |namespace| format!("{namespace}_{kind}"));
    let mut names: Vec<&String> = kwargs.keys().collect();
    names.sort();
    let mut parts: Vec<String> = Vec::new();
    for name in names {
        match &kwargs[name] {
            Value::Object(object) => parts.extend(object.values().map(python::str_of)),
            Value::Array(items) => parts.extend(items.iter().map(python::str_of)),
            scalar => parts.push(python::str_of(scalar)),
        }
    }
    let cleaned: Vec<String> = parts.iter().map(|part| clean(part)).collect();
    let identifier = format!("{kind}_{target}");
    let full = format!("{identifier}_{}", cleaned.join("__"));
    let alias = if full.chars().count() >= TEST_NAME_CHARS_MAX {
        let start: String = identifier.chars().take(30).collect();
        format!("{start}_{}", files::md5_hex(full.as_bytes()))
    } else {
        full.clone()
    };
    TestNames { full, alias }
}

/// Runs of other characters become one underscore.
fn clean(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut in_run = false;
    for c in text.chars() {
        if c.is_ascii_alphanumeric() || c == '_' {
            out.push(c);
            in_run = false;
        } else if !in_run {
            out.push('_');
            in_run = true;
        }
    }
    out
}

/// The last ten characters of the md5 of name and arguments, as Python would print them.
fn hash(name: &str, metadata: &TestMetadata) -> String {
    let value = json!({"namespace": metadata.namespace, "name": metadata.name, "kwargs": metadata.kwargs});
    let text = format!("{name}{}", python::repr(&python::hashable(&value)));
    let full = files::md5_hex(text.as_bytes());
    full[full.len() - 10..].to_owned()
}

/// The text that dbt writes for a generic test.
fn raw_code(namespace: Option<&str>, test: &str, config: &Settings) -> String {
    let function = namespace.map_or(format!("test_{test}"), |namespace| format!("{namespace}.test_{test}"));
    let known = CONFIG_KEYS.iter().filter_map(|key| config.get_key_value(*key));
    let others = config.iter().filter(|(key, _)| !CONFIG_KEYS.contains(&key.as_str()));
    let settings: Vec<String> = known
        .chain(others)
        .map(|(key, setting)| match &setting.value {
            Value::String(text) => format!("{key}=\"{}\"", text.replace('"', "\\\"")),
            other => format!("{key}={}", python::str_of(other)),
        })
        .collect();
    let call = format!("{{{{ {function}(**_dbt_generic_test_kwargs) }}}}");
    if settings.is_empty() { call } else { format!("{call}{{{{ config({}) }}}}", settings.join(",")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_dbts() {
        let metadata = |name: &str, kwargs: Value| TestMetadata {
            name: name.into(),
            namespace: None,
            kwargs: kwargs.as_object().cloned().unwrap_or_default(),
        };
        // Unique ids that dbt-core 1.11.16 gave to the same tests.
        let unique = metadata("unique", json!({"column_name": "id", "model": "{{ get_where_subquery(ref('a')) }}"}));
        assert_eq!(hash("unique_a_id", &unique), "f6a5f640da");
        let values = metadata(
            "accepted_values",
            json!({"column_name": "id", "values": [1, 2, "abc", true, null, 1.5], "model": "{{ get_where_subquery(ref('a')) }}"}),
        );
        assert_eq!(hash("accepted_values_a_id__1__2__abc__True__None__1_5", &values), "0bb5cd195a");
        let source = metadata(
            "not_null",
            json!({"column_name": "id", "model": "{{ get_where_subquery(source('raw', 'users')) }}"}),
        );
        assert_eq!(hash("source_not_null_raw_users_id", &source), "ef1126e96d");
    }

    #[test]
    fn long_names_are_cut_and_hashed() {
        let name = |length: usize| {
            // `unique_`, the model, `_`, the column: 63 characters in all for a column of 53.
            let kwargs = json!({"column_name": "c".repeat(length)}).as_object().cloned().unwrap_or_default();
            names(false, "m1", None, "unique", &kwargs)
        };
        let short = name(53);
        assert_eq!((short.full.len(), short.alias == short.full), (TEST_NAME_CHARS_MAX - 1, true));
        let long = name(54);
        assert_eq!(long.full.len(), TEST_NAME_CHARS_MAX);
        // md5 of the full name, as `hashlib.md5(name.encode()).hexdigest()` gives it.
        assert_eq!(long.alias, "unique_m1_9aad9df0ce50c85093aad3f565f19871");
    }

    #[test]
    fn text_is_cleaned_run_by_run() {
        assert_eq!(clean("ref('stg')"), "ref_stg_");
        assert_eq!(clean("a  b-ü"), "a_b_");
    }
}
