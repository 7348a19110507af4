//! Templates whose output Python's Jinja2 told: see `tests/jinja2/generate.py`.

use serde_json::Value as Json;

use crate::support::render_with;

/// Where we differ: the template, what we make of it (none: an error), and why.
const DIFFERENCES: &[(&str, Option<&str>, &str)] = &[
    ("{{ range(3) }}", Some("[0, 1, 2]"), "range() gives a list; dbt users only iterate it"),
    (
        "{{ {'a': 1}.items() }} {{ {'a': 1}.keys() }} {{ {'a': 1}.values() }}",
        Some("[('a', 1)] ['a'] [1]"),
        "views of a dict are lists, and so can be indexed and appended to",
    ),
    ("{{ lipsum is defined }} {{ namespace is defined }}", Some("False True"), "dbt's context has no lipsum either"),
    ("{{ 'abc'.encode() }}", Some("abc"), "there is no type for bytes"),
];

#[test]
fn templates_render_as_in_jinja2() {
    let cases: Vec<Json> = serde_json::from_str(include_str!("../jinja2/expected.json")).unwrap();
    let mut differences = Vec::new();
    for case in &cases {
        let template = case["template"].as_str().unwrap();
        let known = DIFFERENCES.iter().find(|(text, ..)| *text == template);
        let expected = match known {
            Some((_, expected, _)) => *expected,
            None => case["output"].as_str(),
        };
        let actual = render_with(&[], template);
        if actual.as_deref().ok() != expected {
            let told = actual.unwrap_or_else(|error| format!("error: {error}"));
            let wanted = expected.map_or_else(|| format!("error like {}", case["error"]), str::to_owned);
            differences.push(format!("{template}\n  Jinja2: {wanted:?}\n  ours:   {told:?}"));
        }
    }
    assert!(cases.len() > 250, "the list was read");
    assert!(differences.is_empty(), "{} differ:\n{}", differences.len(), differences.join("\n"));
}
