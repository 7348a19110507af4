//! Errors: where, why, and the way out.

use millstream_core::Kind;
use millstream_jinja::*;

use crate::support::*;

#[test]
fn an_error_tells_file_line_and_column() {
    for (text, place, word) in [
        ("select 1\n  {{ 1 + 'a' }}", "models/orders.sql:2:6", "unsupported operand"),
        ("{{ 'a' + 1 }}", "models/orders.sql:1:4", "can only concatenate str"),
        ("\n\n{{ [1] | nope }}", "models/orders.sql:3:10", "no filter named 'nope'"),
        ("ä {{ x.y }}", "models/orders.sql:1:6", "'x' is undefined, so it has no attribute 'y'"),
        ("{{ ref() }}", "models/orders.sql:1:4", "ref() takes one or two names"),
        ("{{ ref('missing') }}", "models/orders.sql:1:4", "model 'missing' is not known"),
        ("{{ source('a') }}", "models/orders.sql:1:4", "source() takes a source and a table"),
        ("{% for x in 5 %}{% endfor %}", "models/orders.sql:1:4", "'int' object is not iterable"),
        ("{% set a, b = [1] %}", "models/orders.sql:1:15", "expected 2 values to unpack, got 1"),
        ("{{ {[1]: 2} }}", "models/orders.sql:1:4", "unhashable type: 'list'"),
        ("{{ 'abc' < 1 }}", "models/orders.sql:1:4", "'<' not supported between instances of 'str' and 'int'"),
    ] {
        let error = error(&[], text);
        assert!(error.what().contains(word), "{text}: {error}");
        assert_eq!(error.kind(), Kind::User);
        assert_eq!(error.place().unwrap().to_string(), place, "{text}: {error}");
    }
}

#[test]
fn broken_syntax_is_told_with_its_place() {
    for (text, line) in [
        ("a\n{% if x %}\n", 0),
        ("a\n{{ 1 + }}", 2),
        ("{% frobnicate %}", 1),
        ("\n\n{{ 'abc }}", 3),
        ("{% endif %}", 1),
    ] {
        let error = error(&[], text);
        assert!(error.what().contains("cannot be read"), "{error}");
        if line > 0 {
            assert_eq!(error.place().unwrap().line, Some(line), "{text}: {error}");
        }
    }
    let template = Template { line: 10, ..template("x\n{{ 1 + }}") };
    let error = environment(&[]).parse(&template, &ParseContext::default()).unwrap_err();
    assert_eq!(error.place().unwrap().line, Some(11));
}

#[test]
fn the_macros_that_led_there_are_told() {
    let macros = [
        "{% macro outer(x) %}\n  {{ inner(x) }}\n{% endmacro %}",
        "{% macro inner(x) %}{{ exceptions.raise_compiler_error('bad ' ~ x) }}{% endmacro %}",
    ];
    let error = error(&macros, "select\n  {{ outer(5) }}");
    assert_eq!(
        error.to_string(),
        "bad 5\n  --> macros/m1.sql:1:24\n  because: in macro shop.inner, called at macros/m0.sql:2:6\n  because: in macro shop.outer, called at models/orders.sql:2:6"
    );
}

#[test]
fn what_is_nearly_a_known_name_is_suggested() {
    for (text, hint) in [
        ("{{ reff('a') }}", "did you mean 'ref'?"),
        ("{{ my_macr() }}", "did you mean 'my_macro'?"),
        ("{{ dbt_util.star(ref('a')) }}", "did you mean 'dbt_utils'?"),
        ("{{ dbt_utils.sar(ref('a')) }}", "did you mean 'star'?"),
        ("{{ [1] | jion }}", "did you mean 'join'?"),
        ("{{ var('strat') }}", "did you mean 'start'?"),
        ("{{ my_macro(colour=1) }}", "did you mean 'color'?"),
        ("{{ this.includ() }}", "did you mean 'include'?"),
        ("{{ 'a'.uper() }}", "did you mean 'upper'?"),
        ("{{ ref('missing') }}", "did you mean 'mission'?"),
    ] {
        let error = error(&["{% macro my_macro(color=1) %}{% endmacro %}"], text);
        assert_eq!(error.fix(), Some(hint), "{text}: {error}");
    }
}

#[test]
fn arguments_of_macros_are_checked() {
    let macros = ["{% macro m(a, b=2) %}{% endmacro %}"];
    assert!(error(&macros, "{{ m(1, 2, 3) }}").what().contains("takes not more than 2 argument(s), 3 given"));
    assert!(error(&macros, "{{ m(1, a=2) }}").what().contains("multiple values for argument 'a'"));
    assert!(error(&macros, "{{ m(c=2) }}").what().contains("no keyword argument 'c'"));
}

#[test]
fn missing_variables_are_told_as_dbt_tells_them() {
    assert_eq!(
        error(&[], "{{ var('nothing_like_it') }}").what(),
        "Required var 'nothing_like_it' not found in config of model.shop.orders"
    );
    assert_eq!(error(&[], "{{ env_var('NOT_SET') }}").what(), "Env var required but not provided: 'NOT_SET'");
    let secret = error(&[], "{{ env_var('DBT_ENV_SECRET_TOKEN') }}");
    assert!(secret.what().starts_with("Secret env vars are allowed only in profiles.yml"), "{secret}");
}

#[test]
fn secrets_are_never_in_an_error() {
    let error = error(&[], "{{ exceptions.raise_compiler_error('token ' ~ 'hunter' ~ '2') }}");
    assert_eq!(error.what(), "token *****");
}

#[test]
fn every_problem_of_every_macro_file_is_told_at_once() {
    let Err(problems) = Environment::new(options(&[
        "{% macro a() %}{{ 1 + }}{% endmacro %}\n{% macro b() %}{% if %}{% endmacro %}",
        "{% macro c() %}",
        "{% macro d() %}{% endmacro %}\n{% macro d() %}{% endmacro %}",
    ])) else {
        panic!("four problems")
    };
    let told: Vec<String> =
        problems.sorted().iter().map(|p| format!("{} {}", p.code, p.place.as_ref().unwrap())).collect();
    assert_eq!(told.len(), 4, "{told:?}");
    assert_eq!(told[2..], ["jinja-syntax macros/m1.sql:1:1", "duplicate-macro macros/m2.sql:2:1"]);
    assert!(
        told[0].starts_with("jinja-syntax macros/m0.sql:1:") && told[1].starts_with("jinja-syntax macros/m0.sql:2:"),
        "{told:?}"
    );
}

#[test]
fn the_same_name_in_two_packages_is_no_duplicate() {
    let mut options = options(&["{% macro star() %}mine{% endmacro %}"]);
    options.macros.push(MacroFile {
        package: "lib".to_owned(),
        path: "a.sql".to_owned(),
        text: "{% macro star() %}lib{% endmacro %}".to_owned(),
    });
    let text = made(options)
        .render(&template("{{ star() }} {{ lib.star() }}"), &context(std::sync::Arc::new(NoAdapter)))
        .unwrap();
    assert_eq!(text, "mine lib");
}

#[test]
fn parts_of_jinja_that_dbt_has_not_are_refused_by_name() {
    assert!(error(&[], "{% include 'x' %}").what().contains("include"));
    assert!(error(&[], "{% extends 'x' %}").what().contains("extends"));
}
