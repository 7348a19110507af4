//! What parsing finds out.

use millstream_core::Place;
use millstream_jinja::*;
use serde_json::json;

use crate::support::*;

#[test]
fn every_input_is_noted_once_with_its_place() {
    let parsed = parse(
        "{{ config(materialized='table', tags=['x']) }}\nselect * from {{ ref('a') }}\n  join {{ ref('pkg', 'b', version=2) }} using (id)\n\
         join {{ source('raw', 't') }} join {{ ref('a') }} where x > {{ var('start') }} and {{ var('unknown') }}\n\
         {{ env_var('HOME_TOWN') }}{{ env_var('OTHER', 'd') }}{% if is_incremental() %}{{ this }}{% endif %}{{ config({'alias': 'z', 'tags': 'y'}) }}",
    );
    let refs: Vec<_> = parsed
        .refs
        .iter()
        .map(|r| (r.package.as_deref(), r.name.as_str(), r.version.as_deref(), r.line, r.column))
        .collect();
    assert_eq!(refs, [(None, "a", None, 2, 18), (Some("pkg"), "b", Some("2"), 3, 11)]);
    let sources: Vec<_> = parsed.sources.iter().map(|s| (s.source.as_str(), s.table.as_str(), s.line)).collect();
    assert_eq!(sources, [("raw", "t", 4)]);
    assert_eq!(parsed.configs.len(), 2);
    assert_eq!(json!(parsed.config()), json!({"materialized": "table", "tags": "y", "alias": "z"}));
    assert_eq!(parsed.vars.iter().map(String::as_str).collect::<Vec<_>>(), ["start", "unknown"]);
    assert_eq!(parsed.env_vars["OTHER"], Some(json!("d")));
    assert_eq!(parsed.env_vars["HOME_TOWN"], None);
    assert!(parsed.uses_is_incremental && !parsed.uses_this, "the branch is not taken while parsing");
}

#[test]
fn inputs_inside_macros_are_noted_with_the_place_in_the_macro() {
    let macros = [
        "\n{% macro from_a() %}{{ ref('a') }} {{ inner() }}{% endmacro %}\n{% macro inner() %}{{ this }}{% endmacro %}",
    ];
    let parsed = parse_with(&macros, "select * from {{ from_a() }} {{ dbt_utils.group_by(2) }}").unwrap();
    assert_eq!((parsed.refs[0].file.as_str(), parsed.refs[0].line, parsed.refs[0].column), ("macros/m0.sql", 2, 24));
    assert!(parsed.uses_this);
    // As dbt: what the template itself calls, not what those call.
    assert_eq!(parsed.macros, ["macro.shop.from_a", "macro.dbt_utils.group_by"]);
}

#[test]
fn nothing_runs_while_parsing() {
    let parsed = parse(
        "{% set t = run_query('select 1') %}{{ execute }} {{ t.columns[0].values() }} {{ t.rows | length }} \
         {{ adapter.get_relation('a', 'b', 'c') }} {{ adapter.get_columns_in_relation(ref('a')) }} \
         {% for x in t %}never{% endfor %}{{ config.get('x', 'default') }}|{{ dbt_utils.star(ref('z')) }} \
         {% set n = t.columns[0][0] %}{% if n > 5 %}never{% endif %}{{ n + 1 }}",
    );
    assert_eq!(parsed.text, "False  0 None [] |* ");
    assert_eq!(parsed.refs.len(), 2);
}

#[test]
fn a_macro_that_is_not_there_is_an_error_already_while_parsing() {
    assert!(parse_with(&[], "{{ nope() }}").is_err());
    assert!(
        parse_with(&[], "{{ dbt_utils.generate_surogate_key(['a']) }}")
            .unwrap_err()
            .fix()
            .unwrap()
            .contains("generate_surrogate_key")
    );
    assert!(parse_with(&[], "{{ dbt_expectations.foo() }}").unwrap_err().what().contains("dbt_expectations"));
}

#[test]
fn tests_are_parsed_with_their_arguments() {
    let environment = environment(&[]);
    let arguments = object(json!({
        "model": "{{ get_where_subquery(ref('orders')) }}", "column_name": "customer_id",
        "to": "ref('customers')", "field": "id",
    }));
    let place = Place::line("models/schema.yml", 7);
    let test = TestCall { package: "shop", name: "relationships", arguments: &arguments, place: &place };
    let parsed = environment.parse_test(&test, &ParseContext::default()).unwrap();
    assert_eq!(parsed.refs.iter().map(|r| r.name.as_str()).collect::<Vec<_>>(), ["orders", "customers"]);
    assert_eq!(parsed.refs[0].file, "argument model");
    assert_eq!(parsed.macros, ["macro.dbt.get_where_subquery", "macro.dbt.test_relationships"]);
}

#[test]
fn documentation_is_noted_and_found() {
    let mut options = options(&[]);
    options.docs.insert(("shop".to_owned(), "orders".to_owned()), "All orders.".to_owned());
    let environment = made(options);
    let parsed = environment.parse(&template("{{ doc('orders') }}"), &ParseContext::default()).unwrap();
    assert_eq!(parsed.text, "All orders.");
    let error = environment.parse(&template("{{ doc('order') }}"), &ParseContext::default()).unwrap_err();
    assert_eq!(error.fix(), Some("did you mean 'orders'?"));
}
