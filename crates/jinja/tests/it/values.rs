//! YAML values.

use millstream_core::Place;
use millstream_jinja::*;
use serde_json::{Value as Json, json};

use crate::support::*;

fn value(text: &str, scope: ValueScope) -> millstream_core::Result<Json> {
    environment(&[]).render_value(text, &Place::line("dbt_project.yml", 3), "shop", scope)
}

#[test]
fn one_expression_keeps_its_type_and_anything_else_is_text() {
    for (text, expected) in [
        ("plain", json!("plain")),
        ("{{ 1 + 1 }}", json!(2)),
        ("{{ [1, none, true] }}", json!([1, null, true])),
        ("{{ env_var('HOME_TOWN') }}", json!("Ulm")),
        ("{{ env_var('PORT', '5432') }}", json!("5432")),
        ("{{ env_var('PORT', '5432') | as_number }}", json!(5432)),
        ("{{ env_var('X', 'True') | as_bool }}", json!(true)),
        ("{{ '[1, 2]' | as_native }}", json!([1, 2])),
        ("{{ 5 | as_text }}", json!("5")),
        ("{{ target.type == 'postgres' | as_bool }}", json!(false)),
        ("{{ 'post' in ['postgres', 'redshift'] | as_bool() }}", json!(true)),
        ("{{ ('1' | as_number) ~ '2' }}", json!("12")),
        ("{{ ('1' | as_number) if true else 2 }}", json!(1)),
        ("{{ ('1' | as_number) if false else 2 }}", json!(2)),
        ("x {{ 1 }}", json!("x 1")),
        ("{{ target.name == 'dev' }}", json!(true)),
        ("{{ var('days') }}", json!(30)),
        ("{# note #}a", json!("a")),
        ("{{ var('templated') }}", json!("Ulm!")),
    ] {
        assert_eq!(value(text, ValueScope::Project).unwrap(), expected, "{text}");
    }
}

#[test]
fn markers_do_nothing_in_sql() {
    assert_eq!(render("{{ 'true' | as_bool }} {{ '1' | as_number }}"), "true 1");
}

#[test]
fn a_marker_that_does_not_fit_is_an_error() {
    let error = value("{{ 'five' | as_number }}", ValueScope::Project).unwrap_err();
    assert_eq!(error.what(), "could not convert value 'five' into type 'number'");
    assert_eq!(error.place().unwrap().to_string(), "dbt_project.yml:3:13");
}

#[test]
fn only_a_profile_sees_secrets() {
    assert_eq!(value("{{ env_var('DBT_ENV_SECRET_TOKEN') }}", ValueScope::Profile).unwrap(), json!("hunter2"));
    assert!(value("{{ env_var('DBT_ENV_SECRET_TOKEN') }}", ValueScope::Project).is_err());
    assert_eq!(environment(&[]).scrub("token=hunter2"), "token=*****");
}

#[test]
fn yaml_sees_no_macros_models_or_targets_it_should_not() {
    for text in ["{{ ref('a') }}", "{{ dbt_utils.group_by(1) }}", "{{ this }}{{ this.name }}", "{{ adapter.type() }}"] {
        assert!(value(text, ValueScope::Project).is_err(), "{text}");
    }
    assert_eq!(value("{{ target }}", ValueScope::Profile).unwrap(), Json::Null);
}
