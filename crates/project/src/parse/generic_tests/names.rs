//! Names, hashes and texts of generic tests, by dbt's rules to the character.

use serde_json::{Map, Value, json};

use super::arguments::Arguments;
use super::{CONFIG_KEYS, Target};
use crate::files;
use crate::limits::TEST_NAME_CHARS_MAX;
use crate::manifest::TestMetadata;
use crate::parse::python;

/// What a test is called.
pub(super) struct TestNames {
    /// Name in the unique id and fqn.
    pub full: String,
    /// Name of the file and relation: shorter than [`TEST_NAME_CHARS_MAX`].
    pub alias: String,
}

/// dbt's name of a generic test: test, target and flattened arguments, anything but letters, digits and underscores
/// replaced; a long one keeps 30 characters and the md5 of the whole. A name that the entry gives is taken as it is.
pub(super) fn of(target: &Target<'_>, arguments: &Arguments) -> TestNames {
    match &arguments.custom_name {
        Some(custom) => TestNames { full: custom.clone(), alias: custom.clone() },
        None => {
            names(target.is_source, &target.name, arguments.namespace.as_deref(), &arguments.test, &arguments.kwargs)
        }
    }
}

/// As [`of`], for a test without a name of its own.
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
pub(super) fn hash(name: &str, metadata: &TestMetadata) -> String {
    let value = json!({"namespace": metadata.namespace, "name": metadata.name, "kwargs": metadata.kwargs});
    let text = format!("{name}{}", python::repr(&python::hashable(&value)));
    let full = files::md5_hex(text.as_bytes());
    full[full.len() - 10..].to_owned()
}

/// The text that dbt writes for a generic test.
pub(super) fn raw_code(arguments: &Arguments) -> String {
    let Arguments { namespace, test, config, .. } = arguments;
    let function = namespace.as_ref().map_or(format!("test_{test}"), |namespace| format!("{namespace}.test_{test}"));
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
