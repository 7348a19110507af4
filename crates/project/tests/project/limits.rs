//! Each named limit at its value and one past it.

use std::sync::Arc;

use millstream_jinja::NoAdapter;
use millstream_project::limits::{TEXT_FILE_BYTES_MAX, THREADS_MAX};
use millstream_project::{CompileOptions, LoadOptions, Selection, load};

use crate::sandbox::{Sandbox, now};

#[test]
fn a_text_file_may_have_its_limit_and_no_more() {
    let at_limit = format!("select 1{}", " ".repeat(usize::try_from(TEXT_FILE_BYTES_MAX).unwrap() - 8));
    let sandbox = Sandbox::new([("models/a.sql", at_limit.as_str())]);
    assert_eq!(sandbox.load().unwrap().manifest.nodes.len(), 1);
    sandbox.write("models/a.sql", format!("{at_limit} ").as_bytes());
    let error = sandbox.load().err().unwrap().to_string();
    assert!(error.contains("error[too-large]") && error.contains("models/a.sql"), "{error}");
}

#[test]
fn threads_are_within_their_limit() {
    let sandbox = Sandbox::new([("models/a.sql", "select 1")]);
    let with = |threads| LoadOptions { threads: Some(threads), ..sandbox.options() };
    assert_eq!(load(&with(THREADS_MAX)).unwrap().target.threads, THREADS_MAX);
    for wrong in [0, THREADS_MAX + 1] {
        let error = load(&with(wrong)).err().unwrap().to_string();
        assert!(error.contains("error[bad-threads]"), "{error}");
    }
}

#[test]
fn a_selection_may_have_its_limit_of_terms_and_no_more() {
    let project = Sandbox::new([("models/a.sql", "select 1")]).load().unwrap();
    let with = |terms: usize| Selection { select: vec![vec!["a"; terms].join(" ")], ..Selection::default() };
    let limit = millstream_project::limits::SELECTOR_TERMS_MAX;
    assert_eq!(project.select(&with(limit)).unwrap().ids, ["model.shop.a"]);
    assert!(project.select(&with(limit + 1)).unwrap_err().to_string().contains("10000 terms"));
}

#[test]
fn problems_past_the_limit_are_counted() {
    let limit = millstream_project::limits::DIAGNOSTICS_MAX;
    let models: String = (0..limit + 5).map(|at| format!("  - name: m{at}\n")).collect();
    let text = format!("models:\n{models}");
    let project = Sandbox::new([("models/m.yml", text.as_str())]).load().unwrap();
    let warnings: Vec<String> = project.warnings.sorted().iter().map(ToString::to_string).collect();
    assert_eq!(warnings.len(), limit + 1);
    assert!(warnings.iter().any(|warning| warning.contains("5 more problems are not shown")));
}

#[test]
fn a_folder_without_a_project_is_told_with_a_way_out() {
    let empty = tempfile::tempdir().unwrap();
    let error = load(&LoadOptions::new(empty.path(), now(), "id")).err().unwrap();
    assert!(error.what().contains("holds no dbt_project.yml"));
    assert!(error.fix().unwrap().contains("millstream init"));
    let error = load(&LoadOptions::new(empty.path().join("nowhere"), now(), "id")).err().unwrap();
    assert!(error.what().contains("cannot be opened"), "{error}");
}

#[test]
fn a_file_that_is_not_utf8_is_told_with_its_line() {
    let sandbox = Sandbox::new([]);
    sandbox.write("models/a.sql", b"select 1\n, '\xff'");
    let error = sandbox.load().err().unwrap().to_string();
    assert!(error.contains("error[not-utf8]") && error.contains("models/a.sql:2"), "{error}");
}

#[test]
fn more_elements_than_the_limit_are_refused() {
    let limit = millstream_project::limits::NODES_MAX;
    let tables: String = (0..=limit).map(|at| format!("      - name: t{at}\n")).collect();
    let text = format!("sources:\n  - name: raw\n    tables:\n{tables}");
    let sandbox = Sandbox::new([("models/s.yml", text.as_str())]);
    let error = sandbox.load().err().unwrap().to_string();
    assert!(error.contains("50001 elements; it may have 50000"), "{error}");
    sandbox.write("models/s.yml", text.replace(&format!("      - name: t{limit}\n"), "").as_bytes());
    assert_eq!(sandbox.load().unwrap().manifest.sources.len(), limit);
}

#[test]
fn ephemeral_models_may_be_nested_up_to_the_limit() {
    let limit = millstream_project::limits::EPHEMERAL_DEPTH_MAX;
    let sandbox = Sandbox::new([("models/m0.sql", "{{ config(materialized='ephemeral') }} select 1 as id")]);
    for at in 1..=limit + 1 {
        let below = at - 1;
        let text = format!("{{{{ config(materialized='ephemeral') }}}} select * from {{{{ ref('m{below}') }}}}");
        sandbox.write(&format!("models/m{at}.sql"), text.as_bytes());
    }
    let project = sandbox.load().unwrap();
    let options = CompileOptions::new(Arc::new(NoAdapter), "compile");
    let compiled = project.compile(&format!("model.shop.m{limit}"), &options).unwrap();
    assert_eq!(compiled.ctes.len(), limit);
    let error = project.compile(&format!("model.shop.m{}", limit + 1), &options).unwrap_err().to_string();
    assert!(error.contains("nested more than 64 deep"), "{error}");
}

#[test]
fn selectors_may_be_nested_up_to_the_limit() {
    let limit = millstream_project::limits::SELECTOR_DEPTH_MAX;
    let nested = |levels: usize| {
        let inner = (0..levels).fold("a".to_owned(), |inner, _| format!("{{union: [{inner}]}}"));
        format!("selectors: [{{name: deep, definition: {inner}}}]")
    };
    let sandbox = Sandbox::new([("models/a.sql", "select 1"), ("selectors.yml", nested(limit).as_str())]);
    let deep = Selection { selector: Some("deep".into()), ..Selection::default() };
    assert_eq!(sandbox.load().unwrap().select(&deep).unwrap().ids, ["model.shop.a"]);
    sandbox.write("selectors.yml", nested(limit + 1).as_bytes());
    let error = sandbox.load().err().unwrap().to_string();
    assert!(error.contains("error[bad-selector]") && error.contains("selectors.yml:1:"), "{error}");
}

#[test]
fn more_packages_than_the_limit_are_refused() {
    let limit = millstream_project::limits::PACKAGES_MAX;
    let sandbox = Sandbox::new([]);
    for at in 0..limit {
        sandbox.write(&format!("dbt_packages/p{at}/dbt_project.yml"), format!("name: p{at}").as_bytes());
    }
    assert_eq!(sandbox.load().unwrap().config.packages.len(), limit);
    sandbox.write("dbt_packages/more/dbt_project.yml", b"name: more");
    let error = sandbox.load().err().unwrap().to_string();
    assert!(error.contains("more than 256 packages"), "{error}");
}
